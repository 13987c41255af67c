//! `halfbuilt report`: the audit page, made of files alone.

mod archives;
mod journals;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::audit::{Audit, NamedJournal};
use crate::checklist::Checklist;
use crate::cli::ReportArgs;
use crate::drill::Difference;
use crate::exit::Exit;
use crate::file_access::{self, is_dash};
use crate::output::{AuditInputs, ChecklistInput, Input, OutputError, OutputFile, Printer, html, markdown};
use crate::report::{Digesting, ReportError, Rows, ScanMetadata};
use crate::scan::Rule;
use crate::text::builds;

use super::Error;
use super::files::Files;
use journals::{GivenJournals, named_beside, read_journals, unread_journals};

/// Writes a page of one kind.
type WritePage = fn(&AuditInputs, &mut OutputFile) -> std::io::Result<()>;

/// What to read, and which pages to write.
struct ReportRequest {
    report: PathBuf,
    /// The file beside the report.
    metadata: PathBuf,
    journals: GivenJournals,
    checklist: Option<PathBuf>,
    pages: Vec<(PathBuf, WritePage)>,
}

impl ReportRequest {
    fn from_args(args: ReportArgs) -> Result<Self, Error> {
        let ReportArgs { report, journals, no_journal, checklist, html, markdown } = args;
        let journals = GivenJournals::new(&report, journals, no_journal);
        let metadata = ScanMetadata::place(&report);
        let files = Files::default().read("the report", Some(&report)).read("the file beside it", Some(&metadata));
        let files = files.read("the journal beside the report", journals.beside.as_deref());
        let files = journals.named.iter().fold(files, |files, journal| files.read("--journal", Some(journal)));
        let files = files.read("--checklist", checklist.as_deref());
        files.write("--html", html.as_deref()).write("--markdown", markdown.as_deref()).keep_apart()?;
        let pages = [(html, html::write as WritePage), (markdown, markdown::write as WritePage)];
        let pages = pages.into_iter().filter_map(|(file, write)| Some((file?, write))).collect();
        Ok(Self { report, metadata, journals, checklist, pages })
    }
}

/// Reads all inputs and writes the pages that are asked for.
pub(super) fn run(args: ReportArgs, printer: Printer) -> Result<Exit, Error> {
    let ReportRequest { report, metadata, journals, checklist, pages } = ReportRequest::from_args(args)?;
    let outputs = pages.iter().map(|(file, write)| Ok((OutputFile::whole(Some(file))?, *write)));
    let outputs = outputs.collect::<Result<Vec<_>, Error>>()?;
    let checklist = checklist.map(read_checklist).transpose()?;
    let inputs = AuditInputs { checklist, ..read_inputs(report, metadata, journals, printer)? };
    for (mut output, write) in outputs {
        let name = output.name();
        write(&inputs, &mut output).map_err(|source| OutputError::new(name, source))?;
        output.finish()?;
    }
    if let Some(ended) = inputs.audit.reconciliation.as_ref().filter(|ended| !ended.adds_up()) {
        printer.warn(&format!("{} found, and what became of them does not add up: the page says why", ended.found));
    }
    printer.say(&inputs.audit.conclusion().sentence);
    let left = inputs.audit.left();
    if left > 0 {
        printer.say(&format!("left for a person: {}; the page says which, and what to do", builds(left)));
    }
    for (file, _) in pages.iter().filter(|(file, _)| !is_dash(file)) {
        printer.say(&format!("written to {}", file.display()));
    }
    Ok(Exit::Clean)
}

/// Reads the report, its metadata and the journals, and adds them up.
fn read_inputs(
    report: PathBuf,
    metadata: PathBuf,
    journals: GivenJournals,
    printer: Printer,
) -> Result<AuditInputs, Error> {
    let input = |file: &Path, sha256| Input { name: file.display().to_string(), sha256 };
    let about = ScanMetadata::read_with_digest(&metadata)
        .map_err(|source| Error::Metadata { file: metadata.clone(), source })?;
    let (about, metadata_input) =
        about.map(|(about, sha256)| (about, input(&named_beside(&report, &metadata), sha256))).unzip();
    let left_out = journals.left_out.as_deref().map(|file| named_beside(&report, file).display().to_string());
    let journals = read_journals(&report, journals, printer)?;
    let unread = unread_journals(&report, &journals, left_out.as_deref());
    let named: Vec<NamedJournal<'_>> =
        journals.iter().map(|journal| NamedJournal { name: &journal.file.name, past: &journal.past }).collect();
    let mut audit = Audit::new(about, &named, html::MOST_ROWS);
    if let Some(name) = &left_out {
        audit.leave_out_journal(name);
    }
    audit.note_unread_journals(&unread);
    let sha256 = add_rows(&report, &mut audit).map_err(|source| Error::ReportRows { file: report.clone(), source })?;
    audit.finish(&sha256);
    for archive in journals.iter().flat_map(|journal| &journal.archives) {
        audit.add_archive(&archive.name, &archive.state);
    }
    let rules = Rule::load_all(None)?.into_iter().map(|rule| (rule.name, rule.title));
    let differences = Difference::ALL.map(|difference| (difference.as_str().to_owned(), difference.title().to_owned()));
    Ok(AuditInputs {
        audit,
        report: input(&report, sha256),
        metadata: metadata_input,
        journals,
        checklist: None,
        rule_titles: rules.chain(differences).collect(),
        made_at: Timestamp::now(),
    })
}

fn read_checklist(file: PathBuf) -> Result<ChecklistInput, Error> {
    match Checklist::read(&file) {
        Ok((checklist, sha256)) => {
            Ok(ChecklistInput { file: Input { name: file.display().to_string(), sha256 }, checklist })
        }
        Err(source) => Err(Error::SavedChecklist { file, source }),
    }
}

/// Adds every row of a report; gives the SHA-256 of its bytes.
fn add_rows(report: &Path, audit: &mut Audit) -> Result<String, ReportError> {
    let mut rows = Rows::new(Digesting::new(file_access::Input::open(report)?))?;
    for row in rows.by_ref() {
        audit.add(row?);
    }
    Ok(rows.into_inner().finish().1)
}
