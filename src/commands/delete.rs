//! `halfbuilt delete`: deletes the chosen builds of a report, or shows what it would do.

mod admin;
mod choice;
mod planning;

use std::collections::BTreeMap;

use crate::admin::{AdminPath, Via};
use crate::cli::DeleteArgs;
use crate::deletion::archive::Start;
use crate::deletion::{self, Ending};
use crate::exit::Exit;
use crate::output::Printer;
use crate::project_glob::ProjectGlobs;
use crate::scan::ScanError;
use crate::state::State;
use crate::text::counted;

use super::evidence::Evidence;
use super::guard::Guard;
use super::interrupt::Interrupt;
use super::record::{Record, show_plan};
use super::{Error, reading};
use admin::{Admin, options};
use choice::{choose, open_output, output_file};
use planning::{confirm, make_plan, nothing_left, say_what_is_kept};

/// Plans, and carries the plan out if it is told to.
pub(super) async fn run(args: DeleteArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let via: Via = args.via.parse()?;
    let projects = ProjectGlobs::new(&args.projects)?;
    let scan = reading::plan(&args.reading, &[], printer)?;
    let chosen = choose(&args, &projects, printer)?;
    let may_be_deleted = chosen.iter().filter(|row| row.judged.as_ref().is_none_or(|judged| judged.deletable));
    let host = deletion::one_host(may_be_deleted.filter_map(|row| row.url.as_ref()), args.confirm.as_deref())?;
    let output_file = output_file(&args);
    let output = open_output(&args, output_file.as_deref())?;

    let mut database = interrupt.or(reading::connect(&args.reading, printer)).await?;
    let canceller = database.canceller();
    let planned = async {
        let mut guard = Guard::open(&mut database, &scan).await?;
        let plan = make_plan(&mut guard, chosen, printer).await?;
        Ok((guard, plan))
    };
    let (mut guard, plan) = interrupt.or_cancel(&canceller, planned).await?;
    guard.thorough = false;
    let deletions = plan.iter().filter(|planned| planned.is_deletion()).count();
    let (host, deletions) = match host {
        Some(host) if deletions > 0 => (host, deletions),
        _ => return nothing_left(&plan, output, output_file.is_none(), printer),
    };
    if !args.execute {
        show_plan(&plan, output, output_file.is_none())?;
        let count = plan.len();
        printer.say(&format!("{deletions} of {count} chosen builds would be deleted on {host}"));
        say_what_is_kept(&plan, printer);
        printer.say(&format!("dry run: nothing was sent; --execute --confirm {host} does it"));
        return Ok(Exit::Clean);
    }

    interrupt.or(confirm(&args, &host, (deletions, plan.len()), printer)).await?;
    let options = options(&args)?;
    let connected = async { Ok(AdminPath::connect(&via, options).await?) };
    let mut admin = Admin(interrupt.or(connected).await?);
    let through = admin.0.describe();
    printer.say(&format!("deleting {} on {host} through {through}", counted(deletions as u64, "build")));
    if let Some(path) = &args.archive {
        let archived = async {
            let mut evidence = Evidence::open(path, Start::New, &mut guard, (None, None), printer).await?;
            let going: Vec<_> =
                plan.iter().filter(|planned| planned.is_deletion()).map(|planned| &planned.chosen).collect();
            for batch in going.chunks(50) {
                let archived = guard.archive(batch, &mut evidence).await?;
                debug_assert_eq!(archived.fingerprints.len(), batch.len());
            }
            Ok(())
        };
        interrupt.or_cancel(&canceller, archived).await?;
        printer.say(&format!("archived in {}", path.display()));
    }
    let mut record = Record::new(output, deletions as u64, printer)?;
    let ending = deletion::run(&plan, &mut guard, &mut admin, &mut record, interrupt.stop()).await;
    admin.0.close().await;
    let (states, recorded) = record.finish();
    printer.say(&tally(&states));
    say_what_is_kept(&plan, printer);
    if let Some(file) = &output_file {
        printer.say(&format!("results are in {}", file.display()));
    }
    let outcome = outcome(ending, &states)?;
    recorded?;
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
        Ending::Denied(why) if !states.contains_key(&State::Deleted) => Err(Error::Denied(why)),
        Ending::Stopped(why) | Ending::Denied(why) => Err(Error::Stopped(why)),
        Ending::Complete if states.keys().all(|state| state.is_gone()) => Ok(Exit::Clean),
        Ending::Complete => Ok(Exit::NotAllDeleted),
    }
}

fn tally(states: &BTreeMap<State, u64>) -> String {
    let all: u64 = states.values().sum();
    let counted: Vec<String> = states.iter().map(|(state, builds)| format!("{builds} {state}")).collect();
    format!("{all} chosen: {}", counted.join(", "))
}
