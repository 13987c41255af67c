//! Carries out a plan, with a journal, and reports what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::admin::AdminPath;
use crate::commands::Error;
use crate::commands::interrupt::Interrupt;
use crate::deletion::journal::{End, EndWord, Event, Journal, ReportFile};
use crate::deletion::{self, ArchiverError, Ending, LiveBuilds, Loss, Planned, Speed};
use crate::exit::Exit;
use crate::http_deletion::HttpDeletion;
use crate::output::{OutputFile, Printer};
use crate::scan::ScanError;
use crate::sources::Address;
use crate::state::State;
use crate::table::in_words;
use crate::text::counted;

use super::admin::Admin;
use super::closing::{say_not_all_deleted, say_what_is_kept, tally};
use super::copies::Copies;
use super::history::{History, LookedUp, SessionStart, record_looked_up, start_event};
use super::next;
use super::planning::Plan;
use super::recorder::RunRecorder;
use super::request::DeleteRequest;
use super::run_again::RunAgainFiles;

/// A plan that has passed its gates, and where its end is recorded.
pub(super) struct Work<'a> {
    pub(super) request: &'a DeleteRequest,
    pub(super) host: &'a str,
    pub(super) plan: &'a Plan,
    /// How the profile says that builds are deleted by HTTP.
    pub(super) deletion: Option<&'a HttpDeletion>,
    /// What fetches builds again, where they are documents.
    pub(super) copies: Option<&'a Copies>,
    pub(super) report: ReportFile,
    pub(super) history: History,
    pub(super) results: OutputFile,
    /// `None` where the results go to standard output.
    pub(super) results_file: Option<PathBuf>,
    /// Where it is said what to run again.
    pub(super) run_again: &'a RunAgainFiles,
}

