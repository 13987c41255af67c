//! `halfbuilt verify --baseline`: what a restored database has lost, changed and gained.

use std::path::PathBuf;

use halfbuilt::exit::Exit;

use crate::support::{BACKUP_TIME, Done, Drill, Report, Run, Seen, TIMES, TestDatabase, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

const AT: [&str; 2] = ["--backup-time", BACKUP_TIME];

#[test]
fn a_database_that_is_as_it_was_is_clean() {
    let drill = Drill::healthy();
    drill.verify().run().exits(Exit::Clean).says_all_of("verify_baseline_nothing_differs");
    assert_eq!(drill.report().rows.len(), 0);
}

#[test]
fn lost_changed_and_extra_builds_are_reported_and_nothing_else_is() {
    let drill = Drill::healthy();
    let (lost, lost_project, lost_number) = drill.build(3);
    let (changed, project, number) = drill.build(40);
    drill.database.run(&format!("DELETE FROM builds WHERE build_id = {lost}"));
    drill.database.run(&format!("UPDATE builds SET status = 'odd' WHERE build_id = {changed}"));
    drill.database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         VALUES ('github', 'acme', 'brand-new', 1, 'https://ci.acme.example/gh/acme/brand-new/1', 'finished', 'success',
                 '2026-11-20T00:00:00Z', '2026-11-20T00:01:00Z', '2026-11-20T00:02:00Z')",
    );
    let mut seen = Seen::default();
    seen.add("one build is lost, one is changed, and one is extra", &drill.verify().run().exits(Exit::Found));
    let mut expected = [
        (lost_project.clone(), lost_number.clone(), "baseline-lost".to_owned()),
        (project.clone(), number.clone(), "baseline-changed".to_owned()),
        ("acme/brand-new".to_owned(), "1".to_owned(), "baseline-extra".to_owned()),
    ];
    expected.sort_by_key(|(project, number, _)| (project.clone(), number.parse::<i64>().expect("a number")));
    assert_eq!(drill.differing(), expected);
    let report = drill.report();
    let row = report.row(&lost_project, &lost_number);
    assert!(row["evidence"].contains("in the baseline, over by 2026-11-"), "{row:?}");
    assert_eq!([&row["timing"], &row["deletable"], &row["build_url"]], ["ended", "no", ""]);
    let row = report.row(&project, &number);
    assert_eq!([&row["timing"], &row["deletable"], &row["status"]], ["ended", "no", "odd"]);
    assert!(
        row["evidence"].contains("as many steps and as many bytes; its lifecycle, status or times differ"),
        "{row:?}"
    );
    let mut sorted = report.rows.clone();
    sorted.sort_by_key(|row| (row["project"].clone(), row["build_num"].parse::<i64>().expect("a number")));
    assert_eq!(report.rows, sorted);
    let allowed = ["--allow", "baseline-lost=1", "--allow", "baseline-changed=1", "--allow", "baseline-extra=1"];
    seen.add("all of them are allowed", &drill.verify().args(&allowed).run().exits(Exit::Clean));
    let done = drill.verify().args(&allowed[..4]).run().exits(Exit::Found);
    seen.add("all but the extra one are allowed", &done);
    shows(&seen, "verify_baseline_builds_differ");
}

