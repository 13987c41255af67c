//! Reads what was deleted once more: a database that went back to an earlier state has it again.

use crate::report::Chosen;
use crate::state::State;

use super::identity::Identity;
use super::plan::{Planned, Reading};
use super::roles::{BuildReader, Ended};

/// How many builds are read at once.
const AT_ONCE: usize = 400;

/// A build that was deleted.
#[derive(Clone, Debug)]
pub struct Deleted<'a> {
    /// The build, as it was chosen.
    pub planned: &'a Planned,
    /// Which one it was.
    pub was: Identity,
}

/// Those that are there again, each with its place in the list.
pub(super) async fn back<'a, R: BuildReader>(
    reader: &mut R,
    deleted: &[Deleted<'a>],
) -> Result<Vec<(usize, Ended<'a>)>, R::Error> {
    let mut back = Vec::new();
    for (part, some) in deleted.chunks(AT_ONCE).enumerate() {
        let chosen: Vec<&Chosen> = some.iter().map(|deleted| &deleted.planned.chosen).collect();
        let readings = reader.read(&chosen).await?;
        for (place, (deleted, reading)) in some.iter().zip(readings).enumerate() {
            if let Some((state, reason)) = judged(&deleted.was, &reading) {
                back.push((part * AT_ONCE + place, Ended { planned: deleted.planned, state, reason }));
            }
        }
    }
    Ok(back)
}

/// What a build is that was gone and is read once more; `None` where it is gone.
fn judged(was: &Identity, now: &Reading) -> Option<(State, String)> {
    match now {
        Reading::Gone => None,
        Reading::There(found) if was.is(found) => Some((State::Failed, THERE_AGAIN.to_owned())),
        // Its number was given out again.
        Reading::There(_) => None,
        Reading::Elsewhere(other) => Some((
            State::Unknown,
            format!("it was read again and gone; now there is {other}, and whether that is the same nobody can tell"),
        )),
        Reading::Several(builds) => Some((
            State::Unknown,
            format!(
                "it was read again and gone; now {builds} builds have its address, and whether it is one of them nobody can tell"
            ),
        )),
    }
}

/// Why a build that was deleted is not.
pub(super) const THERE_AGAIN: &str =
    "it is there again: it was deleted, read again and gone, and the database has gone back to an earlier state since";

/// A build of which little is known.
#[cfg(test)]
pub(super) fn found(key: &str, queued: Option<i64>, fingerprint: &str) -> crate::finding::Finding {
    let queued_at = queued.and_then(|second| jiff::Timestamp::from_second(second).ok());
    crate::finding::Finding {
        key: key.to_owned(),
        build_url: None,
        project: None,
        build_num: Some(7),
        lifecycle: None,
        status: None,
        queued_at,
        started_at: None,
        stopped_at: None,
        last_activity_at: None,
        timing: crate::timing::Timing::Unknown,
        reasons: Vec::new(),
        evidence: String::new(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        shares: None,
        obstacles: Vec::new(),
        fingerprint: fingerprint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_given_out_again_is_no_build_that_is_back() {
        let was = Identity::of(&found("7", Some(1000), "f"));
        let state = |now: &Reading| judged(&was, now).map(|(state, _)| state);
        assert_eq!(state(&Reading::Gone), None);
        assert_eq!(state(&Reading::There(Box::new(found("9", Some(2000), "g")))), None);
        assert_eq!(state(&Reading::There(Box::new(found("9", None, "g")))), None);
        for same in [found("7", None, "g"), found("9", Some(1000), "g"), found("", None, "f")] {
            assert_eq!(state(&Reading::There(Box::new(same))), Some(State::Failed));
        }
        let older = Identity { fingerprint: "f".to_owned(), key: None, queued_at: None };
        let other = Reading::There(Box::new(found("9", Some(2000), "g")));
        assert_eq!(judged(&older, &other).map(|(state, _)| state), Some(State::Failed));
        assert_eq!(state(&Reading::Several(2)), Some(State::Unknown));
        assert_eq!(state(&Reading::Elsewhere("x".to_owned())), Some(State::Unknown));
    }
}
