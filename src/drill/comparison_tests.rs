use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::census::{CountedBuild, Coverage};

use super::super::manifest::document::{DatabaseNamed, FORMAT};
use super::super::manifest::{ManifestBuilder, NotCovered};
use super::*;

const T: i64 = 1_795_000_000;

/// A build of the model: all that is compared stands for itself in `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Build {
    state: u64,
    over_at: i64,
    never_ran: bool,
}

type World = BTreeMap<(String, i64), Build>;

fn counted((project, number): &(String, i64), build: &Build) -> CountedBuild {
    CountedBuild {
        project: Some(project.clone()),
        number: Some(*number),
        lifecycle: Some("finished".to_owned()),
        status: None,
        coverage: if build.never_ran { Coverage::NeverRan } else { Coverage::Ended },
        was_there: true,
        // Far apart, as the server's hashes are.
        digest: (build.state ^ (*number as u64).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29),
        steps: (build.state % 7) as i64,
        stored: 0,
        over_at: Some(build.over_at),
    }
}

fn gathered(world: &World) -> (Manifest, ManifestBuilder) {
    let mut gatherer = ManifestBuilder::default();
    world.iter().for_each(|(name, build)| gatherer.add(&counted(name, build)));
    let at = |second| Timestamp::from_second(second).expect("a time");
    let about = Manifest {
        format: FORMAT.to_owned(),
        tool: "halfbuilt".to_owned(),
        counted_at: None,
        moment: None,
        backup_time: at(T),
        covered_until: at(T),
        max_run_time_seconds: 0,
        profile: ProfileUsed {
            name: "world".to_owned(),
            digest: String::new(),
            unit: "bytes".to_owned(),
            steps: true,
            output: true,
        },
        database: DatabaseNamed { system_identifier: None, name: "world".to_owned() },
        digest_check: 1,
        builds: 0,
        not_covered: NotCovered::default(),
        projects: vec![],
        signature: None,
    };
    (gatherer.clone().finish(about), gatherer)
}

fn compared(then: &World, now: &World, kept_since: Option<i64>) -> Comparison {
    let ((then, _), (now, gatherer)) = (gathered(then), gathered(now));
    let terms = CompareOptions { in_scope: &|_| true, digests: true };
    let mut found = Comparison::new(&then, &now, |project| gatherer.highest_now(project), &terms);
    found.settle(&[], kept_since.and_then(|limit| Timestamp::from_second(limit).ok()));
    found
}

fn names(found: &Comparison) -> Vec<(String, i64, BaselineReason)> {
    found.differing.iter().map(|one| (one.project.to_string(), one.number.unwrap_or(i64::MIN), one.reason)).collect()
}

fn world() -> impl Strategy<Value = World> {
    let number = prop_oneof![0_i64..40, 1000_i64..1060, Just(i64::MAX), Just(i64::MIN), Just(-1_i64)];
    let name = (proptest::sample::select(vec!["acme/api", "acme/web", "é/\u{1}"]).prop_map(str::to_owned), number);
    let build = (0_u64..1000, 0_i64..100_000_000, proptest::bool::weighted(0.1));
    let build = build.prop_map(|(state, before, never_ran)| Build { state, over_at: T - before, never_ran });
    proptest::collection::btree_map(name, build, 0..120)
}