#[test]
fn any_part_of_a_build_that_is_compared_is_seen() {
    let drill = Drill::healthy();
    let (build, project, number) = drill.build(7);
    let one = format!("WHERE build_id = {build}");
    let last = format!("{one} AND output_id = (SELECT max(output_id) FROM output {one})");
    for (change, words) in [
        (format!("UPDATE builds SET lifecycle = 'not_run' {one}"), "as many steps"),
        (format!("UPDATE builds SET queued_at = queued_at - interval '1 microsecond' {one}"), "as many steps"),
        (format!("UPDATE builds SET start_time = start_time + interval '1 microsecond' {one}"), "as many steps"),
        (format!("UPDATE builds SET stop_time = stop_time + interval '1 microsecond' {one}"), "as many steps"),
        (format!("UPDATE builds SET queued_at = NULL {one}"), "as many steps"),
        (format!("UPDATE builds SET lifecycle = 'running', stop_time = NULL {one}"), "not by then here: running"),
        (format!("DELETE FROM output {last}"), "bytes fewer"),
        (format!("UPDATE output SET message = message || 'x' {last}"), "1 bytes more"),
        (
            format!(
                "INSERT INTO steps SELECT {build}, 900, 'x'; INSERT INTO actions (build_id, step, index, status, has_output) VALUES ({build}, 900, 0, 'success', false)"
            ),
            "1 steps more",
        ),
    ] {
        let undo = drill.database.run("SELECT count(*) FROM builds");
        drill.database.run(
            "CREATE SCHEMA undo; CREATE TABLE undo.builds AS TABLE builds; CREATE TABLE undo.output AS TABLE output",
        );
        drill.database.run(&change);
        drill.verify().run().exits(Exit::Found).says("baseline-changed 1");
        let found = drill.differing();
        let [(in_project, with_number, reasons)] = found.as_slice() else { panic!("{change}: {found:?}") };
        assert_eq!((in_project, with_number), (&project, &number), "{change}");
        assert!(reasons.contains("baseline-changed"), "{change}: {reasons}");
        let row = drill.report().row(&project, &number).clone();
        assert!(row["evidence"].contains(words), "{change}: {}", row["evidence"]);
        assert_eq!([&row["timing"], &row["deletable"]], ["ended", "no"], "{change}");
        drill.database.run(&format!(
            "UPDATE builds SET lifecycle = u.lifecycle, queued_at = u.queued_at, start_time = u.start_time, stop_time = u.stop_time
               FROM undo.builds AS u WHERE u.build_id = builds.build_id AND builds.build_id = {build};
             DELETE FROM steps WHERE build_id = {build} AND step = 900;
             DELETE FROM output {one};
             INSERT INTO output (build_id, step, index, first_byte, type, time, message)
             SELECT build_id, step, index, first_byte, type, time, message FROM undo.output {one} ORDER BY output_id;
             DROP SCHEMA undo CASCADE"
        ));
        assert_eq!(drill.database.run("SELECT count(*) FROM builds"), undo);
        drill.verify().run().exits(Exit::Clean);
    }
}

#[test]
fn a_build_that_a_rule_finds_too_is_one_row() {
    let drill = Drill::healthy();
    let (build, project, number) = drill.build(11);
    drill.database.run(&format!("DELETE FROM output WHERE build_id = {build}"));
    drill.verify().run().exits(Exit::Found);
    let report = drill.report();
    let row = report.row(&project, &number);
    assert_eq!(row["reasons"], "output-missing;baseline-changed");
    assert_eq!([&row["timing"], &row["deletable"]], ["ended", "no"]);
    assert_eq!(report.rows.len(), 1);
}

#[test]
fn a_build_that_the_baseline_knows_otherwise_is_not_deleted_even_if_its_row_was_edited() {
    let drill = Drill::healthy();
    let (build, project, number) = drill.build(11);
    drill.database.run(&format!("UPDATE builds SET lifecycle = 'running', stop_time = NULL WHERE build_id = {build}"));
    drill.verify().run().exits(Exit::Found);
    assert_eq!(drill.report().row(&project, &number)["reasons"], "stuck-running;baseline-changed");
    let text = std::fs::read_to_string(drill.file("report.csv")).expect("a file");
    let edited = drill.file("edited.csv");
    std::fs::write(&edited, text.replace(",no,", ",yes,")).expect("a file");
    let run = drill.run(&["delete", "--via", "nrepl://127.0.0.1:9"]).args(&[&edited]).args(&TIMES).run();
    let plan = Report::parse(&run.stdout);
    let url = drill.report().row(&project, &number)["build_url"].clone();
    let row = plan.rows.iter().find(|row| row["build_url"] == url).expect("its row");
    assert_eq!([&row["decision"], &row["state"]], ["keep", "refused"], "{row:?}");
    assert!(row["reason"].starts_with("baseline-changed: "), "{row:?}");
}

