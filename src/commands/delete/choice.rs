//! Which rows are meant, and where their results go.

use std::collections::{BTreeMap, HashSet};
use std::fs::Metadata;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::{ChosenTiming, DeleteArgs};
use crate::commands::Error;
use crate::commands::files::Files;
use crate::commands::read_request::ReadRequest;
use crate::deletion::Choice;
use crate::deletion::journal::ReportFile;
use crate::file_access::{Input, open_plain};
use crate::obstacle::gist;
use crate::output::{OutputFile, Printer};
use crate::project_glob::ProjectGlobs;
use crate::report::{self, About, Chosen, Digesting};
use crate::text::{counted, escape_controls, shorten};
use crate::timing::Timing;

use super::history::History;
use super::origin::Origin;

/// How many reasons for which builds are left are said.
const REASONS: usize = 5;
/// How much of an address or a reason is said, in characters.
const SHOWN: usize = 120;

/// Reads the report and keeps the rows that are meant. An empty choice is an error, never "all". Tells where the report
/// comes from too, by all of its rows.
pub(super) fn choose(
    args: &DeleteArgs,
    base_url: Option<&str>,
    projects: &ProjectGlobs,
    printer: Printer,
) -> Result<(Vec<Chosen>, Origin, ReportFile), Error> {
    let file = &args.report;
    let no_report = |source| Error::Report { file: file.clone(), source };
    let (rows, origin, sha256) = if is_dash(file) {
        let mut digesting = Digesting::new(Input::stdin().map_err(|source| no_report(source.into()))?);
        let rows = report::read(&mut digesting, base_url).map_err(no_report)?;
        let origin = Origin::of_stream(&rows)?;
        (rows, origin, digesting.finish().1)
    } else {
        let opened = Input::open(file).map_err(|source| Error::Read { file: file.clone(), source })?;
        let mut digesting = Digesting::new(opened);
        let rows = report::read(&mut digesting, base_url).map_err(no_report)?;
        let (opened, sha256) = digesting.finish();
        let written = opened.file().metadata().ok().filter(Metadata::is_file).and_then(|found| found.modified().ok());
        let origin = Origin::of_file(file, &rows, &sha256, written)?;
        (rows, origin, sha256)
    };
    let name = if is_dash(file) { "the report".to_owned() } else { file.display().to_string() };
    if rows.is_empty() {
        return Err(Error::NothingToDelete(format!("{name} holds no build")));
    }
    let names: Vec<String> = rows.iter().filter_map(|row| row.project.clone()).collect();
    for glob in projects.unmatched(&names) {
        printer.warn(&format!("--project {glob}: no row of {name} is of such a project"));
    }
    for reason in args.reasons.iter().filter(|reason| !rows.iter().any(|row| row.reasons.contains(reason))) {
        printer.warn(&format!("--reason {reason}: no row of {name} has it"));
    }
    let all = rows.len();
    let timings = chosen_timings(args);
    let allowed: Vec<Timing> = args.gates.allow_timing.iter().map(super::gates::timing).collect();
    let choice = Choice { reasons: &args.reasons, timings: &timings, allowed: &allowed, projects };
    let (chosen, left) = choice.sort(rows);
    say_what_is_left(&left, printer);
    if chosen.is_empty() {
        let why = match left.len() {
            0 => format!("none of the {all} rows of {name} is chosen"),
            left => format!("none of the {left} rows of {name} that are meant may be deleted"),
        };
        return Err(Error::NothingToDelete(why));
    }
    let read = ReportFile { file: file.display().to_string(), sha256 };
    Ok((chosen, origin, read))
}

