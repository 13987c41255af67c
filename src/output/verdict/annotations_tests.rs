//! Workflow commands, parsed as the runner parses them.

use proptest::prelude::*;

use super::*;
use crate::drill::{Check, CheckKind, Count, ScanNumbers, Seen};
use crate::not_checked::NotChecked;
use crate::testing::circumstances;
use crate::timing::Timing;

/// What a runner makes of a line: the level, the title and the text. After actions/runner, `ActionCommand.TryParseV2`.
fn parsed(line: &str) -> (String, String, String) {
    let (info, text) = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::")).expect("a command");
    let (level, properties) = info.split_once(' ').expect("properties");
    let [(name, title)] =
        properties.split(',').map(|one| one.split_once('=').expect("a value")).collect::<Vec<_>>()[..]
    else {
        panic!("more than one property: {line}");
    };
    assert_eq!(name, "title");
    let unescape = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    let title = title.replace("%3A", ":").replace("%2C", ",");
    (level.to_owned(), unescape(&title), unescape(text))
}

fn judgement(rules: usize, name: &str, evidence: &str) -> Judgement {
    let seen = Seen {
        build_url: None,
        project: None,
        build_num: Some(1),
        timing: Some(Timing::InFlight),
        evidence: Foreign::new(evidence),
    };
    let count = || Count { found: 100, expected: 0, allowed: 0, first: vec![seen.clone(); 20] };
    let checks = (0..rules).map(|place| Check {
        kind: CheckKind::Rule,
        name: format!("{name}{place}"),
        title: evidence.to_owned(),
        outcome: Outcome::Counted(count()),
    });
    let gaps =
        (0..rules).map(|place| NotChecked::check(format!("{name}{place}"), format!("{evidence}{place}"))).collect();
    let seen = ScanNumbers { builds: 5, ..ScanNumbers::default() };
    Judgement::of(checks.collect(), gaps, Vec::new(), seen, circumstances())
}

#[test]
fn there_are_no_more_than_are_shown_and_the_verdict_is_the_first() {
    let lines = annotations(&judgement(30, "rule-", "evidence"));
    let levels: Vec<String> = lines.iter().map(|line| parsed(line).0).collect();
    assert_eq!(levels.iter().filter(|level| *level == "error").count(), 10);
    assert_eq!(levels.iter().filter(|level| *level == "warning").count(), 10);
    assert!(parsed(&lines[0]).2.starts_with("verdict: failed: "), "{}", lines[0]);
    assert_eq!(parsed(&lines[1]).1, "halfbuilt: rule-0");
    assert_eq!(parsed(&lines[1]).2.lines().count(), 1 + BUILDS);
    // The last of each kind says how many are left out, and where they are.
    let (level, title, text) = parsed(&lines[9]);
    assert_eq!((level.as_str(), title.as_str()), ("error", "halfbuilt: more"));
    assert_eq!(text, "and 22 more: see the summary of this step, or the files of --junit and --json");
    assert!(parsed(&lines[19]).2.starts_with("and 21 more: "), "{}", lines[19]);
}

#[test]
fn a_long_list_keeps_its_reason() {
    let mut judged = judgement(1, "rule-", "evidence");
    judged.gaps =
        (0..100).map(|place| NotChecked::check(format!("own-rule-{place}"), "it needs --backup-time")).collect();
    let lines = annotations(&judged);
    let (_, title, text) = parsed(lines.last().expect("a warning"));
    assert_eq!(title, "halfbuilt: not checked");
    assert!(text.starts_with("own-rule-0, ") && text.ends_with("…: it needs --backup-time"), "{text}");
}

#[test]
fn as_many_as_are_shown_are_told_each() {
    let lines = annotations(&judgement(9, "rule-", "evidence"));
    assert_eq!(parsed(&lines[9]).1, "halfbuilt: rule-8");
    // The first is the verdict, which is short itself.
    assert!(!lines.iter().skip(1).any(|line| line.contains("more")), "{lines:?}");
}

proptest! {
    #[test]
    fn no_text_becomes_another_command(text in "(::|##\\[|%0A|%250A|\n|\r|,|:|=|error|stop-commands|%|[ -~]){0,20}") {
        for line in annotations(&judgement(2, &text, &text)) {
            prop_assert_eq!(line.lines().count(), 1, "{}", line);
            let (level, title, _) = parsed(&line);
            prop_assert!(["error", "warning", "notice"].contains(&level.as_str()) && title.starts_with("halfbuilt"), "{}", line);
        }
    }

    #[test]
    fn what_is_said_is_read_back(text in "[%:,=\r\n a-z0-9A-D]{0,40}") {
        let unescape = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        prop_assert_eq!(&unescape(&data(&text)), &text);
        prop_assert!(!property(&text).contains([':', ',', '\r', '\n']));
    }
}
