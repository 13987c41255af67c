//! The journal of a deletion: which file it is, what earlier sessions left in it, and how a session begins.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::build_url::{AddressForm, BuildUrl};
use crate::commands::Error;
use crate::deletion::journal::{self, DatabaseName, ENDING, Event, Journal, Past, PastBuild, ReportFile, Start, Who};
use crate::deletion::{BuildReader, Decision, Deleted, KeepReason, Planned, Reading, RequestPaths, digest};
use crate::output::Printer;
use crate::report::Chosen;
use crate::scan::ScanError;
use crate::state::State;
use crate::text::counted;
use crate::version::TOOL;

use super::request::DeleteRequest;

/// How many builds are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 1000;

/// The journal, and what earlier sessions left in it.
pub(super) struct History {
    pub(super) file: PathBuf,
    pub(super) past: Past,
    /// How the addresses are written that it names.
    form: AddressForm,
    /// Open, and locked, where there is one to continue.
    journal: Option<Journal>,
    /// The builds that earlier sessions left open and that are not chosen now, and whether each is gone.
    unchosen: Vec<(String, bool)>,
}

impl History {
    /// Reads the journal, if there is one. Where builds are to be deleted, it is locked from here on.
    pub(super) fn read(execute: bool, file: PathBuf, form: AddressForm, printer: Printer) -> Result<Self, Error> {
        let failed = |source| Error::Journal { file: file.clone(), source };
        let (journal, past) = match execute && file.exists() {
            true => Journal::open(&file).map(|(journal, past)| (Some(journal), past)).map_err(failed)?,
            false => (None, journal::read_or_new(&file).map_err(failed)?),
        };
        if let Some(session) = past.last_session() {
            let open = past.unsettled().len() as u64;
            let name = file.display();
            let begun = format!("{name} records a run that began at {:.0}", session.at);
            printer.say(&match open {
                0 => format!("{begun}: this run continues it"),
                _ if execute => {
                    format!(
                        "{begun}, and {} without a known end: these builds are looked up",
                        counted(open, "deletion")
                    )
                }
                _ => format!("{begun}, and {} without a known end", counted(open, "deletion")),
            });
        }
        let cancels = past.cancels.open().len() as u64;
        if cancels > 0 {
            printer.warn(&format!(
                "an earlier run was ended while it cancelled {}: what is chosen again is looked up, and kept if it has changed since, as nobody knows why; \
                 `halfbuilt journal verify {}` names all: look at them in the CI",
                counted(cancels, "build"),
                file.display()
            ));
        }
        Ok(Self { file, past, form, journal, unchosen: Vec::new() })
    }

    /// Checks that it is the journal of this database, before anything follows from what it says.
    pub(super) fn check_database(&self, database: &DatabaseName) -> Result<(), Error> {
        self.past.check_database(database).map_err(|source| Error::Journal { file: self.file.clone(), source })
    }

    /// Whether an earlier session wrote its results to this file.
    pub(super) fn wrote(&self, results: &Path) -> bool {
        let name = results.display().to_string();
        self.past.sessions.iter().any(|session| session.start.results.as_ref() == Some(&name))
    }

    /// Opens the journal for this run alone.
    pub(super) fn open(&self, host: &str, database: &DatabaseName) -> Result<Journal, Error> {
        let failed = |source| Error::Journal { file: self.file.clone(), source };
        self.past.check_run(host, database).map_err(failed)?;
        if let Some(journal) = &self.journal {
            return Ok(journal.clone());
        }
        let (journal, past) = Journal::open(&self.file).map_err(failed)?;
        if past.lines > 0 {
            let name = self.file.display();
            return Err(Error::Usage(format!("another run has written to {name} in the meantime: start again")));
        }
        Ok(journal)
    }

