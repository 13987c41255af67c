//! `halfbuilt rules`: what there is, and each as it stands.

use std::path::Path;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Seen, TIMES, TestDatabase, halfbuilt, repository};
use crate::what_a_person_sees::shows;

const OWN: &str = "-- rule: lonely\n-- title: nobody \u{1b}[31mwaits for it\n-- needs: build\n\
                   SELECT build_key, 'it is alone' AS evidence FROM build;\n\n-- that is all\n";

fn own(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.sql"), text).expect("a file");
    folder
}

/// The rules that ship, by their files.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(repository("sql/rules")).expect("a folder");
    let stem = |path: &Path| path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
    let mut names: Vec<String> = files.map(|file| stem(&file.expect("a file").path())).collect();
    names.sort();
    names
}

#[test]
fn every_rule_is_listed_with_what_it_needs() {
    let done = halfbuilt(&["rules"]).run().exits(Exit::Clean);
    assert_eq!(done.stderr, "");
    let lines: Vec<&str> = done.stdout.lines().collect();
    let mut listed: Vec<&str> = lines[1..].iter().filter_map(|line| line.split_whitespace().next()).collect();
    listed.sort_unstable();
    assert_eq!(listed, names());
    // The columns line up.
    let title = lines[0].find("fires where").expect("a title");
    let gap = lines.iter().find(|line| line.starts_with("output-gap ")).expect("a row");
    assert_eq!(&gap[title..], "the stored output has a hole");
    assert!(gap[..title].contains("  build, step, chunk  "), "{gap}");
    let closed = lines.iter().find(|line| line.starts_with("closed-after-restore ")).expect("a row");
    assert!(closed.contains("build, backup_time"), "{closed}");
}

#[test]
fn every_rule_is_printed_as_it_stands() {
    for name in names() {
        let done = halfbuilt(&["rules", &name]).run().exits(Exit::Clean);
        let file = repository("sql/rules").join(format!("{name}.sql"));
        assert_eq!(done.stdout, std::fs::read_to_string(file).expect("a file"));
        assert_eq!(done.stderr, "");
    }
}

#[test]
fn a_rule_that_there_is_not() {
    let done = halfbuilt(&["rules", "output-gaps"]).run().exits(Exit::Usage);
    let mut seen = Seen::default();
    seen.add("halfbuilt rules output-gaps", &done);
    let folder = own(OWN);
    let done = halfbuilt(&["rules", "x", "--rules"]).args(&[folder.path()]).run().exits(Exit::Usage);
    seen.add("halfbuilt rules x --rules FOLDER", &done);
    shows(&seen, "rules_that_there_are_not");
}

#[test]
fn own_rules_are_marked_and_printed_byte_for_byte() {
    let folder = own(OWN);
    let done = halfbuilt(&["rules", "--rules"]).args(&[folder.path()]).run().exits(Exit::Clean);
    let last = done.stdout.lines().last().expect("a row");
    assert!(last.starts_with("lonely ") && last.contains(" --rules "), "{last}");
    assert!(last.ends_with("nobody \\u{1b}[31mwaits for it"), "{last}");
    let done = halfbuilt(&["rules", "lonely", "--rules"]).args(&[folder.path()]).run().exits(Exit::Clean);
    assert_eq!(done.stdout, OWN);
}

#[test]
fn a_folder_that_cannot_be_used() {
    let run = |folder: &Path| halfbuilt(&["rules", "--rules"]).args(&[folder]).run().exits(Exit::Failed);
    run(tempfile::tempdir().expect("a folder").path()).fails_with("no *.sql file in");
    let mut seen = Seen::default();
    seen.add("there is no such folder", &run(Path::new("/nonexistent")));
    let needs = "-- rule: r\n-- title: t\n-- needs: log\nSELECT 1";
    seen.add("a rule that needs what there is not", &run(own(needs).path()));
    let ships = "-- rule: output-gap\n-- title: t\n-- needs: build\nSELECT 1";
    seen.add("a rule of a name that ships", &run(own(ships).path()));
    shows(&seen, "rules_folders_that_cannot_be_used");
}

#[test]
fn an_edited_copy_of_a_rule_runs_under_its_new_name() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let printed = halfbuilt(&["rules", "output-gap"]).run().exits(Exit::Clean).stdout;
    let folder = own(&printed.replace("-- rule: output-gap", "-- rule: my-gap"));
    let scan = halfbuilt(&["scan", "--rule", "my-gap", "--rules"]).args(&[folder.path()]).args(&TIMES).on(&database);
    assert!(scan.run().exits(Exit::Clean).stdout.contains(",my-gap,"));
}
