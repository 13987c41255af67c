//! The verdict for CI: JUnit, JSON, what GitHub Actions shows, builds that have to be found, and a policy.

use std::path::Path;

use halfbuilt::exit::Exit;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{
    Done, Ended, Junit, Seen, Signal, TIMES, TestDatabase, VerdictFiles, by_rule, expected_report, failed, halfbuilt,
    psql, repository, signal, wait_until,
};
use crate::verify_expected_builds::cut;
use crate::what_a_person_sees::{Says, shows};

fn skipped(ended: &Ended) -> bool {
    matches!(ended, Ended::Skipped(_))
}

#[test]
fn a_clean_database_passes_every_rule_and_relation() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let run = files.verify().args(&TIMES).on(&database).env("GITHUB_ACTIONS", "true");
    let done = run.run().exits(Exit::Clean);
    assert_eq!(done.stdout, "");
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.rules", |ended| *ended == Ended::Passed).len(), 16);
    assert_eq!(junit.names("halfbuilt.times", |ended| *ended == Ended::Passed), ["times-contradicted"]);
    assert_eq!(junit.names("halfbuilt.relations", |ended| *ended == Ended::Passed), ["build", "step", "chunk"]);
    // No rule that ships looks at object storage, and that is said.
    let why = Ended::Skipped("no rule that was run reads it".to_owned());
    assert_eq!(junit.case("object").ended, why);
    assert_eq!(json["verdict"], "clean");
    done.says_all_of("verify_output_clean_on_github");
    assert_eq!((&json["scope"]["builds"], &json["findings"]["abnormal"]), (&326.into(), &0.into()));
    assert_eq!(json["database"]["name"], database.name.as_str());
    let identifier = database.run("SELECT system_identifier FROM pg_control_system()");
    assert_eq!(json["database"]["system_identifier"], identifier.as_str());
    assert_eq!((&json["backup_time"], &json["restored_at"]), (&TIMES[1].into(), &TIMES[3].into()));
    assert_eq!((&json["profile"], &json["max_run_seconds"]), (&"circleci".into(), &18000.into()));
}

#[test]
fn each_rule_fails_or_passes_by_what_it_found_and_what_is_allowed() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy", "output-gap"]));
    let found = by_rule("output-gap");
    let allow = format!("stuck-running={}", found["stuck-running"]);
    let done = files.verify().args(&TIMES).args(&["--allow", &allow]).on(&database).run().exits(Exit::Found);
    let (junit, json) = files.agree(&done);
    let failing: Vec<&str> = found.keys().map(String::as_str).filter(|rule| *rule != "stuck-running").collect();
    let mut named = junit.names("halfbuilt.rules", failed);
    named.sort_unstable();
    assert_eq!(named, failing);
    for check in json["checks"].as_array().expect("checks").iter().filter(|check| check["kind"] == "rule") {
        let name = check["name"].as_str().expect("a name");
        assert_eq!(check["found"], found.get(name).copied().unwrap_or_default(), "{name}");
        assert!(!check["title"].as_str().expect("a title").is_empty(), "{name}");
    }
    // A failure names the builds, and what is allowed is said all the same.
    let Ended::Failed(text) = &junit.case("output-gap").ended else { panic!("it passed") };
    for row in expected_report("output-gap").rows.iter().filter(|row| row["reasons"].contains("output-gap")) {
        assert!(text.contains(&row["build_url"]), "{}\n{text}", row["build_url"]);
    }
    let allowed = junit.case("stuck-running");
    assert_eq!(allowed.ended, Ended::Passed);
    let counted = format!("stuck-running: {} found, {} allowed", found["stuck-running"], found["stuck-running"]);
    assert!(allowed.system_out.replace(" builds", "").replace(" build", "").starts_with(&counted), "{allowed:?}");
    let timings = expected_report("output-gap");
    assert_eq!(json["findings"]["by_timing"]["ended"], timings.count("timing", "ended"));
    assert_eq!(json["findings"]["deletable"], timings.count("deletable", "yes"));
}

