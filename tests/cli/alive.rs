//! `--alive FILE`: what the operator knows to be alive is never deleted, and a list proves nothing of what it does not name.

use std::path::Path;

use halfbuilt::exit::Exit;
use serde_json::{Value, json};

use crate::support::{
    CUT, Ci, Done, LOST, NOBODY, Report, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned,
};
use crate::what_a_person_sees::shows;

const UNLISTED: &str = "not on the list of what is alive";
const KEYS: [&str; 3] = ["5c6e3066a1b2c3d4e5f60101", "5c6e3066a1b2c3d4e5f60102", "5c6e3066a1b2c3d4e5f60103"];

/// A CI whose backup cut the builds 101, 102 and 103.
fn three_cut() -> Ci {
    let ci = Ci::new();
    for number in [101, 102, 103] {
        ci.add(number, "'running'", "'running'", CUT);
    }
    ci
}

/// Writes a list into the folder of the CI, and scans with it from there.
fn with_list(ci: &Ci, list: &str, more: &[&str]) -> Done {
    std::fs::write(ci.folder.path().join("alive.txt"), list).expect("a file");
    let profile = ci.profile(LOST);
    let run = halfbuilt(&["scan", "--alive", "alive.txt", "--profile"]).args(&[profile]).args(&TIMES).args(more);
    run.on(&ci.database).at(ci.folder.path()).run()
}

fn notes(done: &Done) -> Vec<(String, String)> {
    let report = Report::parse(&done.stdout);
    report.rows.iter().map(|row| (row["deletable"].clone(), row["note"].clone())).collect()
}

/// The first of three is listed, the others are not.
#[track_caller]
fn keeps_the_first(done: Done) -> Done {
    let done = done.exits(Exit::Clean);
    let unlisted = ("yes".to_owned(), UNLISTED.to_owned());
    let listed = ("no".to_owned(), "listed as alive in alive.txt".to_owned());
    assert_eq!(notes(&done), [listed, unlisted.clone(), unlisted]);
    done
}

/// `nomad status` as it is printed, with a row for each key and its number.
fn nomad(jobs: &[(&str, u32, &str)]) -> String {
    let mut table =
        "ID                                               Type   Priority  Status   Submit Date\n".to_owned();
    for (key, number, status) in jobs {
        table += &format!("{key}-0-build-acme-api-{number}  batch  50        {status}  2026-11-20T06:40:00Z\n");
    }
    table
}

fn pod(name: &str, phase: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "labels": { "build": value }, "annotations": { "of": value } },
            "spec": { "containers": [{ "name": "x" }] }, "status": { "phase": phase } })
}

#[test]
fn each_kind_of_list_keeps_the_builds_that_it_names() {
    let ci = three_cut();
    let mut seen = Seen::default();
    let jobs = nomad(&[(KEYS[0], 101, "running"), (KEYS[1], 102, "dead"), (KEYS[2], 999, "pending")]);
    seen.add("nomad status", &keeps_the_first(with_list(&ci, &jobs, &[])));
    let pods = json!({ "kind": "List", "items": [
        pod("acme-api-101", "Running", "x"), pod("acme-api-102", "Succeeded", "x"), pod("acme-api-103", "Failed", "x")
    ]});
    seen.add_talk("pods", &keeps_the_first(with_list(&ci, &pods.to_string(), &[])));
    let one = pod("x", "Pending", "https://ci.acme.example/gh/acme/api/101?tab=x").to_string();
    keeps_the_first(with_list(&ci, &one, &[]));
    let jobs = json!([{ "ID": "a-0-build-acme-api-101", "Status": "running" }, { "ID": "a-0-build-acme-api-102", "Status": "dead" }]);
    keeps_the_first(with_list(&ci, &jobs.to_string(), &[]));
    for line in ["https://ci.acme.example/gh/acme/api/101/", "ACME/API#101", "acme/api 101", "gh/acme/api #101", "101"]
    {
        keeps_the_first(with_list(&ci, &format!("# by hand\n\n{line}\n"), &[]));
    }
    shows(&seen, "alive_kinds");
}

