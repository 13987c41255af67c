//! What `halfbuilt scan` finds equals what a plain, slow model of the rules finds, in random small databases.
//!
//! The model (meaning.rs) is written from the documentation, in plain loops, and shares nothing with the program. A
//! world that the two see differently is made as small as it goes and printed as SQL for psql. 150 worlds by default;
//! PROPTEST_CASES=5000 looks longer, and MODEL_TALLY=FILE says how often each rule fired and each oddity came up.

mod damage;
mod generate;
mod meaning;
mod moment;
mod plan;
mod report;
#[path = "../support/mod.rs"]
mod support;
mod tally;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use halfbuilt::exit::Exit;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use meaning::{Circumstances, Meaning, RULES, Settings, TimeFlags};
use moment::{Moment, SECOND};
use report::{Row, Said, WITNESS, WITNESS_RULE};
use support::{Report, TIMES, TestDatabase, halfbuilt, psql};
use tally::Tally;
use world::{Build, Headers, Offers, Queue, Url, World, profile};

/// A world, and how it is scanned.
#[derive(Clone)]
pub struct Case {
    world: World,
    time_flags: TimeFlags,
    /// What the profile has.
    offers: Offers,
    headers: Headers,
    settings: Settings,
    /// The rules that it is narrowed to, if any.
    rules: Vec<&'static str>,
    /// The projects that it is narrowed to, if any.
    projects: Option<&'static str>,
    json: bool,
    /// Whether a rule of the test's own finds every build, so that the cells of healthy builds are compared too.
    witness: bool,
}

impl Case {
    fn flags(&self) -> Vec<String> {
        let times: &[&str] = match self.time_flags {
            TimeFlags::Nothing => &[],
            TimeFlags::Backup => &TIMES[..2],
            TimeFlags::Both => &TIMES,
            TimeFlags::Close => &[TIMES[0], TIMES[1], TIMES[2], "2026-11-20T02:20:00Z"],
        };
        let mut flags = [&["--format", if self.json { "json" } else { "csv" }], times].concat();
        let witness = (self.witness && !self.rules.is_empty()).then_some(WITNESS);
        for rule in self.rules.iter().copied().chain(witness) {
            flags.extend(["--rule", rule]);
        }
        if let Some(glob) = self.projects {
            flags.extend(["--project", glob]);
        }
        let Settings { tolerance, max_queue_time, max_run_time } = self.settings;
        let spans =
            [("--clock-tolerance", tolerance), ("--max-queue-time", max_queue_time), ("--max-run-time", max_run_time)];
        let given = spans.into_iter().filter_map(|(flag, span)| Some((flag, span?)));
        let spans = given.flat_map(|(flag, span)| [flag.to_owned(), format!("{}s", span / SECOND)]);
        flags.into_iter().map(str::to_owned).chain(spans).collect()
    }

    fn circumstances(&self) -> Circumstances {
        Circumstances {
            time_flags: self.time_flags,
            offers: self.offers,
            headers: self.headers,
            settings: self.settings,
            projects: self.projects,
            recovered: recovered(),
            every_piece: false,
        }
    }

