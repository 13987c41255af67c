//! The sentences in the snapshots: one thing takes the verb of one thing.

use regex::Regex;

use crate::support::repository;

/// What no sentence says.
const WRONG: [&str; 6] = [
    r"\b1 [\w-]+s (is|was|are|were|have|differ|give|do)\b",
    r"\b1 (\w+ )?(build|project|range|step|row|deletion|relation|rule|key|more \w+) (are|were|have|differ|give|do)\b",
    r"\b1 of the (\w+ )?\w+s (are|were|have|differ)\b",
    r"\b1 (builds|projects|ranges|rows|deletions|rules|keys|more rows|more reasons|more projects)\b",
    r"\b([2-9]|\d{2,}) (build|project|range|row|deletion|rule|key) (is|was|has|differs|gives|does)\b",
    r"\bfailed: none of [\d,]+ builds? is abnormal( \(|$)",
];

#[test]
fn one_thing_takes_the_verb_of_one_thing() {
    let patterns = WRONG.map(|wrong| Regex::new(wrong).expect("a pattern"));
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(repository("tests/cli/snapshots")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // Statements and what a test calls its cases are no sentences of the program.
        if name.starts_with("cli__") {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(&path).expect("a snapshot");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let odd = lines.filter(|line| patterns.iter().any(|pattern| pattern.is_match(line)));
        wrong.extend(odd.map(|line| format!("{name}: {line}")));
    }
    assert!(files > 100, "only {files} snapshots were looked at");
    assert_eq!(wrong, Vec::<String>::new());
}
