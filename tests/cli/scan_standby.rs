//! Reading a hot standby: a real one, made by pg_basebackup, that follows a real primary.

use std::process::Command;
use std::sync::{LazyLock, Mutex};

use halfbuilt::exit::Exit;

use crate::support::{
    API_TOKEN, BACKUP_TIME, Done, Report, Run, Seen, Server, StandIn, TIMES, expected_report, halfbuilt, repository,
    wait_until,
};
use crate::what_a_person_sees::{Says, shows};

/// The primary, and a standby that waits for nobody.
static SERVERS: LazyLock<[Server; 2]> = LazyLock::new(|| {
    let primary = Server::start("postgres.sh", &[], &[]);
    let standby = Server::start("standby.sh", &["-c", "max_standby_streaming_delay=0"], &primary.variables("postgres"));
    [primary, standby]
});

/// Makes a database with a fixture on the primary, and waits until the standby has it.
fn database(name: &str) -> &'static [Server; 2] {
    // One at a time: two copies of one template would stand in each other's way.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().expect("no test fails here");
    let [primary, standby] = &*SERVERS;
    primary.run("postgres", &format!("CREATE DATABASE {name}"));
    for file in ["sql/schema.sql", "fixtures/circleci/healthy.sql", "fixtures/circleci/output-gap.sql"] {
        primary.psql(name, &["-f", repository(file).to_str().expect("a path")]);
    }
    // What was inserted: without synchronous commits the last of it is written to the log a moment later.
    let written = primary.run("postgres", "SELECT pg_current_wal_insert_lsn()");
    wait_until(|| standby.run("postgres", &format!("SELECT pg_last_wal_replay_lsn() >= '{written}'")) == "t");
    &SERVERS
}

fn scan(server: &Server, database: &str) -> Run {
    halfbuilt(&["scan"]).args(&TIMES).envs(&server.variables(database))
}

#[test]
fn a_standby_gives_the_same_report_as_its_primary() {
    let [primary, standby] = database("same");
    assert_eq!(standby.run("same", "SELECT pg_is_in_recovery()"), "t");
    let on_primary = Report::parse(&scan(primary, "same").run().exits(Exit::Clean).stdout);
    let on_standby = Report::parse(&scan(standby, "same").run().exits(Exit::Clean).stdout);
    assert_eq!(on_standby, on_primary);
    assert_eq!(on_standby.without_fingerprints(), expected_report("output-gap"));
}

/// A standby may lag: a build that has recovered since would be deleted by what was.
#[test]
fn nothing_is_deleted_by_what_a_standby_says() {
    let [_, standby] = database("lagging");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    scan(standby, "lagging").args(&["-o"]).args(&[&report]).run().exits(Exit::Clean);
    let delete = |more: &[&str]| {
        let nobody = ["--via", "nrepl://127.0.0.1:9", "--max-percent", "100"];
        let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&nobody).args(more);
        run.envs(&standby.variables("lagging")).run()
    };
    let real = delete(&["--execute", "--confirm", "ci.acme.example"]).exits(Exit::Declined);
    let mut seen = Seen::default();
    seen.add("delete --execute", &real);
    seen.add_talk("delete", &delete(&[]).exits(Exit::Clean));
    shows(&seen, "scan_standby_delete");
}

/// Nothing can be written there, so nothing that is read again can be kept.
#[test]
fn nothing_is_deleted_by_documents_on_a_standby() {
    let [primary, standby] = database("documents");
    let server = StandIn::small();
    let token = ("HALFBUILT_TOKEN", API_TOKEN);
    let collect = halfbuilt(&["collect", &server.http(), "--into", "dbname=documents", "--all"]);
    collect.env(token.0, token.1).envs(&primary.variables("postgres")).run().exits(Exit::Clean);
    let written = primary.run("postgres", "SELECT pg_current_wal_insert_lsn()");
    wait_until(|| standby.run("postgres", &format!("SELECT pg_last_wal_replay_lsn() >= '{written}'")) == "t");
    let folder = tempfile::tempdir().expect("a folder");
    let on_standby = |command: &[&str]| {
        let run = halfbuilt(command).args(&["--profile", "circleci-api"]).args(&TIMES);
        run.envs(&standby.variables("documents")).at(folder.path())
    };
    on_standby(&["scan", "-o", "report.csv"]).run().exits(Exit::Clean);
    let there = server.truth().len();
    let delete = ["delete", "report.csv", "--via", &server.nrepl(), "--max-percent", "100"];
    let host = format!("127.0.0.1:{}", server.port());
    let real = on_standby(&delete).args(&["--execute", "--confirm", &host]).env(token.0, token.1).run();
    assert_ne!(real.code, Some(Exit::Clean as i32));
    real.says("standby").says("hint: ");
    on_standby(&delete).env(token.0, "").run().exits(Exit::Clean).says(
        "warning: this database is a standby: documents cannot be kept in it, and its deletion lock keeps nobody away from its primary",
    );
    assert_eq!(server.truth().len(), there);
}

/// A standby was started some time, whenever its primary was restored: its own statistics say nothing of R.
#[test]
fn a_standby_s_own_record_of_a_recovery_is_not_taken_for_r() {
    let [primary, standby] = database("recovered");
    primary.run("recovered", "DELETE FROM builds WHERE greatest(queued_at, start_time) > '2026-11-20T02:00:00Z'");
    let written = primary.run("postgres", "SELECT pg_current_wal_insert_lsn()");
    wait_until(|| standby.run("postgres", &format!("SELECT pg_last_wal_replay_lsn() >= '{written}'")) == "t");
    let without_r = |server: &Server| {
        let run = halfbuilt(&["scan", "--backup-time", BACKUP_TIME]).envs(&server.variables("recovered"));
        run.run().exits(Exit::Clean)
    };
    without_r(primary).says("(the database server's own record of its last crash recovery)");
    let done = without_r(standby).says("it is not known when the server came back");
    let report = Report::parse(&done.stdout);
    assert!(!report.rows.is_empty());
    assert!(
        report.column("note").iter().all(|note| note.contains("R is not known: give --restored-at")),
        "{report:#?}"
    );
}