    /// Looks up the builds that earlier sessions left open and that are not chosen now.
    pub(super) async fn look_up_unchosen<R>(&mut self, plan: &[Planned], reader: &mut R) -> Result<(), Error>
    where
        R: BuildReader<Error = ScanError>,
    {
        let mut others = self.unsettled();
        plan.iter().filter_map(url).for_each(|url| {
            others.remove(&url);
        });
        let mut others: Vec<String> = others.into_iter().collect();
        others.sort_unstable();
        for batch in others.chunks(LOOKED_UP_AT_ONCE) {
            let chosen: Vec<Chosen> = batch.iter().map(|url| by_address(self.form, url)).collect();
            let readings = reader.read(&chosen.iter().collect::<Vec<_>>()).await?;
            for (url, reading) in batch.iter().zip(readings) {
                // What could not be read stays open, for the next run to look at.
                if !matches!(reading, Reading::Unread(_)) {
                    self.unchosen.push((url.clone(), reading == Reading::Gone));
                }
            }
        }
        Ok(())
    }

    /// How many builds earlier sessions have deleted: those that the journal calls deleted, and those that they left open and that are
    /// gone now.
    pub(super) fn deleted(&self, plan: &[Planned]) -> u64 {
        let is_recorded =
            |url: &String| matches!(self.past.builds.get(url), Some(PastBuild::Ended { state: State::Deleted, .. }));
        let now = plan.iter().filter(|planned| planned.kept_as() == Some(State::Deleted)).filter_map(url);
        let now: HashSet<String> = now.filter(|url| !is_recorded(url)).collect();
        let others = self.unchosen.iter().filter(|(_, gone)| *gone).count();
        self.past.deleted() + (now.len() + others) as u64
    }

    /// The builds that earlier sessions deleted and that are not chosen now.
    pub(super) fn deleted_unchosen(&self, plan: &[Planned]) -> Vec<Planned> {
        let chosen: HashSet<String> = plan.iter().filter_map(url).collect();
        let recorded = self.past.builds.iter();
        let recorded = recorded.filter(|(_, build)| matches!(build, PastBuild::Ended { state: State::Deleted, .. }));
        let seen = self.unchosen.iter().filter(|(url, gone)| *gone && self.past.may_be_sent(url)).map(|(url, _)| url);
        let mut urls: Vec<&String> =
            recorded.map(|(url, _)| url).chain(seen).filter(|url| !chosen.contains(*url)).collect();
        urls.sort_unstable();
        let kept = || Decision::Keep(State::Deleted, KeepReason::EarlierRun(String::new()));
        let planned = |url: &String| Planned {
            chosen: by_address(self.form, url),
            decision: kept(),
            project: None,
            paths: RequestPaths::default(),
            sent_before: true,
            cancels_first: false,
            cancelled: None,
            cancel_may_be_sent: false,
        };
        urls.into_iter().map(planned).collect()
    }

    /// All builds that earlier sessions deleted, those of the plan and others, each with its identity.
    pub(super) fn deleted_before<'a>(&self, plan: &'a [Planned], others: &'a [Planned]) -> Vec<Deleted<'a>> {
        let deleted = plan.iter().chain(others).filter(|planned| planned.kept_as() == Some(State::Deleted));
        let with_identity = deleted.filter_map(|planned| {
            let was = self.past.identities.get(&url(planned)?)?.clone();
            Some(Deleted { planned, was })
        });
        with_identity.collect()
    }

    /// The builds whose deletion was sent and whose end is not on record.
    fn unsettled(&self) -> HashSet<String> {
        self.past.unsettled().into_iter().map(|(url, _)| url.to_owned()).collect()
    }

    /// The builds that have to be looked up: those whose end is not on record, and those of the plan that were not gone when they were
    /// last read.
    pub(super) fn to_look_up(&self, plan: &[Planned]) -> HashSet<String> {
        let chosen = plan.iter().filter_map(url);
        self.unsettled().into_iter().chain(chosen.filter(|url| self.past.has_to_be_looked_up(url))).collect()
    }
}

/// The file of the journal.
pub(super) fn journal_file(request: &DeleteRequest, report: &ReportFile) -> PathBuf {
    request.journal.clone().unwrap_or_else(|| default_file(request.report_file(), report))
}

/// Beside the report, so that the same command finds it again. A list from standard input is known by its digest.
fn default_file(report: Option<&Path>, read: &ReportFile) -> PathBuf {
    let list = || format!("halfbuilt-{}{ENDING}", read.sha256.get(..12).unwrap_or_default()).into();
    report.map_or_else(list, journal::beside)
}

