//! One scan, from the connection to the last finding: what `scan` and `verify` have in common.

use jiff::Timestamp;

use crate::database::Database;
use crate::drill::{Baseline, BaselineComparison, ComparisonTotals};
use crate::finding::Finding;
use crate::not_checked::NotChecked;
use crate::output::{FindingsOutput, Finished, Format, OutputFile, Printer, Progress, Screen, Summary};
use crate::project_glob::ProjectGlobs;
use crate::report::ScanMetadata;
use crate::scan::{Scan, ScanPlan, ScopeCounts};
use crate::text::{Foreign, by_reason, counted};

use super::alive::{AliveFile, ListedFindings, say_listed};
use super::backup_times::Suggestion;
use super::fitting::name_fitting_profiles;
use super::interrupt::Interrupt;
use super::objects::ObjectsRequest;
use super::read_request::ReadRequest;
use super::waiting::Waiting;
use super::{Error, backup_times, metadata, preamble};

/// Where less than one build in so many had been asked for by T, T is most likely wrong.
const FEW_BY_BACKUP: u64 = 10;

/// What to scan, and where the findings go.
pub(super) struct ScanRequest {
    pub(super) read: ReadRequest,
    pub(super) plan: ScanPlan,
    pub(super) projects: ProjectGlobs,
    /// The manifest to compare with besides.
    pub(super) baseline: Option<Baseline>,
    /// What is listed besides.
    pub(super) objects: Option<ObjectsRequest>,
    /// Opened before anything is read; `None` where nobody asked for the findings themselves.
    pub(super) output: Option<(Format, OutputFile)>,
    /// `None` where nothing is connected to yet.
    pub(super) database: Option<Database>,
    /// What the scan itself cannot know was not checked.
    pub(super) not_checked: Vec<NotChecked>,
}

