//! Adds up a report, row by row, beside the journals of its deletions.

use jiff::Timestamp;

use crate::build_url::BuildUrl;
use crate::report::{Row, ScanMetadata};

use super::agreement::{JournalChecks, NamedJournal};
use super::archive_state::ArchiveState;
use super::fate::{Fate, Fates};
use super::file_check::{Agreement, FileCheck};
use super::findings::FindingCounts;
use super::hosts::Hosts;
use super::lengths::Lengths;
use super::named::Reported;
use super::next_step::NextStep;
use super::reconciliation::Reconciliation;
use super::remaining::Remaining;
use super::span::Span;
use super::timeline::Timeline;

/// Where T and R come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimesSource {
    /// The file beside the report.
    Metadata,
    /// The journals, which all agree.
    Journals,
    /// T and R are not known.
    Nothing,
}

/// When the backup was taken and the server came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTimes {
    /// T.
    pub backup: Option<Timestamp>,
    /// R.
    pub restored: Option<Timestamp>,
    pub source: TimesSource,
}

/// A report that is added up row by row. Its memory is that of the sums, the journals, and the rows that are kept.
#[derive(Debug)]
pub struct Audit {
    /// The file beside the report, where there is one.
    pub about: Option<ScanMetadata>,
    pub restore: KnownTimes,
    /// The hosts of the builds' addresses.
    pub hosts: Hosts,
    /// The builds by rule, project and timing.
    pub findings: FindingCounts,
    /// The builds that are left for a person.
    pub remaining: Remaining,
    /// The builds over time; `None` where T is not known.
    pub timeline: Option<Timeline>,
    /// How long the builds had run.
    pub lengths: Lengths,
    /// What became of the builds; `None` without a journal.
    pub reconciliation: Option<Reconciliation>,
    /// The first rows, each with its fate.
    pub rows: Vec<(Row, Option<Fate>)>,
    /// Whether the files agree; empty until all rows have been added.
    pub checks: Vec<FileCheck>,
    most_rows: usize,
    fates: Option<Fates>,
    journal_checks: JournalChecks,
}

