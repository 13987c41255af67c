//! The inputs of an audit page or a ticket, and the facts that both show in the same words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::{ArchiveState, Audit, FateGroup, Reconciliation, TimesSource};
use crate::checklist::Checklist;
use crate::deletion::journal::{Past, Session};
use crate::report::Baseline;
use crate::table::in_words;
use crate::text::{Foreign, by_reason, counted};
use crate::timing::Timing;

use super::format::{builds, grouped, length, time};

#[derive(Clone, Debug)]
pub struct Input {
    /// Its name on the command line.
    pub name: String,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// A journal whose chain is whole.
#[derive(Clone, Debug)]
pub struct JournalInput {
    pub file: Input,
    pub past: Past,
    /// The archives that it names.
    pub archives: Vec<ArchiveInput>,
}

/// An archive that a journal names.
#[derive(Clone, Debug)]
pub struct ArchiveInput {
    /// Its name in the journal.
    pub name: String,
    /// The SHA-256 of the file, in hexadecimal digits; `None` where it was not read.
    pub sha256: Option<String>,
    pub state: ArchiveState,
}

/// A restore checklist.
#[derive(Clone, Debug)]
pub struct ChecklistInput {
    pub file: Input,
    pub checklist: Checklist,
}

#[derive(Debug)]
pub struct AuditInputs {
    pub audit: Audit,
    pub report: Input,
    /// The metadata beside the report.
    pub metadata: Option<Input>,
    pub journals: Vec<JournalInput>,
    pub checklist: Option<ChecklistInput>,
    /// What each rule that ships looks for.
    pub rule_titles: BTreeMap<String, String>,
    pub made_at: Timestamp,
}

pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// What the reader has to know of the value; may be empty.
    pub(super) note: String,
}

impl AuditInputs {
    /// What was restored, for the heading: the host that people know, or else the database.
    pub(super) fn restored(&self) -> String {
        if let Some((host, others)) = self.audit.hosts.main() {
            let host = Foreign::name(host);
            return match others {
                0 => host.into(),
                others => format!("{host} and {}", counted(others as u64, "other host")),
            };
        }
        let session = self.sessions().next();
        if let Some(session) = session {
            return named(&session.start.host, "a server without a name");
        }
        match &self.audit.about {
            Some(about) => format!("database {}", named(&about.database, "without a name")),
            None => "an unknown server".to_owned(),
        }
    }

    /// What a timing means. `unknown` has two meanings: no T, or no time of the build.
    pub(super) fn explained(&self, timing: &str) -> String {
        match timing.parse::<Timing>() {
            Ok(Timing::Unknown) if self.audit.restore.backup.is_some() => "no time of it is on record".to_owned(),
            Ok(Timing::Unknown) if self.audit.about.is_some() => "no backup time was given".to_owned(),
            Ok(timing) => timing.explained().to_owned(),
            Err(_) => String::new(),
        }
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.journals.iter().flat_map(|journal| &journal.past.sessions)
    }

    /// The builds that a project has in scope, in words; empty if the number is not known.
    pub(super) fn in_scope(&self, project: &str) -> String {
        let all = self.audit.about.as_ref().and_then(|about| about.projects.get(project));
        all.map(|all| format!("{} in scope", grouped(*all))).unwrap_or_default()
    }