/// Hears of a scan as it goes.
pub(super) trait Observer {
    /// The database has been looked at, and no finding has been read yet.
    fn scan_began(&mut self, scan: &Scan<'_>);
    /// A rule or the comparison with a baseline found something.
    fn found(&mut self, found: &Finding);
}

impl Observer for () {
    fn scan_began(&mut self, _: &Scan<'_>) {}
    fn found(&mut self, _: &Finding) {}
}

/// What a scan came to.
pub(super) struct Reported {
    pub(super) summary: Summary,
    /// A table for standard output, not shown yet.
    pub(super) screen: Option<Screen>,
    /// Times that the database suggests, where none were given.
    pub(super) suggestions: Vec<Suggestion>,
}

/// Scans, compares with a baseline where there is one, writes the findings and adds them up.
pub(super) async fn scan_and_report(
    request: ScanRequest,
    observer: &mut impl Observer,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Reported, Error> {
    let ScanRequest { read, plan, projects, baseline, objects, output, database, mut not_checked } = request;
    let plan = if objects.is_some() { plan.with_listing() } else { plan };
    if plan.times().backup.is_none() {
        printer.warn("no --backup-time: every timing is unknown, and nothing is deletable");
    }
    let metadata = metadata::open(output.as_ref())?;
    let mut database = match database {
        Some(database) => database,
        None => interrupt.or(read.connect(printer)).await?,
    };
    let canceller = database.canceller();
    let _waiting = Waiting::watch(database.blocking_sessions(), printer);
    let work = async {
        // Before the snapshot, so that a report is never younger than it says.
        let scanned_at = Timestamp::now();
        let snapshot = database.snapshot(&plan.settings()).await?;
        let mut progress = Progress::open_ended("abnormal builds found", printer);
        printer.detail(&format!(
            "profile {}, rules {}; their SQL: halfbuilt rules --composed",
            plan.profile_name(),
            plan.rule_names().collect::<Vec<_>>().join(", ")
        ));
        let mut scan = Scan::begin(&plan, &snapshot, &projects, &|phase| progress.enter(&phase.to_string())).await?;
        preamble::say_what_is_read((scan.identity(), scan.collection()), scan.tables(), printer);
        preamble::warn_of_collection(scan.collection(), plan.times().backup, printer);
        preamble::warn_of_role(read.foreign_sql(&plan), scan.role(), printer);
        preamble::warn_of_bytes(scan.reads_bytes(), printer);
        preamble::warn_of_collations(scan.collations(), printer);
        preamble::say_premise(scan.premise(), printer);
        scan.remarks().iter().for_each(|remark| printer.say(remark));
        doubt_backup_time(plan.times().backup, scan.scope(), printer);
        say_listed(plan.alive(), &scan.count_listed().await?, printer);
        let mut listed = ListedFindings::default();
        let mut compared = BaselineComparison::default();
        if let Some(baseline) = &baseline {
            progress.enter("comparing with the baseline");
            compared = baseline.compare(&scan, &plan, &projects).await?;
            say_comparison(baseline, &compared, printer);
        }
        if let Some(objects) = &objects {
            not_checked.extend(objects.hold(&mut scan, &progress).await?);
        }
        let (left_out, totals) = (compared.not_checked.clone(), std::mem::take(&mut compared.totals));
        let mut findings = compared.merge(scan).await?;
        let mut summary = Summary::new(findings.scan());
        summary.not_checked.extend(not_checked);
        if baseline.is_some() {
            summary.compares(&left_out, totals);
        }
        observer.scan_began(findings.scan());
        preamble::warn_of_damage(&findings.scan().damage(), printer);
        say_failures(&summary, &findings.scan().hints(), printer);
        // Not before: a run that could not look leaves no report, not even an empty one.
        let mut output = FindingsOutput::open(output)?;
        while let Some(found) = findings.next().await? {
            output.add(&found)?;
            summary.add(&found);
            listed.add(&found);
            observer.found(&found);
            progress.advance();
        }
        summary.leave_out_blind_rules(findings.scan());
        summary.leave_out_failed_rules();
        snapshot.check_unbroken().await?;
        listed.say(plan.alive(), printer);
        // The bar must be gone before a table appears.
        drop(progress);
        // The report first: if the process is killed in between, older metadata makes the report look older than it is, which is
        // harmless.
        let Finished { report_sha256, screen } = output.finish(&summary, printer.color())?;
        if let (Some(report_sha256), Some(file)) = (report_sha256, metadata) {
            let compared_with = baseline.as_ref().map(Baseline::compared_with);
            let about = metadata::collect(findings.scan(), &plan, compared_with, scanned_at, &summary);
            let alive = read.alive.iter().map(AliveFile::metadata).collect();
            metadata::write(ScanMetadata { report_sha256, alive, ..about }, file)?;
        }
        let suggestions = match plan.times().backup {
            None => backup_times::suggest(findings.scan(), printer).await,
            Some(_) => Vec::new(),
        };
        Ok(Reported { summary, screen, suggestions })
    };
    match interrupt.or_cancel(&canceller, work).await {
        Ok(summary) => Ok(summary),
        Err(error) => Err(interrupt.or(async { Ok(name_fitting_profiles(error, &read, &mut database).await) }).await?),
    }
}

/// Says what could not be read, and what is to be done about it: once for each reason.
fn say_failures(summary: &Summary, hints: &[String], printer: Printer) {
    let failed = summary.not_checked.iter().filter(|left| left.has_failed());
    for (why, what) in by_reason(failed.map(|left| (left.what.to_string(), left.why.as_str()))) {
        printer.warn(&format!("could not look at {}: {}", what.join(", "), Foreign::evidence(why)));
    }
    hints.iter().for_each(|hint| printer.hint(hint));
}

/// Warns where so few builds had been asked for by T that T is most likely wrong.
fn doubt_backup_time(backup: Option<Timestamp>, scope: &ScopeCounts, printer: Printer) {
    let (Some(asked_for), Some(backup)) = (scope.asked_for, backup) else { return };
    let builds = scope.builds();
    if asked_for == 0 {
        printer.warn(&format!("no build in scope had been asked for by {backup}: is the backup time right?"));
    } else if asked_for < builds / FEW_BY_BACKUP {
        printer.warn(&format!(
            "only {asked_for} of {builds} builds in scope had been asked for by {backup}: is the backup time right?"
        ));
    }
}

/// Says how much was compared with the baseline, and what became of projects.
fn say_comparison(baseline: &Baseline, compared: &BaselineComparison, printer: Printer) {
    if let Some(profile) = &compared.changed_profile {
        printer.warn(&format!("profile {profile} has changed since the baseline was made: it may read other builds"));
    }
    if let Some(lack) = &compared.lack {
        printer.warn(&format!("{lack}, so T is earlier than that of the baseline"));
    }
    let totals = &compared.totals;
    let ComparisonTotals { builds, projects, ranges, ranges_differ, retired, undecided, .. } = totals;
    let differ = if *ranges_differ == 1 || *ranges == 1 { "differs" } else { "differ" };
    printer.say(&format!(
        "compared with the baseline: {} of {}; {ranges_differ} of {} {differ}",
        counted(*builds, "build"),
        counted(*projects, "project"),
        counted(*ranges, "range")
    ));
    if let Some(kept_since) = baseline.kept_since() {
        let (gone, lost) = (counted(*retired, "build"), counted(*undecided, "build"));
        if *retired > 0 {
            printer.say(&format!("left to retention: {gone}, over before {kept_since} in the baseline, and not here"));
        }
        if *undecided > 0 {
            printer.say(&format!(
                "counted as lost: {lost}, over about {kept_since}: the baseline does not show whether before or after"
            ));
        }
    }
    totals.come_and_gone().iter().chain(&totals.went_backwards()).for_each(|line| printer.warn(line));
}
