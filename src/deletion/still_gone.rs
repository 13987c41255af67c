//! Reads deleted builds again: a database that is back at an earlier state has them again.

use crate::report::Chosen;
use crate::state::State;

use super::identity::Identity;
use super::plan::{Planned, Reading};
use super::roles::{BuildReader, Ended};

/// How many builds are read at once.
const READ_AT_ONCE: usize = 400;

/// A deleted build, and which one it was.
#[derive(Clone, Debug)]
pub struct Deleted<'a> {
    pub planned: &'a Planned,
    pub was: Identity,
}

/// Finds the deleted builds that are there again, each with its place in the list.
pub(super) async fn find_returned<'a, R: BuildReader>(
    reader: &mut R,
    deleted: &[Deleted<'a>],
) -> Result<Vec<(usize, Ended<'a>)>, R::Error> {
    let mut returned = Vec::new();
    for (part, some) in deleted.chunks(READ_AT_ONCE).enumerate() {
        let chosen: Vec<&Chosen> = some.iter().map(|deleted| &deleted.planned.chosen).collect();
        let readings = reader.read(&chosen).await?;
        for (place, (deleted, reading)) in some.iter().zip(readings).enumerate() {
            if let Some((state, reason)) = new_end(&deleted.was, &reading) {
                returned.push((part * READ_AT_ONCE + place, Ended { planned: deleted.planned, state, reason }));
            }
        }
    }
    Ok(returned)
}

/// The new end of a build that was deleted; `None` where it is still gone.
fn new_end(was: &Identity, now: &Reading) -> Option<(State, String)> {
    match now {
        Reading::Gone => None,
        Reading::There(found) if was.matches(found) => {
            let has_another_key = was.key.as_ref().is_some_and(|key| *key != found.key && !found.key.is_empty());
            let why = if has_another_key { UNDER_ANOTHER_KEY } else { THERE_AGAIN };
            Some((State::Failed, why.to_owned()))
        }
        Reading::There(found) if !was.is_another(found) => Some((State::Unknown, ALIKE.to_owned())),
        // Its number was given out again.
        Reading::There(_) => None,
        Reading::Elsewhere(other) => Some((
            State::Unknown,
            format!(
                "it was read again and gone; now there is {other}, and nobody can know whether that is the same build"
            ),
        )),
        Reading::Unread(why) => Some((
            State::Unknown,
            format!("it was read again and gone; now what the database holds of it cannot be read: {why}"),
        )),
        Reading::WithoutKey => {
            Some((State::Unknown, "it was read again and gone, and a build without a key may be it".to_owned()))
        }
        Reading::Several(builds) => Some((
            State::Unknown,
            format!(
                "it was read again and gone; now {builds} builds have its address, and nobody can know whether it is one of them"
            ),
        )),
    }
}

/// Why a build that was deleted counts as failed.
pub(super) const THERE_AGAIN: &str =
    "it is there again: it was deleted, read again and gone, and the database is back at an earlier state now";

/// Why a build counts as failed whose key alone is gone.
const UNDER_ANOTHER_KEY: &str = "its key was read again and gone, and a build with its address and its queue time is there under another key: it is not deleted";

/// Why it is not known whether a build is gone.
const ALIKE: &str = "its key was read again and gone, and a build with its address is there under another key: without a queue time on record \
                     nothing shows whether it is the same";

/// A build of which little is known.
#[cfg(test)]
pub(super) fn found(key: &str, queued: Option<i64>, fingerprint: &str) -> crate::finding::Finding {
    let queued_at = queued.and_then(|second| jiff::Timestamp::from_second(second).ok());
    crate::finding::Finding {
        key: key.to_owned(),
        build_num: Some(7),
        queued_at,
        timing: crate::timing::Timing::Unknown,
        reasons: Vec::new(),
        fingerprint: fingerprint.to_owned(),
        ..crate::testing::finding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_given_out_again_is_no_build_that_is_back() {
        let was = Identity::of(&found("7", Some(1000), "f"));
        let state = |now: &Reading| new_end(&was, now).map(|(state, _)| state);
        assert_eq!(state(&Reading::Gone), None);
        assert_eq!(state(&Reading::There(Box::new(found("9", Some(2000), "g")))), None);
        assert_eq!(state(&Reading::There(Box::new(found("9", None, "g")))), None);
        for same in [found("7", None, "g"), found("9", Some(1000), "g"), found("", None, "f")] {
            assert_eq!(state(&Reading::There(Box::new(same))), Some(State::Failed));
        }
        let older = Identity { fingerprint: "f".to_owned(), key: None, queued_at: None };
        let other = Reading::There(Box::new(found("9", Some(2000), "g")));
        assert_eq!(new_end(&older, &other).map(|(state, _)| state), Some(State::Failed));
        let without_time = Identity::of(&found("7", None, "f"));
        let other_key = Reading::There(Box::new(found("9", None, "g")));
        assert_eq!(new_end(&without_time, &other_key).map(|(state, _)| state), Some(State::Unknown));
        assert_eq!(state(&Reading::Several(2)), Some(State::Unknown));
        assert_eq!(state(&Reading::Elsewhere("x".to_owned())), Some(State::Unknown));
        assert_eq!(state(&Reading::Unread("x".to_owned())), Some(State::Unknown));
    }
}
