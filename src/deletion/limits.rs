//! The limits of a deletion (how much, by how old a report, on which host): defaults that stop a mistake, flags, and the policy.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::build_url::BuildUrl;
use crate::percent::Percent;
use crate::policy::Policy;
use crate::premise::Contradictions;

use super::gate::{COLLECTED, GateError};

/// The most builds that one run deletes by default.
const MAX_BUILDS: u64 = 1000;
/// The largest share of the builds in scope, in percent, by default.
const MAX_PERCENT: u32 = 5;
/// So few builds may always be deleted by default, however small the database is.
const FEW_BUILDS: u64 = 20;
/// How many builds may contradict T and R by default.
const TIMES_CONTRADICTED: u64 = 0;
/// How many more builds may be gone by default than were sent.
const COLLATERAL: u64 = 0;
/// How old a report may be by default.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How far two machines' clocks may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// The limits that flags set; `None` where there is no flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestedLimits {
    /// `--max`
    pub max: Option<u64>,
    /// `--max-percent`
    pub max_percent: Option<Percent>,
    /// `--max-age`
    pub max_age: Option<SignedDuration>,
    /// `--allow times-contradicted`
    pub times_contradicted: Option<u64>,
    /// `--allow collateral`
    pub collateral: Option<u64>,
}

/// Who set a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LimitSource {
    Default(&'static str),
    Flag(&'static str),
    /// A flag that is stricter than the policy, which allows up to `ruled`.
    StricterFlag {
        flag: &'static str,
        ruled: String,
        key: &'static str,
        file: String,
    },
    Policy {
        key: &'static str,
        file: String,
    },
}

#[derive(Clone, Debug)]
struct Limit<T> {
    value: T,
    whose: LimitSource,
}

/// The limits of one run.
#[derive(Clone, Debug)]
pub struct Limits {
    max: Limit<u64>,
    max_percent: Limit<Percent>,
    max_age: Limit<SignedDuration>,
    times_contradicted: Limit<u64>,
    collateral: Limit<u64>,
    hosts: Option<(Vec<String>, String)>,
}

/// The age of a report, as far as it is known, or of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The time of the scan is on record.
    ScannedAt(Timestamp),
    /// Only the time at which its file was last written is known. The scan was not later.
    WrittenAt(Timestamp),
    /// When the collection was begun, of which the builds are.
    CollectedAt(Timestamp),
}

impl Limits {
    /// Combines the flags and the policy. The policy takes the place of the defaults; a flag may be stricter.
    ///
    /// # Errors
    /// A flag that would allow more than the policy does.
    pub fn settle(asked: &RequestedLimits, policy: Option<&Policy>) -> Result<Self, GateError> {
        let file = policy.map(Policy::name).unwrap_or_default();
        let ruled = policy.map(|policy| policy.delete.clone()).unwrap_or_default();
        let percent = Percent::from_whole(MAX_PERCENT).unwrap_or(Percent::ALL);
        Ok(Self {
            max: limit(("--max", "max"), asked.max, ruled.max, MAX_BUILDS, &file)?,
            max_percent: limit(("--max-percent", "max_percent"), asked.max_percent, ruled.max_percent, percent, &file)?,
            max_age: limit(("--max-age", "max_age"), asked.max_age, ruled.max_age, MAX_AGE, &file)?,
            times_contradicted: limit(
                ("--allow times-contradicted", "times_contradicted"),
                asked.times_contradicted,
                ruled.times_contradicted,
                TIMES_CONTRADICTED,
                &file,
            )?,
            collateral: limit(
                ("--allow collateral", "collateral"),
                asked.collateral,
                ruled.collateral,
                COLLATERAL,
                &file,
            )?,
            hosts: ruled.hosts.map(|hosts| (hosts, file)),
        })
    }

