//! Profiles whose CI deletes by a request for a path: what a scan and `profiles --check` say of such paths.

use halfbuilt::exit::Exit;

use crate::support::{Larch, Report, Seen, halfbuilt};
use crate::what_a_person_sees::shows;

/// A name and a path for each thing that can be wrong with one.
const ROWS: &str = r"(1, '/api/jobs/1', NULL), (2, NULL, NULL), (3, '', NULL),
    (4, 'https://evil.example/api/jobs/4', NULL), (5, '//evil.example/api/jobs/5', NULL), (6, '/api/jobs/../6', NULL),
    (7, '/api/jobs/%2e%2E/7', NULL), (8, E'/api/jobs/8\r\nHost: evil.example', NULL), (9, '/api/jobs/9?all=true', NULL),
    (10, '/api/jobs/' || repeat('1', 3000), NULL), (11, '/api/jobs/' || repeat('é', 1500), NULL), (12, '/api/x%2Fy/12/', NULL)";

fn notes(larch: &Larch) -> Vec<(String, String)> {
    let report = Report::parse(&larch.halfbuilt(&["scan"]).run().exits(Exit::Clean).stdout);
    let rows = report.rows.iter();
    rows.map(|row| (row["build_num"].clone(), row["note"].clone())).collect()
}

#[test]
fn a_build_whose_path_cannot_be_sent_is_not_deletable_and_its_note_says_why() {
    let larch = Larch::new(Larch::HEADERS, ROWS);
    let no_path = |why: &str| format!("its delete path is not a path: {why}");
    let expected = [
        String::new(),
        "the profile gives no path to delete it by".to_owned(),
        no_path("it does not begin with a slash"),
        no_path("it names a host"),
        no_path("it names a host"),
        no_path("a part of it is . or .."),
        no_path("a part of it is . or .."),
        no_path(r"it contains the character \r"),
        no_path("it has a query or an anchor"),
        no_path("it has more than 2048 bytes"),
        no_path("it has more than 2048 bytes"),
        String::new(),
    ];
    let found = notes(&larch);
    for (number, note) in (1..).zip(expected) {
        assert!(found.contains(&(number.to_string(), note.clone())), "{number}: {note}: {found:?}");
    }
    // Without the header a path means nothing.
    let silent = Larch::new("", ROWS);
    assert!(notes(&silent).iter().all(|(_, note)| note.is_empty()), "{:?}", notes(&silent));
}

#[test]
fn what_is_no_path_is_not_called_a_path_that_is_shared() {
    for path in ["/", "", "//", "jobs", "/jobs?all=true"] {
        let larch = Larch::new(Larch::HEADERS, &format!("(1, '{path}', NULL), (2, '{path}', NULL)"));
        let found = notes(&larch);
        assert_eq!(found.len(), 2, "{path}");
        let is_no_path = |note: &String| note.starts_with("its delete path is not a path: ");
        assert!(found.iter().all(|(_, note)| is_no_path(note) && !note.contains("another build")), "{path}: {found:?}");
    }
}

#[test]
fn a_fault_in_the_headers_of_a_request_names_the_topic_that_explains_them() {
    for headers in [
        "-- delete: GET\n",
        "-- cancel: POST\n",
        "-- delete: DELETE\n-- token: basic\n",
        "-- delete: DELETE\n-- gone: 200\n",
    ] {
        let larch = Larch::with_jobs(headers, 1);
        let done = larch.halfbuilt(&["scan"]).run().exits(Exit::Failed);
        assert!(done.stderr.contains("hint: `halfbuilt help delete-by-http` says"), "{}", done.stderr);
    }
}

#[test]
fn paths_are_no_part_of_a_report_or_a_fingerprint() {
    let (with, without) = (Larch::with_jobs(Larch::HEADERS, 2), Larch::with_jobs("", 2));
    let report = |larch: &Larch| Report::parse(&larch.halfbuilt(&["scan"]).run().exits(Exit::Clean).stdout);
    let (one, other) = (report(&with), report(&without));
    assert_eq!(one.header, other.header);
    let prints =
        |report: &Report| report.column("fingerprint").iter().map(|print| print[..16].to_owned()).collect::<Vec<_>>();
    assert_eq!(prints(&one), prints(&other));
}

