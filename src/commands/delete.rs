//! `halfbuilt delete`: deletes the chosen builds of a report, or shows what it would do.

mod admin;
mod checklist;
mod choice;
mod choice_list;
mod closing;
mod copies;
mod execution;
mod gates;
mod history;
mod messages;
mod next;
mod origin;
mod other_journals;
mod planning;
mod recorder;
mod request;
mod run_again;
mod server_store;

use crate::cli::DeleteArgs;
use crate::database::Database;
use crate::deletion::journal::Past;
use crate::deletion::{FIRST_SILENCE, Freshener, LiveBuilds, ReaderEvent, ReaderOptions};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer, check_terminal};
use crate::state::State;

use super::alive::say_listed;
use super::interrupt::Interrupt;
use super::waiting::Waiting;
use super::{Error, preamble};
use choice::{Chosen, choose, keep_apart, open_results, results_file};
use choice_list::choose_in_editor;
use closing::{
    say_what_is_cancelled, say_what_is_kept, warn_of_archive_before, warn_of_archive_of_copies, warn_of_unknown,
};
use execution::{Work, execute};
use history::{History, journal_file};
use messages::report_event;
use other_journals::hint_at_another;
use planning::{Plan, confirm, end_without_deletions, make_plan};
use recorder::write_plan;
use request::DeleteRequest;
use run_again::RunAgainFiles;

/// Chooses, plans, and carries the plan out where `--execute` says so.
pub(super) async fn run(args: DeleteArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let mut request = DeleteRequest::from_args(args, printer)?;
    if request.choose {
        check_terminal()?;
    }
    let mut chosen = choose(&request, printer)?;
    if request.choose {
        chosen.rows = choose_in_editor(chosen.rows, &request.report_name(), interrupt, printer).await?;
    }
    request.report_tells_times = chosen.origin.tells(&request.reading.times);
    chosen.origin.lend_times(&mut request.reading.times);
    let scan = request.reading.plan_by(request.profile.clone(), &[])?.with_every_piece();
    request.check_admin_path(scan.deletion())?;
    let host = gates::check_choice(&request, &chosen, printer)?;
    checklist::check(&request, printer)?;
    let (results_file, journal) = (results_file(&request), journal_file(&request, &chosen.report));
    let run_again = RunAgainFiles::beside(&journal);
    keep_apart(&request, results_file.as_deref(), &journal, Some(&run_again).filter(|_| scan.presents_run_again()))?;
    if request.execute && scan.presents_run_again() {
        run_again.check()?;
    }
    let mut history = History::read(request.execute, journal, request.profile.addresses, printer)?;
    let results = open_results(&request, results_file.as_deref(), &history, &chosen.rows)?;
    let on_stdout = results_file.is_none();

    let database = interrupt.or(request.reading.connect(printer)).await?;
    let copies = interrupt.or(copies::refetcher(&request, (&scan, &chosen.origin, host.as_deref()), printer)).await?;
    let (settings, on_event) = (|| request.reading.settings(), |event: &ReaderEvent<'_>| report_event(event, printer));
    let options = ReaderOptions {
        plan: &scan,
        permit: &request.permit,
        execute: request.execute,
        archive: request.archive.is_some(),
        statement_timeout: request.reading.statement_timeout,
        settings: &settings,
        on_event: &on_event,
        freshener: copies.as_ref().map(|copies| copies as &dyn Freshener),
    };
    let report = chosen.report.clone();
    let canceller = database.canceller();
    let waiting = Waiting::watch(database.blocking_sessions(), printer);
    let planning = plan(&request, options, chosen, &mut history, database, printer);
    let (mut builds, mut plan) = interrupt.or_cancel(&canceller, planning).await?;
    drop(waiting);
    if let Some(copies) = &copies {
        interrupt.or(copies.put_unprovable_last(&mut plan, printer)).await?;
    }
    builds.stop_searching_by_url();
    let database = |past: &Past| builds.database_name(past);
    hint_at_another(&history, host.as_deref(), &plan.builds, database, printer);

    let Some(host) = host.filter(|_| plan.deletions() > 0 || has_open_ends(&request, &plan, &history)) else {
        if request.execute && history.past.deleted() > 0 {
            // The run that deleted them may have been killed before it came to that.
            run_again.write((&request, &plan.builds), (&mut builds, true), interrupt, printer).await;
        }
        return end_without_deletions(&request, &plan.builds, results, on_stdout, printer);
    };
    warn_of_unknown(&plan.builds, printer);
    if request.archive.is_some() && scan.presents_copies() {
        warn_of_archive_of_copies(&plan.builds, printer);
    }
    if request.archive.is_none() && plan.deletions() > 0 {
        warn_of_archive_before(&history.past, printer);
    }
    let before = (history.deleted(&plan.builds), history.past.lost());
    gates::warn_of_another_host(&request, &host, printer);
    let passed = gates::check_plan(&request, &plan, before, &builds.premise().contradictions, printer);
    if !request.execute {
        let needs_token = copies.is_some();
        return show_dry_run((&request, needs_token), &plan, &host, passed, (results, on_stdout), printer);
    }
    passed?;
    interrupt.or(confirm(&request, &host, builds.identity(), &plan, printer)).await?;
    let work = Work {
        request: &request,
        host: &host,
        plan: &plan,
        deletion: scan.deletion(),
        copies: copies.as_ref(),
        report,
        history,
        results,
        results_file,
        run_again: &run_again,
    };
    execute(work, builds, interrupt, printer).await
}

/// Checks the database, reads the chosen builds in it, and decides on each.
async fn plan<'a>(
    request: &DeleteRequest,
    options: ReaderOptions<'a>,
    Chosen { rows, origin, .. }: Chosen,
    history: &mut History,
    mut database: Database,
    printer: Printer,
) -> Result<(LiveBuilds<'a>, Plan), Error> {
    if request.reading.statement_timeout.is_none() {
        database.set_answer_limit(FIRST_SILENCE);
    }
    let holds_copies = options.plan.presents_copies();
    if !holds_copies {
        gates::check_database(&database.identity().await?, &origin)?;
    }
    gates::check_primary(&mut database, (request.execute, holds_copies), printer).await?;
    gates::take_lock(&mut database, request.execute, printer).await?;
    let mut builds = LiveBuilds::open(database, options).await?;
    preamble::say_what_is_read((builds.identity(), builds.collection()), builds.tables(), printer);
    preamble::warn_of_collection(builds.collection(), request.reading.times.backup, printer);
    // Which CI was collected from is known only now.
    gates::check_database(builds.identity(), &origin)?;
    preamble::warn_of_role(request.reading.foreign_sql(options.plan), builds.role(), printer);
    gates::check_collection(request, builds.collection(), printer)?;
    gates::check_tables(builds.tables(), &origin)?;
    preamble::warn_of_bytes(builds.reads_bytes(), printer);
    preamble::warn_of_collations(builds.collations(), printer);
    preamble::warn_of_damage(&builds.damage(), printer);
    preamble::say_premise(builds.premise(), printer);
    history.check_database(&builds.database_name(&history.past))?;
    if !options.plan.alive().is_empty() {
        say_listed(options.plan.alive(), &builds.count_listed().await?, printer);
    }
    let known = builds.projects().await?;
    gates::warn_of_unmatched(&request.permit, known.keys(), printer);
    let plan = make_plan(&mut builds, rows, &request.projects, &known, &history.past, printer).await?;
    history.look_up_unchosen(&plan.builds, &mut builds).await?;
    Ok((builds, plan))
}

