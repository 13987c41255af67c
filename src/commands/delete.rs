//! `halfbuilt delete`: deletes the chosen builds of a report, or shows what it would do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, stdin};
use std::path::Path;

use secrecy::SecretString;

use crate::admin::{AdminPath, Answer, Options};
use crate::build_url::BuildUrl;
use crate::cli::DeleteArgs;
use crate::deletion::{self, BuildReader, Decision, Deleter, Ending, GateError, Listener, Planned};
use crate::exit::Exit;
use crate::output::{OutputFile, PlanTable, Printer, Progress};
use crate::project_glob::ProjectGlobs;
use crate::report::{self, Chosen, ResultRow, ResultWriter};
use crate::state::State;
use crate::text::shorten;

use super::guard::Guard;
use super::interrupt::Interrupt;
use super::{Error, reading};

/// How many builds are read at once while the plan is made.
const PLANNED_AT_ONCE: usize = 200;
/// How many reasons for which builds are kept are said.
const REASONS_SHOWN: usize = 5;
/// How many characters of such a reason are said.
const REASON_SHOWN: usize = 120;

/// Plans, and carries the plan out if it is told to.
pub(super) async fn run(args: DeleteArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let projects = ProjectGlobs::new(&args.projects)?;
    let scan = reading::plan(&args.reading, &[], printer)?;
    let chosen = choose(&args, &projects, printer)?;
    let may_be_deleted = chosen.iter().filter(|row| row.judged.as_ref().is_none_or(|judged| judged.deletable));
    let host = deletion::one_host(may_be_deleted.filter_map(|row| row.url.as_ref()), args.confirm.as_deref())?;
    let output = open_output(&args)?;

    let mut database = interrupt.or(reading::connect(&args.reading, printer)).await?;
    let canceller = database.canceller();
    let mut guard = Guard { database: &mut database, plan: &scan };
    let plan = interrupt.or_cancel(&canceller, make_plan(&mut guard, chosen, printer)).await?;
    let deletions = plan.iter().filter(|planned| planned.is_deletion()).count();
    let (host, deletions) = match host {
        Some(host) if deletions > 0 => (host, deletions),
        _ => return nothing_left(&plan, output, printer),
    };
    if !args.execute {
        show(&plan, output, args.output.is_none())?;
        let count = plan.len();
        printer.say(&format!("{deletions} of {count} chosen builds would be deleted on {host}"));
        say_what_is_kept(&plan, printer);
        printer.say(&format!("dry run: nothing was sent; --execute --confirm {host} does it"));
        return Ok(Exit::Clean);
    }

    interrupt.or(confirm(&args, &host, (deletions, plan.len()), printer)).await?;
    let options = options(&args)?;
    let connected = async { Ok(AdminPath::connect(&args.via, options).await?) };
    let mut admin = Admin(interrupt.or(connected).await?);
    printer.say(&format!("deleting {deletions} builds on {host} through {}", admin.0.describe()));
    let mut record = Record::new(output, deletions as u64, printer)?;
    let ending = deletion::run(&plan, &mut guard, &mut admin, &mut record, interrupt.token()).await;
    admin.0.close().await;
    let states = record.finish()?;
    printer.say(&tally(&states));
    say_what_is_kept(&plan, printer);
    if let Some(file) = &args.output {
        printer.say(&format!("results are in {}", file.display()));
    }
    outcome(ending, &states)
}

fn outcome(ending: Ending<crate::scan::ScanError>, states: &BTreeMap<State, u64>) -> Result<Exit, Error> {
    match ending {
        Ending::Interrupted => Err(Error::Interrupted),
        Ending::Blind(error) => Err(error.into()),
        Ending::Unrecorded(error) => Err(Error::Unrecorded(error)),
        Ending::Stopped(why) => Err(Error::Stopped(why)),
        Ending::Complete if states.keys().all(|state| state.is_gone()) => Ok(Exit::Clean),
        Ending::Complete => Ok(Exit::NotAllDeleted),
    }
}

