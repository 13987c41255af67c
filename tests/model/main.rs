//! What `halfbuilt scan` finds equals what a plain, slow model of the rules finds, in random small databases.
//!
//! The model (meaning.rs) is written from the documentation, in plain loops, and shares nothing with the program. A
//! world that the two see differently is made as small as it goes and printed as SQL for psql. 150 worlds by default;
//! PROPTEST_CASES=5000 looks longer, and MODEL_TALLY=FILE tells how often each rule fired and each oddity came up.

mod generate;
mod meaning;
mod moment;
mod plan;
mod report;
#[path = "../cli/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "this test needs no admin server")]
mod support;
mod tally;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use halfbuilt::exit::Exit;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use meaning::{Meaning, RULES, Told};
use report::{Said, WITNESS, WITNESS_RULE};
use support::{TIMES, TestDatabase, halfbuilt};
use tally::Tally;
use world::{Tells, World, profile};

/// A world, and how it is scanned.
#[derive(Clone)]
pub struct Case {
    world: World,
    told: Told,
    /// What the profile has.
    tells: Tells,
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

    /// A rule that was asked for and not run. It may be one that cannot fire, for want of what the database would have to
    /// tell, but it has to be said.
    fn left_out(&self, ran: &BTreeSet<String>, meaning: &Meaning<'_>, stderr: &str) -> Option<&'static str> {
        let asked = |rule: &&str| self.rules.is_empty() || self.rules.contains(rule);
        let said =
            |rule: &str| stderr.lines().skip_while(|line| *line != "not checked:").any(|line| line.contains(rule));
        let fires = |rule: &str| !meaning.rows(&BTreeSet::from([rule.to_owned()]), false).is_empty();
        let has_all = self.tells == Tells::ALL;
        let not_run = RULES.into_iter().filter(asked).filter(|rule| !ran.contains(*rule));
        not_run.into_iter().find(|rule| !said(rule) || (has_all && fires(rule)))
    }

    /// Loads the world, scans it and compares.
    fn check(&self, database: &TestDatabase, folder: &Path, tally: &mut Tally) -> Result<(), String> {
        database.run(&self.world.to_string());
        std::fs::write(folder.join("world.sql"), profile(self.tells)).expect("a file");
        let run = halfbuilt(&["scan", "--profile"]).args(&[folder.join("world.sql")]).args(&self.flags()).on(database);
        let run = if self.witness { run.args(&["--rules"]).args(&[folder.join("rules")]) } else { run };
        let done = run.run();
        let looked = [Some(Exit::Clean as i32), Some(Exit::NothingInScope as i32)].contains(&done.code);
        if !looked {
            return Err(format!("exit code {:?}: {}", done.code, done.stderr));
        }
        let said = if self.json { Said::json(&done.stdout) } else { Said::csv(&done.stdout, &done.stderr) };
        let rules = said.rules();
        let meaning = Meaning::new(&self.world, self.told, self.tells, self.projects);
        if let Some(rule) = self.left_out(&rules, &meaning, &done.stderr) {
            return Err(format!("it left out {rule}: {}", done.stderr));
        }
        let nothing = !meaning.has_builds() || said.found.is_empty();
        if nothing != (done.code == Some(Exit::NothingInScope as i32)) {
            return Err(format!("exit code {:?}: {}", done.code, done.stderr));
        }
        let rows = meaning.rows(&rules, self.witness);
        tally.count(self, &rows);
        rules.iter().for_each(|rule| tally.ran(rule));
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
        profile(self.tells).lines().try_for_each(|line| writeln!(f, "-- {line}"))
    }
}

#[test]
fn a_scan_finds_what_the_rules_mean() {
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
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
