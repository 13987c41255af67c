//! Names that nothing has, and a profile that does not fit: what may be meant is named.

use halfbuilt::exit::Exit;

use crate::support::{Seen, TIMES, TestDatabase, halfbuilt, psql, repository};
use crate::what_a_person_sees::shows;

#[test]
fn the_profile_that_fits_is_named_where_another_does_not() {
    let conductor = TestDatabase::empty();
    psql(&conductor.name, &["-f", repository("fixtures/conductor/jobs.sql").to_str().expect("a path")]);
    let buildbot = TestDatabase::buildbot("restored.dump");
    let nothing = TestDatabase::empty();
    let half = TestDatabase::circleci(&["healthy"]);
    half.run("ALTER TABLE builds RENAME COLUMN status TO state");
    let mut seen = Seen::default();
    for (command, database, what) in [
        ("scan", &conductor, "tables of conductor"),
        ("verify", &conductor, "tables of conductor"),
        ("scan", &buildbot, "tables of Buildbot"),
        ("scan", &nothing, "no tables"),
        ("scan", &half, "tables of the reference schema with a column that has another name"),
    ] {
        let done = halfbuilt(&[command]).args(&TIMES).on(database).run().exits(Exit::Failed);
        seen.add_talk(&format!("{command}, {what}"), &done);
    }
    shows(&seen, "profile_that_fits_is_named");
}

#[test]
fn a_rule_that_does_not_fit_is_no_reason_to_name_another_profile() {
    let database = TestDatabase::circleci(&["healthy"]);
    let folder = tempfile::tempdir().expect("a folder");
    let rule = "-- rule: own\n-- title: own\n-- needs: build\nSELECT build_key, branch AS evidence FROM build\n";
    std::fs::write(folder.path().join("own.sql"), rule).expect("a rule");
    let done = halfbuilt(&["scan", "--rules"]).args(&[folder.path()]).args(&TIMES).on(&database).run();
    done.exits(Exit::Failed).does_not_say("profile conductor").does_not_say("fits this database");
}

#[test]
fn an_unknown_name_is_a_usage_error_in_every_command() {
    let database = TestDatabase::circleci(&["healthy"]);
    let mut seen = Seen::default();
    for words in [
        &["scan", "--profile", "circle"][..],
        &["verify", "--profile", "bildbot"],
        &["manifest", "--profile", "x"],
        &["profiles", "circle"],
        &["profiles", "--check", "circle"],
        &["scan", "--rule", "stuck-runing,output-gap"],
        &["rules", "output_gap"],
    ] {
        let times: &[&str] = if ["scan", "verify"].contains(&words[0]) { &TIMES } else { &[] };
        let done = halfbuilt(words).args(times).on(&database).run().exits(Exit::Usage);
        seen.add_talk(&format!("halfbuilt {}", words.join(" ")), &done);
    }
    shows(&seen, "unknown_names");
}

#[test]
fn several_names_stand_in_one_flag() {
    let database = TestDatabase::circleci(&["healthy", "output-gap", "stuck-running"]);
    let scan =
        |flags: &[&str]| halfbuilt(&["scan"]).args(flags).args(&TIMES).on(&database).run().exits(Exit::Clean).stdout;
    let both = scan(&["--rule", "output-gap,stuck-running", "--project", "acme/*,tools/lib"]);
    assert_eq!(both, scan(&["--rule=output-gap", "--rule=stuck-running", "--project=acme/*", "--project=tools/lib"]));
    assert!(both.contains("output-gap") && both.contains("stuck-running"), "{both}");
    let of_verify = |allowed: &[&str]| halfbuilt(&["verify"]).args(allowed).args(&TIMES).on(&database).run();
    let counts = "stuck-running=99,times-contradicted=99";
    of_verify(&["--allow", counts]).exits(Exit::Found);
    of_verify(&["--allow", &format!("{counts},output-gap=99,output-truncated=99,impossible-state=9")])
        .exits(Exit::Clean);
}