/// Says how many rows are left for a person, and why, the most frequent reasons first.
fn say_what_is_left(left: &[Chosen], printer: Printer) {
    if left.is_empty() {
        return;
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for judged in left.iter().filter_map(|row| row.judged.as_ref()) {
        let why = if judged.note.is_empty() { judged.timing.as_str().to_owned() } else { gist(&judged.note) };
        *reasons.entry(why).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    let builds = counted(left.len() as u64, "build");
    printer.say(&format!("left for a person: {builds} that the report calls not deletable"));
    for (why, builds) in reasons.iter().take(REASONS) {
        printer.say(&format!("  {builds}: {}", shorten(why, SHOWN)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS + 1) {
        printer.say(&format!("  and {} more reasons, in the report", more + 1));
    }
}

/// The timings that `--timing` names.
pub(super) fn chosen_timings(args: &DeleteArgs) -> Vec<Timing> {
    args.timings.iter().map(chosen_timing).collect()
}

fn chosen_timing(chosen: &ChosenTiming) -> Timing {
    match chosen {
        ChosenTiming::InFlight => Timing::InFlight,
        ChosenTiming::Stale => Timing::Stale,
        ChosenTiming::Ended => Timing::Ended,
        ChosenTiming::AfterRestore => Timing::AfterRestore,
        ChosenTiming::Between => Timing::Between,
        ChosenTiming::Unknown => Timing::Unknown,
    }
}

pub(super) fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// Where the rows go. On a terminal they would fly past: the results of real deletions then get a file of their own.
pub(super) fn output_file(args: &DeleteArgs) -> Option<PathBuf> {
    if let Some(given) = &args.output {
        return Some(given.clone()).filter(|path| !is_dash(path));
    }
    let at = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    (args.execute && stdout().is_terminal()).then(|| PathBuf::from(format!("halfbuilt-results-{at}.csv")))
}

/// No file has two meanings.
pub(super) fn keep_apart(
    args: &DeleteArgs,
    request: &ReadRequest,
    output: Option<&Path>,
    journal: &Path,
) -> Result<(), Error> {
    for (flag, file) in [("--archive", &args.archive), ("--journal", &args.journal)] {
        if file.as_deref().is_some_and(is_dash) {
            return Err(Error::Usage(format!(
                "{flag} has to be a file: what is in it is kept, whatever becomes of the run"
            )));
        }
    }
    let report = Some(args.report.as_path()).filter(|report| !is_dash(report));
    Files::default()
        .read("the report", report)
        .read("the file beside the report", report.map(About::place).as_deref())
        .read("--policy", args.gates.policy.as_deref())
        .read("--token-file", args.admin.token_file.as_deref())
        .read("--ca-file", args.admin.ca_file.as_deref())
        .read_by(request)
        .write("-o", output)
        .write("--archive", args.archive.as_deref())
        .write("--journal", Some(journal))
        .keep_apart()
}

/// What is known of a deletion is never written over, by no plan either.
///
/// But for the results of the very run that goes on: its journal holds all of them, and they are told anew.
pub(super) fn open_output(
    args: &DeleteArgs,
    file: Option<&Path>,
    history: &History,
    chosen: &[Chosen],
) -> Result<OutputFile, Error> {
    let Some(path) = file else { return Ok(OutputFile::whole(None)?) };
    if path.exists() && path.is_file() {
        open_plain(path).map_err(|source| Error::Read { file: path.to_owned(), source })?;
        let is_results = || open_plain(path).is_ok_and(report::begins_results);
        if args.execute && history.wrote(path) && is_results() {
            let told: HashSet<String> = chosen.iter().map(|row| escape_controls(&row.url_text)).collect();
            let before = open_plain(path).map(report::addresses).unwrap_or_default();
            if let Some(lost) = before.iter().find(|url| !told.contains(*url)) {
                let (name, lost) = (path.display(), shorten(lost, SHOWN));
                let why =
                    format!("-o {name} has rows of builds that are not chosen now, such as {lost}: name another file");
                return Err(Error::Usage(why));
            }
            return Ok(OutputFile::record_anew(path)?);
        }
        // A plan has done nothing: the next one, or the run itself, takes its place.
        if open_plain(path).is_ok_and(report::is_a_plan) {
            return Ok(OutputFile::record_anew(path)?);
        }
        // An empty one is what a run leaves that was killed before it began: nothing would be written over.
        let holds_something = std::fs::metadata(path).map_or(true, |found| found.len() > 0);
        let name = path.display();
        if holds_something {
            return Err(Error::Usage(format!("-o {name} is there already, and results are never written over")));
        }
    }
    Ok(OutputFile::new_record(path)?)
}
