//! sql/role.sql: a role that can read a build database and nothing else is enough.

use halfbuilt::exit::Exit;

use crate::support::{Report, Run, TIMES, TestDatabase, halfbuilt, psql, psql_as, repository, server_variables};

const PASSWORD: &str = "a-password-for-tests";

/// Makes the role, as an operator would: by psql, and once more after a change.
fn make(database: &TestDatabase, role: &str) {
    let file = repository("sql/role.sql");
    let set = format!("role={role}");
    for _ in 0..2 {
        psql(&database.name, &["-1", "-v", &set, "-f", file.to_str().expect("a path")]);
    }
    database.run(&format!("ALTER ROLE {role} PASSWORD '{PASSWORD}'"));
}

fn as_role(run: Run, database: &TestDatabase, role: &str) -> Run {
    run.args(&TIMES).on(database).env("PGUSER", role).env("PGPASSWORD", PASSWORD)
}

/// What the server says to a statement of the role's, even if the role takes back what is only a default.
fn refusal(database: &TestDatabase, role: &str, sql: &str) -> String {
    let writable = "SET default_transaction_read_only = off";
    let output = psql_as(role, PASSWORD, &database.name, &["-c", writable, "-c", sql]);
    assert!(!output.status.success(), "{sql} was allowed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn scan_and_verify_need_no_more_than_the_role_may() {
    let database = TestDatabase::circleci(&["healthy", "output-gap", "output-truncated", "stuck-running"]);
    make(&database, "reader_of_scan");
    let by_owner = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let by_role = as_role(halfbuilt(&["scan"]), &database, "reader_of_scan").run().exits(Exit::Clean);
    assert!(Report::parse(&by_role.stdout).rows.len() > 10);
    assert_eq!(by_role.stdout, by_owner.stdout);
    as_role(halfbuilt(&["verify"]), &database, "reader_of_scan").run().exits(Exit::Found);
}

#[test]
fn the_role_cannot_write() {
    let database = TestDatabase::circleci(&["output-gap"]);
    make(&database, "reader_only");
    for sql in [
        "DELETE FROM builds",
        "UPDATE builds SET status = 'x'",
        "INSERT INTO steps SELECT * FROM steps",
        "TRUNCATE output",
        "DROP TABLE artifacts",
        "ALTER TABLE builds ADD COLUMN another integer",
        "BEGIN; LOCK TABLE builds IN ACCESS EXCLUSIVE MODE",
        "CREATE DATABASE another",
        "CREATE ROLE another",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY builds TO PROGRAM 'true'",
    ] {
        let said = refusal(&database, "reader_only", sql);
        assert!(
            ["permission denied", "must be owner", "must be superuser"].iter().any(|words| said.contains(words)),
            "{said}"
        );
    }
    let settings = "SELECT current_setting('statement_timeout'), current_setting('default_transaction_read_only')";
    let set = psql_as("reader_only", PASSWORD, &database.name, &["-c", settings]);
    assert_eq!(String::from_utf8_lossy(&set.stdout).trim(), "30min|on");
}

#[test]
fn a_table_that_the_role_was_not_given_is_an_error() {
    let database = TestDatabase::circleci(&["output-gap"]);
    make(&database, "reader_of_less");
    database.run("REVOKE SELECT ON output FROM reader_of_less");
    let done = as_role(halfbuilt(&["scan"]), &database, "reader_of_less").run().exits(Exit::Failed);
    done.says("permission denied").says("hint: this role may not read the table");
}

#[test]
fn a_role_that_may_do_more_is_left_alone() {
    let database = TestDatabase::circleci(&[]);
    database
        .run("CREATE ROLE mighty LOGIN CREATEDB PASSWORD 'x'; CREATE ROLE deputy LOGIN PASSWORD 'x' IN ROLE mighty");
    // Ordinary roles, which are not the reader's all the same.
    database.run(
        "CREATE ROLE owner_of_one LOGIN; CREATE TABLE its_own (); ALTER TABLE its_own OWNER TO owner_of_one; \
         CREATE ROLE writer LOGIN; GRANT UPDATE ON builds TO writer; \
         CREATE ROLE writer_of_a_column LOGIN; GRANT SELECT, UPDATE (status) ON builds TO writer_of_a_column; \
         CREATE ROLE maker LOGIN; GRANT CREATE ON SCHEMA public TO maker",
    );
    let [user, password] = [2, 3].map(|index: usize| server_variables(&database.name)[index].1.clone());
    let file = repository("sql/role.sql");
    for role in ["mighty", "deputy", "owner_of_one", "writer", "writer_of_a_column", "maker", &user] {
        let (set, file) = (format!("role={role}"), file.to_str().expect("a path"));
        let done = psql_as(&user, &password, &database.name, &["-1", "-v", &set, "-f", file]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(&format!("the role {role} may do more than read")), "{said}");
    }
    assert_eq!(database.run("SELECT rolconnlimit, rolcreatedb FROM pg_roles WHERE rolname = 'mighty'"), "-1|t");
    assert_eq!(database.run("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'writer'"), "-1");
    // What everybody may do is no fault of the reader, which is made twice.
    database.run("GRANT UPDATE ON builds TO PUBLIC");
    make(&database, "reader_among_all");
}