#[test]
fn whatever_the_database_holds_the_files_are_sound() {
    let database = TestDatabase::circleci(&["healthy", "hostile"]);
    // What XML cannot hold, what would end a section of it, and half an escape sequence; also in a project's name.
    database.run(
        "UPDATE actions SET name = E']]>&#0;<x a=\"\\x01\\x1b[3' || U&'\\FFFE' || U&'\\FFFF' WHERE build_id = 900631 AND step = 0; \
         UPDATE builds SET username = E'%0A::stop-commands::x\\n::error::y ##[error]z' WHERE build_id = 900602",
    );
    let files = VerdictFiles::new();
    let summary = files.with("summary.md", "what was there\n");
    let run = files.verify().args(&TIMES).on(&database).env("GITHUB_ACTIONS", "true");
    let done = run.env("GITHUB_STEP_SUMMARY", summary.to_str().expect("a path")).run().exits(Exit::Found);
    let (junit, json) = files.agree(&done);
    assert_eq!(json["findings"]["abnormal"], expected_report("hostile").rows.len());
    // A name is shown with all that is in it.
    let first = json["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "stuck-running");
    let first = first.expect("the rule")["first"].as_array().expect("builds");
    assert!(first.iter().any(|build| build["project"] == "\\ttab/x"), "{first:?}");
    let Ended::Failed(text) = &junit.case("output-truncated").ended else { panic!("it passed") };
    assert!(text.contains(r#"]]>&#0;<x a="\u{1}\u{1b}[3\u{fffe}\u{ffff}"#), "{text}");
    // Every line that begins a command is one of ours, and none hides in the middle of a line of another kind.
    for line in done.stderr.lines() {
        match line.trim_start().starts_with("::") {
            true => assert!(
                ["::error title=halfbuilt", "::warning title=halfbuilt"].iter().any(|own| line.starts_with(own)),
                "{line}"
            ),
            false => assert!(!line.contains("##["), "{line}"),
        }
    }
    let text = std::fs::read_to_string(summary).expect("a file");
    assert!(text.starts_with("what was there\n## halfbuilt verify\n\nverdict\\: failed\\: 28 of 354 builds"), "{text}");
    let bare = text.replace("\\\\", "").replace("\\<", "").replace("\\[", "");
    assert!(!bare.contains(['<', '[', '\u{1b}']), "{text}");
}

#[test]
fn what_was_not_checked_is_skipped_with_its_reason() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    database.run("DELETE FROM builds WHERE lifecycle IN ('running', 'queued', 'scheduled', 'not_running')");
    let done = files.verify().on(&database).run().exits(Exit::Clean);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.rules", skipped), ["closed-after-restore"]);
    assert_eq!(junit.case("closed-after-restore").ended, Ended::Skipped("it needs --backup-time".to_owned()));
    assert_eq!((&json["verdict"], &json["backup_time"]), (&"incomplete".into(), &Value::Null));
    // What is no rule and no relation is in it too.
    database.run(
        "UPDATE actions SET output_size = NULL WHERE build_id = (SELECT min(build_id) FROM actions WHERE has_output)",
    );
    let (junit, json) = files.agree(&files.verify().args(&TIMES).on(&database).run());
    let [gap] = &junit.names("halfbuilt.coverage", skipped)[..] else { panic!("{junit:#?}") };
    assert_eq!(json["not_checked"][0]["what"], *gap);
}

#[test]
fn a_profile_without_output_leaves_its_relations_out() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::empty());
    database.load("fixtures/conductor/jobs.sql");
    let done = files.verify().args(&TIMES).args(&["--profile", "conductor"]).on(&database).run();
    let (junit, _) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.relations", skipped), ["step", "chunk", "object"]);
    assert_eq!(junit.case("step").ended, Ended::Skipped("profile conductor has no relation step".to_owned()));
}

#[test]
fn builds_that_contradict_the_times_fail_a_check_of_their_own() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', 'acme', 'late', n, 'https://ci.acme.example/gh/acme/late/' || n, 'finished', 'success',
                '2026-11-20T02:10:00Z', '2026-11-20T02:11:00Z', timestamptz '2026-11-20T02:12:00Z' + n * interval '1 minute'
           FROM generate_series(1, 3) AS n",
    );
    let run = |allow: &[&str]| files.verify().args(&TIMES).args(allow).on(&database).run();
    // No build of them is abnormal, and yet nothing can be called clean.
    let mut seen = Seen::default();
    let done = run(&[]).exits(Exit::Found);
    seen.add("3 builds contradict the times", &done);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.times", failed), ["times-contradicted"]);
    assert_eq!(junit.names("halfbuilt.rules", failed).len(), 0);
    let check = json["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "times-contradicted");
    let check = check.expect("the check");
    assert_eq!((&check["kind"], &check["found"], &check["allowed"]), (&"times".into(), &3.into(), &0.into()));
    assert_eq!(json["findings"]["abnormal"], 0);
    // Allowed, it passes; and not with one less.
    seen.add("2 are allowed", &run(&["--allow", "times-contradicted=2"]).exits(Exit::Found));
    let done = run(&["--allow", "times-contradicted=3"]).exits(Exit::Clean);
    seen.add("3 are allowed", &done);
    let (junit, _) = files.agree(&done);
    assert_eq!(junit.names("halfbuilt.times", |ended| *ended == Ended::Passed), ["times-contradicted"]);
    // A policy may allow them too.
    let policy = files.with("halfbuilt.toml", "[verify]\nallow = { times-contradicted = 3 }\n");
    let by_policy = |more: &[&str]| run(&[&["--policy", policy.to_str().expect("a path")], more].concat());
    seen.add("a policy allows 3", &by_policy(&[]).exits(Exit::Clean));
    let stricter = by_policy(&["--allow", "times-contradicted=2"]).exits(Exit::Found);
    seen.add("a policy allows 3, and a flag 2", &stricter);
    let looser = by_policy(&["--allow", "times-contradicted=4"]).exits(Exit::Declined);
    seen.add("a policy allows 3, and a flag 4", &looser);
    shows(&seen, "verify_output_times_contradicted");
}

