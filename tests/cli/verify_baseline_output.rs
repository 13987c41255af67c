//! What a baseline shows, in everything that a verdict is written to: the sentence, JUnit, JSON, annotations, a policy, and the
//! builds that have to be found.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{Done, Drill, Ended, Run, Seen, TIMES, TestDatabase, VerdictFiles, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

/// The reasons of a baseline.
const DIFFERENCES: [&str; 3] = ["baseline-lost", "baseline-changed", "baseline-extra"];
/// All that a baseline checks.
const CHECKS: [&str; 4] = ["baseline-lost", "baseline-changed", "baseline-extra", "baseline-backwards"];

/// A healthy database that has lost a build, changed one and gained one since its manifest; each with its project and number.
struct Differing {
    drill: Drill,
    files: VerdictFiles,
    builds: [(String, String); 3],
}

impl Differing {
    fn new() -> Self {
        let drill = Drill::healthy();
        let (lost, changed) = (drill.build(3), drill.build(40));
        drill.database.run(&format!("DELETE FROM builds WHERE build_id = {}", lost.0));
        drill.database.run(&format!("UPDATE builds SET status = 'odd' WHERE build_id = {}", changed.0));
        drill.database.run(
            "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
             VALUES ('github', 'acme', 'brand-new', 1, 'https://ci.acme.example/gh/acme/brand-new/1', 'finished', 'success',
                     '2026-11-20T00:00:00Z', '2026-11-20T00:01:00Z', '2026-11-20T00:02:00Z')",
        );
        let builds = [(lost.1, lost.2), (changed.1, changed.2), ("acme/brand-new".to_owned(), "1".to_owned())];
        Self { drill, files: VerdictFiles::new(), builds }
    }

    fn verify(&self) -> Run {
        verify(&self.files, &self.drill)
    }
}

/// `halfbuilt verify` that compares and writes both files.
fn verify(files: &VerdictFiles, drill: &Drill) -> Run {
    let baseline = [drill.file("before.json")];
    files.verify().args(&["--baseline"]).args(&baseline).args(&["--restored-at", TIMES[3]]).on(&drill.database)
}

fn check<'a>(json: &'a Value, name: &str) -> &'a Value {
    let found = json["checks"].as_array().expect("checks").iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check {name}"))
}

