//! One scan, from the connection to the last finding: what `scan` and `verify` have in common.

use jiff::{SignedDuration, Timestamp};

use crate::causes::told_apart;
use crate::finding::Finding;
use crate::output::{FindingsOutput, Format, OutputFile, Printer, Progress, Summary};
use crate::project_glob::ProjectGlobs;
use crate::report::About;
use crate::scan::{Quiet, Recovery, Scan, ScanPlan};

use super::baseline::{self, Baseline, Compared};
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::waiting::Waiting;
use super::{Error, about, reading};

/// Where not one build in so many had been asked for by T, T is most likely wrong.
const FEW_BY_BACKUP: u64 = 10;

/// What is looked at, and how.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// How the database is read.
    pub(super) request: &'a ReadRequest,
    /// The rules and times.
    pub(super) plan: &'a ScanPlan,
    /// The projects in scope.
    pub(super) projects: &'a ProjectGlobs,
    /// What the builds are compared with besides.
    pub(super) baseline: Option<&'a Baseline>,
}

/// Who else wants to know of a scan, as it goes.
pub(super) trait Witness {
    /// The database has been looked at, and the findings are about to be read.
    fn begun(&mut self, scan: &Scan<'_>);
    /// Something was found, by a rule or by the comparison with a baseline.
    fn found(&mut self, found: &Finding);
}

/// Nobody else.
impl Witness for () {
    fn begun(&mut self, _: &Scan<'_>) {}
    fn found(&mut self, _: &Finding) {}
}

/// Scans, compares with a baseline where there is one, hands every finding to the output and the witness, and adds up. The output has been opened before anything is read.
pub(super) async fn survey(
    Subject { request, plan, projects, baseline }: Subject<'_>,
    output: Option<(Format, OutputFile)>,
    witness: &mut impl Witness,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Summary, Error> {
    if plan.times().backup.is_none() {
        printer.warn("no --backup-time: every timing is unknown, and nothing is deletable");
    }
    let beside = about::open(output.as_ref())?;
    let mut database = interrupt.or(request.connect(printer)).await?;
    let canceller = database.canceller();
    let _waiting = Waiting::watch(database.onlooker(), printer);
    let survey = async {
        // Before the snapshot, so that a report is never younger than it says.
        let scanned_at = Timestamp::now();
        let snapshot = database.snapshot(&plan.settings()).await?;
        let mut progress = Progress::open_ended("abnormal builds found", printer);
        let scan = Scan::begin(plan, &snapshot, projects, &|phase| progress.enter(&phase.to_string())).await?;
        reading::say_tables(scan.identity(), scan.tables(), printer);
        reading::warn_of_role(request.foreign_sql(plan), scan.role(), printer);
        reading::say_premise(scan.premise(), printer);
        scan.remarks().iter().for_each(|remark| printer.say(remark));
        let mut summary = Summary::new(&scan);
        if let (Some(asked_for), Some(backup)) = (summary.scope.asked_for, plan.times().backup) {
            let builds = summary.scope.builds();
            if asked_for == 0 {
                printer.warn(&format!("no build in scope had been asked for by {backup}: is the backup time right?"));
            } else if asked_for < builds / FEW_BY_BACKUP {
                printer.warn(&format!(
                    "only {asked_for} of {builds} builds in scope had been asked for by {backup}: is the backup time right?"
                ));
            }
        }
        witness.begun(&scan);
        let mut compared = match baseline {
            Some(baseline) => {
                progress.enter("comparing with the baseline");
                let mut compared = baseline.compare(&scan, plan, projects).await?;
                summary.compares(&compared.not_checked, std::mem::take(&mut compared.account));
                compared
            }
            None => Compared::default(),
        };
        let mut findings = scan.findings_and(std::mem::take(&mut compared.given)).await?;
        let mut next = findings.next().await?.map(baseline::as_told);
        // Not before: where nothing could be looked at, there is no report either, not even an empty one.
        let mut output = FindingsOutput::open(output)?;
        loop {
            for found in compared.absent_before(&scan, next.as_ref()).iter().chain(&next) {
                output.add(found)?;
                summary.add(found);
                witness.found(found);
                progress.advance();
            }
            if next.is_none() {
                break;
            }
            next = findings.next().await?.map(baseline::as_told);
        }
        drop(findings);
        snapshot.holds().await?;
        // The bar must be gone before a table appears.
        drop(progress);
        // The report first: were the process killed in between, an older file beside it would make it look older than it
        // is, and that is harmless.
        if let (Some(report_sha256), Some(beside)) = (output.finish(&summary)?, beside) {
            let compared_with = baseline.map(Baseline::named);
            let about = about::of(&scan, plan, compared_with, scanned_at, &summary);
            about::write(About { report_sha256, ..about }, beside)?;
        }
        if plan.times().backup.is_none() {
            // Only a hint: the report is whole, whatever comes of it.
            match scan.suggestions().await {
                Ok(quiet) => quiet.iter().enumerate().for_each(|(place, quiet)| printer.say(&suggested(place, quiet))),
                Err(error) => {
                    let causes = [vec![error.to_string()], told_apart(&error)].concat().join(": ");
                    printer.warn(&format!("no backup time can be suggested: {causes}"));
                }
            }
        }
        Ok(summary)
    };
    interrupt.or_cancel(&canceller, survey).await
}

/// How the database's own suggestion is told, and how to use it.
fn suggested(place: usize, quiet: &Quiet) -> String {
    let Quiet { last_write, next_write, running, recovery } = quiet;
    let until = next_write.unwrap_or_else(Timestamp::now);
    let length = SignedDuration::from_secs(until.duration_since(*last_write).as_secs());
    let running = match running {
        1 => "1 build was running then".to_owned(),
        _ => format!("{running} builds were running then"),
    };
    let seen = match next_write {
        Some(next) => format!(
            "the {}longest quiet time in the database begins after {last_write:.0} and ends {length:#} later, at {next:.0}; \
             {running}. If the backup was taken when it began, and the server came back when it ended",
            if place == 0 { "" } else { "second " }
        ),
        None => format!(
            "nothing was written since {last_write:.0}, for {length:#}; {running}. If that is when the backup was taken, and \
             the restored server was not started yet"
        ),
    };
    // What was written first came after the restore; the server's own record says it better.
    let restored = match (recovery, next_write) {
        (Recovery::Within(at), _) => Some(*at),
        (_, Some(next)) => next.checked_sub(SignedDuration::from_secs(1)).ok(),
        (_, None) => None,
    };
    let restored = restored.map(|at| format!(" --restored-at {at:.0}")).unwrap_or_default();
    let flags = format!("--backup-time {last_write}{restored}");
    match recovery {
        Recovery::NotOnRecord => format!("hint: {seen}: {flags}"),
        Recovery::Within(at) => {
            format!("hint: {seen} (the database server recovered from a crash in it, at {at:.0}): {flags}")
        }
        Recovery::Elsewhere(at) => format!(
            "hint: {seen}, which is in doubt, for the database server recovered from a crash at {at:.0}, with builds on both sides of \
             that (was the restore then? then T is earlier still): {flags}"
        ),
    }
}