#[test]
fn what_a_profile_makes_needless_is_said_and_no_gap() {
    // A queue that stands in the database comes back with it: what waits simply starts.
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let queue_here = circleci.replace("-- queue: elsewhere", "-- queue: in this database");
    assert_ne!(queue_here, circleci);
    let profile = files.with("own.sql", &queue_here);
    let run = || files.verify().args(&["--profile"]).args(&[&profile]).args(&TIMES);
    let done = run().on(&database).run().exits(Exit::Clean);
    let mut seen = Seen::default();
    seen.add("nothing is stuck", &done);
    let (junit, json) = files.agree(&done);
    let check = json["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "stuck-queued");
    let check = check.expect("the rule");
    assert_eq!((&check["checked"], &check["why_not_checked"]), (&false.into(), &Value::Null));
    let why = check["why_not_needed"].as_str().expect("why");
    assert_eq!(junit.case("stuck-queued").ended, Ended::Skipped(format!("not needed: {why}")));
    assert_eq!((&json["verdict"], &json["not_checked"]), (&"clean".into(), &serde_json::json!([])));
    assert!(
        json["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .all(|check| { check["name"] == "stuck-queued" || check["why_not_needed"].is_null() })
    );
    // Nor is anything of it found.
    let waiting = TestDatabase::circleci(&["stuck-queued"]);
    seen.add("builds wait", &run().on(&waiting).run().exits(Exit::Found));
    shows(&seen, "verify_output_rule_that_is_not_needed");
}

#[test]
fn nothing_to_check_is_an_error_and_no_rule_has_passed() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&[]));
    let done = files.verify().args(&TIMES).on(&database).run().exits(Exit::NothingInScope);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.cases.iter().filter(|case| case.ended == Ended::Passed).count(), 0);
    assert_eq!(junit.case("output-gap").ended, Ended::Skipped("no build is in scope".to_owned()));
    assert_eq!(json["verdict"], "nothing-checked");
}

#[test]
fn a_server_that_is_not_there_shows_in_the_files_too() {
    let files = VerdictFiles::new();
    let run = files.verify().args(&TIMES).args(&["--database-url", "host=127.0.0.1 port=1 user=x dbname=ci"]);
    let done = run.env("GITHUB_ACTIONS", "true").run().exits(Exit::Failed);
    let (junit, json) = files.agree(&done);
    assert_eq!(junit.errors(), ["the database was judged"]);
    assert_eq!(junit.names("halfbuilt.rules", skipped).len(), 16);
    assert_eq!(junit.names("halfbuilt.times", skipped), ["times-contradicted"]);
    assert_eq!((&json["verdict"], &json["findings"]), (&"could-not-look".into(), &Value::Null));
    let message = json["error"]["message"].as_str().expect("a message");
    done.says(&format!("error: {message}")).says_all_of("verify_output_server_is_not_there_on_github");
}

#[test]
fn a_database_that_is_lost_half_way_shows_in_the_files_too() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy", "output-gap"]));
    let profile = repository("tests/cli/profile_that_sleeps.sql");
    let child = files.verify().args(&TIMES).args(&["--profile"]).args(&[profile]).on(&database).start();
    let sleeping = format!("datname = '{}' AND wait_event = 'PgSleep'", database.name);
    wait_until(|| psql("postgres", &["-c", &format!("SELECT count(*) FROM pg_stat_activity WHERE {sleeping}")]) == "1");
    psql("postgres", &["-c", &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {sleeping}")]);
    let done = Done::new(child.wait_with_output().expect("halfbuilt ends")).exits(Exit::Failed);
    let (_, json) = files.agree(&done);
    assert_eq!((&json["verdict"], &json["scope"]), (&"could-not-look".into(), &Value::Null));
}

#[test]
fn a_silent_server_and_an_interruption_are_in_the_files() {
    let files = VerdictFiles::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let url = format!("host=127.0.0.1 port={port} user=x dbname=ci sslmode=disable");
    let child = files.verify().args(&["--database-url", &url]).start();
    // It has begun, and hears nothing.
    let _silent = listener.accept().expect("a client");
    signal(&child, Signal::SIGINT);
    let done = Done::new(child.wait_with_output().expect("halfbuilt ends")).exits(Exit::Interrupted);
    let (_, json) = files.agree(&done);
    assert_eq!(json["verdict"], "interrupted");
}

#[test]
fn a_typing_mistake_writes_no_verdict() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let old = files.with("junit.xml", "the last one");
    let mut seen = Seen::default();
    let done = files.verify().args(&TIMES).args(&["--allow", "stuck-runing=1"]).on(&database).run();
    seen.add("--allow stuck-runing=1", &done.exits(Exit::Usage));
    assert_eq!(std::fs::read_to_string(old).expect("a file"), "the last one");
    assert!(!files.path("verdict.json").exists());
    for arguments in [["--junit", "a.xml", "--json", "a.xml"], ["-o", "a.csv", "--junit", "a.csv"]] {
        let done = halfbuilt(&["verify"]).args(&arguments).on(&database).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt verify {}", arguments.join(" ")), &done.fails_with("error:"));
    }
    shows(&seen, "verify_output_typing_mistakes");
    let nowhere = halfbuilt(&["verify", "--junit", "/nonexistent/junit.xml"]).on(&database).run();
    nowhere.exits(Exit::Failed).fails_with("cannot write /nonexistent/junit.xml");
}

