//! Verdicts and their sentences.

use super::*;
use crate::build_url::BuildUrl;
use crate::drill::Count;
use crate::drill::expected::FoundAs;
use crate::exit::Exit;
use crate::testing::circumstances;
use crate::timing::Timing;

fn rule(name: &str, outcome: Outcome) -> Check {
    Check { kind: CheckKind::Rule, name: name.to_owned(), title: String::new(), outcome }
}

fn counted(found: u64, expected: u64, allowed: u64) -> Outcome {
    Outcome::Counted(Count { found, expected, allowed, first: Vec::new() })
}

fn expected(found: bool) -> ExpectedBuild {
    let url = BuildUrl::parse("https://ci.example.com/gh/acme/api/7").expect("an address");
    let found = found.then(|| FoundAs { timing: Timing::InFlight, reasons: vec!["a".to_owned()], as_expected: true });
    ExpectedBuild { url, found, resembles: None, differs: Vec::new() }
}

fn judged(outcomes: Vec<Outcome>, expected: Vec<ExpectedBuild>, builds: u64) -> Judgement {
    let abnormal = outcomes.iter().map(|outcome| if let Outcome::Counted(count) = outcome { count.found } else { 0 });
    let seen = ScanNumbers { builds, abnormal: abnormal.sum(), ..ScanNumbers::default() };
    let checks = outcomes.into_iter().zip(["a", "b"]).map(|(outcome, name)| rule(name, outcome)).collect();
    Judgement::of(checks, Vec::new(), expected, seen, circumstances())
}

#[test]
fn verdicts_and_their_sentences() {
    let left_out = || Outcome::NotChecked("it needs --backup-time".to_owned());
    for (outcomes, expected, builds, verdict, sentence) in [
        (vec![counted(0, 0, 0)], vec![], 10, Verdict::Clean, "clean: none of 10 builds is abnormal"),
        (
            vec![counted(0, 0, 0), left_out()],
            vec![],
            10,
            Verdict::Incomplete,
            "incomplete: nothing abnormal was seen in 10 builds, but not everything was checked; not checked: b (it needs --backup-time)",
        ),
        (
            vec![counted(2, 0, 2), counted(0, 0, 0)],
            vec![],
            10,
            Verdict::Allowed,
            "passed: 2 of 10 builds are abnormal, no more than allowed (a 2, allowed 2)",
        ),
        (vec![counted(3, 0, 2)], vec![], 10, Verdict::Abnormal, "failed: 3 of 10 builds are abnormal (a 3, allowed 2)"),
        // Each rule is held to its own allowance.
        (
            vec![counted(0, 0, 2), counted(1, 0, 0)],
            vec![],
            10,
            Verdict::Abnormal,
            "failed: 1 of 10 builds is abnormal (b 1)",
        ),
        (
            vec![counted(1, 1, 0)],
            vec![expected(true)],
            10,
            Verdict::Allowed,
            "passed: 1 of 10 builds is abnormal, as expected (a 1, expected 1); 1 of 1 expected build was found",
        ),
        // An expected build uses up none of what is allowed, and allows no other.
        (
            vec![counted(3, 1, 2)],
            vec![expected(true)],
            10,
            Verdict::Allowed,
            "passed: 3 of 10 builds are abnormal, no more than allowed (a 3, expected 1, allowed 2); \
             1 of 1 expected build was found",
        ),
        (
            vec![counted(2, 1, 0)],
            vec![expected(true)],
            10,
            Verdict::Abnormal,
            "failed: 2 of 10 builds are abnormal (a 2, expected 1); 1 of 1 expected build was found",
        ),
        (
            vec![counted(0, 0, 0)],
            vec![expected(false)],
            10,
            Verdict::Abnormal,
            "failed: none of 10 builds is abnormal; 1 of 1 expected build was not found: \
             https://ci.example.com/gh/acme/api/7",
        ),
        (
            vec![counted(0, 0, 0)],
            vec![expected(false)],
            0,
            Verdict::NothingChecked,
            "nothing was checked: no build is in scope",
        ),
        (vec![left_out()], vec![], 10, Verdict::NothingChecked, "nothing was checked: no rule could be run"),
    ] {
        let judgement = judged(outcomes, expected, builds);
        assert_eq!(judgement.sentence(), format!("verdict: {sentence}"));
        assert_eq!(judgement.verdict, verdict, "{sentence}");
    }
}