/// Schedulers name builds by their keys.
#[test]
fn a_build_is_found_by_its_key_within_a_name() {
    let ci = three_cut();
    ci.database.run("ALTER TABLE ci.build ALTER build_key TYPE text");
    for (number, key) in [(101, KEYS[0]), (102, KEYS[1]), (103, "0b2c4d6e-8f10-4a2b-9c3d-5e6f70819203")] {
        ci.database
            .run(&format!("UPDATE ci.build SET build_key = '{key}', project = 'renamed' WHERE build_num = {number}"));
    }
    ci.database.run("ALTER TABLE ci.step ALTER build_key TYPE text; ALTER TABLE ci.chunk ALTER build_key TYPE text");
    ci.database.run("UPDATE ci.build SET build_url = NULL WHERE build_num = 101");
    let jobs = nomad(&[(&KEYS[0].to_uppercase(), 901, "running"), (KEYS[1], 902, "dead")]);
    let done = with_list(&ci, &jobs, &[]).exits(Exit::Clean).says("1 build of this database may be meant");
    let note = &Report::parse(&done.stdout).row("renamed", "101")["note"].clone();
    assert!(note.starts_with("listed as alive in alive.txt; "), "{note}");
    let uuid = pod("task-0B2C4D6E-8F10-4A2B-9C3D-5E6F70819203-x7k2p", "Running", "x").to_string();
    let done = with_list(&ci, &uuid, &[]).exits(Exit::Clean).says("1 build of this database may be meant");
    assert!(Report::parse(&done.stdout).row("renamed", "103")["note"].starts_with("listed as alive in alive.txt"));
    assert!(!Report::parse(&done.stdout).row("renamed", "101")["note"].contains("listed as alive"));
}

#[test]
fn a_list_of_nobody_is_a_list_and_one_of_another_ci_is_doubted() {
    let ci = three_cut();
    let mut seen = Seen::default();
    seen.add_talk("nobody", &with_list(&ci, "No running jobs\n", &[]).exits(Exit::Clean));
    let pods = json!({ "kind": "List", "items": [] }).to_string();
    let done = with_list(&ci, &pods, &[]).exits(Exit::Clean);
    assert_eq!(notes(&done), vec![("yes".to_owned(), UNLISTED.to_owned()); 3]);
    seen.add_talk("no pods", &done);
    seen.add_talk("another CI", &with_list(&ci, &nomad(&[(KEYS[0], 7001, "running")]), &[]).exits(Exit::Clean));
    // 55 is sound, so it is in no report; it shows that the list is of this CI.
    seen.add_talk("a sound build", &with_list(&ci, &nomad(&[(KEYS[0], 55, "running")]), &[]).exits(Exit::Clean));
    seen.add_talk("over", &with_list(&ci, &nomad(&[(KEYS[0], 101, "dead")]), &[]).exits(Exit::Clean));
    shows(&seen, "alive_nobody");
    // Without a list nothing is said of lists.
    let report = ci.scan(LOST, &[]);
    assert_eq!(report.column("note"), [""; 3]);
}

