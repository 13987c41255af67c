//! Through Debian's PgBouncer, which keeps a session of the server for a client's transaction, or for as long as the client stays.
//!
//! In its version 1.18 what is prepared in one session of the server is unknown in the next, where another client may have prepared
//! something else under the same name.

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::connect_pooler::{deletes_alone, reader};
use crate::support::{
    Done, Hearing, Pooler, Pooling, Report, Run, Server, TIMES, TestDatabase, admin, deletable, halfbuilt, repository,
    scanned, server_variables, wait_until, zcat,
};

/// How many runs there are at once: more than PgBouncer gives them sessions.
const AT_ONCE: usize = 6;

static BY_TRANSACTION: LazyLock<Server> = LazyLock::new(|| bouncer("transaction"));
static BY_SESSION: LazyLock<Server> = LazyLock::new(|| bouncer("session"));

fn bouncer(pool: &str) -> Server {
    // A deletion and one that waits for it need four sessions for as long as they live; transactions are to be short of sessions.
    let sessions = if pool == "session" { "default_pool_size=5" } else { "default_pool_size=3" };
    Server::start("pgbouncer.sh", &["--pool", pool, "-c", sessions], &server_variables("postgres"))
}

/// Both kinds of pools.
fn bouncers() -> [&'static Server; 2] {
    [&BY_TRANSACTION, &BY_SESSION]
}

/// The variables by which a role whose password is `x` reaches a database.
fn variables(bouncer: &Server, database: &TestDatabase, role: &str) -> Vec<(String, String)> {
    let mut variables = bouncer.variables(&database.name);
    variables.extend([("PGUSER", role), ("PGPASSWORD", "x")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}

/// Clients that run one short statement after another, so that no other keeps its session from transaction to transaction. In the sessions
/// that they get they leave behind what must not matter to others.
struct Crowd(Vec<Child>);

impl Crowd {
    fn of(bouncer: &Server, variables: &[(String, String)]) -> Self {
        let one = |_| {
            let mut command = Command::new(format!("{}/psql", bouncer.variable("BIN_DIR")));
            command.arg("-wXqAt").envs(variables.iter().map(|(name, value)| (name, value)));
            let mut psql = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("psql starts");
            let sql = "SET row_security = on; SET search_path = twin, public; SET TimeZone = 'Asia/Tokyo';
                SELECT pg_sleep(0.002) \\watch 0.001\n";
            psql.stdin.as_mut().expect("a pipe").write_all(sql.as_bytes()).expect("psql reads");
            psql
        };
        Self((0..4).map(one).collect())
    }
}

/// Where sessions are given out for transactions; a session that is kept would not be shared at all.
fn crowd(bouncer: &'static Server, variables: &[(String, String)]) -> Option<Crowd> {
    std::ptr::eq(bouncer, &*BY_TRANSACTION).then(|| Crowd::of(bouncer, variables))
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for psql in &mut self.0 {
            let _ = psql.kill();
            let _ = psql.wait();
        }
    }
}

/// Types that a client has to ask the server about: an enum, a domain over another one, a composite, and arrays of them.
const OWN_TYPES: &str = "
    CREATE TYPE stage AS ENUM ('queued', 'scheduled', 'not_run', 'not_running', 'running', 'finished');
    CREATE DOMAIN numbered AS bigint; CREATE DOMAIN well_numbered AS numbered CHECK (VALUE > 0);
    CREATE TYPE pair AS (a stage, b numbered);
    ALTER TABLE builds DROP CONSTRAINT builds_lifecycle_check, ALTER lifecycle TYPE stage USING lifecycle::stage,
        ALTER build_num TYPE well_numbered, ADD two pair, ADD stages stage[];
    UPDATE builds SET two = ROW(lifecycle, build_num), stages = ARRAY[lifecycle]";

/// The CircleCI profile with columns of these types, some of them as they are.
fn own_types() -> (TempDir, PathBuf) {
    let profile = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let own = profile.replace("b.lifecycle ", "b.lifecycle::text ").replace(
        "       b.status  ",
        "       b.lifecycle AS stage, b.two, b.stages, b.build_num AS again, b AS all_of_it,\n       b.status  ",
    );
    assert!(own.contains("ELSE b.lifecycle::text END") && own.contains("b.stages"), "{own}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.sql");
    std::fs::write(&path, own).expect("a file");
    (folder, path)
}

/// Some runs at once, so that they take sessions of the server from one another.
fn at_once(run: &dyn Fn() -> Run) -> Vec<Done> {
    let children: Vec<Child> = (0..AT_ONCE).map(|_| run().start()).collect();
    children.into_iter().map(|child| Done::new(child.wait_with_output().expect("it ends"))).collect()
}

#[test]
fn what_is_read_is_what_a_direct_connection_reads() {
    let fixtures = ["healthy", "output-gap", "output-truncated", "stuck-running", "orphan-output"];
    let (_folder, own_types) = own_types();
    let own_types = ["--profile", own_types.to_str().expect("a path")];
    let plain = TestDatabase::circleci(&fixtures);
    let typed = TestDatabase::circleci(&fixtures);
    typed.run(OWN_TYPES);
    for (database, profile) in [(&plain, &[][..]), (&typed, &own_types)] {
        let role = reader(database);
        for command in [&["scan"][..], &["verify", "-o", "-"], &["profiles", "--check"]] {
            let run = || match command[0] {
                "profiles" => halfbuilt(command).args(&[profile.last().unwrap_or(&"circleci")]),
                _ => halfbuilt(command).args(&TIMES).args(profile),
            };
            let direct = run().on(database).env("PGUSER", &role).env("PGPASSWORD", "x").run();
            assert!(direct.code != Some(Exit::Failed as i32), "{command:?}: {}", direct.stderr);
            for bouncer in bouncers() {
                let _crowd = crowd(bouncer, &variables(bouncer, database, &role));
                for done in at_once(&|| run().envs(&variables(bouncer, database, &role))) {
                    assert_eq!(done.code, direct.code, "{command:?}: {}", done.stderr);
                    let same = |text: &str| {
                        text.lines().filter(|line| !line.contains("_at\": \"2")).map(str::to_owned).collect::<Vec<_>>()
                    };
                    assert_eq!(same(&done.stdout), same(&direct.stdout), "{command:?}");
                }
            }
        }
    }
}

/// A policy hides rows from whoever does not say that this is to be an error.
#[test]
fn rows_that_a_policy_hides_are_an_error() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let role = reader(&database);
    database.run(
        "ALTER TABLE builds ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON builds USING (false);
         ALTER TABLE output ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON output USING (false)",
    );
    let nobody = ["--via", "nrepl://127.0.0.1:9", "--max-percent", "100"];
    let delete = || halfbuilt(&["delete"]).args(&[&report]).args(&nobody);
    let commands: [&dyn Fn() -> Run; 4] = [
        &|| halfbuilt(&["scan"]).args(&TIMES),
        &|| halfbuilt(&["verify"]).args(&TIMES),
        &|| halfbuilt(&["manifest"]),
        &delete,
    ];
    for bouncer in bouncers() {
        let _crowd = crowd(bouncer, &variables(bouncer, &database, &role));
        let through = |run: Run| run.envs(&variables(bouncer, &database, &role));
        let fails = |done: Done| {
            let done = done.exits(Exit::Failed).says("row-level security");
            done.does_not_say("already-gone").does_not_say("clean").does_not_print("already-gone");
        };
        for command in commands {
            at_once(&|| through(command())).into_iter().for_each(fails);
        }
        fails(through(delete().args(&["--execute", "--confirm", "ci.acme.example"])).run());
    }
}

