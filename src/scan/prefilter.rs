//! Finds out, in one pass over steps and output, where the rules need not look.

use crate::database::{Parameter, Snapshot};
use crate::text::bytes::has_bytes;

use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::key::BITS_OF_A_LEVEL;
use super::likeness::{Letters, Likeness, SharedKeys};
use super::relation::Relation;
use super::rule::{Prefilter, Rule};

/// With more suspects than this, the rules look at everything.
pub(super) const MOST_SUSPECTS: u64 = 200_000;
/// So they do where more than one build in this many is a suspect, unless the suspects are few.
const ONE_IN: u64 = 5;
/// How many suspects are few.
const FEW: u64 = 10_000;
/// How many buckets there are at each level.
const BUCKETS: usize = 1 << BITS_OF_A_LEVEL;
/// How many passes over steps and output there are at most, each by other bits, until few enough builds are left.
const LEVELS: usize = 4;

/// Which builds are left for the rules that never fire on a whole build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suspects {
    /// Only these.
    Only(Vec<String>),
    /// All: nothing is known, or too many are suspects.
    All,
}

/// Where a rule has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Nowhere: it cannot find anything.
    Nowhere,
    /// At the suspects.
    Suspects,
    /// Everywhere.
    Everywhere,
}

/// Where the rules have to look, as far as it is known before they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SearchSpace {
    pub(super) suspects: Suspects,
    /// Every piece of output has its build.
    pub(super) output_has_builds: bool,
    /// Every step has its build.
    pub(super) steps_have_builds: bool,
    /// Only builds of some projects are in scope, so nothing is that has no build.
    pub(super) is_of_projects: bool,
    /// No two builds share a name, whatever the case of its letters.
    pub(super) names_differ: bool,
    /// Each build has a key of its own.
    pub(super) build_keys_differ: bool,
    /// Each step has a key of its own within its build.
    pub(super) step_keys_differ: bool,
    /// How many pieces of output, of all builds, were stored at a time that is not on record.
    pub(super) pieces_off_record: u64,
    /// Whether the sums may be those of an index alone, which does not show that the pieces are still in their table.
    pub(super) from_indexes: bool,
}

impl Default for SearchSpace {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            suspects: Suspects::All,
            output_has_builds: false,
            steps_have_builds: false,
            is_of_projects: false,
            names_differ: false,
            build_keys_differ: false,
            step_keys_differ: false,
            pieces_off_record: 0,
            from_indexes: false,
        }
    }
}

impl SearchSpace {
    /// Where a rule has to look.
    pub(super) fn search(&self, rule: &Rule) -> Search {
        // Of objects nothing is known.
        if rule.reads(Relation::Object) && !matches!(rule.prefilter, Some(Prefilter::Names | Prefilter::Keys)) {
            return Search::Everywhere;
        }
        match rule.prefilter {
            Some(Prefilter::Names) if self.names_differ => Search::Nowhere,
            Some(Prefilter::Keys) if self.build_keys_differ && self.step_keys_differ => Search::Nowhere,
            Some(Prefilter::Parents) if self.has_parents(rule) => Search::Nowhere,
            Some(Prefilter::WholeWithParents) if self.is_of_projects || self.has_parents(rule) => self.among_suspects(),
            Some(Prefilter::Whole) => self.among_suspects(),
            None | Some(Prefilter::Names | Prefilter::Keys | Prefilter::Parents | Prefilter::WholeWithParents) => {
                Search::Everywhere
            }
        }
    }

    /// Whether each step and each piece of output that a rule reads has its build. A step without one may hide a piece without one.
    fn has_parents(&self, rule: &Rule) -> bool {
        let (steps, chunks) = (rule.reads(Relation::Step), rule.reads(Relation::Chunk));
        (steps || chunks) && self.steps_have_builds && (!chunks || self.output_has_builds)
    }

    fn among_suspects(&self) -> Search {
        match &self.suspects {
            Suspects::Only(keys) if keys.is_empty() => Search::Nowhere,
            Suspects::Only(_) => Search::Suspects,
            Suspects::All => Search::Everywhere,
        }
    }

    /// Which builds may be alike.
    pub(super) fn likeness(&self) -> Likeness {
        let keys = if self.build_keys_differ { SharedKeys::None } else { SharedKeys::All };
        Likeness { keys, letters: if self.names_differ { Letters::Differ } else { Letters::MayBeAlike } }
    }

