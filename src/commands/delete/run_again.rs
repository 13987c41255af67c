//! What to run again after a deletion: two files beside the journal, of all builds that it calls deleted.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::build_url::BuildUrl;
use crate::causes::in_one_line;
use crate::commands::Error;
use crate::commands::interrupt::Interrupt;
use crate::deletion::journal::{self, ENDING, Past, PastBuild};
use crate::deletion::{Decision, KeepReason, LiveBuilds, Planned};
use crate::output::{OutputError, OutputFile, Printer, RunAgainPage};
use crate::report::{RUN_AGAIN_COLUMNS, RunAgainBuild, RunAgainWriter};
use crate::state::State;
use crate::text::builds as builds_in_words;

use super::next;
use super::request::DeleteRequest;

/// How many builds are read at once.
const READ_AT_ONCE: usize = 500;

/// Where it is written.
pub(super) struct RunAgainFiles {
    journal: PathBuf,
    pub(super) csv: PathBuf,
    pub(super) markdown: PathBuf,
}

impl RunAgainFiles {
    /// Beside the journal, of which they are an extract: REPORT.run-again.csv and REPORT.run-again.md.
    pub(super) fn beside(journal: &Path) -> Self {
        let name = journal.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(ENDING).filter(|stem| !stem.is_empty()).unwrap_or(&name);
        let file = |ending: &str| journal.with_file_name(format!("{stem}.run-again.{ending}"));
        Self { journal: journal.to_owned(), csv: file("csv"), markdown: file("md") }
    }

    /// Checks before anything is sent that nothing else stands there, and that files can be written there.
    ///
    /// # Errors
    /// Something does, or they cannot be.
    pub(super) fn check(&self) -> Result<(), Error> {
        // Not finished, so nothing appears.
        self.open().map(drop).map_err(|error| match error.is_in_the_way() {
            true => Error::Misuse {
                what: format!("what to run again is listed beside the journal: {}", in_one_line(&error)),
                hint: "move away what stands there, or have the journal elsewhere: --journal FILE".to_owned(),
            },
            false => error.into(),
        })
    }

    fn open(&self) -> Result<(OutputFile, OutputFile), OutputError> {
        let csv = OutputFile::list(&self.csv, &RUN_AGAIN_COLUMNS.join(","))?;
        Ok((csv, OutputFile::list(&self.markdown, RunAgainPage::BEGINS)?))
    }

    /// Writes both files, of all that the journal calls deleted; nothing where that is no build. The deletions have ended, and nothing that
    /// fails here changes how: then a warning says how to get the files. `can_read`: whether the database could still be read.
    pub(super) async fn write(
        &self,
        (request, plan): (&DeleteRequest, &[Planned]),
        (builds, can_read): (&mut LiveBuilds<'_>, bool),
        interrupt: &Interrupt,
        printer: Printer,
    ) {
        if !builds.presents_run_again() {
            return;
        }
        // The first Ctrl-C has only ended the deletions.
        let written = tokio::select! {
            written = self.try_to_write(plan, builds, can_read) => written,
            () = interrupt.stop().now.cancelled() => Err("interrupted".to_owned()),
        };
        match written {
            Ok(0) => {}
            Ok(number) => {
                let [csv, markdown] = [&self.csv, &self.markdown].map(|file| file.display());
                printer.say(&format!("what to run again is in {csv} and {markdown}: {}", builds_in_words(number)));
            }
            Err(why) => {
                printer.warn(&format!("the list of what to run again was not written: {why}"));
                next::say_list_again(request, printer);
            }
        }
    }

    /// Gives how many builds there are, or why there is no list.
    async fn try_to_write(&self, plan: &[Planned], builds: &mut LiveBuilds<'_>, can_read: bool) -> Result<u64, String> {
        // The journal knows of the runs before, too, and of what was found again at the end.
        let past = journal::read_or_new(&self.journal).map_err(|error| in_one_line(&error))?;
        let deleted = deleted(&past, plan);
        // A list of an earlier run does not stay where nothing of it holds any more.
        if deleted.is_empty() && !self.csv.exists() {
            return Ok(0);
        }
        if !can_read {
            return Err("the database cannot be read any more".to_owned());
        }
        let unwritten = |error: OutputError| in_one_line(&error);
        let (csv, mut markdown) = self.open().map_err(unwritten)?;
        let (csv_name, markdown_name) = (csv.name(), markdown.name());
        let failed = |name: &str| {
            let name = name.to_owned();
            move |source| in_one_line(&OutputError::new(name.clone(), source))
        };
        let mut csv = RunAgainWriter::new(csv).map_err(failed(&csv_name))?;
        let name_of = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut page = RunAgainPage::new(name_of(&self.journal), name_of(&self.csv));
        for batch in deleted.chunks(READ_AT_ONCE) {
            let names: Vec<Vec<String>> = batch.iter().map(|url| names(url, &past)).collect();
            let found = builds.read_run_again(&names).await.map_err(|error| in_one_line(&error))?;
            for (url, found) in batch.iter().zip(found) {
                let build = found.unwrap_or_else(|| RunAgainBuild::by_address(url));
                csv.write(&build).map_err(failed(&csv_name))?;
                page.add(&build);
            }
        }
        markdown.write_all(page.to_markdown().as_bytes()).map_err(failed(&markdown_name))?;
        csv.finish().map_err(failed(&csv_name))?.finish().map_err(unwritten)?;
        markdown.finish().map_err(unwritten)?;
        Ok(page.all)
    }
}

/// The builds that a journal calls deleted, by project and number, but for those that the plan found there again.
fn deleted<'a>(past: &'a Past, plan: &[Planned]) -> Vec<&'a str> {
    let is_back = |planned: &&Planned| matches!(&planned.decision, Decision::Keep(_, KeepReason::ThereAgain));
    let back: HashSet<String> =
        plan.iter().filter(is_back).filter_map(|planned| Some(planned.chosen.url.as_ref()?.to_string())).collect();
    let is_deleted = |build: &PastBuild| matches!(build, PastBuild::Ended { state: State::Deleted, .. });
    let deleted = past.builds.iter().filter(|(url, build)| is_deleted(build) && !back.contains(*url));
    let mut urls: Vec<&str> = deleted.map(|(url, _)| url.as_str()).collect();
    urls.sort_by_cached_key(|url| (BuildUrl::parse(url).ok(), *url));
    urls
}

/// The names under which a build may be on record: its address in all spellings, and its key, which is its address before `--base-url`.
fn names(url: &str, past: &Past) -> Vec<String> {
    let mut names = BuildUrl::parse(url).map_or_else(|_| vec![url.to_owned()], |url| url.spellings());
    names.extend(past.identities.get(url).and_then(|identity| identity.key.clone()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stand_beside_the_journal() {
        for (journal, csv) in [
            ("a/report.csv.journal.jsonl", "a/report.csv.run-again.csv"),
            ("mine.jsonl", "mine.jsonl.run-again.csv"),
            (".journal.jsonl", ".journal.jsonl.run-again.csv"),
        ] {
            let files = RunAgainFiles::beside(Path::new(journal));
            assert_eq!(files.csv, Path::new(csv));
            assert_eq!(files.markdown, Path::new(csv).with_extension("md"));
        }
    }
}