/// To most servers these are one path: one request would delete two jobs, or the wrong one.
#[test]
fn builds_whose_paths_mean_one_place_are_not_deletable() {
    for (mine, other) in [
        ("/api/jobs/1", "/api/jobs/1"),
        ("/api/jobs/a-b", "/api/jobs/a%2Db"),
        ("/api/a%2Fb/1", "/api/a/b/1"),
        ("/api/a%2fb/1", "/api/a%2Fb/1"),
        ("/api/jobs/1", "/api/jobs/1/"),
        ("/api/Jobs/1", "/api/jobs/1"),
    ] {
        let larch =
            Larch::new(Larch::HEADERS, &format!("(1, '{mine}', NULL), (2, '{other}', NULL), (3, '/api/jobs/3', NULL)"));
        // One of them is sound.
        larch.database.run("UPDATE jobs SET state = 'finished', ended = '2026-11-20T01:55:00Z' WHERE id = 2");
        let found = notes(&larch);
        let [(_, note), (_, none)] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            note.starts_with(
                "a request that deletes it would mean another build, too: 2 builds have the delete path /api/"
            ),
            "{note}"
        );
        assert!(note.ends_with(" (keys 1, 2)") && none.is_empty(), "{mine}, {other}: {found:?}");
    }
    // What no server takes for a path breaks nothing, and what cannot be sent is no path that is shared.
    let odd =
        r#"(1, E'/api/"\\u00/%zz%41%00', NULL), (2, E'/api/"\\u00/%zz%41%00', NULL), (3, '/api/%c3%a9"%22', NULL)"#;
    let found = notes(&Larch::new(Larch::HEADERS, odd));
    assert!(found.iter().all(|(_, note)| note.contains("its delete path is not a path")), "{found:?}");
}

#[test]
fn a_cancel_path_is_judged_where_the_profile_cancels() {
    let rows = "(1, '/api/jobs/1', '/api/jobs/1/cancel'), (2, '/api/jobs/2', NULL), (3, '/api/jobs/3', 'http://evil.example/'),
                (4, '/api/jobs/4', '/api/jobs/cancel'), (5, '/api/jobs/5', '/api/jobs/cancel')";
    let cancels = format!("{}-- cancel: POST\n", Larch::HEADERS);
    let found = notes(&Larch::new(&cancels, rows));
    let note = |number: &str| found.iter().find(|(found, _)| found == number).map(|(_, note)| note.as_str());
    assert_eq!((note("1"), note("2")), (Some(""), Some("")));
    assert_eq!(note("3"), Some("its cancel path is not a path: it names a host"));
    assert!(
        note("4").is_some_and(|note| note.ends_with("2 builds have the cancel path /api/jobs/cancel (keys 4, 5)")),
        "{found:?}"
    );
    assert!(notes(&Larch::new(Larch::HEADERS, rows)).iter().all(|(_, note)| note.is_empty()));
}

#[test]
fn the_check_of_a_profile_shows_how_builds_are_deleted_and_which_have_no_path() {
    let headers =
        "-- delete: DELETE\n-- cancel: GET\n-- token: Basic\n-- refused: 400, 403, 409, 422\n-- denied: 401\n";
    let larch = Larch::new(headers, ROWS);
    let done = halfbuilt(&["profiles", "--check"]).args(&[&larch.profile]).on(&larch.database).run().exits(Exit::Clean);
    assert!(!done.stdout.chars().any(|c| c.is_control() && c != '\n'), "{:?}", done.stdout);
    shows(&Seen::of("halfbuilt profiles --check larch.sql", &done), "profiles_check_delete");
}

#[test]
fn a_profile_that_says_how_to_delete_and_gives_no_path_has_a_fault() {
    let larch = Larch::with_jobs(&format!("{}-- cancel: POST\n", Larch::HEADERS), 1);
    let text = std::fs::read_to_string(&larch.profile).expect("a profile");
    std::fs::write(&larch.profile, text.replace(", delete_path, cancel_path", "")).expect("a file");
    let scan = larch.halfbuilt(&["scan"]).run().exits(Exit::Failed);
    assert!(scan.stderr.contains("no column delete_path (text)"), "{}", scan.stderr);
    let done =
        halfbuilt(&["profiles", "--check"]).args(&[&larch.profile]).on(&larch.database).run().exits(Exit::Failed);
    for column in ["delete_path", "cancel_path"] {
        assert!(done.stdout.contains(&format!("no column {column} (text)")), "{}", done.stdout);
    }
}
