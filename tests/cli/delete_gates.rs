//! What stops a deletion before it begins: number, share, project, host, timing, policy, and another deletion at work.
//! Whatever stops the real run stops the dry run the same way.

use std::path::Path;

use halfbuilt::exit::Exit;

use crate::support::{
    ALL_TIMINGS, Done, NOBODY, Report, Run, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned, stable,
};
use crate::what_a_person_sees::{Says, shows};

pub(crate) fn delete(database: &TestDatabase, report: &Path) -> Run {
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).on(database)
}

/// The dry run and the real run, each stopped by the same gate before anything is sent; gives back the dry run.
#[track_caller]
fn stopped(database: &TestDatabase, report: &Path, arguments: &[&str]) -> Done {
    let before = database.urls();
    let real = ["--execute", "--confirm", &database.host];
    // Whoever sent something there would end with another error.
    let real = delete(database, report).args(&NOBODY).args(arguments).args(&real).run().exits(Exit::Declined);
    let real = real.fails_with("error:");
    let dry = delete(database, report).args(&NOBODY).args(arguments).run().exits(Exit::Declined);
    let [real, planned] = [&real, &dry].map(|done| stable(&done.stderr));
    let error = real.lines().find(|line| line.starts_with("error:"));
    assert_eq!(planned.lines().find(|line| line.starts_with("error:")), error);
    assert_eq!(database.urls(), before);
    dry
}

/// A database with so many builds, of which so many are stuck.
fn many(project: &str, stuck: usize, healthy: usize) -> TestDatabase {
    let database = TestDatabase::circleci(&[]);
    add(&database, project, stuck, healthy);
    database
}

fn add(database: &TestDatabase, project: &str, stuck: usize, healthy: usize) {
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', 'acme', '{project}', n, 'https://ci.acme.example/gh/acme/{project}/' || n,
                CASE WHEN n <= {stuck} THEN 'running' ELSE 'finished' END, 'x', '2026-11-20T01:00:00Z',
                '2026-11-20T01:01:00Z', CASE WHEN n > {stuck} THEN timestamptz '2026-11-20T01:02:00Z' END
           FROM generate_series(1, {stuck} + {healthy}) AS n"
    ));
}

#[test]
fn more_than_max_is_not_deleted() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let all = deletable(&Report::read(&report)).len();
    let dry = stopped(&database, &report, &["--max", "3"]);
    // The plan is printed all the same.
    assert_eq!(Report::parse(&dry.stdout).count("decision", "delete"), all);
    dry.says_all_of("delete_more_than_max");
    let enough = ["--max", &all.to_string()];
    delete(&database, &report).args(&NOBODY).args(&enough).run().exits(Exit::Clean).says("dry run: nothing was sent");
}

#[test]
fn more_than_a_thousand_builds_take_a_flag() {
    let database = many("api", 1001, 0);
    let (_folder, report) = scanned(&database);
    stopped(&database, &report, &["--max-percent", "100"]).says_all_of("delete_more_than_a_thousand");
    let flags = ["--max-percent", "100", "--max", "1001"];
    delete(&database, &report).args(&NOBODY).args(&flags).run().exits(Exit::Clean);
}

#[test]
fn a_large_share_of_the_builds_takes_a_flag() {
    let database = many("api", 21, 379);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    seen.add_talk("21 stuck builds of 400", &stopped(&database, &report, &[]));
    delete(&database, &report).args(&NOBODY).args(&["--max-percent", "5.3"]).run().exits(Exit::Clean);
    // Twenty are few by default, but not where a share is given.
    let twenty = ["--project", "acme/api", "--reason", "stuck-running"];
    database.run("DELETE FROM builds WHERE build_num = 1 OR build_num > 30");
    let (_folder, report) = scanned(&database);
    delete(&database, &report).args(&NOBODY).args(&twenty).run().exits(Exit::Clean);
    seen.add_talk("20 stuck builds of 29, --max-percent 5", &stopped(&database, &report, &["--max-percent", "5"]));
    shows(&seen, "delete_more_than_max_percent");
}

#[test]
fn the_builds_in_scope_are_those_of_the_chosen_projects() {
    let database = many("api", 25, 0);
    add(&database, "web", 0, 2000);
    let (_folder, report) = scanned(&database);
    delete(&database, &report).args(&NOBODY).run().exits(Exit::Clean);
    stopped(&database, &report, &["--project", "acme/api"]).says_all_of("delete_more_than_max_percent_of_a_project");
}

