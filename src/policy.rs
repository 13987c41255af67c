//! The policy file, in TOML: what may be deleted, and what a restore must satisfy. Anything unknown in it is an error, so that a
//! mistyped key does not pass for no rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::de::value::Error as NoValue;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use toml::Spanned;

use crate::build_url::{AddressForm, BuildUrl};
use crate::duration;
use crate::percent::Percent;
use crate::project_glob::DeniedProjects;
use crate::text::Foreign;
use crate::timing::Timing;

/// The timings that are deletable only if a flag allows them.
const ALLOWABLE_TIMINGS: [Timing; 3] = [Timing::AfterRestore, Timing::Between, Timing::Unknown];

/// What `checklist` says where one must stand beside the report.
const REQUIRED: &str = "required";

/// A policy file, with one section for each command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub file: PathBuf,
    pub delete: DeletePolicy,
    pub verify: VerifyPolicy,
}

/// The section `[verify]`: what a restore must satisfy. A missing key sets no rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyPolicy {
    /// How many builds each rule may find: 0 for a rule that is not named.
    pub allow: Option<BTreeMap<String, u64>>,
    /// Builds that the scan must find.
    pub expect: Vec<BuildUrl>,
}

/// The section `[delete]`: what may be deleted. A missing key sets no rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletePolicy {
    /// Globs of projects whose builds are not deleted.
    pub deny: Vec<String>,
    /// The most builds that one run deletes.
    pub max: Option<u64>,
    /// The most builds that one run deletes, as a percentage of the builds in scope.
    pub max_percent: Option<Percent>,
    /// The greatest age of a report.
    pub max_age: Option<SignedDuration>,
    /// The only timings that a flag may allow in addition to the deletable ones.
    pub allow_timing: Option<Vec<Timing>>,
    /// The largest `--clock-tolerance`.
    pub clock_tolerance: Option<SignedDuration>,
    /// How many builds may contradict T and R.
    pub times_contradicted: Option<u64>,
    /// How many more builds may be gone than were sent.
    pub collateral: Option<u64>,
    /// Whether a run must archive builds before it deletes them.
    pub archive: bool,
    /// Whether a restore checklist with nothing to do must stand beside the report.
    pub checklist: bool,
    /// The only hosts whose builds are deleted, in the form of [`BuildUrl::host`].
    pub hosts: Option<Vec<String>>,
}

