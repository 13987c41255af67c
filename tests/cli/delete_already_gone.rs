//! What passes for gone, and what must not: a false "already-gone" is as bad as a false deletion.

use halfbuilt::exit::Exit;

use crate::support::{NOBODY, Report, Seen, TIMES, TestDatabase, deletable, halfbuilt, repository, scanned};
use crate::what_a_person_sees::{Says, shows};

fn plan(database: &TestDatabase, list: &str) -> (Report, String) {
    let run = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(database).input(list).run();
    (Report::parse(&run.stdout), run.stderr)
}

#[test]
fn a_build_whose_address_is_spelled_otherwise_in_the_database_is_there() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let url = deletable(&Report::read(&report))[0].clone();
    for spelled in ["build_url || '/'", "replace(build_url, 'https://ci.', 'https://CI.')", "build_url || '?tab=steps'"]
    {
        database.run(&format!("UPDATE builds SET build_url = {spelled} WHERE build_url = '{url}'"));
        let (plan, _) = plan(&database, &url);
        assert_eq!(plan.column("decision"), ["delete"], "{spelled}");
        let reset = url.rsplit('/').next().expect("a number");
        database.run(&format!("UPDATE builds SET build_url = '{url}' WHERE build_num = {reset}"));
    }
}

#[test]
fn a_build_whose_project_is_written_in_other_letters_is_not_gone() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let urls = deletable(&Report::read(&report));
    let url = urls.iter().find(|url| url.contains("/acme/")).expect("a build of acme");
    let (plan, _) = plan(&database, &url.replace("/acme/", "/Acme/"));
    assert_eq!(plan.column("state"), ["refused"]);
    assert!(plan.rows[0]["reason"].starts_with(&format!("the database knows this build as {url}")), "{:?}", plan.rows);
}

#[test]
fn a_build_whose_number_is_not_the_one_in_its_address_is_neither_gone_nor_deletable() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let url = deletable(&Report::read(&report))[0].clone();
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    for number in ["NULL::bigint", "b.build_num + 1"] {
        let other =
            circleci.replace("b.build_num                            AS build_num", &format!("{number} AS build_num"));
        assert_ne!(other, circleci);
        let profile = folder.path().join("odd.sql");
        std::fs::write(&profile, other).expect("a file");
        let scan = halfbuilt(&["scan", "--profile"]).args(&[&profile]).args(&TIMES).on(&database).run();
        let scan = Report::parse(&scan.exits(Exit::Clean).stdout);
        assert_eq!(scan.count("deletable", "no"), scan.rows.len(), "{number}");
        let run = halfbuilt(&["delete", "-", "--profile"]).args(&[&profile]).args(&NOBODY).args(&TIMES).on(&database);
        let done = run.input(&url).run().exits(Exit::NothingInScope);
        assert_eq!(Report::parse(&done.stdout).column("state"), ["refused"], "{number}");
    }
}

#[test]
fn another_database_is_suspected_where_all_is_gone() {
    let database = TestDatabase::circleci(&["healthy"]);
    let list = "https://ci.acme.example/gh/acme/api/9101\nhttps://ci.acme.example/gh/acme/api/9102\n";
    let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(list).run();
    let done = done.exits(Exit::Clean).says_all_of("delete_all_is_gone");
    assert_eq!(Report::parse(&done.stdout).column("state"), ["already-gone", "already-gone"]);
}

#[test]
fn an_address_that_was_mistyped_is_warned_of_in_the_dry_run() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let good = deletable(&Report::read(&report))[0].clone();
    let run = |list: &str| halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(list).run();
    let mistyped = "https://ci.acme.example/gh/acme/api/999991\nhttps://ci.acme.example/gh/acme/api/999992\n";
    let mut seen = Seen::default();
    let done = run(&format!("{good}\n{mistyped}")).exits(Exit::Clean);
    seen.add_talk("two of three addresses are mistyped", &done);
    // Also where nothing is left to be deleted.
    let done = run(&format!("https://ci.acme.example/gh/acme/api/501\n{mistyped}")).exits(Exit::NothingInScope);
    seen.add_talk("the third build is sound", &done);
    seen.add_talk("no address is mistyped", &run(&format!("{good}\n")).exits(Exit::Clean));
    shows(&seen, "delete_mistyped_addresses");
}

#[test]
fn an_empty_database_proves_nothing() {
    let database = TestDatabase::circleci(&[]);
    let list = "https://ci.acme.example/gh/acme/api/9101\n";
    let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(list).run();
    done.exits(Exit::NothingInScope).fails_with("error:").says_all_of("delete_from_an_empty_database");
}

#[test]
fn rows_that_a_policy_hides_are_not_gone_and_not_clean() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    database.run(
        "CREATE ROLE curtained LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO curtained;
         ALTER TABLE builds ENABLE ROW LEVEL SECURITY;
         CREATE POLICY tools ON builds FOR SELECT TO curtained USING (username = 'tools')",
    );
    let as_curtained = |arguments: &[&str]| {
        halfbuilt(arguments).args(&TIMES).on(&database).env("PGUSER", "curtained").env("PGPASSWORD", "x")
    };
    let hidden = "query would be affected by row-level security policy";
    as_curtained(&["verify"]).run().exits(Exit::Failed).fails_with(hidden);
    as_curtained(&["delete"]).args(&[&report]).args(&NOBODY).run().exits(Exit::Failed).fails_with(hidden);
}

