//! Builds whose addresses count letter by letter: what is planned for them.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Done, Report, TIMES, TestDatabase, halfbuilt};

const PROFILE: &str = "-- profile: acorn
-- title: Acorn CI
-- running: lost
-- queue: in this database
-- addresses: as written
-- delete: DELETE
-- relation: build
SELECT id AS build_key, url AS build_url, repo AS project, id::bigint AS build_num, 'running' AS lifecycle, 'working' AS status,
       NULL::timestamptz AS queued_at, begun AS started_at, NULL::timestamptz AS stopped_at, '/api/runs/' || id AS delete_path
  FROM :\"schema\".runs;
";

/// Runs of Acorn, each with an id and an address, that were cut by the backup.
struct Acorn {
    database: TestDatabase,
    folder: TempDir,
}

impl Acorn {
    fn with(rows: &str) -> Self {
        Self::keyed_by("bigint", rows)
    }

    fn keyed_by(key: &str, rows: &str) -> Self {
        let database = TestDatabase::empty();
        database.run(&format!(
            "CREATE TABLE runs (id {key}, url text, repo text DEFAULT 'Web', begun timestamptz DEFAULT '2026-11-20T01:50:00Z')"
        ));
        database.run(&format!("INSERT INTO runs (id, url) VALUES {rows}"));
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("acorn.sql"), PROFILE).expect("a file");
        Self { database, folder }
    }

    fn profile(&self) -> PathBuf {
        self.folder.path().join("acorn.sql")
    }

    /// A dry run, and what it has planned: one row for each build.
    fn planned(&self, sources: &[&str]) -> (Done, Report) {
        let done = halfbuilt(&["delete"])
            .args(sources)
            .args(&TIMES)
            .args(&["--profile"])
            .args(&[self.profile()])
            .at(self.folder.path())
            .on(&self.database)
            .run();
        let planned = Report::parse(&done.stdout);
        (done, planned)
    }
}

fn decisions(planned: &Report) -> Vec<&str> {
    planned.column("decision")
}

#[test]
fn every_letter_counts() {
    let acorn = Acorn::with(
        "(1, 'https://acorn.example/Runs/1'), (2, 'https://acorn.example/github/acme/api/2/?tab=a'), (3, 'https://acorn.example/#/r/3')",
    );
    let listed = [
        "https://acorn.example/Runs/1",
        "https://acorn.example/github/acme/api/2/?tab=a",
        "https://acorn.example/#/r/3",
    ];
    let (done, planned) = acorn.planned(&listed);
    done.exits(Exit::Clean).says("3 of 3 chosen builds would be deleted on acorn.example");
    assert_eq!(planned.column("build_url"), listed);
    assert_eq!(decisions(&planned), ["delete", "delete", "delete"]);
}

/// A build whose address was written a little differently is not "gone".
#[test]
fn an_address_of_another_host_or_with_another_end_is_refused_and_named() {
    let acorn = Acorn::with("(1, 'https://acorn.example/runs/1')");
    for other in ["http://127.0.0.1:8010/runs/1", "https://acorn.example/runs/1/", "https://acorn.example/RUNS/1"] {
        let (done, planned) = acorn.planned(&[other]);
        done.exits(Exit::NothingInScope);
        assert_eq!(decisions(&planned), ["keep"], "{other}");
        assert_eq!(planned.column("state"), ["refused"], "{other}");
        assert!(planned.column("reason")[0].contains("https://acorn.example/runs/1"), "{planned:?}");
    }
    // Nothing says that there ever was such a build.
    let (_, planned) = acorn.planned(&["https://acorn.example/runs/11"]);
    assert_eq!(planned.column("state"), ["refused"]);
    assert!(planned.column("reason")[0].contains("every letter"), "{planned:?}");
}

#[test]
fn two_builds_with_one_address_are_refused() {
    let acorn = Acorn::with("(1, 'https://acorn.example/runs/1'), (2, 'https://acorn.example/runs/1')");
    let (done, planned) = acorn.planned(&["https://acorn.example/runs/1"]);
    done.exits(Exit::NothingInScope);
    assert_eq!(planned.column("state"), ["refused"]);
}

