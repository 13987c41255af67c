//! Which rows are meant, and where their results go.

use std::fs::File;
use std::io::{IsTerminal, Read, stdin, stdout};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::DeleteArgs;
use crate::commands::{Error, reading};
use crate::deletion::journal::ReportFile;
use crate::deletion;
use crate::output::{OutputFile, Printer};
use crate::project_glob::ProjectGlobs;
use crate::report::{self, Chosen, Digesting};

/// Reads the report and keeps the rows that are meant. An empty choice is an error, never "all".
pub(super) fn choose(
    args: &DeleteArgs,
    projects: &ProjectGlobs,
    printer: Printer,
) -> Result<(Vec<Chosen>, ReportFile), Error> {
    let file = &args.report;
    let base_url = reading::base_url(&args.reading)?;
    let from: Box<dyn Read> = if is_dash(file) {
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|source| Error::Read { file: file.clone(), source })?)
    };
    let mut from = Digesting::new(from);
    let rows = report::read(&mut from, base_url.as_deref());
    let read = ReportFile { file: file.display().to_string(), sha256: from.finish() };
    let rows = rows.map_err(|source| Error::Report { file: file.clone(), source })?;
    let name = file.display();
    if rows.is_empty() {
        return Err(Error::NothingToDelete(format!("{name} holds no build")));
    }
    let names: Vec<String> = rows.iter().filter_map(|row| row.project.clone()).collect();
    for glob in projects.unmatched(&names) {
        printer.warn(&format!("--project {glob}: no row of {name} is of such a project"));
    }
    for reason in args.reasons.iter().filter(|reason| !rows.iter().any(|row| row.reasons.contains(reason))) {
        printer.warn(&format!("--reason {reason}: no row of {name} has it"));
    }
    let all = rows.len();
    let chosen = deletion::choose(rows, &args.reasons, projects);
    if chosen.is_empty() {
        return Err(Error::NothingToDelete(format!("none of the {all} rows of {name} is chosen")));
    }
    Ok((chosen, read))
}

pub(super) fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// Where the rows go. On a terminal they would fly past: the results of real deletions then get a file of their own.
pub(super) fn output_file(args: &DeleteArgs) -> Option<PathBuf> {
    let given = args.output.clone().filter(|path| !is_dash(path));
    given.or_else(|| {
        let at = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        (args.execute && stdout().is_terminal()).then(|| PathBuf::from(format!("halfbuilt-results-{at}.csv")))
    })
}

/// What is known of a deletion is never written over, by no plan either.
///
/// But for the results of the very run that goes on (`goes_on`): its journal holds all of them, and they are told anew.
pub(super) fn open_output(args: &DeleteArgs, file: Option<&Path>, goes_on: bool) -> Result<OutputFile, Error> {
    let Some(path) = file else { return Ok(OutputFile::whole(None)?) };
    let place = |path: &Path| path.canonicalize().ok();
    if !is_dash(&args.report) && place(path).is_some_and(|output| Some(output) == place(&args.report)) {
        return Err(Error::Usage(format!("-o {} is the report itself", path.display())));
    }
    if path.exists() && path.is_file() {
        let is_results = || File::open(path).is_ok_and(|file| report::begins_results(file));
        if goes_on && args.execute && is_results() {
            return Ok(OutputFile::record_anew(path)?);
        }
        let name = path.display();
        return Err(Error::Usage(format!("-o {name} is there already, and results are never written over")));
    }
    Ok(OutputFile::new_record(path)?)
}
