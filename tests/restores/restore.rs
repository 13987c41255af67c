//! A restore: when the backup was taken, when the server came back, what its CI does, and which times are given.

use std::fmt;

use crate::random::Random;

/// All times are microseconds since 1970, all spans microseconds.
pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// So long after the making of a world it may be scanned: what changes with the time of the scan stays away from now.
const SCAN_TAKES: i64 = 10 * MINUTE;

/// What a profile says of what ran at the backup, and what is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    Lost,
    Resumed,
}

/// Where what waits is kept, and whether it is still there after the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Here,
    /// It was lost: what waited never starts.
    Lost,
    /// It lived on: what waited starts within the longest time that the operator gives a queue.
    Elsewhere,
}

/// What is true of all worlds of one database.
#[derive(Clone, Debug)]
pub struct Restore {
    pub now: i64,
    pub backup: i64,
    pub restored: i64,
    pub tolerance: i64,
    pub max_run_time: i64,
    pub max_queue_time: i64,
    pub running: Running,
    pub queue: Queue,
    /// Whether the profile has the headers `running` and `queue`.
    pub says: [bool; 2],
    /// Whether `max_run_time` stands in the profile, and not among the flags.
    pub run_time_in_profile: bool,
    /// Whether the profile says when pieces were stored.
    pub tells_stored: bool,
    /// Whether it says whether output was closed.
    pub tells_closed: bool,
    /// Whether the CI records when a build was queued.
    pub tells_queued: bool,
    /// Whether it records when a build started.
    pub tells_started: bool,
    /// When the server's start-up closed what it found, if it does that before it says that it is up.
    pub started_up: Option<i64>,
    /// Whether builds wait on purpose.
    pub holds: bool,
    /// Whether builds that wait on purpose may have been let go after the restore.
    pub lets_go: bool,
    /// Whether this CI never records a stop of builds that were cancelled.
    pub has_habit: bool,
    /// Whether it never records the end of some steps: of services, say, that run beside the others.
    pub has_endless_steps: bool,
    /// How far the clock of the server's housekeeping is off.
    pub housekeeping_clock: i64,
}

impl Restore {
    pub fn new(random: &mut Random, now: i64) -> Self {
        let tolerance = random.pick(&[0, SECOND, 5 * SECOND, 5 * SECOND, MINUTE, 5 * MINUTE]);
        let gap = 2 * tolerance + 1 + random.spread(0, 3 * DAY);
        // Often enough a restore of a day ago that nothing stands in the way of: much is deletable there.
        let is_plain = random.percent(25);
        let since = if is_plain { DAY } else { 10 * SECOND } + random.spread(0, 5 * DAY);
        let restored = now - since;
        let backup = restored - gap;
        // The scan may come a little later: it must not make a difference.
        let away = |span: i64| if (span - since).abs() < 2 * SCAN_TAKES { since + 2 * SCAN_TAKES } else { span };
        let always = |chance: i64| if is_plain { 100 } else { chance };
        let max_run_time = away(random.pick(&[10 * MINUTE, HOUR, 5 * HOUR, 5 * HOUR, 12 * HOUR]));
        let max_queue_time = away(random.pick(&[MINUTE, HOUR, HOUR, 10 * HOUR]));
        // The flags take whole seconds.
        let [max_run_time, mut max_queue_time] = [max_run_time, max_queue_time].map(|span| span / SECOND * SECOND);
        while away(max_queue_time) != max_queue_time
            || away(max_run_time + max_queue_time) != max_run_time + max_queue_time
        {
            max_queue_time += SCAN_TAKES;
        }
        let earliest = backup.max(restored - 15 * MINUTE + tolerance) + 1;
        let tells_queued = random.percent(always(90));
        let holds = random.percent(40);
        let starts_up = random.percent(50) && earliest < restored;
        Self {
            now,
            backup,
            restored,
            tolerance,
            max_run_time,
            max_queue_time,
            running: if is_plain {
                Running::Lost
            } else {
                random.pick(&[Running::Lost, Running::Lost, Running::Resumed])
            },
            queue: if is_plain {
                Queue::Lost
            } else {
                random.pick(&[Queue::Here, Queue::Lost, Queue::Lost, Queue::Elsewhere])
            },
            says: [random.percent(always(85)), random.percent(always(85))],
            run_time_in_profile: random.percent(50),
            tells_stored: random.percent(80),
            tells_closed: random.percent(40),
            tells_queued,
            tells_started: !tells_queued || random.percent(always(90)),
            started_up: starts_up.then(|| random.within(earliest, restored - 1)),
            holds,
            lets_go: holds && random.percent(50),
            has_habit: random.percent(25),
            has_endless_steps: random.percent(25),
            housekeeping_clock: clock(random, tolerance),
        }
    }

    /// Until when what waits at the restore may wait, where the queue lives on elsewhere.
    pub fn queue_is_empty_by(&self) -> i64 {
        self.restored + self.max_queue_time
    }

    /// Whether a build that continues after the restore may do so without a sign until now: it may wait for that, and then run.
    pub fn may_go_on_unseen(&self) -> bool {
        self.now < self.restored + self.max_run_time + self.max_queue_time
    }

