//! Where a database server is in its own history.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a database server says of the moment of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerMoment {
    /// The first transaction id, with its epoch, of which the snapshot sees nothing: what it sees was written by lower ones.
    pub next_transaction: u64,
    /// The timeline of its log; `None` on a standby.
    pub timeline: Option<u32>,
    /// When the newest transaction that the snapshot sees was committed; `None` where the server does not keep that.
    pub last_commit: Option<Timestamp>,
}

/// What a server lacks of what it had once seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Transactions.
    Transactions {
        /// The next transaction id then.
        then: u64,
        /// The next transaction id now.
        now: u64,
    },
    /// A timeline.
    Timeline {
        /// The timeline then.
        then: u32,
        /// The timeline now.
        now: u32,
    },
}

impl ServerMoment {
    /// What this server lacks of what it had seen then, which shows that it was restored from an older backup. `None` where it lacks
    /// nothing, or has written as much since.
    pub fn lack_since(&self, then: &Self) -> Option<Lack> {
        if let (Some(then), Some(now)) = (then.timeline, self.timeline)
            && now < then
        {
            return Some(Lack::Timeline { then, now });
        }
        let (then, now) = (then.next_transaction, self.next_transaction);
        (now < then).then_some(Lack::Transactions { then, now })
    }
}

/// In a sentence about a manifest.
impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older = "when the manifest was made: it was restored from a backup that is older than the manifest";
        match self {
            Self::Transactions { then, now } => {
                write!(f, "this database is at transaction {now}, and had been at {then} {older}")
            }
            Self::Timeline { then, now } => {
                write!(f, "this database is on timeline {now}, and had been on timeline {then} {older}")
            }
        }
    }
}
