//! `halfbuilt verify --expect`: builds that a drill has to find.

use halfbuilt::exit::Exit;

use crate::support::{Ended, Seen, TIMES, TestDatabase, VerdictFiles, by_rule, expected_report, failed, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

/// The addresses of builds that the backup cut and only stuck-running finds.
pub(crate) fn cut() -> Vec<String> {
    let report = expected_report("stuck-running");
    let cut = report.rows.iter().filter(|row| row["timing"] == "in-flight" && row["reasons"] == "stuck-running");
    cut.map(|row| row["build_url"].clone()).collect()
}

#[test]
fn an_expected_build_that_is_found_proves_recall_and_needs_no_allowance() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy", "stuck-running"]));
    let (cut, all) = (cut(), by_rule("stuck-running")["stuck-running"]);
    let [first, second] = &cut[..2] else { panic!("{cut:?}") };
    // As a person pastes it, and in a list.
    let pasted = format!("{}/?tab=steps", first.replace("/gh/", "/github/"));
    let list = files.with("cut.txt", &format!("# started just before the backup\n\n  {second}\r\n"));
    let run = || {
        let run = files.verify().args(&TIMES).args(&["--expect", &pasted, "--expect-file"]).args(&[&list]);
        run.args(&["--allow", "output-truncated=3", "--allow", "impossible-state=1"])
    };
    let enough = format!("stuck-running={}", all - 2);
    let done = run().args(&["--allow", &enough]).on(&database).run().exits(Exit::Clean);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.expected", |ended| *ended == Ended::Passed), [first, second]);
    assert_eq!(junit.case(first).system_out, "found: in-flight, stuck-running");
    assert_eq!((&json["expected"][0]["found"], &json["expected"][0]["as_expected"]), (&true.into(), &true.into()));
    let mut seen = Seen::default();
    seen.add("all others are allowed", &done);
    // They use up nothing of what is allowed, and allow no other build.
    let less = format!("stuck-running={}", all - 3);
    let done = run().args(&["--allow", &less]).on(&database).run().exits(Exit::Found);
    seen.add("one less is allowed", &done);
    shows(&seen, "verify_expected_builds_found");
}

#[test]
fn an_expected_build_that_is_not_found_fails_a_clean_database() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let healthy = database.urls().remove(0);
    let done =
        files.verify().args(&TIMES).args(&["--expect", &healthy]).on(&database).env("GITHUB_ACTIONS", "true").run();
    let done = done.exits(Exit::Found);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.expected", failed), [&healthy]);
    assert_eq!((&json["verdict"], &json["expected"][0]["found"]), (&"failed".into(), &false.into()));
    done.says_all_of("verify_expected_builds_not_found_on_github");
}

#[test]
fn a_build_of_that_name_on_another_host_is_named_and_not_taken_for_it() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["stuck-running"]));
    let cut = cut().remove(0);
    let elsewhere = cut.replace("ci.acme.example", "drill.acme.example");
    let done = files.verify().args(&TIMES).args(&["--expect", &elsewhere]).on(&database).run().exits(Exit::Found);
    let (junit, json) = files.agree(&done);
    assert_eq!(json["expected"][0]["resembles"], cut);
    let Ended::Failed(why) = &junit.case(&elsewhere).ended else { panic!("it passed") };
    assert!(why.contains(&format!("not found; but {cut} was, which may be the same build")), "{why}");
}

#[test]
fn what_cannot_be_expected_is_a_usage_error() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let empty = files.with("empty.txt", "# none\n\n");
    let wrong = files.with("wrong.txt", "https://ci.example.com/gh/acme/api/1\nhttps://ci.example.com/gh/acme\n");
    let mut seen = Seen::default();
    for (flag, value, exit) in [
        ("--expect", "https://ci.example.com/gh/acme/api", Exit::Usage),
        ("--expect", "acme/api 12", Exit::Usage),
        ("--expect-file", empty.to_str().expect("a path"), Exit::Usage),
        ("--expect-file", wrong.to_str().expect("a path"), Exit::Usage),
        ("--expect-file", "/nonexistent/list", Exit::Failed),
    ] {
        let done = halfbuilt(&["verify", flag, value]).args(&TIMES).on(&database).run().exits(exit);
        seen.add(&format!("halfbuilt verify {flag} {value}"), &done.fails_with("error:"));
    }
    shows(&seen, "verify_expected_builds_that_cannot_be_expected");
}