/// A rule and a comparison, which found so many builds.
fn compared(rule_found: Outcome, lost: Outcome, builds: u64, compared: u64) -> Judgement {
    let lost = Check { kind: CheckKind::Baseline, ..rule("baseline-lost", lost) };
    let abnormal = if let Outcome::Counted(count) = &lost.outcome { count.found } else { 0 };
    let seen = ScanNumbers {
        builds,
        abnormal,
        compared: Some(ComparisonTotals { builds: compared, ..ComparisonTotals::default() }),
        ..ScanNumbers::default()
    };
    Judgement::of(vec![rule("a", rule_found), lost], Vec::new(), Vec::new(), seen, circumstances())
}

#[test]
fn what_a_baseline_tells_counts_as_what_a_rule_finds() {
    let left_out = || Outcome::NotChecked("it computes digests differently".to_owned());
    for (rule_found, lost, builds, of_baseline, verdict, sentence) in [
        (
            counted(0, 0, 0),
            counted(0, 0, 0),
            10,
            8,
            Verdict::Clean,
            "clean: none of 10 builds is abnormal; compared with 8 builds of the baseline",
        ),
        (
            counted(0, 0, 0),
            counted(2, 0, 1),
            8,
            10,
            Verdict::Abnormal,
            "failed: 2 of 10 builds are abnormal (baseline-lost 2, allowed 1); compared with 10 builds of the baseline",
        ),
        (
            counted(0, 0, 0),
            counted(1, 0, 1),
            9,
            10,
            Verdict::Allowed,
            "passed: 1 of 10 builds is abnormal, no more than allowed (baseline-lost 1, allowed 1); compared with 10 builds \
             of the baseline",
        ),
        // All builds are lost: that is not nothing.
        (
            counted(0, 0, 0),
            counted(10, 0, 0),
            0,
            10,
            Verdict::Abnormal,
            "failed: 10 of 10 builds are abnormal (baseline-lost 10); compared with 10 builds of the baseline",
        ),
        (
            counted(0, 0, 0),
            left_out(),
            10,
            8,
            Verdict::Incomplete,
            "incomplete: nothing abnormal was seen in 10 builds, but not everything was checked; compared with 8 builds of the baseline; \
             not checked: baseline-lost (it computes digests differently)",
        ),
        // A comparison with nothing, and one beside which no rule was run, are never green.
        (
            counted(0, 0, 0),
            counted(0, 0, 0),
            10,
            0,
            Verdict::NothingChecked,
            "nothing was checked: the baseline has no build in scope",
        ),
        (left_out(), counted(0, 0, 0), 10, 8, Verdict::NothingChecked, "nothing was checked: no rule could be run"),
        (
            left_out(),
            counted(1, 0, 0),
            10,
            8,
            Verdict::Abnormal,
            "failed: 1 of 11 builds is abnormal (baseline-lost 1); compared with 8 builds of the baseline; not checked: a (it \
             computes digests differently)",
        ),
    ] {
        let judgement = compared(rule_found, lost, builds, of_baseline);
        assert_eq!(judgement.sentence(), format!("verdict: {sentence}"));
        assert_eq!(judgement.verdict, verdict, "{sentence}");
    }
}

#[test]
fn nothing_checked_is_never_clean() {
    assert_eq!(Verdict::NothingChecked.exit(), Some(Exit::NothingInScope));
    for judgement in [judged(vec![counted(0, 0, 0)], vec![], 0), judged(vec![], vec![], 10)] {
        assert_eq!(judgement.verdict, Verdict::NothingChecked);
        let passed = |check: &Check| !matches!(check.outcome, Outcome::NotChecked(_));
        assert!(!judgement.checks.iter().any(passed), "a rule passed where nothing was checked");
    }
}

#[test]
fn where_nothing_was_looked_at_nothing_is_found_or_missing() {
    let failure = Failure { exit: Exit::Failed, message: Foreign::new("refused"), causes: Vec::new(), hint: None };
    let checks = vec![rule("a", counted(0, 0, 0))];
    let judgement = Judgement::of_failure(failure, checks, vec![expected(true)], circumstances());
    assert_eq!((judgement.exit(), judgement.missing().count()), (Exit::Failed, 0));
    assert_eq!(judgement.checks[0].outcome, Outcome::NotChecked("it could not be looked at".to_owned()));
    assert!(judgement.expected[0].found.is_none());
}
