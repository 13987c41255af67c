//! Builds that differ from a baseline, as if a rule had found them.

use crate::database::Parameter;
use crate::obstacle::Ground;

use super::pieces;
use super::rule::Rule;

/// Builds that differ from a baseline: the report shows them beside what rules find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaselineFindings {
    /// What stands in `reasons`: a plain word.
    pub rule: &'static str,
    /// The names of their projects, each once.
    pub projects: Vec<String>,
    /// For each build the place of its project in `projects`, counted from 1.
    pub places: Vec<i64>,
    /// For each build its number.
    pub numbers: Vec<i64>,
    /// For each build what was seen.
    pub evidence: Vec<String>,
}

impl BaselineFindings {
    /// Appends its values to the parameters of a statement, and makes a rule that reads them there.
    pub(super) fn into_rule(self, parameters: &mut Vec<Parameter>) -> Rule {
        let sql = pieces::baseline_findings(parameters.len() + 1);
        parameters.push(Parameter::Texts(self.projects));
        parameters.push(Parameter::Integers(self.places));
        parameters.push(Parameter::Integers(self.numbers));
        parameters.push(Parameter::Texts(self.evidence));
        let name = self.rule.to_owned();
        Rule {
            name,
            title: String::new(),
            needs: Vec::new(),
            lifecycles: Vec::new(),
            ground: Ground::Never,
            finds: None,
            prefilter: None,
            text: String::new(),
            sql,
            file: String::new(),
            line: 1,
        }
    }
}
