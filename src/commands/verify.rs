//! `halfbuilt verify`: the verdict on a restore.

mod fetch_again;
mod judgement_builder;
mod outlets;
mod request;

use crate::causes::distinct_causes;
use crate::cli::VerifyArgs;
use crate::drill::{Baseline, Failure, Judgement, Manifest};
use crate::exit::Exit;
use crate::file_access::is_dash;
use crate::output::{Format, OutputFile, Printer, Summary};
use crate::text::{Foreign, counted};

use super::interrupt::Interrupt;
use super::scanning::{ScanRequest, scan_and_report};
use super::{Error, next_step};

use fetch_again::fetch_again;
use judgement_builder::JudgementBuilder;
use outlets::Outlets;
use request::VerifyRequest;

/// Scans and judges.
pub(super) async fn run(args: VerifyArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let report = args.output.clone().filter(|file| !is_dash(file));
    let request = VerifyRequest::from_args(args, printer)?;
    let outlets = Outlets::open(&request.outlets)?;
    let mut builder = JudgementBuilder::begin(request.read.times.with_defaults(None));
    match judge(request, &mut builder, interrupt, printer).await {
        Ok(Judged { judgement, summary }) => {
            printer.tell(&judgement.sentence());
            let exit = judgement.exit();
            outlets.write(&judgement, printer)?;
            if exit == Exit::Found {
                next_step::after_verify(report.as_deref(), &summary, printer);
            }
            Ok(exit)
        }
        Err(error) => {
            // Usage errors go to the terminal only; other failures must reach the verdict files.
            if !matches!(error.exit(), Exit::Usage | Exit::Declined)
                && let Err(unwritten) = outlets.write(&builder.fail(failure(&error)), printer)
            {
                printer.warn(&[vec![unwritten.to_string()], distinct_causes(&unwritten)].concat().join(": "));
            }
            Err(error)
        }
    }
}

/// A database that has been judged.
struct Judged {
    judgement: Judgement,
    summary: Summary,
}

async fn judge(
    mut request: VerifyRequest,
    builder: &mut JudgementBuilder,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Judged, Error> {
    let profile = request.read.load_profile()?;
    let criteria = request.criteria.read(profile.addresses)?;
    builder.expect_builds(&criteria.expected);
    let mut baseline = None;
    if let Some(of_baseline) = &request.baseline {
        builder.expect_comparison();
        let read = of_baseline.read(&mut request.read.times)?;
        say_baseline(&read, printer);
        builder.set_baseline(read.compared_with());
        baseline = Some(read);
    }
    let plan = request.read.plan_by(profile, &[])?.with_every_piece();
    let plan = if request.objects.is_some() { plan.with_listing() } else { plan };
    builder.set_plan(&plan);
    if let (Some(of_baseline), Some(baseline)) = (&request.baseline, &baseline) {
        of_baseline.check_fit(baseline, &plan)?;
    }
    let allowed = criteria.allowance(&plan, baseline.is_some())?;
    let output = match &request.report {
        Some(path) => Some((Format::Csv, OutputFile::whole(Some(path))?)),
        None => None,
    };
    let fetched = fetch_again(&request, &plan, interrupt, printer).await?;
    let scan = ScanRequest {
        read: request.read,
        plan,
        projects: request.projects,
        baseline,
        objects: request.objects,
        output,
        database: fetched.database,
        not_checked: fetched.not_checked,
    };
    let reported = scan_and_report(scan, builder, interrupt, printer).await?;
    reported.suggestions.iter().for_each(|suggestion| suggestion.hint(printer));
    Ok(Judged { judgement: builder.judge(&reported.summary, &allowed), summary: reported.summary })
}

/// Says which manifest is compared with, and whether it can be trusted.
fn say_baseline(baseline: &Baseline, printer: Printer) {
    let compared_with = baseline.compared_with();
    let Manifest { tool, database, signature, .. } = baseline.manifest();
    let signature = match (compared_with.signature_is_good, signature) {
        (Some(_), _) => "its signature is good",
        (None, Some(_)) => "its signature was not checked: no --key-file",
        (None, None) => "it is not signed",
    };
    printer.say(&format!(
        "baseline {}: {} over by {}, of database {:?}, by {}; {signature}",
        compared_with.file,
        counted(compared_with.builds, "build"),
        compared_with.covered_until,
        database.name,
        Foreign::name(tool)
    ));
}

/// What a verdict says of a failure.
fn failure(error: &Error) -> Failure {
    Failure {
        exit: error.exit(),
        message: Foreign::new(&error.to_string()),
        causes: distinct_causes(error).iter().map(|cause| Foreign::new(cause)).collect(),
        hint: error.hint(),
    }
}