/// Reads the report and keeps the rows that are meant. An empty choice is an error, never "all".
fn choose(args: &DeleteArgs, projects: &ProjectGlobs, printer: Printer) -> Result<Vec<Chosen>, Error> {
    let file = &args.report;
    let base_url = args.reading.base_url.as_deref();
    let rows = if file == Path::new("-") {
        report::read(stdin().lock(), base_url)
    } else {
        let opened = File::open(file).map_err(|source| Error::Read { file: file.clone(), source })?;
        report::read(opened, base_url)
    };
    let rows = rows.map_err(|source| Error::Report { file: file.clone(), source })?;
    let name = file.display();
    if rows.is_empty() {
        return Err(Error::NothingToDelete(format!("{name} holds no build")));
    }
    let names: Vec<String> = rows.iter().filter_map(|row| row.project.clone()).collect();
    for glob in projects.unmatched(&names) {
        printer.warn(&format!("--project {glob}: no row of {name} is of such a project"));
    }
    for reason in args.reasons.iter().filter(|reason| !rows.iter().any(|row| row.reasons.contains(reason))) {
        printer.warn(&format!("--reason {reason}: no row of {name} has it"));
    }
    let all = rows.len();
    let chosen = deletion::choose(rows, &args.reasons, projects);
    if chosen.is_empty() {
        return Err(Error::NothingToDelete(format!("none of the {all} rows of {name} is chosen")));
    }
    Ok(chosen)
}

/// Results of real deletions are never written over; a plan may be.
fn open_output(args: &DeleteArgs) -> Result<OutputFile, Error> {
    Ok(match &args.output {
        Some(path) if args.execute => OutputFile::new_record(path)?,
        path => OutputFile::whole(path.as_deref())?,
    })
}

async fn make_plan(guard: &mut Guard<'_>, chosen: Vec<Chosen>, printer: Printer) -> Result<Vec<Planned>, Error> {
    guard.check().await?;
    let mut progress = Progress::counted("reading the chosen builds", chosen.len() as u64, printer);
    let mut plan = Vec::with_capacity(chosen.len());
    for batch in chosen.chunks(PLANNED_AT_ONCE) {
        let readings = guard.read(&batch.iter().collect::<Vec<_>>()).await?;
        for (chosen, now) in batch.iter().zip(readings) {
            let decision = deletion::plan(chosen, &now, &guard.rules());
            plan.push(Planned { chosen: chosen.clone(), decision });
            progress.advance();
        }
    }
    Ok(plan)
}

/// Nothing is to be deleted: either all is gone already, or nothing may be deleted.
fn nothing_left(plan: &[Planned], output: OutputFile, printer: Printer) -> Result<Exit, Error> {
    let states: Vec<State> = plan.iter().filter_map(Planned::kept_as).collect();
    show(plan, output, true)?;
    if states.iter().all(|state| state.is_gone()) {
        return Ok(Exit::Clean);
    }
    say_what_is_kept(plan, printer);
    Err(Error::NothingToDelete(format!("none of the {} chosen builds may be deleted", plan.len())))
}

