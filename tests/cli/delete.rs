//! `halfbuilt delete`: choosing, planning, gates. What is sent where is in delete_nrepl.rs and delete_http.rs.

use std::path::PathBuf;

use halfbuilt::exit::Exit;

use crate::support::{ALL_TIMINGS, NOBODY, Report, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned};
use crate::what_a_person_sees::{Says, shows};

#[test]
fn a_dry_run_is_the_default_and_sends_nothing() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).on(&database).run().exits(Exit::Clean);
    let plan = Report::parse(&done.stdout);
    let expected = Report::read(&report);
    assert_eq!(plan.rows.len(), expected.count("deletable", "yes"));
    assert_eq!(plan.count("decision", "delete"), expected.count("deletable", "yes"));
    assert_eq!(plan.count("state", "not-attempted"), expected.count("deletable", "yes"));
    let left = expected.count("deletable", "no");
    let done = done.says(&format!("left to a person: {left} builds that the report calls not deletable\n"));
    done.says_all_of("delete_dry_run_is_the_default");
    assert_eq!(database.urls(), before);
}

#[test]
fn what_the_report_does_not_call_deletable_is_refused_with_the_reason_where_it_is_named() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let (_folder, report) = scanned(&database);
    let found = Report::read(&report);
    let named = [&ALL_TIMINGS[..], &NOBODY].concat();
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&named).on(&database).run().exits(Exit::Clean);
    let plan = Report::parse(&done.does_not_say("left to a person").stdout);
    assert_eq!(plan.rows.len(), found.rows.len());
    let kept: Vec<_> = plan.rows.iter().filter(|row| row["decision"] == "keep").collect();
    assert_eq!(kept.len(), found.count("deletable", "no"));
    assert!(!kept.is_empty());
    for row in kept {
        let number = row["build_url"].rsplit('/').next().expect("a number");
        let found = found.row(&row["project"], number);
        assert_eq!(row["state"], "refused");
        assert_eq!(row["reason"], format!("timing {}: {}", found["timing"], found["note"]));
    }
    // Alone, they are nothing to delete.
    let mut seen = Seen::default();
    for timing in ["between", "after-restore"] {
        let run = halfbuilt(&["delete", "--timing", timing]).args(&[&report]).args(&NOBODY).on(&database).run();
        let done = run.exits(Exit::NothingInScope);
        assert_eq!(Report::parse(&done.stdout).column("state"), ["refused"], "{timing}");
        seen.add_talk(&format!("halfbuilt delete report.csv --timing {timing}"), &done);
    }
    shows(&seen, "delete_timings_that_are_not_deletable");
}

#[test]
fn what_the_report_does_not_call_deletable_is_left_for_a_person_with_the_reason() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let (_folder, report) = scanned(&database);
    let found = Report::read(&report);
    let run = |more: &[&str]| halfbuilt(&["delete"]).args(&[&report]).args(more).args(&NOBODY).on(&database).run();
    let mut seen = Seen::default();
    let done = run(&[]).exits(Exit::Clean);
    seen.add_talk("halfbuilt delete report.csv", &done);
    let plan = Report::parse(&done.stdout);
    for row in &found.rows {
        let chosen = plan.rows.iter().any(|planned| planned["build_url"] == row["build_url"]);
        assert_eq!(chosen, row["deletable"] == "yes", "{row:?}");
        if !chosen {
            // What concerns this build only stands in the report.
            let mut reasons = done.stderr.lines().filter_map(|line| line.strip_prefix("  1: "));
            assert!(reasons.any(|reason| row["note"].starts_with(reason)), "{}", done.stderr);
        }
    }
    // Only what the flags would choose is spoken of.
    for more in [["--project", "tools/*"], ["--project", "acme/web"], ["--timing", "ended"]] {
        let line = format!("halfbuilt delete report.csv {}", more.join(" "));
        seen.add_talk(&line, &run(&more).exits(Exit::Clean));
    }
    shows(&seen, "delete_what_is_left_to_a_person");
}

