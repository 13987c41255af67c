//! The private database while it runs: started and ended with a command, however that ends, and used by one at a time.

use halfbuilt::exit::Exit;

use crate::support::{
    Hearing, InUse, PrivateData, Signal, TIMES, repository, signal, signal_group, wait_for_its_end, wait_until,
};

const SCAN: &str = "halfbuilt scan --database-url private --profile circleci";

#[test]
fn it_runs_as_long_as_a_command_reads_it() {
    let own = PrivateData::filled(&["healthy", "output-gap"]);
    own.is_at_rest();
    let done = own.run(SCAN).args(&TIMES).args(&["-o", "report.csv"]).run().exits(Exit::Clean);
    let done = done
        .says(&format!("private database: {}, PostgreSQL ", own.path("").display().to_string().trim_end_matches('/')));
    done.says("written to report.csv").says("delete report.csv --database-url private --profile circleci");
    own.is_at_rest();
    let plan =
        own.run("halfbuilt delete report.csv --database-url private --profile circleci --dry-run").args(&TIMES).run();
    plan.exits(Exit::Clean).says("private database: ").says(" --database-url private --profile circleci");
    own.is_at_rest();
    let report = std::fs::read_to_string(own.folder.path().join("report.csv")).expect("a report");
    assert!(report.lines().count() > 1, "{report}");
    // The variable names it too, and other variables lead nowhere else.
    let quiet = own.run("halfbuilt scan -q --profile circleci").env("HALFBUILT_DATABASE_URL", "private");
    let quiet = quiet.env("PGHOST", "127.0.0.1").env("PGSERVICE", "none").env("PGUSER", "nobody").run();
    quiet.exits(Exit::Clean).does_not_say("private database");
    for command in ["verify", "manifest -o -", "profiles --check circleci"] {
        let profile = if command.starts_with("profiles") { "" } else { "--profile circleci" };
        let done = own.run(&format!("halfbuilt {command} {profile} --database-url private")).run();
        assert!(matches!(done.code, Some(0 | 1)), "{done:?}");
        done.says("private database: ");
        own.is_at_rest();
    }
}

#[test]
fn a_command_that_reads_cannot_write() {
    let own = PrivateData::new();
    let in_use = own.hold();
    in_use.psql(&["-c", "CREATE SCHEMA later; CREATE TABLE later.kept (x int)"]);
    let as_reader = in_use.psql(&["-c", "SET ROLE halfbuilt_reader; SELECT count(*) FROM later.kept"]);
    assert_eq!(as_reader, "0");
    let rights = "SELECT rolsuper, has_table_privilege(oid, 'later.kept', 'INSERT, UPDATE, DELETE'), \
                  has_database_privilege(oid, 'halfbuilt', 'CREATE') FROM pg_roles WHERE rolname = 'halfbuilt_reader'";
    assert_eq!(in_use.psql(&["-c", rights]), "f|f|f");
    let settings = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN \
                    ('listen_addresses', 'unix_socket_permissions', 'fsync', 'jit', 'server_encoding', 'data_checksums')";
    assert_eq!(in_use.psql(&["-c", settings]), "on on off  UTF8 0700");
    in_use.end();
    own.is_at_rest();
}

#[test]
fn one_command_at_a_time_uses_it() {
    let own = PrivateData::filled(&["healthy"]);
    let in_use = own.hold();
    let pid = in_use.child.id();
    let refused = own.run(SCAN).run().exits(Exit::Failed);
    refused.fails_with(&format!("the private database is in use by `halfbuilt collect`, process {pid}, since 20"));
    let refused = own.run("halfbuilt collect --forget --into private").run().exits(Exit::Failed);
    refused.says("in use by `halfbuilt collect`").says("hint: ");
    // Neither has done anything to it.
    assert_eq!(in_use.psql(&["-c", "SELECT count(*) > 0 FROM builds"]), "t");
    in_use.end();
    own.run(SCAN).run().exits(Exit::Clean);
    own.is_at_rest();
}

#[test]
fn a_command_that_is_killed_leaves_no_server() {
    let own = PrivateData::filled(&["healthy"]);
    own.hold().kill();
    // By itself: nobody else ends it.
    wait_for_its_end(&own);
    own.run(SCAN).run().exits(Exit::Clean);
    own.is_at_rest();
}