/// Says how many builds the plan keeps, and why, the most frequent reasons first.
fn say_what_is_kept(plan: &[Planned], printer: Printer) {
    let mut reasons: BTreeMap<(State, &str), u64> = BTreeMap::new();
    for planned in plan {
        if let Decision::Keep(state, reason) = &planned.decision {
            *reasons.entry((*state, reason)).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    for ((state, reason), builds) in reasons.iter().take(REASONS_SHOWN) {
        printer.say(&format!("kept: {builds} {state}: {}", shorten(reason, REASON_SHOWN)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_SHOWN + 1) {
        printer.say(&format!("kept: and {} more reasons, see the results", more + 1));
    }
}

/// Shows a plan: a table on a terminal, the results file elsewhere.
fn show(plan: &[Planned], mut output: OutputFile, on_screen: bool) -> Result<(), Error> {
    let name = output.name();
    let failed = |source| crate::output::OutputError::new(name.clone(), source);
    if on_screen && std::io::stdout().is_terminal() {
        PlanTable::write(plan, &mut output).map_err(failed)?;
    } else {
        let mut writer = ResultWriter::new(&mut output).map_err(failed)?;
        for planned in plan {
            let (state, reason) = match &planned.decision {
                Decision::Delete(why) => (State::NotAttempted, format!("dry run; {why}")),
                Decision::Keep(state, reason) => (*state, reason.clone()),
            };
            let row = ResultRow { chosen: &planned.chosen, planned: planned.is_deletion(), state, reason: &reason };
            writer.write(&row).map_err(failed)?;
        }
    }
    Ok(output.finish()?)
}

/// Lets nobody delete on a host that they did not name.
async fn confirm(
    args: &DeleteArgs,
    host: &str,
    (deletions, chosen): (usize, usize),
    printer: Printer,
) -> Result<(), Error> {
    if args.confirm.is_some() {
        return Ok(());
    }
    let question = format!(
        "{deletions} of {chosen} chosen builds will be deleted on {host}; this cannot be undone. Type the host: "
    );
    // Waiting for a person must not keep a Ctrl-C from being heard.
    let asked = tokio::task::spawn_blocking(move || printer.ask(&question)).await;
    match asked.ok().flatten().filter(|_| args.report != Path::new("-")) {
        None => Err(GateError::NotConfirmed(host.to_owned()).into()),
        Some(typed) if typed.eq_ignore_ascii_case(host) => Ok(()),
        Some(typed) => Err(GateError::Mistyped { typed, host: host.to_owned() }.into()),
    }
}

fn options(args: &DeleteArgs) -> Result<Options, Error> {
    let admin = &args.admin;
    let token = match &admin.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|source| Error::Read { file: file.clone(), source })?;
            Some(text.trim().to_owned())
        }
        None => std::env::var("HALFBUILT_TOKEN").ok(),
    };
    Ok(Options {
        timeout: admin.timeout,
        admin_fn: admin.admin_fn.clone(),
        token: token.filter(|token| !token.is_empty()).map(SecretString::from),
        token_header: admin.token_header.clone(),
        ca_file: admin.ca_file.clone(),
        allow_plain_http: admin.allow_plain_http,
    })
}

fn tally(states: &BTreeMap<State, u64>) -> String {
    let all: u64 = states.values().sum();
    let counted: Vec<String> = states.iter().map(|(state, builds)| format!("{builds} {state}")).collect();
    format!("{all} chosen: {}", counted.join(", "))
}

/// The admin path, as a deletion sees it.
struct Admin(AdminPath);

impl Deleter for Admin {
    async fn delete(&mut self, build: &BuildUrl) -> Answer {
        self.0.delete(build).await
    }
}

/// Puts every build that has ended on record and moves the bar.
struct Record {
    results: ResultWriter<OutputFile>,
    states: BTreeMap<State, u64>,
    progress: Progress,
}

impl Record {
    fn new(output: OutputFile, deletions: u64, printer: Printer) -> Result<Self, Error> {
        let results = ResultWriter::new(output).map_err(Error::Unrecorded)?;
        Ok(Self { results, states: BTreeMap::new(), progress: Progress::counted("deleting", deletions, printer) })
    }

    fn finish(self) -> Result<BTreeMap<State, u64>, Error> {
        self.results.finish().map_err(Error::Unrecorded)?.finish()?;
        Ok(self.states)
    }
}

impl Listener for Record {
    fn ended(&mut self, planned: &Planned, state: State, reason: &str) -> std::io::Result<()> {
        self.results.write(&ResultRow { chosen: &planned.chosen, planned: planned.is_deletion(), state, reason })?;
        *self.states.entry(state).or_default() += 1;
        if planned.is_deletion() {
            self.progress.advance();
            if !matches!(state, State::Deleted | State::NotAttempted) {
                self.progress.say(&format!("{state}: {}: {reason}", planned.chosen.url_text));
            }
        }
        Ok(())
    }
}
