//! Builds of which the database holds copies: they are brought up to date before they are read.

use std::pin::Pin;

use crate::report::Chosen;

use super::super::plan::Reading;

/// What became of the copy of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// The copy is as the build is now.
    Copied,
    /// The build is proved not to be there any more.
    Gone,
    /// The copy is of an earlier time, and nobody asked what has become of the build since.
    AsCollected,
    /// Neither is known, and why.
    NotKnown(String),
}

/// What became of the copies of some builds, in their order.
pub type Freshened<'a> = Pin<Box<dyn Future<Output = Vec<CopyState>> + 'a>>;

/// Brings copies of builds up to date.
pub trait Freshener {
    /// Fetches builds again. Each is given by the ways in which its address may be spelled, the usual one first; by none where it has no
    /// address.
    fn freshen(&self, builds: Vec<Vec<String>>) -> Freshened<'_>;
}

/// The ways in which the addresses of chosen builds may be spelled.
pub(super) fn spellings(chosen: &[&Chosen]) -> Vec<Vec<String>> {
    chosen.iter().map(|chosen| chosen.url.as_ref().map(|url| url.spellings()).unwrap_or_default()).collect()
}

/// What was read of builds, where it is known that the copies are as the builds are now. Of the others nothing is known: least of all is a
/// build gone because its copy is not found.
pub(super) fn as_far_as_fresh(readings: Vec<Reading>, freshened: Vec<CopyState>) -> Vec<Reading> {
    let judge = |(reading, freshness)| match (reading, freshness) {
        (_, CopyState::NotKnown(why)) => Reading::Unread(why),
        (Reading::Gone, CopyState::Copied) => {
            Reading::Unread("its document was fetched again, and the profile does not show it".to_owned())
        }
        (Reading::Gone, CopyState::AsCollected) => {
            Reading::Unread("it is not among the documents that can be read, and was not fetched again".to_owned())
        }
        (reading, CopyState::Copied | CopyState::Gone | CopyState::AsCollected) => reading,
    };
    readings.into_iter().zip(freshened).map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_may_be_old_is_not_read() {
        let readings = vec![Reading::Gone, Reading::Gone, Reading::Gone, Reading::Several(2)];
        let freshened = vec![
            CopyState::Gone,
            CopyState::NotKnown("403 Forbidden".to_owned()),
            CopyState::Copied,
            CopyState::Copied,
        ];
        let read = as_far_as_fresh(readings, freshened);
        assert_eq!((&read[0], &read[3]), (&Reading::Gone, &Reading::Several(2)));
        assert_eq!(read[1], Reading::Unread("403 Forbidden".to_owned()));
        assert!(matches!(&read[2], Reading::Unread(_)), "{read:?}");
    }
}
