//! `halfbuilt manifest`: what a build database holds, written down for a later comparison.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use crate::cli::ManifestArgs;
use crate::database::Snapshot;
use crate::drill::{CountedMoment, CoveredTimes, Key, Manifest};
use crate::exit::Exit;
use crate::file_access::is_dash;
use crate::output::{OutputError, OutputFile, Printer, Progress};
use crate::scan::{Census, Fit, ScanPlan};
use crate::text::counted;

use super::files::Files;
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::waiting::Waiting;
use super::{Error, preamble};

/// What to count, and where the manifest goes.
struct ManifestRequest {
    read: ReadRequest,
    plan: ScanPlan,
    /// Signs the manifest.
    key: Option<Key>,
    output: Option<PathBuf>,
    settle: SignedDuration,
}

impl ManifestRequest {
    fn from_args(args: ManifestArgs, printer: Printer) -> Result<Self, Error> {
        let ManifestArgs { output, key_file, settle, reading } = args;
        let read = ReadRequest::from_args(&reading, "manifest", printer)?;
        let files = Files::default().read("--key-file", key_file.as_deref()).read_by(&read);
        files.write("-o", output.as_deref()).keep_apart()?;
        let key = key_file.as_deref().map(read_key).transpose()?;
        let plan = read.plan(&[])?.without_rules();
        Ok(Self { read, plan, key, output, settle })
    }
}

/// Counts, signs and writes.
pub(super) async fn run(args: ManifestArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let request = ManifestRequest::from_args(args, printer)?;
    let mut output = OutputFile::manifest(request.output.as_deref())?;
    let name = output.name();
    let mut database = interrupt.or(request.read.connect(printer)).await?;
    let canceller = database.canceller();
    let _waiting = Waiting::watch(database.blocking_sessions(), printer);
    let count = async {
        let snapshot = database.snapshot(&request.plan.settings()).await?;
        count(&request, &snapshot, printer).await
    };
    let mut manifest = interrupt.or_cancel(&canceller, count).await?;
    let failed = |source| OutputError::new(name.clone(), source);
    if let Some(key) = &request.key {
        manifest.sign(key).map_err(failed)?;
    }
    manifest.write(&mut output).map_err(failed)?;
    output.finish()?;
    summary(&manifest, request.key.is_some()).iter().for_each(|line| printer.say(line));
    if let Some(file) = request.output.filter(|file| !is_dash(file)) {
        printer.say(&format!("written to {}", file.display()));
    }
    if manifest.builds == 0 {
        printer.warn("no build is covered: there is nothing to compare a restore with");
        return Ok(Exit::NothingInScope);
    }
    Ok(Exit::Clean)
}

/// Reads the file of `--key-file`.
pub(super) fn read_key(file: &Path) -> Result<Key, Error> {
    Key::read(file).map_err(|source| Error::Key { file: file.to_owned(), source })
}

async fn count(request: &ManifestRequest, snapshot: &Snapshot<'_>, printer: Printer) -> Result<Manifest, Error> {
    let ManifestRequest { read, plan, settle, .. } = request;
    let mut progress = Progress::open_ended("builds counted", printer);
    let fit = Fit::check(plan, snapshot).await?;
    preamble::say_what_is_read((fit.identity(), fit.collection()), fit.tables(), printer);
    preamble::warn_of_role(read.foreign_sql(plan), fit.role(), printer);
    preamble::warn_of_bytes(fit.reads_bytes(), printer);
    preamble::warn_of_collations(fit.collations(), printer);
    let clock = Census::clock(snapshot).await?.of(fit.collection());
    let times = CoveredTimes::settle(plan.times().backup, &clock, *settle)?;
    if plan.times().backup.is_none() {
        let present =
            if fit.collection().is_some() { "when the collection was fetched" } else { "the database's present" };
        printer.say(&format!("no --backup-time: T is {present}, {}", times.backup));
    }
    if clock.is_standby {
        printer.say("this is a standby: its present is what it replayed last");
    }
    Ok(Manifest::take(plan, &fit, snapshot, (&clock, times), || progress.advance()).await?)
}

/// What is noted of the moment of the count.
fn moment(moment: &CountedMoment) -> String {
    let newest = match moment.newest_build {
        Some(newest) => format!("the latest time of any build is {newest}"),
        None => "no time of any build is on record".to_owned(),
    };
    let Some(server) = &moment.server else { return newest };
    let commit = server.last_commit.map(|at| format!(", and its last commit was at {at}")).unwrap_or_default();
    format!("{newest}; the server is at transaction {}{commit}", server.next_transaction)
}

/// What is in the manifest, and what is not, a line each.
fn summary(manifest: &Manifest, signed: bool) -> Vec<String> {
    let Manifest { builds, projects, backup_time, covered_until, profile, database, .. } = manifest;
    let ranges: usize = projects.iter().map(|project| project.ranges.len()).sum();
    let mut lines = vec![
        format!(
            "manifest of database {:?}: {} of {}, over by {covered_until} (T is {backup_time}), in {}",
            database.name,
            counted(*builds, "build"),
            counted(projects.iter().filter(|project| project.builds > 0).count() as u64, "project"),
            counted(ranges as u64, "range")
        ),
        if signed { "signed".to_owned() } else { "not signed: --key-file signs it".to_owned() },
    ];
    lines.extend(manifest.moment.as_ref().map(moment));
    let reasons = manifest.not_covered.by_reason().into_iter();
    lines.extend(reasons.map(|(builds, why)| format!("not covered: {}: {why}", counted(builds, "build"))));
    for (has, what) in [(profile.steps, "steps"), (profile.output, "output")] {
        if !has {
            lines.push(format!("not covered: {what}: profile {} has none", profile.name));
        }
    }
    lines
}
