//! How long the damaged builds had run.

use jiff::SignedDuration;

use super::span::Span;

/// Up to how many seconds each class goes, and how it is called. The last has no end.
const CLASSES: [(i64, &str); 9] = [
    (60, "under 1 minute"),
    (5 * 60, "1 to 5 minutes"),
    (15 * 60, "5 to 15 minutes"),
    (30 * 60, "15 to 30 minutes"),
    (60 * 60, "30 minutes to 1 hour"),
    (2 * 3600, "1 to 2 hours"),
    (5 * 3600, "2 to 5 hours"),
    (24 * 3600, "5 hours to 1 day"),
    (i64::MAX, "a day or more"),
];

/// How many builds ran how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    builds: [u64; CLASSES.len()],
    /// Builds whose run time is not known.
    pub unknown: u64,
    /// The longest run.
    pub longest: Option<SignedDuration>,
}

impl Lengths {
    pub(super) fn add(&mut self, span: Option<&Span>) {
        let Some(length) = span.map(Span::length) else {
            self.unknown += 1;
            return;
        };
        self.longest = self.longest.max(Some(length));
        let class = CLASSES.iter().position(|(end, _)| length.as_secs() < *end).unwrap_or(CLASSES.len() - 1);
        self.builds[class] += 1;
    }

    /// The classes, with how many builds each holds.
    pub fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.iter().zip(self.builds).map(|((_, name), builds)| (*name, builds))
    }
}
