//! Which relations cannot be read as a whole, and why.

use std::collections::BTreeSet;

use crate::causes::distinct_causes;
use crate::text::Foreign;

use super::error::ScanError;
use super::relation::{Relation, RelationSet};
use super::rule::{Need, Rule};

/// The relations that cannot be read as a whole. Single builds may still be looked up in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unread(Vec<Fault>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    relation: Relation,
    /// The server's own words.
    why: String,
    /// What to do about it.
    hint: Option<String>,
}

impl Unread {
    pub(super) fn add(&mut self, relation: Relation, error: &ScanError) {
        self.add_named(relation, error, why(error));
    }

    /// The same, with a better word for why.
    pub(super) fn add_named(&mut self, relation: Relation, error: &ScanError, why: String) {
        self.0.push(Fault { relation, why, hint: error.hint() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn relations(&self) -> RelationSet {
        self.0.iter().map(|fault| fault.relation).collect()
    }

    /// Why a relation cannot be read; `None` where it can.
    pub(super) fn why(&self, relation: Relation) -> Option<&str> {
        self.0.iter().find(|fault| fault.relation == relation).map(|fault| fault.why.as_str())
    }

    /// Why a rule cannot be run; `None` where it can.
    pub(super) fn keeps(&self, rule: &Rule) -> Option<String> {
        rule.needs.iter().find_map(|need| match need {
            Need::Relation(relation) => {
                self.why(*relation).map(|why| format!("relation {relation} cannot be read: {why}"))
            }
            Need::BackupTime | Need::QueueElsewhere | Need::Listing => None,
        })
    }

    /// Each relation, and why it cannot be read.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Relation, &str)> {
        self.0.iter().map(|fault| (fault.relation, fault.why.as_str()))
    }

    /// What to do about it, each thing once.
    pub(super) fn hints(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(|fault| fault.hint.as_deref()).collect()
    }
}

/// The server's own words.
pub(super) fn why(error: &ScanError) -> String {
    let causes = distinct_causes(error);
    let words = if causes.is_empty() { error.to_string() } else { causes.join(": ") };
    Foreign::evidence(&words).into()
}
