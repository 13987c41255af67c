//! `halfbuilt delete`: deletes the chosen builds of a report, or shows what it would do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::admin::{AdminPath, Answer, Options, Via};
use crate::build_url::BuildUrl;
use crate::cli::DeleteArgs;
use crate::deletion::{self, BuildReader, Decision, Deleter, Ending, GateError, Planned};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer, Progress};
use crate::project_glob::ProjectGlobs;
use crate::report::{self, Chosen};
use crate::scan::ScanError;
use crate::state::State;
use crate::text::{counted, shorten};

use super::guard::Guard;
use super::interrupt::Interrupt;
use super::record::{Record, show_plan};
use super::{Error, reading};

/// How many builds are read at once while the plan is made.
const PLANNED_AT_ONCE: usize = 1000;
/// How many reasons for which builds are kept are said.
const REASONS_SHOWN: usize = 5;
/// How many characters of such a reason are said.
const REASON_SHOWN: usize = 120;

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

/// Reads the report and keeps the rows that are meant. An empty choice is an error, never "all".
fn choose(args: &DeleteArgs, projects: &ProjectGlobs, printer: Printer) -> Result<Vec<Chosen>, Error> {
    let file = &args.report;
    let base_url = reading::base_url(&args.reading)?;
    let rows = if is_dash(file) {
        report::read(stdin().lock(), base_url.as_deref())
    } else {
        let opened = File::open(file).map_err(|source| Error::Read { file: file.clone(), source })?;
        report::read(opened, base_url.as_deref())
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

fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// Where the rows go. On a terminal they would fly past: the results of real deletions then get a file of their own.
fn output_file(args: &DeleteArgs) -> Option<PathBuf> {
    let given = args.output.clone().filter(|path| !is_dash(path));
    given.or_else(|| {
        let at = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        (args.execute && stdout().is_terminal()).then(|| PathBuf::from(format!("halfbuilt-results-{at}.csv")))
    })
}

/// What is known of a deletion is never written over, by no plan either.
fn open_output(args: &DeleteArgs, file: Option<&Path>) -> Result<OutputFile, Error> {
    let Some(path) = file else { return Ok(OutputFile::whole(None)?) };
    let place = |path: &Path| path.canonicalize().ok();
    if !is_dash(&args.report) && place(path).is_some_and(|output| Some(output) == place(&args.report)) {
        return Err(Error::Usage(format!("-o {} is the report itself", path.display())));
    }
    if path.exists() && path.is_file() {
        let name = path.display();
        return Err(Error::Usage(format!("-o {name} is there already, and results are never written over")));
    }
    Ok(OutputFile::new_record(path)?)
}

async fn make_plan(guard: &mut Guard<'_>, chosen: Vec<Chosen>, printer: Printer) -> Result<Vec<Planned>, Error> {
    let known = guard.projects().await?;
    if known.is_empty() {
        return Err(Error::NothingToDelete("the database holds no build at all".to_owned()));
    }
    let is_known = |project: &str| known.iter().any(|known| known.eq_ignore_ascii_case(project));
    // Where projects are not named as addresses name them, nothing follows from a name that is not there.
    let tells = known.iter().all(|project| project.contains('/'));
    if tells && !chosen.iter().any(|row| row.project.as_deref().is_none_or(is_known)) {
        let why = "the database knows none of their projects: is it the right one?";
        return Err(Error::NothingToDelete(why.to_owned()));
    }
    let mut progress = Progress::counted("reading the chosen builds", chosen.len() as u64, printer);
    let mut plan = Vec::with_capacity(chosen.len());
    let mut left = chosen.into_iter();
    loop {
        let batch: Vec<Chosen> = left.by_ref().take(PLANNED_AT_ONCE).collect();
        if batch.is_empty() {
            return Ok(plan);
        }
        let readings = guard.read(&batch.iter().collect::<Vec<_>>()).await?;
        for (chosen, now) in batch.into_iter().zip(readings) {
            let decision = deletion::plan(&chosen, &now, &guard.rules());
            plan.push(Planned { chosen, decision });
            progress.advance();
        }
    }
}

/// Nothing is to be deleted: either all is gone already, or nothing may be deleted.
fn nothing_left(plan: &[Planned], output: OutputFile, on_stdout: bool, printer: Printer) -> Result<Exit, Error> {
    show_plan(plan, output, on_stdout)?;
    say_what_is_kept(plan, printer);
    let mut may_have_been_deleted = plan.iter().filter(|planned| planned.kept_as() != Some(State::Refused));
    if may_have_been_deleted.all(|planned| planned.kept_as().is_some_and(State::is_gone)) {
        printer.warn("what could be deleted is gone already: if that is a surprise, is this the right database?");
    }
    if plan.iter().filter_map(Planned::kept_as).all(State::is_gone) {
        return Ok(Exit::Clean);
    }
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
    let nobody = || GateError::NotConfirmed(host.to_owned());
    if is_dash(&args.report) {
        return Err(nobody().into());
    }
    let question = format!(
        "{deletions} of {chosen} chosen builds will be deleted on {host}; this cannot be undone. Type the host: "
    );
    // Waiting for a person must not keep a Ctrl-C from being heard.
    let typed = tokio::task::spawn_blocking(move || printer.ask(&question)).await;
    match typed.ok().flatten() {
        None => Err(nobody().into()),
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
