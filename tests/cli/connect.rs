//! Reaching the build database, and what is said when it cannot be reached or read.

use halfbuilt::exit::Exit;

use crate::support::{Report, Run, Seen, TIMES, TestDatabase, halfbuilt, server_variables};
use crate::what_a_person_sees::{Says, shows};

fn scan(url: &str) -> Run {
    halfbuilt(&["scan", "--database-url", url]).args(&TIMES)
}

/// host, port, user and password of the private server.
fn server() -> [String; 4] {
    let variables = server_variables("postgres");
    [0, 1, 2, 3].map(|index: usize| variables[index].1.clone())
}

#[test]
fn by_url_by_pairs_and_by_environment() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let [host, port, user, password] = server();
    let name = &database.name;
    let by_url = scan(&format!("postgres://{user}@{host}:{port}/{name}")).env("PGPASSWORD", &password).run();
    let by_pairs =
        scan(&format!("host={host} port={port} dbname={name} user={user}")).env("PGPASSWORD", &password).run();
    let by_environment = halfbuilt(&["scan"]).args(&TIMES).on(&database).run();
    let expected = Report::parse(&by_environment.exits(Exit::Clean).stdout);
    assert!(!expected.rows.is_empty());
    assert_eq!(Report::parse(&by_url.exits(Exit::Clean).stdout), expected);
    assert_eq!(Report::parse(&by_pairs.exits(Exit::Clean).stdout), expected);
}

#[test]
fn by_the_password_file() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::circleci(&["output-gap"]);
    let [host, port, user, password] = server();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".pgpass");
    std::fs::write(&file, format!("{host}:{port}:*:{user}:{password}\n")).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    let run = || scan(&format!("postgres://{user}@{host}:{port}/{}", database.name));
    let home = folder.path().to_str().expect("a path");
    run().env("HOME", home).run().exits(Exit::Clean);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("permissions");
    // As libpq does: said, and not used.
    let done = run().env("HOME", home).run().exits(Exit::Failed).says("is not used: other users can read it");
    done.fails_with("cannot connect").says("hint: the server wants a password");
}

#[test]
fn a_password_on_the_command_line_works_and_is_warned_of_and_never_shown() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let [host, port, user, password] = server();
    let url = format!("postgres://{user}:{password}@{host}:{port}/{}", database.name);
    let done = scan(&url).run().exits(Exit::Clean).says("warning: a password in --database-url");
    assert!(!done.stderr.contains(&password));
    let done = scan(&url.replace(&database.name, "nowhere")).run().exits(Exit::Failed);
    assert!(!done.stderr.contains(&password), "{}", done.stderr);
}

#[test]
fn nobody_listens() {
    let done = scan("postgres://me@127.0.0.1:9/ci").run().exits(Exit::Failed);
    done.fails_with("error:").says_all_of("connect_nobody_listens");
}

#[test]
fn no_database_is_named_at_all() {
    let done = halfbuilt(&["scan"]).args(&TIMES).env("PGPORT", "9").run().exits(Exit::Failed);
    // One folder, as psql: neither another that anybody may write to, nor a port that anybody may listen on.
    done.fails_with("cannot connect to the build database at /")
        .says(" (socket, port 9), ")
        .says("hint: no such socket");
}

#[test]
fn an_unknown_host() {
    let done = scan("postgres://db.invalid/ci").run().exits(Exit::Failed);
    done.fails_with("db.invalid:5432").says("hint: no such host");
}

#[test]
fn a_socket_that_is_not_there() {
    let done = scan("host=/nonexistent dbname=ci user=me").run().exits(Exit::Failed);
    done.fails_with("error:").says_all_of("connect_socket_that_is_not_there");
}

#[test]
fn a_wrong_password_and_none() {
    let [host, port, user, _] = server();
    let url = format!("postgres://{user}@{host}:{port}/postgres");
    let wrong = scan(&url).env("PGPASSWORD", "wrong-secret").run().exits(Exit::Failed);
    let wrong = wrong.fails_with("password authentication failed").says("hint: the password is wrong");
    assert!(!wrong.stderr.contains("wrong-secret"));
    scan(&url).run().exits(Exit::Failed).fails_with("cannot connect").says("hint: the server wants a password");
}

#[test]
fn an_unknown_database() {
    let [host, port, user, password] = server();
    let done = scan(&format!("postgres://{user}@{host}:{port}/nowhere")).env("PGPASSWORD", &password).run();
    done.exits(Exit::Failed).fails_with("\"nowhere\" does not exist").says("hint: name the database");
}

#[test]
fn a_database_without_the_tables() {
    let database = TestDatabase::empty();
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    done.fails_with("error:").says_all_of("connect_database_without_the_tables");
}

#[test]
fn a_role_that_may_not_read() {
    let database = TestDatabase::circleci(&["output-gap"]);
    database.run("CREATE ROLE stranger LOGIN PASSWORD 'x'");
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).env("PGUSER", "stranger").env("PGPASSWORD", "x").run();
    done.exits(Exit::Failed).fails_with("permission denied").says("hint: this role may not read the table");
}

#[test]
fn what_is_not_followed_is_said_and_never_ignored() {
    let database = TestDatabase::circleci(&[]);
    let done = halfbuilt(&["scan"]).on(&database).env("PGGSSENCMODE", "require").run().exits(Exit::Failed);
    let mut seen = Seen::default();
    seen.add("PGGSSENCMODE=require", &done.fails_with("error:"));
    let done = halfbuilt(&["scan"]).on(&database).env("PGSERVICE", "ci").run().exits(Exit::Failed);
    seen.add("PGSERVICE=ci", &done.fails_with("error:"));
    let done = scan("host=127.0.0.1 sslmod=verify-full").run().exits(Exit::Failed);
    seen.add("sslmod=verify-full", &done.fails_with("error:"));
    shows(&seen, "connect_what_is_not_followed");
}

#[test]
fn a_server_without_tls_is_not_used_where_tls_is_wanted() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let done = halfbuilt(&["scan"]).on(&database).env("PGSSLMODE", "require").run();
    done.exits(Exit::Failed).fails_with("cannot connect").says("TLS");
    let done = halfbuilt(&["scan"]).on(&database).env("PGSSLMODE", "verify-full").run();
    done.exits(Exit::Failed).fails_with("error:").says_all_of("connect_without_trusted_certificates");
}

#[test]
fn another_schema_is_named_by_a_flag_or_by_pgoptions() {
    let database = TestDatabase::circleci(&["output-gap"]);
    database.run("ALTER SCHEMA public RENAME TO ci; CREATE SCHEMA public");
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    done.says_all_of("connect_tables_in_another_schema");
    halfbuilt(&["scan", "--schema", "ci"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    halfbuilt(&["scan"]).args(&TIMES).on(&database).env("PGOPTIONS", "-csearch_path=ci").run().exits(Exit::Clean);
}
