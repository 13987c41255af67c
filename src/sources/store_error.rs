//! Why the tables of documents cannot be used, and what to do about it.

use crate::database::DatabaseError;
use crate::text::Foreign;

/// Why the tables of documents cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("role {role} may not make the schema halfbuilt in database {database:?}")]
    MayNotMake { role: Foreign, database: Foreign },
    #[error("role {role} may not read and write the tables of schema halfbuilt in database {database:?}")]
    MayNotWrite { role: Foreign, database: Foreign },
    /// A schema of this name that is somebody else's, or another version's.
    #[error("schema halfbuilt of database {database:?} holds no documents of this program's format")]
    OtherFormat { database: Foreign },
    #[error("database {database:?} is encoded in {encoding}: documents need UTF8")]
    Encoding { database: Foreign, encoding: Foreign },
    #[error("the server is a standby: nothing can be written there")]
    Standby,
    /// Triggers, rules or other kinds of tables would run with the rights of whoever writes.
    #[error(
        "the tables of schema halfbuilt in database {database:?} belong to others, whose code would run as role {role}"
    )]
    ForeignCode { role: Foreign, database: Foreign },
    /// Something else wrote, or nothing was written.
    #[error("the tables of documents do not hold what was stored")]
    NotStored,
    #[error("another collect, delete or verify is at work on the documents of this database")]
    InUse,
    #[error("this database holds the documents of {there}")]
    OtherSource { there: Foreign },
}

impl StoreError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Database(error) => return error.hint(),
            Self::MayNotMake { .. } | Self::MayNotWrite { .. } => {
                "have an administrator run `halfbuilt sql documents`, which says what to grant, or collect --into private".to_owned()
            }
            Self::OtherFormat { .. } => "name another database with --into".to_owned(),
            Self::Encoding { .. } => {
                "make one with CREATE DATABASE documents ENCODING 'UTF8' TEMPLATE template0, or collect --into private".to_owned()
            }
            Self::Standby => "name the primary with --into".to_owned(),
            Self::ForeignCode { .. } => "collect as a role that owns them and is no superuser, or --into private".to_owned(),
            Self::NotStored => "who else writes to them? a trigger, or another collect through a pooler".to_owned(),
            Self::InUse => "wait until it is done: it can be seen in pg_stat_activity, as halfbuilt".to_owned(),
            Self::OtherSource { .. } => {
                "one database holds the documents of one server: name another, or remove these with --forget".to_owned()
            }
        })
    }
}