    /// What was restored, and when, and what was scanned.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let fact = |name, value: String, note: String| Fact { name, value, note };
        let restore = &self.audit.restore;
        let source = match restore.source {
            TimesSource::Metadata => String::new(),
            TimesSource::Journals => "by the journals".to_owned(),
            TimesSource::Nothing => String::new(),
        };
        let unknown = "not known";
        let about = self.audit.about.as_ref();
        let backup = restore.backup.map_or_else(|| unknown.to_owned(), time);
        let gap = match (restore.backup, restore.restored) {
            (Some(backup), Some(restored)) => {
                let side = if restored < backup { "before" } else { "after" };
                format!("{} {side} the backup", length(restored.duration_since(backup)))
            }
            _ => String::new(),
        };
        let restored = match (restore.restored, restore.backup) {
            (Some(at), _) => time(at),
            (None, Some(_)) => "not known, and so nothing is deletable".to_owned(),
            (None, None) => unknown.to_owned(),
        };
        let mut facts = vec![fact("Backup taken (T)", backup, source), fact("Server back (R)", restored, gap)];
        if let Some(contradictions) = about.map(|about| about.contradictions).filter(|builds| *builds > 0) {
            let did = format!("{} did something between the two", builds(contradictions));
            facts.push(fact("Are T and R right?", did, "so T, R or a clock is wrong".to_owned()));
        }
        if let Some(about) = about {
            if let Some(collection) = &about.collection {
                facts.push(fact(
                    "Collection",
                    collection.to_string(),
                    "documents of the CI's API stand in for its builds".to_owned(),
                ));
            }
            let system =
                about.system_identifier.as_deref().map(|system| format!("system {}", Foreign::name(system).or("?")));
            let what = if about.collection.is_some() { "CI" } else { "Database" };
            facts.push(fact(what, named(&about.database, "no name"), system.unwrap_or_default()));
            facts.push(fact("Scanned", time(about.scanned_at), format!("{} in scope", builds(about.builds))));
            facts.push(fact("Profile", named(&about.profile, "no name"), "how the database was read".to_owned()));
            facts.extend(about.baseline.as_ref().map(compared_with));
        } else {
            let name = self.sessions().next().map(|session| named(&session.start.database.name, "no name"));
            let note = if name.is_some() { "by the journals".to_owned() } else { String::new() };
            facts.push(fact("Database", name.unwrap_or_else(|| unknown.to_owned()), note));
            facts.extend(self.collection_of_journals().map(|collection| {
                fact("Collection", Foreign::evidence(&collection).into(), "by the journals".to_owned())
            }));
            facts.push(fact("Scanned", unknown.to_owned(), "no file beside the report says it".to_owned()));
            facts.push(fact("Profile", unknown.to_owned(), String::new()));
        }
        facts.extend(self.tables().map(|tables| {
            let note = "their owners decide what is in them".to_owned();
            fact("Tables", Foreign::evidence(&tables).or("no table").into(), note)
        }));
        facts
    }

    /// How what was found ended: the number found, and the parts that should add up to it.
    pub(super) fn sum(&self) -> Option<(&Reconciliation, Vec<(&'static str, String)>)> {
        let ended = self.audit.reconciliation.as_ref()?;
        let mut parts = FateGroup::ALL.map(|part| (part.as_str(), grouped(ended.rows_of(part)))).to_vec();
        if ended.deleted_beyond() > 0 {
            parts.push(("deleted and not listed", grouped(ended.deleted_beyond())));
        }
        Some((ended, parts))
    }

    /// All files that were read, and the archives that were not: what each is, its name, and its SHA-256.
    pub(super) fn files(&self, most_journals: usize) -> Vec<(&'static str, Foreign, String)> {
        let file = |what, name: &str, sha256: String| (what, Foreign::url(name).or("?"), sha256);
        let mut files = vec![file("report", &self.report.name, self.report.sha256.clone())];
        files.extend(self.metadata.iter().map(|about| file("beside the report", &about.name, about.sha256.clone())));
        let checklist = self.checklist.iter().map(|ChecklistInput { file, .. }| file);
        files.extend(checklist.map(|checklist| file("checklist", &checklist.name, checklist.sha256.clone())));
        for JournalInput { file: journal, archives, .. } in self.journals.iter().take(most_journals) {
            files.push(file("journal", &journal.name, journal.sha256.clone()));
            files.extend(archives.iter().map(|archive| {
                let sha256 = archive.sha256.clone().unwrap_or_else(|| "not read".to_owned());
                file("archive", &archive.name, sha256)
            }));
        }
        files
    }

    /// The collection that the latest deletion read.
    fn collection_of_journals(&self) -> Option<String> {
        self.sessions().filter_map(|session| session.start.collection.clone()).last()
    }

    /// The tables that were read by the scan, or else by the latest deletion.
    fn tables(&self) -> Option<String> {
        let scanned = self.audit.about.as_ref().and_then(|about| about.tables.as_deref()).map(in_words);
        scanned.or_else(|| self.sessions().filter_map(|session| session.start.tables.clone()).last())
    }

    /// What was not checked, by reason.
    pub(super) fn not_checked(&self) -> Vec<(Foreign, Vec<Foreign>)> {
        let left_out = self.audit.about.iter().flat_map(|about| &about.not_checked);
        by_reason(
            left_out.map(|(what, why)| (Foreign::name(what).or("?"), Foreign::evidence(why).or("no reason on record"))),
        )
    }
}

/// A name, or `none` if it is blank.
fn named(name: &str, none: &str) -> String {
    Foreign::name(name).or(none).into()
}

fn compared_with(baseline: &Baseline) -> Fact {
    let lost = match baseline.lost {
        0 => "none of them is lost".to_owned(),
        1 => "1 of them is lost".to_owned(),
        lost => format!("{} of them are lost", grouped(lost)),
    };
    let backwards = match baseline.backwards {
        0 => String::new(),
        projects => format!(", and numbers went backwards in {}", counted(projects, "project")),
    };
    let signature = match baseline.signature_is_good {
        Some(true) => "its signature is good",
        Some(false) => "its signature is bad",
        None => "no signature was checked",
    };
    Fact {
        name: "Compared with",
        value: Foreign::url(&baseline.file).or("a file without a name").into(),
        note: format!("{}, {lost}{backwards}; {signature}", builds(baseline.builds)),
    }
}
