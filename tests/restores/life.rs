//! The life of one build, before the backup and after the restore.

use crate::history::{Build, Piece, Step, Truth};
use crate::random::Random;
use crate::restore::{DAY, HOUR, MINUTE, Queue, Restore, Running, SECOND, clock};

/// What a build does, in its own time: work that begins with its start, and is cut into steps that store pieces.
pub struct Life<'a> {
    restore: &'a Restore,
    never: &'static str,
    number: i64,
    /// How far the clocks are off of who queues builds, of who runs this one, and of who stores its output.
    clocks: [i64; 3],
}

/// How a build came to be at work, in true time.
#[derive(Clone, Copy)]
struct Run {
    started: i64,
    /// When its work continues after the restore, if it does.
    resumed: Option<i64>,
    lasts: i64,
}

impl Run {
    /// When a moment of its work is on record in the scanned database, if it is.
    fn at(&self, work: i64, restore: &Restore) -> Option<i64> {
        let time = self.started + work;
        if self.started >= restore.restored {
            return Some(time).filter(|time| *time <= restore.now);
        }
        if time <= restore.backup {
            return Some(time);
        }
        let time = self.resumed? + (time - restore.backup);
        Some(time).filter(|time| *time <= restore.now)
    }
}

impl<'a> Life<'a> {
    pub fn new(random: &mut Random, restore: &'a Restore, never: &'static str, number: i64) -> Self {
        let clocks = [(); 3].map(|()| clock(random, restore.tolerance));
        Self { restore, never, number, clocks }
    }

    pub fn build(&self, random: &mut Random) -> Build {
        let mut build = match random.within(1, 100) {
            1..=22 => self.finished_by_the_backup(random),
            23..=30 => self.never_run_by_the_backup(random),
            31..=34 if self.restore.holds => self.held(random),
            35..=60 => self.at_work_at_the_backup(random),
            61..=64 => self.of_long_ago(random),
            65..=78 => self.waiting_at_the_backup(random),
            _ => self.after_the_restore(random),
        };
        if !self.restore.tells_queued {
            build.queued = None;
        }
        let endless = build.steps.first_mut().filter(|_| self.restore.has_endless_steps && random.percent(50));
        if let Some(step) = endless {
            step.is_endless = true;
            step.stopped = None;
        }
        if !self.restore.tells_started {
            self.forget_the_start(&mut build);
        }
        build
    }

    /// A build that started after the restore, of which nobody recorded that, differs from one that was cut only by the time
    /// that has passed, and only where what waits starts by itself for ever.
    fn forget_the_start(&self, build: &mut Build) {
        build.started = None;
        let is_later = |time: i64| time > self.restore.backup + self.restore.tolerance;
        let steps = build.steps.iter().filter_map(|step| step.started);
        let shows = build.queued.into_iter().chain(steps).any(is_later);
        let waits_for_ever = self.restore.queue == Queue::Here;
        let is_seen = shows || waits_for_ever || self.restore.may_go_on_unseen();
        if build.truth == Truth::Alive && build.lifecycle == "running" && !is_seen {
            build.truth = Truth::Cut;
            build.story = "waited at the backup, and runs longer than it may without a sign";
        }
    }

    fn row(&self, truth: Truth, story: &'static str) -> Build {
        Build {
            truth,
            story,
            number: self.number,
            lifecycle: "",
            status: "",
            queued: None,
            started: None,
            stopped: None,
            steps: vec![],
            never: self.never,
        }
    }

    /// A span that may be nothing, a microsecond, or days.
    fn span(random: &mut Random, longest: i64) -> i64 {
        if random.percent(20) { random.pick(&[0, 1, longest]) } else { random.spread(0, longest) }
    }

    fn queued_by_the_clock(&self, time: i64) -> Option<i64> {
        Some(time + self.clocks[0])
    }

    fn by_the_clock(&self, time: i64) -> Option<i64> {
        Some(time + self.clocks[1])
    }

