//! How the text of a database becomes UTF-8.

/// What the encoding of a database means for whoever reads its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The server can write all text as UTF-8.
    Unicode,
    /// The database has none, and stores any bytes as text.
    Absent,
    /// The server translates it, and fails where there is nothing to translate to.
    Translated,
}

impl Encoding {
    /// By PostgreSQL's name of it.
    pub(super) fn of(name: Option<&str>) -> Self {
        match name {
            Some("SQL_ASCII") => Self::Absent,
            // Of LATIN1 every byte is a letter.
            Some("UTF8" | "LATIN1") | None => Self::Unicode,
            Some(_) => Self::Translated,
        }
    }
}
