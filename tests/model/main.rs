//! What `halfbuilt scan` finds equals what a plain, slow model of the rules finds, in random small databases.
//!
//! The model (meaning.rs) is written from the documentation, in plain loops, and shares nothing with the program. A
//! world that the two see differently is made as small as it goes and printed as SQL for psql. 150 worlds by default;
//! PROPTEST_CASES=5000 looks longer, and MODEL_TALLY=FILE tells how often each rule fired and each oddity came up.

mod generate;
mod meaning;
mod moment;
mod report;
#[path = "../cli/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "this test needs no admin server")]
mod support;
mod tally;
mod world;

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use halfbuilt::exit::Exit;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use meaning::{Meaning, Told};
use report::{Said, WITNESS, WITNESS_RULE};
use support::{TIMES, TestDatabase, halfbuilt};
use tally::Tally;
use world::{PROFILE, World};

/// A world, and how it is scanned.
#[derive(Clone)]
pub struct Case {
    world: World,
    told: Told,
    /// The rules that it is narrowed to, if any.
    rules: Vec<&'static str>,
    /// The projects that it is narrowed to, if any.
    projects: Option<&'static str>,
    json: bool,
    /// Whether a rule of the test's own finds every build, so that the cells of healthy builds are compared too.
    witness: bool,
}

impl Case {
    fn flags(&self) -> Vec<&'static str> {
        let times: &[&str] = match self.told {
            Told::Nothing => &[],
            Told::Backup => &TIMES[..2],
            Told::Both => &TIMES,
        };
        let mut flags = [&["--format", if self.json { "json" } else { "csv" }], times].concat();
        let witness = (self.witness && !self.rules.is_empty()).then_some(WITNESS);
        for rule in self.rules.iter().copied().chain(witness) {
            flags.extend(["--rule", rule]);
        }
        if let Some(glob) = self.projects {
            flags.extend(["--project", glob]);
        }
        flags
    }

    /// Loads the world, scans it and compares.
    fn check(&self, database: &TestDatabase, folder: &Path, tally: &mut Tally) -> Result<(), String> {
        database.run(&self.world.to_string());
        let run = halfbuilt(&["scan", "--profile"]).args(&[folder.join("world.sql")]).args(&self.flags()).on(database);
        let run = if self.witness { run.args(&["--rules"]).args(&[folder.join("rules")]) } else { run };
        let done = run.run();
        let meaning = Meaning::new(&self.world, self.told, self.projects);
        let nothing = !meaning.has_builds()
            || (self.rules == ["closed-after-restore"] && self.told == Told::Nothing && !self.witness);
        let expected = if nothing { Exit::NothingInScope } else { Exit::Clean };
        if done.code != Some(expected as i32) {
            return Err(format!("exit code {:?} and not {expected:?}: {}", done.code, done.stderr));
        }
        let said = if self.json { Said::json(&done.stdout) } else { Said::csv(&done.stdout, &done.stderr) };
        let rows = meaning.rows(&said.rules(), self.witness);
        tally.count(self, &rows);
        said.rules().iter().for_each(|rule| tally.ran(rule));
        said.differs_from(rows).map_or(Ok(()), Err)
    }
}

/// For psql, and for a shell.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "-- halfbuilt scan --profile world.sql {}", self.flags().join(" ").replace('*', "\\*"))?;
        if self.witness {
            writeln!(f, "-- (and --rules with the rule {WITNESS}, which finds every build)")?;
        }
        write!(f, "{}", self.world)?;
        writeln!(f, "-- world.sql:")?;
        PROFILE.lines().try_for_each(|line| writeln!(f, "-- {line}"))
    }
}

#[test]
fn a_scan_finds_what_the_rules_mean() {
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("world.sql"), PROFILE).expect("a file");
    std::fs::create_dir(folder.path().join("rules")).expect("a folder");
    std::fs::write(folder.path().join("rules/witness.sql"), WITNESS_RULE).expect("a file");

    // PROPTEST_CASES and its like win.
    let mut config = Config { failure_persistence: None, ..Config::default() };
    for (variable, number, value) in
        [("PROPTEST_CASES", &mut config.cases, 150), ("PROPTEST_MAX_SHRINK_ITERS", &mut config.max_shrink_iters, 1500)]
    {
        if std::env::var_os(variable).is_none() {
            *number = value;
        }
    }
    let cases = config.cases;
    let tally = RefCell::new(Tally::default());
    let result = TestRunner::new(config).run(&generate::case(), |case| {
        case.check(&database, folder.path(), &mut tally.borrow_mut()).map_err(TestCaseError::fail)
    });
    let tally = tally.into_inner();
    if let Some(file) = std::env::var_os("MODEL_TALLY") {
        std::fs::write(file, tally.to_string()).expect("a file");
    }
    match result {
        Ok(()) => tally.assert_wide_enough(cases),
        Err(TestError::Fail(why, case)) => panic!("they differ in\n{case:?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