    /// A rule that was asked for and not run. It may be one that cannot fire, because the database lacks what it needs,
    /// but that has to be said.
    fn left_out(&self, ran: &BTreeSet<String>, meaning: &Meaning<'_>, stderr: &str) -> Option<&'static str> {
        let asked = |rule: &&str| self.rules.is_empty() || self.rules.contains(rule);
        let is_list = |line: &&str| line.starts_with("not checked") || line.starts_with("not needed");
        let said = |rule: &str| stderr.lines().skip_while(|line| !is_list(line)).any(|line| line.contains(rule));
        let fires = |rule: &str| !meaning.rows(&BTreeSet::from([rule.to_owned()]), false).is_empty();
        let has_all = self.offers.steps && self.offers.chunks;
        let is_needless = |rule: &&str| *rule == "stuck-queued" && self.headers.queue == Some(Queue::Here);
        let not_run = RULES.into_iter().filter(asked).filter(|rule| !ran.contains(*rule));
        not_run.into_iter().find(|rule| !said(rule) || (has_all && !is_needless(rule) && fires(rule)))
    }

    /// Loads the world, scans it and compares.
    fn check(&self, database: &TestDatabase, folder: &Path, tally: &mut Tally) -> Result<(), String> {
        database.run(&self.world.to_string());
        std::fs::write(folder.join("world.sql"), profile(self.offers, self.headers)).expect("a file");
        let run = halfbuilt(&["scan", "--profile"]).args(&[folder.join("world.sql")]).args(&self.flags()).on(database);
        let run = if self.witness { run.args(&["--rules"]).args(&[folder.join("rules")]) } else { run };
        let done = run.run();
        let looked = [Some(Exit::Clean as i32), Some(Exit::NothingInScope as i32)].contains(&done.code);
        if !looked {
            return Err(format!("exit code {:?}: {}", done.code, done.stderr));
        }
        let said = if self.json { Said::json(&done.stdout) } else { Said::csv(&done.stdout, &done.stderr) };
        let rules = said.rules();
        let meaning = Meaning::new(&self.world, self.circumstances());
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

    /// Loads the world and compares what would be deleted of its report, and of a plain list of all addresses.
    fn check_deletion(&self, database: &TestDatabase, folder: &Path) -> Result<(), String> {
        database.run(&self.world.to_string());
        std::fs::write(folder.join("world.sql"), profile(self.offers, self.headers)).expect("a file");
        // The address that is shown is the canonical one.
        let short = |url: &str| url.replace("/github/", "/gh/");
        let list = folder.join("list.txt");
        // A build without a project is not found by its address alone: a list does not show whether it is the right database.
        let is_of_project = |project: &Option<String>| project.as_deref().is_some_and(|name| name.contains('/'));
        let of_projects = self.world.builds.iter().filter(|build| is_of_project(&build.project));
        let addresses = of_projects.filter_map(|build| match &build.url {
            Some(url @ Url::Of { .. }) => Some(format!("{}\n", short(&url.to_string()))),
            _ => None,
        });
        // One that stands in a list twice is an error.
        let addresses: BTreeSet<String> = addresses.collect();
        std::fs::write(&list, addresses.into_iter().collect::<String>()).expect("a file");
        let report = folder.join("report.csv");
        let run = |command: &str| {
            let run = halfbuilt(&[command, "--profile"]).args(&[folder.join("world.sql")]);
            run.args(&self.flags()[2..]).on(database)
        };
        run("scan").args(&["--format", "csv", "-o"]).args(&[&report]).run();

        let rules: BTreeSet<String> = RULES.into_iter().map(str::to_owned).collect();
        let deletable = |meaning: &Meaning| -> Vec<Row> {
            meaning.rows(&rules, false).into_iter().filter(|row| row.deletable).collect()
        };
        let by_report: BTreeSet<Option<String>> =
            deletable(&Meaning::new(&self.world, self.circumstances())).into_iter().map(|row| row.url).collect();
        let meaning = Meaning::new(&self.world, Circumstances { every_piece: true, ..self.circumstances() });
        let contradictions = meaning.contradictions;
        let deletable = deletable(&meaning);
        // Two spellings of one address are one to delete, and two to a scan. And the server finds a build by its project and number.
        let spelled = |url: &str| {
            let is_meant = |build: &&Build| {
                let own = build.url.as_ref().map(|own| short(&own.to_string()));
                own.as_deref() == Some(url) || is_named(build, own.as_deref(), url)
            };
            self.world.builds.iter().filter(is_meant).count()
        };
        for (chosen, has_all) in [(report, true), (list, false)] {
            let is_chosen =
                |row: &&Row| if has_all { by_report.contains(&row.url) } else { is_of_project(&row.project) };
            let expected = deletable.iter().filter(is_chosen);
            let expected: BTreeSet<String> =
                expected.filter_map(|row| row.url.as_deref()).map(short).filter(|url| spelled(url) == 1).collect();
            let plan = || {
                let run = run("delete").args(&[&chosen]);
                run.args(&["--via", "nrepl://127.0.0.1:1", "--max-percent", "100", "-o", "-"])
            };
            let allowed = format!("times-contradicted={contradictions}");
            let done = plan().args(&["--allow", &allowed]).run();
            let results = if done.stdout.is_empty() { vec![] } else { Report::parse(&done.stdout).rows };
            let planned = results.iter().filter(|row| row["decision"] == "delete");
            let planned: BTreeSet<String> = planned.map(|row| short(&row["build_url"])).collect();
            if planned != expected {
                let chosen = chosen.display();
                return Err(format!(
                    "{chosen}: would delete {planned:?} and not {expected:?}: {}{}",
                    done.stderr, done.stdout
                ));
            }
            if done.code == Some(Exit::Declined as i32) {
                return Err(format!("{allowed} does not allow it: {}", done.stderr));
            }
            // One more than is allowed is one too many.
            for allowed in [None, contradictions.checked_sub(1).filter(|fewer| *fewer > 0)] {
                if contradictions == 0 || expected.is_empty() {
                    continue;
                }
                let allowed = allowed.map(|fewer| format!("times-contradicted={fewer}"));
                let flags: Vec<&str> = allowed.iter().flat_map(|allowed| ["--allow", allowed]).collect();
                let done = plan().args(&flags).run();
                if done.code != Some(Exit::Declined as i32) {
                    let fact = format!("{contradictions} builds contradict T and R, and with {flags:?}");
                    return Err(format!("{fact} it ends with {:?}: {}", done.code, done.stderr));
                }
            }
        }
        Ok(())
    }
}

/// When the tests' server says that it recovered last: two kinds of statistics have to agree on it.
fn recovered() -> Option<Moment> {
    static RECOVERED: LazyLock<Option<Moment>> = LazyLock::new(|| {
        let micros = "extract(epoch FROM stats_reset) * 1000000";
        let views = ["pg_stat_bgwriter", "pg_stat_archiver"];
        let times = views.map(|view| psql("postgres", &["-c", &format!("SELECT ({micros})::bigint FROM {view}")]));
        let [one, other] = times.map(|number| number.parse().map(Moment::from_micros).ok());
        let (one, other) = (one?, other?);
        (one.since(other).abs() <= 10 * SECOND).then(|| one.max(other))
    });
    *RECOVERED
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
        profile(self.offers, self.headers).lines().try_for_each(|line| writeln!(f, "-- {line}"))
    }
}

/// So many worlds, unless PROPTEST_CASES and its like say otherwise.
fn config(cases: u32) -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    for (variable, number, value) in [
        ("PROPTEST_CASES", &mut config.cases, cases),
        ("PROPTEST_MAX_SHRINK_ITERS", &mut config.max_shrink_iters, 1500),
    ] {
        if std::env::var_os(variable).is_none() {
            *number = value;
        }
    }
    config
}