#[test]
fn what_is_no_list_ends_the_run_before_the_database_is_read() {
    let ci = three_cut();
    let mut seen = Seen::default();
    for (what, list) in [
        ("an empty file", ""),
        ("comments alone", "# nobody\n"),
        ("an error of kubectl", "Error from server (Forbidden): pods is forbidden\n"),
        ("a table of kubectl", "NAME   READY   STATUS\nbuild  1/1     Running\n"),
        ("a report", "build_url,project\r\n"),
        ("other JSON", "{\"kind\": \"List\", \"items\": [{\"kind\": \"Job\", \"metadata\": {}}]}"),
        ("half a JSON", "{\"kind\": \"List\", \"items\": [{"),
        ("an escape sequence", "acme/api#1\n\u{1b}]0;title\u{7}acme/api#2\n"),
    ] {
        let done = with_list(&ci, list, &["--database-url", "postgres://127.0.0.1:1/nobody"]).exits(Exit::Failed);
        assert!(!done.stderr.contains('\u{1b}'), "{}", done.stderr);
        seen.add(what, &done.fails_with("error: --alive alive.txt cannot be used"));
    }
    shows(&seen, "alive_no_list");
    let folder = ci.folder.path();
    for (name, bytes, said) in [
        ("binary", b"\x7fELF\x02\x01\0\xff".as_slice(), "it is not UTF-8 text"),
        ("utf-16", b"\xff\xfea\0", "it is written in UTF-16"),
    ] {
        std::fs::write(folder.join(name), bytes).expect("a file");
        let done = halfbuilt(&["verify", "--alive", name]).args(&TIMES).on(&ci.database).at(folder).run();
        done.exits(Exit::Failed).says(said);
    }
    std::fs::File::create(folder.join("large")).and_then(|file| file.set_len((64 << 20) + 1)).expect("a file");
    for (name, said) in
        [(".", "it is a folder, not a file"), ("none", "No such file"), ("large", "larger than the 64 MiB")]
    {
        let done = halfbuilt(&["scan", "--alive", name]).args(&TIMES).on(&ci.database).at(folder).run();
        done.exits(Exit::Failed).says(said);
    }
    std::fs::write(folder.join("alive.txt"), "acme/api#1\n").expect("a file");
    let over = halfbuilt(&["scan", "--alive", "alive.txt", "-o", "alive.txt"]).on(&ci.database).at(folder).run();
    over.exits(Exit::Usage).says("-o and --alive are one file");
}

/// Names are compared, and asked for as parameters; none of them is run, shown or taken for a formula.
#[test]
fn hostile_names_stay_text() {
    let ci = three_cut();
    ci.database.run("UPDATE ci.build SET project = $$a'); DROP TABLE ci.step; --$$ WHERE build_num = 101");
    let name = "a'); DROP TABLE ci.step; --#101\n=cmd|'/C'!A0\n$1\n%s\nünïcödé#9\n";
    let done = with_list(&ci, name, &[]).exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).count("deletable", "no"), 1);
    assert_eq!(ci.database.run("SELECT count(*) FROM ci.step"), "0");
    let pods = json!({ "kind": "List", "items": [
        pod("\u{1b}[31m\u{7}acme-api-102", "Running", "'; DROP TABLE ci.step; --"), pod("\u{0}", "Running", "\u{0}"), pod("", "Running", "")
    ]});
    let done = with_list(&ci, &pods.to_string(), &[]).exits(Exit::Clean);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains(['\u{1b}', '\u{7}', '\0']));
    let file = "=a\u{1b}[31m\"b.txt";
    std::fs::write(ci.folder.path().join(file), "acme/api#103\n").expect("a file");
    let profile = ci.profile(LOST);
    let done = halfbuilt(&["scan", "--alive", file, "--profile"]).args(&[profile]).args(&TIMES).on(&ci.database);
    let done = done.at(ci.folder.path()).run().exits(Exit::Clean);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains('\u{1b}'));
    assert_eq!(Report::parse(&done.stdout).row("acme/api", "103")["note"], "listed as alive in =a\\u{1b}[31m\"b.txt");
}

