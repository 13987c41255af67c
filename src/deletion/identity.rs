//! Which build was deleted, so that it is recognised if it is found again.

use jiff::Timestamp;

use crate::finding::Finding;

/// What distinguishes a build from another one that has its address now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The digest of its state when it was read last.
    pub fingerprint: String,
    /// Its key; `None` where it is not on record, here and below.
    pub key: Option<String>,
    /// When it was queued.
    pub queued_at: Option<Timestamp>,
}

impl Identity {
    /// The identity of a build as it was read.
    pub fn of(found: &Finding) -> Self {
        let key = Some(found.key.clone()).filter(|key| !key.is_empty());
        Self { fingerprint: found.fingerprint.clone(), key, queued_at: found.queued_at }
    }

    /// Whether a build that was found at the same address is known to be another one: a queue time says so. A key alone may have changed.
    pub fn is_another(&self, found: &Finding) -> bool {
        !self.matches(found) && (self.queued_at.is_some() || found.queued_at.is_some())
    }

    /// Whether a build that was found at the same address is the same one. A number may have been given out again: then neither its
    /// key nor its queue time are the same.
    pub fn matches(&self, found: &Finding) -> bool {
        let now = Self::of(found);
        // An older journal has neither: then it cannot be known to be another build.
        let nothing_known = self.key.is_none() && self.queued_at.is_none();
        nothing_known
            || self.fingerprint == now.fingerprint
            || (self.key.is_some() && self.key == now.key)
            || (self.queued_at.is_some() && self.queued_at == now.queued_at)
    }
}