#[test]
fn limits_that_are_none_are_usage_errors() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for (flag, value) in [
        ("--max", "0"),
        ("--max", "many"),
        ("--max-percent", "0"),
        ("--max-percent", "101"),
        ("--max-age", "0s"),
        ("--allow-timing", "in-flight"),
        ("--timing", "lately"),
        ("--deny", "acme/["),
    ] {
        let done = delete(&database, &report).args(&NOBODY).args(&[flag, value]).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt delete report.csv {flag} {value}"), &done.says(flag));
    }
    shows(&seen, "limits_that_cannot_be_read");
}

#[test]
fn a_denied_project_is_kept_and_the_others_are_gone() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let chosen = deletable(&Report::read(&report));
    let denied = |url: &String| url.contains("/acme/");
    assert!(chosen.iter().any(denied) && !chosen.iter().all(denied));
    let flags = ["--deny", "ACME/*", "--deny", "nobody/*"];
    let dry = delete(&database, &report).args(&NOBODY).args(&flags).run().exits(Exit::Clean);
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&flags);
    let done = done.args(&["--execute", "--confirm", &database.host]).run().exits(Exit::NotAllDeleted);
    for (results, deleted) in [(&dry.stdout, "not-attempted"), (&done.stdout, "deleted")] {
        for row in Report::parse(results).rows.iter().filter(|row| chosen.contains(&row["build_url"])) {
            if denied(&row["build_url"]) {
                assert_eq!(row["state"], "refused");
                assert!(row["reason"].ends_with("is denied by --deny \"ACME/*\""), "{}", row["reason"]);
            } else {
                assert_eq!(row["state"], deleted);
            }
        }
    }
    let left = database.urls();
    assert!(chosen.iter().all(|url| left.contains(url) == denied(url)));
    done.says_all_of("delete_with_a_denied_project");
}

#[test]
fn a_policy_is_followed_and_a_flag_may_only_be_stricter() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let policy = folder.path().join("halfbuilt.toml");
    let name = policy.display().to_string();
    let rule = |text: &str| std::fs::write(&policy, format!("[delete]\n{text}\n")).expect("a file");
    let by_policy = ["--policy", &name];

    rule("max = 3");
    let mut seen = Seen::default();
    seen.add_talk("max = 3", &stopped(&database, &report, &by_policy));
    let looser = ["--policy", &name, "--max", "4"];
    seen.add("max = 3 and --max 4", &stopped(&database, &report, &looser));
    let stricter = ["--policy", &name, "--max", "2"];
    seen.add_talk("max = 3 and --max 2", &stopped(&database, &report, &stricter));
    // The variable will do as well as the flag.
    let by_variable = delete(&database, &report).args(&NOBODY).env("HALFBUILT_POLICY", &name).run();
    seen.add_talk("max = 3, in the policy of HALFBUILT_POLICY", &by_variable.exits(Exit::Declined));

    rule("hosts = ['ci.other.example']");
    seen.add("hosts = ['ci.other.example']", &stopped(&database, &report, &by_policy));

    rule("deny = ['acme/*']\nhosts = ['ci.acme.example']\nmax_percent = 100\nmax_age = '1h'");
    let flags = ["--policy", &name, "--deny", "tools/*"];
    let done = delete(&database, &report).args(&NOBODY).args(&flags).run().exits(Exit::NothingInScope);
    seen.add_talk("deny = ['acme/*'] and --deny tools/*", &done);
    let looser = ["--policy", &name, "--max-age", "2h"];
    seen.add("max_age = '1h' and --max-age 2h", &stopped(&database, &report, &looser));
    shows(&seen, "delete_with_a_policy");
}

