//! Which findings are expected, and which count.

use super::*;
use crate::testing;
use crate::timing::Timing;

fn url(text: &str) -> BuildUrl {
    BuildUrl::parse(text).expect("an address")
}

fn found(url: Option<&str>, number: i64, timing: Timing) -> Finding {
    Finding {
        key: number.to_string(),
        build_url: url.map(str::to_owned),
        project: Some("acme/api".to_owned()),
        build_num: Some(number),
        timing,
        reasons: vec!["stuck-running".to_owned(), "output-truncated".to_owned()],
        evidence: "running since T".to_owned(),
        ..testing::finding()
    }
}

/// Expects build 7, meets a finding, and gives back how build 7 was found and whether the finding counts.
fn met(finding: &Finding) -> (Option<bool>, Option<String>, u64) {
    let mut tally = Tally::new(&[url("https://ci.example.com/github/acme/api/7")]);
    tally.add(finding);
    let build = tally.expected.remove(0);
    let counts = tally.by_rule["stuck-running"].unexpected();
    assert_eq!(tally.by_rule["output-truncated"].unexpected(), counts);
    assert_eq!(tally.by_rule["stuck-running"].first.len() as u64, counts);
    (build.found.map(|found| found.as_expected), build.resembles.map(String::from), counts)
}

const URL: &str = "https://ci.example.com/gh/acme/api/7";

#[test]
fn a_build_that_was_expected_and_cut_does_not_count() {
    for timing in [Timing::InFlight, Timing::Stale, Timing::Unknown] {
        assert_eq!(met(&found(Some(URL), 7, timing)), (Some(true), None, 0), "{timing}");
    }
    // A database that holds no addresses.
    assert_eq!(met(&found(None, 7, Timing::InFlight)), (Some(true), None, 0));
}

#[test]
fn one_that_the_backup_did_not_cut_is_found_and_counts() {
    for timing in [Timing::Ended, Timing::AfterRestore, Timing::Between] {
        assert_eq!(met(&found(Some(URL), 7, timing)), (Some(false), None, 1), "{timing}");
    }
    // An address that two builds have names neither.
    let shared = Finding {
        same_address: Some("2 builds have the number 7 (keys 1, 2)".to_owned()),
        ..found(Some(URL), 7, Timing::InFlight)
    };
    assert_eq!(met(&shared), (Some(false), None, 1));
}

#[test]
fn a_build_that_only_a_baseline_names_is_not_found() {
    let tally = |reasons: &[&str], url: Option<&str>| {
        let reasons = reasons.iter().map(ToString::to_string).collect();
        let mut tally = Tally::new(&[self::url(URL)]);
        tally.add(&Finding { reasons, ..found(url, 7, Timing::Ended) });
        let expected = tally.by_rule.values().map(|count| count.expected).sum::<u64>();
        (tally.expected.remove(0), expected)
    };
    // What is lost has no address.
    for (reason, url) in [("baseline-lost", None), ("baseline-changed", Some(URL)), ("baseline-extra", Some(URL))] {
        let (build, expected) = tally(&[reason], url);
        assert_eq!((&build.found, expected, build.differs.as_slice()), (&None, 0, &[reason.to_owned()][..]));
        assert!(build.description().contains(&format!("only by the baseline ({reason})")), "{}", build.description());
    }
    // Nor does it pass for a build that was found under another name of the server.
    let (build, _) = tally(&["baseline-changed"], Some("https://drill.example.com/gh/acme/api/7"));
    assert_eq!((build.resembles, build.differs.len()), (None, 0));
    // One that a rule finds besides is found; that it was over before the backup counts.
    let (build, expected) = tally(&["output-gap", "baseline-changed"], Some(URL));
    assert_eq!((build.found.map(|found| found.as_expected), expected), (Some(false), 0));
}

#[test]
fn another_build_is_not_the_expected_one() {
    for other in [
        found(Some("https://ci.example.com/gh/acme/api/8"), 8, Timing::InFlight),
        found(Some("https://ci.example.com/gh/acme/web/7"), 7, Timing::InFlight),
        found(Some("not an address"), 7, Timing::InFlight),
        Finding { project: Some("acme/web".to_owned()), ..found(None, 7, Timing::InFlight) },
        Finding { project: None, ..found(None, 7, Timing::InFlight) },
        Finding { project: Some("api".to_owned()), ..found(None, 7, Timing::InFlight) },
        Finding { build_num: None, ..found(Some(URL), 7, Timing::InFlight) },
    ] {
        assert_eq!(met(&other), (None, None, 1), "{other:?}");
    }
    let elsewhere = "https://drill.example.com/gh/Acme/api/7";
    let other = found(Some(elsewhere), 7, Timing::InFlight);
    assert_eq!(met(&other), (None, Some(elsewhere.to_owned()), 1));
}

#[test]
fn a_build_that_is_named_twice_is_expected_once() {
    let both = [url(URL), url("https://ci.example.com/github/acme/api/7/?tab=steps")];
    assert_eq!(Tally::new(&both).expected.len(), 1);
}

#[test]
fn of_very_many_only_the_first_are_kept() {
    let mut tally = Tally::default();
    (1..=1000).for_each(|number| tally.add(&found(None, number, Timing::InFlight)));
    let count = &tally.by_rule["stuck-running"];
    assert_eq!((count.found, count.first.len(), count.first[19].build_num), (1000, BUILDS_KEPT, Some(20)));
}
