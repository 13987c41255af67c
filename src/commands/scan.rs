//! `halfbuilt scan`: the report of abnormal builds.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::cli::{FormatArg, ScanArgs};
use crate::exit::Exit;
use crate::file_access::is_dash;
use crate::not_checked::NotChecked;
use crate::output::{self, Format, OutputFile, Printer, Summary, Verbosity};
use crate::project_glob::ProjectGlobs;

use super::files::{Files, keep_report_of_deletion};
use super::interrupt::Interrupt;
use super::objects::ObjectsRequest;
use super::read_request::ReadRequest;
use super::scanning::{Reported, ScanRequest, scan_and_report};
use super::{Error, next_step};

/// Scans and reports.
pub(super) async fn run(args: ScanArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let format = format(&args);
    let written_to: Option<PathBuf> = args.output.clone().filter(|file| !is_dash(file));
    let request = request(args, format, printer)?;
    let read = request.read.clone();
    let Reported { summary, screen, suggestions } = scan_and_report(request, &mut (), interrupt, printer).await?;
    if let Some(screen) = screen {
        output::show(&screen)?;
    }
    suggestions.iter().for_each(|suggestion| suggestion.hint(printer));
    if format != Format::Table {
        match printer.verbosity() {
            Verbosity::Quiet => printer.tell_lines(&summary.in_brief()),
            Verbosity::Normal | Verbosity::Verbose => printer.say_lines(&summary),
        }
    }
    if let Some(file) = &written_to {
        printer.say(&format!("written to {}", file.display()));
    }
    let exit = exit(&summary, printer);
    // A report that lacks what could not be read is looked at first.
    if exit == Exit::Clean {
        let report = written_to.as_deref().filter(|_| format == Format::Csv);
        next_step::after_scan(&read, report, &summary, printer);
    }
    Ok(exit)
}

/// How the command ends.
fn exit(summary: &Summary, printer: Printer) -> Exit {
    if summary.not_checked.iter().any(NotChecked::has_failed) {
        return Exit::Failed;
    }
    let why = match (summary.scope.builds(), summary.by_rule.is_empty()) {
        (0, _) => "no build is in scope",
        (_, true) => "no rule could be run",
        _ => return Exit::Clean,
    };
    printer.warn(&format!("nothing was checked: {why}"));
    Exit::NothingInScope
}

/// Turns the flags into a request, and opens the output.
fn request(args: ScanArgs, format: Format, printer: Printer) -> Result<ScanRequest, Error> {
    let read = ReadRequest::from_args(&args.reading, "scan", printer)?.with_alive(&args.alive)?;
    let files = Files::default().read_by(&read);
    let files = match format {
        Format::Csv => files.write_report(args.output.as_deref()),
        Format::Json | Format::Table => files.write("-o", args.output.as_deref()),
    };
    let objects = ObjectsRequest::from_args(args.objects)?;
    let listings = objects.iter().flat_map(ObjectsRequest::files);
    let files = listings.fold(files, |files, file| files.read("--objects", Some(file)));
    files.keep_apart()?;
    keep_report_of_deletion(args.output.as_deref(), args.overwrite)?;
    let projects = ProjectGlobs::new(&args.projects)?;
    let plan = read.plan(&args.rules)?;
    let output = Some((format, OutputFile::whole(args.output.as_deref())?));
    Ok(ScanRequest { read, plan, projects, baseline: None, objects, output, database: None, not_checked: Vec::new() })
}

/// A person at a terminal gets a table, a program the report.
fn format(args: &ScanArgs) -> Format {
    match args.format {
        Some(FormatArg::Csv) => Format::Csv,
        Some(FormatArg::Json) => Format::Json,
        Some(FormatArg::Table) => Format::Table,
        None if args.output.is_none() && std::io::stdout().is_terminal() => Format::Table,
        None => Format::Csv,
    }
}
