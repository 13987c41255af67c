//! What an archive says of itself, and where its members are.

/// What an archive holds: the first line of every member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// The profile's name.
    pub profile: String,
    /// What the rows are of: `tables`, whole, or only the `relations` that the profile presents.
    pub rows_of: &'static str,
    /// The tables or relations, in the order in which their rows are written and would be put back.
    pub tables: Vec<String>,
    /// What may belong to a build as well, and is not in the archive.
    pub not_archived: Vec<String>,
    /// The name of the database.
    pub database: Option<String>,
    /// PostgreSQL's identifier of the cluster.
    pub system_identifier: Option<String>,
    /// T, as RFC 3339.
    pub backup_time: Option<String>,
    /// R, as RFC 3339.
    pub restored_at: Option<String>,
}

/// Where a member is, and the digest that identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte, counted from 0.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// The SHA-256 of these bytes, in hexadecimal.
    pub sha256: String,
    /// How many rows it holds.
    pub rows: u64,
}
