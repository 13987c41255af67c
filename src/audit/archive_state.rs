//! Whether an archive holds what a journal says of it.

use crate::text::Foreign;

use super::file_check::FileCheck;

/// What an archive that a journal names turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveState {
    /// It holds the part that the journal names last, byte for byte.
    Holds,
    /// That part is not in it.
    LacksLastPart,
    /// It was not read, and why.
    NotRead(String),
}

impl ArchiveState {
    pub(super) fn check(&self, name: &str) -> FileCheck {
        let name = Foreign::url(name).or("?");
        match self {
            Self::Holds => FileCheck::agrees(format!("The archive {name} holds what was written to it last.")),
            Self::LacksLastPart => FileCheck::differs(format!(
                "The archive {name} is not as it was written: what the journal says was written to it last is not in it."
            )),
            Self::NotRead(why) => {
                FileCheck::note(format!("The archive {name} was not read: {}.", Foreign::evidence(why)))
            }
        }
    }
}
