//! What a CI does by habit, so that it is no ground for a deletion.

use super::super::world::{Build, Step};
use super::{Meaning, is};

impl<'a> Meaning<'a> {
    /// Whether so many builds of its status word, or of its lifecycle, are in its cell that this is what the CI does. When a
    /// waiting build started, and how long it has been silent, counts for nothing here.
    pub(super) fn habits(&self, build: &Build) -> Vec<String> {
        let is_in_cell = |other: &&&Build| {
            let waits = is(other, "queued") || is(other, "not_running");
            let holds = if waits { self.has(other.started) } else { self.is_impossible(other) };
            other.lifecycle == build.lifecycle && holds
        };
        let are_most = |alike: Vec<&Build>, least: usize| {
            let same = alike.iter().filter(is_in_cell).count();
            same >= least && 2 * same > alike.len()
        };
        let builds = || self.world.builds.iter();
        let of_status = builds().filter(|other| other.status == build.status).collect();
        let of_lifecycle = builds().filter(|other| other.lifecycle == build.lifecycle).collect();
        let status =
            build.status.as_ref().map_or_else(|| "without a status".to_owned(), |word| format!("of status \"{word}\""));
        let lifecycle = format!("that are {}", build.lifecycle.as_deref().unwrap_or_default());
        let found = [(are_most(of_status, 3), status), (are_most(of_lifecycle, 10), lifecycle)];
        let said = found.into_iter().filter(|(holds, _)| *holds);
        // Where there is one by its word, only that is named.
        said.take(1).map(|(_, which)| format!("most builds {which} are so: a habit of this CI?")).collect()
    }

    /// The builds that are over and that no backup can have cut.
    pub(super) fn builds_of_the_past(&self) -> Vec<&'a Build> {
        let spans = |build: &Build| {
            let began = self.on_record(build.started).or(self.on_record(build.queued));
            self.by_then(began) && self.has(build.stopped) && !self.by_then(build.stopped)
        };
        self.world.builds.iter().filter(|build| self.is_over(build) && !spans(build)).collect()
    }

    pub(super) fn is_over(&self, build: &Build) -> bool {
        is(build, "finished") || is(build, "not_run")
    }

    /// Whether so many steps of one name, builds of one status or project, or steps of all names, lack something that this is what the
    /// CI does.
    pub(super) fn lack(
        &self,
        build: &Build,
        name: Option<&str>,
        counts: impl Fn(&Step) -> bool,
        lacks: impl Fn(&Step) -> bool,
    ) -> [bool; 4] {
        let builds = self.builds_of_the_past();
        let steps = builds.iter().flat_map(|build| self.steps_of(Some(build.key)));
        let past: Vec<&Step> = steps.filter(|step| counts(step)).collect();
        let are_most = |alike: &[&Step], least: usize| {
            let lacking = alike.iter().filter(|step| lacks(step)).count();
            lacking >= least && 2 * lacking > alike.len()
        };
        let is_habit_of = |name: Option<&str>| {
            let named: Vec<&Step> = past.iter().copied().filter(|step| step.name.as_deref() == name).collect();
            are_most(&named, 3)
        };
        let long_ago = self.backup.unwrap_or(self.now).plus(-self.max_run_time);
        let is_old = |build: &&&Build| {
            let times = [build.started, build.queued, build.stopped];
            times.into_iter().find_map(|time| self.on_record(time)).is_some_and(|time| time < long_ago)
        };
        let are_most_builds = |alike: Vec<&&Build>| {
            let alike: Vec<&&Build> = alike.into_iter().filter(|build| is(build, "finished")).collect();
            // Of a name that is no habit by itself.
            let lacks = |step: &Step| lacks(step) && !is_habit_of(step.name.as_deref());
            let holds_one = |build: &&&&Build| self.steps_of(Some(build.key)).any(lacks);
            let lacking: Vec<&&Build> = alike.iter().filter(holds_one).copied().collect();
            lacking.iter().filter(|build| is_old(build)).count() >= 3 && 2 * lacking.len() > alike.len()
        };
        let of_status = builds.iter().filter(|other| other.status == build.status).collect();
        let of_project = builds.iter().filter(|other| other.project == build.project).collect();
        [is_habit_of(name), are_most_builds(of_status), are_most_builds(of_project), are_most(&past, 10)]
    }

    pub(super) fn are_open_by_habit(&self, build: &Build, name: Option<&str>) -> [bool; 4] {
        self.lack(build, name, |step| self.has(step.started), |step| self.is_unfinished(step))
    }

    /// Nothing where one of its steps is open that others of its name are not.
    pub(super) fn habits_of_open_steps(&self, build: &Build) -> Vec<String> {
        let open = self.steps_of(Some(build.key)).filter(|step| self.is_unfinished(step));
        let words = open.map(|step| {
            let named = |what: &str, name: &Option<String>| name.as_ref().map(|name| format!("{what} \"{name}\""));
            let what = match self.are_open_by_habit(build, step.name.as_deref()) {
                [true, ..] => {
                    let steps = named("steps", &step.name).unwrap_or_else(|| "steps without a name".to_owned());
                    format!("{steps} never stop")
                }
                [_, true, ..] => {
                    let of = named("of status", &build.status).unwrap_or_else(|| "without a status".to_owned());
                    format!("builds {of} leave steps open")
                }
                [_, _, true, _] => {
                    let of = if build.project.is_some() { "of its project" } else { "without a project" };
                    format!("builds {of} leave steps open")
                }
                [.., true] => "steps never stop".to_owned(),
                [..] => return None,
            };
            Some(format!("most {what}: a habit of this CI?"))
        });
        let words: Option<Vec<String>> = words.collect();
        words.and_then(|words| words.into_iter().min()).into_iter().collect()
    }

    pub(super) fn habits_of_ends(&self, build: &Build) -> Vec<String> {
        let is_habit = |step: &Step| {
            let [ends_early, never_closed, was_cut] = self.truncations(build, step);
            let name = step.name.as_deref();
            let says = |step: &Step| step.output_closed.is_some() && self.has_begun(step);
            let is_unclosed = |step: &Step| step.output_closed == Some(false) && self.has_begun(step);
            let unclosed = || self.lack(build, name, says, is_unclosed).contains(&true);
            let open = || self.are_open_by_habit(build, name).contains(&true) && self.is_over(build);
            !ends_early && (!never_closed || unclosed()) && (!was_cut || open())
        };
        let mut found = self.steps_of(Some(build.key)).filter(|step| self.is_truncated(build, step));
        let word = "that no end is on record: a habit of this CI?".to_owned();
        found.all(is_habit).then_some(word).into_iter().collect()
    }
}
