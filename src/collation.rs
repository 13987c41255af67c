//! Whether the indexes on text that are read were built by the order of text that the server has now.

use std::fmt;

use crate::text::Foreign;

/// The check that counts the collations of another version.
pub(crate) const COLLATION_VERSION: &str = "collation-version";
/// What to do about it.
pub(crate) const REINDEX_FIRST: &str = "REINDEX these indexes first (a unique one may turn out to hold doubles), and then record the \
                                        version by ALTER COLLATION ... REFRESH VERSION, or ALTER DATABASE ... REFRESH COLLATION VERSION";

/// What the server knows of the collations by which indexes of the tables that are read sort text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collations {
    /// Those of another version than the recorded one.
    pub changed: Vec<ChangedCollation>,
    /// Why the server cannot tell it of all of them; `None` where it can.
    pub why_unknown: Option<String>,
}

/// A collation that has another version now than when its indexes were built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCollation {
    /// `None` for the database's own.
    pub name: Option<Foreign>,
    pub recorded: Foreign,
    /// `None` where the server has no version of it any more.
    pub actual: Option<Foreign>,
    /// How many indexes sort by it.
    pub indexes: u64,
    /// The names of the first of them.
    pub first_indexes: Vec<Foreign>,
}

impl Collations {
    /// Whether an index may miss what is there.
    pub fn have_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Why the check could not be made; `None` where it was made, or has found something.
    pub fn why_not_checked(&self) -> Option<&str> {
        self.why_unknown.as_deref().filter(|_| !self.have_changed())
    }
}

impl fmt::Display for ChangedCollation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str("the database's own collation")?,
            Some(name) => write!(f, "collation {name}")?,
        }
        write!(f, " has version {} on record and ", self.recorded)?;
        match &self.actual {
            None => f.write_str("none now")?,
            Some(actual) => write!(f, "version {actual} now")?,
        }
        let named: Vec<&str> = self.first_indexes.iter().map(Foreign::as_str).collect();
        let more = self.indexes.saturating_sub(named.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let indexes = if self.indexes == 1 { "1 index".to_owned() } else { format!("{} indexes", self.indexes) };
        write!(f, " ({indexes}: {}{more})", named.join(", "))
    }
}
