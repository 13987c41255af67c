//! The lines of an archive: JSON, one object a line, distinguished by `kind`.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::finding::Finding;
use crate::version::TOOL;

use super::header::ArchiveHeader;

/// What the first line of every member calls its format.
pub(super) const FORMAT: &str = "halfbuilt-archive/1";

/// One line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    /// The first of a member.
    Archive(Head<'a>),
    /// A build, as in a report.
    Build(Build<'a>),
    /// A row of a table.
    Row(Row<'a>),
    /// How many rows of each table a build has in this member. After it there are no more.
    Counts { build_url: &'a str, rows: Pairs<'a, u64> },
    /// The last of a member.
    End { builds: u64, rows: u64 },
}

#[derive(Serialize)]
pub(super) struct Head<'a> {
    format: &'static str,
    tool: &'static str,
    written_at: String,
    profile: &'a str,
    rows_of: &'a str,
    tables: &'a [String],
    not_archived: &'a [String],
    database: Option<&'a str>,
    system_identifier: Option<&'a str>,
    backup_time: Option<&'a str>,
    restored_at: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Build<'a> {
    build_url: &'a str,
    project: Option<&'a str>,
    build_num: Option<i64>,
    build_key: &'a str,
    lifecycle: Option<&'a str>,
    status: Option<&'a str>,
    queued_at: Option<String>,
    started_at: Option<String>,
    stopped_at: Option<String>,
    timing: String,
    reasons: &'a [String],
    evidence: &'a str,
    fingerprint: &'a str,
}

#[derive(Serialize)]
pub(super) struct Row<'a> {
    pub(super) build_url: &'a str,
    pub(super) table: &'a str,
    /// Each column as PostgreSQL writes it as text, so that nothing is lost to JSON's numbers.
    pub(super) row: Pairs<'a, Option<String>>,
}

/// Names and their values, as an object.
pub(super) struct Pairs<'a, T> {
    pub(super) names: &'a [String],
    pub(super) values: &'a [T],
}

impl<'a> Head<'a> {
    pub(super) fn of(header: &'a ArchiveHeader, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            tool: TOOL,
            written_at: format!("{now:.0}"),
            profile: &header.profile,
            rows_of: header.rows_of,
            tables: &header.tables,
            not_archived: &header.not_archived,
            database: header.database.as_deref(),
            system_identifier: header.system_identifier.as_deref(),
            backup_time: header.backup_time.as_deref(),
            restored_at: header.restored_at.as_deref(),
        }
    }
}

impl<'a> Build<'a> {
    pub(super) fn of(build: &'a Finding) -> Self {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self {
            build_url: build.build_url.as_deref().unwrap_or_default(),
            project: build.project.as_deref(),
            build_num: build.build_num,
            build_key: &build.key,
            lifecycle: build.lifecycle.as_deref(),
            status: build.status.as_deref(),
            queued_at: time(build.queued_at),
            started_at: time(build.started_at),
            stopped_at: time(build.stopped_at),
            timing: build.timing.to_string(),
            reasons: &build.reasons,
            evidence: &build.evidence,
            fingerprint: &build.fingerprint,
        }
    }
}

impl<T: Serialize> Serialize for Pairs<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (name, value) in self.names.iter().zip(self.values) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Line<'_> {
    /// Puts the line at the end of a buffer.
    pub(super) fn write(&self, to: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *to, self)?;
        to.push(b'\n');
        Ok(())
    }
}
