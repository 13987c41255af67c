//! Whether the report, its metadata and the journals agree, in words.

use jiff::Timestamp;

use crate::deletion::journal::{Past, Session};
use crate::report::ScanMetadata;
use crate::state::State;
use crate::text::{Foreign, builds, grouped, was_or_were};

use super::chosen_from::ChosenFrom;
use super::fate::{DeletedBefore, FateGroup, Fates};
use super::file_check::FileCheck;
use super::named::{NamedBySession, SessionSet};
use super::reconciliation::Reconciliation;

/// How many builds are named that were deleted and that the report does not list.
const NOT_LISTED_NAMED: usize = 5;

/// How many journals are named that were not read.
const UNREAD_NAMED: usize = 5;

/// A journal and its name.
#[derive(Clone, Copy, Debug)]
pub struct NamedJournal<'a> {
    pub name: &'a str,
    pub past: &'a Past,
}

/// The checks of the journals, made before the rows of the report are read.
#[derive(Clone, Debug, Default)]
pub(super) struct JournalChecks {
    checks: Vec<FileCheck>,
    /// The file from which each session since the scan chose.
    chosen_from: Vec<ChosenFrom>,
    /// Whether a journal is of this database and has a session after the scan.
    counts: bool,
    /// Whether lines may be missing at the end of a journal.
    is_cut: bool,
}

impl JournalChecks {
    /// Whether a build that no journal names was not touched.
    pub(super) fn is_whole(&self) -> bool {
        self.counts && !self.is_cut
    }

    /// Notes that a journal was left out: what no journal names may stand in it.
    pub(super) fn leave_out(&mut self, name: &str) {
        self.is_cut = true;
        self.checks.push(FileCheck::differs(format!(
            "{} was left out, as was asked for. What it says of these builds is missing here.",
            Foreign::url(name)
        )));
    }