/// Keys of some types cannot be handed back to the server: such builds are looked up by their addresses each time.
#[test]
fn keys_of_any_type_will_do() {
    for key in ["int", "text", "uuid", "numeric", "citext_like"] {
        let (key, value) = match key {
            "uuid" => ("uuid", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'"),
            "text" => ("text", "'a b'"),
            "citext_like" => ("char(8)", "'a'"),
            other => (other, "7"),
        };
        let acorn = Acorn::keyed_by(key, &format!("({value}, 'https://acorn.example/runs/7')"));
        let profile = PROFILE.replace("id::bigint", "NULL::bigint").replace("|| id", "|| 7");
        std::fs::write(acorn.profile(), profile).expect("a file");
        let (done, planned) = acorn.planned(&["https://acorn.example/runs/7"]);
        done.exits(Exit::Clean);
        assert_eq!(decisions(&planned), ["delete"], "{key}");
    }
}

/// What a hostile database calls an address is reported, and never deletable.
#[test]
fn what_is_no_address_is_reported_and_kept() {
    let acorn = Acorn::with(
        "(1, E'https://acorn.example/runs/1\\r\\nX-Token: 1'), (2, 'javascript:alert(1)'), (3, 'https://a:b@acorn.example/runs/3'),
         (4, 'https://acorn.example/\"><script>'), (5, NULL), (6, 'https://acorn.example'), (7, 'https://acorn.example/%zz')",
    );
    let scan = halfbuilt(&["scan"]).args(&TIMES).args(&["--profile"]).args(&[acorn.profile()]);
    let report = Report::parse(&scan.on(&acorn.database).run().exits(Exit::Clean).stdout);
    let notes = report.column("note");
    assert_eq!(notes.len(), 7);
    for note in &notes {
        assert!(note.starts_with("its address cannot be used: ") || *note == "it has no address", "{note}");
    }
    assert!(report.column("deletable").iter().all(|deletable| *deletable == "no"));
}

#[test]
fn a_profile_without_a_request_cannot_delete_them() {
    let acorn = Acorn::with("(1, 'https://acorn.example/runs/1')");
    std::fs::write(acorn.profile(), PROFILE.replace("-- delete: DELETE\n", "")).expect("a file");
    let (done, planned) = acorn.planned(&["https://acorn.example/runs/1"]);
    done.exits(Exit::NothingInScope);
    let reason = planned.column("reason")[0];
    assert!(reason.contains("the profile does not say how this CI deletes a build"), "{reason}");
}

#[test]
fn a_report_is_chosen_from_by_its_addresses() {
    let acorn = Acorn::with("(1, 'https://acorn.example/runs/1'), (2, 'https://acorn.example/runs/2?a=b&c=%2F')");
    let report = acorn.folder.path().join("report.csv");
    let scan = halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&["--profile"]).args(&[acorn.profile()]);
    scan.on(&acorn.database).run().exits(Exit::Clean).says("2 deletable");
    let (done, planned) = acorn.planned(&[report.to_str().expect("a name")]);
    done.exits(Exit::Clean);
    assert_eq!(decisions(&planned), ["delete", "delete"]);
}

#[test]
fn an_expected_build_is_found_by_its_address() {
    let acorn = Acorn::with("(1, 'https://acorn.example/runs/1')");
    let verify = |expected: &str| {
        let verify =
            halfbuilt(&["verify", "--expect", expected]).args(&TIMES).args(&["--profile"]).args(&[acorn.profile()]);
        verify.on(&acorn.database).run()
    };
    verify("https://acorn.example/runs/1").exits(Exit::Clean).says("1 of 1 expected build was found");
    verify("https://old.example/runs/1").says("1 of 1 expected build was not found: https://old.example/runs/1");
    verify("https://acorn.example").exits(Exit::Usage).fails_with("it names a host, and no build there");
}

/// A page leads to such builds only where the scan was by a profile that says so: else any address of a hostile database would be a link.
#[test]
fn a_page_links_what_the_profile_calls_an_address() {
    let acorn = Acorn::with(
        "(1, 'https://acorn.example/runs/1?a=b&c=''()*'), (2, 'https://acorn.example/runs/2\"><script>'), (3, 'javascript:alert(1)')",
    );
    let scan = |profile: &str| {
        std::fs::write(acorn.profile(), profile).expect("a file");
        let (report, page) = (acorn.folder.path().join("report.csv"), acorn.folder.path().join("page.html"));
        let scan = halfbuilt(&["scan", "--overwrite", "-o"]).args(&[&report]).args(&TIMES).args(&["--profile"]);
        scan.args(&[acorn.profile()]).on(&acorn.database).run().exits(Exit::Clean);
        halfbuilt(&["report"]).args(&[&report]).args(&["--html"]).args(&[&page]).run().exits(Exit::Clean);
        std::fs::read_to_string(page).expect("a page")
    };
    let page = scan(PROFILE);
    assert!(page.contains("href=\"https://acorn.example/runs/1?a=b&#38;c=&#39;()*\""), "{page}");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("href=\"javascript"));
    let of_circleci = PROFILE.replace("-- addresses: as written\n", "-- addresses: circleci\n");
    assert!(!scan(&of_circleci).contains("href=\"https://acorn.example/"));
}

/// A server that was renamed since the scan, or has moved below a folder, has its builds still.
#[test]
fn a_build_whose_address_has_changed_since_the_scan_is_not_gone() {
    for now in ["'https://acorn.example/ci/runs/' || id", "url || '?moved'", "NULL"] {
        let acorn = Acorn::with("(1, 'https://acorn.example/runs/1'), (2, 'https://acorn.example/runs/2')");
        let report = acorn.folder.path().join("report.csv");
        let scan = halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&["--profile"]);
        scan.args(&[acorn.profile()]).on(&acorn.database).run().exits(Exit::Clean);
        acorn.database.run(&format!("UPDATE runs SET url = {now} WHERE id = 2"));
        let (done, planned) = acorn.planned(&[report.to_str().expect("a name")]);
        done.exits(Exit::Clean);
        assert_eq!(planned.column("state"), ["not-attempted", "refused"], "{now}");
        // What is gone is gone.
        acorn.database.run("DELETE FROM runs WHERE id = 2");
        assert_eq!(
            acorn.planned(&[report.to_str().expect("a name")]).1.column("state"),
            ["not-attempted", "already-gone"]
        );
    }
}
