//! A restore drill from end to end: a database that is being written to is backed up in two ways, restored elsewhere, and judged.
//! What was cut is known by psql, which shares nothing with the program.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use halfbuilt::exit::Exit;

use crate::support::{Ended, Junit, Report, Server, halfbuilt, repository, wait_until};

/// The addresses of the builds that a database holds half built, by what it says of them itself.
const CUT: &str = "SELECT build_url FROM builds WHERE lifecycle = 'running' ORDER BY build_url COLLATE \"C\"";

/// The finished builds that are not whole: an action without an end, or output that is not there or too much.
const NOT_WHOLE: &str = "SELECT count(*) FROM builds AS b WHERE lifecycle = 'finished' AND (stop_time IS NULL OR \
    NOT EXISTS (SELECT FROM actions AS a WHERE a.build_id = b.build_id AND a.end_time IS NOT NULL AND a.output_size = \
    (SELECT sum(size) FROM output AS o WHERE o.build_id = b.build_id)))";

/// Starts the known builds, of which each drill must find every one.
const PLANT: &str = "WITH planted AS (INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, \
    status, queued_at, start_time) SELECT 'github', 'acme', 'canary', number, \
    'https://ci.drill.example/gh/acme/canary/' || number, 'running', 'running', clock_timestamp(), clock_timestamp() \
    FROM generate_series(1, 2) AS number RETURNING build_id) INSERT INTO steps (build_id, step, name) SELECT build_id, 0, \
    'wait' FROM planted";

/// Ends them, after the backups.
const HARVEST: &str = "UPDATE builds SET lifecycle = 'finished', status = 'success', outcome = 'success', \
    stop_time = clock_timestamp() WHERE reponame = 'canary'";

/// The addresses of the known builds.
const PLANTED: [&str; 2] = ["https://ci.drill.example/gh/acme/canary/1", "https://ci.drill.example/gh/acme/canary/2"];

/// A program of PostgreSQL beside a server, as its superuser.
fn program(server: &Server, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(format!("{}/{name}", server.variable("BIN_DIR")));
    let [socket, port, user] = ["SOCKET_DIR", "PGPORT", "PGUSER"].map(|name| server.variable(name));
    command.args(["-h", socket, "-p", port, "-U", user]).args(arguments).stdin(Stdio::null());
    command
}

#[track_caller]
fn run(mut command: Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A CI server at work on one project.
fn writer(server: &Server, project: &str) -> Child {
    let (script, project) = (repository("tests/cli/verify_restore_drill_writer.sql"), format!("project={project}"));
    let script = script.to_str().expect("a path");
    let arguments = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", &project, "-d", "ci", "-f", script];
    program(server, "psql", &arguments).stderr(Stdio::piped()).spawn().expect("psql starts")
}

/// Judges a restored database, and holds the verdict against what psql says of the same.
#[track_caller]
fn judge(server: &Server, database: &str, backup_time: &str, manifest: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let cut: Vec<String> = server.run(database, CUT).lines().map(str::to_owned).collect();
    assert_eq!(server.run(database, NOT_WHOLE), "0", "{database}: the rest is whole");
    assert!(cut.len() > PLANTED.len(), "{database}: the backup cut nothing that was being written: {cut:?}");

    // The server was back as soon after as clocks may be apart.
    let backup: jiff::Timestamp = backup_time.parse().expect("a time");
    let restored = (backup + jiff::SignedDuration::from_secs(11)).to_string();
    let verify = || {
        let times = ["--backup-time", backup_time, "--restored-at", &restored];
        let run = halfbuilt(&["verify", "--junit"]).args(&[path("junit.xml")]).args(&times);
        let run = run.args(&["--baseline"]).args(&[manifest]);
        run.envs(&server.variables(database)).args(&["-o"]).args(&[path("report.csv")])
    };
    // The known builds prove recall; the others that were cut count against the restore, for nobody expected them.
    let expect: Vec<&str> = PLANTED.iter().flat_map(|url| ["--expect", url]).collect();
    let done = verify().args(&expect).run().exits(Exit::Found);
    let done = done.says("2 of 2 expected builds were found").says("verdict: failed: ");
    let report = Report::read(&path("report.csv"));
    let mut found: Vec<String> = report.column("build_url").into_iter().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, cut, "{database}: exactly those that were cut are found");
    assert_eq!(report.count("timing", "in-flight"), cut.len());
    assert_eq!(report.count("deletable", "yes"), cut.len());
    assert!(report.column("reasons").iter().all(|reasons| reasons.contains("stuck-running")));
    // The rules find what was cut, and the baseline knows the rest as it is.
    let covered = contents(manifest)["builds"].as_u64().expect("a number");
    done.says(&format!("compared with {covered} builds of the baseline"));
    let junit = Junit::read(&path("junit.xml"));
    assert_eq!(junit.names("halfbuilt.baseline", |ended| *ended == Ended::Passed).len(), 4);
    assert!(matches!(junit.case("stuck-running").ended, Ended::Failed(_)));
    assert!(PLANTED.iter().all(|url| junit.case(url).ended == Ended::Passed));

    // Where all that was cut is expected, nothing else is found.
    std::fs::write(path("cut.txt"), cut.join("\n")).expect("a file");
    let done = verify().args(&["--expect-file"]).args(&[path("cut.txt")]).run().exits(Exit::Clean);
    let all = cut.len();
    done.says(&format!("verdict: passed: {all} of "))
        .says(&format!("as expected (stuck-running {all}, expected {all}"));
    // A build that had ended before is not among them.
    let whole = server.run(database, "SELECT min(build_url) FROM builds WHERE lifecycle = 'finished'");
    let done = verify().args(&["--expect", &whole]).run().exits(Exit::Found);
    done.says(&format!("1 of 1 expected build was not found: {whole}"));

    // What the restore lost besides is found by the baseline alone.
    let lost = server.run(database, "SELECT build_url FROM builds WHERE build_num = 2 AND reponame = 'api'");
    server.run(database, &format!("DELETE FROM builds WHERE build_url = '{lost}'"));
    let done = verify().args(&["--expect-file"]).args(&[path("cut.txt")]).run().exits(Exit::Found);
    done.says(&format!("(stuck-running {all}, expected {all}")).says("; baseline-lost 1)");
    let report = Report::read(&path("report.csv"));
    let row = report.row("acme/api", "2");
    assert_eq!([&row["reasons"], &row["timing"], &row["deletable"]], ["baseline-lost", "ended", "no"]);
    assert_eq!(report.rows.len(), all + 1);
    cut
}