proptest! {
    #[test]
    fn what_differs_is_found_as_exactly_that_and_nothing_else(then in world(), other in world(), flips in proptest::collection::vec(0_u8..12, 240)) {
        // Most builds stay as they are; some go, some change, some are new.
        let mut now = World::new();
        let mut expected = Vec::new();
        let mut flips = flips.into_iter();
        for (name, build) in &then {
            match flips.next() {
                Some(0) => expected.push((name.0.clone(), name.1, BaselineReason::Lost)),
                Some(1) => {
                    now.insert(name.clone(), Build { state: build.state + 1000, ..build.clone() });
                    expected.push((name.0.clone(), name.1, BaselineReason::Changed));
                }
                _ => drop(now.insert(name.clone(), build.clone())),
            }
        }
        for (name, build) in &other {
            if !then.contains_key(name) && flips.next() == Some(2) {
                now.insert(name.clone(), build.clone());
                if !build.never_ran {
                    expected.push((name.0.clone(), name.1, BaselineReason::Extra));
                }
            }
        }
        expected.sort();
        let found = compared(&then, &now, None);
        prop_assert_eq!(names(&found), expected);
        prop_assert_eq!(found.totals.builds, then.len() as u64);
        let given_up = now.iter().filter(|(name, build)| build.never_ran && !then.contains_key(*name)).count();
        prop_assert_eq!(found.given_up, given_up as u64);
        let gone = |name: &str| then.keys().any(|(project, _)| project == name) && !now.keys().any(|(project, _)| project == name);
        prop_assert!(found.totals.gone.iter().all(|(name, _)| gone(name)));
        for Backwards { project: name, was, is } in &found.totals.backwards {
            let highest = |world: &World| world.keys().filter(|(project, _)| project == name).map(|(_, number)| *number).max();
            prop_assert_eq!((Some(*was), *is), (highest(&then), highest(&now)));
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_a_broken_one_is_refused(world in world(), place in 0_usize..10_000, byte in 0_u8..=255) {
        let (manifest, _) = gathered(&world);
        let mut text = Vec::new();
        manifest.write(&mut text).expect("a write");
        prop_assert_eq!(&Manifest::parse(&text).expect("a manifest"), &manifest);
        let entries: usize = manifest.projects.iter().flat_map(|project| &project.ranges).map(|range| range.entries().len()).sum();
        prop_assert_eq!(entries, world.len());
        // Whatever is done to its bytes, it is read or refused.
        let place = place % text.len();
        text[place] = byte;
        let _ = Manifest::parse(&text);
        let _ = Manifest::parse(&text[..place]);
    }

    #[test]
    fn retention_excuses_what_is_older_and_nothing_that_may_be_younger(ages in proptest::collection::vec(0_i64..100_000_000, 1..60), limit in 0_i64..100_000_000) {
        let then: World = (0_i64..).zip(&ages).map(|(number, age)| {
            (("acme/api".to_owned(), number), Build { state: 1, over_at: T - age, never_ran: false })
        }).collect();
        let found = compared(&then, &World::new(), Some(T - limit));
        let (oldest, youngest) = (ages.iter().max().expect("one"), ages.iter().min().expect("one"));
        let unit = (oldest - youngest) / 4096 + 1;
        let lost: Vec<i64> = found.differing.iter().filter_map(|one| one.number).collect();
        for (number, age) in (0_i64..).zip(&ages) {
            if *age <= limit {
                prop_assert!(lost.contains(&number), "{} was kept", number);
            }
            if *age > limit + unit {
                prop_assert!(!lost.contains(&number), "{} was due", number);
            }
        }
        prop_assert_eq!(found.totals.retired + lost.len() as u64, ages.len() as u64);
        let in_doubt = found.differing.iter().filter(|one| one.words.to_string().contains("cannot be known")).count();
        prop_assert_eq!(found.totals.undecided, in_doubt as u64);
    }
}

#[test]
fn a_build_whose_short_digest_is_the_same_is_told_by_its_range() {
    let then = World::from([(("acme/api".to_owned(), 5), Build { state: 1, over_at: T, never_ran: false })]);
    let (was, _) = gathered(&then);
    let mut is = was.clone();
    is.projects[0].ranges[0].digest ^= 1 << 40;
    let terms = CompareOptions { in_scope: &|_| true, digests: true };
    let mut found = Comparison::new(&was, &is, |_| Some(5), &terms);
    found.settle(&[], None);
    let [one] = found.differing.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.number, one.reason), (None, BaselineReason::Changed));
    assert_eq!(
        one.words.to_string(),
        "not all builds from 0 to 1023 are as they are in the baseline, and their short digests do not show which"
    );
    let terms = CompareOptions { digests: false, ..terms };
    assert_eq!(Comparison::new(&was, &is, |_| Some(5), &terms).differing, []);
}

