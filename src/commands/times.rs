//! `halfbuilt times`: what files and the database say of T and R.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::causes::distinct_causes;
use crate::cli::TimesArgs;
use crate::database::{Database, Snapshot};
use crate::exit::Exit;
use crate::file_access::is_dash;
use crate::output::{OutputError, OutputFile, Printer, times_page, write_times};
use crate::premise::Premise;
use crate::row_versions::RowVersions;
use crate::scan::{Census, Fit, ScanPlan, quiet_times};
use crate::text::{Foreign, counted};
use crate::times::{
    Candidate, Conflict, Continuation, DatabaseSays, EvidenceFile, ManifestRead, RestoreTime, TimesReport, Witnesses,
    WrittenSince, of_quiet_times, weigh,
};
use crate::timing::RestoreTimes;

use super::files::Files;
use super::fitting::name_fitting_profiles;
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::rules::show;
use super::waiting::Waiting;
use super::{Error, preamble};

/// Of one file, no more candidates than this are shown.
const CANDIDATES_SHOWN: usize = 20;

/// What to look at, and where the JSON goes.
struct TimesRequest {
    read: ReadRequest,
    files: Vec<EvidenceFile>,
    json: Option<PathBuf>,
}

impl TimesRequest {
    fn from_args(args: TimesArgs, printer: Printer) -> Result<Self, Error> {
        let TimesArgs { files, json, reading } = args;
        let read = ReadRequest::from_args(&reading, "times", printer)?;
        let files: Vec<EvidenceFile> = files.iter().map(|file| EvidenceFile::parse(file)).collect();
        let read_files = files.iter().fold(Files::default(), |named, file| named.read("FILE", Some(&file.path)));
        read_files.read_by(&read).write("--json", json.as_deref()).keep_apart()?;
        Ok(Self { read, files, json })
    }

    /// Without files there is nothing but a database; with files, only one that is named is asked.
    fn asks_a_database(&self) -> bool {
        self.files.is_empty() || self.read.names_a_database()
    }
}

/// Reads the files, asks the database, and shows what is known.
pub(super) async fn run(args: TimesArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let request = TimesRequest::from_args(args, printer)?;
    let json = request.json.as_deref().map(|file| OutputFile::whole(Some(file))).transpose()?;
    let mut report = TimesReport::default();
    let mut deciding = Vec::new();
    for file in &request.files {
        deciding.extend(read_file(file, &mut report, printer)?);
    }
    weigh_all(&request, &deciding, &mut report);
    if request.asks_a_database()
        && let Err(error) = ask_database(&request, deciding, &mut report, interrupt, printer).await
    {
        if matches!(error, Error::Interrupted) || report.candidates.is_empty() {
            return Err(error);
        }
        warn_of(&error, error.hint(), &mut report, printer);
    }
    let goes_to_standard_output = request.json.as_deref().is_some_and(is_dash);
    if let Some(mut json) = json {
        write_times(&report, &mut json).map_err(|source| OutputError::new(json.name(), source))?;
        json.finish()?;
    }
    if !goes_to_standard_output {
        show(&times_page(&report))?;
    }
    Ok(exit(&report, printer))
}

/// How the command ends.
fn exit(report: &TimesReport, printer: Printer) -> Exit {
    if !report.unread.is_empty() {
        return Exit::Failed;
    }
    if !report.knows_backup() {
        printer.warn("nothing is known of T");
        return Exit::NothingInScope;
    }
    Exit::Clean
}

/// Adds what a file says, and returns what of it decides on T and R: nothing where it holds several backups. A file that cannot be read does
/// not hide what the others say.
fn read_file(file: &EvidenceFile, report: &mut TimesReport, printer: Printer) -> Result<Vec<Candidate>, Error> {
    let error = match file.read() {
        Ok(evidence) => {
            let all: Vec<Candidate> = evidence.candidates().cloned().collect();
            report.candidates.extend(latest(all.clone(), &file.path, printer));
            let counted = evidence.counted.clone().into_iter();
            report.manifests.extend(counted.map(|counted| ManifestRead {
                counted,
                continuation: None,
                written_since: None,
            }));
            let Err(several) = evidence.is_of_one_backup() else { return Ok(all) };
            let name = file.path.display().to_string();
            let hint = several.hint(&name).unwrap_or_default();
            report.several.push(Foreign::evidence(&format!("{name}: {several}; {hint}")));
            return Ok(Vec::new());
        }
        Err(source) => Error::Evidence { file: file.path.clone(), source },
    };
    if error.exit() == Exit::Usage {
        return Err(error);
    }
    warn_of(&error, error.hint(), report, printer);
    Ok(Vec::new())
}

/// The latest of many.
fn latest(mut candidates: Vec<Candidate>, file: &Path, printer: Printer) -> Vec<Candidate> {
    let others = candidates.len().saturating_sub(CANDIDATES_SHOWN);
    if others > 0 {
        candidates.sort_by_key(|known| std::cmp::Reverse(known.moment.time()));
        candidates.truncate(CANDIDATES_SHOWN);
        let others = counted(others as u64, "earlier time");
        printer.say(&format!("{}: {others} left out; FILE#NAME names one backup", file.display()));
    }
    candidates
}

