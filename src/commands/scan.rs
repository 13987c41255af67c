//! `halfbuilt scan`: the report of abnormal builds.

use std::io::IsTerminal;

use crate::cli::{FormatArg, ScanArgs};
use crate::exit::Exit;
use crate::output::{Format, OutputFile, Printer, is_stdout};
use crate::project_glob::ProjectGlobs;

use super::Error;
use super::files::Files;
use super::interrupt::Interrupt;
use super::read_request::ReadRequest;
use super::scanning::{Subject, survey};

/// Scans and reports.
pub(super) async fn run(args: ScanArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let format = format(&args);
    let request = ReadRequest::from_args(&args.reading)?;
    let files = Files::default().read_by(&request);
    let files = match format {
        Format::Csv => files.write_report(args.output.as_deref()),
        Format::Json | Format::Table => files.write("-o", args.output.as_deref()),
    };
    files.keep_apart()?;
    let projects = ProjectGlobs::new(&args.projects)?;
    let plan = request.plan(&args.rules)?;
    let output = OutputFile::whole(args.output.as_deref())?;
    let subject = Subject { request: &request, plan: &plan, projects: &projects, baseline: None };
    let summary = survey(subject, Some((format, output)), &mut (), interrupt, printer).await?;
    if format != Format::Table {
        printer.say_lines(&summary);
    }
    if let Some(file) = args.output.filter(|file| !is_stdout(file)) {
        printer.say(&format!("written to {}", file.display()));
    }
    let why = match (summary.scope.builds(), summary.by_rule.is_empty()) {
        (0, _) => "no build is in scope",
        (_, true) => "no rule could be run",
        _ => return Ok(Exit::Clean),
    };
    printer.warn(&format!("nothing was checked: {why}"));
    Ok(Exit::NothingInScope)
}

fn format(args: &ScanArgs) -> Format {
    match args.format {
        Some(FormatArg::Csv) => Format::Csv,
        Some(FormatArg::Json) => Format::Json,
        Some(FormatArg::Table) => Format::Table,
        None if args.output.is_none() && std::io::stdout().is_terminal() => Format::Table,
        None => Format::Csv,
    }
}
