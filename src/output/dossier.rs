//! All that an audit page or a ticket is made of, and what both say of it in the same words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::{Audit, Part, Source};
use crate::deletion::journal::{Past, Session};
use crate::reasons::by_reason;

use super::shown::{builds, foreign, grouped, length, time};

/// How many characters of a name are shown.
pub(super) const NAME: usize = 200;
/// The tool that made it.
pub(super) const TOOL: &str = concat!("halfbuilt ", env!("CARGO_PKG_VERSION"));

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name as it was given.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A journal that was read and found whole.
#[derive(Clone, Debug)]
pub struct JournalInput {
    /// The file.
    pub file: Input,
    /// What it tells.
    pub past: Past,
}

/// All that an audit page is made of.
#[derive(Debug)]
pub struct Dossier {
    /// What was added up.
    pub audit: Audit,
    /// The report.
    pub report: Input,
    /// The file beside it.
    pub about: Option<Input>,
    /// The journals.
    pub journals: Vec<JournalInput>,
    /// What each rule that ships looks for.
    pub rule_titles: BTreeMap<String, String>,
    /// When the page is made.
    pub made_at: Timestamp,
}

/// A fact with its name.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// What has to be known of it.
    pub(super) note: String,
}

/// Something that was compared, and whether it agrees.
pub(super) struct Check {
    pub(super) agrees: bool,
    pub(super) text: String,
}

impl Dossier {
    /// What is called by the name of the database, in the heading.
    pub(super) fn database(&self) -> String {
        let of_journals = || self.sessions().next().map(|session| session.start.database.name.as_str());
        let name = self.audit.about.as_ref().map(|about| about.database.as_str()).or_else(of_journals);
        name.map_or_else(|| "an unknown database".to_owned(), |name| foreign(name, 60, "a database without a name"))
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.journals.iter().flat_map(|journal| &journal.past.sessions)
    }