#[test]
fn a_policy_may_forbid_timings_and_ask_for_an_archive() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let policy = folder.path().join("halfbuilt.toml");
    let name = policy.display().to_string();
    let rule = |text: &str| std::fs::write(&policy, format!("[delete]\n{text}\n")).expect("a file");

    rule("allow_timing = ['between']");
    let flags = ["--policy", &name, "--allow-timing", "between", "--allow-timing", "unknown"];
    let mut seen = Seen::default();
    let line = "allow_timing = ['between'] and --allow-timing between --allow-timing unknown";
    seen.add(line, &stopped(&database, &report, &flags));
    delete(&database, &report).args(&NOBODY).args(&flags[..4]).run().exits(Exit::Clean);

    rule("archive = true");
    seen.add_talk("archive = true", &stopped(&database, &report, &["--policy", &name]));
    let archived = ["--policy", &name, "--archive", "builds.gz"];
    let done = delete(&database, &report).args(&NOBODY).args(&archived).run().exits(Exit::Clean);
    seen.add_talk("archive = true and --archive builds.gz", &done);
    shows(&seen, "delete_with_a_policy_for_timings_and_archives");
}

#[test]
fn a_policy_that_is_not_understood_stops_everything() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let policy = folder.path().join("halfbuilt.toml");
    let mut seen = Seen::default();
    for text in ["[delete]\nmax_percentage = 5\n", "[delete]\nmax = '5'\n", "[delete]\nmax_percent = 500\n"] {
        std::fs::write(&policy, text).expect("a file");
        let done = delete(&database, &report).args(&NOBODY).args(&["--policy"]).args(&[&policy]).run();
        seen.add(text.trim_end(), &done.exits(Exit::Usage).fails_with("error:"));
    }
    std::fs::remove_file(&policy).expect("it is there");
    let done = delete(&database, &report).args(&NOBODY).args(&["--policy"]).args(&[&policy]).run();
    seen.add("no such file", &done.exits(Exit::Failed).fails_with("cannot read"));
    shows(&seen, "policies_that_delete_does_not_understand");
}

#[test]
fn the_confirmed_host_has_to_be_that_of_builds_of_an_allowed_timing_too() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let (_folder, report) = scanned(&database);
    let after: Vec<String> = Report::read(&report)
        .rows
        .iter()
        .filter(|row| row["timing"] == "after-restore")
        .map(|row| row["build_url"].clone())
        .collect();
    // The row of a build that may be alive is on another host than all others.
    let text = std::fs::read_to_string(&report).expect("a report");
    let moved = after[0].replace("ci.acme.example", "ci.other.example");
    std::fs::write(&report, text.replace(&after[0], &moved)).expect("a file");
    delete(&database, &report).args(&NOBODY).run().exits(Exit::Clean);
    let done = delete(&database, &report).args(&NOBODY).args(&["--allow-timing", "after-restore"]).run();
    done.exits(Exit::Declined).fails_with("error:").says_all_of("delete_two_hosts_of_an_allowed_timing");
}

#[test]
fn a_timing_that_is_allowed_is_deleted_with_a_warning_and_no_other() {
    let database = TestDatabase::circleci_on_own_host(&["output-gap"]);
    let (_folder, report) = scanned(&database);
    let of = |timing: &str| -> Vec<String> {
        let report = Report::read(&report);
        report.rows.iter().filter(|row| row["timing"] == timing).map(|row| row["build_url"].clone()).collect()
    };
    let (after, between, good) = (of("after-restore"), of("between"), deletable(&Report::read(&report)));
    assert!(!after.is_empty() && !between.is_empty() && !good.is_empty());
    let flags = ["--allow-timing", "after-restore"];
    let mut seen = Seen::default();
    let dry = delete(&database, &report).args(&NOBODY).args(&flags).run().exits(Exit::Clean);
    seen.add_talk("halfbuilt delete report.csv --allow-timing after-restore", &dry);
    assert_eq!(Report::parse(&dry.stdout).count("decision", "delete"), good.len() + after.len());
    // A plain list is judged afresh, and needs the flag too.
    let list = after.join("\n");
    let listed = |flags: &[&str]| {
        halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).args(flags).on(&database).input(&list).run()
    };
    seen.add_talk("halfbuilt delete -", &listed(&[]).exits(Exit::NothingInScope));
    seen.add_talk("halfbuilt delete - --allow-timing after-restore", &listed(&flags).exits(Exit::Clean));
    let real = ["--execute", "--confirm", &database.host];
    // All rows are named, and all timings but one are allowed.
    let run = delete(&database, &report).via_nrepl(&admin(&database)).args(&flags).args(&ALL_TIMINGS);
    let done = run.args(&real).run();
    let done = done.exits(Exit::NotAllDeleted);
    seen.add_talk("all timings are named, and one is allowed", &done);
    shows(&seen, "delete_an_allowed_timing");
    let results = Report::parse(&done.stdout);
    let left = database.urls();
    for url in after.iter().chain(&good) {
        assert!(!left.contains(url), "{url} is there");
    }
    for url in &between {
        assert!(left.contains(url), "{url} is gone");
    }
    assert_eq!(results.count("state", "refused"), between.len());
}

