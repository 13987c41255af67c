//! The folder of the private database: where it is, whose, what stands in its way, and how it is removed.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use halfbuilt::exit::Exit;
use regex::Regex;

use crate::support::{PrivateData, Seen, is_root, open_to_all};

const SCAN: &str = "halfbuilt scan --database-url private --profile circleci";

/// What a person sees, on whichever machine.
fn stable(seen: Seen) -> String {
    let filters = [
        (r"PostgreSQL \d\d\b(,|\n)", "PostgreSQL <version>$1"),
        (r"process \d+, since \S+", "process 30185, since <now>"),
        (r"\d\d MiB", "<some> MiB"),
        // In the words of each version.
        (r"initdb failed: .*: File too large", "initdb failed: <why>: File too large"),
    ];
    filters.iter().fold(seen.0, |text, (pattern, by)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *by).into_owned()
    })
}

/// A program that says it is one of PostgreSQL.
fn programs_of(folder: &Path, version: &str) -> String {
    std::fs::create_dir_all(folder).expect("a folder");
    for name in ["initdb", "postgres"] {
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    open_to_all(folder);
    folder.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_stands_in_its_way() {
    let mut seen = Seen::default();
    let own = PrivateData::new();
    seen.add("halfbuilt scan --database-url private, before anything was collected", &own.run(SCAN).run());
    // Nothing was made.
    assert!(!own.data.exists());

    let nothing = programs_of(&own.folder.path().join("none"), "");
    let empty = own.play("starts", ":", &[("HALFBUILT_POSTGRES_BIN", &nothing)]);
    seen.add("halfbuilt collect, without PostgreSQL's programs", &empty);
    let old = programs_of(&own.folder.path().join("old"), "11.22 (Debian 11.22-1)");
    let done = own.play("starts", ":", &[("HALFBUILT_POSTGRES_BIN", &old)]);
    seen.add("halfbuilt collect, with programs of a version that is too old", &done);
    let new = programs_of(&own.folder.path().join("new"), "19beta1");
    let done = own.play("starts", ":", &[("HALFBUILT_POSTGRES_BIN", &new)]);
    done.exits(Exit::Failed).says("only version 19 in ");

    std::fs::write(own.folder.path().join("file"), "").expect("a file");
    let below = own.folder.path().join("file/data");
    let done = own.play("starts", ":", &[("HALFBUILT_DATA", below.to_str().expect("UTF-8"))]);
    seen.add("halfbuilt collect, with a data folder below a file", &done);

    let full = own.play("starts", "trap '' XFSZ; ulimit -f 64", &[]);
    seen.add("halfbuilt collect, with a full disk", &full);
    // That has left nothing which is in the way.
    own.play("starts", ":", &[]).exits(Exit::Clean).says("PostgreSQL ");

    std::fs::write(own.path("data/PG_VERSION"), "13\n").expect("a file");
    let other = programs_of(&own.folder.path().join("other"), "16.2");
    let done = own.run(SCAN).env("HALFBUILT_POSTGRES_BIN", &other).run();
    seen.add("halfbuilt scan, where the cluster is of another version than the programs", &done);
    std::fs::write(own.path("data/PG_VERSION"), "what?\n").expect("a file");
    seen.add("halfbuilt scan, over a folder that is no cluster", &own.run(SCAN).run());
    insta::assert_snapshot!(stable(seen));
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let own = PrivateData::filled(&[]);
    let settings = own.path("data/postgresql.conf");
    std::fs::write(&settings, "shared_buffers = none\n").expect("a file");
    let done = own.run(SCAN).run().exits(Exit::Failed);
    done.fails_with("PostgreSQL's server failed: ").says("FATAL:  ").says("private/log has all that it said");
    assert!(std::fs::read_to_string(own.path("log")).expect("a log").contains("shared_buffers"));
    std::fs::write(&settings, "").expect("a file");
    own.run("halfbuilt profiles --check circleci --database-url private").run().exits(Exit::Clean);
    own.is_at_rest();
}

#[test]
fn a_path_that_is_too_long_for_a_socket_has_one_elsewhere() {
    for name in ["long/".repeat(20), "with a space, and 'quotes'".to_owned()] {
        let own = PrivateData::below(&format!("{name}/data"));
        let in_use = own.hold();
        let host = in_use.settings.split_once(" hostaddr").expect("a host").0.trim_start_matches("host=").to_owned();
        assert!(!host.starts_with(own.data.to_str().expect("UTF-8")) && host.len() < 90, "{host}");
        let mode = std::fs::metadata(&host).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        in_use.load("sql/schema.sql");
        in_use.end();
        assert!(!Path::new(&host).exists());
        // One that a kill has left is removed by the next command.
        let in_use = own.hold();
        let left = in_use.settings.split_once(" hostaddr").expect("a host").0.trim_start_matches("host=").to_owned();
        in_use.kill();
        assert!(Path::new(&left).exists());
        own.run(SCAN).run().exits(Exit::NothingInScope);
        assert!(!Path::new(&left).exists());
        own.is_at_rest();
    }
}

#[test]
fn it_is_forgotten_with_all_that_is_its_own_and_nothing_else() {
    let own = PrivateData::new();
    let mut seen = Seen::default();
    let forget = || own.run("halfbuilt collect --forget --into private").run();
    seen.add("halfbuilt collect --forget --into private, where nothing was collected", &forget());
    own.fill(&["healthy"]);
    let elsewhere = own.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    std::fs::write(elsewhere.join("kept"), "kept").expect("a file");
    // As a tablespace is one.
    symlink(&elsewhere, own.path("data/pg_tblspc/1")).expect("a link");
    let in_use = own.hold();
    seen.add("halfbuilt collect --forget --into private, while it is in use", &forget());
    in_use.end();
    std::fs::write(own.path("notes.txt"), "mine").expect("a file");
    seen.add("halfbuilt collect --forget --into private, with a file of somebody's beside it", &forget());
    let mut left = std::fs::read_dir(own.path("")).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert_eq!((left.next(), left.next()), (Some("notes.txt".into()), None));
    std::fs::remove_file(own.path("notes.txt")).expect("it is there");
    seen.add("halfbuilt collect --forget --into private, of a folder without a cluster", &forget());
    assert_eq!(std::fs::read_dir(&own.data).expect("a folder").count(), 0);
    assert_eq!(std::fs::read_to_string(elsewhere.join("kept")).expect("a file"), "kept");

    // A link in its place is not followed.
    symlink(&elsewhere, own.path(""))
        .unwrap_or_else(|_| symlink(&elsewhere, own.data.join("private")).expect("a link"));
    seen.add("halfbuilt collect --forget --into private, with a link in its place", &forget());
    assert_eq!(std::fs::read_to_string(elsewhere.join("kept")).expect("a file"), "kept");
    insta::assert_snapshot!(stable(seen));
    // The next collect begins anew.
    std::fs::remove_file(own.data.join("private")).expect("a link");
    own.fill(&["healthy"]);
    own.run(SCAN).run().exits(Exit::Clean);
}

#[test]
fn root_runs_it_as_the_owner_of_its_folder_and_others_do_not_touch_it() {
    const NOBODY: u32 = 65534;
    let own = PrivateData::new();
    if !is_root() {
        // A folder that this user can neither write nor own.
        let closed = own.folder.path().join("closed");
        std::fs::create_dir(&closed).expect("a folder");
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).expect("its mode");
        let data = closed.join("data");
        let done = own.play("starts", ":", &[("HALFBUILT_DATA", data.to_str().expect("UTF-8"))]).exits(Exit::Failed);
        done.says("error: cannot make ")
            .says("Permission denied")
            .says("set HALFBUILT_DATA to a folder that you can write");
        return;
    }
    std::fs::create_dir(&own.data).expect("a folder");
    chown(&own.data, Some(NOBODY), Some(NOBODY)).expect("it is given away");
    own.fill(&["healthy"]);
    for name in ["", "data", "log", "data/PG_VERSION"] {
        let found = std::fs::metadata(own.path(name)).expect("it is there");
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&found), NOBODY, "{name}");
    }
    own.run(SCAN).run().exits(Exit::Clean);
    // The folder of it is closed to others again where somebody has opened it.
    open_to_all(&own.path(""));
    own.run(SCAN).run().exits(Exit::Clean);
    assert_eq!(std::fs::metadata(own.path("")).expect("a folder").permissions().mode() & 0o777, 0o700);
    // Where the account does not get in, the folder that keeps it out is named.
    let closed = PrivateData::below("closed/data");
    std::fs::create_dir(closed.data.parent().expect("a folder")).expect("a folder");
    std::fs::set_permissions(closed.data.parent().expect("a folder"), std::fs::Permissions::from_mode(0o700))
        .expect("its mode");
    let done = closed.play("starts", ":", &[]).exits(Exit::Failed);
    done.says("who cannot reach ").says("/closed` lets ");
}