/// Whether the address names this build by its project and number, and its own address, if it has one, does not name another system.
fn is_named(build: &Build, own: Option<&str>, url: &str) -> bool {
    let system = |url: &str| -> Option<(String, String)> {
        let (system, name) = url.strip_prefix("https://ci.acme.example/")?.split_once('/')?;
        Some((system.to_owned(), name.to_owned()))
    };
    let (Some((meant, name)), Some(project), Some(number)) = (system(url), &build.project, build.number) else {
        return false;
    };
    let is_of_system = own.and_then(system).is_none_or(|(own, _)| own == meant);
    is_of_system && name.eq_ignore_ascii_case(&format!("{project}/{number}"))
}

#[track_caller]
fn judge(result: Result<(), TestError<Case>>) {
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("they differ in\n{case:?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn a_scan_finds_what_the_rules_mean() {
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("rules")).expect("a folder");
    std::fs::write(folder.path().join("rules/witness.sql"), WITNESS_RULE).expect("a file");
    let config = config(150);
    let cases = config.cases;
    let tally = RefCell::new(Tally::default());
    let result = TestRunner::new(config).run(&generate::case(), |case| {
        case.check(&database, folder.path(), &mut tally.borrow_mut()).map_err(TestCaseError::fail)
    });
    let tally = tally.into_inner();
    if let Some(file) = std::env::var_os("MODEL_TALLY") {
        std::fs::write(file, tally.to_string()).expect("a file");
    }
    judge(result);
    tally.assert_wide_enough(cases);
}

/// `delete` reads the chosen builds by other statements than a scan does.
#[test]
fn a_dry_run_would_delete_what_the_rules_mean() {
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
    judge(TestRunner::new(config(60)).run(&generate::case(), |case| {
        let case = Case { offers: Offers::ALL, rules: vec![], projects: None, json: false, witness: false, ..case };
        case.check_deletion(&database, folder.path()).map_err(TestCaseError::fail)
    }));
}
