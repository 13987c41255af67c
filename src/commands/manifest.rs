//! `halfbuilt manifest`: what a build database holds, written down for a later comparison.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::cli::ManifestArgs;
use crate::database::Snapshot;
use crate::drill::{DatabaseNamed, FORMAT, Gatherer, Key, Manifest, NotCovered, ProfileUsed};
use crate::exit::Exit;
use crate::output::{OutputError, OutputFile, Printer, Progress, is_stdout};
use crate::scan::{Census, Clock, Fit, Relation, ScanPlan};
use crate::text::counted;

use super::files::Files;
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::waiting::Waiting;
use super::{Error, reading};

/// Counts, signs and writes.
pub(super) async fn run(args: ManifestArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let request = ReadRequest::from_args(&args.reading)?;
    let files = Files::default().read("--key-file", args.key_file.as_deref()).read_by(&request);
    files.write("-o", args.output.as_deref()).keep_apart()?;
    let key = args.key_file.as_deref().map(key).transpose()?;
    let plan = request.plan(&[])?.without_rules();
    let mut output = OutputFile::manifest(args.output.as_deref())?;
    let name = output.name();
    let mut database = interrupt.or(request.connect(printer)).await?;
    let canceller = database.canceller();
    let _waiting = Waiting::watch(database.onlooker(), printer);
    let count = async {
        let snapshot = database.snapshot(&plan.settings()).await?;
        count(&plan, &snapshot, (&request, args.settle), printer).await
    };
    let mut manifest = interrupt.or_cancel(&canceller, count).await?;
    let failed = |source| OutputError::new(name.clone(), source);
    if let Some(key) = &key {
        manifest.sign(key).map_err(failed)?;
    }
    manifest.write(&mut output).map_err(failed)?;
    output.finish()?;
    told(&manifest, key.is_some()).iter().for_each(|line| printer.say(line));
    if let Some(file) = args.output.filter(|file| !is_stdout(file)) {
        printer.say(&format!("written to {}", file.display()));
    }
    if manifest.builds == 0 {
        printer.warn("no build is covered: there is nothing to compare a restore with");
        return Ok(Exit::NothingInScope);
    }
    Ok(Exit::Clean)
}

/// Reads `--key-file`.
pub(super) fn key(file: &Path) -> Result<Key, Error> {
    Key::read(file).map_err(|source| Error::Key { file: file.to_owned(), source })
}

/// A manifest of what is known before anything is counted.
pub(super) fn about(
    plan: &ScanPlan,
    identity: (Option<String>, String),
    clock: &Clock,
    (covered_until, backup_time): (Timestamp, Timestamp),
) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        tool: concat!("halfbuilt ", env!("CARGO_PKG_VERSION")).to_owned(),
        counted_at: clock.present,
        backup_time,
        covered_until,
        max_run_time_seconds: plan.times().max_run_time.as_secs(),
        profile: ProfileUsed {
            name: plan.profile_name().to_owned(),
            digest: plan.profile_digest(),
            unit: plan.unit().to_owned(),
            steps: plan.offers(Relation::Step),
            output: plan.offers(Relation::Chunk),
        },
        database: DatabaseNamed { system_identifier: identity.0, name: identity.1 },
        digest_check: clock.digest,
        builds: 0,
        not_covered: NotCovered::default(),
        projects: Vec::new(),
        signature: None,
    }
}

async fn count(
    plan: &ScanPlan,
    snapshot: &Snapshot<'_>,
    (request, settle): (&ReadRequest, SignedDuration),
    printer: Printer,
) -> Result<Manifest, Error> {
    let mut progress = Progress::open_ended("builds counted", printer);
    let fit = Fit::check(plan, snapshot).await?;
    reading::say_tables(snapshot.identity(), fit.tables(), printer);
    reading::warn_of_role(request.foreign_sql(plan), fit.role(), printer);
    let clock = Census::clock(snapshot).await?;
    let (covered, backup) = times(plan, &clock, settle)?;
    if plan.times().backup.is_none() {
        printer.say(&format!("no --backup-time: T is the database's present, {backup}"));
    }
    if clock.is_standby {
        printer.say("this is a standby: its present is what it replayed last");
    }
    let mut census = Census::take(plan, &fit, snapshot, covered, backup).await?;
    let mut gathered = Gatherer::default();
    while let Some(build) = census.next().await? {
        gathered.add(&build);
        progress.advance();
    }
    snapshot.holds().await?;
    let identity = snapshot.identity().clone();
    Ok(gathered.finish(about(plan, (identity.system_identifier, identity.name), &clock, (covered, backup))))
}

/// Until when builds are covered, and T.
fn times(plan: &ScanPlan, clock: &Clock, settle: SignedDuration) -> Result<(Timestamp, Timestamp), Error> {
    let backup = match (plan.times().backup, clock.present) {
        (Some(backup), Some(present)) if backup > present => {
            return Err(Error::Usage(format!(
                "--backup-time {backup} is after the database's present, {present}: what ends until then is not in it yet"
            )));
        }
        (Some(backup), _) => backup,
        (None, Some(present)) => present,
        (None, None) => return Err(Error::NoPresent),
    };
    // What stopped a moment ago may still be written to, by whoever has not committed yet.
    let settled = clock.present.map(|present| present.checked_sub(settle));
    let covered = match settled {
        Some(Ok(settled)) => settled.min(backup),
        Some(Err(_)) => return Err(Error::Usage("--settle is too long".to_owned())),
        None => backup,
    };
    Ok((covered, backup))
}

/// What is in the manifest, and what is not.
fn told(manifest: &Manifest, signed: bool) -> Vec<String> {
    let Manifest { builds, projects, backup_time, covered_until, profile, database, .. } = manifest;
    let ranges: usize = projects.iter().map(|project| project.ranges.len()).sum();
    let mut lines = vec![
        format!(
            "manifest of database {:?}: {} of {} that were over by {covered_until} (T is {backup_time}), in {}",
            database.name,
            counted(*builds, "build"),
            counted(projects.iter().filter(|project| project.builds > 0).count() as u64, "project"),
            counted(ranges as u64, "range")
        ),
        if signed { "signed".to_owned() } else { "not signed: --key-file signs it".to_owned() },
    ];
    lines.extend(
        not_covered(&manifest.not_covered)
            .into_iter()
            .map(|(builds, why)| format!("not covered: {}: {why}", counted(builds, "build"))),
    );
    for (has, what) in [(profile.steps, "steps"), (profile.output, "output")] {
        if !has {
            lines.push(format!("not covered: {what}: profile {} has none", profile.name));
        }
    }
    lines
}

/// The builds that a manifest does not cover, and why.
pub(super) fn not_covered(left: &NotCovered) -> Vec<(u64, &'static str)> {
    [
        (left.unnamed, "they have no number or no project to know them by"),
        (left.ended_lately, "they stopped just before T, and may have been written to since"),
        (left.undated, "they are over, and nothing tells since when"),
        (left.not_over, "they were not over by T"),
    ]
    .into_iter()
    .filter(|(builds, _)| *builds > 0)
    .collect()
}
