//! Adds up the builds of a database into a manifest, as they come.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::census::{CountedBuild, Coverage};

use super::document::{Manifest, NotCovered, OutcomeCount, Project, RANGE_BITS, Range};
use super::numbers::{DIGEST_BITS, DIGITS_OF_A_BUILD, intervals, write_build};

/// Builds a manifest, in 16 bytes of memory a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManifestBuilder {
    projects: BTreeMap<String, ProjectBuilder>,
    without_project: NotCovered,
}

#[derive(Clone, Debug, Default)]
struct ProjectBuilder {
    /// The highest number of a build that was queued by T.
    highest: Option<i64>,
    /// The highest number of all builds.
    highest_now: Option<i64>,
    outcomes: Vec<OutcomeCount>,
    ranges: BTreeMap<i64, RangeBuilder>,
    not_covered: NotCovered,
}

#[derive(Clone, Debug, Default)]
struct RangeBuilder {
    digest: u64,
    steps: i64,
    stored: i64,
    builds: Vec<GatheredBuild>,
}

#[derive(Clone, Copy, Debug)]
struct GatheredBuild {
    /// Its number, less the first of the range.
    place: u16,
    digest: u32,
    never_ran: bool,
    over_at: i64,
}

impl ManifestBuilder {
    pub(crate) fn add(&mut self, build: &CountedBuild) {
        let Some(project) = &build.project else {
            return leave_out(&mut self.without_project, build.coverage);
        };
        if !self.projects.contains_key(project) {
            self.projects.insert(project.clone(), ProjectBuilder::default());
        }
        let Some(held) = self.projects.get_mut(project) else { return };
        held.highest_now = held.highest_now.max(build.number);
        if build.was_there {
            held.highest = held.highest.max(build.number);
        }
        match (build.coverage, build.number, build.over_at) {
            (Coverage::Ended | Coverage::NeverRan, Some(number), Some(over_at)) => held.add(build, number, over_at),
            _ => leave_out(&mut held.not_covered, build.coverage),
        }
    }

    /// The highest number of a project.
    pub(crate) fn highest_now(&self, project: &str) -> Option<i64> {
        self.projects.get(project)?.highest_now
    }

    /// Puts the builds into a manifest of which all the rest is known.
    pub(crate) fn finish(self, about: Manifest) -> Manifest {
        let projects: Vec<Project> = self.projects.into_iter().map(|(name, held)| held.finish(name)).collect();
        let builds = projects.iter().map(|project| project.builds).sum();
        let left = projects.iter().map(|project| &project.not_covered);
        let not_covered = left.fold(self.without_project, |all, left| all.each_with(left, u64::saturating_add));
        Manifest { builds, not_covered, projects, ..about }
    }
}

fn leave_out(left: &mut NotCovered, coverage: Coverage) {
    let count = match coverage {
        Coverage::Ended | Coverage::NeverRan => &mut left.unnamed,
        Coverage::EndedLately => &mut left.ended_lately,
        Coverage::Undated => &mut left.undated,
        Coverage::NotOver => &mut left.not_over,
    };
    *count += 1;
}

impl ProjectBuilder {
    fn add(&mut self, build: &CountedBuild, number: i64, over_at: i64) {
        let alike =
            |outcome: &&mut OutcomeCount| outcome.lifecycle == build.lifecycle && outcome.status == build.status;
        match self.outcomes.iter_mut().find(alike) {
            Some(outcome) => outcome.builds += 1,
            None => self.outcomes.push(OutcomeCount {
                lifecycle: build.lifecycle.clone(),
                status: build.status.clone(),
                builds: 1,
            }),
        }
        let range = self.ranges.entry(number >> RANGE_BITS).or_default();
        range.digest = range.digest.wrapping_add(build.digest);
        range.steps = range.steps.saturating_add(build.steps);
        range.stored = range.stored.saturating_add(build.stored);
        range.builds.push(GatheredBuild {
            place: (number & ((1 << RANGE_BITS) - 1)) as u16,
            digest: (build.digest & ((1 << DIGEST_BITS) - 1)) as u32,
            never_ran: build.coverage == Coverage::NeverRan,
            over_at,
        });
    }

    fn finish(mut self, project: String) -> Project {
        self.outcomes.sort_by(|one, other| (&one.lifecycle, &one.status).cmp(&(&other.lifecycle, &other.status)));
        let ranges: Vec<Range> =
            self.ranges.into_iter().map(|(place, held)| held.finish(place << RANGE_BITS)).collect();
        Project {
            project,
            builds: ranges.iter().map(|range| range.builds).sum(),
            highest: self.highest,
            digest: ranges.iter().fold(0, |sum, range| sum.wrapping_add(range.digest)),
            outcomes: self.outcomes,
            ranges,
            not_covered: self.not_covered,
        }
    }
}

impl RangeBuilder {
    fn finish(mut self, first: i64) -> Range {
        // Where builds have one number, those that never ran come first: so a reader can match them.
        self.builds.sort_unstable_by_key(|build| (build.place, !build.never_ran, build.digest, build.over_at));
        let times = self.builds.iter().map(|build| build.over_at);
        let at = |second: Option<i64>| Timestamp::from_second(second.unwrap_or_default()).unwrap_or_default();
        let over = [at(times.clone().min()), at(times.max())];
        let number = |build: &GatheredBuild| first | i64::from(build.place);
        let mut range = Range {
            first,
            builds: self.builds.len() as u64,
            digest: self.digest,
            steps: self.steps,
            stored: self.stored,
            over,
            numbers: intervals(self.builds.iter().map(number)),
            never_ran: intervals(self.builds.iter().filter(|build| build.never_ran).map(number)),
            each: String::with_capacity(self.builds.len() * DIGITS_OF_A_BUILD),
        };
        let (from, unit) = (over[0].as_second(), range.unit());
        for build in &self.builds {
            // The unit is chosen so that it fits.
            let part = u16::try_from((build.over_at - from) / unit).unwrap_or_default();
            write_build(&mut range.each, build.digest, part);
        }
        range
    }
}
