//! How many findings of a rule a drill puts up with: `--allow RULE=N`.

use std::collections::BTreeMap;

/// The number of builds that each rule may find; 0 where a rule is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance(BTreeMap<String, u64>);

/// An allowance that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAllowance {
    /// Not `RULE=N`.
    #[error("--allow {0:?}: expected RULE=N, such as stuck-running=2")]
    Form(String),
    /// There is no such rule.
    #[error("--allow {given:?}: there is no rule {rule:?}")]
    Rule {
        /// The whole text.
        given: String,
        /// The name in it.
        rule: String,
    },
    /// One rule is named twice.
    #[error("--allow names {0:?} more than once")]
    Twice(String),
}

impl Allowance {
    /// Reads allowances for rules of these names.
    ///
    /// # Errors
    /// A text that is no allowance, a rule that there is not: a slip of the pen must not allow nothing by chance.
    pub fn new(texts: &[String], rules: &[String]) -> Result<Self, BadAllowance> {
        let mut allowed = BTreeMap::new();
        for given in texts {
            let form = || BadAllowance::Form(given.clone());
            let (rule, number) = given.split_once('=').ok_or_else(form)?;
            let number = number.trim().parse().map_err(|_| form())?;
            let rule = rule.trim().to_owned();
            if !rules.contains(&rule) {
                return Err(BadAllowance::Rule { given: given.clone(), rule });
            }
            if allowed.insert(rule.clone(), number).is_some() {
                return Err(BadAllowance::Twice(rule));
            }
        }
        Ok(Self(allowed))
    }

    /// How many builds a rule may find.
    pub fn of(&self, rule: &str) -> u64 {
        self.0.get(rule).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Allowance, BadAllowance> {
        let own = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Allowance::new(&own(texts), &own(&["stuck-running", "output-gap"]))
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
}
