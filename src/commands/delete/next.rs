//! Which command a person runs next, as a whole.

use std::path::Path;

use crate::commands::command_line::{CommandLine, READING_VARIABLES};
use crate::deletion::Planned;
use crate::output::Printer;

use super::request::{DeleteRequest, Source};

/// The variables that set a flag of `delete` alone.
const OWN_VARIABLES: [(&str, &str); 2] = [("--via", "HALFBUILT_VIA"), ("--policy", "HALFBUILT_POLICY")];
/// The flags of T and R.
const TIMES: [&str; 2] = ["--backup-time", "--restored-at"];
/// What stands for an admin path that is not known yet.
const VIA: &str = "URI";
/// What stands for a token that nobody has given yet.
const TOKEN_FILE: &str = "FILE";
/// Where the results go, where the plan has a file of its own.
const RESULTS: &str = "results.csv";
/// Where the audit page goes.
const PAGE: &str = "audit.html";

/// Says which command continues this run: the same one.
pub(super) fn say_continue(request: &DeleteRequest, printer: Printer) {
    printer.tell(&format!("to continue: {}", with_stdin(request, &same_command(request))));
}

/// Says which command writes the list of what to run again: the same one.
pub(super) fn say_list_again(request: &DeleteRequest, printer: Printer) {
    let line = with_stdin(request, &same_command(request));
    printer.hint(&format!("the same command writes it, and deletes nothing a second time: {line}"));
}

/// Says which command does what a dry run has shown.
pub(super) fn say_execute(request: &DeleteRequest, host: &str, needs_token: bool, printer: Printer) {
    let line = same_command(request).without("--dry-run");
    let has_token =
        line.has("--token-file") || std::env::var_os("HALFBUILT_TOKEN").is_some_and(|token| !token.is_empty());
    let line = if needs_token && !has_token { line.flag("--token-file", &TOKEN_FILE) } else { line };
    let line = if line.has("--via") { line } else { line.flag("--via", &VIA) };
    let line = if request.output.is_some() {
        line.without_value("-o").without_value("--output").flag("-o", &RESULTS)
    } else {
        line
    };
    let line = line.switch("--execute");
    let line = if line.has("--confirm") { line } else { line.flag("--confirm", &host) };
    printer.next(&with_stdin(request, &line));
}

/// Says which commands show that all is well after the last deletion: the verdict, and the audit page where there is a report. `source` is the
/// server of which the builds were collected, if they were.
pub(super) fn say_look(
    request: &DeleteRequest,
    plan: &[Planned],
    (journal, source): (&Path, Option<&str>),
    printer: Printer,
) {
    let line = request.reading.add_flags(CommandLine::new("verify"));
    let line = match source {
        // The token goes to the server that was named; of the private database it is known.
        Some(source) if !request.reading.is_private() => request.server.add_flags(line.flag("--source", &source)),
        Some(_) => request.server.add_flags(line),
        None => line,
    };
    printer.next(&line.to_string());
    // A plain list is no report.
    let is_report = plan.iter().any(|planned| planned.chosen.judged.is_some());
    if let Source::File(report) = &request.source
        && is_report
    {
        let line = CommandLine::new("report").word(&report.display().to_string());
        let line = line.flag("--journal", &journal.display()).flag("--html", &PAGE);
        printer.next(&line.to_string());
    }
}

/// Says which command looks again at builds that are not as the report says.
pub(super) fn say_scan_again(request: &DeleteRequest, printer: Printer) {
    let file = match &request.source {
        Source::File(report) => beside(report),
        Source::Stdin | Source::Addresses(_) => "report-again.csv".to_owned(),
    };
    let line = request.reading.add_flags(CommandLine::new("scan")).flag("-o", &file);
    printer.say(&format!("to look at them again: {line}"));
}

/// What to do where neither a flag nor a report says when the backup was taken: the same command with the two times.
pub(super) fn give_times(request: &DeleteRequest) -> String {
    let line = TIMES.into_iter().fold(same_command(request), with_placeholder);
    format!(
        "no backup time is known: {}; `halfbuilt help times` says how to find the two times",
        with_stdin(request, &line)
    )
}

/// The command that scans again with the two times, which a person fills in where they are not given.
pub(super) fn scan_with_times(request: &DeleteRequest) -> CommandLine {
    let file = request.report_file().map_or_else(|| "report.csv".to_owned(), |file| file.display().to_string());
    let line = request.reading.add_flags(CommandLine::new("scan"));
    let line = TIMES.into_iter().fold(line, with_placeholder);
    line.flag("-o", &file)
}

/// A time that a person fills in, unless it is given.
fn with_placeholder(line: CommandLine, flag: &str) -> CommandLine {
    if line.has(flag) { line } else { line.flag(flag, &"TIME") }
}

/// The name of a new report beside this one, which has a journal and is left as it is.
fn beside(report: &Path) -> String {
    let name = report.file_stem().unwrap_or_default().to_string_lossy();
    report.with_file_name(format!("{name}-again.csv")).display().to_string()
}

/// The command of this process, with the times as they were understood.
fn same_command(request: &DeleteRequest) -> CommandLine {
    let times = &request.reading.times;
    let mut variables = [&READING_VARIABLES[..], &OWN_VARIABLES].concat();
    variables.retain(|(flag, _)| !request.report_tells_times || !TIMES.contains(flag));
    CommandLine::of_this_process(&variables)
        .replace("--backup-time", times.backup.as_ref())
        .replace("--restored-at", times.restored.as_ref())
}

/// A list from standard input is not part of the command.
fn with_stdin(request: &DeleteRequest, line: &CommandLine) -> String {
    match request.source {
        Source::Stdin => format!("{line} (with the same list on standard input)"),
        Source::File(_) | Source::Addresses(_) => line.to_string(),
    }
}