/// What a session of the journal begins with.
pub(super) struct SessionStart<'a> {
    pub(super) report: ReportFile,
    pub(super) plan: &'a [Planned],
    pub(super) host: &'a str,
    pub(super) admin: &'a str,
    pub(super) database: DatabaseName,
    pub(super) tables: String,
    /// The collection whose documents are read, in words.
    pub(super) collection: Option<String>,
    pub(super) times: (Option<String>, Option<String>),
    /// The flags by which the rows were chosen.
    pub(super) chosen_by: Vec<String>,
    /// What flags allowed beyond the defaults and the policy.
    pub(super) allowed: Vec<String>,
    pub(super) results: Option<String>,
}

/// The first line of a session.
pub(super) fn start_event(session: SessionStart<'_>) -> Event {
    let Who { user, machine, pid } = Who::current();
    let deletions = session.plan.iter().filter(|planned| planned.is_deletion()).count() as u64;
    let (backup_time, restored_at) = session.times;
    Event::Start(Box::new(Start {
        tool: TOOL.to_owned(),
        user,
        machine,
        pid,
        report: session.report,
        results: session.results,
        plan: digest(session.plan),
        deletions,
        kept: session.plan.len() as u64 - deletions,
        host: session.host.to_owned(),
        admin: session.admin.to_owned(),
        database: session.database,
        tables: Some(session.tables),
        collection: session.collection,
        backup_time,
        restored_at,
        chosen_by: session.chosen_by,
        allowed: session.allowed,
    }))
}

/// What the database says of builds that earlier sessions left open.
pub(super) struct LookedUp {
    pub(super) events: Vec<Event>,
    /// How those ended that are not chosen any more: they count in the session's sum.
    pub(super) states: BTreeMap<State, u64>,
}

/// The journal's events of the builds that earlier sessions left open. Those that are not in the plan end here.
pub(super) fn record_looked_up(
    to_look_up: &HashSet<String>,
    plan: &[Planned],
    history: &History,
    printer: Printer,
) -> LookedUp {
    let (mut events, mut states) = (Vec::new(), BTreeMap::new());
    let mut planned = HashSet::new();
    for build in plan {
        let Some(url) = url(build) else { continue };
        // What could not be read was not looked at.
        let is_unread = matches!(build.decision, Decision::Keep(_, KeepReason::Unread(_)));
        if to_look_up.contains(&url) && !is_unread && planned.insert(url.clone()) {
            let gone = build.kept_as().is_some_and(State::is_gone);
            events.push(Event::looked(&url, gone, if gone { "read again and gone" } else { "still there" }));
        }
    }
    for (url, gone) in &history.unchosen {
        // Where an answer says that nothing was done, somebody else deleted it.
        let (state, reason) = match (gone, history.past.may_be_sent(url)) {
            (true, true) => (State::Deleted, "read again and gone"),
            (true, false) => (State::AlreadyGone, "read again and gone; no deletion of this journal did it"),
            (false, _) => (State::Unknown, "still there when read again; it is not chosen any more"),
        };
        printer.say(&format!("{url} was sent by an earlier run and is not chosen now: {reason}"));
        events.extend([Event::looked(url, *gone, reason), Event::result(url, state, reason)]);
        *states.entry(state).or_default() += 1;
    }
    LookedUp { events, states }
}

/// The canonical address of a build of the plan, where it has one.
fn url(planned: &Planned) -> Option<String> {
    planned.chosen.url.as_ref().map(ToString::to_string)
}

/// A build of which only the address is known.
fn by_address(form: AddressForm, url: &str) -> Chosen {
    let parsed = BuildUrl::parse_in(form, url).ok();
    let project = parsed.as_ref().and_then(BuildUrl::project);
    Chosen { line: 0, url_text: url.to_owned(), url: parsed, project, reasons: Vec::new(), judged: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_finds_the_same_journal() {
        let read = ReportFile { file: "-".to_owned(), sha256: "0123456789abcdef".repeat(4) };
        assert_eq!(default_file(Some(Path::new("a/report.csv")), &read), Path::new("a/report.csv.journal.jsonl"));
        assert_eq!(default_file(None, &read), Path::new("halfbuilt-0123456789ab.journal.jsonl"));
    }
}
