//! `halfbuilt verify`: the verdict on a restore.

use jiff::Timestamp;

use crate::causes::told_apart;
use crate::cli::VerifyArgs;
use crate::database::DatabaseIdentity;
use crate::drill::{
    Allowance, Check, Circumstances, ComparedWith, Count, Difference, Fault, Judgement, Kind, Numbers, Outcome, Ruled,
    Tally,
};
use crate::exit::Exit;
use crate::finding::Finding;
use crate::not_checked::{NotChecked, Unchecked};
use crate::output::{Format, OutputFile, Printer, Summary};
use crate::premise::{Contradictions, TIMES_CONTRADICTED};
use crate::project_glob::ProjectGlobs;
use crate::scan::{Scan, ScanPlan};
use crate::text::escape_controls;
use crate::timing::RestoreTimes;

use super::baseline::Baseline;
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::scanning::{Subject, Witness, survey};
use super::verdict::{self, Outlets};
use super::{Error, policy};

/// Scans and judges.
pub(super) async fn run(mut args: VerifyArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    args.baseline.look_for_key();
    let mut request = ReadRequest::from_args(&args.reading)?;
    let outlets = Outlets::open(&args, &request)?;
    let mut drill = Drill::begin(&request);
    match drill.judge((&args, &mut request), interrupt, printer).await {
        Ok(judgement) => {
            printer.say(&judgement.sentence());
            let exit = judgement.verdict.exit();
            outlets.write(&judgement, printer)?;
            Ok(exit)
        }
        Err(error) => {
            // A slip of the pen is for the one who wrote it. Everything else has to show where the verdict is looked for.
            if !matches!(error.exit(), Exit::Usage | Exit::Declined)
                && let Err(unwritten) = outlets.write(&drill.blind(&error), printer)
            {
                printer.warn(&[vec![unwritten.to_string()], told_apart(&unwritten)].concat().join(": "));
            }
            Err(error)
        }
    }
}

/// A drill as it goes, with what is known of it so far.
struct Drill {
    started_at: Timestamp,
    times: RestoreTimes,
    database: Option<DatabaseIdentity>,
    profile: Option<String>,
    baseline: Option<ComparedWith>,
    /// What there is to check; what came of it is not known before the end.
    checks: Vec<Check>,
    tally: Tally,
}

impl Drill {
    fn begin(request: &ReadRequest) -> Self {
        let times = request.times.settle(None);
        let started_at = Timestamp::now();
        let (checks, tally) = (Vec::new(), Tally::default());
        Self { started_at, times, database: None, profile: None, baseline: None, checks, tally }
    }

    async fn judge(
        &mut self,
        (args, request): (&VerifyArgs, &mut ReadRequest),
        interrupt: &Interrupt,
        printer: Printer,
    ) -> Result<Judgement, Error> {
        let policy = args.verdict.policy.as_deref().map(policy::read).transpose()?;
        let held_to = policy.as_ref().map(|policy| &policy.verify);
        self.tally = Tally::new(&verdict::expected(args, held_to)?);
        let projects = ProjectGlobs::new(&args.projects)?;
        if args.baseline.baseline.is_some() {
            self.checks = differences();
        }
        let baseline = Baseline::load(&args.baseline, &mut request.times, printer)?;
        self.baseline = baseline.as_ref().map(Baseline::named);
        let plan = request.plan(&[])?.with_every_piece();
        self.times = *plan.times();
        self.profile = Some(plan.profile_name().to_owned());
        self.checks.splice(0..0, rules(&plan));
        self.checks.insert(0, times_check());
        let mut names = plan.all_rule_names().to_vec();
        names.push(TIMES_CONTRADICTED.to_owned());
        if let Some(baseline) = &baseline {
            baseline.fits(&plan)?;
            names.extend(Difference::ALL.map(|difference| difference.as_str().to_owned()));
        }
        let file = policy.as_ref().map(|policy| policy.name()).unwrap_or_default();
        let ruled = held_to.and_then(|policy| policy.allow.as_ref()).map(|allow| Ruled { allow, file: &file });
        let allowed = Allowance::settle(&args.allow, ruled, &names)?;
        let output = match &args.output {
            Some(path) => Some((Format::Csv, OutputFile::whole(Some(path))?)),
            None => None,
        };
        let subject = Subject { request, plan: &plan, projects: &projects, baseline: baseline.as_ref() };
        let summary = survey(subject, output, self, interrupt, printer).await?;
        self.count(&summary, &allowed);
        let gaps =
            summary.not_checked.iter().filter(|left| !matches!(left.what, Unchecked::Check(_))).cloned().collect();
        let expected = std::mem::take(&mut self.tally.expected);
        Ok(Judgement::of(self.checks.clone(), gaps, expected, numbers(&summary), self.about()))
    }