/// Whether an earlier run left builds without a known end, which have to be looked up and put on record even if nothing is sent.
fn has_open_ends(request: &DeleteRequest, plan: &Plan, history: &History) -> bool {
    let returned = plan.builds.iter().any(|planned| planned.kept_as() == Some(State::Failed));
    request.execute && (returned || !history.to_look_up(&plan.builds).is_empty())
}

/// Shows what `--execute` would do. `passed` is what the gates said of the plan.
fn show_dry_run(
    (request, needs_token): (&DeleteRequest, bool),
    plan: &Plan,
    host: &str,
    passed: Result<(), Error>,
    (results, on_stdout): (OutputFile, bool),
    printer: Printer,
) -> Result<Exit, Error> {
    write_plan(&plan.builds, results, on_stdout, printer.color())?;
    let (deletions, count) = (plan.deletions(), plan.builds.len());
    printer.tell(&format!("{deletions} of {count} chosen builds would be deleted on {host}"));
    say_what_is_cancelled(&plan.builds, printer);
    say_what_is_kept(&plan.builds, printer);
    passed?;
    match &request.via {
        Some(via) => printer.say(&format!("the admin path was not tried: {via}")),
        None => printer.say("the admin path was not named: --execute needs it, as --via"),
    }
    printer.say("dry run: nothing was sent");
    next::say_execute(request, host, needs_token, printer);
    Ok(Exit::Clean)
}
