//! Through a pooler of transactions: nothing is left to the session, which is another one from transaction to transaction.

use halfbuilt::exit::Exit;

use crate::support::{Pooler, Pooling, Report, Run, TIMES, TestDatabase, admin, halfbuilt};

/// What others have left sessions of the server with: each of them would change what is read, were it taken over.
const LEFT_WITH: [&str; 4] = [
    "SET row_security = on; SET search_path = twin, public; SET TimeZone = 'Asia/Tokyo'; SET transform_null_equals = on",
    "SET row_security = on; CREATE TEMP TABLE builds (a_twin integer); CREATE TEMP TABLE output (a_twin integer)",
    "SET row_security = on; SET default_transaction_read_only = off; SET DateStyle = 'SQL, DMY'; SET lock_timeout = 1",
    "SET row_security = on; SET search_path = ''; SET bytea_output = 'escape'; SET extra_float_digits = 0",
];

/// A role that may read the tables of a database, and the schema of a twin that is empty.
pub(crate) fn reader(database: &TestDatabase) -> String {
    let role = format!("{}_reader", database.name);
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         CREATE SCHEMA twin; CREATE VIEW twin.builds AS SELECT * FROM public.builds WHERE false;
         GRANT USAGE ON SCHEMA twin TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA twin TO {role}"
    ));
    role
}

fn through(run: Run, pooler: &Pooler, role: &str) -> Run {
    run.envs(&pooler.variables(role))
}

#[test]
fn what_others_have_left_in_a_session_changes_nothing() {
    let database =
        TestDatabase::circleci(&["healthy", "output-gap", "output-truncated", "stuck-running", "orphan-output"]);
    let role = reader(&database);
    let pooler = Pooler::start(&database.name, Pooling::Transactions, &LEFT_WITH);
    for command in [&["scan"][..], &["verify", "-o", "-"], &["scan", "--rule", "output-gap"]] {
        let run = || halfbuilt(command).args(&TIMES);
        let direct = run().on(&database).env("PGUSER", &role).env("PGPASSWORD", "x").run();
        for _ in 0..2 {
            let pooled = through(run(), &pooler, &role).run();
            assert_eq!(pooled.code, direct.code, "{command:?}: {}", pooled.stderr);
            let same = |text: &str| {
                text.lines().filter(|line| !line.contains("_at\": \"2")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(same(&pooled.stdout), same(&direct.stdout), "{command:?}");
        }
    }
    assert!(pooler.switches() > 20, "{} switches", pooler.switches());
}

/// A policy hides rows from whoever does not say that this is to be an error.
#[test]
fn rows_that_a_policy_hides_are_an_error_in_every_session() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let role = reader(&database);
    database.run(
        "ALTER TABLE builds ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON builds USING (false);
         ALTER TABLE output ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON output USING (false)",
    );
    let pooler = Pooler::start(&database.name, Pooling::Transactions, &LEFT_WITH);
    let nobody = ["--via", "nrepl://127.0.0.1:9", "--max-percent", "100"];
    let delete = || halfbuilt(&["delete"]).args(&[&report]).args(&nobody);
    let real = || delete().args(&["--execute", "--confirm", "ci.acme.example"]);
    let commands: [&dyn Fn() -> Run; 5] = [
        &|| halfbuilt(&["scan"]).args(&TIMES),
        &|| halfbuilt(&["verify"]).args(&TIMES),
        &|| halfbuilt(&["manifest"]),
        &delete,
        &real,
    ];
    for command in commands {
        // Whichever session it begins in.
        for _ in 0..LEFT_WITH.len() {
            let done = through(command(), &pooler, &role).run().exits(Exit::Failed);
            done.says("row-level security").does_not_say("already-gone").does_not_say("clean");
        }
    }
}

/// Deletes all of a report through a pooler, while a second deletion tries to.
pub(crate) fn deletes_alone(database: &TestDatabase, variables: &[(String, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).envs(variables).run().exits(Exit::Clean);
    let before = database.builds();
    let gate = database.gate(1);
    let delete = |journal: &str| {
        let run = halfbuilt(&["delete"]).args(&[&report]).args(&["--max-percent", "100", "--journal"]);
        let run = run.args(&[&folder.path().join(journal)]).args(&["--execute", "--confirm", &database.host]);
        run.envs(variables).via_nrepl(&admin(database))
    };
    let first = delete("first.jsonl").start();
    gate.wait_for(1);
    let second = delete("second.jsonl").run().exits(Exit::Declined);
    second.fails_with("another halfbuilt delete is working on this database");
    gate.open();
    let first = crate::support::Done::new(first.wait_with_output().expect("it ends")).exits(Exit::Clean);
    let deleted = Report::parse(&first.stdout).count("state", "deleted") as u64;
    assert!(deleted > 0);
    assert_eq!(deleted, before - database.builds());
    // The lock has gone with the run.
    let third = delete("third.jsonl").run().exits(Exit::Clean);
    third.says("already-gone: no build in the database has this URL");
}

#[test]
fn one_deletion_at_a_time_through_a_pooler_too() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let role = reader(&database);
    let pooler = Pooler::start(&database.name, Pooling::Transactions, &[LEFT_WITH, LEFT_WITH].concat());
    deletes_alone(&database, &pooler.variables(&role));
    assert!(pooler.switches() > 20, "{} switches", pooler.switches());
}

#[test]
fn a_transaction_that_is_not_kept_together_is_an_error() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let role = reader(&database);
    let pooler = Pooler::start(&database.name, Pooling::Statements, &["", "", ""]);
    for command in [&["scan"][..], &["verify"], &["manifest"]] {
        let done = through(halfbuilt(command).args(&TIMES[..2]), &pooler, &role).run().exits(Exit::Failed);
        assert_eq!(done.says("pooler").does_not_say("clean").stdout, "");
    }
}