/// Deletes what the plan says. The admin path is opened only where something is to be sent.
pub(super) async fn execute(
    Work { request, host, plan, deletion, copies, report, history, results, results_file, run_again }: Work<'_>,
    mut builds: LiveBuilds<'_>,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Exit, Error> {
    let admin = connect(request, (plan, deletion), interrupt).await?.map(Rc::new);
    if let Some(copies) = copies {
        copies.ask_store(admin.clone());
    }
    let journal_file = history.file.clone();
    let through = admin.as_ref().map_or("nothing", |admin| admin.describe());
    let database = builds.database_name(&history.past);
    let journal = history.open(host, &database)?;
    let to_look_up = history.to_look_up(&plan.builds);
    let unchosen = history.deleted_unchosen(&plan.builds);
    let deleted_before = history.deleted_before(&plan.builds, &unchosen);
    let LookedUp { events, states: looked_up } = record_looked_up(&to_look_up, &plan.builds, &history, printer);
    let premise = builds.premise();
    let source = builds.collection().and_then(|collection| collection.source.parse::<Address>().ok());
    let source = source.map(|address| address.to_string());
    let start = SessionStart {
        report,
        plan: &plan.builds,
        host,
        admin: through,
        database,
        tables: in_words(builds.tables()),
        collection: builds.collection().map(ToString::to_string),
        times: [premise.times.backup, premise.restored.time()].map(|time| time.map(|time| time.to_string())).into(),
        chosen_by: request.chosen_by(),
        allowed: request.allowed_by_flags(),
        results: results_file.as_ref().map(|file| file.display().to_string()),
    };
    let begun = [vec![start_event(start)], events].concat();
    journal.append(begun).await.map_err(Error::Unrecorded)?;
    printer.say(&format!("journal: {}", history.file.display()));
    if let Some(path) = request.archive.as_deref().filter(|_| plan.deletions() > 0) {
        open_archive(path, (&journal, &history), &mut builds, interrupt, printer).await?;
    }
    if let Some(admin) = &admin {
        let jobs = match admin.jobs() {
            1 => "one at a time".to_owned(),
            jobs => format!("up to {jobs} at once"),
        };
        printer.say(&format!("deleting {} on {host} through {through}, {jobs}", counted(plan.deletions(), "build")));
        // Documents are of a CircleCI Server.
        if let (Some(_), Some(caveat)) = (copies, admin.caveat()) {
            printer.say(caveat);
        }
    }

    let under_way = interrupt.under_way();
    under_way.begin_run();
    let mut recorder = RunRecorder::new(
        results,
        plan.deletions(),
        (journal.clone(), deletion),
        to_look_up,
        under_way.clone(),
        printer,
    )?;
    let speed = Speed { jobs: admin.as_deref().map_or(1, AdminPath::jobs), rate: request.admin.rate };
    let admin = Admin(admin);
    let roles = (&mut builds, &admin, &mut recorder);
    let lost_before = history.past.lost();
    let limits = (speed, request.limits.collateral_left(lost_before).unwrap_or_default());
    let ending = deletion::run(&plan.builds, deleted_before, limits, roles, interrupt.stop()).await;
    if let Some(copies) = copies {
        copies.ask_store(None);
    }
    if let Some(admin) = admin.0.and_then(Rc::into_inner) {
        admin.close().await;
    }
    let read_again = !matches!(ending, Ending::Blind(_)) && !interrupt.stop().now.is_cancelled();
    if !read_again {
        printer.warn("what was deleted was not read again at the end of the run: run the same command again to see");
    }
    under_way.end_run();
    let lost = Some(recorder.lost_builds()).filter(|lost| *lost > 0);
    let (states, recorded) = recorder.finish();
    // Where the journal cannot be written any more, that has been said, and its lines before this one stand.
    let mut all = states.clone();
    looked_up.into_iter().for_each(|(state, builds)| *all.entry(state).or_default() += builds);
    let end = End { read_again: Some(read_again), lost, ..end(&ending, &all) };
    let ended = journal.append(vec![Event::End(end)]).await;
    drop(journal);
    printer.tell(&tally(&states));
    say_what_is_kept(&plan.builds, printer);
    if let Some(file) = &results_file {
        printer.say(&format!("results are in {}", file.display()));
    }
    let can_read = !matches!(ending, Ending::Blind(_));
    run_again.write((request, &plan.builds), (&mut builds, can_read), interrupt, printer).await;
    let has_lost = lost.is_some_and(|lost| lost > limits.1);
    let is_unfinished = !matches!(ending, Ending::Complete) || can_continue(&states, &plan.builds);
    if has_lost {
        // What is gone comes first.
        next::say_scan_again(request, printer);
    } else if is_unfinished {
        next::say_continue(request, printer);
    }
    let exit = exit(ending, &states, (request, lost_before))?;
    recorded?;
    ended.map_err(Error::Unrecorded)?;
    if exit == Exit::NotAllDeleted {
        let kept = states.iter().filter(|(state, _)| !state.is_gone()).map(|(_, builds)| builds).sum();
        say_not_all_deleted(kept, &plan.builds, printer);
    }
    match is_unfinished {
        true => {}
        false if exit == Exit::NotAllDeleted => next::say_scan_again(request, printer),
        false => next::say_look(request, &plan.builds, (&journal_file, source.as_deref()), printer),
    }
    Ok(exit)
}

async fn connect(
    request: &DeleteRequest,
    (plan, deletion): (&Plan, Option<&HttpDeletion>),
    interrupt: &Interrupt,
) -> Result<Option<AdminPath>, Error> {
    let mut options = request.admin_options(deletion)?;
    options.jobs = options.jobs.min(plan.deletions().try_into().unwrap_or(usize::MAX)).max(1);
    match plan.deletions() {
        0 => Ok(None),
        _ => {
            let via = request.admin_path()?;
            let connecting = async { Ok(AdminPath::connect(via, options).await?) };
            Ok(Some(interrupt.or(connecting).await?))
        }
    }
}

/// Opens the archive, and says what it will not hold.
async fn open_archive(
    path: &Path,
    (journal, history): (&Journal, &History),
    builds: &mut LiveBuilds<'_>,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<(), Error> {
    let canceller = builds.canceller();
    let opening = async { Ok(builds.open_archive(path, (journal, &history.past)).await?) };
    let archiver = match interrupt.or_cancel(&canceller, opening).await {
        Ok(archiver) => archiver,
        Err(error) => {
            let end = End {
                ending: EndWord::Stopped,
                text: error.to_string(),
                states: BTreeMap::new(),
                read_again: None,
                lost: None,
            };
            // The error itself is reported in any case.
            let _ = journal.append(vec![Event::End(end)]).await;
            return Err(error);
        }
    };
    let bytes = archiver.bytes_cut_off();
    if bytes > 0 {
        printer.say(&format!("{bytes} bytes of an unfinished part were cut off the end of {}", path.display()));
    }
    let header = archiver.header();
    if !archiver.holds_tables() {
        printer.warn(&format!(
            "profile {} names no tables to archive: --archive holds only what its relations present, which explains a deletion, and is \
             not enough to put a build back",
            header.profile
        ));
    }
    for missing in &header.not_archived {
        printer.warn(&format!("not in the archive: {missing}"));
    }
    Ok(())
}