#[test]
fn several_lists_are_all_heard_and_every_format_shows_them() {
    let ci = three_cut();
    let folder = ci.folder.path();
    std::fs::write(folder.join("more.txt"), "acme/api#102\n").expect("a file");
    let list = "acme/api#101\n";
    let mut seen = Seen::default();
    let done = with_list(&ci, list, &["--alive", "more.txt"]).exits(Exit::Clean);
    let expected = ["listed as alive in alive.txt", "listed as alive in more.txt", UNLISTED];
    assert_eq!(Report::parse(&done.stdout).column("note"), expected);
    seen.add_talk("two lists", &done);
    let done = with_list(&ci, list, &["--alive", "more.txt", "--format", "json"]).exits(Exit::Clean);
    let document: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let notes = document["findings"].as_array().expect("a list").iter().map(|found| found["note"].as_str());
    assert_eq!(notes.collect::<Vec<_>>(), expected.map(Some));
    with_list(&ci, list, &["-o", "report.csv"]).exits(Exit::Clean);
    let about = std::fs::read_to_string(folder.join("report.csv.about.json")).expect("a file");
    let about: Value = serde_json::from_str(&about).expect("JSON");
    let alive = &about["alive"][0];
    assert_eq!((&alive["file"], &alive["kind"]), (&json!("alive.txt"), &json!("a list of builds")));
    assert_eq!((&alive["alive"], &alive["over"]), (&json!(1), &json!(0)));
    assert_eq!(alive["sha256"].as_str().map(str::len), Some(64));
    halfbuilt(&["report", "report.csv", "--html", "page.html"]).at(folder).run().exits(Exit::Clean);
    let page = std::fs::read_to_string(folder.join("page.html")).expect("a page");
    assert!(page.contains("listed as alive in alive.txt") && page.contains(UNLISTED));
    shows(&seen, "alive_several");
}

#[test]
fn verify_hears_of_lists_too() {
    let ci = three_cut();
    std::fs::write(ci.folder.path().join("alive.txt"), "acme/api#101\n").expect("a file");
    let run = halfbuilt(&["verify", "--alive", "alive.txt", "-o", "report.csv", "--profile"]).args(&[ci.profile(LOST)]);
    let done = run.args(&TIMES).on(&ci.database).at(ci.folder.path()).run().exits(Exit::Found);
    let report = Report::read(&ci.folder.path().join("report.csv"));
    assert_eq!(report.column("deletable"), ["no", "yes", "yes"]);
    let mut seen = Seen::default();
    seen.add_talk("halfbuilt verify --alive alive.txt -o report.csv", &done);
    shows(&seen, "alive_verify");
}

/// Everything that may be allowed, for a report of a database, sent through its admin path.
fn delete(database: &TestDatabase, report: &Path, lists: &[&Path]) -> Done {
    let run = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).via_nrepl(&admin(database)).on(database);
    let run = run.args(&["--allow-timing", "after-restore,between,unknown", "--allow", "times-contradicted=99"]);
    let run = run.args(&["--execute", "--confirm", &database.host, "--max-percent", "100"]);
    lists.iter().fold(run, |run, list| run.args(&["--alive"]).args(&[list])).run()
}

/// What is listed, and what the report calls deletable besides.
fn chosen(report: &Path) -> (Vec<String>, Vec<String>) {
    let deletable = deletable(&Report::read(report));
    let (listed, others) = deletable.split_at(2);
    let after: Vec<String> = Report::read(report)
        .rows
        .iter()
        .filter(|row| row["timing"] == "after-restore")
        .map(|row| row["build_url"].clone())
        .collect();
    assert!(!after.is_empty() && !others.is_empty());
    ([listed, &after].concat(), others.to_vec())
}

#[test]
fn what_is_alive_is_not_deleted_whatever_is_allowed() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let (listed, others) = chosen(&report);
    let list = folder.path().join("alive.txt");
    std::fs::write(&list, listed.join("\n")).expect("a file");
    // The report knows of no list: what is alive now is known from the fresh one.
    let done = delete(&database, &report, &[&list]).exits(Exit::NotAllDeleted).says("may be meant");
    let left = database.urls();
    assert!(listed.iter().all(|url| left.contains(url)), "{listed:?}: {}", done.stderr);
    assert!(others.iter().all(|url| !left.contains(url)), "{others:?}: {}", done.stderr);
    let kept: Vec<_> =
        Report::parse(&done.stdout).rows.into_iter().filter(|row| listed.contains(&row["build_url"])).collect();
    assert_eq!(kept.len(), listed.len());
    assert!(
        kept.iter().all(|row| row["state"] == "refused" && row["reason"].contains("listed as alive in")),
        "{kept:?}"
    );
}

