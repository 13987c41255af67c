//! The hosts whose builds a report names.

use std::collections::BTreeMap;

/// How many hosts are distinguished.
const HOSTS: usize = 20;

/// The hosts whose builds a report names, each with its builds. A report may name any number of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<String, u64>);

impl Hosts {
    pub(super) fn add(&mut self, host: &str) {
        if let Some(builds) = self.0.get_mut(host) {
            *builds += 1;
        } else if self.0.len() < HOSTS {
            self.0.insert(host.to_owned(), 1);
        }
    }

    /// The host of most builds, and how many others there are, up to a few.
    pub fn main(&self) -> Option<(&str, usize)> {
        let host = self.0.iter().max_by_key(|(name, builds)| (**builds, std::cmp::Reverse(*name)))?;
        Some((host.0, self.0.len() - 1))
    }
}
