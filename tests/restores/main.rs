//! Nothing that lives or is sound is ever deletable: random small worlds with a true history.
//!
//! Builds queue, start, run steps, store output and stop; a backup at T keeps what was written by then; after R the server
//! continues, loses or resumes what ran, starts or forgets what waited; clocks are off by up to the tolerance, and "never"
//! is NULL, a year long ago, or infinity. Then:
//!
//! * with the right T and R, no build that lives at the scan, none that was whole in the backup, and none that came after
//!   the restore is deletable, and nothing is said against T and R;
//! * with T or R wrong by more than the tolerance, and anything in between, the scan says how many builds did
//!   something in between, and a deletion declines; and as long as the outage lies between the two times that are times, nothing that
//!   lives or is sound is deletable where nothing is said.
//!
//! HALFBUILT_TEST_WORLDS=1000000 looks at more worlds than the 1000 of the suite. HALFBUILT_TEST_SEED and HALFBUILT_TEST_BATCH
//! bring a failure back: a failing test names all three.

mod batch;
mod history;
mod life;
mod random;
mod restore;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use batch::Batch;
use halfbuilt::exit::Exit;
use history::{Build, Truth};
use random::Random;
use restore::Lie;
use support::{Done, Report, Run, TestDatabase, halfbuilt};

/// What is asked for by the environment.
struct Asked {
    worlds: usize,
    /// Worlds of one database, at most.
    batch: usize,
    seed: u64,
}

impl Asked {
    fn new() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is no number")))
        };
        let worlds = number("HALFBUILT_TEST_WORLDS").unwrap_or(1000) as usize;
        let batch = number("HALFBUILT_TEST_BATCH").map_or((worlds / 400).clamp(25, 2500), |size| size as usize);
        let seed = number("HALFBUILT_TEST_SEED").unwrap_or_else(|| jiff::Timestamp::now().as_millisecond() as u64);
        Self { worlds, batch, seed }
    }

    /// The batches, one after the other, that have so many worlds together. Every other one is small: among many builds something
    /// always happened, and a queue always moves.
    fn batches(&self, worlds: usize, most: usize) -> impl Iterator<Item = Batch> {
        let mut left = worlds;
        let seeds = (0..).map(move |place| self.seed.wrapping_add(place));
        seeds.map_while(move |seed| {
            let mut random = Random::new(seed, u64::MAX - 1);
            let size = if random.percent(50) { random.within(1, 8) as usize } else { most };
            let size = size.min(most);
            let is_wanted = left > 0;
            left = left.saturating_sub(size);
            is_wanted.then(|| Batch::new(seed, size))
        })
    }
}

/// Says it even where the test passes.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("standard error");
}

/// What was judged: of each kind of build how many there were, were found, and were deletable.
#[derive(Default)]
struct Tally {
    worlds: usize,
    databases: usize,
    kinds: BTreeMap<Truth, [u64; 3]>,
    stories: BTreeMap<&'static str, [u64; 3]>,
    /// Of each rule and each timing, how many rows.
    rows: BTreeMap<String, u64>,
    /// Of each way to give a wrong T or R: how often that was, how often something in between was said, and how often there was
    /// something to delete and the deletion declined.
    lies: BTreeMap<Lie, [u64; 3]>,
}

impl Tally {
    fn count(&mut self, build: &Build, what: usize) {
        self.kinds.entry(build.truth).or_default()[what] += 1;
        self.stories.entry(build.story).or_default()[what] += 1;
    }

    fn print(&self, seed: u64) {
        let builds: u64 = self.kinds.values().map(|numbers| numbers[0]).sum();
        say(&format!("seed {seed}: {} worlds in {} databases, {builds} builds", self.worlds, self.databases));
        for (lie, [there, said, declined]) in &self.lies {
            say(&format!(
                "{there:>9} with a wrong time ({lie:?}): {said} with something in between, {declined} deletions declined"
            ));
        }
        for (kind, [there, found, deletable]) in &self.kinds {
            say(&format!("{there:>9} {kind:?}, {found} of them reported, {deletable} of them deletable"));
        }
        for (story, [there, found, deletable]) in &self.stories {
            say(&format!("{there:>9} {story}: {found} reported, {deletable} deletable"));
        }
        for (name, number) in &self.rows {
            say(&format!("{number:>9} rows: {name}"));
        }
    }

