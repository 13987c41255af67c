//! What a scan cannot read of a damaged database, and what it says of that.

use crate::not_checked::Unchecked;

use super::engine::Scan;
use super::error::ScanError;
use super::relation::Relation;
use super::rule::Rule;

impl Scan<'_> {
    /// Why a relation cannot be read as a whole, in the server's own words; `None` where it can, as far as is known.
    pub fn why_unread(&self, relation: Relation) -> Option<&str> {
        self.fit.unread().why(relation)
    }

    /// What of the database cannot be read, a sentence each.
    pub fn damage(&self) -> Vec<String> {
        self.fit.damage()
    }

    /// What to do about what cannot be read, a line each.
    pub fn hints(&self) -> Vec<String> {
        let unread = self.fit.unread();
        let mut hints: Vec<String> = unread.hints().into_iter().map(str::to_owned).collect();
        let still_run: Vec<String> = self.rule_names().map(|rule| format!("--rule {rule}")).collect();
        if !unread.is_empty() && !still_run.is_empty() {
            hints.push(format!("what does not need it can still be looked for: {}", still_run.join(" ")));
        }
        hints
    }

    /// Whether every relation can be read as a whole, as far as is known.
    pub fn is_read_whole(&self) -> bool {
        self.fit.unread().is_empty()
    }

    /// Leaves out what cannot be read, and the rules that need it.
    pub(super) async fn leave_out_unread(&mut self) -> Result<(), ScanError> {
        let unread = self.fit.unread().clone();
        for (relation, why) in unread.iter() {
            let what = Unchecked::Relation(relation.as_str());
            if !self.not_checked.iter().any(|left| left.what == what) {
                self.leave_out(what, why);
            }
        }
        if let Some(why) = self.fit.damaged_index().map(str::to_owned)
            && !self.not_checked.iter().any(|left| left.what == Unchecked::Indexes)
        {
            self.leave_out(Unchecked::Indexes, &why);
        }
        let (left_out, rules) = self.rules.iter().copied().partition(|(_, rule)| unread.keeps(rule).is_some());
        self.rules = rules;
        for (_, rule) in left_out as Vec<(usize, &Rule)> {
            self.could_not_run(rule, &unread.keeps(rule).unwrap_or_default());
        }
        if unread.why(Relation::Step).is_some() {
            // Without it every piece would pass for one whose step is gone.
            self.premise.has_steps = Some(false);
            self.snapshot.set(&self.plan.settings_by(&self.premise)).await?;
            let asking = self.rules.iter().filter(|(_, rule)| rule.uses_setting("has_steps"));
            for rule in asking.map(|(_, rule)| rule.name.clone()).collect::<Vec<_>>() {
                self.leave_out(Unchecked::RuleOfMissingSteps(rule), "relation step cannot be read");
            }
        }
        Ok(())
    }

    /// Notes that a rule could not be run, and why.
    pub(super) fn could_not_run(&mut self, rule: &Rule, why: &str) {
        self.leave_out(Unchecked::FailedCheck(rule.name.clone()), why);
    }
}