fn kinds(json: &Value) -> Vec<&str> {
    let mut kinds: Vec<&str> = json["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| check["kind"].as_str().expect("a word"))
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn what_differs_is_in_every_form_of_the_verdict() {
    let differing = Differing::new();
    let done = differing.verify().env("GITHUB_ACTIONS", "true").run().exits(Exit::Found);
    let (junit, json) = differing.files.agree(&done);
    assert_eq!(junit.names("halfbuilt.baseline", |ended| matches!(ended, Ended::Failed(_))), DIFFERENCES);
    assert_eq!(junit.names("halfbuilt.rules", |ended| *ended == Ended::Passed).len(), 16);
    assert_eq!(kinds(&json), ["times", "collation", "rule", "baseline", "relation"]);
    for (reason, (project, number)) in DIFFERENCES.into_iter().zip(&differing.builds) {
        let Ended::Failed(text) = &junit.case(reason).ended else { panic!("{reason} passed") };
        assert!(text.contains(&format!("{reason}: 1 build found, 0 allowed")), "{text}");
        let first = &check(&json, reason)["first"][0];
        assert_eq!((&first["project"], &first["timing"]), (&project.as_str().into(), &"ended".into()));
        assert_eq!(first["build_num"].to_string(), *number);
        assert!(text.contains(first["evidence"].as_str().expect("evidence")), "{text}");
    }
    // What is lost is one more than there are.
    let builds = differing.drill.database.run("SELECT count(*) FROM builds").parse::<u64>().expect("a number");
    assert_eq!((&json["scope"]["builds"], &json["findings"]["abnormal"]), (&builds.into(), &3.into()));
    let manifest = std::fs::read(differing.drill.file("before.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let compared = &manifest["builds"];
    assert_eq!((&json["scope"]["compared"], &json["baseline"]["builds"]), (compared, compared));
    assert_eq!((&json["baseline"]["backup_time"], &json["backup_time"]), (&TIMES[1].into(), &TIMES[1].into()));
    assert_eq!(json["baseline"]["signature_is_good"], Value::Null);
    done.says_all_of("verify_baseline_output_differences_on_github");
}

#[test]
fn what_differs_is_allowed_by_flags_and_by_a_policy() {
    let differing = Differing::new();
    let text = "[verify]\nallow = { baseline-lost = 1, baseline-changed = 1, baseline-extra = 2 }\n";
    let policy = differing.files.with("halfbuilt.toml", text);
    let by_policy = |flags: &[&str]| differing.verify().args(&["--policy"]).args(&[&policy]).args(flags).run();
    let by_flags = |flags: &[&str]| differing.verify().args(flags).run();
    let flags = ["--allow", "baseline-lost=1", "--allow", "baseline-changed=1", "--allow", "baseline-extra=1"];
    for (run, flags) in [(&by_policy as &dyn Fn(&[&str]) -> Done, &[][..]), (&by_flags, &flags)] {
        let (junit, json) = differing.files.agree(&run(flags).exits(Exit::Clean));
        assert_eq!(json["verdict"], "passed");
        assert_eq!(junit.names("halfbuilt.baseline", |ended| *ended == Ended::Passed), CHECKS);
        let case = junit.case("baseline-lost");
        assert!(case.system_out.starts_with("baseline-lost: 1 build found, 1 allowed"), "{case:?}");
    }
    // Each is held to its own, and a flag is no looser than the policy.
    let (junit, _) = differing.files.agree(&by_policy(&["--allow", "baseline-lost=0"]).exits(Exit::Found));
    assert_eq!(junit.names("halfbuilt.baseline", |ended| *ended == Ended::Passed), CHECKS[1..]);
    let done = by_policy(&["--allow", "baseline-lost=2"]).exits(Exit::Declined).fails_with("error:");
    done.says_all_of("verify_baseline_output_looser_than_the_policy");
}

#[test]
fn without_a_baseline_nothing_is_said_of_one() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    // The policy is that of another run too, which has one.
    let policy = files.with("halfbuilt.toml", "[verify]\nallow = { baseline-lost = 1 }\n");
    let run = files.verify().args(&TIMES).args(&["--policy"]).args(&[policy]).on(&database);
    let (junit, json) = files.agree(&run.run().exits(Exit::Clean).does_not_say("baseline"));
    assert_eq!(junit.names("halfbuilt.baseline", |_| true).len(), 0);
    assert_eq!(kinds(&json), ["times", "collation", "rule", "relation"]);
    assert_eq!((&json["baseline"], &json["scope"]["compared"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_manifest_that_cannot_be_used_shows_in_the_files() {
    let (files, drill) = (VerdictFiles::new(), Drill::healthy());
    let key = files.with("key", "0123456789abcdef-0123456789abcdef");
    let path = drill.file("before.json");
    let mut seen = Seen::default();
    let fails = |seen: &mut Seen, done: Done, fault: &str, why: &str| {
        let done = done.exits(Exit::Failed);
        seen.add(fault, &done);
        let (junit, json) = files.agree(&done);
        assert_eq!(junit.errors(), ["the database was judged"]);
        assert_eq!(junit.names("halfbuilt.baseline", |ended| matches!(ended, Ended::Skipped(_))), CHECKS);
        assert_eq!((&json["verdict"], &json["scope"]), (&"could-not-look".into(), &Value::Null));
        assert!(json["error"].to_string().contains(why), "{}", json["error"]);
        ["junit.xml", "verdict.json"]
            .into_iter()
            .for_each(|file| std::fs::remove_file(files.path(file)).expect("a file"));
    };
    let with = |key: &PathBuf| verify(&files, &drill).args(&["--key-file"]).args(&[key]).run();
    fails(&mut seen, with(&key), "a key, and no signature", "it is not signed, and --key-file requires a signature");
    let signed = drill.run(&["manifest", "-o"]).args(&[&path]).args(&TIMES[..2]).args(&["--key-file"]).args(&[&key]);
    signed.run().exits(Exit::Clean);
    let (_, json) = files.agree(&with(&key).exits(Exit::Clean));
    assert_eq!(json["baseline"]["signature_is_good"], true);
    let other = with(&files.with("other", "fedcba9876543210-fedcba9876543210"));
    fails(&mut seen, other, "another key", "its signature is not of this key");
    let same = drill.run(&["verify", "--baseline"]).args(&[&path]).args(&["--json"]).args(&[&path]).run();
    seen.add("the manifest would be overwritten", &same.exits(Exit::Usage).fails_with("error:"));
    let other = verify(&files, &drill).args(&["--profile", "conductor"]).run();
    fails(&mut seen, other, "another profile", "this run reads with");
    std::fs::write(&path, "{\"format\":\"halfbuilt-manifest/9\"}").expect("a file");
    fails(&mut seen, verify(&files, &drill).run(), "an unknown format", "halfbuilt-manifest/9");
    std::fs::remove_file(&path).expect("a file");
    fails(&mut seen, verify(&files, &drill).run(), "no manifest", "before.json cannot be used");
    shows(&seen, "verify_baseline_output_manifest_that_cannot_be_used");
}

#[test]
fn a_server_that_digests_otherwise_leaves_one_check_out() {
    let (files, drill) = (VerdictFiles::new(), Drill::healthy());
    let path = drill.file("before.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    manifest["digest_check"] = "0000000000000000".into();
    std::fs::write(&path, manifest.to_string()).expect("a file");
    let (junit, json) = files.agree(&verify(&files, &drill).run().exits(Exit::Clean));
    assert_eq!(json["verdict"], "incomplete");
    let why = "this server computes digests differently from the server of the baseline";
    assert_eq!(junit.case("baseline-changed").ended, Ended::Skipped(why.to_owned()));
    assert_eq!(junit.names("halfbuilt.baseline", |ended| *ended == Ended::Passed), [CHECKS[0], CHECKS[2], CHECKS[3]]);
}

#[test]
fn a_build_that_had_to_be_found_is_not_found_by_a_baseline() {
    let (files, drill) = (VerdictFiles::new(), Drill::healthy());
    let [lost, changed, damaged, cut] = ["acme/web 901", "acme/web 902", "acme/web 903", "acme/web 904"].map(|build| {
        let (project, number) = build.split_once(' ').expect("a build");
        format!("https://ci.acme.example/gh/{project}/{number}")
    });
    let insert = |url: &str, ended: bool| {
        let number = url.rsplit('/').next().expect("a number");
        let (lifecycle, stop) = if ended { ("finished", "'2026-11-20T00:02:00Z'") } else { ("running", "NULL") };
        drill.database.run(&format!(
            "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
             VALUES ('github', 'acme', 'web', {number}, '{url}', '{lifecycle}', 'x', '2026-11-20T00:00:00Z', '2026-11-20T00:01:00Z', {stop})"
        ));
    };
    [&lost, &changed, &damaged].into_iter().for_each(|url| insert(url, true));
    insert(&cut, false);
    drill.run(&["manifest", "-o"]).args(&[drill.file("before.json")]).args(&TIMES[..2]).run().exits(Exit::Clean);
    drill.database.run(&format!("DELETE FROM builds WHERE build_url = '{lost}'"));
    drill.database.run(&format!("UPDATE builds SET status = 'odd' WHERE build_url = '{changed}'"));
    drill
        .database
        .run(&format!("UPDATE builds SET lifecycle = 'running', stop_time = NULL WHERE build_url = '{damaged}'"));
    let allow = ["--allow", "baseline-lost=1", "--allow", "baseline-changed=2", "--allow", "stuck-running=2"];
    let expect = |urls: &[&String]| {
        let flags: Vec<&str> = urls.iter().flat_map(|url| ["--expect", url.as_str()]).collect();
        verify(&files, &drill).args(&allow).args(&flags).run()
    };
    // Allowed as a difference, and not found all the same.
    let mut seen = Seen::default();
    for (url, reason) in [(&lost, "baseline-lost"), (&changed, "baseline-changed")] {
        let done = expect(&[url]).exits(Exit::Found);
        seen.add(&format!("--expect names a build with {reason}"), &done);
        let (junit, json) = files.agree(&done);
        let expected = &json["expected"][0];
        assert_eq!((&expected["found"], &expected["differs"]), (&false.into(), &vec![reason].into()), "{url}");
        let Ended::Failed(text) = &junit.case(url).ended else { panic!("{url} was found") };
        assert!(text.contains(&format!("only by the baseline ({reason}): it was over before the backup")), "{text}");
    }
    // A rule finds it too; but it was over before the backup, so that it counts.
    let done = expect(&[&damaged, &cut]).exits(Exit::Clean);
    seen.add("--expect names builds that a rule finds", &done);
    let (_, json) = files.agree(&done);
    assert_eq!(
        (&json["expected"][0]["as_expected"], &json["expected"][1]["as_expected"]),
        (&false.into(), &true.into())
    );
    assert_eq!(
        (&check(&json, "stuck-running")["found"], &check(&json, "stuck-running")["expected"]),
        (&2.into(), &1.into())
    );
    // A build that the backup cut is in no manifest: where the restore lost it, the rules do not find it.
    drill.database.run(&format!("DELETE FROM builds WHERE build_url = '{cut}'"));
    let done = expect(&[&cut]).exits(Exit::Found);
    seen.add("--expect names a build that the backup cut and the restore lost", &done);
    shows(&seen, "verify_baseline_output_expected_builds");
    let (_, json) = files.agree(&done);
    assert_eq!(json["expected"][0]["differs"], Value::Array(Vec::new()));
}

#[test]
fn a_project_narrows_the_files_too() {
    let differing = Differing::new();
    let run = |glob: &str| differing.verify().args(&["--project", glob]).run();
    // The baseline has no build of it, so that nothing could be lost or changed; what is there all the same fails.
    let (junit, json) = differing.files.agree(&run("acme/brand-new").exits(Exit::Found));
    let skipped = ["baseline-lost", "baseline-changed", "baseline-backwards"];
    assert_eq!(junit.names("halfbuilt.baseline", |ended| matches!(ended, Ended::Skipped(_))), skipped);
    assert_eq!((&json["scope"]["builds"], &json["scope"]["compared"]), (&1.into(), &0.into()));
    let (project, _) = &differing.builds[0];
    let (user, repository) = project.split_once('/').expect("a project");
    let (_, json) = differing.files.agree(&run(project).exits(Exit::Found));
    let builds = format!("SELECT count(*) FROM builds WHERE username = '{user}' AND reponame = '{repository}'");
    assert_eq!(json["scope"]["builds"].to_string(), differing.drill.database.run(&builds));
    assert_eq!(json["scope"]["projects"], 1);
    let manifest = std::fs::read(differing.drill.file("before.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let projects = manifest["projects"].as_array().expect("projects");
    let of_project = projects.iter().find(|found| found["project"] == project.as_str()).expect("the project");
    assert_eq!(json["scope"]["compared"], of_project["builds"]);
    assert_eq!(json["findings"]["by_project"].as_object().expect("projects").keys().collect::<Vec<_>>(), [project]);
    let done = run("nobody/*").exits(Exit::NothingInScope).says_all_of("verify_baseline_output_project_without_builds");
    let (_, json) = differing.files.agree(&done);
    let why = "the baseline has no build in scope";
    assert_eq!(check(&json, "baseline-lost")["why_not_checked"], why);
    halfbuilt(&["verify", "--project", "["]).on(&differing.drill.database).run().exits(Exit::Usage);
}

/// A healthy database in which every build that is over says since when, so that a baseline leaves none of them out.
fn dated() -> TestDatabase {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("DELETE FROM builds WHERE lifecycle = 'finished' AND stop_time IS NULL OR lifecycle = 'not_run' AND queued_at IS NULL");
    database
}

fn insert(database: &TestDatabase, project: &str, number: u32, lifecycle: &str, stopped: &str) {
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', 'acme', '{project}', {number}, 'https://ci.acme.example/gh/acme/{project}/{number}?' || count(*), '{lifecycle}', 'x',
                NULL, '2026-11-20T00:01:00Z', {stopped} FROM builds"
    ));
}

#[test]
fn what_retention_excuses_was_not_compared() {
    let (files, drill) = (VerdictFiles::new(), Drill::of(dated()));
    drill.database.run("TRUNCATE builds CASCADE");
    let done = verify(&files, &drill).args(&["--retention", "1h"]).run().exits(Exit::NothingInScope);
    let why = "retention may have deleted every build of the baseline that is in scope";
    let mut seen = Seen::default();
    seen.add("--retention 1h: all may be deleted", &done);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.case("baseline-lost").ended, Ended::Skipped(why.to_owned()));
    assert_eq!(junit.case("stuck-running").ended, Ended::Skipped("no build is in scope".to_owned()));
    assert_eq!(json["baseline"]["comparison"]["compared"], 0);
    assert_eq!(json["baseline"]["comparison"]["retired"], json["baseline"]["builds"]);
    // Those that are too young to be excused are lost.
    let done = verify(&files, &drill).args(&["--retention", "4d"]).run().exits(Exit::Found);
    seen.add("--retention 4d: some may not", &done);
    shows(&seen, "verify_baseline_output_retention");
    let (_, json) = files.agree(&done);
    let numbers = ["compared", "retired"].map(|number| json["baseline"]["comparison"][number].as_u64().expect(number));
    assert!(numbers[0] > 0 && numbers[1] > 0, "{numbers:?}");
    assert_eq!(json["baseline"]["builds"], numbers[0] + numbers[1]);
}

#[test]
fn that_digests_cannot_be_compared_is_said_whatever_else_differs() {
    let (files, drill) = (VerdictFiles::new(), Drill::of(dated()));
    let path = drill.file("before.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    manifest["digest_check"] = "0000000000000000".into();
    std::fs::write(&path, manifest.to_string()).expect("a file");
    let (build, ..) = drill.build(5);
    drill.database.run(&format!(
        "UPDATE builds SET status = 'odd' WHERE build_id % 3 = 0 AND lifecycle = 'finished';
         UPDATE builds SET lifecycle = 'running', stop_time = NULL WHERE build_id = {build}"
    ));
    let allow = ["--allow", "baseline-changed=1", "--allow", "stuck-running=1"];
    let done = verify(&files, &drill).args(&allow).run().exits(Exit::Clean);
    let same = manifest["builds"].as_u64().expect("a number") - 1;
    let (what, why) = (
        format!("the digests of {same} builds"),
        "this server computes digests differently from the server of the baseline",
    );
    let (junit, json) = files.agree(&done.says_all_of("verify_baseline_output_digests_not_comparable"));
    assert_eq!(json["not_checked"], serde_json::json!([{ "what": what, "why": why }]));
    assert_eq!(check(&json, "baseline-changed")["found"], 1);
    assert_eq!(junit.case(&what).ended, Ended::Skipped(why.to_owned()));
}

#[test]
fn builds_that_cannot_be_compared_are_counted_on_either_side() {
    let (files, drill) = (VerdictFiles::new(), Drill::of(dated()));
    (1..=50).for_each(|number| insert(&drill.database, "brand-new", number, "finished", "NULL"));
    // A start without a stop would be abnormal.
    drill.database.run("UPDATE builds SET queued_at = start_time, start_time = NULL WHERE reponame = 'brand-new'");
    let done = verify(&files, &drill).run().exits(Exit::Clean);
    let mut seen = Seen::default();
    seen.add("they are in this database", &done);
    let (_, json) = files.agree(&done);
    assert_eq!(json["verdict"], "incomplete");
    // Of another project nobody asked.
    let (_, json) = files.agree(&verify(&files, &drill).args(&["--project", "acme/web"]).run().exits(Exit::Clean));
    assert!(!json["not_checked"].to_string().contains("against the baseline"), "{}", json["not_checked"]);
    drill.run(&["manifest", "-o"]).args(&[drill.file("before.json")]).args(&TIMES[..2]).run().exits(Exit::Clean);
    seen.add("they are in the baseline too", &verify(&files, &drill).run().exits(Exit::Clean));
    let done = verify(&files, &drill).args(&["--project", "acme/web"]).run().exits(Exit::Clean);
    seen.add("they are of another project", &done);
    shows(&seen, "verify_baseline_output_builds_that_cannot_be_compared");
}

#[test]
fn what_a_baseline_says_of_projects_is_in_every_file() {
    let (files, drill) = (VerdictFiles::new(), Drill::of(dated()));
    let (_, project, _) = drill.build(0);
    let (user, repository) = project.split_once('/').expect("a project");
    let of_project = format!("username = '{user}' AND reponame = '{repository}'");
    insert(&drill.database, "waits", 7, "running", "NULL");
    drill.run(&["manifest", "-o"]).args(&[drill.file("before.json")]).args(&TIMES[..2]).run().exits(Exit::Clean);
    // A build that was not over by T is in no manifest, and yet its number was given.
    drill.database.run("DELETE FROM builds WHERE reponame = 'waits'");
    insert(&drill.database, "waits", 6, "running", "'2026-11-20T07:00:00Z'");
    insert(&drill.database, "brand-new", 1, "finished", "'2026-11-20T00:02:00Z'");
    let lost = drill.database.run(&format!("SELECT count(*) FROM builds WHERE {of_project} AND (stop_time <= '{}' OR lifecycle = 'not_run' AND stop_time IS NULL AND queued_at <= '{}')", TIMES[1], TIMES[1]));
    drill.database.run(&format!("DELETE FROM builds WHERE {of_project}"));
    let summary = files.path("summary.md");
    let run = |allow: &[&str]| {
        let allow: Vec<String> = [
            &[format!("baseline-lost={lost}"), "baseline-extra=1".to_owned(), "closed-after-restore=1".to_owned()],
            &*allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ]
        .concat();
        let flags = allow.iter().flat_map(|allow| ["--allow", allow.as_str()]).collect::<Vec<_>>();
        verify(&files, &drill)
            .args(&flags)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8"))
            .run()
    };
    let mut seen = Seen::default();
    let done = run(&[]).exits(Exit::Found);
    seen.add("numbers went backwards", &done);
    let (junit, json) = files.agree(&done);
    let Ended::Failed(text) = &junit.case("baseline-backwards").ended else { panic!("it passed") };
    let words =
        "project acme/waits: the highest was 7, and it is 6 now; the next build may get a number that was used before";
    assert!(text.contains(words), "{text}");
    let comparison = &json["baseline"]["comparison"];
    assert_eq!(
        comparison["projects_gone"],
        serde_json::json!([{ "project": project, "builds": lost.parse::<u64>().expect("a number") }])
    );
    assert_eq!(comparison["projects_new"], serde_json::json!([{ "project": "acme/brand-new", "builds": 1 }]));
    let waits = serde_json::json!({ "project": "acme/waits", "was": 7, "is": 6 });
    assert!(comparison["numbers_backwards"].as_array().expect("a list").contains(&waits), "{comparison}");
    let [gone, new] = [
        format!("project {project} is gone: {lost} builds"),
        "project acme/brand-new is not in the baseline: 1 build".to_owned(),
    ];
    let markdown = std::fs::read_to_string(&summary).expect("a summary").replace('\\', "");
    for words in [&gone, &new] {
        assert!(junit.text.contains(words) && markdown.contains(words), "{words}\n{}\n{markdown}", junit.text);
    }
    assert!(markdown.contains(words), "{markdown}");
    // Not in the report: there is no build to name.
    let allowed = run(&["baseline-backwards=2"]).exits(Exit::Clean);
    seen.add("and that is allowed", &allowed);
    shows(&seen, "verify_baseline_output_projects_on_github");
    let (junit, json) = files.agree(&allowed);
    assert_eq!((&json["verdict"], &junit.case("baseline-backwards").ended), (&"passed".into(), &Ended::Passed));
    assert_eq!(json["findings"]["abnormal"], lost.parse::<u64>().expect("a number") + 2);
    let policy = files.with("halfbuilt.toml", &format!("[verify]\nallow = {{ baseline-lost = {lost}, baseline-extra = 1, baseline-backwards = 2, closed-after-restore = 1 }}\n"));
    verify(&files, &drill).args(&["--policy"]).args(&[policy]).run().exits(Exit::Clean);
}

#[test]
fn numbers_that_retention_took_back_did_not_go_backwards() {
    let database = dated();
    // A project that nobody has built for a month: all of it is due.
    for number in 1..=3 {
        insert(&database, "old", number, "finished", &format!("'2026-10-0{number}T00:00:00Z'"));
    }
    database.run("UPDATE builds SET start_time = stop_time - interval '1 minute' WHERE reponame = 'old'");
    let (files, drill) = (VerdictFiles::new(), Drill::of(database));
    let run = || verify(&files, &drill).args(&["--retention", "40d"]).run();
    drill.database.run("DELETE FROM builds WHERE reponame = 'old' AND build_num > 1");
    let (_, json) = files.agree(&run().exits(Exit::Clean).does_not_say("BACKWARDS"));
    let comparison = &json["baseline"]["comparison"];
    assert_eq!((&comparison["retired"], &comparison["numbers_backwards"]), (&2.into(), &Value::Array(Vec::new())));
    drill.database.run("DELETE FROM builds WHERE reponame = 'old'");
    files.agree(&run().exits(Exit::Clean).does_not_say("BACKWARDS"));
    // One that was over yesterday was not due.
    let (_, project, _) = drill.build(0);
    let (user, repository) = project.split_once('/').expect("a project");
    drill.database.run(&format!(
        "DELETE FROM builds WHERE build_id = (SELECT build_id FROM builds WHERE username = '{user}' AND reponame = '{repository}' ORDER BY build_num DESC LIMIT 1)"
    ));
    run().exits(Exit::Found).says_all_of("verify_baseline_output_numbers_went_backwards");
}

/// A database whose project acme/twins has builds that share number 2.
fn twins(statuses: &[&str]) -> TestDatabase {
    let database = dated();
    database.run("ALTER TABLE builds DROP CONSTRAINT builds_number");
    insert(&database, "twins", 1, "finished", "'2026-11-19T00:00:00Z'");
    insert(&database, "twins", 3, "finished", "'2026-11-19T00:00:00Z'");
    for status in statuses {
        insert(&database, "twins", 2, "finished", "'2026-11-20T00:30:00Z'");
        database.run(&format!(
            "UPDATE builds SET status = '{status}' WHERE reponame = 'twins' AND build_num = 2 AND status = 'x'"
        ));
    }
    database.run("UPDATE builds SET start_time = stop_time - interval '1 minute' WHERE reponame = 'twins'");
    database
}

#[test]
fn of_builds_that_share_a_number_as_many_are_reported_as_differ() {
    let allow = ["--allow", "duplicate-number=9"];
    let finds = |drill: &Drill, files: &VerdictFiles, reason: &str, number: u64| {
        let of_reason = format!("{reason}={number}");
        let flags = [&allow[..], &["--allow", &of_reason, "--allow", "stuck-running=1"]].concat();
        let done =
            drill.verify().args(&["--json"]).args(&[files.path("verdict.json")]).args(&flags).run().exits(Exit::Clean);
        assert_eq!(check(&files.json(), reason)["found"], number, "{}", done.stderr);
        let rows: Vec<_> = drill.report().rows.into_iter().filter(|row| row["reasons"].contains(reason)).collect();
        assert_eq!(rows.len() as u64, number, "{rows:?}");
        for row in rows {
            assert_eq!(row["evidence"].matches("one of the 2 builds of this number: ").count(), 1, "{row:?}");
        }
        done
    };
    // One more than there was.
    let (files, drill) = (VerdictFiles::new(), Drill::of(twins(&["a"])));
    insert(&drill.database, "twins", 2, "finished", "'2026-11-20T00:40:00Z'");
    finds(&drill, &files, "baseline-extra", 1);
    // One of two has changed, then both.
    let (files, drill) = (VerdictFiles::new(), Drill::of(twins(&["a", "b"])));
    drill.database.run("UPDATE builds SET status = 'odd' WHERE reponame = 'twins' AND status = 'a'");
    finds(&drill, &files, "baseline-changed", 1);
    drill.database.run("UPDATE builds SET status = 'odder' WHERE reponame = 'twins' AND status = 'b'");
    finds(&drill, &files, "baseline-changed", 2);
    // One of two runs again: it is there, and not lost.
    let (files, drill) = (VerdictFiles::new(), Drill::of(twins(&["a", "b"])));
    drill
        .database
        .run("UPDATE builds SET lifecycle = 'running', stop_time = NULL WHERE reponame = 'twins' AND status = 'a'");
    finds(&drill, &files, "baseline-changed", 1).does_not_say("baseline-lost");
    // One of two is gone.
    let (files, drill) = (VerdictFiles::new(), Drill::of(twins(&["a", "b"])));
    drill.database.run("DELETE FROM builds WHERE reponame = 'twins' AND status = 'a'");
    let done = drill.verify().args(&["--json"]).args(&[files.path("verdict.json")]).run().exits(Exit::Found);
    done.says_all_of("verify_baseline_output_one_of_two_twins_is_lost");
}
