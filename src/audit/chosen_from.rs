//! From which file each session of a journal chose its builds, held against the report: a copy of the report may have had rows taken
//! out, been sorted, or been saved by a spreadsheet; a report of something else is another matter.

use crate::text::{Foreign, builds, grouped};

use super::file_check::FileCheck;
use super::named::{Named, NamedBySession, SessionSet};

/// The file from which a session chose.
#[derive(Clone, Debug)]
pub(super) struct ChosenFrom {
    /// Which session it is, in words.
    pub(super) session: String,
    pub(super) which: SessionSet,
    /// The file as it was named; `-` is standard input.
    pub(super) file: String,
    pub(super) sha256: String,
}

impl ChosenFrom {
    /// Holds the file against the report with this digest. `scanned` is the digest of the report as the scan wrote it.
    pub(super) fn check(&self, report: &str, scanned: Option<&str>, named: &NamedBySession) -> Option<FileCheck> {
        let is_as_scanned = scanned == Some(self.sha256.as_str());
        (self.sha256 != report).then(|| self.judge(named.of_session(self.which), is_as_scanned))
    }

    fn judge(&self, named: Named, is_as_scanned: bool) -> FileCheck {
        let session = &self.session;
        let file = match self.file.as_str() {
            "-" => "standard input".to_owned(),
            file => Foreign::url(file).or("?").into(),
        };
        let Named { listed, in_another_state, not_listed } = named;
        if not_listed + in_another_state > 0 {
            let from =
                if is_as_scanned { "this report before it was changed" } else { "another file than this report" };
            let mut wrong = Vec::new();
            if not_listed > 0 {
                wrong.push(format!("{} that this report does not list", builds(not_listed)));
            }
            if in_another_state > 0 {
                wrong.push(format!("{} with another fingerprint than this report has", builds(in_another_state)));
            }
            return FileCheck::differs(format!(
                "{session} chose from {from}: {file}. It names {}.",
                wrong.join(", and ")
            ));
        }
        if is_as_scanned {
            return FileCheck::note(format!("{session} chose from this report as the scan wrote it: {file}."));
        }
        match listed {
            0 => FileCheck::note(format!(
                "{session} chose from another file, {file}, and names no build that a later session does not name as well."
            )),
            listed => FileCheck::note(format!(
                "{session} chose from {file}, whose rows are rows of this report: {} in it, with the same \
                 fingerprints. What that file leaves out was not chosen.",
                named_builds(listed)
            )),
        }
    }
}

fn named_builds(listed: u64) -> String {
    match listed {
        1 => "the 1 build that the session names is".to_owned(),
        listed => format!("all {} builds that the session names are", grouped(listed)),
    }
}

#[cfg(test)]
#[path = "chosen_from_tests.rs"]
mod tests;
