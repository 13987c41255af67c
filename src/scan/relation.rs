//! The four relations through which every build database is seen, and the columns that each has to offer.

use std::fmt;
use std::str::FromStr;

/// One of the relations that a profile presents and rules read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// One row a build.
    Build,
    /// One row a step.
    Step,
    /// One stored piece of output.
    Chunk,
    /// A file that object storage should hold.
    Object,
}

/// Some of the relations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RelationSet([bool; 4]);

impl RelationSet {
    pub(super) fn contains(self, relation: Relation) -> bool {
        self.0[relation as usize]
    }
}

impl FromIterator<Relation> for RelationSet {
    fn from_iter<I: IntoIterator<Item = Relation>>(relations: I) -> Self {
        let mut set = Self::default();
        relations.into_iter().for_each(|relation| set.0[relation as usize] = true);
        set
    }
}

/// An optional column of step and chunk.
pub(super) const STEP_ID: &str = "step_id";
/// An optional column of chunk: when the piece was stored.
pub(super) const STORED_AT: &str = "stored_at";

/// An optional column of build: within what the CI numbers builds together, where that is not the project.
pub(super) const NUMBERED_IN: &str = "numbered_in";

/// An optional column of build: when it was read where the CI keeps it, if the profile presents a copy.
pub(super) const FETCHED_AT: &str = "fetched_at";

/// An optional column of build: whether what it lacks may have been expired on purpose, by its own record.
pub(super) const MAY_BE_EXPIRED: &str = "may_be_expired";

/// An optional column of build: the path by which the CI deletes it.
pub(super) const DELETE_PATH: &str = "delete_path";

/// An optional column of build: the path by which the CI cancels it.
pub(super) const CANCEL_PATH: &str = "cancel_path";

/// An optional column of build: the version of its row, PostgreSQL's xmin.
pub(super) const ROW_VERSION: &str = "row_version";

/// An optional column of object: from when on the file may be deleted on purpose.
pub(super) const EXPIRES_AT: &str = "expires_at";

/// PostgreSQL's name of the type of numbers with a fraction.
pub(super) const NUMERIC: &str = "numeric";

/// What a column has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Text,
    Integer,
    /// An integer, or a number with a fraction, which then is no build's number.
    Number,
    Time,
    Boolean,
    /// The number of a transaction.
    Version,
}

impl Relation {
    /// All four, in the order in which a profile is composed.
    pub const ALL: [Self; 4] = [Self::Build, Self::Step, Self::Chunk, Self::Object];

    /// Its name in profiles and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Step => "step",
            Self::Chunk => "chunk",
            Self::Object => "object",
        }
    }

    /// The columns that it may also offer.
    pub(super) fn optional_columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Build => &[
                (NUMBERED_IN, Kind::Text),
                (FETCHED_AT, Kind::Time),
                (MAY_BE_EXPIRED, Kind::Boolean),
                (DELETE_PATH, Kind::Text),
                (CANCEL_PATH, Kind::Text),
                (ROW_VERSION, Kind::Version),
            ],
            Self::Object => &[(EXPIRES_AT, Kind::Time)],
            // An integer that identifies a step within its build, as step_key does: a text takes longer to hash.
            Self::Step => &[(STEP_ID, Kind::Integer)],
            Self::Chunk => &[(STEP_ID, Kind::Integer), (STORED_AT, Kind::Time)],
        }
    }

    /// The columns that it has to offer.
    pub(super) fn columns(self) -> &'static [(&'static str, Kind)] {
        use Kind::{Any, Boolean, Integer, Number, Text, Time};
        match self {
            Self::Build => &[
                ("build_key", Any),
                ("build_url", Text),
                ("project", Text),
                ("build_num", Number),
                ("lifecycle", Text),
                ("status", Text),
                ("queued_at", Time),
                ("started_at", Time),
                ("stopped_at", Time),
            ],
            Self::Step => &[
                ("build_key", Any),
                ("step_key", Any),
                ("name", Text),
                ("started_at", Time),
                ("stopped_at", Time),
                ("has_output", Boolean),
                ("output_size", Integer),
                ("output_closed", Boolean),
            ],
            Self::Chunk => &[("build_key", Any), ("step_key", Any), ("first", Integer), ("next", Integer)],
            Self::Object => &[("build_key", Any), ("step_key", Any), ("kind", Text), ("key", Text), ("size", Integer)],
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Relation {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text).ok_or(())
    }
}

impl Kind {
    /// Whether a column of PostgreSQL's type `type_name` is of this kind.
    pub(super) fn accepts(self, type_name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text => matches!(type_name, "text" | "varchar" | "bpchar" | "name"),
            Self::Integer => matches!(type_name, "int8" | "int4" | "int2"),
            Self::Number => type_name == NUMERIC || Self::Integer.accepts(type_name),
            Self::Time => type_name == "timestamptz",
            Self::Boolean => type_name == "bool",
            Self::Version => type_name == "xid",
        }
    }

    /// The kind as README and SQL name it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any type",
            Self::Text => "text",
            Self::Integer => "bigint",
            Self::Number => "bigint or numeric",
            Self::Time => "timestamptz",
            Self::Boolean => "boolean",
            Self::Version => "xid",
        }
    }
}