    /// It cannot pass on nothing.
    fn assert_wide_enough(&self) {
        if self.databases < 40 {
            return;
        }
        for kind in Truth::ALL {
            let [there, found, deletable] = self.kinds.get(&kind).copied().unwrap_or_default();
            assert!(there > 0, "no build was {kind:?}");
            assert!(found > 0, "no {kind:?} build was reported");
            assert!(kind.is_sound() || deletable > 0, "no {kind:?} build was deletable");
        }
        let names = ["in-flight", "stale", "ended", "after-restore", "between"].map(|name| format!("timing {name}"));
        let rules = ["stuck-running", "closed-after-restore", "stuck-queued", "impossible-state", "output-gap"];
        for name in rules.map(|rule| format!("deletable by {rule}")).iter().chain(&names) {
            assert!(self.rows.contains_key(name), "no row: {name}");
        }
        let is_short = self.databases < 400;
        for lie in Lie::ALL {
            let [there, said, declined] = self.lies.get(&lie).copied().unwrap_or_default();
            assert!(there > 0 || is_short, "no time was wrong in this way: {lie:?}");
            // Within the outage there is nothing to be found.
            let is_shown = is_short || lie == Lie::RestoreEarly;
            assert!(said > 0 || is_shown, "nothing was ever in between: {lie:?}");
            assert!(declined > 0 || is_shown, "no deletion was ever declined: {lie:?}");
        }
        assert!(self.lies.values().any(|numbers| numbers[2] > 0), "no deletion was ever declined");
    }
}

fn command(name: &str, batch: &Batch, times: [i64; 2], database: &TestDatabase, folder: &Path) -> Run {
    let profile = folder.join("restores.sql");
    std::fs::write(&profile, batch.restore.profile()).expect("a file");
    halfbuilt(&[name, "--profile"]).args(&[profile]).args(&batch.restore.flags(times)).on(database)
}

/// How many builds the scan says contradict T and R.
fn contradictions_said(done: &Done) -> usize {
    const WORDS: &str = "did something between the backup and the restore";
    let warnings = done.stderr.lines().filter(|line| line.starts_with("warning:") && line.contains(WORDS));
    let counts: Vec<usize> = warnings
        .map(|line| {
            let number = line.split_whitespace().find_map(|word| word.parse().ok());
            number.unwrap_or_else(|| panic!("no number in {line:?}"))
        })
        .collect();
    assert!(counts.len() < 2, "said twice: {}", done.stderr);
    counts.first().copied().unwrap_or(0)
}

/// For whoever has to find out why.
fn failure(asked: &Asked, batch: &Batch, place: usize, times: [i64; 2], why: &str) -> String {
    let size = batch.worlds.len();
    let seed = batch.seed;
    let again = format!("HALFBUILT_TEST_SEED={seed} HALFBUILT_TEST_BATCH={size} HALFBUILT_TEST_WORLDS={size}");
    let flags = batch.restore.flags(times).join(" ");
    let Asked { seed, .. } = asked;
    format!(
        "{why}\n-- {again} brings it back (the run's seed is {seed})\n-- halfbuilt scan --profile restores.sql {flags}\n{}{}",
        batch.restore,
        batch.sql(place)
    )
}