fn warn_of(error: &Error, hint: Option<String>, report: &mut TimesReport, printer: Printer) {
    let causes = [vec![error.to_string()], distinct_causes(error)].concat().join(": ");
    printer.warn(&causes);
    if let Some(hint) = hint {
        printer.hint(&hint);
    }
    report.unread.push(Foreign::evidence(&causes));
}

/// T and R by the flags and what decides.
fn weigh_all(request: &TimesRequest, deciding: &[Candidate], report: &mut TimesReport) {
    let times = &request.read.times;
    let tolerance = times.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE);
    let weighed = weigh(deciding, [times.backup, times.restored], tolerance).seen_at(Timestamp::now(), tolerance);
    (report.backup, report.restored, report.conflicts) = (weighed.backup, weighed.restored, weighed.conflicts);
}

/// Adds what the database says, and compares its builds with T and R.
async fn ask_database(
    request: &TimesRequest,
    deciding: Vec<Candidate>,
    report: &mut TimesReport,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<(), Error> {
    // T and R are held against the builds later, once they are known.
    let plan = request.read.clone().at(None, None).plan(&[])?.without_rules();
    let mut database: Database = interrupt.or(request.read.connect(printer)).await?;
    let canceller = database.canceller();
    let _waiting = Waiting::watch(database.blocking_sessions(), printer);
    let work = async {
        let snapshot = database.snapshot(&plan.settings()).await?;
        ask(request, &plan, &snapshot, deciding, report, printer).await
    };
    match interrupt.or_cancel(&canceller, work).await {
        Ok(()) => Ok(()),
        Err(error) => {
            Err(interrupt.or(async { Ok(name_fitting_profiles(error, &request.read, &mut database).await) }).await?)
        }
    }
}

async fn ask(
    request: &TimesRequest,
    plan: &ScanPlan,
    snapshot: &Snapshot<'_>,
    mut deciding: Vec<Candidate>,
    report: &mut TimesReport,
    printer: Printer,
) -> Result<(), Error> {
    let witnesses = match plan.presents_copies() {
        true => None,
        false => Some(Witnesses::ask(snapshot).await?),
    };
    let said = witnesses.as_ref().map(Witnesses::candidates).unwrap_or_default();
    // Whether the server's own record of a recovery is R is decided by the builds.
    let (of_backup, of_restored): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|known| known.which == RestoreTime::Backup);
    deciding.extend(of_backup.iter().cloned());
    report.candidates.extend(of_backup.into_iter().chain(of_restored));
    weigh_all(request, &deciding, report);
    let identity = snapshot.identity();
    for read in &mut report.manifests {
        let identifier = identity.system_identifier.as_deref();
        read.continuation = Some(read.counted.continued_by(identifier, witnesses.as_ref()));
    }
    report.database = Some(DatabaseSays { name: Foreign::name(&identity.name), witnesses, row_versions: None });
    let fit = Fit::check(plan, snapshot).await?;
    preamble::say_what_is_read((fit.identity(), fit.collection()), fit.tables(), printer);
    preamble::warn_of_role(request.read.foreign_sql(plan), fit.role(), printer);
    report.candidates.extend(of_quiet_times(&quiet_times(plan, &fit, snapshot).await?));
    let is_reversed = report.conflicts.iter().any(|known| matches!(known, Conflict::Reversed { .. }));
    if report.backup.is_none() || is_reversed {
        return Ok(());
    }
    let plan = match request.read.clone().at(report.backup, report.restored).plan(&[]) {
        Ok(plan) => plan.without_rules(),
        Err(why) => {
            report.contradictions = Some(vec![why.to_string()]);
            return Ok(());
        }
    };
    let (fit, premise) = Premise::establish_readable(&plan, fit, snapshot).await?;
    for read in &mut report.manifests {
        read.written_since = written_since(read, &premise, (&plan, &fit), snapshot).await?;
    }
    snapshot.check_unbroken().await?;
    report.restored = premise.restored.time();
    let told = premise.row_versions.told().map(|told| Foreign::new(&told));
    report.database.iter_mut().for_each(|database| database.row_versions.clone_from(&told));
    // Without R nothing was compared.
    let sentences = [
        premise.contradictions.question(),
        premise.row_versions.contradiction(),
        premise.doubt_of_recovery(),
        premise.recovery_that_was_no_restore(),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    report.contradictions = (premise.restored.time().is_some() || !sentences.is_empty()).then_some(sentences);
    Ok(())
}

/// What the versions of builds' rows say of the time between a manifest and the restore, where both are of one server and its ids can be told.
async fn written_since(
    read: &ManifestRead,
    premise: &Premise,
    of: (&ScanPlan, &Fit),
    snapshot: &Snapshot<'_>,
) -> Result<Option<WrittenSince>, Error> {
    let (RowVersions::Told(told), Some(Continuation::NotBehind { then, .. })) =
        (&premise.row_versions, read.continuation)
    else {
        return Ok(None);
    };
    // Rows of a load have the versions of this server, not those of the backup.
    if told.are_shared {
        return Ok(None);
    }
    let first_after = told.new_from;
    if first_after < then {
        return Ok(Some(WrittenSince::OlderBackup { then, first_after }));
    }
    let end = premise.closing_from.unwrap_or(premise.now);
    let (builds, last) = Census::written_between(of, snapshot, [then, first_after], end).await?;
    Ok(Some(WrittenSince::Builds { builds, last }))
}