    /// Notes the journals that stand beside the report and were not read.
    pub(super) fn note_unread(&mut self, names: &[String]) {
        let listed: Vec<String> = names.iter().take(UNREAD_NAMED).map(|name| Foreign::url(name).into()).collect();
        let more = names.len().saturating_sub(UNREAD_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.checks.push(FileCheck::note(format!(
            "Not read, though beside the report: {}{more}. A build that was deleted by one of them counts as not chosen here.",
            listed.join(", ")
        )));
    }

    /// Adds a journal. Returns when each of its sessions began; `None` where it is of another database than the report.
    pub(super) fn add(
        &mut self,
        journal: NamedJournal<'_>,
        about: Option<&ScanMetadata>,
    ) -> Option<Vec<(Timestamp, SessionSet)>> {
        let NamedJournal { past, .. } = journal;
        let name = Foreign::url(journal.name).or("a journal");
        if let Some(other) = about.and_then(|about| of_another(past, about)) {
            self.checks.push(FileCheck::differs(format!(
                "{name} is of another database, or cannot be known to be of this one: it is of {other}. What it says does not count."
            )));
            return None;
        }
        if let Some(cut) = &past.cut {
            self.is_cut = true;
            let bytes = grouped(cut.bytes);
            self.checks
                .push(FileCheck::differs(format!("{name}: its last line was cut: {bytes} bytes make no whole line.")));
        }
        if past.repairs > 0 {
            let cut = grouped(past.repairs);
            self.checks
                .push(FileCheck::note(format!("{name}: cut lines that were dropped when it was opened again: {cut}.")));
        }
        let last = past.sessions.len();
        let mut began = Vec::new();
        for (place, session) in (1..).zip(&past.sessions) {
            let name = format!("Session {place} of {name}");
            let wrong = sums(&name, session, place == last);
            self.is_cut |= place == last && wrong.is_some();
            self.checks.extend(wrong.map(FileCheck::differs));
            // What came before the scan was of what another scan found.
            if about.is_none_or(|about| session.last_at >= about.scanned_at) {
                self.counts = true;
                let which = SessionSet::of(self.chosen_from.len());
                let (file, sha256) = (session.start.report.file.clone(), session.start.report.sha256.clone());
                self.chosen_from.push(ChosenFrom { session: name.clone(), which, file, sha256 });
                began.push((session.at, which));
                let backup_time = about.and_then(|about| other_backup_time(&name, session, about));
                self.checks.extend(backup_time.map(FileCheck::differs));
            }
        }
        Some(began)
    }

    /// All checks, once the rows have been read.
    pub(super) fn settle(
        self,
        report_sha256: &str,
        rows: u64,
        about: Option<&ScanMetadata>,
        ended: Option<(&Reconciliation, &Fates)>,
    ) -> Vec<FileCheck> {
        let taken_out = ended.map_or(0, |(ended, _)| ended.taken_out);
        let mut checks: Vec<FileCheck> =
            about.map(|about| as_scanned(report_sha256, rows, taken_out, about)).into_iter().collect();
        if let Some((ended, fates)) = ended {
            if about.is_none() {
                let why = "The report has no file beside it that describes it: how many builds the scan found is not known, nor whether \
                           the journals are of its database, and of the time after the scan.";
                checks.push(FileCheck::differs(why.to_owned()));
            }
            checks.extend(accounted_for(ended, about.is_some()));
            checks.extend(not_listed(fates));
            checks.extend(before_the_scan(fates.deleted_before()));
            let scanned = about.map(|about| about.report_sha256.as_str());
            let named = NamedBySession::of(fates.named());
            checks.extend(self.chosen_from.iter().filter_map(|from| from.check(report_sha256, scanned, &named)));
        }
        checks.extend(self.checks);
        checks
    }
}

/// The other database of which a journal is; `None` where it is of the report's.
fn of_another(past: &Past, about: &ScanMetadata) -> Option<String> {
    // One journal is of one database.
    let theirs = &past.sessions.first()?.start.database;
    let is_same = theirs.name == about.database && theirs.system_identifier == about.system_identifier;
    let system = theirs
        .system_identifier
        .as_deref()
        .map_or_else(|| Foreign::new("unknown"), |system| Foreign::name(system).or("?"));
    (!is_same).then(|| format!("{} of system {system}", Foreign::name(&theirs.name).or("one without a name")))
}

fn as_scanned(sha256: &str, rows: u64, taken_out: u64, about: &ScanMetadata) -> FileCheck {
    let found = builds(about.findings);
    if about.report_sha256 == sha256 && rows == about.findings {
        return FileCheck::agrees(format!("The report is as the scan wrote it: {found}."));
    }
    let rows = grouped(rows);
    if taken_out > 0 {
        return FileCheck::note(format!(
            "Rows were taken out of the report since the scan: it found {found}, and the report has {rows}. The other {} count as not \
             chosen: no journal names them. Whether the rows that are left were edited, no file says.",
            grouped(taken_out)
        ));
    }
    FileCheck::differs(format!(
        "The report was changed since the scan: the scan found {found}, and the report has {rows}."
    ))
}

/// What is wrong with the sums of a session, if anything is.
fn sums(name: &str, session: &Session, is_last: bool) -> Option<String> {
    let results = session.kept + session.results.values().sum::<u64>();
    let planned = session.start.deletions + session.start.kept;
    match &session.end {
        Some((_, end)) if end.states.values().sum::<u64>() != results => {
            let sum = builds(end.states.values().sum());
            Some(format!("{name} ended with {sum} in its sum and {} in its lines.", grouped(results)))
        }
        Some(_) if results < planned => {
            Some(format!("{name} ended with results for {} of the {} of its plan.", grouped(results), builds(planned)))
        }
        Some((_, end)) if is_last && end.read_again == Some(false) && session.results.contains_key(&State::Deleted) => {
            Some(format!(
                "{name} ended without reading once more what it had deleted: run it again to see whether it is gone."
            ))
        }
        None if is_last => Some(format!(
            "{name} has no end on record, and results for {} of the {} of its plan: it was killed, is still running, or \
             lines were cut from the journal's end.",
            grouped(results),
            builds(planned)
        )),
        // Lines are chained: where another session follows, none is missing.
        _ => None,
    }
}

fn other_backup_time(name: &str, session: &Session, about: &ScanMetadata) -> Option<String> {
    let theirs = session.start.backup_time.as_deref();
    let other = Foreign::name(theirs.unwrap_or_default()).or("none");
    (theirs.and_then(|text| text.parse::<Timestamp>().ok()) != about.backup_time)
        .then(|| format!("{name} was run with another backup time: {other}."))
}

fn accounted_for(ended: &Reconciliation, knows_found: bool) -> Vec<FileCheck> {
    let mut checks = Vec::new();
    let (missing, twice, unaccounted) = (ended.missing(), ended.counted_twice(), ended.unaccounted);
    if knows_found && ended.adds_up() && unaccounted == 0 {
        checks.push(FileCheck::agrees("It adds up: every build that was found is accounted for.".to_owned()));
    }
    if unaccounted > 0 {
        checks.push(FileCheck::differs(format!(
            "Not in any complete journal of this database written since the scan: {}. They count as kept; what became of \
             them is not known.",
            builds(unaccounted)
        )));
    }
    if missing > 0 {
        checks.push(FileCheck::differs(format!(
            "It does not add up: {missing} more were found than the report has rows for; no file says whether these \
             were kept."
        )));
    } else if missing < 0 {
        let more = -missing;
        checks
            .push(FileCheck::differs(format!("It does not add up: the report has {more} rows more than were found.")));
    }
    if twice > 0 {
        let rows = match twice {
            1 => "1 row of the report has the".to_owned(),
            _ => format!("{} rows of the report have the", grouped(twice)),
        };
        checks.push(FileCheck::differs(format!(
            "It does not add up: {rows} address of an earlier row, and what the journals say of one build counts for each."
        )));
    }
    checks
}

/// The builds that the journals name and the report does not list.
fn not_listed(fates: &Fates) -> Vec<FileCheck> {
    let (mut deleted, mut others) = (Vec::new(), 0);
    for (url, fate) in fates.beyond_the_report() {
        match fate.group() {
            FateGroup::Deleted => deleted.push(url),
            FateGroup::Kept | FateGroup::Failed | FateGroup::Vanished => others += 1,
        }
    }
    deleted.sort_unstable();
    let mut checks = Vec::new();
    if !deleted.is_empty() {
        let number = deleted.len() as u64;
        let urls = deleted.iter().take(NOT_LISTED_NAMED).map(|url| Foreign::url(url).or("?").to_string());
        let more = deleted.len().saturating_sub(NOT_LISTED_NAMED) as u64;
        let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
        checks.push(FileCheck::differs(format!(
            "{} {} deleted that this report does not list: {}{more}.",
            builds(number),
            was_or_were(number),
            urls.collect::<Vec<_>>().join(", ")
        )));
    }
    if others > 0 {
        checks.push(FileCheck::differs(format!(
            "The journals name {} that this report does not list, and that no run deleted.",
            builds(others)
        )));
    }
    checks
}

fn before_the_scan(before: DeletedBefore) -> Vec<FileCheck> {
    let DeletedBefore { deleted, back } = before;
    let mut checks = Vec::new();
    if deleted > 0 {
        checks.push(FileCheck::note(format!(
            "The journals name {} as deleted before the scan. The report has none of them, as expected.",
            builds(deleted)
        )));
    }
    if back > 0 {
        let were = was_or_were(back);
        checks.push(FileCheck::differs(format!(
            "{} of the report {were} deleted before the scan, which found them again: a build that came back is not deleted.",
            builds(back)
        )));
    }
    checks
}
