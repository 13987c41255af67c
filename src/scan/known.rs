//! What a profile says of itself: on what it has been tried, how its builds can be deleted, and how their addresses are written.

use std::fmt;
use std::str::FromStr;

use crate::build_url::AddressForm;

/// On what a profile has been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A server as people run it.
    RealServer,
    /// A dump of a real server's database.
    Dump,
    /// A stand-in for the server.
    StandIn,
    /// Tables that were made for the profile.
    OwnSchema,
    /// Nothing but what is published about the server.
    PublicFacts,
}

impl Known {
    const ALL: [Self; 5] = [Self::RealServer, Self::Dump, Self::StandIn, Self::OwnSchema, Self::PublicFacts];

    /// The words of the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RealServer => "real server",
            Self::Dump => "dump",
            Self::StandIn => "stand-in",
            Self::OwnSchema => "own schema",
            Self::PublicFacts => "public facts",
        }
    }

    /// The same as a sentence about the profile.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::RealServer => "it has been tried on a real server",
            Self::Dump => "it has been tried on a dump of a real server",
            Self::StandIn => "it has been tried on a stand-in made from public facts, never on a real server",
            Self::OwnSchema => "it has been tried on a schema of its own, never on a real server",
            Self::PublicFacts => "it is made from public facts only, and has never been tried on a real server",
        }
    }
}

impl FromStr for Known {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == words);
        found.ok_or_else(|| format!("known {words:?}: expected {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// A way to delete a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminPath {
    Nrepl,
    Console,
    Http,
}

/// What the header says where builds cannot be deleted.
const NONE: &str = "none";

impl AdminPath {
    const ALL: [Self; 3] = [Self::Nrepl, Self::Console, Self::Http];

    /// Its word in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nrepl => "nREPL",
            Self::Console => "console",
            Self::Http => "HTTP",
        }
    }
}

impl fmt::Display for AdminPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the header `admin-paths`: words with a comma between them, or `none`.
pub(super) fn admin_paths(words: &str) -> Result<Vec<AdminPath>, String> {
    if words == NONE {
        return Ok(Vec::new());
    }
    let known = |word: &str| AdminPath::ALL.into_iter().find(|path| path.as_str() == word);
    let read = |word: &str| {
        let expected = AdminPath::ALL.map(AdminPath::as_str).join(", ");
        known(word).ok_or_else(|| format!("admin-paths {word:?}: expected some of {expected}, or {NONE}"))
    };
    words.split(',').map(|word| read(word.trim())).collect()
}

/// Reads the header `addresses`.
pub(super) fn address_form(words: &str) -> Result<AddressForm, String> {
    words.parse().map_err(|()| {
        let [first, second] = AddressForm::ALL.map(AddressForm::as_str);
        format!("addresses {words:?}: expected {first:?} or {second:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for known in Known::ALL {
            assert_eq!(known.as_str().parse(), Ok(known));
        }
        let expected = "known \"rumour\": expected real server, dump, stand-in, own schema, public facts";
        assert_eq!("rumour".parse::<Known>(), Err(expected.to_owned()));
        let all = AdminPath::ALL.map(AdminPath::as_str).join(", ");
        assert_eq!(admin_paths(&all), Ok(AdminPath::ALL.to_vec()));
        assert_eq!(admin_paths("none"), Ok(Vec::new()));
        for wrong in ["nREPL, none", "ssh", "http", "nREPL,"] {
            assert!(admin_paths(wrong).is_err(), "{wrong}");
        }
    }
}