#[test]
fn a_report_of_an_older_version_has_no_note_and_is_acted_on_as_before() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let (folder, report) = scanned(&database);
    let found = Report::read(&report);
    assert_eq!(found.header.last().map(String::as_str), Some("note"));
    let older = folder.path().join("older.csv");
    let columns = &found.header[..found.header.len() - 1];
    let mut writer = csv::Writer::from_path(&older).expect("a file");
    writer.write_record(columns).expect("a row");
    found.rows.iter().for_each(|row| writer.write_record(columns.iter().map(|name| &row[name])).expect("a row"));
    drop(writer);
    let run = |report: &PathBuf, more: &[&str]| {
        let run = halfbuilt(&["delete"]).args(&[report]).args(&NOBODY).args(&TIMES).args(more).on(&database);
        run.run().exits(Exit::Clean)
    };
    assert_eq!(run(&older, &[]).stdout, run(&report, &[]).stdout);
    run(&older, &[]).says_all_of("delete_report_of_an_older_version");
    // What it does not say of a build that is named, the timing does.
    let plan = Report::parse(&run(&older, &ALL_TIMINGS).stdout);
    assert_eq!(plan.count("state", "refused"), 2);
    let kept = plan.rows.iter().filter(|row| row["state"] == "refused");
    assert!(kept.into_iter().all(|row| row["reason"].starts_with("timing ")), "{plan:?}");
}

#[test]
fn a_choice_by_reason_and_by_project() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap", "output-missing"]);
    let (_folder, report) = scanned(&database);
    let choice = ["--reason", "output-gap", "--reason", "output-missing", "--project", "acme/*"];
    let allow = ["--allow", "times-contradicted=1"];
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&choice).args(&allow).on(&database).run();
    let plan = Report::parse(&done.exits(Exit::Clean).stdout);
    assert!(!plan.rows.is_empty());
    for row in &plan.rows {
        assert!(row["project"].starts_with("acme/"), "{row:?}");
        assert!(row["reasons"].contains("output-gap") || row["reasons"].contains("output-missing"), "{row:?}");
    }
}

#[test]
fn an_empty_choice_is_an_error_and_never_all() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for choice in [["--reason", "output-gapp"], ["--project", "amce/*"]] {
        let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&choice).on(&database).run();
        let line = format!("halfbuilt delete report.csv {}", choice.join(" "));
        seen.add(&line, &done.exits(Exit::NothingInScope).fails_with("error:"));
    }
    shows(&seen, "delete_an_empty_choice");
}

#[test]
fn a_clean_report_has_nothing_to_delete() {
    let database = TestDatabase::circleci(&["healthy"]);
    let (_folder, report) = scanned(&database);
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).on(&database).run();
    done.exits(Exit::NothingInScope).fails_with("error:").says_all_of("delete_clean_report");
}

#[test]
fn a_report_with_nothing_deletable_is_an_error() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).on(&database).run().exits(Exit::Clean);
    let run = |more: &[&str]| {
        halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).args(more).on(&database).run()
    };
    let mut seen = Seen::default();
    seen.add("halfbuilt delete report.csv", &run(&[]).exits(Exit::NothingInScope).fails_with("error:"));
    // Named, each is refused.
    let done = run(&["--timing", "unknown"]).exits(Exit::NothingInScope);
    assert_eq!(Report::parse(&done.stdout).column("state"), ["refused"; 11]);
    seen.add_talk("halfbuilt delete report.csv --timing unknown", &done);
    shows(&seen, "delete_report_with_nothing_deletable");
}

#[test]
fn what_has_changed_recovered_or_gone_since_the_report_is_kept() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let (_folder, report) = scanned(&database);
    let urls = deletable(&Report::read(&report));
    let sql = |verb: &str, url: &str| format!("{verb} WHERE build_url = '{url}'");
    database.run(&sql("DELETE FROM builds", &urls[0]));
    database.run(&sql("UPDATE builds SET status = 'timedout'", &urls[1]));
    let stuck = Report::read(&report);
    let stuck =
        stuck.rows.iter().find(|row| row["reasons"] == "stuck-running" && !urls[..2].contains(&row["build_url"]));
    let stuck = &stuck.expect("a build that is only stuck")["build_url"];
    database.run(&sql("UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20T01:59:59Z'", stuck));
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).on(&database).run();
    let plan = Report::parse(&done.exits(Exit::Clean).stdout);
    let state = |url: &str| plan.rows.iter().find(|row| row["build_url"] == url).expect(url)["state"].clone();
    assert_eq!(state(&urls[0]), "already-gone");
    assert_eq!(state(&urls[1]), "changed");
    assert_eq!(state(stuck), "recovered");
}

