//! What is known of the output and the artifacts of a build.

use jiff::Timestamp;

/// Whether an object can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectState {
    There,
    Absent,
    NotKnown,
}

impl ObjectState {
    /// The word in the tables.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Absent => "absent",
            Self::NotKnown => "not known",
        }
    }
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) asked_at: Timestamp,
    pub(super) state: ObjectState,
    pub(super) why: Option<String>,
    pub(super) size: Option<i64>,
}

impl Object {
    pub(super) fn new(state: ObjectState, why: Option<String>) -> Self {
        Self { asked_at: Timestamp::now(), state, why, size: None }
    }

    pub(super) fn not_known(why: impl Into<String>) -> Self {
        Self::new(ObjectState::NotKnown, Some(why.into()))
    }
}

/// The output of one action. `step` and `action` are places in the document, from 0.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) step: i32,
    pub(super) action: i32,
    pub(super) object: Object,
    pub(super) messages: Option<i64>,
    pub(super) first_at: Option<Timestamp>,
    pub(super) last_at: Option<Timestamp>,
    /// In hexadecimal digits.
    pub(super) sha256: Option<String>,
}

/// One artifact. `place` is its place in the list, from 0.
#[derive(Clone, Debug)]
pub(super) struct Artifact {
    pub(super) place: i32,
    pub(super) path: Option<String>,
    pub(super) node_index: Option<i32>,
    /// Without its query.
    pub(super) url: Option<String>,
    pub(super) object: Object,
}
