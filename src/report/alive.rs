//! What the metadata of a report says of the lists of what is alive that it was made with.

use serde_json::{Value, json};

/// A list of what is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliveList {
    /// The file, as it was named.
    pub file: String,
    /// What it was, in words.
    pub kind: String,
    /// How many jobs, pods or builds it listed that live.
    pub alive: u64,
    /// How many it listed that were over.
    pub over: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

pub(super) fn to_json(lists: &[AliveList]) -> Value {
    let of_list = |list: &AliveList| {
        let AliveList { file, kind, alive, over, sha256 } = list;
        json!({ "file": file, "kind": kind, "alive": alive, "over": over, "sha256": sha256 })
    };
    lists.iter().map(of_list).collect()
}

/// Older files have no lists.
pub(super) fn parse(written: &Value) -> Option<Vec<AliveList>> {
    let list = |list: &Value| {
        let text = |field: &str| list[field].as_str().map(str::to_owned);
        Some(AliveList {
            file: text("file")?,
            kind: text("kind")?,
            alive: list["alive"].as_u64()?,
            over: list["over"].as_u64()?,
            sha256: text("sha256")?,
        })
    };
    match written {
        Value::Null => Some(Vec::new()),
        written => written.as_array()?.iter().map(list).collect(),
    }
}