#[test]
fn a_server_that_was_left_is_ended_by_the_next_command() {
    let own = PrivateData::filled(&["healthy"]);
    // A search path without setpriv, as on a system that has none.
    let programs = own.folder.path().join("bin");
    std::fs::create_dir(&programs).expect("a folder");
    std::os::unix::fs::symlink("/bin/mkdir", programs.join("mkdir")).expect("a link");
    let in_use = InUse::of(&mut own.child("holds", &format!("PATH='{}'", programs.display())));
    in_use.psql(&["-c", "CREATE TABLE committed AS SELECT 1 AS x"]);
    let server = own.server();
    in_use.kill();
    // Processes of the server come and go; the first is the server.
    assert!(own.processes().contains(&server), "this system ends it by itself");
    own.run(SCAN).run().exits(Exit::Clean);
    own.is_at_rest();
    let in_use = own.hold();
    assert_eq!(in_use.psql(&["-c", "SELECT x FROM committed"]), "1");
    in_use.end();
}

#[test]
fn the_file_of_a_server_that_is_gone_is_in_nobodys_way() {
    let own = PrivateData::filled(&["healthy"]);
    let file = own.path("data/postmaster.pid");
    // The number of a process that lives, and is no server: this one.
    let text = format!("{}\n{}\n1\n5432\n\n\n\nready\n", std::process::id(), own.path("data").display());
    std::fs::write(&file, text).expect("a file");
    own.run(SCAN).run().exits(Exit::Clean);
    own.is_at_rest();
}

#[test]
fn an_interrupted_command_ends_its_server() {
    let own = PrivateData::filled(&["healthy"]);
    let profile = repository("tests/cli/profile_that_sleeps.sql");
    let profile = profile.to_str().expect("UTF-8");
    let scan = |printed: &str| own.run(&format!("halfbuilt scan --database-url private --profile {profile} {printed}"));
    for (number, whole_group) in [(Signal::SIGTERM, false), (Signal::SIGINT, true), (Signal::SIGHUP, false)] {
        let mut child = scan("").in_a_group_of_its_own().start();
        let hearing = Hearing::of(&mut child);
        hearing.wait_for("private database: ");
        wait_until(|| own.is_read());
        if whole_group {
            signal_group(&child, number)
        } else {
            signal(&child, number)
        };
        hearing.done(child).exits(Exit::Interrupted);
        own.is_at_rest();
    }
}

#[test]
fn a_kill_while_it_is_made_or_started_does_not_poison_it() {
    for seen in ["new-", "data/postmaster.pid"] {
        let own = PrivateData::new();
        let mut child = own.child("holds", ":").spawn().expect("it starts");
        let is_there = || {
            let folder = std::fs::read_dir(own.path("")).into_iter().flatten();
            let mut names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
            own.path(seen).exists() || names.any(|name| name.starts_with(seen))
        };
        wait_until(is_there);
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        own.fill(&["healthy"]);
        // What was killed may still be ending.
        wait_for_its_end(&own);
        own.run(SCAN).run().exits(Exit::Clean);
        own.is_at_rest();
        let mut names: Vec<String> = std::fs::read_dir(own.path(""))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        assert_eq!(names, ["data", "log", "socket"]);
    }
}

#[test]
fn what_is_collected_into_it_has_a_profile_of_its_own() {
    let own = PrivateData::new();
    own.hold().end();
    let scan = |profile: &[&str]| own.run("halfbuilt scan --database-url private").args(profile).args(&TIMES).run();
    // A collect that could not even begin has left an empty one.
    let empty = scan(&[]).exits(Exit::Failed);
    empty.says("this database holds no collection").says("`halfbuilt collect`");
    let in_use = own.hold();
    in_use.load("sql/documents.sql");
    in_use.end();
    // Its profile finds the tables, which are empty.
    scan(&[]).exits(Exit::Failed).says("no collection of documents was begun");
    // Another one is taken where it is named, by the flag or by its variable.
    scan(&["--profile", "circleci"]).exits(Exit::Failed).says("error: profile circleci: ");
    let named = own.run("halfbuilt scan --database-url=private").env("HALFBUILT_PROFILE", "buildbot").run();
    named.exits(Exit::Failed).says("error: profile buildbot: ");
    own.is_at_rest();
}
