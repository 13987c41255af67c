//! Where a verdict goes besides the one sentence: JUnit, JSON, and what GitHub Actions shows.

use std::path::PathBuf;

use crate::commands::Error;
use crate::drill::Judgement;
use crate::output::{Printer, VerdictFile, VerdictFormat, annotations, append_step_summary};

use super::request::OutletsRequest;

/// Where a verdict goes.
pub(super) struct Outlets {
    files: Vec<VerdictFile>,
    on_github: bool,
    step_summary: Option<PathBuf>,
}

impl Outlets {
    /// Opens the files, so that a folder which cannot be written is found out before the work starts.
    pub(super) fn open(request: &OutletsRequest) -> Result<Self, Error> {
        let formats = [(VerdictFormat::Junit, &request.junit), (VerdictFormat::Json, &request.json)];
        let files = formats.into_iter().filter_map(|(format, path)| Some(VerdictFile::open(format, path.as_ref()?)));
        let files = files.collect::<Result<_, _>>()?;
        Ok(Self { files, on_github: request.on_github, step_summary: request.step_summary.clone() })
    }

    /// Writes the verdict to all of them.
    pub(super) fn write(self, judgement: &Judgement, printer: Printer) -> Result<(), Error> {
        if self.on_github {
            annotations(judgement).iter().for_each(|line| printer.command(line));
        }
        if let Some(file) = self.step_summary
            && let Err(error) = append_step_summary(judgement, &file)
        {
            // Nobody asked for it by a flag, and the verdict stands.
            printer.warn(&format!("no summary for GITHUB_STEP_SUMMARY: cannot append to {}: {error}", file.display()));
        }
        // Each is written, whatever becomes of the others.
        let written: Vec<_> = self.files.into_iter().map(|file| file.write(judgement)).collect();
        Ok(written.into_iter().collect::<Result<(), _>>()?)
    }
}
