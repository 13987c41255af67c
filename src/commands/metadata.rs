//! The file beside a report that says when and what was scanned.

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;
use crate::drill::ComparedWith;
use crate::output::{Format, OutputError, OutputFile, Summary};
use crate::report::{Baseline, ScanMetadata};
use crate::scan::{Scan, ScanPlan};

use super::Error;

/// Opens the file beside a report, before the work starts: a folder that cannot be written is found out in time. `None` where the
/// output is no report file.
pub(super) fn open(output: Option<&(Format, OutputFile)>) -> Result<Option<OutputFile>, Error> {
    let report = match output {
        Some((Format::Csv, file)) => file.place(),
        Some((Format::Json | Format::Table, _)) | None => None,
    };
    Ok(report.map(|report| OutputFile::whole(Some(&ScanMetadata::place(report)))).transpose()?)
}

/// Collects the metadata of a finished scan. Only the digest of the report is still missing.
pub(super) fn collect(
    scan: &Scan<'_>,
    plan: &ScanPlan,
    baseline: Option<ComparedWith>,
    scanned_at: Timestamp,
    summary: &Summary,
) -> ScanMetadata {
    let identity = scan.identity();
    let lost = summary.by_rule.get(BaselineReason::Lost.as_str()).copied().unwrap_or_default();
    let baseline = baseline.map(|ComparedWith { file, builds, signature_is_good, .. }| Baseline {
        file,
        builds,
        lost,
        backwards: summary.compared.as_ref().map_or(0, |totals| totals.backwards.len() as u64),
        signature_is_good,
    });
    ScanMetadata {
        scanned_at,
        system_identifier: identity.system_identifier.clone(),
        database: identity.name.clone(),
        profile: plan.profile_name().to_owned(),
        addresses: plan.address_form(),
        tables: Some(scan.tables().to_vec()),
        collection: scan.collection().cloned(),
        backup_time: plan.times().backup,
        restored_at: scan.premise().restored.time(),
        limits: Some([plan.times().clock_tolerance, plan.times().max_run_time, plan.times().max_queue_time]),
        contradictions: scan.premise().contradictions.builds,
        builds: summary.scope.builds(),
        findings: summary.abnormal,
        // Those of the rules that were run, and those of the baseline that was compared with.
        rules: summary.by_rule.keys().cloned().collect(),
        not_checked: summary.not_checked.iter().map(|left| (left.what.to_string(), left.why.clone())).collect(),
        baseline,
        alive: Vec::new(),
        projects: ScanMetadata::largest(&summary.scope.projects),
        report_sha256: String::new(),
    }
}

/// Writes the file. It appears as a whole.
pub(super) fn write(about: ScanMetadata, mut beside: OutputFile) -> Result<(), Error> {
    let name = beside.name();
    about.write(&mut beside).map_err(|source| OutputError::new(name, source))?;
    Ok(beside.finish()?)
}
