//! How many findings of each rule a drill allows: `--allow RULE=N`, and `allow` in a policy.

use std::collections::BTreeMap;

use super::difference::Difference;

/// How many builds each rule may find; 0 where a rule is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance(BTreeMap<String, u64>);

/// What a policy allows.
#[derive(Clone, Copy, Debug)]
pub struct PolicyAllowance<'a> {
    /// How many builds each rule may find; 0 where a rule is not named.
    pub allow: &'a BTreeMap<String, u64>,
    /// The policy's file, for messages.
    pub file: &'a str,
}

/// An allowance that cannot be read, or goes too far.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAllowance {
    /// Not `RULE=N`.
    #[error("--allow {0:?}: expected RULE=N, such as stuck-running=2")]
    Form(String),
    #[error("{given}: there is no rule {rule:?}")]
    Rule {
        /// Where it is named.
        given: String,
        rule: String,
        /// The names of all rules.
        known: String,
    },
    #[error("--allow names {0:?} more than once")]
    Twice(String),
    /// A flag allows more than the policy.
    #[error("--allow {rule}={asked} is looser than allow in {file}, which allows {ruled}")]
    Looser { rule: String, asked: u64, ruled: u64, file: String },
}

impl BadAllowance {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rule { rule, .. } if Difference::parse(rule).is_some() => {
                Some(format!("{rule} is known only with --baseline"))
            }
            Self::Rule { known, .. } => Some(format!("known rules: {known}")),
            Self::Looser { .. } => Some("a flag may only be stricter than the policy".to_owned()),
            Self::Form(_) | Self::Twice(_) => None,
        }
    }
}

impl Allowance {
    /// Reads allowances for rules of these names. Where a policy rules what is allowed, a flag may only allow less.
    ///
    /// # Errors
    /// A text that is no allowance; an unknown rule, since a mistyped name must not silently allow nothing; a flag that allows more
    /// than the policy.
    pub fn settle(
        texts: &[String],
        ruled: Option<PolicyAllowance<'_>>,
        rules: &[String],
    ) -> Result<Self, BadAllowance> {
        let unknown =
            |given: String, rule: &str| BadAllowance::Rule { given, rule: rule.to_owned(), known: rules.join(", ") };
        let mut asked = BTreeMap::new();
        for given in texts {
            let form = || BadAllowance::Form(given.clone());
            let (rule, number) = given.split_once('=').ok_or_else(form)?;
            let number = number.trim().parse().map_err(|_| form())?;
            let rule = rule.trim().to_owned();
            if !rules.contains(&rule) {
                return Err(unknown(format!("--allow {given:?}"), &rule));
            }
            if asked.insert(rule.clone(), number).is_some() {
                return Err(BadAllowance::Twice(rule));
            }
        }
        let Some(PolicyAllowance { allow, file }) = ruled else { return Ok(Self(asked)) };
        // One policy serves runs with and without a baseline.
        if let Some(rule) = allow.keys().find(|rule| !rules.contains(rule) && Difference::parse(rule).is_none()) {
            return Err(unknown(format!("allow in {file}"), rule));
        }
        let mut settled = allow.clone();
        for (rule, asked) in asked {
            let ruled = allow.get(&rule).copied().unwrap_or_default();
            if asked > ruled {
                return Err(BadAllowance::Looser { rule, asked, ruled, file: file.to_owned() });
            }
            settled.insert(rule, asked);
        }
        Ok(Self(settled))
    }

    /// How many builds a rule may find.
    pub fn of(&self, rule: &str) -> u64 {
        self.0.get(rule).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn read(texts: &[&str]) -> Result<Allowance, BadAllowance> {
        Allowance::settle(&own(texts), None, &own(&["stuck-running", "output-gap"]))
    }

    fn beside_a_policy(texts: &[&str], ruled: &[(&str, u64)]) -> Result<Allowance, BadAllowance> {
        let allow = ruled.iter().map(|(rule, builds)| ((*rule).to_owned(), *builds)).collect();
        let ruled = PolicyAllowance { allow: &allow, file: "halfbuilt.toml" };
        Allowance::settle(&own(texts), Some(ruled), &own(&["stuck-running", "output-gap"]))
    }

    #[test]
    fn a_rule_that_is_not_named_is_allowed_nothing() {
        let allowed = read(&["stuck-running=2"]).expect("an allowance");
        assert_eq!((allowed.of("stuck-running"), allowed.of("output-gap")), (2, 0));
    }

    #[test]
    fn what_is_no_allowance_is_an_error() {
        for texts in
            [&["stuck-running"][..], &["stuck-running=two"], &["stuck-runing=2"], &["output-gap=1", "output-gap=2"]]
        {
            assert!(read(texts).is_err(), "{texts:?}");
        }
    }

    #[test]
    fn a_flag_may_only_be_stricter_than_the_policy() {
        let both = beside_a_policy(&["stuck-running=1"], &[("stuck-running", 2), ("output-gap", 3)]);
        let both = both.expect("an allowance");
        assert_eq!((both.of("stuck-running"), both.of("output-gap")), (1, 3));
        for (texts, ruled, why) in [
            (
                &["stuck-running=3"][..],
                &[("stuck-running", 2)][..],
                "is looser than allow in halfbuilt.toml, which allows 2",
            ),
            (&["output-gap=1"], &[("stuck-running", 2)], "which allows 0"),
            (&["output-gap=1"], &[], "which allows 0"),
            (&[], &[("stuck-runing", 2)], "allow in halfbuilt.toml: there is no rule \"stuck-runing\""),
        ] {
            let error = beside_a_policy(texts, ruled).expect_err(why);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_policy_may_name_differences_without_a_baseline_and_a_flag_may_not() {
        let both = beside_a_policy(&[], &[("baseline-lost", 2)]).expect("an allowance");
        assert_eq!(both.of("baseline-lost"), 2);
        let error = read(&["baseline-lost=2"]).expect_err("no baseline");
        assert_eq!(error.hint().as_deref(), Some("baseline-lost is known only with --baseline"));
    }
}
