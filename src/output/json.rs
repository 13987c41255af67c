//! A scan as JSON: `{"schema_version": 1, "findings": [...], "summary": {...}}`. Findings are written as they are found.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::finding::Finding;
use crate::text::bytes::escape;

use super::Summary;

/// A JSON report that is being written.
pub(super) struct JsonReport<W: Write> {
    to: W,
    first: bool,
}

impl<W: Write> JsonReport<W> {
    /// Begins the document.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn new(mut to: W) -> io::Result<Self> {
        write!(to, "{{\"schema_version\":1,\"findings\":[")?;
        Ok(Self { to, first: true })
    }

    /// Writes a finding on a line of its own.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn write(&mut self, found: &Finding) -> io::Result<()> {
        write!(self.to, "{}", if self.first { "\n" } else { ",\n" })?;
        self.first = false;
        serde_json::to_writer(&mut self.to, &finding(found))?;
        Ok(())
    }

    /// Writes the summary, ends the document, and returns the output.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn finish(mut self, summary: &Summary) -> io::Result<W> {
        write!(self.to, "\n],\n\"summary\":")?;
        serde_json::to_writer(&mut self.to, &summary_value(summary))?;
        writeln!(self.to, "}}")?;
        Ok(self.to)
    }
}

fn finding(found: &Finding) -> Value {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let text = |text: &Option<String>| text.as_deref().map(|text| escape(text).into_owned());
    json!({
        "build_url": text(&found.build_url),
        "project": text(&found.project),
        "build_num": found.build_num,
        "lifecycle": text(&found.lifecycle),
        "status": text(&found.status),
        "queued_at": time(found.queued_at),
        "started_at": time(found.started_at),
        "stopped_at": time(found.stopped_at),
        "last_activity_at": time(found.last_activity_at),
        "timing": found.timing.as_str(),
        "reasons": found.reasons,
        "evidence": found.evidence,
        "steps": found.steps,
        "steps_unfinished": found.steps_unfinished,
        "output_expected": found.output_expected,
        "output_stored": found.output_stored,
        "deletable": found.is_deletable(),
        "fingerprint": found.fingerprint,
        "note": found.note(),
    })
}

fn summary_value(summary: &Summary) -> Value {
    let not_checked: Vec<Value> =
        summary.not_checked.iter().map(|left| json!({ "what": left.what.to_string(), "why": left.why })).collect();
    json!({
        "builds": summary.scope.builds(),
        "projects": summary.scope.projects.len(),
        "steps": summary.scope.steps,
        "abnormal": summary.abnormal,
        "deletable": summary.deletable,
        "by_rule": summary.by_rule,
        "by_timing": summary.by_timing,
        "by_project": summary.projects_in_words(),
        "not_checked": not_checked,
    })
}
