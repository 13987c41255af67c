//! What a manifest holds: `halfbuilt-manifest/1`, field by field.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::server_moment::ServerMoment;

use super::numbers::PARTS;

/// The format that is written, and the only one that is read.
pub(crate) const FORMAT: &str = "halfbuilt-manifest/1";
/// The numbers of a range differ in this many low bits.
pub(super) const RANGE_BITS: u32 = 10;

/// What a build database holds at T.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `halfbuilt-manifest/1`.
    pub format: String,
    /// The program that wrote it, with its version.
    pub tool: String,
    /// The database's own clock when it was counted; `None` on a standby that has replayed nothing.
    pub counted_at: Option<Timestamp>,
    /// T.
    pub backup_time: Timestamp,
    /// Builds that had stopped by then are covered. It is earlier than T where T is the present: a build that stopped a moment ago may
    /// still be written to.
    pub covered_until: Timestamp,
    /// The longest time that the server lets a build run, in seconds, as the flag or the profile says.
    pub max_run_time_seconds: i64,
    pub profile: ProfileUsed,
    pub database: DatabaseNamed,
    /// What is known of the moment at which it was counted; `None` in a manifest of a release that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<CountedMoment>,
    /// The digest of a made-up build: where another server computes another one, no digests can be compared.
    #[serde(with = "hexadecimal")]
    pub digest_check: u64,
    /// How many builds are covered.
    pub builds: u64,
    /// How many are not, and why.
    pub not_covered: NotCovered,
    /// The projects, by name.
    pub projects: Vec<Project>,
    /// HMAC-SHA-256 of this document without this field, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// How a database was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileUsed {
    pub name: String,
    /// A digest of its SQL.
    pub digest: String,
    /// What it counts output in.
    pub unit: String,
    pub steps: bool,
    pub output: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseNamed {
    /// PostgreSQL's identifier of the server; `None` where the role may not ask for it.
    pub system_identifier: Option<String>,
    pub name: String,
}

/// What is known of the moment at which a database was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedMoment {
    /// The latest time on record in any build.
    pub newest_build: Option<Timestamp>,
    /// Where the server was in its own history; `None` where the builds are copies, of which it knows nothing.
    pub server: Option<ServerMoment>,
}

/// Builds that a manifest does not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCovered {
    /// Over, but without a number or a project.
    pub unnamed: u64,
    /// Stopped after `covered_until` and by T.
    pub ended_lately: u64,
    /// Over, and since when is not on record.
    pub undated: u64,
    /// Running or waiting at T, or queued since.
    pub not_over: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    pub project: String,
    /// How many of its builds are covered.
    pub builds: u64,
    /// The highest number of a build that was queued by `covered_until`, over or not.
    pub highest: Option<i64>,
    /// The sum of the digests of its builds, modulo 2^64.
    #[serde(with = "hexadecimal")]
    pub digest: u64,
    /// The covered builds by outcome.
    pub outcomes: Vec<OutcomeCount>,
    /// The covered builds by ranges of their numbers, the lowest first.
    pub ranges: Vec<Range>,
    /// How many of its builds are not covered, and why.
    #[serde(default, skip_serializing_if = "NotCovered::is_nothing")]
    pub not_covered: NotCovered,
}

/// How many builds of a project have one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeCount {
    /// Most likely finished or not_run.
    pub lifecycle: Option<String>,
    /// The CI's own word.
    pub status: Option<String>,
    pub builds: u64,
}

/// The builds of a project whose numbers differ in their lowest ten bits only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The lowest number that belongs here, whether a build has it or not.
    pub first: i64,
    pub builds: u64,
    /// The sum of their digests, modulo 2^64.
    #[serde(with = "hexadecimal")]
    pub digest: u64,
    pub steps: i64,
    /// How much output they have stored.
    pub stored: i64,
    /// When the first of them was over, and the last, in whole seconds.
    pub over: [Timestamp; 2],
    /// Their numbers: `1..57,59`. A number that two builds have is listed twice.
    pub numbers: String,
    /// The numbers of those that never ran. They count as over when they were queued.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub never_ran: String,
    /// Six digits of base64 for each, in the order of the numbers: the lowest 24 bits of its digest, and in which 4096th part of
    /// the range's time it was over (12 bits).
    pub each: String,
}

/// One build of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub number: i64,
    /// The lowest bits of its digest.
    pub digest: u32,
    pub never_ran: bool,
    /// When it was over at the earliest, in seconds since 1970.
    pub over_from: i64,
    /// When it was over at the latest.
    pub over_until: i64,
}

impl Manifest {
    /// What is not covered, without the builds of projects that are out of scope.
    pub fn not_covered_in(&self, in_scope: &dyn Fn(&str) -> bool) -> NotCovered {
        let elsewhere = self.projects.iter().filter(|project| !in_scope(&project.project));
        elsewhere.fold(self.not_covered, |left, project| left.each_with(&project.not_covered, u64::saturating_sub))
    }

    pub fn project(&self, name: &str) -> Option<&Project> {
        let place = self.projects.binary_search_by(|project| project.project.as_str().cmp(name)).ok()?;
        self.projects.get(place)
    }
}

impl NotCovered {
    pub fn builds(&self) -> u64 {
        [self.unnamed, self.ended_lately, self.undated, self.not_over].into_iter().fold(0, u64::saturating_add)
    }

    /// How many builds there are for each reason, and the reason.
    pub fn by_reason(&self) -> Vec<(u64, &'static str)> {
        let reasons = [
            (self.unnamed, "no number or no project is on record"),
            (self.ended_lately, "stopped just before T, and perhaps written to since"),
            (self.undated, "over, and since when is not on record"),
            (self.not_over, "not over by T"),
        ];
        reasons.into_iter().filter(|(builds, _)| *builds > 0).collect()
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn each_with(self, other: &Self, both: fn(u64, u64) -> u64) -> Self {
        Self {
            unnamed: both(self.unnamed, other.unnamed),
            ended_lately: both(self.ended_lately, other.ended_lately),
            undated: both(self.undated, other.undated),
            not_over: both(self.not_over, other.not_over),
        }
    }
}

impl Project {
    /// Whether a build of it had been queued by T, or may have been.
    pub(in crate::drill) fn was_there(&self) -> bool {
        let NotCovered { not_over, .. } = self.not_covered;
        self.highest.is_some() || self.builds + self.not_covered.builds() > not_over
    }
}

impl Range {
    /// The last number that belongs here.
    pub fn last(&self) -> i64 {
        self.first | ((1 << RANGE_BITS) - 1)
    }

    /// How exactly it is known when a build was over, in seconds.
    pub(super) fn unit(&self) -> i64 {
        let [from, until] = self.over.map(Timestamp::as_second);
        (until - from) / PARTS + 1
    }
}

/// Sixteen hexadecimal digits: many readers of JSON cannot hold a number of 64 bits.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{number:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let number = u64::from_str_radix(&text, 16).ok().filter(|number| format!("{number:016x}") == text);
        number.ok_or_else(|| D::Error::custom("expected sixteen hexadecimal digits"))
    }
}