#[test]
fn a_build_whose_rule_cannot_be_run_again_is_kept() {
    let database = TestDatabase::circleci(&["closed-after-restore"]);
    let (_folder, report) = scanned(&database);
    let arguments = ["--reason", "closed-after-restore", "--allow", "times-contradicted=1"];
    let run = |times: &[&str]| {
        halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&arguments).args(times).on(&database).run()
    };
    let with = Report::parse(&run(&TIMES).exits(Exit::Clean).stdout);
    assert!(with.count("decision", "delete") > 0);
    // The file beside the report holds the times of the scan. Where it is lost, nothing does.
    let lent = Report::parse(&run(&[]).exits(Exit::Clean).stdout);
    assert_eq!(lent.count("decision", "delete"), with.count("decision", "delete"));
    std::fs::remove_file(format!("{}.about.json", report.display())).expect("it is there");
    let without = run(&[]).exits(Exit::NothingInScope);
    let plan = Report::parse(&without.stdout);
    let only = plan.rows.iter().filter(|row| row["reasons"] == "closed-after-restore");
    let states: Vec<&str> = only.map(|row| row["state"].as_str()).collect();
    assert!(!states.is_empty() && states.iter().all(|state| *state == "refused"), "{states:?}");
    assert!(without.stderr.contains("rule closed-after-restore could not be run again: give --backup-time"));
}

#[test]
fn two_builds_of_a_report_that_share_an_address_are_refused_and_the_others_are_not() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let urls = deletable(&Report::read(&scanned(&database).1));
    let url = urls.iter().find(|url| url.contains("/gh/")).expect("a build on GitHub");
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
         SELECT 'bitbucket', username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time
           FROM builds WHERE build_url = '{url}'"
    ));
    let (_folder, report) = scanned(&database);
    let why = "the report says: another build has its number or its address";
    let run = |more: &[&str]| {
        halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).args(more).on(&database).run()
    };
    let done = run(&["--timing", "in-flight"]).exits(Exit::Clean).does_not_say("left to a person");
    let plan = Report::parse(&done.stdout);
    let shared = plan.rows.iter().filter(|row| row["state"] == "refused" && row["reason"].starts_with(why));
    assert_eq!(shared.filter(|row| row["build_url"] == *url).count(), 2);
    assert_eq!(plan.count("state", "refused"), 2);
    assert!(plan.count("decision", "delete") > 2);
    // Who names no timing does not choose them.
    let done = run(&[]).exits(Exit::Clean).says("left to a person: 4 builds");
    assert!(Report::parse(&done.stdout).rows.iter().all(|row| row["build_url"] != *url));
    // A plain list says nothing of that; the database does.
    let list = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(url).run();
    list.exits(Exit::NothingInScope).says("2 builds have this URL");
}

#[test]
fn a_database_that_knows_none_of_the_projects_is_the_wrong_one() {
    let database = TestDatabase::circleci(&["healthy"]);
    let list = "https://ci.acme.example/gh/other/api/1\n";
    let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(list).run();
    done.exits(Exit::NothingInScope).fails_with("error:").says_all_of("delete_projects_that_are_not_known");
}

#[test]
fn an_address_that_names_another_build_is_neither_deletable_nor_deleted() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    // The project was renamed; its stuck build still carries the old address, which now is that of a sound build.
    database.run(
        "UPDATE builds SET reponame = 'web-old' WHERE build_url = 'https://ci.acme.example/gh/acme/web/9103';
         INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         VALUES ('github', 'acme', 'web', 9103, 'https://new.acme.example/gh/acme/web/9103', 'finished', 'success',
                 '2026-11-19T01:00:00Z', '2026-11-19T01:00:00Z', '2026-11-19T01:10:00Z')",
    );
    let scan = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&scan.stdout).row("acme/web-old", "9103")["deletable"], "no");
    let old_address = "https://ci.acme.example/gh/acme/web/9103";
    assert_eq!(plan(&database, old_address).0.column("state"), ["refused"]);
    database.run("DELETE FROM builds WHERE build_url LIKE 'https://new.%'");
    assert_eq!(plan(&database, old_address).0.column("state"), ["refused"]);
}

#[test]
fn with_other_times_than_those_of_the_scan_nothing_has_recovered() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let earlier = ["--backup-time", "2026-11-01T00:00:00Z"];
    let done = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&earlier).on(&database).run();
    let plan = Report::parse(&done.exits(Exit::NothingInScope).stdout);
    assert_eq!(plan.count("state", "refused"), plan.rows.len());
}

#[test]
fn a_plan_is_never_written_over_results() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    std::fs::write(&results, "what was deleted").expect("a file");
    let run = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&TIMES).args(&["-o"]).args(&[&results]);
    run.on(&database).run().exits(Exit::Usage).fails_with("error:").says_all_of("delete_plan_over_results");
    assert_eq!(std::fs::read_to_string(&results).expect("a file"), "what was deleted");
}

#[test]
fn a_build_that_shares_its_address_is_not_deletable_however_the_scan_is_narrowed() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let url = "https://ci.acme.example/gh/acme/api/9101";
    // Another project, another number, the same address.
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         VALUES ('github', 'other', 'lib', 77, '{url}', 'finished', 'success',
                 '2026-11-19T01:00:00Z', '2026-11-19T01:00:00Z', '2026-11-19T01:10:00Z')"
    ));
    for narrowed in [
        &[][..],
        &["--rule", "stuck-running"],
        &["--project", "acme/api"],
        &["--rule", "stuck-running", "--project", "acme/*"],
    ] {
        let done = halfbuilt(&["scan"]).args(narrowed).args(&TIMES).on(&database).run().exits(Exit::Clean);
        let report = Report::parse(&done.stdout);
        let row =
            report.rows.iter().find(|row| row["build_url"] == url && row["build_num"] == "9101").expect("the build");
        assert_eq!(row["deletable"], "no", "{narrowed:?}");
    }
    let list = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(url).run();
    list.exits(Exit::NothingInScope).says("2 builds have this URL");
}
