//! What is lost with others: of a whole relation, of a project, or of a stretch of time.

use std::collections::{BTreeMap, BTreeSet};

use super::super::moment::{HOUR, MINUTE, Moment};
use super::super::world::Build;
use super::{Meaning, is};

/// What a build should have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Steps,
    Output,
}

/// A build that was over by T and should have it.
struct Expecting<'a> {
    build: &'a Build,
    start: Moment,
    stop: Moment,
    lacks: bool,
}

type Word = Option<String>;

impl<'a> Meaning<'a> {
    /// Why a rule tells nothing of a build: what it reads is lost, and not of this build alone.
    pub(super) fn blind(&self, rule: &str, build: &Build) -> Option<String> {
        let reads: &[Held] = match rule {
            "step-unfinished" => &[Held::Steps],
            "output-truncated" | "output-gap" | "output-missing" | "output-excess" => &[Held::Steps, Held::Output],
            _ => return None,
        };
        let empty = reads.iter().find_map(|held| self.emptied(*held));
        let lost = "what it lacks is lost of other builds too (relation-empty): was it restored?";
        empty
            .map(|words| format!("{words}: was this table restored?"))
            .or_else(|| self.is_lost_with_others(build).then(|| lost.to_owned()))
    }

    /// Whether the relation came back without the rows that it should have, in words.
    fn emptied(&self, held: Held) -> Option<String> {
        if !self.offers.steps || held == Held::Output && !self.offers.chunks || self.world.builds.is_empty() {
            return None;
        }
        let lacking = self.expecting(held).iter().filter(|one| one.lacks).count();
        let having = self.expecting(held).len() - lacking;
        let has_output = |build: &&Build| self.chunks_of(Some(build.key)).next().is_some();
        let no_steps = self.steps.is_empty()
            && (self.expecting(Held::Steps).len() >= 3 || self.world.builds.iter().filter(has_output).count() >= 3);
        let of_old = format!("{lacking} builds from before the backup");
        match held {
            Held::Steps if no_steps => Some("no step at all is on record".to_owned()),
            Held::Output if no_steps && self.chunks.is_empty() => {
                Some("no piece of output is stored at all".to_owned())
            }
            _ if self.steps.is_empty() || lacking < 3 || having > 0 => None,
            Held::Steps => Some(format!("no step is on record of {of_old}")),
            Held::Output if self.chunks.is_empty() => Some("no piece of output is stored at all".to_owned()),
            Held::Output => Some(format!("no piece of output is stored of {of_old}")),
        }
    }

    pub(super) fn is_lost_with_others(&self, build: &Build) -> bool {
        [Held::Steps, Held::Output].into_iter().any(|held| self.is_lost(build, held))
    }

    fn expecting(&self, held: Held) -> Vec<Expecting<'a>> {
        let world = self.world;
        let expecting = |build: &'a Build| {
            let (start, stop) = (self.on_record(build.started)?, self.on_record(build.stopped)?);
            let is_over = is(build, "finished") && self.backup.is_none_or(|backup| stop <= backup.plus(self.tolerance));
            let mut steps = self.steps_of(Some(build.key));
            let (should, has) = match held {
                Held::Steps => (stop >= start.plus(MINUTE), steps.next().is_some()),
                Held::Output => (
                    steps.any(|step| step.has_output == Some(true) && step.output_size != Some(0)),
                    self.chunks_of(Some(build.key)).next().is_some(),
                ),
            };
            (is_over && should).then_some(Expecting { build, start, stop, lacks: !has })
        };
        world.builds.iter().filter_map(expecting).collect()
    }

    fn is_lost(&self, build: &Build, held: Held) -> bool {
        if !self.offers.steps || held == Held::Output && !self.offers.chunks {
            return false;
        }
        let expecting = self.expecting(held);
        let first_start = expecting.iter().filter(|one| !one.lacks).map(|one| one.start).min();
        let first_stop = expecting.iter().filter(|one| !one.lacks).map(|one| one.stop).min();
        let (Some(first_start), Some(first_stop)) = (first_start, first_stop) else { return false };
        // The oldest, if they are many, and long before T.
        let newest = expecting.iter().map(|one| one.start).max();
        let is_old = |one: &Expecting<'_>| one.start < first_start || one.stop < first_stop;
        let last_old = expecting.iter().filter(|one| is_old(one)).map(|one| one.start).max();
        let is_long_ago = last_old.zip(self.backup.or(newest)).is_some_and(|(last, t)| last <= t.plus(-24 * HOUR));
        let expires = is_long_ago && expecting.iter().filter(|one| is_old(one)).count() >= 10;
        let kept: Vec<&Expecting<'_>> = expecting.iter().filter(|one| !expires || !is_old(one)).collect();
        let Some(this) = kept.iter().find(|one| one.build.key == build.key && one.lacks) else { return false };

        let mut by_project: BTreeMap<&Word, Vec<&Expecting<'_>>> = BTreeMap::new();
        for one in &kept {
            by_project.entry(&one.build.project).or_default().push(one);
        }
        let bare = by_project.into_iter().filter(|(_, builds)| builds.len() >= 3 && builds.iter().all(|one| one.lacks));
        let bare_projects: BTreeMap<&Word, Vec<&Expecting<'_>>> = bare.collect();
        let is_in_project = |one: &Expecting<'_>| bare_projects.contains_key(&one.build.project);

        let place = |one: &Expecting<'_>| kept.iter().filter(|other| !other.lacks && other.start <= one.start).count();
        let mut by_place: BTreeMap<usize, Vec<&Expecting<'_>>> = BTreeMap::new();
        for one in kept.iter().filter(|one| one.lacks) {
            by_place.entry(place(one)).or_default().push(one);
        }
        by_place.retain(|_, builds| builds.len() >= 10 && !builds.iter().all(|one| is_in_project(one)));
        let is_in_range = |one: &Expecting<'_>| one.lacks && by_place.contains_key(&place(one));

        let mut words: BTreeMap<&Word, (usize, usize)> = BTreeMap::new();
        for one in kept.iter().filter(|one| !is_in_project(one) && !is_in_range(one)) {
            let (all, having) = words.entry(&one.build.status).or_default();
            *all += 1;
            *having += usize::from(!one.lacks);
        }
        words.retain(|_, (all, _)| *all >= 3);
        let mostly = |has: bool| -> BTreeSet<&Word> {
            words.iter().filter(|(_, (all, having))| (having * 2 > *all) == has).map(|(word, _)| *word).collect()
        };
        let (usual, unusual) = (mostly(true), mostly(false));
        let sound =
            |builds: &[&Expecting<'_>]| builds.iter().filter(|one| !unusual.contains(&one.build.status)).count();
        let is_known =
            |builds: &[&Expecting<'_>]| usual.is_empty() || builds.iter().any(|one| usual.contains(&one.build.status));
        if unusual.contains(&build.status) {
            return false;
        }
        let of_project = bare_projects.get(&build.project).is_some_and(|builds| sound(builds) >= 3 && is_known(builds));
        let of_range =
            by_place.get(&place(this)).is_some_and(|builds| sound(builds) * 2 >= builds.len() && is_known(builds));
        // Of a build that started long before it was queued nobody knows how long it ran.
        let is_in_order = self.on_record(build.queued).is_none_or(|queued| this.start >= queued.plus(-10 * MINUTE));
        let ran = this.stop >= this.start.plus(5 * MINUTE) && is_in_order;
        of_project || of_range || held == Held::Steps && ran && usual.contains(&build.status)
    }
}