    pub fn profile(&self) -> String {
        let mut profile = "-- profile: restores\n-- title: random restores\n".to_owned();
        let running = if self.running == Running::Lost { "lost" } else { "resumed" };
        let queue = if self.queue == Queue::Here { "in this database" } else { "elsewhere" };
        for (is_said, header) in [
            (self.lets_go, "-- yields: queued, held, not_run, not_running, running, finished\n".to_owned()),
            (self.says[0], format!("-- running: {running}\n")),
            (self.says[1], format!("-- queue: {queue}\n")),
            (self.run_time_in_profile, format!("-- max-run-time: {}s\n", self.max_run_time / SECOND)),
        ] {
            profile += if is_said { &header } else { "" };
        }
        let stored = if self.tells_stored { ", stored_at" } else { "" };
        profile += "-- relation: build\nSELECT * FROM world.build;\n-- relation: step\nSELECT * FROM world.step;\n";
        profile + "-- relation: chunk\nSELECT build_key, step_key, first, next" + stored + " FROM world.chunk;\n"
    }

    /// The flags of a command with these two times.
    pub fn flags(&self, [backup, restored]: [i64; 2]) -> Vec<String> {
        let seconds = |span: i64| format!("{}s", span / SECOND);
        let mut flags = vec![
            ("--backup-time", time(backup)),
            ("--restored-at", time(restored)),
            ("--clock-tolerance", seconds(self.tolerance)),
            ("--max-queue-time", seconds(self.max_queue_time)),
        ];
        if !self.run_time_in_profile {
            flags.push(("--max-run-time", seconds(self.max_run_time)));
        }
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// Both times as they are.
    pub fn truth(&self) -> [i64; 2] {
        [self.backup, self.restored]
    }

    /// T, R or both, wrong by more than the tolerance.
    pub fn lie(&self, random: &mut Random) -> (Lie, [i64; 2]) {
        let off = |random: &mut Random| self.tolerance + 1 + random.spread(0, 4 * DAY);
        let latest = self.now - SECOND;
        // Two tolerances apart at least, or nothing is deletable anyway.
        let apart = 2 * self.tolerance + 1;
        let room = latest - apart - self.restored;
        let lie = random.pick(&Lie::ALL);
        // Soon after the restore there is no time for both of them to be late.
        let lie = if lie == Lie::BothLate && room < 0 { Lie::BothEarly } else { lie };
        let times = match lie {
            Lie::BackupEarly => [self.backup - off(random), self.restored],
            Lie::RestoreLate => [self.backup, self.restored + off(random)],
            Lie::Wide => [self.backup - off(random), self.restored + off(random)],
            Lie::BackupLate => {
                let backup = (self.backup + off(random)).min(latest - apart);
                [backup, self.restored.max(backup + apart + random.spread(0, DAY))]
            }
            Lie::RestoreEarly => [self.backup, self.restored - random.within(0, self.restored - self.backup - apart)],
            Lie::BothLate => {
                let backup = self.restored + random.spread(0, DAY.min(room));
                [backup, backup + apart + random.spread(0, DAY)]
            }
            Lie::BothEarly => {
                let restored = self.backup - random.spread(0, 2 * DAY);
                [restored - apart - random.spread(0, DAY), restored]
            }
        };
        (lie, times.map(|time| time.min(latest)))
    }
}

/// Which of the two times is wrong, and to which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    BackupEarly,
    RestoreLate,
    /// The one too early, the other too late.
    Wide,
    /// Perhaps even after the restore.
    BackupLate,
    RestoreEarly,
    /// Both after the true restore.
    BothLate,
    /// Both before the true backup.
    BothEarly,
}

impl Lie {
    pub const ALL: [Self; 7] = [
        Self::BackupEarly,
        Self::RestoreLate,
        Self::Wide,
        Self::BackupLate,
        Self::RestoreEarly,
        Self::BothLate,
        Self::BothEarly,
    ];

    /// Whether the outage lies between the two times that are given: then what did nothing between them is cut, or came later.
    pub fn holds_the_outage(self) -> bool {
        matches!(self, Self::BackupEarly | Self::RestoreLate | Self::Wide)
    }
}

impl fmt::Display for Restore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started_up = self.started_up.map_or_else(|| "nothing".to_owned(), time);
        writeln!(f, "-- true: T {}, R {}, made at {}", time(self.backup), time(self.restored), time(self.now))?;
        writeln!(f, "-- running: {:?}, queue: {:?}, closed at start-up: {started_up}", self.running, self.queue)?;
        self.profile().lines().try_for_each(|line| writeln!(f, "-- | {line}"))
    }
}

/// How far one clock is off: often as far as it may.
pub fn clock(random: &mut Random, tolerance: i64) -> i64 {
    if random.percent(40) { random.pick(&[-tolerance, 0, tolerance]) } else { random.within(-tolerance, tolerance) }
}

/// As RFC 3339.
pub fn time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).expect("a time").to_string()
}