    /// The steps of a run, as far as they are on record.
    fn steps(&self, random: &mut Random, run: Run, first_key: i64) -> Vec<Step> {
        let count = random.within(0, 3);
        let mut edges: Vec<i64> = (0..=count).map(|_| random.within(0, run.lasts)).collect();
        edges.sort_unstable();
        // Most builds are busy from their start to their end.
        if random.percent(60) {
            edges[0] = 0;
            edges[count as usize] = run.lasts;
        }
        let spans: Vec<[i64; 2]> = edges.windows(2).map(|edge| [edge[0], edge[1]]).collect();
        let steps = spans.into_iter().enumerate().filter_map(|(place, span)| {
            let started = run.at(span[0], self.restore)?;
            Some(self.step(random, run, first_key + place as i64, started, span))
        });
        steps.collect()
    }

    fn step(&self, random: &mut Random, run: Run, key: i64, started: i64, [begin, end]: [i64; 2]) -> Step {
        let stopped = run.at(end, self.restore);
        let mut times: Vec<i64> = (0..random.within(0, 3)).map(|_| random.within(begin, end)).collect();
        times.sort_unstable();
        let mut stored_up_to = 0;
        let mut pieces = Vec::new();
        for work in times {
            if let Some(time) = run.at(work, self.restore) {
                let next = stored_up_to + random.within(1, 900);
                pieces.push(Piece { first: stored_up_to, next, stored: time + self.clocks[2] });
                stored_up_to = next;
            }
        }
        let is_over = stopped.is_some();
        let says_size = is_over || random.percent(50);
        Step {
            key,
            is_endless: false,
            started: self.by_the_clock(started),
            stopped: stopped.and_then(|time| self.by_the_clock(time)),
            has_output: stored_up_to > 0,
            size: says_size.then_some(stored_up_to),
            closed: self.restore.tells_closed.then_some(is_over),
            pieces,
        }
    }

    /// A build of before, over: whole, or with something missing that was still on its way.
    fn finished_by_the_backup(&self, random: &mut Random) -> Build {
        let lasts = Self::span(random, self.restore.max_run_time);
        let stopped = self.restore.backup - Self::span(random, 30 * DAY);
        let run = Run { started: stopped - lasts, resumed: None, lasts };
        let steps = self.steps(random, run, 0);
        let mut build = Build {
            lifecycle: "finished",
            status: random.pick(&["success", "failed"]),
            queued: self.queued_by_the_clock(run.started - Self::span(random, 6 * HOUR)),
            started: self.by_the_clock(run.started),
            stopped: self.by_the_clock(stopped),
            steps,
            ..self.row(Truth::Whole, "was over at the backup, and whole")
        };
        match random.within(1, 100) {
            1..=25 if Self::damage(random, &mut build.steps) => {
                build.truth = Truth::Damaged;
                build.story = "was over at the backup, and lost something of its steps or output";
            }
            26..=30 => {
                build.truth = Truth::Damaged;
                build.story = "was over at the backup, and its record says two things at once";
                if random.percent(50) { build.stopped = None } else { build.lifecycle = "running" }
            }
            // Who queues it again takes away the old start, or does not.
            31..=35 => {
                build.truth = Truth::Alive;
                build.story = "was over at the backup, was asked for again in place after the restore, and waits";
                (build.lifecycle, build.status) = (random.pick(&["queued", "not_running"]), "queued");
            }
            36..=55 if self.restore.has_habit => {
                build.story = "was cancelled before the backup, which this CI records without a stop";
                build.status = "canceled";
                build.stopped = None;
            }
            _ => {}
        }
        build
    }

    /// Takes away something of the output, or the end of a step.
    fn damage(random: &mut Random, steps: &mut [Step]) -> bool {
        let Some(step) = steps.iter_mut().find(|step| !step.pieces.is_empty()) else {
            return false;
        };
        match random.within(0, 3) {
            0 => step.stopped = None,
            1 => step.pieces.clear(),
            2 if step.pieces.len() > 1 => drop(step.pieces.remove(0)),
            _ => drop(step.pieces.pop()),
        }
        true
    }

    /// Skipped, or cancelled while it waited: over without a start.
    fn never_run_by_the_backup(&self, random: &mut Random) -> Build {
        let stopped = self.restore.backup - Self::span(random, 30 * DAY);
        let has_stop = random.percent(70);
        let lifecycle = if has_stop {
            random.pick(&["finished", "not_run", "queued", "not_running"])
        } else {
            random.pick(&["not_run", "finished"])
        };
        Build {
            lifecycle,
            status: random.pick(&["not_run", "skipped"]),
            queued: self.queued_by_the_clock(stopped - Self::span(random, 6 * HOUR)),
            stopped: self.queued_by_the_clock(stopped).filter(|_| has_stop),
            ..self.row(Truth::Whole, "was skipped, or cancelled while it waited, by the backup")
        }
    }

