//! The whole of the program's SQL on other versions of PostgreSQL than the one that all other tests run on, and what each version's server
//! says of a restore: a server that is killed at once, a clean restart, an older backup that is put back, a recovery from the archive.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use halfbuilt::exit::Exit;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::scan::FAULTS;
use crate::support::{Report, Run, Server, TIMES, expected_report, halfbuilt, repository};

/// How long a server may take to stop, to start, or to archive a file, on a machine that is busy.
const LONG: Duration = Duration::from_secs(120);
/// The times of this run's own builds are seconds apart.
const CLOSE: [&str; 2] = ["--clock-tolerance", "0s"];
/// The database of this run's own builds.
const CI: &str = "ci";

/// A server of one version, and a place for files.
struct Version {
    server: Server,
    number: u32,
    folder: TempDir,
    done: usize,
}

impl Version {
    fn start(version: &str) -> Self {
        // Writes are on the disk when they are committed, and nothing of the server's own is written meanwhile.
        let settings = [
            "synchronous_commit=on",
            "full_page_writes=on",
            "track_commit_timestamp=on",
            "autovacuum=off",
            "archive_mode=on",
            "archive_command=mkdir -p ../archive && cp %p ../archive/%f",
            "restore_command=cp ../archive/%f %p",
            "recovery_target_name=here",
            "recovery_target_action=promote",
        ];
        let mut arguments = vec!["--version", version];
        arguments.extend(settings.iter().flat_map(|setting| ["-c", setting]));
        let server = Server::start("postgres.sh", &arguments, &[]);
        let number = server.run("postgres", "SHOW server_version_num").parse::<u32>().expect("a number") / 10_000;
        assert_eq!(number.to_string(), version);
        Self { server, number, folder: tempfile::tempdir().expect("a folder"), done: 0 }
    }

    /// Makes a database for builds.
    fn database(&self, name: &str, fixtures: &[&str]) {
        self.server.run("postgres", &format!("CREATE DATABASE {name}"));
        let files = fixtures.iter().map(|fixture| format!("fixtures/circleci/{fixture}.sql"));
        for file in std::iter::once("sql/schema.sql".to_owned()).chain(files) {
            self.server.psql(name, &["-1", "-f", repository(&file).to_str().expect("UTF-8")]);
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, database: &str, arguments: &[&str]) -> Run {
        halfbuilt(arguments).envs(&self.server.variables(database)).at(self.folder.path())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(CI, arguments).args(&["--json", "-"]).args(&CLOSE).run();
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr))
    }

    /// Has the server do something, and waits until it has.
    fn does(&mut self, what: &str) {
        self.server.command(what);
        self.done += 1;
        let file = Path::new(self.server.variable("SOCKET_DIR")).with_file_name("done");
        let said = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        wait(what, || said() >= self.done);
    }

    fn sql(&self, sql: &str) -> String {
        self.server.run(CI, sql)
    }

    fn time(&self, sql: &str) -> Timestamp {
        let text = format!("SELECT to_char(({sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        self.sql(&text).parse().expect("a time")
    }

    /// Adds a build that began just now and runs, or ended as it began; returns when it was committed.
    fn build(&self, number: u32, runs: bool) -> Timestamp {
        let (lifecycle, stop) = if runs { ("running", "NULL") } else { ("finished", "clock_timestamp()") };
        self.sql(&format!(
            "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
             VALUES ('github', 'acme', 'api', {number}, 'https://ci.acme.example/gh/acme/api/{number}', '{lifecycle}', 'success',
                     clock_timestamp(), clock_timestamp(), {stop})"
        ));
        self.time("SELECT timestamp FROM pg_last_committed_xact()")
    }

    fn manifest(&self, name: &str) -> Value {
        self.run(CI, &["manifest", "--settle", "0s", "-o", name]).run().exits(Exit::Clean);
        serde_json::from_slice(&std::fs::read(self.file(name)).expect("a manifest")).expect("JSON")
    }
}