#[test]
fn one_deletion_at_a_time() {
    for bouncer in bouncers() {
        let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
        let role = reader(&database);
        let variables = variables(bouncer, &database, &role);
        let _crowd = crowd(bouncer, &variables);
        deletes_alone(&database, &variables);
    }
}

/// `whole` is a composite of composites: what is archived is read while others use the same sessions.
#[test]
fn what_is_deleted_is_archived_whole_while_others_read() {
    let (_folder, own_types) = own_types();
    let own_types = ["--profile", own_types.to_str().expect("a path")];
    let archived = |bouncer: Option<&'static Server>| {
        let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
        database.run(OWN_TYPES);
        let role = reader(&database);
        let variables = bouncer.map(|bouncer| variables(bouncer, &database, &role));
        let variables = variables.unwrap_or_else(|| server_variables(&database.name));
        let _crowd = bouncer.and_then(|bouncer| crowd(bouncer, &variables));
        let folder = tempfile::tempdir().expect("a folder");
        let [report, archive] = ["report.csv", "deleted.jsonl.gz"].map(|name| folder.path().join(name));
        let scan = || halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&own_types).envs(&variables);
        scan().run().exits(Exit::Clean);
        let others: Vec<Child> =
            (0..2).map(|_| halfbuilt(&["scan"]).args(&TIMES).args(&own_types).envs(&variables).start()).collect();
        let delete = halfbuilt(&["delete"]).args(&[&report]).args(&own_types).args(&["--max-percent", "100"]);
        let delete = delete.args(&["--execute", "--confirm", &database.host, "--archive"]).args(&[&archive]);
        let done = delete.envs(&variables).via_nrepl(&admin(&database)).run().exits(Exit::Clean);
        for other in others {
            Done::new(other.wait_with_output().expect("it ends")).exits(Exit::Clean);
        }
        let deleted = Report::parse(&done.stdout).count("state", "deleted");
        assert!(deleted > 5, "{}", done.stdout);
        let text = zcat(&archive);
        assert!(text.contains("\"two\":\"(running,"), "{text}");
        let rows = |line: &&str| line.contains("\"row\":");
        let host = |line: &str| line.replace(&database.host, "HOST");
        text.lines().filter(rows).map(host).collect::<Vec<_>>()
    };
    let direct = archived(None);
    assert!(!direct.is_empty());
    for bouncer in bouncers() {
        assert_eq!(archived(Some(bouncer)), direct);
    }
}

