//! The summary in Markdown: nothing in it is more than text, and it is never too long.

use proptest::prelude::*;

use super::*;
use crate::drill::{Check, CheckKind, Count, ScanNumbers};
use crate::not_checked::NotChecked;
use crate::testing::circumstances;
use crate::timing::Timing;

fn judgement(rules: usize, text: &str) -> Judgement {
    let seen = Seen {
        build_url: Some(Foreign::new(text)),
        project: None,
        build_num: Some(1),
        timing: Some(Timing::InFlight),
        evidence: Foreign::new(text),
    };
    let checks = (0..rules).map(|place| Check {
        kind: CheckKind::Rule,
        name: format!("{place}{text}"),
        title: text.to_owned(),
        outcome: Outcome::Counted(Count { found: 100, expected: 0, allowed: 0, first: vec![seen.clone(); 20] }),
    });
    let gaps = (0..rules).map(|place| NotChecked::check(text, format!("{text}{place}"))).collect();
    Judgement::of(
        checks.collect(),
        gaps,
        Vec::new(),
        ScanNumbers { builds: 5, ..ScanNumbers::default() },
        circumstances(),
    )
}

#[test]
fn it_is_never_too_long() {
    let text = markdown(&judgement(5_000, &"|".repeat(10_000)));
    assert!(text.len() < 1024 * 1024, "{} bytes", text.len());
}

#[test]
fn the_verdict_is_whole_and_so_is_each_reason() {
    let rules: Vec<String> = (0..40).map(|place| format!("a-rule-of-ones-own-with-a-long-name-{place}")).collect();
    let why = "profile mine has no relation step, without which nothing can be said of what ran, and when it ended";
    let mut judged = judgement(1, "text");
    judged.gaps = rules.iter().map(|rule| NotChecked::check(rule.clone(), why)).collect();
    judged.gaps.extend((0..60).map(|place| NotChecked::check("a relation", format!("reason {place}"))));
    let text = markdown(&judged).replace('\\', "");
    assert!(text.contains(&judged.sentence()), "{text}");
    let list = text.split("### Not checked\n").nth(1).expect("a list");
    let line = list.lines().find(|line| line.contains(&rules[0])).expect("a line");
    assert!(line.ends_with(&format!(": {why}")), "{line}");
    assert!(list.contains("\n- and 11 more\n"), "{list}");
}

#[test]
fn a_file_that_is_nearly_full_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("summary.md");
    std::fs::write(&file, "x".repeat(1024 * 1024 - 100)).expect("a file");
    assert!(append(&judgement(1, "text"), &file).is_err());
    assert_eq!(std::fs::metadata(&file).expect("a file").len(), 1024 * 1024 - 100);
    std::fs::write(&file, "what was there\n").expect("a file");
    append(&judgement(1, "text"), &file).expect("an append");
    assert!(std::fs::read_to_string(&file).expect("a file").starts_with("what was there\n## halfbuilt verify\n"));
}

proptest! {
    #[test]
    fn no_text_is_more_than_text(text in "(<script>|&lt;|\\[a\\]\\(b\\)|https://x|\\\\|\\|`|``|\\||\\*\\*|\n#|@team|[ -~]){0,12}") {
        let shown = plain(&text);
        // Without what is escaped no mark is left that could mean anything.
        let mut rest = shown.chars();
        let mut bare = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\\' => prop_assert!(rest.next().is_some_and(|c| c.is_ascii_punctuation())),
                c => bare.push(c),
            }
        }
        prop_assert!(!bare.contains(|c: char| c.is_ascii_punctuation() || c.is_control()), "{}", shown);
        // So each row of the table has its five cells, whatever its rule is called.
        for row in markdown(&judgement(2, &text)).lines().filter(|line| line.ends_with(" |")) {
            prop_assert_eq!(row.replace("\\\\", "").replace("\\|", "").matches('|').count(), 6, "{}", row);
        }
    }
}