fn wait(what: &str, mut is_done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_done() {
        assert!(begun.elapsed() < LONG, "{what}: not after {LONG:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().expect("a time")
}

fn next_transaction(manifest: &Value) -> u64 {
    manifest["moment"]["server"]["next_transaction"].as_u64().expect("a number")
}

/// Every rule finds what it finds elsewhere; what was found is planned to be deleted; a manifest is compared.
fn all_sql_runs(version: &Version) {
    version.database("damaged", &[&["healthy"][..], &FAULTS].concat());
    let run = |arguments: &[&str]| version.run("damaged", arguments);
    let scan = run(&["scan", "-o", "report.csv"]).args(&TIMES).run().exits(Exit::Clean);
    scan.does_not_say("could not look");
    assert_eq!(Report::read(&version.file("report.csv")).without_fingerprints(), expected_report("all"));
    run(&["delete", "report.csv", "--allow", "times-contradicted=6", "--max-percent", "100"])
        .run()
        .exits(Exit::Clean)
        .prints(",not-attempted,\"dry run; ");
    run(&["manifest", "-o", "damaged.json", TIMES[0], TIMES[1]]).run().exits(Exit::Clean);
    let verify = run(&["verify", "--baseline", "damaged.json", "--restored-at", TIMES[3]]).run().exits(Exit::Found);
    verify.says("compared with the baseline").does_not_say("older than the manifest");
}

/// A server that was killed is as one that starts from a snapshot: its own record says R, and a clean restart keeps it.
fn a_crash_is_on_record(version: &mut Version) {
    version.database(CI, &[]);
    version.build(1, false);
    let last = version.build(2, true);
    let before = version.manifest("before.json");
    assert_eq!(next_transaction(&before), next_transaction(&version.manifest("again.json")), "a manifest takes no id");
    assert_eq!(time(&before["moment"]["server"]["last_commit"]), last);
    version.does("stop KILL");
    let killed = Timestamp::now();
    version.does("start");
    let started = Timestamp::now();
    // The second new build shows from which transaction on all is new.
    version.build(3, true);
    version.build(30, true);
    let found = version.json(&["times", "before.json"]);
    let restored = time(&found["restored_at"]);
    assert!((killed..=started).contains(&restored), "{killed} {restored} {started}: {found}");
    assert_eq!(found["database"]["server"]["recovered_at"], found["restored_at"]);
    assert_eq!((&found["backup_time"], &found["conflicts"]), (&before["counted_at"], &Value::Array(Vec::new())));
    assert_eq!(found["contradictions"], Value::Array(Vec::new()));
    let manifest = &found["manifests"][0];
    assert_eq!(
        (&manifest["continuation"], &manifest["builds_written_since"]),
        (&"not-behind".into(), &0.into()),
        "{found}"
    );

    // R is taken from it: the build that the crash cut is found, and the one that began since is left alone.
    let scan = version.run(CI, &["scan", "--backup-time", "@before.json", "-o", "cut.csv"]).args(&CLOSE);
    scan.run().exits(Exit::Clean);
    let report = Report::read(&version.file("cut.csv"));
    assert_eq!(report.column("build_num"), ["2"]);
    let row = report.row("acme/api", "2");
    assert_eq!((&*row["timing"], &*row["deletable"]), ("in-flight", "yes"), "{row:?}");
    version
        .run(CI, &["verify", "--baseline", "before.json"])
        .args(&CLOSE)
        .run()
        .exits(Exit::Found)
        .says("stuck-running");

    version.does("stop INT");
    version.does("start");
    let again = version.json(&["times", "before.json"]);
    assert_eq!(again["database"]["server"]["recovered_at"], found["database"]["server"]["recovered_at"]);
}

/// A backup of before the manifest is put back: the manifest knows transactions that it lacks.
fn an_older_backup_is_known(version: &mut Version) {
    version.does("stop KILL");
    version.does("keep");
    version.does("start");
    version.build(4, true);
    (0..3).for_each(|_| drop(version.sql("SELECT pg_current_xact_id()")));
    version.manifest("newer.json");
    version.does("stop KILL");
    version.does("put");
    version.does("start");
    let found = version.json(&["times", "newer.json"]);
    assert_eq!(found["manifests"][0]["continuation"], "older-backup", "{found}");
    let verify = version.run(CI, &["verify", "--baseline", "newer.json"]).args(&CLOSE).run();
    verify.says("older than the manifest, so T is earlier than that of the baseline");
    // It catches up, and its second build shows it all the same.
    let newer: Value =
        serde_json::from_slice(&std::fs::read(version.file("newer.json")).expect("a file")).expect("JSON");
    version.build(5, false);
    version.build(7, false);
    while version.manifest("now.json")["moment"]["server"]["next_transaction"].as_u64()
        <= Some(next_transaction(&newer))
    {
        version.build(6, false);
        version.sql("DELETE FROM builds WHERE build_num = 6");
    }
    let found = version.json(&["times", "newer.json"]);
    assert_eq!(found["manifests"][0]["continuation"], "older-backup", "{found}");
}

/// A recovery from the archive, to a point: the last transaction stays on record until the next start.
fn a_recovery_to_a_point_is_on_record(version: &mut Version) {
    version.does("stop INT");
    version.does("keep");
    version.does("start");
    let last = version.build(10, true);
    version.sql("SELECT pg_create_restore_point('here')");
    version.build(11, true);
    version.manifest("later.json");
    let segment = version.sql("SELECT pg_walfile_name(pg_switch_wal())");
    let archived = format!("SELECT last_archived_wal >= '{segment}' FROM pg_stat_archiver");
    wait("the archive", || version.sql(&archived) == "t");
    version.does("stop KILL");
    version.does("put recovery.signal");
    let begun = Timestamp::now();
    version.does("start");
    wait("the end of the recovery", || version.sql("SELECT pg_is_in_recovery()") == "f");
    let found = version.json(&["times", "later.json"]);
    let of_server =
        found["candidates"].as_array().expect("a list").iter().find(|known| known["exactness"] == "last-commit");
    assert_eq!(of_server.map(|known| time(&known["time"])), Some(last), "{found}");
    assert_eq!(found["database"]["server"]["timeline"], 2);
    // Until 14 this recovery is on record as a crash's is. From 15 on, a copy of a server that was stopped brings the statistics along: the
    // record is of an earlier recovery. That is before T, so it is never taken for R.
    let recovered = time(&found["database"]["server"]["recovered_at"]);
    match version.number < 15 {
        true => assert!((begun..=Timestamp::now()).contains(&recovered), "{begun} {found}"),
        false => assert!(recovered < last && found["restored_at"] == Value::Null, "{found}"),
    }
    assert_eq!(found["manifests"][0]["continuation"], "older-backup");
    let said = found["conflicts"].to_string();
    assert!(said.contains("it was not before"), "the manifest is of after T: {said}");
}

fn tries(version: &str) {
    let mut version = Version::start(version);
    all_sql_runs(&version);
    a_crash_is_on_record(&mut version);
    an_older_backup_is_known(&mut version);
    a_recovery_to_a_point_is_on_record(&mut version);
}

#[test]
fn version_13() {
    tries("13");
}

#[test]
fn version_14() {
    tries("14");
}

#[test]
fn version_16() {
    tries("16");
}

#[test]
fn version_17() {
    tries("17");
}

#[test]
fn version_18() {
    tries("18");
}
