//! The verdict on a restore, in one word and one sentence.

use std::collections::BTreeMap;

use crate::exit::Exit;

use super::Allowance;

/// The judgement on a restored database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing abnormal was found.
    Clean,
    /// What was found is allowed.
    Allowed,
    /// More was found than is allowed.
    Abnormal,
    /// There was nothing to check, or no rule to check it by.
    NothingChecked,
}

/// Judges by how many builds each rule found. `builds` are those in scope, `rules` how many rules were run.
pub fn verdict(builds: u64, rules: usize, found: &BTreeMap<String, u64>, allowed: &Allowance) -> Verdict {
    if builds == 0 || rules == 0 {
        Verdict::NothingChecked
    } else if found.values().all(|builds| *builds == 0) {
        Verdict::Clean
    } else if found.iter().all(|(rule, builds)| *builds <= allowed.of(rule)) {
        Verdict::Allowed
    } else {
        Verdict::Abnormal
    }
}

impl Verdict {
    /// The same where a baseline was to be compared with, of which so many builds were looked for: none is as good as nothing.
    pub fn compared(self, builds: Option<u64>) -> Self {
        match (self, builds) {
            (Self::Clean | Self::Allowed, Some(0)) => Self::NothingChecked,
            _ => self,
        }
    }

    /// The exit code of `verify`.
    pub fn exit(self) -> Exit {
        match self {
            Self::Clean | Self::Allowed => Exit::Clean,
            Self::Abnormal => Exit::Found,
            Self::NothingChecked => Exit::NothingInScope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_checked_is_never_clean() {
        let none = BTreeMap::new();
        assert_eq!(verdict(0, 5, &none, &Allowance::default()).exit(), Exit::NothingInScope);
        assert_eq!(verdict(10, 0, &none, &Allowance::default()).exit(), Exit::NothingInScope);
        assert_eq!(verdict(10, 5, &none, &Allowance::default()).exit(), Exit::Clean);
    }

    #[test]
    fn a_baseline_without_a_build_in_scope_is_never_green() {
        let found = BTreeMap::from([("a".to_owned(), 1)]);
        let clean = verdict(10, 5, &BTreeMap::new(), &Allowance::default());
        assert_eq!(clean.compared(Some(0)), Verdict::NothingChecked);
        assert_eq!(clean.compared(Some(1)), Verdict::Clean);
        assert_eq!(clean.compared(None), Verdict::Clean);
        assert_eq!(verdict(10, 5, &found, &Allowance::default()).compared(Some(0)), Verdict::Abnormal);
    }

    #[test]
    fn each_rule_is_held_to_its_own_allowance() {
        let rules = ["a".to_owned(), "b".to_owned()];
        let allowed = Allowance::new(&["a=2".to_owned()], &rules).expect("an allowance");
        let found = |a, b| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        assert_eq!(verdict(10, 2, &found(2, 0), &allowed), Verdict::Allowed);
        assert_eq!(verdict(10, 2, &found(3, 0), &allowed), Verdict::Abnormal);
        assert_eq!(verdict(10, 2, &found(0, 1), &allowed), Verdict::Abnormal);
    }
}
