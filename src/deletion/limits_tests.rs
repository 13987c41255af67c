//! The limits, and that no plan which they let through goes beyond them.

use std::path::Path;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::build_url::AddressForm;
use crate::deletion::plan::{Permit, Planned, Reading, RequestPaths, Terms};
use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::report::{Chosen, Judged};
use crate::testing;
use crate::timing::Timing;

fn policy(text: &str) -> Policy {
    Policy::parse(Path::new("halfbuilt.toml"), AddressForm::CircleCi, &format!("[delete]\n{text}\n")).expect(text)
}

fn settled(asked: RequestedLimits, rules: &str) -> Result<Limits, GateError> {
    Limits::settle(&asked, Some(&policy(rules)))
}

fn by_default() -> Limits {
    Limits::settle(&RequestedLimits::default(), None).expect("limits")
}

fn max(max: u64) -> RequestedLimits {
    RequestedLimits { max: Some(max), ..RequestedLimits::default() }
}

fn percent(text: &str) -> RequestedLimits {
    RequestedLimits { max_percent: text.parse().ok(), ..RequestedLimits::default() }
}

fn said(checked: Result<(), GateError>) -> (String, String) {
    let error = checked.expect_err("it passes");
    (error.to_string(), error.hint().unwrap_or_default())
}

#[test]
fn the_defaults_stop_a_mistake_and_let_a_few_pass() {
    let limits = by_default();
    assert!(limits.check_number(1000, 1_000_000).is_ok());
    assert!(limits.check_number(20, 20).is_ok() && limits.check_number(5, 100).is_ok());
    let (error, hint) = said(limits.check_number(1001, 1_000_000));
    assert_eq!(error, "1001 builds would be deleted, more than the 1000 that the default of --max allows");
    assert!(hint.ends_with("--max 1001 allows it"), "{hint}");
    let (error, hint) = said(limits.check_number(21, 400));
    assert_eq!(
        error,
        "21 of 400 builds in scope would be deleted, more than the 5 percent that the default of --max-percent allows"
    );
    assert!(hint.ends_with("--max-percent 5.3 allows it"), "{hint}");
}

#[test]
fn a_share_that_is_given_is_exact() {
    let limits = Limits::settle(&percent("5"), None).expect("limits");
    assert!(limits.check_number(1, 20).is_ok());
    assert!(said(limits.check_number(2, 20)).0.ends_with("the 5 percent that --max-percent allows"));
    let limits = settled(RequestedLimits::default(), "max_percent = 5").expect("limits");
    assert!(said(limits.check_number(2, 20)).1.ends_with("only max_percent in halfbuilt.toml can allow more"));
}

#[test]
fn a_flag_may_be_stricter_than_the_policy_and_never_looser() {
    let rules = "max = 10\nmax_percent = 2.5\nmax_age = '2h'";
    assert!(
        said(settled(RequestedLimits::default(), rules).expect("limits").check_number(11, 10_000))
            .0
            .contains("max in halfbuilt.toml")
    );
    assert!(
        said(settled(max(9), rules).expect("limits").check_number(10, 10_000)).0.contains("the 9 that --max allows")
    );
    // A hint never offers what the policy forbids.
    let hint = said(settled(max(9), rules).expect("limits").check_number(11, 10_000)).1;
    assert!(hint.ends_with("--max may go up to 10, which is max in halfbuilt.toml"), "{hint}");
    assert!(settled(percent("2.5"), rules).is_ok());
    let hour =
        |hours| RequestedLimits { max_age: Some(SignedDuration::from_hours(hours)), ..RequestedLimits::default() };
    assert!(settled(hour(2), rules).is_ok());
    for (asked, expected) in [
        (max(11), "--max 11 would allow more than max in halfbuilt.toml, which is 10"),
        (percent("2.501"), "--max-percent 2.501 would allow more than max_percent in halfbuilt.toml, which is 2.5"),
        (hour(3), "--max-age 3h would allow more than max_age in halfbuilt.toml, which is 2h"),
    ] {
        assert_eq!(settled(asked, rules).expect_err(expected).to_string(), expected);
    }
    // What the policy leaves open is the flag's to say.
    assert!(settled(max(5000), "deny = ['a']").expect("limits").check_number(5000, 1_000_000).is_ok());
}

#[test]
fn what_flags_allow_beyond_the_defaults_is_told_as_it_is_typed() {
    let hours = |hours| Some(SignedDuration::from_hours(hours));
    let asked = RequestedLimits {
        max: Some(2000),
        max_percent: "20".parse().ok(),
        max_age: hours(48),
        times_contradicted: Some(4),
        collateral: Some(2),
    };
    let told = Limits::settle(&asked, None).expect("limits").allowed_by_flags();
    assert_eq!(
        told,
        ["--allow times-contradicted=4", "--allow collateral=2", "--max 2000", "--max-percent 20", "--max-age 48h"]
    );
    // What is stricter, or what the policy allows, is not beyond.
    assert_eq!(by_default().allowed_by_flags(), [""; 0]);
    let stricter = RequestedLimits { max: Some(5), max_percent: "1".parse().ok(), max_age: hours(1), ..asked };
    let told = settled(stricter, "times_contradicted = 4\ncollateral = 3").expect("limits").allowed_by_flags();
    assert_eq!(told, [""; 0]);
    assert_eq!(settled(max(2000), "max_percent = 3").expect("limits").allowed_by_flags(), ["--max 2000"]);
}