/// It ends as a lost connection to the database does: the run waits for it, and continues where it was.
#[test]
fn a_pgbouncer_that_is_reloaded_and_restarted_or_killed_in_the_middle_is_waited_for() {
    for (pool, how) in [("transaction", "KILL"), ("transaction", "TERM"), ("session", "KILL")] {
        let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
        let role = reader(&database);
        let bouncer = bouncer(pool);
        let variables = variables(&bouncer, &database, &role);
        let (folder, report) = scanned(&database);
        let chosen = deletable(&Report::read(&report));
        let [results, journal] = ["results.csv", "journal.jsonl"].map(|name| folder.path().join(name));
        let before = database.urls();
        let gate = database.gate(2);
        let delete = || {
            let run = halfbuilt(&["delete"]).args(&[&report]).args(&["--max-percent", "100"]);
            let run = run.args(&["--execute", "--confirm", &database.host, "--journal"]).args(&[&journal]);
            run.args(&["-o"]).args(&[&results]).envs(&variables).via_nrepl(&admin(&database))
        };
        let mut child = delete().start();
        let hearing = Hearing::of(&mut child);
        gate.wait_for(1);
        bouncer.run("pgbouncer", "RELOAD");
        bouncer.run("pgbouncer", "RECONNECT");
        bouncer.command(&format!("stop {how}"));
        let port: u16 = bouncer.variable("PGPORT").parse().expect("a port");
        wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_err());
        gate.open();
        hearing.wait_for("the database is away, trying again");
        bouncer.command("start");
        let mut done = hearing.done(child);
        assert!([Some(0), Some(3), Some(5)].contains(&done.code), "{pool} {how}: {:?} {}", done.code, done.stderr);
        if done.code != Some(0) {
            done = delete().run();
        }
        done.exits(Exit::Clean);
        let left: Vec<String> = before.into_iter().filter(|url| !chosen.contains(url)).collect();
        assert_eq!(database.urls(), left, "{pool} {how}");
        let written = Report::read(&results);
        assert_eq!(written.count("state", "deleted"), chosen.len(), "{pool} {how}: {written:#?}");
        halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean).prints("deleted");
    }
}

/// The tests' own pooler turns out whoever prepares a statement that the next session does not know.
#[test]
fn nothing_is_prepared_in_a_session() {
    let (_folder, own_types) = own_types();
    let own_types = ["--profile", own_types.to_str().expect("a path")];
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    database.run(OWN_TYPES);
    let role = reader(&database);
    let pooler = Pooler::start(&database.name, Pooling::Transactions, &[""; 6]);
    let folder = tempfile::tempdir().expect("a folder");
    let [report, archive] = ["report.csv", "deleted.jsonl.gz"].map(|name| folder.path().join(name));
    let through = |run: Run| run.envs(&pooler.variables(&role)).run();
    through(halfbuilt(&["profiles", "--check"]).args(&own_types[1..])).exits(Exit::Clean);
    through(halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&own_types)).exits(Exit::Clean);
    through(halfbuilt(&["verify"]).args(&TIMES).args(&own_types)).exits(Exit::Found);
    through(halfbuilt(&["manifest"]).args(&own_types)).exits(Exit::Clean);
    let delete = halfbuilt(&["delete"]).args(&[&report]).args(&own_types).args(&["--max-percent", "100"]);
    let delete = delete.args(&["--execute", "--confirm", &database.host, "--archive"]).args(&[&archive]);
    let done = through(delete.via_nrepl(&admin(&database))).exits(Exit::Clean);
    assert!(Report::parse(&done.stdout).count("state", "deleted") > 5, "{}", done.stdout);
}
