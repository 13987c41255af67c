//! `halfbuilt delete`: deletes the chosen builds of a report, or shows what it would do.

mod admin;
mod again;
mod choice;
mod execution;
mod gates;
mod history;
mod origin;
mod planning;

use crate::admin::Via;
use crate::cli::DeleteArgs;
use crate::exit::Exit;
use crate::output::Printer;
use crate::project_glob::ProjectGlobs;
use crate::state::State;

use super::guard::{FIRST_SILENCE, Guard};
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::record::show_plan;
use super::waiting::Waiting;
use super::{Error, reading};
use choice::{choose, chosen_timings, keep_apart, open_output, output_file};
use execution::{Work, carry_out};
use gates::Gates;
use history::{History, journal_file};
use planning::{Question, builds_in_scope, confirm, make_plan, nothing_left, say_what_is_kept, warn_of_unknown};

/// Plans, and carries the plan out if it is told to.
pub(super) async fn run(args: DeleteArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let via: Via = args.via.parse()?;
    let projects = ProjectGlobs::new(&args.projects)?;
    let mut request = ReadRequest::from_args(&args.reading)?;
    let gates = Gates::settle(&args.gates, request.times.clock_tolerance, chosen_timings(&args))?;
    let (chosen, origin, report) = choose(&args, request.base_url.as_deref(), &projects, printer)?;
    origin.lend_times(&mut request.times);
    let scan = request.plan(&[])?.with_every_piece();
    let host = gates.choice(&args, &request.times, &chosen, &origin, printer)?;
    let output_file = output_file(&args);
    let journal = journal_file(&args, &report);
    keep_apart(&args, &request, output_file.as_deref(), &journal)?;
    let mut history = History::look(&args, journal, printer)?;
    let output = open_output(&args, output_file.as_deref(), &history, &chosen)?;

    let mut database = interrupt.or(request.connect(printer)).await?;
    let canceller = database.canceller();
    let waiting = Waiting::watch(database.onlooker(), printer);
    if request.statement_timeout.is_none() {
        database.give_up_after(FIRST_SILENCE);
    }
    let planned = async {
        gates::database(&database.identity().await?, &origin)?;
        gates::primary(&mut database, args.execute, printer).await?;
        gates::alone(&mut database, args.execute, printer).await?;
        let mut guard = Guard::open(database, (&request, &scan), &gates.permit, &args, printer).await?;
        reading::say_tables(guard.identity(), &guard.tables, printer);
        reading::warn_of_role(request.foreign_sql(&scan), guard.fit.role(), printer);
        gates::tables(&guard.tables, &origin)?;
        reading::say_premise(&guard.premise, printer);
        history.is_of(&guard.database_name(&history.past))?;
        let known = guard.projects().await?;
        gates.tell_unmatched(known.keys(), printer);
        let plan = make_plan(&mut guard, chosen, &known, &history.past, printer).await?;
        history.look_up_others(&plan, &mut guard).await?;
        let in_scope = builds_in_scope(&known, &projects);
        Ok((guard, plan, in_scope))
    };
    let (mut guard, plan, in_scope) = interrupt.or_cancel(&canceller, planned).await?;
    drop(waiting);
    guard.knows_them();
    let deletions = plan.iter().filter(|planned| planned.is_deletion()).count();
    // What an earlier run left open, or did not see gone, has to be looked up and put on record, even if nothing is to be sent.
    let returned = plan.iter().any(|planned| planned.kept_as() == Some(State::Failed));
    let left_open = args.execute && (returned || !history.doubtful(&plan).is_empty());
    let host = match host {
        Some(host) if deletions > 0 || left_open => host,
        _ => return nothing_left(&plan, output, output_file.is_none(), printer),
    };
    warn_of_unknown(&plan, printer);
    let judged = gates.plan(&plan, (history.deleted(&plan), in_scope), &guard.premise.contradictions, printer);
    if !args.execute {
        show_plan(&plan, output, output_file.is_none())?;
        let count = plan.len();
        printer.say(&format!("{deletions} of {count} chosen builds would be deleted on {host}"));
        say_what_is_kept(&plan, printer);
        judged?;
        printer.say(&format!("the admin path was not tried: {via}"));
        printer.say(&format!("dry run: nothing was sent; --execute --confirm {host} does it"));
        return Ok(Exit::Clean);
    }
    judged?;
    let database = guard.identity().name.clone();
    let question = Question { host: &host, via: &via, database: &database, deletions, chosen: plan.len() };
    interrupt.or(confirm(&args, question, printer)).await?;
    let output = (output, output_file);
    let work = Work { args: &args, via: &via, host: &host, plan: &plan, report, history, output };
    carry_out(work, guard, interrupt, printer).await
}