#[test]
fn how_many_others_may_be_deleted_along_is_for_a_flag_or_the_policy_to_say() {
    let asked = |builds| RequestedLimits { collateral: Some(builds), ..RequestedLimits::default() };
    assert_eq!(by_default().collateral_left(0), Ok(0));
    assert_eq!(by_default().how_to_allow_collateral(2), "--allow collateral=2 allows it");
    assert_eq!(Limits::settle(&asked(3), None).expect("limits").collateral_left(1), Ok(2));
    let ruled = settled(RequestedLimits::default(), "collateral = 1").expect("limits");
    assert_eq!(ruled.collateral_left(1), Ok(0));
    let declined = ruled.collateral_left(2).expect_err("more than the policy allows");
    assert_eq!(
        declined.to_string(),
        "2 builds are gone that earlier runs of this journal did not send: that is more than the 1 that collateral in halfbuilt.toml allows"
    );
    assert!(declined.hint().is_some_and(|hint| hint.contains("only collateral in halfbuilt.toml can allow more")));
    assert_eq!(ruled.how_to_allow_collateral(2), "only collateral in halfbuilt.toml can allow more");
    assert_eq!(settled(asked(0), "collateral = 1").expect("limits").collateral_left(0), Ok(0));
    let looser = settled(asked(2), "collateral = 1").expect_err("looser").to_string();
    assert_eq!(looser, "--allow collateral 2 would allow more than collateral in halfbuilt.toml, which is 1");
}

#[test]
fn an_old_report_is_refused_and_one_from_the_future_too() {
    let limits = by_default();
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
    let ago = |minutes| Age::ScannedAt(now - SignedDuration::from_mins(minutes));
    for minutes in [0, 24 * 60, -5] {
        assert!(limits.check_age(ago(minutes), now).is_ok(), "{minutes}");
    }
    let (error, hint) = said(limits.check_age(ago(24 * 60 + 1), now));
    assert_eq!(
        error,
        "the report was scanned at 2026-11-21T11:59:00Z, 24h 1m ago, longer than the 24h that the default of --max-age allows"
    );
    assert_eq!(hint, "scan again; if it has to be this report, --max-age 25h allows it");
    assert!(said(limits.check_age(ago(-6), now)).0.contains("was scanned at 2026-11-22T12:06:00Z, and it is only"));
    let written = Age::WrittenAt(now - SignedDuration::from_hours(25));
    assert!(said(limits.check_age(written, now)).0.contains("was last written at"));
    let (error, hint) = said(limits.check_age(Age::CollectedAt(now - SignedDuration::from_hours(30)), now));
    assert!(error.starts_with("the collection was begun at 2026-11-21T06:00:00Z, 30h ago, longer than"), "{error}");
    assert_eq!(hint, "collect again, and scan; if it has to be this collection, --max-age 31h allows it");
}

#[test]
fn only_the_hosts_of_the_policy_are_deleted_on() {
    let limits = settled(RequestedLimits::default(), "hosts = ['ci.example.com']").expect("limits");
    let url = |host: &str| BuildUrl::parse(&format!("https://{host}/gh/acme/api/1")).expect("a URL");
    let (good, bad) = (url("CI.example.com"), url("ci.example.com:8443"));
    assert!(limits.check_hosts([&good].into_iter()).is_ok());
    let (error, _) = said(limits.check_hosts([&good, &bad].into_iter()));
    assert!(error.ends_with("is on \"ci.example.com:8443\", and hosts in halfbuilt.toml allows only ci.example.com"));
    assert!(by_default().check_hosts([&bad].into_iter()).is_ok());
}