/// T and R are right.
fn judge_truth(asked: &Asked, batch: &Batch, database: &TestDatabase, folder: &Path, tally: &mut Tally) {
    let times = batch.restore.truth();
    assert_eq!(
        *batch.contradictions(times).start(),
        0,
        "the history itself is wrong\n{}",
        failure(asked, batch, 0, times, "")
    );
    let done = command("scan", batch, times, database, folder).args(&["--format", "csv"]).run();
    let fail = |place: usize, why: &str| panic!("{}", failure(asked, batch, place, times, why));
    if done.code != Some(Exit::Clean as i32) {
        fail(0, &format!("exit code {:?}: {}", done.code, done.stderr));
    }
    let said = contradictions_said(&done);
    if said != 0 {
        fail(0, &format!("{said} builds of this database contradict T and R, and they are right: {}", done.stderr));
    }
    tally.worlds += batch.worlds.len();
    tally.databases += 1;
    batch.builds().for_each(|build| tally.count(build, 0));
    for row in &Report::parse(&done.stdout).rows {
        let (place, build) = batch.build_of(&row["project"], &row["build_num"]);
        tally.count(build, 1);
        *tally.rows.entry(format!("timing {}", row["timing"])).or_default() += 1;
        if row["deletable"] != "yes" {
            continue;
        }
        if build.truth.is_sound() {
            let why = format!("build {} is deletable, and it {}: {row:#?}", build.number, build.story);
            fail(place, &why);
        }
        tally.count(build, 2);
        for reason in row["reasons"].split(';') {
            *tally.rows.entry(format!("deletable by {reason}")).or_default() += 1;
        }
    }
}

/// T or R is wrong: what happened in between is said, and stops a deletion. Where nothing is said against times that hold the outage
/// between them, nothing that lives or is sound is deletable.
fn judge_lie(asked: &Asked, batch: &Batch, database: &TestDatabase, folder: &Path, tally: &mut Tally) {
    let (lie, times) = batch.restore.lie(&mut Random::new(batch.seed, u64::MAX));
    let report = folder.join("report.csv");
    let scan = command("scan", batch, times, database, folder).args(&["--format", "csv", "-o"]).args(&[&report]).run();
    let fail = |place: usize, why: &str| panic!("{}", failure(asked, batch, place, times, &format!("{lie:?}: {why}")));
    let (said, meant) = (contradictions_said(&scan), batch.contradictions(times));
    if scan.code != Some(Exit::Clean as i32) || !meant.contains(&said) {
        fail(0, &format!("{meant:?} contradict T and R, {said} are said to: {:?} {}", scan.code, scan.stderr));
    }
    let deletable: Vec<_> = Report::read(&report).rows.into_iter().filter(|row| row["deletable"] == "yes").collect();
    let [there, contradicted, declined] = tally.lies.entry(lie).or_default();
    *there += 1;
    *contradicted += u64::from(said > 0);
    if said == 0 && lie.holds_the_outage() {
        for row in &deletable {
            let (place, build) = batch.build_of(&row["project"], &row["build_num"]);
            if build.truth.is_sound() {
                fail(place, &format!("build {} is deletable, and it {}: {row:#?}", build.number, build.story));
            }
        }
    }
    if !deletable.is_empty() {
        let plan = command("delete", batch, times, database, folder).args(&[&report]);
        let plan = plan.args(&["--via", "nrepl://127.0.0.1:1", "--max-percent", "100", "--max", "1000000"]).run();
        let expected = if said > 0 { Exit::Declined } else { Exit::Clean };
        if plan.code != Some(expected as i32) {
            fail(0, &format!("{said} contradict T and R, and delete ends with {:?}: {}", plan.code, plan.stderr));
        }
        *declined += u64::from(said > 0);
    }
}

#[test]
fn nothing_that_lives_or_is_sound_is_deletable() {
    let asked = Asked::new();
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
    let mut tally = Tally::default();
    for batch in asked.batches(asked.worlds, asked.batch) {
        batch.load(&database);
        judge_truth(&asked, &batch, &database, folder.path(), &mut tally);
        judge_lie(&asked, &batch, &database, folder.path(), &mut tally);
    }
    tally.print(asked.seed);
    tally.assert_wide_enough();
}