#[test]
fn what_happened_after_the_backup_does_not_matter() {
    let drill = Drill::healthy();
    drill.database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', username, reponame, max(build_num) + 1, 'https://ci.acme.example/gh/x/' || row_number() OVER (), 'finished', 'success',
                '2026-11-20T06:31:00Z', '2026-11-20T06:32:00Z', '2026-11-20T06:33:00Z'
           FROM builds GROUP BY username, reponame",
    );
    drill.verify().run().exits(Exit::Clean).does_not_say("BACKWARDS");
}

#[test]
fn a_project_that_is_gone_is_named_and_each_of_its_builds_is_lost() {
    let drill = Drill::healthy();
    let (_, project, _) = drill.build(0);
    let (user, repository) = project.split_once('/').expect("a project");
    let over = format!("username = '{user}' AND reponame = '{repository}'");
    let lost = drill.database.run(&format!("SELECT count(*) FROM builds WHERE {over} AND (stop_time <= '{BACKUP_TIME}' OR lifecycle = 'not_run' AND stop_time IS NULL AND queued_at <= '{BACKUP_TIME}')"));
    drill.database.run(&format!("DELETE FROM builds WHERE {over}"));
    drill.verify().run().exits(Exit::Found).says_all_of("verify_baseline_project_is_gone");
    assert_eq!(drill.differing().len().to_string(), lost);
    // Another project alone is as it was.
    let done = drill.verify().args(&["--project", "tools/*"]).run();
    if !project.starts_with("tools/") {
        done.exits(Exit::Clean).does_not_say("is gone");
    }
}

#[test]
fn all_builds_lost_is_no_empty_scope() {
    let drill = Drill::healthy();
    drill.database.run("TRUNCATE builds CASCADE");
    let mut seen = Seen::default();
    seen.add("all builds are lost", &drill.verify().run().exits(Exit::Found));
    let done = drill.verify().args(&["--project", "nobody/*"]).run().exits(Exit::NothingInScope);
    seen.add("--project names none", &done);
    shows(&seen, "verify_baseline_all_builds_lost");
}

#[test]
fn numbers_that_went_backwards_are_said_loudly() {
    let drill = Drill::healthy();
    let (_, project, _) = drill.build(0);
    let (user, repository) = project.split_once('/').expect("a project");
    let highest = format!(
        "(SELECT max(build_num) FROM builds WHERE username = '{user}' AND reponame = '{repository}' AND coalesce(queued_at, start_time) <= '{BACKUP_TIME}')"
    );
    drill.database.run(&format!(
        "DELETE FROM builds WHERE username = '{user}' AND reponame = '{repository}' AND build_num >= {highest}"
    ));
    drill.verify().run().exits(Exit::Found).says_all_of("verify_baseline_numbers_went_backwards");
    // The page knows of it too, by the file beside the report.
    let page = halfbuilt(&["report", "--markdown", "-"]).args(&[&drill.file("report.csv")]).run().exits(Exit::Clean);
    page.prints("and numbers went backwards in 1 project");
}

#[test]
fn builds_that_retention_deleted_are_not_lost() {
    let drill = Drill::healthy();
    let (build, ..) = drill.build(3);
    let age = "extract(epoch FROM timestamptz '2026-11-20T06:30:00Z' - stop_time)";
    let seconds: f64 =
        drill.database.run(&format!("SELECT {age} FROM builds WHERE build_id = {build}")).parse().expect("a number");
    drill.database.run(&format!("DELETE FROM builds WHERE build_id = {build}"));
    let kept = |longer: f64| format!("{}s", (seconds + longer) as i64);
    // The range holds the end to a 4096th of its time: a day is beyond that here.
    let mut seen = Seen::default();
    let verify = |longer: f64| drill.verify().args(&["--retention", &kept(longer)]).run();
    seen.add("retention is a day shorter than its age", &verify(-86400.0).exits(Exit::Clean));
    seen.add("retention is a day longer", &verify(86400.0).exits(Exit::Found));
    // Within that time nobody knows, so it counts as lost.
    seen.add("retention is a second shorter", &verify(-1.0).exits(Exit::Found));
    shows(&seen, "verify_baseline_retention");
    assert!(drill.report().rows[0]["evidence"].contains("whether retention deleted it cannot be known: the limit is "));
}