#[test]
fn without_a_backup_time_nothing_is_deletable_whatever_is_allowed() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).on(&database).run().exits(Exit::Clean);
    let run = |flags: &[&str]| halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(flags).on(&database).run();
    let builds = Report::read(&report).rows.len();
    let mut seen = Seen::default();
    seen.add_talk("halfbuilt delete report.csv", &run(&[]).exits(Exit::NothingInScope));
    let allowed = run(&["--allow-timing", "between"]).exits(Exit::NothingInScope);
    seen.add_talk("halfbuilt delete report.csv --allow-timing between", &allowed);
    // To choose them is not to allow them.
    let chosen = run(&["--timing", "unknown"]).exits(Exit::NothingInScope);
    seen.add_talk("halfbuilt delete report.csv --timing unknown", &chosen);
    shows(&seen, "delete_without_a_backup_time");
    // Without T nothing shows what lives, and that is not for a flag to allow.
    let done = run(&["--allow-timing", "unknown", "--max-percent", "100"]).exits(Exit::NothingInScope);
    let plan = Report::parse(&done.stdout);
    assert_eq!((plan.count("state", "refused"), plan.rows.len()), (builds, builds));
    assert_eq!(plan.count("reason", "no backup time was given"), builds);
}

#[test]
fn a_build_without_a_time_is_of_a_timing_that_can_be_allowed() {
    let database = TestDatabase::circleci(&["healthy", "step-unfinished"]);
    let (_folder, report) = scanned(&database);
    let unknown = Report::read(&report);
    let unknown = unknown.rows.iter().find(|row| row["timing"] == "unknown").expect("a build without a time");
    assert_eq!(unknown["note"], "no time on record");
    let run = |flags: &[&str]| {
        let allow = ["--allow", "times-contradicted=1"];
        let done = delete(&database, &report).args(&NOBODY).args(&allow).args(flags).run();
        let plan = Report::parse(&done.stdout);
        let row = plan.rows.iter().find(|row| row["build_url"] == unknown["build_url"]);
        (done, row.map(|row| [row["state"].clone(), row["reason"].clone()]))
    };
    assert_eq!(run(&[]).1, None);
    let refused = ["refused".to_owned(), "timing unknown: no time on record".to_owned()];
    assert_eq!(run(&["--timing", "unknown"]).1, Some(refused));
    let (done, row) = run(&["--allow-timing", "unknown"]);
    assert_eq!(row.expect("it is chosen")[0], "not-attempted");
    done.exits(Exit::Clean).says_all_of("delete_a_build_without_a_time");
}

#[test]
fn a_build_that_is_read_with_another_timing_than_was_named_is_refused() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let (_folder, report) = scanned(&database);
    let found = Report::read(&report);
    let of = |timing: &str| {
        found.rows.iter().find(|row| row["timing"] == timing && row["deletable"] == "yes").expect("one")["build_url"]
            .clone()
    };
    let list = format!("{}\n{}\n", of("ended"), of("in-flight"));
    let done = halfbuilt(&["delete", "-", "--timing", "ended"]).args(&NOBODY).args(&TIMES).on(&database).input(&list);
    let plan = Report::parse(&done.run().exits(Exit::Clean).stdout);
    assert_eq!(plan.column("state"), ["not-attempted", "refused"]);
    assert_eq!(plan.rows[1]["reason"], "its timing is in-flight, and --timing names others");
}