#[test]
fn a_manifest_of_a_standby_is_that_of_its_primary_and_its_present_is_what_it_replayed() {
    let [primary, standby] = database("counted");
    let manifest = |server: &Server, arguments: &[&str]| {
        let done = halfbuilt(&["manifest"]).args(arguments).envs(&server.variables("counted")).run().exits(Exit::Clean);
        (serde_json::from_str::<serde_json::Value>(&done.stdout).expect("JSON"), done)
    };
    let of_backup = &TIMES[..2];
    assert_eq!(manifest(standby, of_backup).0["projects"], manifest(primary, of_backup).0["projects"]);
    let (written, done) = manifest(standby, &[]);
    done.says_all_of("scan_standby_manifest");
    let replayed = standby.run("postgres", "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())");
    let written: jiff::Timestamp = written["backup_time"].as_str().expect("T").parse().expect("a time");
    assert!((written.as_second() as f64) <= replayed.parse::<f64>().expect("seconds"), "{written} is after {replayed}");
}

#[test]
fn the_kind_of_server_that_was_asked_for_is_found_as_psql_finds_it() {
    let [primary, standby] = &*SERVERS;
    let ports = [primary, standby].map(|server| server.variable("PGPORT"));
    let [of_primary, of_standby] = ports;
    for (wanted, expected) in [
        ("any", None),
        ("read-write", Some(of_primary)),
        ("primary", Some(of_primary)),
        ("read-only", Some(of_standby)),
        ("standby", Some(of_standby)),
        ("prefer-standby", Some(of_standby)),
    ] {
        for (first, second) in [(of_primary, of_standby), (of_standby, of_primary)] {
            let settings = format!("host=127.0.0.1,127.0.0.1 port={first},{second} target_session_attrs={wanted}");
            let found = port_found(&settings);
            assert_eq!(found, psql_finds(&settings), "{settings}");
            assert_eq!(found.as_deref(), expected.or(Some(first)), "{settings}");
        }
    }
    for (wanted, alone) in [("standby", of_primary), ("primary", of_standby), ("read-only", of_primary)] {
        let settings = format!("host=127.0.0.1,127.0.0.1 port=1,{alone} target_session_attrs={wanted}");
        assert_eq!([port_found(&settings), psql_finds(&settings)], [None, None], "{settings}");
    }
    for alone in [of_primary, of_standby] {
        let settings = format!("host=127.0.0.1 port={alone} target_session_attrs=prefer-standby");
        assert_eq!(port_found(&settings).as_deref(), Some(alone));
    }
}

/// Who connects; where to is for the settings to say.
fn who() -> Vec<(String, String)> {
    SERVERS[0]
        .variables("postgres")
        .into_iter()
        .filter(|(name, _)| !["PGHOST", "PGPORT"].contains(&name.as_str()))
        .collect()
}

/// Which server the program is connected to, by its port.
fn port_found(settings: &str) -> Option<String> {
    let profile = repository("tests/cli/scan_standby_profile.sql");
    let done = halfbuilt(&["scan", "--database-url", settings, "--profile"]).args(&[profile]).envs(&who()).run();
    let (_, rest) = done.stdout.split_once(",port ")?;
    Some(rest.split(',').next().expect("a cell").to_owned())
}

fn psql_finds(settings: &str) -> Option<String> {
    let psql = format!("{}/psql", SERVERS[0].variable("BIN_DIR"));
    let output = Command::new(psql).args(["-wXqAt", "-c", "SHOW port", "-d", settings]).envs(who()).output();
    let output = output.expect("psql starts");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Scans the standby slowly, has the primary do something meanwhile, and gives back how the scan ended.
fn disturbed(name: &str, output: &[&str], on_primary: &[&str]) -> Done {
    let [primary, standby] = database(name);
    let profile = repository("tests/cli/profile_that_sleeps.sql");
    let child = scan(standby, name).args(&["--profile"]).args(&[profile]).args(output).start();
    let sleeping = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'");
    wait_until(|| standby.run("postgres", &sleeping) == "1");
    for sql in on_primary {
        primary.run(name, sql);
    }
    Done::new(child.wait_with_output().expect("halfbuilt ends"))
}

#[test]
fn a_standby_that_cancels_the_scan_ends_it_with_an_error_and_no_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.csv");
    let output = ["-o", file.to_str().expect("a path")];
    for (name, on_primary) in [
        // The rows that the scan may still want to see are taken away for good.
        ("vacuumed", ["DELETE FROM output", "VACUUM output"]),
        // The table that the scan is reading is wanted alone.
        ("locked", ["SELECT 1", "ALTER TABLE builds ADD COLUMN another integer"]),
    ] {
        let done = disturbed(name, &output, &on_primary).exits(Exit::Failed);
        let done = done.fails_with("the standby cancelled ").says("conflict with recovery (SQLSTATE 40001)");
        done.says("hint: a standby does not wait for long reads: try again").says("max_standby_streaming_delay");
        assert!(!file.exists(), "{name}: there is a report");
    }
    let done = disturbed("vacuumed_too", &[], &["DELETE FROM output", "VACUUM output"]).exits(Exit::Failed);
    assert_eq!(done.stdout, "");
}