    /// It waits for a person, before and after the restore.
    fn held(&self, random: &mut Random) -> Build {
        let queued = self.restore.backup - Self::span(random, 30 * DAY);
        let started = queued + random.within(0, self.restore.backup - queued);
        if self.restore.lets_go && random.percent(50) {
            return Build {
                lifecycle: random.pick(&["queued", "not_running"]),
                status: "queued",
                queued: self.queued_by_the_clock(queued),
                ..self.row(Truth::Alive, "waited on purpose at the backup, was let go after the restore, and waits")
            };
        }
        Build {
            lifecycle: "held",
            status: "on_hold",
            queued: self.queued_by_the_clock(queued),
            started: self.by_the_clock(started).filter(|_| random.percent(50)),
            ..self.row(Truth::Alive, "waits for a person since before the backup")
        }
    }

    /// It ran when the backup was taken: the rest is lost, or continues after the restore.
    fn at_work_at_the_backup(&self, random: &mut Random) -> Build {
        let restore = self.restore;
        let elapsed = Self::span(random, restore.max_run_time - MINUTE);
        let started = restore.backup - elapsed;
        let left = (1 + random.spread(0, restore.max_run_time)).min(restore.max_run_time - elapsed);
        let resumes = restore.running == Running::Resumed && random.percent(80);
        let resumed = restore.restored + Self::span(random, restore.max_queue_time);
        let run = Run { started, resumed: resumes.then_some(resumed), lasts: elapsed + left };
        let mut build = Build {
            lifecycle: "running",
            status: "running",
            queued: self.queued_by_the_clock(started - Self::span(random, 6 * HOUR)),
            started: self.by_the_clock(started),
            steps: self.steps(random, run, 0),
            ..self.row(Truth::Cut, "ran at the backup")
        };
        if !resumes {
            self.lose(random, &mut build);
        } else if resumed > restore.now {
            // Not yet: it lives if the server may take so long.
            if restore.may_go_on_unseen() {
                build.truth = Truth::Alive;
                build.story = "ran at the backup, and will go on";
            }
        } else if let Some(stopped) = run.at(run.lasts, restore) {
            build.stopped = self.by_the_clock(stopped);
            (build.lifecycle, build.status) = ("finished", "success");
            build.story = "ran at the backup, went on and finished after the restore";
        } else {
            self.go_on(&mut build);
        }
        build
    }

    /// It continues, and is not over. Where the record says nothing of that, it lives only as long as builds may run.
    fn go_on(&self, build: &mut Build) {
        let restore = self.restore;
        let is_later = |time: i64| time > restore.backup + restore.tolerance;
        let starts = build.steps.iter().filter_map(|step| step.started);
        let stored = build.steps.iter().flat_map(|step| &step.pieces).map(|piece| piece.stored);
        let shows = starts.chain(stored.filter(|_| restore.tells_stored)).any(is_later);
        if shows || restore.may_go_on_unseen() {
            build.truth = Truth::Alive;
            build.story = "ran at the backup, and continues";
        }
    }

    /// What becomes of a build whose run was lost.
    fn lose(&self, random: &mut Random, build: &mut Build) {
        let restore = self.restore;
        let closed = match random.within(0, 5) {
            0 | 1 => restore.started_up,
            2 => Some(random.within(restore.restored + 1, restore.now)),
            3 => return self.begin_again(random, build),
            _ => return,
        };
        let Some(closed) = closed else { return };
        let closed = closed + restore.housekeeping_clock;
        build.stopped = Some(closed);
        build.story = "ran at the backup, and was closed by the server's housekeeping";
        (build.lifecycle, build.status) = ("finished", random.pick(&["timedout", "infrastructure_fail"]));
        if random.percent(50) {
            build.steps.iter_mut().filter(|step| step.stopped.is_none()).for_each(|step| step.stopped = Some(closed));
        }
    }

