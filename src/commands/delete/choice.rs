//! Which rows of the report are chosen, and where their results go.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::Metadata;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::commands::Error;
use crate::commands::files::Files;
use crate::deletion::journal::ReportFile;
use crate::deletion::{Choice, Permit};
use crate::file_access::{Input, is_dash, open_plain};
use crate::obstacle::gist;
use crate::output::{OutputFile, Printer};
use crate::report::{self, Digesting, ScanMetadata};
use crate::text::similar::did_you_mean;
use crate::text::{Foreign, counted};

use super::history::History;
use super::next;
use super::origin::Origin;
use super::request::{DeleteRequest, Source};
use super::run_again::RunAgainFiles;

/// How many of the reasons why builds are not deletable are listed.
const REASONS_LISTED: usize = 5;
/// How many projects of a report are listed where a flag names none of them.
const PROJECTS_LISTED: usize = 6;

/// The rows that are chosen, and where they come from.
pub(super) struct Chosen {
    pub(super) rows: Vec<report::Chosen>,
    pub(super) origin: Origin,
    pub(super) report: ReportFile,
}

/// Reads the report and keeps the rows that the request chooses. An empty choice is an error, never "all".
pub(super) fn choose(request: &DeleteRequest, printer: Printer) -> Result<Chosen, Error> {
    let (rows, origin, sha256) = read_report(request)?;
    let name = match &request.source {
        Source::File(file) => file.display().to_string(),
        Source::Stdin => "the report".to_owned(),
        Source::Addresses(_) => "the command line".to_owned(),
    };
    if rows.is_empty() {
        return Err(Error::NothingToDelete(format!("{name} holds no build")));
    }
    check_lists(request, &rows)?;
    warn_of_unknown_names(request, &rows, &name, printer);
    let all = rows.len();
    let Permit { allowed_timings: allowed, only_timings: timings, .. } = &request.permit;
    let choice = Choice { reasons: &request.reasons, timings, allowed, projects: &request.projects };
    let (rows, not_deletable) = choice.sort(rows);
    say_what_is_not_deletable(&not_deletable, printer);
    if rows.is_empty() {
        let why = match not_deletable.len() {
            0 => format!("none of the {} of {name} is chosen", counted(all as u64, "row")),
            1 => format!("the row of {name} that is chosen may not be deleted"),
            rows => format!("none of the {rows} rows of {name} that are chosen may be deleted"),
        };
        return Err(match origin.was_without_backup_time() && !not_deletable.is_empty() {
            true => Error::NothingToDeleteYet { why, hint: scan_with_a_backup_time(request) },
            false => Error::NothingToDelete(why),
        });
    }
    Ok(Chosen { rows, origin, report: ReportFile { file: request.report_name(), sha256 } })
}

/// What to do with a report that was scanned without T.
fn scan_with_a_backup_time(request: &DeleteRequest) -> String {
    format!(
        "the report was scanned without --backup-time, so no timing is known: {}; `halfbuilt help times` says how to find the two times",
        next::scan_with_times(request)
    )
}

/// Refuses a list of globs that is the name of a project as well: its parts are other projects.
fn check_lists(request: &DeleteRequest, rows: &[report::Chosen]) -> Result<(), Error> {
    for (list, globs) in &request.project_lists {
        if rows.iter().any(|row| row.project.is_some() && globs.matches(row.project.as_deref())) {
            return Err(Error::Misuse {
                what: format!("--project {} is the name of a project, and a list of several too", Foreign::name(list)),
                hint: format!(
                    "write a comma that belongs to a name in brackets: {}",
                    Foreign::name(&list.replace(',', "[,]"))
                ),
            });
        }
    }
    Ok(())
}

/// Warns of flags that choose nothing, and says what may be meant.
fn warn_of_unknown_names(request: &DeleteRequest, rows: &[report::Chosen], name: &str, printer: Printer) {
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| row.project.as_deref()).collect();
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    for (glob, meant) in request.projects.unmatched(&names) {
        let meant = meant.map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
        let listed: Vec<String> = names.iter().take(PROJECTS_LISTED).map(|name| Foreign::name(name).into()).collect();
        let more = names.len().saturating_sub(PROJECTS_LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        printer.warn(&format!(
            "--project {}: no row of {name} is of such a project; {meant}it has {}{more}",
            Foreign::name(glob),
            listed.join(", ")
        ));
    }
    let reasons: BTreeSet<&str> = rows.iter().flat_map(|row| row.reasons.iter().map(String::as_str)).collect();
    for reason in request.reasons.iter().filter(|reason| !reasons.contains(reason.as_str())) {
        let meant = did_you_mean(reason, reasons.iter().copied());
        printer.warn(&format!("--reason {}: no row of {name} has it; {meant}", Foreign::name(reason)));
    }
    // In a plain list no timing is on record.
    let timings: BTreeSet<&str> = rows.iter().filter_map(|row| Some(row.judged.as_ref()?.timing.as_str())).collect();
    let absent = request.permit.only_timings.iter().filter(|timing| !timings.contains(timing.as_str()));
    for timing in absent.filter(|_| !timings.is_empty()) {
        let there: Vec<&str> = timings.iter().copied().collect();
        printer.warn(&format!("--timing {timing}: no row of {name} has it; it has {}", there.join(", ")));
    }
}

