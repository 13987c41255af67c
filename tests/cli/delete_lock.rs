//! One deletion at a time: the lock that `halfbuilt delete` takes in the database.

use halfbuilt::exit::Exit;

use crate::delete_gates::delete;
use crate::support::{
    Done, Hearing, NOBODY, Report, TIMES, TestDatabase, admin, halfbuilt, psql, psql_meanwhile, scanned, wait_until,
};
use crate::what_a_person_sees::Says;

#[test]
fn one_deletion_at_a_time() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.builds();
    let gate = database.gate(1);
    let run = || {
        let run = delete(&database, &report).via_nrepl(&admin(&database));
        run.args(&["--execute", "--confirm", &database.host])
    };
    let first = run().start();
    gate.wait_for(1);
    // Its first line says who runs it, where and since when.
    let refused = run().run().exits(Exit::Declined).fails_with("it is in use by ");
    drop(refused.says(&format!(", process {}, since 20", first.id())).says("hint: wait for the other run to end"));
    let second = run().args(&["--journal", "of-its-own.jsonl"]).run().exits(Exit::Declined);
    second
        .fails_with("another halfbuilt delete is working on this database: \"halfbuilt delete, process ")
        .says(", since 20")
        .says("(the server's process ")
        .says("hint:");
    // A dry run is not in the way of anybody: it only says so. A scan does not care.
    let dry = delete(&database, &report).args(&NOBODY).run();
    dry.says("warning: another halfbuilt delete is working on this database: \"halfbuilt delete, process ");
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    gate.open();
    let first = Done::new(first.wait_with_output().expect("it ends")).exits(Exit::Clean);
    assert_eq!(Report::parse(&first.stdout).count("state", "deleted") as u64, before - database.builds());
    // It ended with its connection.
    run().run().exits(Exit::Clean).does_not_say("another halfbuilt");
}

#[test]
fn a_lock_in_another_database_or_of_another_number_is_nobodys_business() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let other = TestDatabase::circleci(&[]);
    let lock = |number: &str| format!("SELECT pg_advisory_lock({number}); SELECT pg_sleep(600)");
    let number = i64::from_be_bytes(*b"halfbilt").to_string();
    let mut holders = [psql_meanwhile(&other.name, &lock(&number)), psql_meanwhile(&database.name, &lock("1"))];
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid IN (1, 1651076212)";
    wait_until(|| psql("postgres", &["-c", locks]).parse::<u32>().expect("a number") >= 2);
    let real = ["--execute", "--confirm", &database.host];
    let done = delete(&database, &report).args(&NOBODY).args(&real).run().exits(Exit::Failed);
    done.says("127.0.0.1:9").does_not_say("another halfbuilt");
    for holder in &mut holders {
        holder.kill().and_then(|()| holder.wait()).expect("it ends");
    }
}

#[test]
fn where_no_lock_may_be_taken_that_is_said() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    database.run(
        "CREATE ROLE lockless LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO lockless;
         REVOKE EXECUTE ON FUNCTION pg_try_advisory_xact_lock(bigint) FROM PUBLIC",
    );
    let real = ["--execute", "--confirm", &database.host];
    let run = delete(&database, &report).args(&NOBODY).args(&real);
    let done = run.env("PGUSER", "lockless").env("PGPASSWORD", "x").run().exits(Exit::Failed);
    done.says_all_of("delete_where_no_lock_may_be_taken");
}

/// A session that holds the deletion lock under a name.
fn holder(database: &TestDatabase, name: &str) -> std::process::Child {
    let number = i64::from_be_bytes(*b"halfbilt");
    let child = psql_meanwhile(
        &database.name,
        &format!(
            "SET application_name = '{name}'; BEGIN; SELECT pg_advisory_xact_lock({number}); SELECT pg_sleep(600)"
        ),
    );
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1651076212 AND database = (SELECT oid FROM \
                 pg_database WHERE datname = current_database())";
    wait_until(|| database.run(locks) == "1");
    child
}

fn ends(database: &TestDatabase, mut child: std::process::Child, name: &str) {
    database.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}' AND pid <> pg_backend_pid()"));
    child.wait().expect("it ends");
}

/// The server may not have noticed yet that the one before was killed.
#[test]
fn the_lock_of_a_deletion_that_was_just_killed_is_waited_for() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    // No process has such a number. Source: proc(5), pid_max.
    let name = "halfbuilt delete, process 4194305 of me@nowhere";
    let child = holder(&database, name);
    let mut run = delete(&database, &report).args(&NOBODY).args(&["--execute", "--confirm", &database.host]).start();
    let hearing = Hearing::of(&mut run);
    hearing.wait_for(&format!("the lock of a deletion is held by {name:?}, since 20"));
    assert!(hearing.so_far().contains("waiting up to 15s, in case it has just been killed"), "{}", hearing.so_far());
    ends(&database, child, name);
    hearing.done(run).exits(Exit::Failed).says("127.0.0.1:9").does_not_say("another halfbuilt delete");
}

/// A process of this machine that lives is not waited for, and nobody for ever.
#[test]
fn the_lock_of_a_deletion_that_lives_is_not_waited_for() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let alive = format!("halfbuilt delete, process {} of me@{}", std::process::id(), machine.trim());
    for (name, waits) in [(alive.as_str(), false), ("a DBA", true)] {
        let child = holder(&database, name);
        let done = delete(&database, &report).args(&NOBODY).args(&["--execute", "--confirm", &database.host]).run();
        let done =
            done.exits(Exit::Declined).says(&format!("another halfbuilt delete is working on this database: {name:?}"));
        match waits {
            true => drop(done.says("waiting up to 15s")),
            false => drop(done.does_not_say("waiting up to 15s")),
        }
        ends(&database, child, name);
    }
}
