//! What came of the comparison with object storage, as the rules about it read it.

use crate::database::Parameter;

/// What came of the comparison with object storage: for each build a rule, and the evidence for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    rules: Vec<String>,
    keys: Vec<String>,
    evidence: Vec<String>,
}

impl Held {
    /// Adds what one rule says of one build. `key` is the build's key as text, as [`super::Promised`] gives it.
    pub fn add(&mut self, rule: &str, key: String, evidence: String) {
        self.rules.push(rule.to_owned());
        self.keys.push(key);
        self.evidence.push(evidence);
    }

    pub(super) fn into_parameters(self) -> [Parameter; 3] {
        [Parameter::Texts(self.rules), Parameter::Texts(self.keys), Parameter::Texts(self.evidence)]
    }
}