fn contents(manifest: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(manifest).expect("a manifest")).expect("JSON")
}

#[test]
fn backups_of_a_database_that_is_written_to_are_judged_right() {
    let primary = Server::start("postgres.sh", &[], &[]);
    primary.run("postgres", "CREATE DATABASE ci");
    primary.psql("ci", &["-1", "-f", repository("sql/schema.sql").to_str().expect("a path")]);
    primary.run("ci", "CREATE SCHEMA drill");
    let mut writers = ["api", "web", "mobile"].map(|project| writer(&primary, project));
    let finished = "SELECT count(*) FROM builds WHERE stop_time < clock_timestamp() - interval '5 seconds'";
    wait_until(|| primary.run("ci", finished).parse::<u32>().expect("a number") > 50);
    primary.run("ci", PLANT);

    // Before the backups. What ended in the last moment may not be committed yet.
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("before.json");
    let run_manifest = halfbuilt(&["manifest", "--settle", "5s", "-o"]).args(&[&manifest]);
    run_manifest.envs(&primary.variables("ci")).run().exits(Exit::Clean).says("not over by T");
    assert!(contents(&manifest)["builds"].as_u64().expect("a number") > 20);

    // A dump, which holds what there was when it began, and a base backup, which is recovered to where it ended.
    let dump = folder.path().join("ci.dump");
    let dump = dump.to_str().expect("a path");
    run(program(&primary, "pg_dump", &["-Fc", "-f", dump, "ci"]));
    let now = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    let dumped_at = primary.run("ci", now);
    let restored = Server::start("standby.sh", &["--restored"], &primary.variables("postgres"));
    let copied_at = primary.run("ci", now);
    assert_eq!(restored.run("ci", "SELECT pg_is_in_recovery()"), "f");
    run(program(&restored, "createdb", &["dumped"]));
    run(program(&restored, "pg_restore", &["--exit-on-error", "-d", "dumped", dump]));

    let of_dump = judge(&restored, "dumped", &dumped_at, &manifest);
    let of_copy = judge(&restored, "ci", &copied_at, &manifest);
    // They were taken at different times, and each is judged by its own.
    assert_ne!(of_dump, of_copy);

    // Meanwhile the server went on, and what the backups cut came to its end there.
    primary.run("ci", "CREATE TABLE drill.stop ()");
    for writer in &mut writers {
        assert!(writer.wait().expect("it ends").success());
    }
    primary.run("ci", HARVEST);
    assert_eq!(primary.run("ci", CUT), "");
    let done = halfbuilt(&["verify"]).envs(&primary.variables("ci")).run().exits(Exit::Clean);
    done.says("nothing abnormal was seen");
}
