//! A database that goes back to an earlier state has again what was deleted: a failover to a standby that had not received it, a crash of
//! a server that does not wait for its disk, a restore. It is reported as what it is, and never as deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Hearing, Report, Server, TOKEN, halfbuilt, wait_until};
use crate::world::World;

const DATABASE: &str = "rewound";
/// How many deletions pass before the others have to wait.
const FREE: u32 = 60;
const THERE_AGAIN: &str = "it is there again";

/// A PostgreSQL, an admin server before it, and a world in it.
fn world(settings: &[&str]) -> (&'static Server, Server, World) {
    let postgres = Box::leak(Box::new(Server::start("postgres.sh", settings, &[])));
    let token = ("ADMIN_TOKEN".to_owned(), TOKEN.to_owned());
    let admin = Server::start("admin.sh", &[], &[postgres.variables(DATABASE), vec![token]].concat());
    let world = World::on(postgres, DATABASE, admin.variable("CALLS"), &mut Random::new(12), 150);
    (postgres, admin, world)
}

fn via(admin: &Server) -> String {
    format!("nrepl://127.0.0.1:{}", admin.variable("NREPL_PORT"))
}

fn is_away(server: &Server) {
    let port: u16 = server.variable("PGPORT").parse().expect("a port");
    wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// Results, journal and page say of each build what the database does. Returns how many builds are reported as there again.
#[track_caller]
fn reported_as_it_is(world: &World, there: &BTreeSet<String>) -> usize {
    let results = Report::read(&world.results());
    assert_eq!(results.rows.len(), world.chosen.len(), "a row for each chosen build");
    let by_journal = world.ended();
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let mut again = 0;
    for row in &results.rows {
        let (url, state, reason) = (&row["build_url"], row["state"].as_str(), &row["reason"]);
        *states.entry(state).or_default() += 1;
        assert_eq!(by_journal.get(url).map(String::as_str), Some(state), "{url}: the journal and the results");
        if state == "deleted" {
            assert!(!there.contains(url), "{url} is reported as deleted and is there");
        }
        if reason.contains(THERE_AGAIN) {
            assert_eq!(state, "failed");
            assert!(there.contains(url), "{url} is reported as there again and is not");
            again += 1;
        }
    }
    let verified = halfbuilt(&["journal", "verify"]).args(&[world.journal()]).run().exits(Exit::Clean);
    assert!(verified.stdout.starts_with("the chain is whole: "), "{}", verified.stdout);
    let page = world.folder.path().join("audit.md");
    let report = halfbuilt(&["report"]).args(&[&world.report()]).args(&["--journal"]).args(&[world.journal()]);
    report.args(&["--markdown"]).args(&[&page]).run().exits(Exit::Clean);
    let page = std::fs::read_to_string(page).expect("a page");
    let deleted = states.get("deleted").copied().unwrap_or_default();
    for (place, _) in page.match_indices(" were deleted and proved gone") {
        let said = page[..place].rsplit(|c: char| !c.is_ascii_digit()).next();
        assert_eq!(said, Some(deleted.to_string().as_str()), "{page}");
    }
    again
}

fn there(server: &Server) -> BTreeSet<String> {
    server.run(DATABASE, "SELECT build_url FROM builds").lines().map(str::to_owned).collect()
}

#[test]
fn a_standby_that_had_not_received_the_deletions_takes_over() {
    let (primary, admin, world) = world(&[]);
    let standby = Server::start("standby.sh", &[], &primary.variables("postgres"));
    let written = primary.run("postgres", "SELECT pg_current_wal_insert_lsn()");
    wait_until(|| standby.run("postgres", &format!("SELECT pg_last_wal_replay_lsn() >= '{written}'")) == "t");
    let gate = world.gate(FREE);
    wait_until(|| standby.run(DATABASE, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") != "0");
    // From here on nothing reaches it any more.
    standby.psql("postgres", &["-c", "ALTER SYSTEM SET primary_conninfo = ''", "-c", "SELECT pg_reload_conf()"]);
    wait_until(|| standby.run("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") == "0");

    let ports = [primary.variable("PGPORT"), standby.variable("PGPORT")].join(",");
    let delete = world.delete(&via(&admin)).env("PGHOST", "127.0.0.1,127.0.0.1").env("PGPORT", &ports);
    let mut child = delete.env("PGTARGETSESSIONATTRS", "primary").args(&["--jobs", "4"]).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    primary.command("stop QUIT");
    hearing.wait_for("the database is away, trying again");
    is_away(primary);
    standby.run("postgres", "SELECT pg_promote()");
    let done: Done = hearing.done(child);
    done.exits(Exit::NotAllDeleted)
        .says("warning: the database continues from another server's copy (timeline 1 became 2)")
        .says(THERE_AGAIN);
    let again = reported_as_it_is(&world, &there(&standby));
    assert!(again >= 40, "only {again} are reported as there again");
    gate.open();
}

/// It acknowledges a commit before it is on disk. Which deletions a crash loses nobody can say before.
#[test]
fn a_server_that_does_not_wait_for_its_disk_crashes() {
    let settings = ["-c", "synchronous_commit=off", "-c", "wal_writer_delay=10s", "-c", "full_page_writes=off"];
    let (postgres, admin, world) = world(&settings);
    let gate = world.gate(FREE);
    let mut child = world.delete(&via(&admin)).args(&["--jobs", "4"]).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    postgres.command("stop QUIT");
    hearing.wait_for("the database is away, trying again");
    is_away(postgres);
    postgres.command("start");
    drop(gate);
    hearing.done(child);
    reported_as_it_is(&world, &there(postgres));
}

#[test]
fn the_whole_database_is_restored_between_two_runs() {
    let (postgres, admin, world) = world(&[]);
    postgres.run("postgres", &format!("CREATE DATABASE saved TEMPLATE {DATABASE}"));
    let first = world.delete(&via(&admin)).run().exits(Exit::Clean);
    first.says(" deleted");
    assert_eq!(reported_as_it_is(&world, &there(postgres)), 0);
    postgres.run("postgres", &format!("DROP DATABASE {DATABASE} WITH (FORCE)"));
    postgres.run("postgres", &format!("CREATE DATABASE {DATABASE} TEMPLATE saved"));
    // The same command once more: the journal knows of them, and sends nothing.
    let second = world.delete(&via(&admin)).run().exits(Exit::NotAllDeleted);
    second.says("A new --journal starts over");
    assert_eq!(reported_as_it_is(&world, &there(postgres)), world.chosen.len());
    world.nothing_else_is_gone();
    assert_eq!(world.left(), world.chosen.len());
}
