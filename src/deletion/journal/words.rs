//! How a journal spells the domain's words. The domain itself knows nothing of files.

use std::fmt;

use serde::de::{Error, Visitor};

use crate::state::State;
use crate::timing::Timing;

/// Reads a word without a copy of it.
struct Word<F>(F, &'static str);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Word<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        let expected = self.1;
        (self.0)(word).ok_or_else(|| E::custom(format!("{word:?} is not {expected}")))
    }
}

fn state_of(word: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.as_str() == word)
}

/// A state.
pub(super) mod state {
    use serde::{Deserializer, Serializer};

    use super::{State, Word, state_of};

    pub(in super::super) fn serialize<S: Serializer>(state: &State, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(state.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<State, D::Error> {
        from.deserialize_str(Word(state_of, "the state of a build"))
    }
}

/// A timing.
pub(super) mod timing {
    use serde::{Deserializer, Serializer};

    use super::{Timing, Word};

    pub(in super::super) fn serialize<S: Serializer>(timing: &Timing, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(timing.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timing, D::Error> {
        from.deserialize_str(Word(|word: &str| word.parse().ok(), "the timing of a build"))
    }
}

/// Numbers of builds by state.
pub(super) mod states {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{State, state_of};

    pub(in super::super) fn serialize<S: Serializer>(states: &BTreeMap<State, u64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(states.iter().map(|(state, builds)| (state.as_str(), builds)))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<State, u64>, D::Error> {
        let words = BTreeMap::<String, u64>::deserialize(from)?;
        let known = |(word, builds): (String, u64)| match state_of(&word) {
            Some(state) => Ok((state, builds)),
            None => Err(D::Error::custom(format!("{word:?} is not the state of a build"))),
        };
        words.into_iter().map(known).collect()
    }
}