    /// The CI asks for a lost build again, in the same row.
    fn begin_again(&self, random: &mut Random, build: &mut Build) {
        let restore = self.restore;
        let queued = restore.restored + random.spread(0, restore.now - restore.restored);
        // Where nobody records when a build was queued, only its start shows that it lives.
        let waits = restore.tells_queued && random.percent(50);
        build.truth = Truth::Alive;
        build.queued = self.queued_by_the_clock(queued);
        if waits {
            build.story = "ran at the backup, was queued again after the restore, and waits";
            build.started = build.started.filter(|_| random.percent(50));
            (build.lifecycle, build.status) = (random.pick(&["queued", "not_running"]), "queued");
        } else {
            let started = queued + random.within(0, restore.now - queued);
            let run = Run { started, resumed: None, lasts: restore.now - started + SECOND };
            build.story = "ran at the backup, was queued again after the restore, and runs";
            build.started = self.by_the_clock(started);
            let steps = self.steps(random, run, 10);
            build.steps.extend(steps);
        }
    }

    /// A zombie of an earlier time.
    fn of_long_ago(&self, random: &mut Random) -> Build {
        let restore = self.restore;
        let started = restore.backup - restore.max_run_time - MINUTE - random.spread(0, 60 * DAY);
        let lasts = random.within(0, restore.max_run_time);
        let run = Run { started, resumed: None, lasts };
        Build {
            lifecycle: "running",
            status: "running",
            queued: self.queued_by_the_clock(started - Self::span(random, HOUR)),
            started: self.by_the_clock(started),
            steps: self.steps(random, run, 0),
            ..self.row(Truth::Cut, "died long before the backup")
        }
    }

    fn waiting_at_the_backup(&self, random: &mut Random) -> Build {
        let restore = self.restore;
        let queued = restore.backup - Self::span(random, 5 * DAY);
        let waiting = Build {
            lifecycle: random.pick(&["queued", "not_running"]),
            status: random.pick(&["queued", "not_running"]),
            queued: self.queued_by_the_clock(queued),
            ..self.row(Truth::Forgotten, "waited at the backup in a queue that was lost")
        };
        let until = match restore.queue {
            Queue::Lost => return waiting,
            // Here it may wait for ever, elsewhere it starts in time.
            Queue::Here => restore.now + DAY,
            Queue::Elsewhere => restore.queue_is_empty_by(),
        };
        let started = restore.restored + random.spread(0, until - restore.restored);
        if started > restore.now {
            return Build { truth: Truth::Alive, story: "waited at the backup, and still does", ..waiting };
        }
        self.run_later(random, waiting, started)
    }

    /// It starts after the restore, and runs, or has run.
    fn run_later(&self, random: &mut Random, waiting: Build, started: i64) -> Build {
        let restore = self.restore;
        let lasts = if random.percent(50) {
            Self::span(random, restore.max_run_time)
        } else {
            (restore.now - started + SECOND).min(restore.max_run_time)
        };
        let run = Run { started, resumed: None, lasts };
        let stopped = run.at(lasts, restore);
        let is_over = stopped.is_some();
        let mut steps = self.steps(random, run, 0);
        // What went wrong since is no matter of the backup.
        if random.percent(20) {
            Self::damage(random, &mut steps);
        }
        Build {
            truth: if is_over { Truth::Later } else { Truth::Alive },
            story: if is_over { "ran after the restore" } else { "started after the restore, and runs" },
            lifecycle: if is_over { "finished" } else { "running" },
            status: if is_over { "success" } else { "running" },
            started: self.by_the_clock(started),
            stopped: stopped.and_then(|time| self.by_the_clock(time)),
            steps,
            ..waiting
        }
    }

    fn after_the_restore(&self, random: &mut Random) -> Build {
        let restore = self.restore;
        let queued = restore.restored + random.spread(0, restore.now - restore.restored);
        let waiting = Build {
            lifecycle: random.pick(&["queued", "not_running"]),
            status: "queued",
            queued: self.queued_by_the_clock(queued),
            ..self.row(Truth::Alive, "was queued after the restore, and waits")
        };
        let started = queued + random.spread(0, restore.now - queued);
        match random.within(0, 9) {
            0..=2 => waiting,
            3 => Build {
                truth: Truth::Later,
                story: "was cancelled while it waited, after the restore",
                lifecycle: random.pick(&["finished", "not_run"]),
                status: "not_run",
                stopped: self.queued_by_the_clock(started),
                ..waiting
            },
            _ => self.run_later(random, waiting, started),
        }
    }
}
