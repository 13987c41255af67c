//! Holds what records promise against what is stored: one pass over two lists in the same order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use crate::scan::{Promised, PromisedObject, ScanError};
use crate::text::bytes::encode;
use crate::text::{Foreign, counted};

use super::entry::Entry;
use super::error::ObjectsError;
use super::listing::Listing;
use super::place::Place;
use super::tally::{Absent, Group, KindTally, Tally};

/// So many keys are named of one build.
const NAMED: usize = 3;
/// So many builds are named; of more the number is said.
const BUILDS: usize = 100_000;

/// The rule about files that are not stored.
const MISSING: &str = "object-missing";
/// The rule about files that are shorter than they were.
const SHORT: &str = "object-short";

/// What a comparison came to.
#[derive(Debug)]
pub struct Compared {
    pub place: Place,
    /// Objects in the listing.
    pub stored: u64,
    pub by_kind: BTreeMap<String, KindTally>,
    /// The kinds and folders of which nothing is stored at all. Their builds are not reported.
    pub absent: Vec<Absent>,
    /// For each build a rule, its key, and the evidence.
    pub found: Vec<(&'static str, String, String)>,
    /// Builds that are not among these, since there are too many.
    pub not_named: u64,
}

/// What is wrong with files of one build.
#[derive(Debug, Default)]
struct Fault {
    files: u64,
    named: Vec<String>,
}

/// What keeps a comparison from its end.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// What a merge relies on.
    #[error("the database does not give keys in the order of bytes at {}", Foreign::name(.0))]
    Order(String),
}

/// Reads both lists to their ends.
///
/// # Errors
/// One of them cannot be read, or is in another order.
pub async fn compare(mut listing: Listing, mut promised: Promised<'_>) -> Result<Compared, CompareError> {
    let place = listing.place().clone();
    let mut pass = Pass::default();
    let mut stored = listing.next().await?;
    let mut last: Option<Vec<u8>> = None;
    while let Some(object) = promised.next().await? {
        let key = encode(&object.key).into_owned();
        if last.as_ref().is_some_and(|last| *last > key) {
            return Err(CompareError::Order(object.key));
        }
        while stored.as_ref().is_some_and(|entry| entry.key < key) {
            stored = listing.next().await?;
        }
        // Several records may name one file.
        let found = stored.as_ref().filter(|entry| entry.key.cmp(&key) == Ordering::Equal);
        pass.judge(&object, found);
        last = Some(key);
    }
    // A listing counts only if it can be read to its end.
    while stored.is_some() {
        stored = listing.next().await?;
    }
    Ok(pass.done(place, listing.entries))
}

#[derive(Default)]
struct Pass {
    tally: Tally,
    faults: HashMap<(String, &'static str, Group), Fault>,
    not_named: u64,
}

impl Pass {
    fn judge(&mut self, object: &PromisedObject, found: Option<&Entry>) {
        let (group, tally) = self.tally.of(&object.kind, &object.key);
        if !object.is_judged {
            tally.not_judged += 1;
            return;
        }
        let Some(entry) = found else {
            if object.is_expired {
                tally.expired += 1;
                return;
            }
            tally.judged += 1;
            self.add(object, MISSING, group, Foreign::evidence(&object.key).into());
            return;
        };
        tally.judged += 1;
        tally.found += 1;
        let promised = object.size.and_then(|size| u64::try_from(size).ok());
        if let Some(promised) = promised.filter(|promised| *promised > entry.size) {
            let words = format!("{} ({} of {promised} bytes)", Foreign::evidence(&object.key), entry.size);
            self.add(object, SHORT, group, words);
        }
    }

    fn add(&mut self, object: &PromisedObject, rule: &'static str, group: Group, words: String) {
        let name = (object.build_key.clone(), rule, group);
        if self.faults.len() >= BUILDS && !self.faults.contains_key(&name) {
            self.not_named += 1;
            return;
        }
        let fault = self.faults.entry(name).or_default();
        fault.files += 1;
        if fault.named.len() < NAMED {
            fault.named.push(words);
        }
    }

    fn done(self, place: Place, stored: u64) -> Compared {
        let Self { tally, faults, not_named } = self;
        let absent = tally.absent(&place);
        let mut of_builds: BTreeMap<(String, &'static str), Fault> = BTreeMap::new();
        for ((build, rule, group), fault) in faults {
            if tally.is_of(group, &absent) {
                continue;
            }
            let sum = of_builds.entry((build, rule)).or_default();
            sum.files += fault.files;
            sum.named.extend(fault.named);
        }
        let found = of_builds.into_iter().map(|((build, rule), fault)| (rule, build, fault.in_words(rule, &place)));
        Compared { by_kind: tally.by_kind(), found: found.collect(), place, stored, absent, not_named }
    }
}

impl Fault {
    fn in_words(mut self, rule: &str, place: &Place) -> String {
        self.named.sort_unstable();
        self.named.truncate(NAMED);
        let more = self.files.saturating_sub(self.named.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let what = if rule == MISSING { "not in" } else { "shorter in" };
        format!(
            "{} {what} {}: {}{more}",
            counted(self.files, "file"),
            Foreign::name(&place.to_string()),
            self.named.join(", ")
        )
    }
}