#[test]
fn a_build_that_never_ran_is_looked_for_and_one_that_was_given_up_later_is_no_extra() {
    let database = TestDatabase::circleci(&["healthy"]);
    let insert = |number: u32, lifecycle: &str| {
        format!(
            "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at)
             VALUES ('github', 'acme', 'waits', {number}, 'https://ci.acme.example/gh/acme/waits/{number}', '{lifecycle}', '{lifecycle}', '2026-11-20T01:00:00Z')"
        )
    };
    database.run(&insert(1, "not_run"));
    database.run(&insert(2, "not_run"));
    let drill = Drill::of(database);
    drill.database.run("UPDATE builds SET lifecycle = 'queued' WHERE reponame = 'waits' AND build_num = 2");
    drill.database.run(&insert(3, "not_run"));
    let allow = ["--allow", "stuck-queued=1"];
    let mut seen = Seen::default();
    seen.add("what never ran is still there", &drill.verify().args(&allow).run().exits(Exit::Clean));
    drill.database.run("DELETE FROM builds WHERE reponame = 'waits' AND build_num = 1");
    seen.add("one that never ran is lost", &drill.verify().args(&allow).run().exits(Exit::Found));
    shows(&seen, "verify_baseline_builds_that_never_ran");
}

#[test]
fn a_manifest_is_trusted_by_its_key_alone() {
    let drill = Drill::healthy();
    let [key, other] = ["key", "other"].map(|name| {
        let file = drill.file(name);
        std::fs::write(&file, format!("{name}-0123456789abcdef")).expect("a file");
        file
    });
    let with = |run: Run, key: &PathBuf| -> Done { run.args(&["--key-file"]).args(&[key]).run() };
    let mut seen = Seen::default();
    seen.add("a key, and no signature", &with(drill.verify(), &key).exits(Exit::Failed));
    let path = drill.file("before.json");
    with(drill.run(&["manifest", "-o"]).args(&[&path]).args(&AT), &key).exits(Exit::Clean);
    seen.add("its key", &with(drill.verify(), &key).exits(Exit::Clean));
    seen.add("a signature, and no key", &drill.verify().run().exits(Exit::Clean));
    seen.add("another key", &with(drill.verify(), &other).exits(Exit::Failed));
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::write(&path, text.replacen("\"max_run_time_seconds\":18000", "\"max_run_time_seconds\":18001", 1))
        .expect("a file");
    seen.add("it was edited", &with(drill.verify(), &key).exits(Exit::Failed));
    shows(&seen, "verify_baseline_signatures");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let drill = Drill::healthy();
    let mut seen = Seen::default();
    let done = drill.verify().args(&["--backup-time", "2026-11-20T01:59:59Z"]).run().exits(Exit::Usage);
    seen.add("--backup-time is before the manifest's", &done.fails_with("error:"));
    drill.verify().args(&AT).run().exits(Exit::Clean);
    // A backup that ended after the manifest was made holds all that is in it.
    let done = drill.verify().args(&["--backup-time", "2026-11-20T02:00:01Z"]).run().exits(Exit::Clean);
    seen.add("--backup-time is after the manifest's", &done);
    let done = drill.verify().args(&["--profile", "conductor"]).run().exits(Exit::Failed);
    seen.add("--profile is another", &done);
    // An own rule cannot pass for what the comparison finds.
    let rule = "-- rule: baseline-lost\n-- title: mine\n-- needs: build\nSELECT build_key, 'x' AS evidence FROM build";
    let folder = drill.file("rules");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("mine.sql"), rule).expect("a file");
    let done = drill.verify().args(&["--rules"]).args(&[&folder]).run().exits(Exit::Usage);
    seen.add("a rule is called baseline-lost", &done.fails_with("error:"));
    let path = drill.file("before.json");
    let text = std::fs::read(&path).expect("a file");
    // How long a manifest is depends on the server.
    std::fs::write(&path, &text[..text.len() / 2]).expect("a file");
    let done = drill.verify().run().exits(Exit::Failed).fails_with("before.json cannot be used");
    done.says("it is not what `halfbuilt manifest` writes").says("hint: ");
    for (bytes, fault) in [
        (&b""[..], "the manifest is empty"),
        (b"{\"format\":\"halfbuilt-manifest/9\"}", "the manifest has an unknown format"),
        (b"build_url,project\r\n", "it is a report"),
    ] {
        std::fs::write(&path, bytes).expect("a file");
        seen.add(fault, &drill.verify().run().exits(Exit::Failed).fails_with("before.json cannot be used"));
    }
    let done = drill.run(&["verify", "--allow", "baseline-lost=1"]).args(&TIMES).run().exits(Exit::Usage);
    seen.add("--allow names a difference, and there is no --baseline", &done.fails_with("error:"));
    shows(&seen, "verify_baseline_what_does_not_fit_together");
}

