//! Carries out a plan, with a journal, and tells what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::admin::{AdminPath, Via};
use crate::cli::DeleteArgs;
use crate::commands::Error;
use crate::commands::evidence::Evidence;
use crate::commands::guard::Guard;
use crate::commands::interrupt::Interrupt;
use crate::commands::record::Record;
use crate::deletion::journal::{End, EndWord, Event, ReportFile};
use crate::deletion::{self, Ending, Planned, Speed};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer};
use crate::scan::ScanError;
use crate::state::State;
use crate::table::in_words;
use crate::text::counted;

use super::admin::{Admin, options};
use super::again::the_command;
use super::history::{About, History, looked_up, start};
use super::planning::say_what_is_kept;

/// What there is to be done.
pub(super) struct Work<'a> {
    pub(super) args: &'a DeleteArgs,
    pub(super) via: &'a Via,
    pub(super) host: &'a str,
    pub(super) plan: &'a [Planned],
    pub(super) report: ReportFile,
    pub(super) history: History,
    /// Where the results go, and the name of the file if it is one.
    pub(super) output: (OutputFile, Option<PathBuf>),
}

/// Does it. The admin path is opened only where something is to be sent.
pub(super) async fn carry_out(
    work: Work<'_>,
    mut guard: Guard<'_>,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Exit, Error> {
    let Work { args, via, host, plan, report, history, output: (output, output_file) } = work;
    let deletions = plan.iter().filter(|planned| planned.is_deletion()).count() as u64;
    let mut options = options(args, via)?;
    options.jobs = options.jobs.min(deletions.try_into().unwrap_or(usize::MAX)).max(1);
    let admin = match deletions {
        0 => None,
        _ => {
            let connected = async { Ok(AdminPath::connect(via, options).await?) };
            Some(Admin(interrupt.or(connected).await?))
        }
    };
    let database = guard.database_name(&history.past);
    let journal = history.open(host, &database)?;
    let unsettled = history.doubtful(plan);
    let elsewhere = history.deleted_elsewhere(plan);
    let deleted_before = history.deleted_before(plan, &elsewhere);
    let canceller = guard.database.canceller();
    let looked_up = looked_up(&unsettled, plan, &history, printer);
    let through = admin.as_ref().map_or("nothing", |admin| admin.0.describe());
    let times =
        [guard.premise.times.backup, guard.premise.restored.time()].map(|time| time.map(|time| time.to_string()));
    let tables = in_words(&guard.tables);
    let results = output_file.as_ref().map(|file| file.display().to_string());
    let about = About { report, plan, host, admin: through, database, tables, times: times.into(), results };
    let begun = [vec![start(about)], looked_up.events].concat();
    journal.append(begun).await.map_err(Error::Unrecorded)?;
    printer.say(&format!("journal: {}", history.file.display()));
    if let Some(path) = args.archive.as_deref().filter(|_| deletions > 0) {
        let opened = Evidence::open(path, (&journal, &history.past), &mut guard, printer);
        match interrupt.or_cancel(&canceller, opened).await {
            Ok(evidence) => guard.evidence = Some(evidence),
            Err(error) => {
                let (ending, text) = (EndWord::Stopped, error.to_string());
                // What went wrong is told in any case.
                let _ = journal
                    .append(vec![Event::End(End { ending, text, states: BTreeMap::new(), read_again: None })])
                    .await;
                return Err(error);
            }
        }
    }
    if let Some(admin) = &admin {
        let jobs = match admin.0.jobs() {
            1 => "one at a time".to_owned(),
            jobs => format!("up to {jobs} at once"),
        };
        printer.say(&format!("deleting {} on {host} through {through}, {jobs}", counted(deletions, "build")));
    }

    let mut record = Record::new(output, deletions, journal.clone(), unsettled, printer)?;
    let jobs = admin.as_ref().map_or(1, |admin| admin.0.jobs());
    let speed = Speed { jobs, rate: args.admin.rate };
    let ending = deletion::run(plan, deleted_before, speed, (&mut guard, &admin, &mut record), interrupt.stop()).await;
    if let Some(admin) = admin {
        admin.0.close().await;
    }
    let read_again = !matches!(ending, Ending::Blind(_)) && !interrupt.stop().now.is_cancelled();
    if !read_again {
        printer.warn(
            "what was deleted was not read once more at the end, as it is otherwise: run the same command again to see",
        );
    }
    let (states, recorded) = record.finish();
    // Where the journal cannot be written any more, that has been told, and the lines before this one stand.
    let mut all = states.clone();
    looked_up.states.into_iter().for_each(|(state, builds)| *all.entry(state).or_default() += builds);
    let ended = journal.append(vec![Event::End(End { read_again: Some(read_again), ..end(&ending, &all) })]).await;
    drop(journal);
    printer.say(&tally(&states));
    say_what_is_kept(plan, printer);
    if let Some(file) = &output_file {
        printer.say(&format!("results are in {}", file.display()));
    }
    let open = [State::NotAttempted, State::Unknown, State::Failed];
    if !matches!(ending, Ending::Complete) || open.iter().any(|state| states.contains_key(state)) {
        printer.say(&format!("to go on: {}", the_command(args)));
    }
    let outcome = outcome(ending, &states)?;
    recorded?;
    ended.map_err(Error::Unrecorded)?;
    if outcome == Exit::NotAllDeleted {
        let kept: u64 = states.iter().filter(|(state, _)| !state.is_gone()).map(|(_, builds)| builds).sum();
        printer.say(&format!("exit code 5: {kept} of the chosen builds were not deleted"));
    }
    Ok(outcome)
}

fn outcome(ending: Ending<ScanError>, states: &BTreeMap<State, u64>) -> Result<Exit, Error> {
    match ending {
        Ending::Interrupted => Err(Error::Interrupted),
        Ending::Blind(error) => Err(error.into()),
        Ending::Unrecorded(error) => Err(Error::Unrecorded(error)),
        Ending::Unarchived(error) => Err(Error::Unarchived(error)),
        Ending::Denied(why) if !states.contains_key(&State::Deleted) => Err(Error::Denied(why)),
        Ending::Stopped(why) | Ending::Denied(why) => Err(Error::Stopped(why)),
        Ending::Complete if states.keys().all(|state| state.is_gone()) => Ok(Exit::Clean),
        Ending::Complete => Ok(Exit::NotAllDeleted),
    }
}

/// How the journal tells of the end.
fn end(ending: &Ending<ScanError>, states: &BTreeMap<State, u64>) -> End {
    let (ending, text) = match ending {
        Ending::Complete => (EndWord::Complete, String::new()),
        Ending::Interrupted => (EndWord::Interrupted, String::new()),
        Ending::Stopped(why) => (EndWord::Stopped, why.clone()),
        Ending::Denied(why) => (EndWord::Denied, why.clone()),
        Ending::Blind(error) => (EndWord::Blind, error.to_string()),
        Ending::Unrecorded(error) => (EndWord::Unrecorded, error.to_string()),
        Ending::Unarchived(error) => (EndWord::Unarchived, error.to_string()),
    };
    End { ending, text, states: states.clone(), read_again: None }
}

fn tally(states: &BTreeMap<State, u64>) -> String {
    let all: u64 = states.values().sum();
    let counted: Vec<String> = states.iter().map(|(state, builds)| format!("{builds} {state}")).collect();
    format!("{all} chosen: {}", counted.join(", "))
}