impl From<ArchiverError> for Error {
    fn from(error: ArchiverError) -> Self {
        match error {
            ArchiverError::Archive(error) => error.into(),
            ArchiverError::Scan(error) => error.into(),
            ArchiverError::Unrecorded(error) => Self::Unrecorded(error),
        }
    }
}

fn exit(
    ending: Ending<ScanError>,
    states: &BTreeMap<State, u64>,
    (request, lost_before): (&DeleteRequest, u64),
) -> Result<Exit, Error> {
    match ending {
        Ending::Interrupted => Err(Error::Interrupted),
        Ending::Blind(error) => Err(error.into()),
        Ending::Unrecorded(error) => Err(Error::Unrecorded(error)),
        Ending::Unarchived(error) => Err(Error::Unarchived(error)),
        Ending::Denied(why) if !states.contains_key(&State::Deleted) => Err(Error::Denied(why)),
        Ending::Stopped(why) | Ending::Denied(why) => Err(Error::Stopped(why)),
        Ending::CanaryFailed { why, line } => Err(Error::Stopped(without_canary(&why, line))),
        Ending::Collateral { loss, why } => {
            let raise = request.limits.how_to_allow_collateral(lost_before + loss.builds());
            Err(Error::Collateral { what: in_words_with(&loss, why.as_deref()), raise })
        }
        Ending::Complete if states.keys().all(|state| state.is_gone()) => Ok(Exit::Clean),
        Ending::Complete => Ok(Exit::NotAllDeleted),
    }
}

/// A loss, and why the run had stopped before it was seen.
fn in_words_with(loss: &Loss, why: Option<&str>) -> String {
    why.map_or_else(|| loss.to_string(), |why| format!("{loss} The run had stopped before: {why}"))
}

/// Why the first build was not deleted, and how to go on where no other is concerned.
fn without_canary(why: &str, line: u64) -> String {
    format!("{why} (if it is this build alone, delete by a copy of the report without line {line})")
}

/// The journal's last line of a session.
fn end(ending: &Ending<ScanError>, states: &BTreeMap<State, u64>) -> End {
    let (ending, text) = match ending {
        Ending::Complete => (EndWord::Complete, String::new()),
        Ending::Interrupted => (EndWord::Interrupted, String::new()),
        Ending::Stopped(why) => (EndWord::Stopped, why.clone()),
        Ending::CanaryFailed { why, line } => (EndWord::Stopped, without_canary(why, *line)),
        // The word of every end that a run chose itself: older programs read it too.
        Ending::Collateral { loss, why } => (EndWord::Stopped, in_words_with(loss, why.as_deref())),
        Ending::Denied(why) => (EndWord::Denied, why.clone()),
        Ending::Blind(error) => (EndWord::Blind, error.to_string()),
        Ending::Unrecorded(error) => (EndWord::Unrecorded, error.to_string()),
        Ending::Unarchived(error) => (EndWord::Unarchived, error.to_string()),
    };
    End { ending, text, states: states.clone(), read_again: None, lost: None }
}

/// Whether the same command may still change how a build ended. What the plan keeps as failed is there again after its deletion: with
/// this journal it stays so.
fn can_continue(states: &BTreeMap<State, u64>, plan: &[Planned]) -> bool {
    let of = |state| states.get(&state).copied().unwrap_or_default();
    let there_again = plan.iter().filter(|planned| planned.kept_as() == Some(State::Failed)).count() as u64;
    of(State::NotAttempted) + of(State::Cancelled) + of(State::Unknown) > 0 || of(State::Failed) > there_again
}