    /// Takes over what each rule found, and the comparison.
    fn count(&mut self, summary: &Summary, allowed: &Allowance) {
        for check in self.checks.iter_mut().filter(|check| check.kind != Kind::Relation) {
            if check.kind == Kind::Times {
                count_contradictions(check, summary, allowed);
                continue;
            }
            if let Some(left) = summary.not_needed.iter().find(|left| left.is_check(&check.name)) {
                check.outcome = Outcome::NotNeeded(left.why.clone());
                continue;
            }
            let counted = match &summary.compared {
                Some(account) if check.counts_projects() => Some(account.count()),
                _ if summary.by_rule.contains_key(&check.name) => {
                    Some(self.tally.by_rule.remove(&check.name).unwrap_or_default())
                }
                _ => None,
            };
            check.outcome = match counted {
                Some(count) => Outcome::Counted(Count { allowed: allowed.of(&check.name), ..count }),
                None => Outcome::NotChecked(why_not(&summary.not_checked, &check.name)),
            };
        }
    }

    fn about(&self) -> Circumstances {
        Circumstances {
            database: self.database.clone(),
            profile: self.profile.clone(),
            times: self.times,
            baseline: self.baseline.clone(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
        }
    }

    /// The verdict where it could not be looked at.
    fn blind(self, error: &Error) -> Judgement {
        let fault = Fault {
            message: escape_controls(&error.to_string()),
            causes: told_apart(error).iter().map(|cause| escape_controls(cause)).collect(),
            hint: error.hint(),
        };
        let about = self.about();
        Judgement::blind(matches!(error, Error::Interrupted), fault, self.checks, self.tally.expected, about)
    }
}

impl Witness for Drill {
    fn begun(&mut self, scan: &Scan<'_>) {
        self.database = Some(scan.identity().clone());
        self.times.restored = scan.premise().restored.time();
        let relations = scan.relations_read().map(|(relation, why_not)| Check {
            kind: Kind::Relation,
            name: relation.to_string(),
            title: String::new(),
            outcome: why_not.map_or(Outcome::Read, Outcome::NotChecked),
        });
        self.checks.extend(relations);
    }

    fn found(&mut self, found: &Finding) {
        self.tally.add(found);
    }
}

/// The check of T and R themselves. What came of it is not known yet.
fn times_check() -> Check {
    Check {
        kind: Kind::Times,
        name: TIMES_CONTRADICTED.to_owned(),
        title: "builds did something between the backup and the restore".to_owned(),
        outcome: Outcome::Counted(Count::default()),
    }
}

/// What all builds say to T and R; where one of the two is not known, it is not checked.
fn count_contradictions(check: &mut Check, summary: &Summary, allowed: &Allowance) {
    let Some(Contradictions { builds, first, last }) = summary.contradictions else {
        check.outcome = Outcome::NotChecked(why_not(&summary.not_checked, TIMES_CONTRADICTED));
        return;
    };
    if let (Some(first), Some(last)) = (first, last) {
        check.title = format!("{}, the first at {first}, the last at {last}", check.title);
    }
    let count = Count { found: builds, allowed: allowed.of(TIMES_CONTRADICTED), ..Count::default() };
    check.outcome = Outcome::Counted(count);
}

/// All rules that there are. What came of them is not known yet.
fn rules(plan: &ScanPlan) -> Vec<Check> {
    let rules = plan.all_rules().map(|(name, title)| Check {
        kind: Kind::Rule,
        name: name.to_owned(),
        title: title.to_owned(),
        outcome: Outcome::Counted(Count::default()),
    });
    rules.collect()
}

/// The ways in which builds and projects can differ from a baseline. What came of them is not known yet.
fn differences() -> Vec<Check> {
    let differences = Difference::ALL.map(|difference| Check {
        kind: Kind::Baseline,
        name: difference.as_str().to_owned(),
        title: difference.title().to_owned(),
        outcome: Outcome::Counted(Count::default()),
    });
    differences.into()
}

fn why_not(left_out: &[NotChecked], rule: &str) -> String {
    let left = left_out.iter().find(|left| left.is_check(rule));
    left.map_or_else(|| "it was not run".to_owned(), |left| left.why.clone())
}

fn numbers(summary: &Summary) -> Numbers {
    Numbers {
        builds: summary.scope.builds(),
        projects: summary.scope.projects.len() as u64,
        steps: summary.scope.steps,
        asked_for: summary.scope.asked_for,
        compared: summary.compared.clone(),
        abnormal: summary.abnormal,
        deletable: summary.deletable,
        by_timing: summary.by_timing.iter().map(|(timing, builds)| ((*timing).to_owned(), *builds)).collect(),
        by_project: summary.by_project.clone(),
    }
}