    /// Adds up steps and output, and finds the suspects among the `builds` in scope. Calls `closer` with the number of builds that are
    /// then checked one by one.
    pub(super) async fn add_up(
        &mut self,
        snapshot: &Snapshot<'_>,
        relations: &Relations<'_>,
        scope: &[Parameter],
        builds: u64,
        closer: impl Fn(u64),
    ) -> Result<(), ScanError> {
        let everything = Relations { scope: BuildSelection::All, ..*relations };
        let most = (builds / ONE_IN).clamp(FEW, MOST_SUSPECTS);
        let mut found = Buckets { from_indexes: self.from_indexes, ..Buckets::default() };
        for level in 0..LEVELS {
            let is_added_up = found.add_level(snapshot, &everything, level).await?;
            self.pieces_off_record = found.off_record;
            if !is_added_up || found.are_no_help() {
                return Ok(());
            }
            let Some(candidates) = found.candidates(snapshot, relations, scope, most).await? else { continue };
            closer(candidates.len() as u64);
            let Some((suspects, difference)) = suspects(snapshot, &everything, candidates).await? else {
                return Ok(());
            };
            // What else is in these buckets belongs to builds that do not exist, or are out of scope.
            self.output_has_builds = !found.without_key && difference == found.difference;
            self.suspects = Suspects::Only(suspects);
            return Ok(());
        }
        Ok(())
    }
}

/// The buckets that do not add up, level by level: a build that does not is in a bucket of each.
#[derive(Default)]
struct Buckets {
    /// Whether the server may add up what an index alone says.
    from_indexes: bool,
    levels: Vec<Vec<i64>>,
    /// Something names no build at all.
    without_key: bool,
    /// Something has no place, or no sum, so nothing follows from the sums.
    unplaced: bool,
    /// How many pieces of output were stored at a time that is not on record.
    off_record: u64,
    /// By how much all the buckets of the last level together do not add up.
    difference: f64,
}

impl Buckets {
    /// Adds up by the next bits of each build's place. `false` where keys of such types cannot be added up.
    async fn add_level(
        &mut self,
        snapshot: &Snapshot<'_>,
        relations: &Relations<'_>,
        level: usize,
    ) -> Result<bool, ScanError> {
        let Some(statement) = relations.buckets(level) else { return Ok(false) };
        let before = self.parameters();
        snapshot.set_jit(true).await?;
        snapshot.set_index_only(self.from_indexes).await?;
        let mut rows = snapshot.rows("adding up steps and output", &statement, &before).await?;
        let mut buckets = Vec::new();
        self.difference = 0.0;
        while let Some(row) = rows.next().await? {
            let sum = row.number("difference")?;
            self.unplaced |= sum.is_none() || row.boolean("unplaced")?.unwrap_or_default();
            let difference = sum.unwrap_or_default();
            if level == 0 {
                self.off_record += row.integer("off_record")?.unwrap_or_default().unsigned_abs();
            }
            match row.integer("bucket")? {
                None => self.without_key = true,
                Some(bucket) if difference != 0.0 => buckets.push(bucket),
                // All of it is whole.
                Some(_) => {}
            }
            self.difference += difference;
        }
        drop(rows);
        snapshot.set_jit(false).await?;
        snapshot.set_index_only(false).await?;
        self.levels.push(buckets);
        Ok(true)
    }

    /// The keys of the builds in the buckets; `None` if they are more than `most`.
    async fn candidates(
        &self,
        snapshot: &Snapshot<'_>,
        relations: &Relations<'_>,
        scope: &[Parameter],
        most: u64,
    ) -> Result<Option<Vec<String>>, ScanError> {
        let Some(statement) = relations.candidates(scope.len() + 1, self.levels.len(), most + 1) else {
            return Ok(None);
        };
        let parameters = [scope, &self.parameters()].concat();
        let mut rows = snapshot.rows("looking for the builds that do not add up", &statement, &parameters).await?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next().await? {
            keys.extend(row.text("build_key")?);
        }
        Ok(Some(keys).filter(|keys| keys.len() as u64 <= most))
    }

    /// Whether nothing follows from the sums, or so many buckets do not add up that another level would not help.
    fn are_no_help(&self) -> bool {
        self.unplaced || self.levels.last().is_some_and(|buckets| buckets.len() > BUCKETS / 2)
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.levels.iter().map(|buckets| Parameter::Integers(buckets.clone())).collect()
    }
}

/// Those of the candidates that do not add up, and by how much all of them together do not.
async fn suspects(
    snapshot: &Snapshot<'_>,
    relations: &Relations<'_>,
    candidates: Vec<String>,
) -> Result<Option<(Vec<String>, f64)>, ScanError> {
    let Some(statement) = relations.suspects() else { return Ok(None) };
    let mut found = (Vec::new(), 0.0);
    if candidates.is_empty() {
        return Ok(Some(found));
    }
    // Where the server may not take a key back, the rules look at all.
    if candidates.iter().any(|key| has_bytes(key)) {
        return Ok(None);
    }
    let mut rows = snapshot.rows("adding up builds", &statement, &[Parameter::Texts(candidates)]).await?;
    while let Some(row) = rows.next().await? {
        // A build without a key, or without a sum, may be any build: then the rules look at all.
        let (Some(key), Some(sum)) = (row.text("build_key")?, row.number("difference")?) else { return Ok(None) };
        found.0.push(key);
        found.1 += sum;
    }
    Ok(Some(found))
}
