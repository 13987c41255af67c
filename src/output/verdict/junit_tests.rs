//! Whatever the database holds, the XML is valid and says what the verdict says.

use proptest::prelude::*;

use super::*;
use crate::build_url::BuildUrl;
use crate::drill::{Circumstances, ScanNumbers, Seen, Verdict};
use crate::not_checked::NotChecked;
use crate::testing::circumstances;
use crate::timing::Timing;

// The test of the whole program reads verdicts by it too.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../tests/support/junit.rs"]
mod read_back;
use read_back::{Ended, Junit};

fn about() -> Circumstances {
    let known = circumstances();
    Circumstances { ended_at: known.started_at + jiff::SignedDuration::from_millis(1_234), ..known }
}

fn read(judgement: &Judgement) -> Junit {
    let mut text = Vec::new();
    write(judgement, &mut text).expect("a write");
    Junit::parse(&String::from_utf8(text).expect("UTF-8"))
}

fn seen(text: &str) -> Seen {
    Seen {
        build_url: Some(Foreign::new(text)),
        project: None,
        build_num: Some(1),
        timing: Some(Timing::InFlight),
        evidence: Foreign::new(text),
    }
}

/// Texts as they are never meant to be.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = "(]]>|<!\\[CDATA\\[|&#0;|&amp;|\u{1b}\\[3|\u{1b}|\u{0}|\u{7f}|\u{9b}|\u{fffe}|\u{ffff}|\u{85}|\u{2028}|\r\n|\"|'|é|\u{1f4a3}){0,8}";
    prop_oneof![nasty.prop_map(String::from), any::<String>(), any::<String>().prop_map(|text| text.repeat(200))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_xml_is_valid_whatever_the_database_holds(
        rules in prop::collection::vec((hostile(), hostile(), 0_u64..4, 0_u64..4, 0_u8..3), 0..6),
        gap in (hostile(), hostile()),
        missing in any::<bool>(),
        builds in 0_u64..2,
    ) {
        let checks: Vec<Check> = rules.iter().enumerate().map(|(place, (name, text, found, allowed, kind))| Check {
            kind: if *kind == 2 { CheckKind::Relation } else { CheckKind::Rule },
            name: format!("{place} {name}"),
            title: text.clone(),
            outcome: match kind {
                0 => Outcome::NotChecked(text.clone()),
                2 => Outcome::Read,
                _ => Outcome::Counted(Count { found: *found, expected: 0, allowed: *allowed, first: vec![seen(text)] }),
            },
        }).collect();
        let url = BuildUrl::parse("https://ci.example.com/gh/acme/api/7").expect("an address");
        let expected: Vec<ExpectedBuild> = missing.then(|| ExpectedBuild::new(url)).into_iter().collect();
        let seen = ScanNumbers { builds, ..ScanNumbers::default() };
        let judgement = Judgement::of(checks, vec![NotChecked::check(gap.0, gap.1)], expected, seen, about());
        let junit = read(&judgement);

        // Both ways: what the verdict says is in the file, and nothing else is.
        let count = |ended: fn(&Ended) -> bool| junit.cases.iter().filter(|case| ended(&case.ended)).count();
        let failing = judgement.checks.iter().filter(|check| matches!(&check.outcome, Outcome::Counted(count) if !count.is_allowed())).count();
        let left = judgement.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotChecked(_))).count();
        let judged = judgement.verdict.is_judged();
        prop_assert_eq!(count(|ended| matches!(ended, Ended::Failed(_))), failing + judgement.missing().count());
        prop_assert_eq!(count(|ended| matches!(ended, Ended::Error(_))), usize::from(!judged));
        prop_assert_eq!(count(|ended| matches!(ended, Ended::Skipped(_))), left + 1 + usize::from(!judged && missing));
        prop_assert_eq!(junit.cases.len(), judgement.checks.len() + 1 + usize::from(missing) + usize::from(!judged));
        let red = count(|ended| matches!(ended, Ended::Failed(_) | Ended::Error(_))) > 0;
        prop_assert_eq!(red, judgement.exit() != crate::exit::Exit::Clean);
    }
}

#[test]
fn an_error_has_its_causes() {
    let failure = crate::drill::Failure {
        exit: crate::exit::Exit::Failed,
        message: Foreign::new("cannot connect"),
        causes: vec![Foreign::new("connection refused")],
        hint: Some("is it running?".to_owned()),
    };
    let judgement = Judgement::of_failure(failure, Vec::new(), Vec::new(), about());
    let junit = read(&judgement);
    assert_eq!(judgement.verdict, Verdict::CouldNotLook);
    let error = "cannot connect\ncannot connect\ncaused by: connection refused\nhint: is it running?".to_owned();
    assert_eq!(junit.case("the database was judged").ended, Ended::Error(error));
    assert!(junit.text.contains("time=\"1.234\""), "{}", junit.text);
}