/// Why a policy file is not valid, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}, column {column}: {why}", file.display())]
pub struct PolicyError {
    file: PathBuf,
    line: usize,
    column: usize,
    why: Foreign,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    #[serde(default)]
    delete: DeleteSection,
    #[serde(default)]
    verify: VerifySection,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifySection {
    allow: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    expect: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteSection {
    #[serde(default)]
    deny: Vec<Spanned<String>>,
    max: Option<Spanned<u64>>,
    max_percent: Option<Spanned<Number>>,
    max_age: Option<Spanned<String>>,
    allow_timing: Option<Vec<Spanned<String>>>,
    times_contradicted: Option<u64>,
    collateral: Option<u64>,
    clock_tolerance: Option<Spanned<String>>,
    #[serde(default)]
    archive: bool,
    checklist: Option<Spanned<String>>,
    hosts: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, such as 5 or 12.5")]
enum Number {
    Whole(i64),
    Decimal(f64),
}

impl PolicyError {
    pub fn hint(&self) -> String {
        let sections = Policy::sections();
        let sections: Vec<String> =
            sections.iter().map(|(name, keys)| format!("[{name}] ({})", keys.join(", "))).collect();
        format!("a policy has the sections {}: `halfbuilt help policy`", sections.join(" and "))
    }
}

/// The keys of a section, as its parser knows them.
fn keys<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut keys: &[&str] = &[];
    // It has no value, only its keys.
    let _ = T::deserialize(KeyReader(&mut keys));
    keys
}

/// Takes note of the keys that a struct asks for.
struct KeyReader<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for KeyReader<'_> {
    type Error = NoValue;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("no section"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

impl Policy {
    /// The sections with their keys.
    #[must_use]
    pub fn sections() -> [(&'static str, &'static [&'static str]); 2] {
        [("delete", keys::<DeleteSection>()), ("verify", keys::<VerifySection>())]
    }

    /// Parses a policy, with addresses in this form. Errors name `file`.
    ///
    /// # Errors
    /// The first thing that is not valid, with its place.
    pub fn parse(file: &Path, form: AddressForm, text: &str) -> Result<Self, PolicyError> {
        let wrong = |at: usize, why: &str| {
            let before = text.get(..at.min(text.len())).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            PolicyError { file: file.to_owned(), line, column, why: Foreign::evidence(why) }
        };
        let sections: Sections =
            toml::from_str(text).map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
        let at = |key: &str, place: std::ops::Range<usize>, why: &str| wrong(place.start, &format!("{key}: {why}"));
        let section = sections.delete;
        let mut delete = DeletePolicy::default();
        for glob in section.deny {
            let (place, glob) = (glob.span(), glob.into_inner());
            DeniedProjects::default()
                .add(std::slice::from_ref(&glob), "deny")
                .map_err(|error| at("deny", place, &error.to_string()))?;
            delete.deny.push(glob);
        }
        if let Some(max) = section.max {
            if *max.get_ref() == 0 {
                return Err(at("max", max.span(), "expected 1 or more"));
            }
            delete.max = Some(max.into_inner());
        }
        if let Some(percent) = section.max_percent {
            let text = match percent.get_ref() {
                Number::Whole(whole) => whole.to_string(),
                Number::Decimal(decimal) => decimal.to_string(),
            };
            delete.max_percent = Some(text.parse().map_err(|why: String| at("max_percent", percent.span(), &why))?);
        }
        if let Some(age) = section.max_age {
            delete.max_age = Some(duration::parse(age.get_ref()).map_err(|why| at("max_age", age.span(), &why))?);
        }
        delete.archive = section.archive;
        if let Some(word) = section.checklist {
            if word.get_ref() != REQUIRED {
                return Err(at("checklist", word.span(), "expected \"required\"; leave the key out where none is"));
            }
            delete.checklist = true;
        }
        delete.times_contradicted = section.times_contradicted;
        delete.collateral = section.collateral;
        if let Some(tolerance) = section.clock_tolerance {
            let length = duration::parse_or_zero(tolerance.get_ref());
            delete.clock_tolerance = Some(length.map_err(|why| at("clock_tolerance", tolerance.span(), &why))?);
        }
        if let Some(timings) = section.allow_timing {
            let timing = |word: Spanned<String>| {
                let known = ALLOWABLE_TIMINGS.into_iter().find(|timing| timing.as_str() == word.get_ref());
                let why = "expected after-restore, between or unknown";
                known.ok_or_else(|| at("allow_timing", word.span(), why))
            };
            delete.allow_timing = Some(timings.into_iter().map(timing).collect::<Result<_, _>>()?);
        }
        if let Some(hosts) = section.hosts {
            if hosts.get_ref().is_empty() {
                return Err(at("hosts", hosts.span(), "it names no host; leave the key out to allow every host"));
            }
            let mut named = Vec::new();
            for host in hosts.into_inner() {
                let place = host.span();
                let named_host = parse_host(host.get_ref()).ok_or_else(|| {
                    at("hosts", place, "expected a host as in URLs of builds, such as ci.example.com")
                })?;
                named.push(named_host);
            }
            delete.hosts = Some(named);
        }
        let mut verify = VerifyPolicy { allow: sections.verify.allow, expect: Vec::new() };
        for url in sections.verify.expect {
            let parsed = BuildUrl::parse_in(form, url.get_ref());
            verify.expect.push(parsed.map_err(|why| at("expect", url.span(), &format!("{:?}: {why}", url.get_ref())))?);
        }
        Ok(Self { file: file.to_owned(), delete, verify })
    }

    /// The file's name for messages.
    pub fn name(&self) -> String {
        self.file.display().to_string()
    }
}

/// Parses a host as it stands in the URLs of builds.
fn parse_host(text: &str) -> Option<String> {
    let url = BuildUrl::parse(&format!("https://{text}/gh/org/project/1")).ok()?;
    (url.project().as_deref() == Some("org/project")).then(|| url.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(Path::new("halfbuilt.toml"), AddressForm::CircleCi, text)
    }

    #[test]
    fn a_policy_is_read() {
        let text = "# who answers for it\n[delete]\ndeny = ['acme/billing', \"tools/*\"]\nmax = 100\nmax_percent = 2.5\n\
                    max_age = '12h'\nallow_timing = ['unknown']\ntimes_contradicted = 2\ncollateral = 3\nclock_tolerance = '2s'\narchive = true\nchecklist = 'required'\nhosts = ['CI.example.com', 'ci.example.com:8443']\n";
        let delete = DeletePolicy {
            deny: vec!["acme/billing".to_owned(), "tools/*".to_owned()],
            max: Some(100),
            max_percent: "2.5".parse().ok(),
            max_age: Some(SignedDuration::from_hours(12)),
            allow_timing: Some(vec![Timing::Unknown]),
            times_contradicted: Some(2),
            collateral: Some(3),
            clock_tolerance: Some(SignedDuration::from_secs(2)),
            archive: true,
            checklist: true,
            hosts: Some(vec!["ci.example.com".to_owned(), "ci.example.com:8443".to_owned()]),
        };
        assert_eq!(parse(text).expect("a policy").delete, delete);
        for nothing in ["", "[delete]\n", "# nothing\n"] {
            assert_eq!(parse(nothing).expect("a policy").delete, DeletePolicy::default());
        }
    }

    #[test]
    fn the_section_verify_is_read() {
        let text = "[verify]\nallow = { stuck-running = 2 }\nexpect = ['https://ci.example.com/github/acme/api/7']\n";
        let verify = parse(text).expect("a policy").verify;
        assert_eq!(verify.allow, Some(BTreeMap::from([("stuck-running".to_owned(), 2)])));
        assert_eq!(verify.expect[0].to_string(), "https://ci.example.com/gh/acme/api/7");
        assert_eq!(parse("[verify]\n[delete]\nmax = 1\n").expect("a policy").verify, VerifyPolicy::default());
        let nothing = parse("[verify.allow]\n").expect("a policy").verify.allow;
        assert_eq!(nothing, Some(BTreeMap::new()), "nothing allowed is ruled");
    }

    #[test]
    fn whatever_is_not_valid_is_reported_with_its_place() {
        for (text, place, why) in [
            ("[delete]\nmax = 5\ndenny = ['a']\n", "line 3, column 1", "unknown field `denny`"),
            ("[delet]\n", "line 1, column 2", "unknown field `delet`"),
            ("max = 5\n", "line 1, column 1", "unknown field `max`"),
            ("[delete]\nmax = 'ten'\n", "line 2, column 7", "invalid type: string"),
            ("[delete]\nmax = -1\n", "line 2, column 7", "-1"),
            ("[delete]\nmax = 0\n", "line 2, column 7", "max: expected 1 or more"),
            ("[delete]\nmax_percent = 101\n", "line 2, column 15", "max_percent: expected a number above 0"),
            ("[delete]\nmax_percent = 0.0\n", "line 2, column 15", "max_percent: expected a number above 0"),
            ("[delete]\nmax_percent = nan\n", "line 2, column 15", "max_percent: expected a number above 0"),
            ("[delete]\nmax_percent = '5'\n", "line 2, column 15", "expected a number"),
            ("[delete]\nmax_age = 'soon'\n", "line 2, column 11", "max_age: expected a length of time"),
            ("[delete]\nmax_age = 24\n", "line 2, column 11", "invalid type: integer"),
            ("[delete]\ndeny = 'acme/*'\n", "line 2, column 8", "invalid type: string"),
            ("[delete]\ndeny = ['a', 'acme/[']\n", "line 2, column 14", "deny: \"acme/[\" is not a valid glob"),
            ("[delete]\nallow_timing = ['in-flight']\n", "line 2, column 17", "allow_timing: expected after-restore"),
            ("[delete]\narchive = 'a.gz'\n", "line 2, column 11", "invalid type: string"),
            ("[delete]\nchecklist = 'wanted'\n", "line 2, column 13", "checklist: expected \"required\""),
            ("[delete]\nchecklist = true\n", "line 2, column 13", "invalid type: boolean"),
            ("[delete]\nhosts = []\n", "line 2, column 9", "hosts: it names no host"),
            ("[delete]\nhosts = ['https://ci']\n", "line 2, column 10", "hosts: expected a host"),
            ("[delete]\nhosts = ['ci/gh']\n", "line 2, column 10", "hosts: expected a host"),
            ("[delete]\nmax = 1\nmax = 2\n", "line 3, column 1", "duplicate key"),
            ("[delete\n", "line 1, column", "table"),
            ("[verify]\nalow = {}\n", "line 2, column 1", "unknown field `alow`"),
            ("[verify]\nallow = { stuck-running = -1 }\n", "line 2, column", "-1"),
            ("[verify]\nallow = { stuck-running = 'two' }\n", "line 2, column", "invalid type: string"),
            ("[verify]\nallow = ['stuck-running=2']\n", "line 2, column 9", "invalid type: sequence"),
            (
                "[verify]\nexpect = ['https://ci/gh/a/b/1', 'https://ci/gh/a/b']\n",
                "line 2, column 34",
                "expect: \"https://ci/gh/a/b\": its path",
            ),
        ] {
            let said = parse(text).expect_err(text).to_string();
            assert!(said.starts_with(&format!("halfbuilt.toml, {place}")) && said.contains(why), "{text:?}: {said}");
        }
    }

    #[test]
    fn a_hint_names_exactly_the_keys_that_a_section_has() {
        for (section, keys) in Policy::sections() {
            assert!(!keys.is_empty());
            for key in keys {
                let known = parse(&format!("[{section}]\n{key} = nan\n")).err();
                assert!(known.is_none_or(|error| !error.to_string().contains("unknown field")), "{key}");
            }
            // The parser lists the keys that it knows.
            let error = parse(&format!("[{section}]\nnone = 1\n")).expect_err("an unknown key").to_string();
            let (_, known) = error.split_once(", expected ").expect("the known keys");
            let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
            assert_eq!(known, keys, "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", key in "deny|max|max_percent|max_age|allow_timing|archive|hosts|[a-z]{1,8}") {
            let _ = parse(&text);
            let _ = parse(&format!("[delete]\n{key} = {text}\n"));
        }
    }
}