#[test]
fn a_report_with_a_list_is_not_acted_on_without_one() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let (listed, others) = chosen(&report);
    let list = folder.path().join("alive.txt");
    std::fs::write(&list, listed.join("\n")).expect("a file");
    halfbuilt(&["scan", "--alive"]).args(&[&list]).args(&["-o"]).args(&[&report]).args(&TIMES).on(&database).run();
    let before = database.urls();
    let mut seen = Seen::default();
    let declined = delete(&database, &report, &[]).exits(Exit::Declined);
    seen.add("halfbuilt delete report.csv --execute", &declined);
    let dry = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).on(&database).run().exits(Exit::Declined);
    let error = |done: &Done| done.stderr.lines().find(|line| line.starts_with("error:")).map(str::to_owned);
    assert_eq!(error(&dry), error(&declined));
    assert_eq!(database.urls(), before);
    shows(&seen, "alive_delete_without_a_list");
    // A later list lacks them; the report still calls them alive.
    let nobody = folder.path().join("nobody.txt");
    std::fs::write(&nobody, "No running jobs\n").expect("a file");
    let done = delete(&database, &report, &[&nobody]);
    let left = database.urls();
    assert!(listed.iter().all(|url| left.contains(url)), "{}", done.stderr);
    assert!(others.iter().all(|url| !left.contains(url)), "{}", done.stderr);
}

/// Somebody cleared the notes, and calls every row deletable.
#[test]
fn an_edited_report_is_held_against_the_list() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let (listed, others) = chosen(&report);
    let list = folder.path().join("alive.txt");
    std::fs::write(&list, listed.join("\n")).expect("a file");
    halfbuilt(&["scan", "--alive"]).args(&[&list]).args(&["-o"]).args(&[&report]).args(&TIMES).on(&database).run();
    let rows = Report::read(&report);
    let mut edited = csv::Writer::from_path(&report).expect("a file");
    edited.write_record(&rows.header).expect("a row");
    for row in &rows.rows {
        let cell = |name: &String| match name.as_str() {
            "note" => "",
            "deletable" => "yes",
            _ => &row[name],
        };
        edited.write_record(rows.header.iter().map(|name| cell(name).to_owned())).expect("a row");
    }
    edited.flush().expect("a file");
    drop(edited);
    delete(&database, &report, &[]).exits(Exit::Declined).says("--alive is missing");
    let done = delete(&database, &report, &[&list]);
    let left = database.urls();
    assert!(listed.iter().all(|url| left.contains(url)), "{}", done.stderr);
    assert!(others.iter().all(|url| !left.contains(url)), "{}", done.stderr);
}

#[test]
fn the_next_command_names_the_list() {
    let ci = three_cut();
    let scan = with_list(&ci, "acme/api#101\n", &["-o", "report.csv"]).exits(Exit::Clean);
    let next =
        scan.stderr.lines().find(|line| line.starts_with("next: ") && line.contains("halfbuilt delete report.csv"));
    assert!(next.is_some_and(|next| next.ends_with(" --alive alive.txt")), "{}", scan.stderr);
    let plan = halfbuilt(&["delete", "report.csv", "--alive", "alive.txt", "--profile"]).args(&[ci.profile(LOST)]);
    let plan = plan.on(&ci.database).at(ci.folder.path()).run().exits(Exit::Clean);
    let next =
        plan.stderr.lines().find(|line| line.starts_with("next: ") && line.contains("halfbuilt delete report.csv"));
    assert!(
        next.is_some_and(|next| next.contains("--alive alive.txt") && next.contains("--execute")),
        "{}",
        plan.stderr
    );
}
