//! The flags of `report`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// The flags of `report`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("page").required(true).multiple(true).args(["html", "markdown"]))]
pub struct ReportArgs {
    /// The report that `halfbuilt scan -o` or `verify -o` wrote
    ///
    /// The file beside it, REPORT.about.json, is read too: it says when and what was scanned. Without it the page says that this is
    /// not known.
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,
    /// Another journal of a deletion of these builds; may be repeated
    ///
    /// REPORT.journal.jsonl, where `delete` keeps the journal of its deletions, is read by itself if it is there. A journal that was
    /// changed after it was written is an error, and so is an empty one. A journal of another database does not count, nor does what
    /// happened before the scan. An archive that a journal names is read too, where it stands beside the journal or where the run
    /// wrote it.
    #[arg(long = "journal", value_name = "FILE")]
    pub journals: Vec<PathBuf>,
    /// Leave out the journal that stands beside the report, REPORT.journal.jsonl
    #[arg(long)]
    pub no_journal: bool,
    /// The restore checklist that `halfbuilt checklist --json` wrote: the page gets a section of it
    #[arg(long, value_name = "FILE")]
    pub checklist: Option<PathBuf>,
    /// Where to write the audit page, one HTML file that needs no network and no script; - is standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where to write a short form of it, as Markdown for a ticket; - is standard output
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}