/// The rows of the report, where they come from, and the SHA-256 of the report.
fn read_report(request: &DeleteRequest) -> Result<(Vec<report::Chosen>, Origin, String), Error> {
    let base_url = request.reading.base_url.as_deref();
    let no_report = |source| Error::Report { file: request.report_name().into(), source };
    let file = match &request.source {
        Source::File(file) => file,
        Source::Stdin => {
            let mut digesting = Digesting::new(Input::stdin().map_err(|source| no_report(source.into()))?);
            let rows = report::read(&mut digesting, request.profile.addresses, base_url).map_err(no_report)?;
            let origin = Origin::from_stdin(&rows)?;
            return Ok((rows, origin, digesting.finish().1));
        }
        Source::Addresses(addresses) => {
            // As the same list from standard input.
            let list = format!("{}\n", addresses.join("\n"));
            let mut digesting = Digesting::new(list.as_bytes());
            let rows = report::read(&mut digesting, request.profile.addresses, base_url).map_err(no_report)?;
            return Ok((rows, Origin::default(), digesting.finish().1));
        }
    };
    let opened = Input::open(file).map_err(|source| Error::Read { file: file.to_owned(), source })?;
    let mut digesting = Digesting::new(opened);
    let rows = report::read(&mut digesting, request.profile.addresses, base_url).map_err(no_report)?;
    let (opened, sha256) = digesting.finish();
    let last_written = opened.file().metadata().ok().filter(Metadata::is_file).and_then(|found| found.modified().ok());
    let origin = Origin::from_file(file, &rows, &sha256, last_written)?;
    Ok((rows, origin, sha256))
}

/// Says how many rows the report calls not deletable, and why, the most frequent reasons first.
fn say_what_is_not_deletable(rows: &[report::Chosen], printer: Printer) {
    if rows.is_empty() {
        return;
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for judged in rows.iter().filter_map(|row| row.judged.as_ref()) {
        let why = if judged.note.is_empty() { judged.timing.as_str().to_owned() } else { gist(&judged.note) };
        *reasons.entry(why).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    let builds = counted(rows.len() as u64, "build");
    printer.say(&format!("left to a person: {builds} that the report calls not deletable"));
    for (why, builds) in reasons.iter().take(REASONS_LISTED) {
        printer.say(&format!("  {builds}: {}", Foreign::evidence(why)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_LISTED + 1) {
        printer.say(&format!("  and {} more reasons, in the report", more + 1));
    }
}

/// The file of the results; `None` is standard output. On a terminal they would scroll past: the results of real deletions then get
/// a file of their own.
pub(super) fn results_file(request: &DeleteRequest) -> Option<PathBuf> {
    if let Some(file) = &request.output {
        return Some(file.clone()).filter(|path| !is_dash(path));
    }
    let at = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    (request.execute && stdout().is_terminal()).then(|| PathBuf::from(format!("halfbuilt-results-{at}.csv")))
}

/// Checks that no file that is read is written over, and that no two outputs are one file.
pub(super) fn keep_apart(
    request: &DeleteRequest,
    results: Option<&Path>,
    journal: &Path,
    run_again: Option<&RunAgainFiles>,
) -> Result<(), Error> {
    for (flag, file) in [("--archive", &request.archive), ("--journal", &request.journal)] {
        if file.as_deref().is_some_and(is_dash) {
            return Err(Error::Usage(format!("{flag} must name a file, not -: it is kept even if the run fails")));
        }
    }
    let report = request.report_file();
    Files::default()
        .read("the report", report)
        .read("the file beside the report", report.map(ScanMetadata::place).as_deref())
        .read("--policy", request.policy.as_deref())
        .read("--token-file", request.server.token_file.as_deref())
        .read("--ca-file", request.server.ca_file.as_deref())
        .read_by(&request.reading)
        .write("-o", results)
        .write("--archive", request.archive.as_deref())
        .write("--journal", Some(journal))
        .write("the list of what to run again", run_again.map(|files| files.csv.as_path()))
        .write("the page of what to run again", run_again.map(|files| files.markdown.as_path()))
        .keep_apart()
}

/// Opens the results. Results are never overwritten, and neither is anything else that is known of a deletion.
///
/// The exceptions are a plan, and the results of the very run that is continued: its journal holds all of them, and they are written
/// again.
pub(super) fn open_results(
    request: &DeleteRequest,
    file: Option<&Path>,
    history: &History,
    rows: &[report::Chosen],
) -> Result<OutputFile, Error> {
    let Some(path) = file else { return Ok(OutputFile::whole(None)?) };
    if path.exists() && path.is_file() {
        open_plain(path).map_err(|source| Error::Read { file: path.to_owned(), source })?;
        let is_results = || open_plain(path).is_ok_and(report::begins_results);
        if request.execute && history.wrote(path) && is_results() {
            let chosen: HashSet<String> = rows.iter().map(|row| Foreign::new(&row.url_text).into()).collect();
            let before = open_plain(path).map(report::addresses).unwrap_or_default();
            if let Some(lost) = before.iter().find(|url| !chosen.contains(*url)) {
                let (name, lost) = (path.display(), Foreign::url(lost));
                let why =
                    format!("-o {name} has rows of builds that are not chosen now, such as {lost}: name another file");
                return Err(Error::Usage(why));
            }
            return Ok(OutputFile::overwrite_record(path)?);
        }
        // A plan has done nothing: the next one, or the run itself, takes its place.
        if open_plain(path).is_ok_and(report::is_a_plan) {
            return Ok(OutputFile::overwrite_record(path)?);
        }
        // An empty file is what a run leaves that was killed before it began: nothing would be lost.
        let holds_something = std::fs::metadata(path).map_or(true, |found| found.len() > 0);
        if holds_something {
            let name = path.display();
            let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
            let other = path.with_extension(format!("2{ending}"));
            return Err(Error::Misuse {
                what: format!("-o {name} exists already, and results are never overwritten"),
                hint: format!("name another file, such as -o {}, or move this one away", other.display()),
            });
        }
    }
    Ok(OutputFile::new_record(path)?)
}
