//! The events of a journal. The names and the order of the fields are the file's format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::admin::Answer;
use crate::state::State;
use crate::timing::Timing;

use super::words;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins or continues: a session.
    Start(Box<Start>),
    /// A chosen build that the plan keeps.
    Kept(Kept),
    /// Some builds are in an archive.
    Archived(Archived),
    /// A deletion is about to be sent.
    Intent(Box<Intent>),
    /// What the server said of it.
    Answer(Answered),
    /// A build whose deletion was sent earlier was looked up.
    Looked(Looked),
    /// A build has ended.
    Result(Ended),
    /// The last line was cut, and what was left of it is dropped.
    Repaired(Repaired),
    /// The session is over.
    End(End),
}

/// The beginning of a session: who does what, where, and by which plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The program and its version, as in [`crate::version::TOOL`].
    pub tool: String,
    /// The user who runs it, by name, or by number where there is no name.
    pub user: String,
    /// The machine on which it runs.
    pub machine: String,
    /// The number of its process.
    pub pid: u32,
    /// The report or list of which builds were chosen.
    pub report: ReportFile,
    /// The file of results; `None` where they go to standard output.
    pub results: Option<String>,
    /// The SHA-256 of the plan.
    pub plan: String,
    /// How many builds the plan deletes.
    pub deletions: u64,
    /// How many chosen builds it keeps.
    pub kept: u64,
    /// The host of the CI server, as it was confirmed.
    pub host: String,
    /// The admin path, described without secrets.
    pub admin: String,
    /// The database that is read.
    pub database: DatabaseName,
    /// The tables that are read, in words: schema, kind and owner of each; `None` in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<String>,
    /// The collection whose documents are read, in words; `None` where the builds are no documents, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// When the backup was taken, RFC 3339.
    pub backup_time: Option<String>,
    /// When the server came back, RFC 3339.
    pub restored_at: Option<String>,
    /// The flags by which rows of the report were chosen, such as `--project acme/*`, or `--choose` for an editor; empty where there are
    /// none, and in older journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_by: Vec<String>,
    /// What flags allowed beyond the defaults and the policy, such as `--max-percent 20`; empty where they allowed nothing more, and
    /// in older journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// The file of which builds were chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// Its name as it was given; `-` is standard input.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
}

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseName {
    /// PostgreSQL's system identifier, where the role may read it.
    pub system_identifier: Option<String>,
    /// The database's name.
    pub name: String,
    /// A digest of what is read of it: the profile, and the schemas in which its tables are looked for.
    pub reads: String,
}

/// A chosen build that is not to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its URL; the text that stands in the report where that is none.
    pub url: String,
    /// Its line in the report.
    pub line: u64,
    /// How it ends.
    #[serde(with = "words::state")]
    pub state: State,
    /// Why.
    pub reason: String,
}

/// Builds whose rows, steps and output are in an archive, synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archived {
    /// The archive.
    pub file: String,
    /// Where in it they begin, in bytes.
    pub offset: u64,
    /// How many bytes they take.
    pub length: u64,
    /// The SHA-256 of these bytes.
    pub sha256: String,
    /// Their canonical URLs.
    pub builds: Vec<String>,
}

/// A deletion that is about to be sent, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The build's canonical URL.
    pub url: String,
    /// `org/project`, where it is known.
    pub project: Option<String>,
    /// The build's number within its project; `None` where its address does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Its line in the report.
    pub line: u64,
    /// The rules that fire on it now.
    pub reasons: Vec<String>,
    /// What the rules saw.
    pub evidence: String,
    /// What it did around the backup.
    #[serde(with = "words::timing")]
    pub timing: Timing,
    /// The digest of its state when it was read just now.
    pub fingerprint: String,
    /// Its key, as the database writes it; `None` where it has none, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was queued, RFC 3339; `None` where it is not on record, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<String>,
    /// Where not a deletion is about to be sent but a cancel, so that it can be deleted: the digest of what a cancel leaves as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
    /// The method and the path of the request, below the address of `--via`; `None` where none is made by a path, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What the server said of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The build's canonical URL.
    pub url: String,
    /// Its kind.
    pub answer: AnswerWord,
    /// What was said.
    pub text: String,
    /// Whether it was a cancel that was answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel: bool,
}

impl Answered {
    fn new(url: &str, answer: &Answer, cancel: bool) -> Self {
        Self { url: url.to_owned(), answer: answer.into(), text: answer.text().to_owned(), cancel }
    }
}