/// A row of a project and timing, and what the database says of it.
fn row(index: usize, project: usize, timing: Timing, listed: bool) -> (Chosen, Reading) {
    let projects = ["acme/api", "acme/web", "tools/lib"];
    let project = projects[project % projects.len()];
    let text = format!("https://ci.example.com/gh/{project}/{index}");
    let judged = Judged {
        timing,
        deletable: timing.is_deletable(),
        note: String::new(),
        build_num: None,
        queued_at: None,
        started_at: None,
        fingerprint: "f".repeat(32),
    };
    let now = Finding {
        build_url: Some(text.clone()),
        project: Some(project.to_owned()),
        build_num: i64::try_from(index).ok(),
        timing,
        evidence: "seen".to_owned(),
        obstacles: match timing {
            Timing::InFlight | Timing::Stale | Timing::Ended => Vec::new(),
            Timing::AfterRestore => vec![Obstacle::MayBeAlive],
            Timing::Between => vec![Obstacle::Between("stopped at 2026-11-20T03:00:00Z".to_owned())],
            Timing::Unknown => vec![Obstacle::NoTimeOnRecord],
        },
        fingerprint: judged.fingerprint.clone(),
        ..testing::finding()
    };
    let chosen = Chosen {
        line: 2 + index as u64,
        url: BuildUrl::parse(&text).ok(),
        url_text: text,
        project: Some(project.to_owned()),
        reasons: now.reasons.clone(),
        judged: (!listed).then_some(judged),
    };
    (chosen, Reading::There(Box::new(now)))
}

fn timing() -> impl Strategy<Value = Timing> {
    use Timing::{AfterRestore, Between, Ended, InFlight, Stale, Unknown};
    proptest::sample::select(vec![InFlight, Stale, Ended, AfterRestore, Between, Unknown])
}

proptest! {
    #[test]
    fn no_plan_that_passes_goes_beyond_what_is_allowed(
        rows in proptest::collection::vec((0usize..3, timing(), any::<bool>()), 0..60),
        healthy in 0u64..2000,
        flag_max in proptest::option::of(1u64..60),
        flag_thousandths in proptest::option::of(1u32..=100_000),
        policy_max in proptest::option::of(1u64..60),
        policy_percent in proptest::option::of(1u32..=100),
        deny in proptest::sample::subsequence(vec!["acme/*", "ACME/web", "tools/l?b", "*"], 0..3),
        allowed in proptest::sample::subsequence(vec![Timing::AfterRestore, Timing::Between, Timing::Unknown], 0..3),
    ) {
        let rules = [
            policy_max.map(|max| format!("max = {max}")),
            policy_percent.map(|percent| format!("max_percent = {percent}")),
        ];
        let policy = policy(&rules.into_iter().flatten().collect::<Vec<_>>().join("\n"));
        let flag_percent = flag_thousandths.map(|some| format!("{}.{:03}", some / 1000, some % 1000));
        let asked = RequestedLimits {
            max: flag_max,
            max_percent: flag_percent.as_deref().map(|text| text.parse().expect("a share")),
            ..RequestedLimits::default()
        };
        let mut permit = Permit { allowed_timings: allowed.clone(), ..Permit::default() };
        let globs: Vec<String> = deny.iter().map(ToString::to_string).collect();
        permit.denied.add(&globs, "--deny").expect("globs");
        let terms = Terms { rules: vec!["stuck-running"], permit: &permit, clock_tolerance: SignedDuration::ZERO };
        let plan: Vec<Planned> = rows.iter().enumerate().map(|(index, (project, timing, listed))| {
            let (chosen, now) = row(index, *project, *timing, *listed);
            let decision = terms.decide(&chosen, &now);
            Planned { chosen, decision, project: None, paths: RequestPaths::default(), sent_before: false, cancels_first: false, cancelled: None, cancel_may_be_sent: false }
        }).collect();
        let doomed: Vec<&Planned> = plan.iter().filter(|planned| planned.is_deletion()).collect();
        for planned in &doomed {
            let project = planned.chosen.project.as_deref().unwrap_or_default();
            let denied = deny.iter().any(|glob| match *glob {
                "*" => true,
                "acme/*" => project.starts_with("acme/"),
                "ACME/web" => project == "acme/web",
                _ => project == "tools/lib",
            });
            prop_assert!(!denied, "{project} is denied by {deny:?}");
            let (_, timing, _) = rows[planned.chosen.line as usize - 2];
            prop_assert!(matches!(timing, Timing::InFlight | Timing::Stale | Timing::Ended) || allowed.contains(&timing));
        }
        let (deletions, builds) = (doomed.len() as u64, rows.len() as u64 + healthy);
        match Limits::settle(&asked, Some(&policy)) {
            Err(error) => {
                let looser_max = flag_max.zip(policy_max).is_some_and(|(flag, rule)| flag > rule);
                let looser_share = flag_thousandths.zip(policy_percent).is_some_and(|(flag, rule)| flag > rule * 1000);
                let is_looser = matches!(error, GateError::Looser { .. });
                prop_assert!(is_looser && (looser_max || looser_share), "{}", error);
            }
            Ok(limits) => {
                let passes = limits.check_number(deletions, builds).is_ok();
                let most = flag_max.into_iter().chain(policy_max).min().unwrap_or(1000);
                let within = |thousandths: u32| deletions * 100_000 <= builds * u64::from(thousandths);
                let thousandths = flag_thousandths.or(policy_percent.map(|percent| percent * 1000));
                let share = thousandths.map_or(deletions <= 20 || within(5000), within);
                prop_assert_eq!(passes, deletions <= most && share);
            }
        }
    }
}