impl Audit {
    /// Begins with the metadata and the journals; keeps at most `most_rows` rows.
    pub fn new(about: Option<ScanMetadata>, journals: &[NamedJournal<'_>], most_rows: usize) -> Self {
        let restore = restore(about.as_ref(), journals);
        let mut fates = Fates::since(about.as_ref().map(|about| about.scanned_at));
        let mut journal_checks = JournalChecks::default();
        for journal in journals {
            // What became of the builds of one database says nothing of another's.
            if let Some(sessions) = journal_checks.add(*journal, about.as_ref()) {
                fates.add(journal.past, &sessions);
            }
        }
        let fates = fates.with_all_journals(journal_checks.is_whole());
        let has_journals = !journals.is_empty();
        Self {
            findings: FindingCounts::new(about.as_ref().map_or(&[], |about| &about.rules)),
            hosts: Hosts::default(),
            remaining: Remaining::default(),
            timeline: restore.backup.map(|backup| Timeline::new(backup, restore.restored)),
            about,
            restore,
            lengths: Lengths::default(),
            reconciliation: has_journals.then(Reconciliation::default),
            rows: Vec::new(),
            checks: Vec::new(),
            most_rows,
            fates: has_journals.then_some(fates),
            journal_checks,
        }
    }

    /// Notes that a journal of the report was left out on purpose. Before the first row.
    pub fn leave_out_journal(&mut self, name: &str) {
        self.journal_checks.leave_out(name);
        self.fates = self.fates.take().map(|fates| fates.with_all_journals(false));
    }

    /// The address of a build, if it is one that the profile's CI has.
    pub fn address(&self, row: &Row) -> Option<BuildUrl> {
        let form = self.about.as_ref().map(|about| about.addresses).unwrap_or_default();
        BuildUrl::parse_in(form, &row.build_url).ok()
    }

    /// Notes the journals beside the report that were not read.
    pub fn note_unread_journals(&mut self, names: &[String]) {
        if !names.is_empty() {
            self.journal_checks.note_unread(names);
        }
    }

    pub fn add(&mut self, row: Row) {
        self.findings.add(&row);
        let span = Span::of(&row, self.restore.backup);
        self.lengths.add(span.as_ref());
        if let Some(timeline) = &mut self.timeline {
            timeline.add(&row, span);
        }
        if let Some(url) = self.address(&row) {
            self.hosts.add(url.host());
        }
        let told = self.fates.as_mut().map(|fates| fates.of(&row.build_url, &row.fingerprint));
        if let (Some(told), Some(reconciliation)) = (&told, &mut self.reconciliation) {
            // What has no address cannot have been deleted by it.
            reconciliation.add(told.fate, told.is_double && !row.build_url.is_empty());
        }
        let (fate, is_back, reason) =
            told.map_or((None, false, ""), |told| (Some(told.fate), told.is_back, told.reason));
        let step = match is_back {
            true => NextStep::StartOver,
            false => NextStep::of(&row, fate, [self.restore.backup, self.restore.restored]),
        };
        self.remaining.add(&row, fate, step, reason);
        if self.rows.len() < self.most_rows {
            self.rows.push((row, fate));
        }
    }

    /// Finishes, once all rows of the report with this SHA-256 have been added.
    pub fn finish(&mut self, report_sha256: &str) {
        let about = self.about.as_ref();
        let journal_checks = std::mem::take(&mut self.journal_checks);
        let fates = self.fates.take();
        let ended = match (&fates, &mut self.reconciliation) {
            (Some(fates), Some(reconciliation)) => {
                reconciliation.found = about.map_or(reconciliation.rows, |about| about.findings);
                for (_, fate) in fates.beyond_the_report() {
                    reconciliation.by_fate.entry(fate).or_default().beyond += 1;
                }
                let is_edited = about.is_some_and(|about| about.report_sha256 != report_sha256);
                let is_subset = fates.named().all(|(_, reported)| reported == Reported::Listed);
                if is_edited && is_subset && journal_checks.is_whole() && reconciliation.counted_twice() == 0 {
                    reconciliation.take_out_missing();
                }
                let not_named = reconciliation.by_fate.get(&Fate::NotNamed).map_or(0, |counts| counts.rows);
                reconciliation.unaccounted = not_named;
                Some((&*reconciliation, fates))
            }
            _ => None,
        };
        self.checks = journal_checks.settle(report_sha256, self.findings.builds, about, ended);
    }

    /// Adds what an archive that a journal names turned out to hold.
    pub fn add_archive(&mut self, name: &str, archive: &ArchiveState) {
        self.checks.push(archive.check(name));
    }

    /// The builds of the report, and those that were taken out of it.
    pub fn found(&self) -> u64 {
        self.findings.builds + self.taken_out()
    }

    /// The builds that were taken out of the report.
    pub fn taken_out(&self) -> u64 {
        self.reconciliation.as_ref().map_or(0, |ended| ended.taken_out)
    }

    /// The builds that are left for a person, those that were taken out of the report among them.
    pub fn left(&self) -> u64 {
        self.remaining.builds + self.taken_out()
    }

    /// Whether no file contradicts another.
    pub fn agrees(&self) -> bool {
        self.checks.iter().all(|check| check.agreement != Agreement::Differs)
    }

    /// How many rows are not kept.
    pub fn rows_left_out(&self) -> u64 {
        self.findings.builds - self.rows.len() as u64
    }
}

/// The file beside the report knows T and R best; without it the journals do, if they agree.
fn restore(about: Option<&ScanMetadata>, journals: &[NamedJournal<'_>]) -> KnownTimes {
    if let Some(about) = about {
        return KnownTimes { backup: about.backup_time, restored: about.restored_at, source: TimesSource::Metadata };
    }
    let nothing = KnownTimes { backup: None, restored: None, source: TimesSource::Nothing };
    let mut times = journals.iter().flat_map(|journal| &journal.past.sessions).map(|session| {
        let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
        (time(&session.start.backup_time), time(&session.start.restored_at))
    });
    match times.next() {
        Some((backup @ Some(_), restored)) if times.all(|other| other == (backup, restored)) => {
            KnownTimes { backup, restored, source: TimesSource::Journals }
        }
        _ => nothing,
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
