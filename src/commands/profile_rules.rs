//! Which rules run over a profile, which are not checked, which are not needed, and why.

use jiff::Timestamp;

use crate::scan::{Need, Profile, Relation, Rule, ScanPlan};
use crate::text::counted;
use crate::timing::RestoreTimes;

use super::Error;

/// What becomes of a rule, or of another check.
pub(super) struct RuleUse {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    /// Why it does not run; empty where it does.
    pub(super) why_not: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Runs,
    RunsWithBackupTime,
    RunsWithObjects,
    NotChecked,
    NotNeeded,
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::RunsWithBackupTime => "runs, with --backup-time",
            Self::RunsWithObjects => "runs, with --objects",
            Self::NotChecked => "not checked",
            Self::NotNeeded => "not needed",
        }
    }
}

/// What becomes of each rule in a scan that knows T, and of what else the profile makes needless.
pub(super) fn rule_uses(profile: &Profile, rules: &[Rule]) -> Result<Vec<RuleUse>, Error> {
    // Which time it is does not matter: nothing runs.
    let times = RestoreTimes::new(Some(Timestamp::UNIX_EPOCH), None);
    let plan = ScanPlan::new(profile.clone(), rules.to_vec(), &[], times, None)?.with_listing();
    // A profile without files has nothing to compare with a listing.
    let is_about_it = |rule: &&Rule| !rule.needs.contains(&Need::Listing) || profile.offers(Relation::Object);
    let is_needless = |name: &str| plan.not_needed().iter().any(|without| without.is_check(name));
    let mut uses: Vec<RuleUse> = rules
        .iter()
        .filter(is_about_it)
        .map(|rule| {
            let lacking = lacking(profile, rule);
            let (verdict, why_not) = match plan.why_not_run(&rule.name) {
                Some(why) if is_needless(&rule.name) => (Verdict::NotNeeded, why),
                // All of them, not only the first.
                Some(_) if !lacking.is_empty() => {
                    (Verdict::NotChecked, format!("profile {} has no relation {}", profile.name, lacking.join(", ")))
                }
                Some(why) => (Verdict::NotChecked, why),
                None if rule.needs.contains(&Need::Listing) => (Verdict::RunsWithObjects, String::new()),
                None if rule.needs.contains(&Need::BackupTime) => (Verdict::RunsWithBackupTime, String::new()),
                None => (Verdict::Runs, String::new()),
            };
            RuleUse { name: rule.name.clone(), verdict, why_not }
        })
        .collect();
    for other in plan.not_needed().iter().filter(|without| !rules.iter().any(|rule| without.is_check(&rule.name))) {
        uses.push(RuleUse { name: other.what.to_string(), verdict: Verdict::NotNeeded, why_not: other.why.clone() });
    }
    Ok(uses)
}

/// How many run, and how many do not.
pub(super) fn summary(uses: &[RuleUse]) -> String {
    let count = |verdicts: &[Verdict]| uses.iter().filter(|found| verdicts.contains(&found.verdict)).count() as u64;
    let run = count(&[Verdict::Runs, Verdict::RunsWithBackupTime, Verdict::RunsWithObjects]);
    let verb = if run == 1 { "runs" } else { "run" };
    let [not_checked, not_needed] = [count(&[Verdict::NotChecked]), count(&[Verdict::NotNeeded])];
    format!("{} {verb}, {not_checked} not checked, {not_needed} not needed", counted(run, "rule"))
}

/// The relations that a rule needs and a profile leaves out.
pub(super) fn lacking(profile: &Profile, rule: &Rule) -> Vec<&'static str> {
    let relation = |need: &Need| match need {
        Need::Relation(relation) if !profile.offers(*relation) => Some(relation.as_str()),
        Need::Relation(_) | Need::BackupTime | Need::QueueElsewhere | Need::Listing => None,
    };
    rule.needs.iter().filter_map(relation).collect()
}