#[test]
fn a_build_that_is_there_and_not_over_is_changed_unless_it_never_ran() {
    let build = |never_ran| Build { state: 1, over_at: T - 5, never_ran };
    let then = World::from([(("a/b".to_owned(), 1), build(false)), (("a/b".to_owned(), 2), build(true))]);
    let ((was, _), (is, _)) = (gathered(&then), gathered(&World::new()));
    let mut found = Comparison::new(&was, &is, |_| Some(2), &CompareOptions { in_scope: &|_| true, digests: true });
    let present = |position: usize, lifecycle: &str| Present {
        position,
        lifecycle: Some(lifecycle.to_owned()),
        has_started: position == 0,
    };
    found.settle(&[present(0, "running"), present(1, "queued")], None);
    assert_eq!(names(&found), [("a/b".to_owned(), 1, BaselineReason::Changed)]);
    assert!(found.differing[0].words.to_string().ends_with("and not by then here: running"), "{:?}", found.differing);
    assert_eq!(found.given_up, 1);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let then = World::from([
        (("a/b".to_owned(), 1), Build { state: 1, over_at: T - 5000, never_ran: false }),
        (("a/b".to_owned(), 2), Build { state: 1, over_at: T - 5, never_ran: true }),
        (("c/d".to_owned(), 2000), Build { state: 1, over_at: T, never_ran: false }),
    ]);
    let mut text = Vec::new();
    gathered(&then).0.write(&mut text).expect("a write");
    let text = String::from_utf8(text).expect("UTF-8");
    for (from, to, expected) in [
        ("manifest/1", "manifest/2", "its format is \"halfbuilt-manifest/2\""),
        ("{\"format\"", "{\"formats\":1,\"format\"", "not what `halfbuilt manifest` writes"),
        ("\"numbers\":\"1..2\"", "\"numbers\":\"1..3\"", "range 0: its builds cannot be read"),
        ("\"numbers\":\"1..2\"", "\"numbers\":\"0..1023\"", "range 0: its builds cannot be read"),
        (
            "\"numbers\":\"1..2\"",
            "\"numbers\":\"-9223372036854775808..9223372036854775807\"",
            "range 0: its builds cannot be read",
        ),
        ("\"never_ran\":\"2\"", "\"never_ran\":\"3\"", "range 0: its builds cannot be read"),
        ("\"first\":0", "\"first\":1", "range 1: no range begins there"),
        ("\"first\":1024", "\"first\":-9223372036854775808", "its builds cannot be read"),
        ("\"builds\":3", "\"builds\":18446744073709551615", "the builds of its projects do not add up"),
        ("\"builds\":2,\"highest\"", "\"builds\":3,\"highest\"", "project \"a/b\": its builds do not add up"),
        ("\"project\":\"c/d\"", "\"project\":\"a/a\"", "its projects are not in order"),
        ("\"builds\":3", "\"builds\":-3", "not what `halfbuilt manifest` writes"),
        ("\"unit\":\"bytes\"", "\"unit\":7", "not what `halfbuilt manifest` writes"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        let message = Manifest::parse(other.as_bytes()).expect_err(to).to_string();
        assert!(message.contains(expected), "{to}: {message}");
    }
    let digest = text.find("\"digest\":\"").expect("a digest");
    let digests: Vec<usize> = text.match_indices("\"digest\":\"").map(|(place, _)| place).collect();
    assert_eq!(digests[0], digest);
    let mut other = text.clone();
    other.replace_range(digests[1] + 10..digests[1] + 12, "zz");
    assert!(Manifest::parse(other.as_bytes()).is_err());
    let wrong = if &text[digests[1] + 10..digests[1] + 11] == "0" { "1" } else { "0" };
    let mut other = text.clone();
    other.replace_range(digests[1] + 10..digests[1] + 11, wrong);
    let message = Manifest::parse(other.as_bytes()).expect_err("a wrong sum").to_string();
    assert!(message.contains("the digests of its ranges do not add up"), "{message}");
}