/// The kinds of an [`Answer`], as the journal spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerWord {
    /// The server says that it deleted the build.
    Accepted,
    /// The server says that there is no such build.
    Gone,
    /// The server will not delete it.
    Refused,
    /// The server tried and failed.
    Failed,
    /// No answer came.
    Unknown,
    /// Nothing was done; it may be asked for again.
    Busy,
    /// Nothing was done: the server refuses every request.
    Denied,
}

impl AnswerWord {
    /// The word that the journal shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Busy => "busy",
            Self::Denied => "denied",
        }
    }

    /// Whether it says that this deletion did nothing to the build.
    pub fn has_no_effect(self) -> bool {
        match self {
            Self::Busy | Self::Denied | Self::Gone | Self::Refused => true,
            Self::Accepted | Self::Failed | Self::Unknown => false,
        }
    }

    /// Whether it says that nothing was done, so that the deletion may be sent again.
    pub fn is_nothing_done(self) -> bool {
        match self {
            Self::Busy | Self::Denied => true,
            Self::Accepted | Self::Gone | Self::Refused | Self::Failed | Self::Unknown => false,
        }
    }
}

impl From<&Answer> for AnswerWord {
    fn from(answer: &Answer) -> Self {
        match answer {
            Answer::Accepted(_) => Self::Accepted,
            Answer::Gone(_) => Self::Gone,
            Answer::Refused(_) => Self::Refused,
            Answer::Failed(_) => Self::Failed,
            Answer::Unknown(_) => Self::Unknown,
            // Either way nothing was done.
            Answer::Busy(..) | Answer::Stale(_) => Self::Busy,
            Answer::Denied(_) => Self::Denied,
        }
    }
}

/// What the database says of a build whose deletion was sent: this allows it to be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// The build's canonical URL.
    pub url: String,
    /// Whether the build is gone.
    pub gone: bool,
    /// What was found.
    pub text: String,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// The build's canonical URL; the text that stands in the report where that is none.
    pub url: String,
    /// The state in which it is left.
    #[serde(with = "words::state")]
    pub state: State,
    /// Why.
    pub reason: String,
}

/// A line that was cut when its writer was killed, and has been dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repaired {
    /// How many bytes were dropped.
    pub dropped: u64,
    /// Their SHA-256.
    pub sha256: String,
    /// How they began, as far as they are text.
    pub text: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its kind.
    pub ending: EndWord,
    /// Why; empty where all was done.
    pub text: String,
    /// How many builds ended in each state: the chosen ones, and those of earlier sessions that were looked up.
    #[serde(with = "words::states")]
    pub states: BTreeMap<State, u64>,
    /// Whether all builds that the journal calls deleted were read again before this was written; `None` in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_again: Option<bool>,
    /// How many builds were gone that this session had not sent; `None` where that was none, or nobody knows, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
}

/// The kinds of an `Ending`, as the journal spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndWord {
    /// Every build was dealt with.
    Complete,
    /// The run was interrupted.
    Interrupted,
    /// The run stopped by itself: sending more would not have been wise.
    Stopped,
    /// The server refuses every request, or cannot be reached.
    Denied,
    /// The database could not be read any more.
    Blind,
    /// The results could not be written any more.
    Unrecorded,
    /// The builds could not be archived.
    Unarchived,
}

impl EndWord {
    /// The word that the journal shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
            Self::Denied => "denied",
            Self::Blind => "blind",
            Self::Unrecorded => "unrecorded",
            Self::Unarchived => "unarchived",
        }
    }
}

/// The reason of a build that is gone and counts as deleted, because an earlier run may have sent its deletion. `found` is what was
/// seen.
pub fn sent_before(found: &str) -> String {
    format!("{found}; sent by an earlier run of this journal, which did not see the end, and gone now")
}

impl Event {
    /// The server's answer to a deletion.
    pub fn answer(url: &str, answer: &Answer) -> Self {
        Self::Answer(Answered::new(url, answer, false))
    }

    /// The server's answer to a cancel.
    pub fn answer_to_cancel(url: &str, answer: &Answer) -> Self {
        Self::Answer(Answered::new(url, answer, true))
    }

    /// A build has ended.
    pub fn result(url: &str, state: State, reason: &str) -> Self {
        Self::Result(Ended { url: url.to_owned(), state, reason: reason.to_owned() })
    }

    /// A build whose deletion was sent earlier was looked up.
    pub fn looked(url: &str, gone: bool, text: &str) -> Self {
        Self::Looked(Looked { url: url.to_owned(), gone, text: text.to_owned() })
    }
}
