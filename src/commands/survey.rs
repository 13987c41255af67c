//! One scan, from the connection to the last finding: what `scan` and `verify` have in common.

use crate::cli::ReadingArgs;
use crate::output::{Format, OutputFile, Printer, Progress, Sink, Summary};
use crate::project_glob::ProjectGlobs;
use crate::scan::{Scan, ScanPlan};
use crate::text::counted;
use crate::timing::Timing;

use super::interrupt::Interrupt;
use super::{Error, reading};

/// Scans, hands every finding to the output, and adds up. The output has been opened before anything is read.
pub(super) async fn survey(
    args: &ReadingArgs,
    plan: &ScanPlan,
    projects: &ProjectGlobs,
    output: Option<(Format, OutputFile)>,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Summary, Error> {
    if plan.times().backup.is_none() {
        printer.warn("no --backup-time: every timing is unknown, and nothing is deletable");
    }
    let mut database = interrupt.or(reading::connect(args, printer)).await?;
    let canceller = database.canceller();
    let survey = async {
        let snapshot = database.snapshot(&plan.settings()).await?;
        let mut progress = Progress::open_ended("abnormal builds found", printer);
        let scan = Scan::begin(plan, &snapshot, projects, &|phase| progress.enter(&phase.to_string())).await?;
        // Not before: where nothing could be looked at, there is no report either, not even an empty one.
        let mut sink = Sink::open(output)?;
        let mut summary = Summary::new(scan.scope(), scan.not_checked(), scan.rule_names());
        let mut findings = scan.findings().await?;
        while let Some(found) = findings.next().await? {
            sink.add(&found)?;
            summary.add(&found);
            progress.advance();
        }
        // The bar must be gone before a table appears.
        drop(progress);
        sink.finish(&summary)?;
        if let Some(builds) = summary.by_timing.get(Timing::Between.as_str()) {
            let builds = counted(*builds, "build");
            printer.warn(&format!(
                "{builds} did something between the backup and the restore: is one of the two times wrong?"
            ));
        }
        Ok(summary)
    };
    interrupt.or_cancel(&canceller, survey).await
}