#[test]
fn a_build_under_another_name_of_the_server_is_not_gone() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    database.run("UPDATE builds SET build_url = replace(build_url, 'ci.acme.example', 'ci2.acme.example')");
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).on(&database).run();
    let done = done.exits(Exit::NothingInScope).says_all_of("delete_under_another_name_of_the_server");
    assert_eq!(Report::parse(&done.stdout).count("state", "already-gone"), 0);
}

#[test]
fn two_builds_with_one_address_are_refused() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let url = &deletable(&Report::read(&report))[0];
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at)
         SELECT vcs_type, username || '2', reponame, build_num, build_url, lifecycle, status, queued_at
           FROM builds WHERE build_url = '{url}'"
    ));
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).on(&database).run();
    let plan = Report::parse(&done.exits(Exit::Clean).stdout);
    let row = plan.rows.iter().find(|row| &row["build_url"] == url).expect("the row");
    assert_eq!((row["state"].as_str(), row["reason"].as_str()), ("refused", "2 builds have this URL"));
}

#[test]
fn a_plain_list_is_judged_afresh() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let abnormal = deletable(&Report::read(&report))[0].replace("/gh/", "/github/");
    let list = format!("# two builds\n{abnormal}/\nhttps://ci.acme.example/gh/acme/api/501?tab=1\n");
    let run = |times: &[&str]| halfbuilt(&["delete", "-"]).args(&NOBODY).args(times).on(&database).input(&list).run();
    let plan = Report::parse(&run(&TIMES).exits(Exit::Clean).stdout);
    assert_eq!(plan.column("decision"), ["delete", "keep"]);
    assert_eq!(plan.rows[1]["state"], "recovered");
    // It may never have been abnormal.
    assert_eq!(plan.rows[1]["reason"], "no rule finds anything wrong with it now");
    // Without a backup time nobody knows whether the backup cut it.
    run(&[]).exits(Exit::NothingInScope).says_all_of("delete_plain_list_without_a_backup_time");
}

#[test]
fn builds_on_two_hosts_are_not_deleted_together() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let list = "https://ci.acme.example/gh/acme/api/9101\nhttps://ci.other.example/gh/acme/api/9101\n";
    let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(list).run();
    done.exits(Exit::Declined).fails_with("error:").says_all_of("delete_builds_on_two_hosts");
}

#[test]
fn another_host_than_the_confirmed_one_stops_everything() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).on(&database);
    let done = done.args(&["--execute", "--confirm", "ci.other.example"]).run();
    done.exits(Exit::Declined).fails_with("--confirm names \"ci.other.example\"");
}

#[test]
fn nobody_deletes_on_a_host_that_was_not_named() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let done = halfbuilt(&["delete", "--execute"]).args(&[&report]).args(&NOBODY).args(&TIMES).on(&database).run();
    done.exits(Exit::Declined).fails_with("nothing is deleted until the host").says("hint: --confirm ci.acme.example");
    assert_eq!(database.urls(), before);
}

#[test]
fn a_person_is_asked_for_the_host() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let all = deletable(&Report::read(&report)).len();
    let before = database.urls().len();
    let delete = |typed: &str| {
        let run = halfbuilt(&["delete", "--execute"]).args(&[&report]).args(&TIMES).on(&database);
        run.via_nrepl(&admin(&database)).on_a_terminal().input(typed).run()
    };
    // Another host, and nothing at all.
    for (typed, message) in
        [("ci.example.com\n", "\"ci.example.com\" is not \"ci.acme.example\": nothing was deleted"), ("\n", "is not")]
    {
        let done = delete(typed).exits(Exit::Declined);
        assert!(done.stdout.contains(message), "{}", done.stdout);
        assert_eq!(database.urls().len(), before);
    }
    let done = delete("CI.acme.example\n").exits(Exit::Clean);
    let question = format!(
        "{all} of {all} chosen builds of database {} will be deleted on ci.acme.example through {}; this cannot be undone. \
         Type the host: ",
        database.name,
        admin(&database).nrepl()
    );
    assert!(done.stdout.contains(&question), "{}", done.stdout);
    assert_eq!(database.urls().len(), before - all);
}

#[test]
fn a_plan_goes_to_a_file_too() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let plan = folder.path().join("plan.csv");
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).on(&database).args(&["-o"]).args(&[&plan]).run();
    assert_eq!(done.exits(Exit::Clean).stdout, "");
    assert_eq!(Report::read(&plan).rows.len(), Report::read(&report).count("deletable", "yes"));
}
