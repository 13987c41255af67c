//! What came of the comparison with object storage, as the rules about it read it.

use crate::database::Parameter;

use super::engine::Scan;
use super::rule::Rule;

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

impl Scan<'_> {
    /// Has the rules about object storage report this. If no file of any build could be judged, they checked nothing.
    pub fn hold(&mut self, held: Held, is_judged: bool) {
        if !is_judged {
            let why = "no build that stopped ten minutes before the backup names a file";
            self.leave_out_rules(Rule::reads_listing, why);
        }
        self.held = Some(held);
    }
}