#[test]
fn builds_that_contradict_the_times_stop_everything() {
    // Of one of its builds the stop lies between T and R.
    let database = TestDatabase::circleci(&["closed-after-restore"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    let dry = stopped(&database, &report, &[]);
    // The plan is shown first.
    assert_eq!(Report::parse(&dry.stdout).count("decision", "delete"), deletable(&Report::read(&report)).len());
    seen.add_talk("one build contradicts the times", &dry);
    let none = stopped(&database, &report, &["--allow", "times-contradicted=0"]);
    seen.add_talk("one build, --allow times-contradicted=0", &none);
    let enough = ["--allow", "times-contradicted=1"];
    let done = delete(&database, &report).args(&NOBODY).args(&enough).run().exits(Exit::Clean);
    seen.add_talk("one build, --allow times-contradicted=1", &done);
    // One more build of whatever project, sound or not.
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         VALUES ('github', 'other', 'lib', 1, 'https://ci.acme.example/gh/other/lib/1', 'finished', 'success',
                 '2026-11-20T04:00:00Z', '2026-11-20T04:01:00Z', '2026-11-20T04:02:00Z')",
    );
    let two = stopped(&database, &report, &["--project", "acme/*", "--allow", "times-contradicted=1"]);
    seen.add_talk("two builds, --allow times-contradicted=1", &two);
    for wrong in ["times-contradicted", "times-contradicted=-1", "times-contradicted=all", "stuck-running=1"] {
        let done = delete(&database, &report).args(&NOBODY).args(&["--allow", wrong]).run();
        seen.add(&format!("--allow {wrong}"), &done.exits(Exit::Usage));
    }
    shows(&seen, "delete_times_that_builds_contradict");
}

#[test]
fn what_flags_allowed_is_on_record() {
    let database = TestDatabase::circleci_on_own_host(&["closed-after-restore"]);
    let (folder, report) = scanned(&database);
    let flags = ["--allow", "times-contradicted=1", "--max-percent", "100", "--max", "20", "--allow-timing", "between"];
    let real = ["--execute", "--confirm", &database.host];
    delete(&database, &report).via_nrepl(&admin(&database)).args(&flags).args(&real).run();
    let journal = format!("{}.journal.jsonl", report.display());
    // --max is stricter than the default.
    let told = ["--allow times-contradicted=1", "--max-percent 100", "--allow-timing between"];
    let start = std::fs::read_to_string(&journal).expect("a journal");
    assert!(start.contains(&format!("\"allowed\":{told:?}").replace("\", \"", "\",\"")), "{start}");
    let told = format!("allowed by flags: {}", told.join(", "));
    drop(halfbuilt(&["journal", "verify", &journal]).run().exits(Exit::Clean).prints(&told));
    let (ticket, page) = (folder.path().join("ticket.md"), folder.path().join("audit.html"));
    let shown = halfbuilt(&["report"]).args(&[&report]).args(&["--html"]).args(&[&page]);
    shown.args(&["--markdown"]).args(&[&ticket]).run();
    for file in [ticket, page] {
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.contains(&told), "{}: {text}", file.display());
    }
}

#[test]
fn a_policy_rules_how_many_builds_may_contradict_the_times() {
    let database = TestDatabase::circleci(&["closed-after-restore"]);
    let (folder, report) = scanned(&database);
    let policy = folder.path().join("halfbuilt.toml");
    let name = policy.display().to_string();
    let rule = |text: &str| std::fs::write(&policy, format!("[delete]\n{text}\n")).expect("a file");
    let flags = |allow: &'static str| ["--policy".to_owned(), name.clone(), "--allow".to_owned(), allow.to_owned()];

    rule("times_contradicted = 1");
    delete(&database, &report).args(&NOBODY).args(&["--policy", &name]).run().exits(Exit::Clean);
    // A flag may be stricter than the policy, and never looser.
    let stricter = flags("times-contradicted=0");
    let stricter: Vec<&str> = stricter.iter().map(String::as_str).collect();
    let mut seen = Seen::default();
    let line = "times_contradicted = 1 and --allow times-contradicted";
    seen.add_talk(&format!("{line}=0"), &stopped(&database, &report, &stricter));
    let looser = flags("times-contradicted=2");
    let looser: Vec<&str> = looser.iter().map(String::as_str).collect();
    seen.add(&format!("{line}=2"), &stopped(&database, &report, &looser));

    rule("times_contradicted = 0");
    seen.add_talk("times_contradicted = 0", &stopped(&database, &report, &["--policy", &name]));
    shows(&seen, "delete_times_that_builds_contradict_by_policy");
}
