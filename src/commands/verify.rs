//! `halfbuilt verify`: the verdict on a restore.

use crate::cli::VerifyArgs;
use crate::drill::{Allowance, Difference, Verdict, verdict};
use crate::exit::Exit;
use crate::output::{Format, OutputFile, Printer, Summary};
use crate::project_glob::ProjectGlobs;

use super::baseline::Baseline;
use super::interrupt::Interrupt;
use super::survey::survey;
use super::{Error, reading};

/// Scans and judges.
pub(super) async fn run(mut args: VerifyArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let baseline = Baseline::load(&args.baseline, &mut args.reading, printer)?;
    let projects = ProjectGlobs::new(&args.projects)?;
    let plan = reading::plan(&args.reading, &[], printer)?;
    let mut names = plan.all_rule_names().to_vec();
    if let Some(baseline) = &baseline {
        baseline.fits(&plan)?;
        names.extend(Difference::ALL.map(|difference| difference.rule().to_owned()));
    }
    let allowed = Allowance::new(&args.allow, &names)?;
    let output = match &args.output {
        Some(path) => Some((Format::Csv, OutputFile::whole(Some(path))?)),
        None => None,
    };
    let summary = survey(&args.reading, &plan, &projects, output, baseline.as_ref(), interrupt, printer).await?;
    // Where all builds are lost, they were looked for all the same.
    let looked_at = summary.scope.builds() + summary.compared.unwrap_or_default();
    let verdict = verdict(looked_at, plan.rule_names().count(), &summary.by_rule, &allowed).compared(summary.compared);
    printer.say(&sentence(verdict, &summary, &allowed));
    Ok(verdict.exit())
}

/// The verdict in one sentence that a person understands, with what was not checked.
fn sentence(verdict: Verdict, summary: &Summary, allowed: &Allowance) -> String {
    let found = summary.by_rule.iter().filter(|(_, builds)| **builds > 0);
    let found: Vec<String> = found
        .map(|(rule, builds)| match allowed.of(rule) {
            0 => format!("{rule} {builds}"),
            allowed => format!("{rule} {builds}, allowed {allowed}"),
        })
        .collect();
    let found = found.join("; ");
    // Those that are lost are none of the builds that are there.
    let lost = summary.by_rule.get(Difference::Lost.rule()).copied().unwrap_or_default();
    let (abnormal, builds) = (summary.abnormal, summary.scope.builds() + lost);
    let judged = match verdict {
        Verdict::Clean if summary.not_checked.is_empty() => format!("clean: none of {builds} builds is abnormal"),
        Verdict::Clean => format!("nothing abnormal was seen in {builds} builds, but not everything was checked"),
        Verdict::Allowed => {
            format!("passed: {abnormal} of {builds} builds are abnormal, no more than allowed ({found})")
        }
        Verdict::Abnormal => format!("failed: {abnormal} of {builds} builds are abnormal ({found})"),
        Verdict::NothingChecked if summary.compared == Some(0) => {
            "nothing was checked: the baseline has no build in scope".to_owned()
        }
        Verdict::NothingChecked => "nothing was checked: no build in scope, or no rule that could be run".to_owned(),
    };
    let not_checked = summary.not_checked_by_reason().into_iter();
    let not_checked: Vec<String> = not_checked.map(|(why, what)| format!("{} ({why})", what.join(", "))).collect();
    let not_checked = match not_checked.as_slice() {
        [] => String::new(),
        some => format!("; not checked: {}", some.join("; ")),
    };
    format!("verdict: {judged}{not_checked}")
}