    /// What was restored, and when.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let fact = |name, value: String, note: String| Fact { name, value, note };
        let restore = &self.audit.restore;
        let source = match restore.source {
            Source::About => String::new(),
            Source::Journals => "by the journals".to_owned(),
            Source::Nothing => String::new(),
        };
        let unknown = "not known";
        let about = self.audit.about.as_ref();
        let backup = restore.backup.map_or_else(|| unknown.to_owned(), time);
        let gap = match (restore.backup, restore.restored) {
            (Some(backup), Some(restored)) => format!("{} after the backup", length(restored.duration_since(backup))),
            _ => String::new(),
        };
        let restored = match (restore.restored, restore.backup) {
            (Some(at), _) => time(at),
            (None, Some(_)) => "not given: taken to be the backup time".to_owned(),
            (None, None) => unknown.to_owned(),
        };
        let mut facts = vec![fact("Backup taken (T)", backup, source), fact("Server back (R)", restored, gap)];
        if let Some(about) = about {
            let system =
                about.system_identifier.as_deref().map(|system| format!("system {}", foreign(system, NAME, "?")));
            facts.push(fact("Database", foreign(&about.database, NAME, "no name"), system.unwrap_or_default()));
            facts.push(fact("Scanned", time(about.scanned_at), format!("{} in scope", builds(about.builds))));
            facts.push(fact(
                "Profile",
                foreign(&about.profile, NAME, "no name"),
                "how the database was read".to_owned(),
            ));
        } else {
            let name = self.sessions().next().map(|session| foreign(&session.start.database.name, NAME, "no name"));
            let note = if name.is_some() { "by the journals".to_owned() } else { String::new() };
            facts.push(fact("Database", name.unwrap_or_else(|| unknown.to_owned()), note));
            facts.push(fact("Scanned", unknown.to_owned(), "no file beside the report tells it".to_owned()));
            facts.push(fact("Profile", unknown.to_owned(), String::new()));
        }
        facts
    }

    /// What was compared, and whether it agrees.
    pub(super) fn checks(&self) -> Vec<Check> {
        let check = |agrees, text: String| Check { agrees, text };
        let mut checks = Vec::new();
        if let Some(about) = &self.audit.about {
            let (rows, found) = (self.audit.findings.builds, about.findings);
            checks.push(match about.report_sha256 == self.report.sha256 && rows == found {
                true => check(true, format!("The report is as the scan wrote it: {}.", builds(found))),
                false => {
                    let text = format!(
                        "The report was changed since the scan: the scan found {}, and the report has {}.",
                        builds(found),
                        grouped(rows)
                    );
                    check(false, text)
                }
            });
        }
        checks.extend(self.reconciliation_checks());
        for (journal, session, place) in self.journals.iter().flat_map(|journal| {
            journal.past.sessions.iter().enumerate().map(move |(place, session)| (journal, session, place + 1))
        }) {
            let name = format!("Session {place} of {}", foreign(&journal.file.name, NAME, "a journal"));
            if session.start.report.sha256 != self.report.sha256 {
                let file = foreign(&session.start.report.file, NAME, "?");
                checks.push(check(false, format!("{name} chose from another file than this report: {file}.")));
            }
            if let Some((_, end)) = &session.end {
                let (told, lines) =
                    (end.states.values().sum::<u64>(), session.kept + session.results.values().sum::<u64>());
                if told != lines {
                    let text =
                        format!("{name} ended with {} in its sum and {} in its lines.", builds(told), grouped(lines));
                    checks.push(check(false, text));
                }
            }
            let parsed = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
            if self.audit.restore.source == Source::About
                && parsed(&session.start.backup_time) != self.audit.restore.backup
            {
                let other =
                    session.start.backup_time.as_deref().map_or("none".to_owned(), |text| foreign(text, 60, "none"));
                checks.push(check(false, format!("{name} was run with another backup time: {other}.")));
            }
        }
        checks
    }

    fn reconciliation_checks(&self) -> Vec<Check> {
        let Some(ended) = &self.audit.reconciliation else { return Vec::new() };
        let mut checks = Vec::new();
        if ended.adds_up() {
            let text = "It adds up: every build that was found is accounted for.".to_owned();
            checks.push(Check { agrees: true, text });
        }
        let missing = ended.missing();
        if missing != 0 {
            let text = match missing {
                missing if missing > 0 => format!(
                    "It does not add up: {missing} more were found than the report has rows for; of these no file tells \
                     whether they were kept."
                ),
                missing => format!("It does not add up: the report has {} rows more than were found.", -missing),
            };
            checks.push(Check { agrees: false, text });
        }
        if ended.counted_twice() > 0 {
            let text = format!(
                "It does not add up: {} of the report share an address with an earlier row, and what the journals tell of one \
                 build is counted for each.",
                if ended.counted_twice() == 1 {
                    "1 row".to_owned()
                } else {
                    format!("{} rows", grouped(ended.counted_twice()))
                }
            );
            checks.push(Check { agrees: false, text });
        }
        let deleted_beyond: u64 = ended
            .by_fate
            .iter()
            .filter(|(fate, _)| fate.part() == Part::Deleted)
            .map(|(_, counts)| counts.beyond)
            .sum();
        if ended.beyond() > 0 {
            let text = format!(
                "The journals name {} that this report does not; {} of them deleted.",
                builds(ended.beyond()),
                grouped(deleted_beyond)
            );
            checks.push(Check { agrees: false, text });
        }
        checks
    }

    /// What was not checked, one entry for each reason.
    pub(super) fn not_checked(&self) -> Vec<(String, Vec<String>)> {
        let left_out = self.audit.about.iter().flat_map(|about| &about.not_checked);
        by_reason(left_out.map(|(what, why)| (foreign(what, NAME, "?"), foreign(why, 2 * NAME, "no reason on record"))))
    }
}
