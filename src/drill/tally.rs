//! Adds up the findings of a scan for a verdict.

use std::collections::BTreeMap;

use crate::build_url::BuildUrl;
use crate::finding::Finding;

use super::check::{Count, Seen};
use super::expected::{ExpectedBuild, match_finding};

/// Builds that are kept of each rule, to be listed.
const BUILDS_KEPT: usize = 20;

/// The findings so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The builds that have to be found.
    pub expected: Vec<ExpectedBuild>,
    /// What each rule found; those that found nothing have no entry.
    pub by_rule: BTreeMap<String, Count>,
}

impl Tally {
    /// Begins with the builds that have to be found; one that is named twice is one.
    pub fn new(expected: &[BuildUrl]) -> Self {
        let mut tally = Self::default();
        for url in expected {
            if !tally.expected.iter().any(|build| build.url == *url) {
                tally.expected.push(ExpectedBuild::new(url.clone()));
            }
        }
        tally
    }

    pub fn add(&mut self, found: &Finding) {
        let expected = match_finding(&mut self.expected, found);
        for reason in &found.reasons {
            let count = match self.by_rule.get_mut(reason) {
                Some(count) => count,
                None => self.by_rule.entry(reason.clone()).or_default(),
            };
            count.found += 1;
            count.expected += u64::from(expected);
            if !expected && count.first.len() < BUILDS_KEPT {
                count.first.push(Seen::of(found));
            }
        }
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