    /// The flags that allow more than the defaults do, where no policy rules. A flag never allows more than a policy.
    pub fn allowed_by_flags(&self) -> Vec<String> {
        let percent = Percent::from_whole(MAX_PERCENT).unwrap_or(Percent::ALL);
        [
            self.times_contradicted.beyond(TIMES_CONTRADICTED, '='),
            self.collateral.beyond(COLLATERAL, '='),
            self.max.beyond(MAX_BUILDS, ' '),
            self.max_percent.beyond(percent, ' '),
            self.max_age.beyond(MAX_AGE, ' '),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Checks that the policy names the host of each build.
    ///
    /// # Errors
    /// The first build that is elsewhere.
    pub fn check_hosts<'a>(&self, mut urls: impl Iterator<Item = &'a BuildUrl>) -> Result<(), GateError> {
        let Some((hosts, policy)) = &self.hosts else { return Ok(()) };
        match urls.find(|url| !hosts.iter().any(|host| host == url.host())) {
            None => Ok(()),
            Some(url) => Err(GateError::HostNotInPolicy {
                url: url.to_string(),
                host: url.host().to_owned(),
                policy: policy.clone(),
                hosts: hosts.join(", "),
            }),
        }
    }

    /// Checks that the policy names the host to which the requests of a profile go.
    ///
    /// # Errors
    /// It names others alone.
    pub fn check_host_of_requests(&self, host: &str) -> Result<(), GateError> {
        match &self.hosts {
            Some((hosts, policy)) if !hosts.iter().any(|named| named == host) => Err(GateError::ViaNotInPolicy {
                host: host.to_owned(),
                policy: policy.clone(),
                hosts: hosts.join(", "),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that this number of builds in scope may be deleted at once.
    ///
    /// # Errors
    /// They are too many, or too large a share.
    pub fn check_number(&self, deletions: u64, builds: u64) -> Result<(), GateError> {
        let Limit { value: max, whose } = &self.max;
        if deletions > *max {
            return Err(GateError::TooMany {
                deletions,
                max: *max,
                whose: whose.to_string(),
                raise: whose.how_to_raise("--max", &deletions.to_string()),
            });
        }
        let Limit { value: percent, whose } = &self.max_percent;
        let few = matches!(whose, LimitSource::Default(_)) && deletions <= FEW_BUILDS;
        if !few && !percent.covers(deletions, builds) {
            return Err(GateError::TooGreatAShare {
                deletions,
                builds,
                percent: percent.to_string(),
                whose: whose.to_string(),
                raise: whose.how_to_raise("--max-percent", &share(deletions, builds)),
            });
        }
        Ok(())
    }

    /// Checks that not too many builds contradict T and R.
    ///
    /// # Errors
    /// There are too many: then T, R or a clock is wrong, and builds that look cut may be whole.
    pub fn check_times(&self, contradictions: &Contradictions) -> Result<(), GateError> {
        let Limit { value: allowed, whose } = &self.times_contradicted;
        if contradictions.builds <= *allowed {
            return Ok(());
        }
        Err(GateError::TimesContradicted {
            fact: contradictions.fact().unwrap_or_default(),
            allowed: *allowed,
            whose: whose.to_string(),
            raise: whose.how_to_raise_check("times-contradicted", contradictions.builds),
        })
    }

    /// How many more builds may be gone than were sent, where earlier runs of the journal have `lost` some.
    ///
    /// # Errors
    /// They have lost more than are allowed in all.
    pub fn collateral_left(&self, lost: u64) -> Result<u64, GateError> {
        let Limit { value: allowed, whose } = &self.collateral;
        allowed.checked_sub(lost).ok_or_else(|| GateError::LostBefore {
            lost,
            allowed: *allowed,
            whose: whose.to_string(),
            raise: self.how_to_allow_collateral(lost),
        })
    }

    /// How to allow that so many more builds are gone.
    pub fn how_to_allow_collateral(&self, builds: u64) -> String {
        self.collateral.whose.how_to_raise_check("collateral", builds)
    }

    /// Checks a report of unknown age: it passes where only the default limits its age.
    ///
    /// # Errors
    /// A flag or the policy sets a limit.
    pub fn check_unknown_age(&self) -> Result<(), GateError> {
        let Limit { value, whose } = &self.max_age;
        match whose {
            LimitSource::Default(_) => Ok(()),
            LimitSource::Flag(_) | LimitSource::StricterFlag { .. } | LimitSource::Policy { .. } => {
                Err(GateError::AgeUnknown { whose: whose.to_string(), longest: whole_seconds(*value) })
            }
        }
    }

    /// Checks that a report, or a collection, is not too old.
    ///
    /// # Errors
    /// It is too old, or comes from the future.
    pub fn check_age(&self, age: Age, now: Timestamp) -> Result<(), GateError> {
        let (at, was) = match age {
            Age::ScannedAt(at) => (at, "the report was scanned"),
            Age::WrittenAt(at) => (at, "the report was last written"),
            Age::CollectedAt(at) => (at, COLLECTED),
        };
        if at > now + CLOCKS_APART {
            return Err(GateError::FromTheFuture { at: format!("{at:.0}"), was, now: format!("{now:.0}") });
        }
        let Limit { value: longest, whose } = &self.max_age;
        let old = now.duration_since(at);
        if old <= *longest {
            return Ok(());
        }
        let hours = old.as_secs() / 3600 + 1;
        Err(GateError::TooOld {
            at: format!("{at:.0}"),
            was,
            old: whole_seconds(old),
            longest: format!("{} that {whose}", whole_seconds(*longest)),
            raise: whose.how_to_raise("--max-age", &format!("{hours}h")),
        })
    }
}

impl<T: PartialOrd + LimitText> Limit<T> {
    /// The flag that sets it to more than the default, as it is typed.
    fn beyond(&self, default: T, between: char) -> Option<String> {
        match self.whose {
            LimitSource::Flag(flag) if self.value > default => Some(format!("{flag}{between}{}", self.value.text())),
            _ => None,
        }
    }
}

fn limit<T: Copy + PartialOrd + LimitText>(
    (flag, key): (&'static str, &'static str),
    asked: Option<T>,
    ruled: Option<T>,
    default: T,
    file: &str,
) -> Result<Limit<T>, GateError> {
    let policy = || LimitSource::Policy { key, file: file.to_owned() };
    match (asked, ruled) {
        (Some(asked), Some(ruled)) if asked > ruled => {
            Err(GateError::Looser { flag, asked: asked.text(), ruled: ruled.text(), policy: file.to_owned(), key })
        }
        (Some(value), Some(ruled)) => {
            let (ruled, file) = (ruled.text(), file.to_owned());
            Ok(Limit { value, whose: LimitSource::StricterFlag { flag, ruled, key, file } })
        }
        (Some(value), None) => Ok(Limit { value, whose: LimitSource::Flag(flag) }),
        (None, Some(value)) => Ok(Limit { value, whose: policy() }),
        (None, None) => Ok(Limit { value: default, whose: LimitSource::Default(flag) }),
    }
}

/// A limit as messages show it.
trait LimitText {
    fn text(&self) -> String;
}

impl LimitText for u64 {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl LimitText for Percent {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl LimitText for SignedDuration {
    fn text(&self) -> String {
        whole_seconds(*self)
    }
}

/// A length of time without its fractions of a second.
fn whole_seconds(length: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(length.as_secs()))
}

/// A share that is enough, in percent: rounded up to a tenth.
fn share(some: u64, all: u64) -> String {
    let tenths = (u128::from(some) * 1000).div_ceil(u128::from(all.max(1))).min(1000);
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}

impl LimitSource {
    /// The same of a check that `--allow CHECK=N` allows.
    fn how_to_raise_check(&self, check: &str, builds: u64) -> String {
        match self {
            Self::Default(_) | Self::Flag(_) => format!("--allow {check}={builds} allows it"),
            Self::StricterFlag { .. } | Self::Policy { .. } => self.how_to_raise("", ""),
        }
    }

    fn how_to_raise(&self, flag: &str, value: &str) -> String {
        match self {
            Self::Default(_) | Self::Flag(_) => format!("{flag} {value} allows it"),
            Self::StricterFlag { flag, ruled, key, file } => {
                format!("{flag} may go up to {ruled}, which is {key} in {file}")
            }
            Self::Policy { key, file } => format!("only {key} in {file} can allow more"),
        }
    }
}

impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(flag) => write!(f, "the default of {flag}"),
            Self::Flag(flag) | Self::StricterFlag { flag, .. } => f.write_str(flag),
            Self::Policy { key, file } => write!(f, "{key} in {file}"),
        }
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