#[test]
fn without_github_nothing_of_it_is_said() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy", "output-gap"]));
    let summary = files.path("summary.md");
    let path = summary.to_str().expect("a path").to_owned();
    let run = || files.verify().args(&TIMES).on(&database).env("GITHUB_STEP_SUMMARY", &path);
    let mut seen = Seen::default();
    seen.add("without GITHUB_ACTIONS", &run().run().exits(Exit::Found));
    assert!(!summary.exists());
    seen.add("with it", &run().env("GITHUB_ACTIONS", "true").run().exits(Exit::Found));
    let row = format!("| output\\-gap | {} | 0 | 0 | **failed** |", by_rule("output-gap")["output-gap"]);
    let text = std::fs::read_to_string(&summary).expect("a file");
    assert!(text.contains(&row), "{row}\n{text}");
    // A summary that cannot be written is said, and the verdict stands.
    let run = run().env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/nonexistent/summary");
    seen.add("with it, and a summary that cannot be written", &run.run().exits(Exit::Found));
    shows(&seen, "verify_output_github");
}

/// Every text in a YAML document.
fn texts(yaml: &Yaml, found: &mut Vec<String>) {
    match yaml {
        Yaml::String(text) => found.push(text.clone()),
        Yaml::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Yaml::Hash(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

/// The commands of an example for a CI, as a shell would split them.
fn commands(file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository(file)).expect("a file");
    let documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut found = Vec::new();
    documents.iter().for_each(|document| texts(document, &mut found));
    let script = found.join("\n").replace("\\\n", " ");
    let lines = script.lines().map(str::trim).filter(|line| line.starts_with("halfbuilt verify"));
    lines.map(|line| line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()).collect()
}

#[test]
fn the_examples_for_a_ci_do_what_they_say() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    for file in ["fixtures/ci/circleci.yml", "fixtures/ci/github.yml"] {
        let text = std::fs::read_to_string(repository(file)).expect("a file");
        let found = commands(file);
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        let files = VerdictFiles::new();
        std::fs::create_dir_all(files.path("results/halfbuilt")).expect("a folder");
        std::fs::copy(repository("fixtures/ci/halfbuilt.toml"), files.path("halfbuilt.toml")).expect("a file");
        files.with("cut-builds.txt", &format!("{}\n", cut()[0]));
        // The folder stands for the job's, and what the job's environment holds is filled in.
        let here = |word: &String| match word.as_str() {
            "$BACKUP_TIME" => TIMES[1].to_owned(),
            "$RESTORED_AT" => TIMES[3].to_owned(),
            file if file.contains('.') => files.path(file).display().to_string(),
            other => other.to_owned(),
        };
        let words: Vec<String> = found[0].iter().skip(1).map(here).collect();
        let words: Vec<&Path> = words.iter().map(Path::new).collect();
        let run = halfbuilt(&[]).args(&words).on(&database).env("HALFBUILT_BACKUP_TIME", TIMES[1]);
        let run = run.env("HALFBUILT_RESTORED_AT", TIMES[3]);
        run.run().exits(Exit::Found).says("1 of 1 expected build was found");
        // What the job stores is there, even though the step failed.
        let stored: Vec<&str> = ["results/halfbuilt/junit.xml", "results/junit.xml"]
            .into_iter()
            .filter(|file| files.path(file).exists() && text.contains(file))
            .collect();
        assert_eq!(stored.len(), 1, "{file}");
        Junit::read(&files.path(stored[0]));
        assert!(files.path("results/verdict.json").exists() && files.path("results/report.csv").exists());
    }
}
