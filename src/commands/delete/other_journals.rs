//! Whether another journal beside the new one holds builds that are chosen now: a copy of a report has another name, and so another
//! journal.

use std::path::{Path, PathBuf};

use crate::deletion::Planned;
use crate::deletion::journal::{self, DatabaseName, ENDING, Past, PastBuild, Session};
use crate::output::Printer;
use crate::state::State;

use super::history::History;

/// How many journals are looked into, and how large one may be. It is only for a hint.
const JOURNALS: usize = 20;
const LARGEST: u64 = 64 * 1024 * 1024;

/// Says which journal continues what was begun, where this run would begin a new one. `database` names the database as it would
/// stand in the journal of such a past.
pub(super) fn hint_at_another(
    history: &History,
    host: Option<&str>,
    plan: &[Planned],
    database: impl Fn(&Past) -> DatabaseName,
    printer: Printer,
) {
    if !history.past.sessions.is_empty() || history.file.exists() {
        return;
    }
    let mut best: Option<(u64, PathBuf)> = None;
    for file in others(&history.file) {
        let Ok((past, _)) = journal::read(&file, None) else { continue };
        let is_same = |Session { start, .. }: &Session| {
            start.database == database(&past) && host.is_none_or(|host| start.host == host)
        };
        let builds = if past.sessions.first().is_some_and(is_same) { continued(&past, plan) } else { 0 };
        if builds > best.as_ref().map_or(0, |(builds, _)| *builds) {
            best = Some((builds, file));
        }
    }
    if let Some((builds, file)) = best {
        let name = file.display();
        printer.hint(&format!("{name} holds {builds} of these builds: --journal {name} continues it"));
    }
}

/// The journals in the folder of this one.
fn others(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
    let is_journal = |name: &PathBuf| name.to_string_lossy().ends_with(ENDING);
    let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name())).filter(is_journal);
    let mut names: Vec<PathBuf> = names.map(|name| folder.map_or_else(|| name.clone(), |at| at.join(&name))).collect();
    names.sort_unstable();
    names.truncate(JOURNALS);
    names.retain(|name| name.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST));
    names
}

/// How many builds of the plan a journal holds. None where it deleted one that is to be deleted now: after another restore a new
/// journal is right.
fn continued(past: &Past, plan: &[Planned]) -> u64 {
    let mut builds = 0;
    for planned in plan {
        let Some(url) = &planned.chosen.url else { continue };
        match past.builds.get(&url.to_string()) {
            Some(PastBuild::Ended { state: State::Deleted, .. }) if planned.is_deletion() => return 0,
            Some(_) => builds += 1,
            None => {}
        }
    }
    builds
}
