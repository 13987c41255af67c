//! What a CI's runner reads in a log and obeys: no name out of a database, a file or an argument is a command to it.

use halfbuilt::exit::Exit;

use crate::support::{Done, Drill, Seen, TIMES, TestDatabase, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

/// What the runner of GitHub Actions takes for commands of other people's making. After actions/runner, `ActionCommand.cs`:
/// `::` begins a line, after blanks too, and `##[` stands anywhere in it, as Azure's `##vso[` does. Our own annotations are the commands that may be there.
fn obeyed(done: &Done) -> Vec<&str> {
    let lines = done.stdout.lines().chain(done.stderr.lines());
    let is_ours =
        |line: &&str| ["error", "warning", "notice"].iter().any(|l| line.starts_with(&format!("::{l} title=")));
    lines
        .filter(|line| {
            !is_ours(line) && (line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso["))
        })
        .collect()
}

#[test]
fn the_name_of_a_project_that_is_gone_is_no_command() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', name, 'x', 1, 'https://ci.acme.example/gh/x/' || row_number() OVER (), 'finished', 'success',
                '2026-11-20T00:00:00Z', '2026-11-20T00:01:00Z', '2026-11-20T00:02:00Z'
           FROM unnest(ARRAY['##[stop-commands]pwn', '##[add-mask]e', '##vso[task.complete]', '::stop-commands::pwn']) AS name",
    );
    let drill = Drill::of(database);
    drill.database.run("DELETE FROM builds WHERE reponame = 'x'");
    let done = drill.verify().env("GITHUB_ACTIONS", "true").run().exits(Exit::Found);
    assert_eq!(obeyed(&done), Vec::<&str>::new());
    done.says_all_of("output_ci_log_projects_that_are_gone");
}

#[test]
fn what_is_shown_on_standard_output_is_no_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let rule =
        "-- rule: own-rule\n-- title: ##[add-mask]e\n-- needs: build\nSELECT build_key, 'x' AS evidence FROM build\n";
    std::fs::write(folder.path().join("own.sql"), rule).expect("a file");
    let done = halfbuilt(&["rules", "--rules"]).args(&[folder.path()]).run().exits(Exit::Clean);
    assert!(done.stdout.contains("#\\u{23}[add-mask]e"), "{}", done.stdout);
    assert_eq!(obeyed(&done), Vec::<&str>::new());
    // The rule itself is a file, and stays as it is.
    let file = halfbuilt(&["rules", "own-rule", "--rules"]).args(&[folder.path()]).run().exits(Exit::Clean);
    assert_eq!(file.stdout, rule);
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run("UPDATE builds SET username = '##[stop-commands]pwn', reponame = 'x'");
    let done = halfbuilt(&["scan", "--format", "table"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert!(done.stdout.contains("[stop-commands]pwn/x"), "{}", done.stdout);
    assert_eq!(obeyed(&done), Vec::<&str>::new());
}

#[test]
fn what_an_error_repeats_is_no_command() {
    let mut seen = Seen::default();
    for arguments in
        [&["rules", "##[add-mask]e"][..], &["scan", "--max-run-time", "x\n::stop-commands::y"], &["##[debug]e"]]
    {
        let done = halfbuilt(arguments).env("GITHUB_ACTIONS", "true").run().exits(Exit::Usage).says("error:");
        assert_eq!(obeyed(&done), Vec::<&str>::new(), "{arguments:?}");
        seen.add(&format!("{arguments:?}"), &done);
    }
    shows(&seen, "output_ci_log_errors");
}