/// A build of a small world, as its tables hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Small {
    status: Option<&'static str>,
    /// Seconds before the backup; after it if less than nothing.
    stopped: Option<i64>,
    steps: usize,
    /// The length of each stored piece.
    pieces: Vec<i64>,
}

type World = std::collections::BTreeMap<(&'static str, i64), Small>;

const PROFILE: &str = "-- profile: small\n-- title: a small world\n\
    -- relation: build\nSELECT * FROM :\"schema\".build;\n-- relation: step\nSELECT * FROM :\"schema\".step;\n-- relation: chunk\nSELECT * FROM :\"schema\".chunk;\n";

/// The SQL that makes a world; keys and the order of rows depend on `salt` alone.
fn small_sql(world: &World, salt: u64) -> String {
    let mut rows: Vec<_> = world
        .iter()
        .enumerate()
        // By a prime, so that no two builds have one key.
        .map(|(place, build)| ((place as u64 + 1) * (salt % 1_000_002 + 1) % 1_000_003, build))
        .collect();
    rows.sort_by_key(|(key, _)| *key);
    let mut sql = "DROP SCHEMA IF EXISTS w CASCADE; CREATE SCHEMA w;\n\
        CREATE TABLE w.build (build_key int, build_url text, project text, build_num bigint, lifecycle text, status text, queued_at timestamptz, started_at timestamptz, stopped_at timestamptz);\n\
        CREATE TABLE w.step (build_key int, step_key int, name text, started_at timestamptz, stopped_at timestamptz, has_output boolean, output_size bigint, output_closed boolean);\n\
        CREATE TABLE w.chunk (build_key int, step_key int, first bigint, next bigint);\n"
        .to_owned();
    for (key, ((project, number), build)) in rows {
        let status = build.status.map_or("NULL".to_owned(), |status| format!("'{status}'"));
        let stopped = build
            .stopped
            .map_or("NULL".to_owned(), |before| format!("timestamptz '{BACKUP_TIME}' - interval '{before} seconds'"));
        let lifecycle = if build.stopped.is_some() { "finished" } else { "running" };
        sql += &format!(
            "INSERT INTO w.build VALUES ({key}, NULL, '{project}', {number}, '{lifecycle}', {status}, NULL, '2026-01-01Z', {stopped});\n"
        );
        for step in 0..build.steps {
            sql += &format!(
                "INSERT INTO w.step VALUES ({key}, {step}, 'x', '2026-01-01Z', '2026-01-01Z', false, NULL, NULL);\n"
            );
        }
        let mut first = 0;
        for length in &build.pieces {
            sql += &format!("INSERT INTO w.chunk VALUES ({key}, 0, {first}, {});\n", first + length);
            first += length;
        }
    }
    sql
}

fn small() -> impl proptest::strategy::Strategy<Value = Small> {
    use proptest::prelude::*;
    let stopped =
        prop_oneof![6 => (0_i64..5_000_000).prop_map(Some), 1 => (-1000_i64..0).prop_map(Some), 1 => Just(None)];
    let status = proptest::sample::select(vec![Some("success"), Some("failed"), Some("NULL"), Some(""), None]);
    (status, stopped, 0_usize..4, proptest::collection::vec(1_i64..100, 0..4))
        .prop_map(|(status, stopped, steps, pieces)| Small { status, stopped, steps, pieces })
}

fn small_world() -> impl proptest::strategy::Strategy<Value = World> {
    use proptest::prelude::*;
    let number = prop_oneof![1_i64..30, 1015_i64..1035, Just(5_000_000_000_i64)];
    let name = (proptest::sample::select(vec!["a/b", "a/c", "é/ü"]), number);
    proptest::collection::btree_map(name, small(), 0..25)
}

/// The model: what of two worlds `verify` has to report, and nothing else.
fn expected(then: &World, now: &World) -> Vec<(String, String, String)> {
    let over = |build: &Small| build.stopped.is_some_and(|before| before >= 0);
    let alike = |one: &Small, other: &Small| {
        let stored = |build: &Small| build.pieces.iter().sum::<i64>();
        (one.status, one.stopped, one.steps, stored(one)) == (other.status, other.stopped, other.steps, stored(other))
    };
    let mut names: Vec<_> = then.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let found = names.into_iter().filter_map(|name| {
        let reason = match (then.get(name).filter(|build| over(build)), now.get(name)) {
            (Some(_), None) => "baseline-lost",
            (Some(was), Some(is)) if !alike(was, is) => "baseline-changed",
            (None, Some(is)) if over(is) => "baseline-extra",
            _ => return None,
        };
        Some((name.0.to_owned(), name.1.to_string(), reason.to_owned()))
    });
    found.collect()
}

#[test]
fn whatever_happens_to_a_small_world_is_reported_and_nothing_else() {
    use proptest::strategy::Strategy;
    use proptest::test_runner::{Config, TestRunner};
    let database = TestDatabase::empty();
    let folder = tempfile::tempdir().expect("a folder");
    let [profile, before, report] = ["small.sql", "before.json", "report.csv"].map(|name| folder.path().join(name));
    std::fs::write(&profile, PROFILE.replace(":\"schema\".", "w.")).expect("a file");
    let mutation = (0_usize..3, 0_usize..100, small());
    let case =
        (small_world(), proptest::collection::vec(mutation, 0..5), proptest::num::u64::ANY, proptest::num::u64::ANY);
    let case = case.prop_map(|(then, mutations, salt, other_salt)| {
        let mut now = then.clone();
        for (kind, place, build) in mutations {
            let name = now.keys().nth(place % now.len().max(1)).copied();
            match (kind, name) {
                (0, Some(name)) => drop(now.remove(&name)),
                (1, Some(name)) => drop(now.insert(name, build)),
                _ => drop(now.insert(("a/c", place as i64 + 1000), build)),
            }
        }
        (then, now, salt, other_salt)
    });
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let checked = TestRunner::new(config).run(&case, |(then, now, salt, other_salt)| {
        let run = |command: &str, flag: &str| {
            halfbuilt(&[command, "--profile"]).args(&[&profile]).args(&[flag]).on(&database)
        };
        database.run(&small_sql(&then, salt));
        run("manifest", "-o").args(&[&before]).args(&AT).run();
        database.run(&small_sql(&now, other_salt));
        let files = [before.clone(), "-o".into(), report.clone()];
        let done = run("verify", "--baseline").args(&files).run();
        let rows = match report.exists() {
            true => Report::read(&report).rows,
            false => return Err(proptest::test_runner::TestCaseError::fail(format!("no report: {}", done.stderr))),
        };
        std::fs::remove_file(&report).expect("a report");
        let found = rows.into_iter().filter_map(|row| {
            let reason = row["reasons"].split(';').find(|reason| reason.starts_with("baseline-"))?.to_owned();
            Some((row["project"].clone(), row["build_num"].clone(), reason))
        });
        proptest::prop_assert_eq!(found.collect::<Vec<_>>(), expected(&then, &now));
        Ok(())
    });
    checked.expect("the model and the program agree");
}
