//! Which rules tell nothing, because a relation that they read came back empty.

use crate::losses::{EmptyRelation, Held, Losses};

use super::relation::Relation;
use super::rule::Rule;

impl Held {
    /// What is held of a build in a relation; `None` where nobody can say what should be there, and of the builds themselves: where none
    /// is, nothing is in scope.
    pub(super) fn in_relation(relation: Relation) -> Option<Self> {
        match relation {
            Relation::Step => Some(Self::Steps),
            Relation::Chunk => Some(Self::Output),
            Relation::Build | Relation::Object => None,
        }
    }
}

/// Why a rule that found nothing has not checked anything: a relation that it reads is empty.
pub(super) fn why_blind<'a>(rule: &Rule, losses: &'a Losses) -> Option<&'a EmptyRelation> {
    let reads = Relation::ALL.into_iter().filter(|relation| rule.reads(*relation));
    reads.filter_map(Held::in_relation).find_map(|held| losses.of(held))
}

/// Whether a rule tells something by what steps or output hold.
pub(super) fn reads_what_builds_hold(rule: &Rule) -> bool {
    rule.reads(Relation::Step) || rule.reads(Relation::Chunk)
}
