//! The command line: flags, their help, and how their values are read.

mod admin;
mod catalog;
mod checklist;
mod collect;
mod delete;
mod foot;
mod gates;
mod help;
mod journal;
mod manifest;
mod objects;
mod reading;
mod report;
mod sql;
mod terminal;
mod times;
mod topics;
mod values;
mod verdict;

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::output::{Color, Printer, Verbosity};
use crate::version::VERSION;

pub use catalog::{ProfilesArgs, RulesArgs};
pub use checklist::ChecklistArgs;
pub use collect::CollectArgs;
pub use delete::DeleteArgs;
pub use gates::{ChosenTiming, GateArgs, TimingArg};
pub use help::{
    CompletionsArgs, HelpArgs, ListedCommand, ManArgs, command_help, command_names, commands, completions, manual_page,
};
pub use journal::{JournalArgs, JournalCommand, JournalVerifyArgs};
pub use manifest::{BaselineArgs, ManifestArgs};
pub use objects::ObjectsArgs;
pub use reading::{AliveArgs, ReadingArgs};
pub use report::ReportArgs;
pub use sql::SqlArgs;
pub use terminal::{ColorArg, TerminalArgs};
pub use times::TimesArgs;
pub use topics::{TOPIC_GROUPS, Topic, TopicGroup};
pub use values::{Allowed, BackupTime};
pub use verdict::{FetchArgs, VerdictArgs};

const EXIT_CODES: &str = "\
Exit codes:
  0    clean, or all done
  1    verify found more than is allowed, or checklist has something to do
  2    usage error
  3    could not look or act: database, profile, admin path or a file failed; what could be read is reported all the same
  4    nothing was checked, or nothing to delete: no build in scope
  5    not all builds that were to be deleted are gone, or more are than were sent
  6    declined: a gate or a confirmation stopped it
  130  interrupted, everything done so far on record
  141  nobody reads standard output any more, as after head

`halfbuilt help` lists the topics. `halfbuilt help start` tells the worst hour from beginning to end.";

/// Finds the builds that a CI server restored from a snapshot left half finished, reports them, deletes the chosen
/// ones, and proves that they are gone
///
/// A CI server that is backed up while builds run comes back with builds that are stuck in Running for ever and have
/// lost the latter half of their output. Scan for them, look at the report, delete what you choose, verify.
/// Nothing is written to the build database; deletions go through the server's own admin path, and only with --execute.
#[derive(Debug, Parser)]
#[command(version = VERSION, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub terminal: TerminalArgs,
}

impl Cli {
    /// Parses the command line of this process.
    ///
    /// # Errors
    /// It cannot be understood, or it asks for help.
    pub fn from_command_line() -> Result<Self, clap::Error> {
        let color = terminal::color_of(std::env::args_os());
        let mut command = Self::command().color(terminal::clap_color(color));
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// What writes the error of a command line that cannot be parsed.
    pub fn printer_before_parsing() -> Printer {
        Printer::new(Verbosity::default(), Color::from(terminal::color_of(std::env::args_os())))
    }
}

/// What to do.
// Usages are written out: clap's own would name every flag that the environment sets.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find T and R, when the backup was taken and when the server came back: by files that you saved, and by the database
    ///
    /// Each time is shown with who says so, how exact it is and what may be wrong with it; then what contradicts it, and the flags to pass.
    /// Nothing is changed anywhere. Exits with 4 where nothing is known of T, and with 3 where a file or the database could not be read.
    #[command(override_usage = "halfbuilt times [OPTIONS] [FILE]...")]
    #[command(after_help = foot::topics("times"), after_long_help = foot::long("times"))]
    Times(Box<TimesArgs>),
    /// Look at the restored machine for what has to be right before builds are cleaned up: addresses, host name, mounts, left-over state
    ///
    /// It only reads, and needs no database. Each item comes out right, to do (with what to do), or not checked (why); one that the machine
    /// has no part in is not needed. Exits with 0 when all is right, with 1 when something is to do, with 3 when not everything could be looked
    /// at, and with 4 when nothing applied.
    #[command(override_usage = "halfbuilt checklist [OPTIONS] [FILE]...")]
    #[command(after_help = foot::topics("checklist"), after_long_help = foot::long("checklist"))]
    Checklist(Box<ChecklistArgs>),
    /// Collect the builds of a CircleCI Server through its API into PostgreSQL, where scan and the others read them
    ///
    /// A CircleCI Server keeps its builds where no SQL reaches them, and answers by its API. Nothing is changed there. What was collected
    /// stays, whatever interrupts it: the same command continues. It holds names, mail addresses and commands of people: --forget removes it.
    #[command(override_usage = "halfbuilt collect [OPTIONS] --into <DATABASE|private> <SOURCE>")]
    #[command(after_help = foot::topics("collect"), after_long_help = foot::long("collect"))]
    Collect(Box<CollectArgs>),
    /// Report the abnormal builds of a restored build database
    #[command(override_usage = "halfbuilt scan [OPTIONS]")]
    #[command(after_help = foot::topics("scan"), after_long_help = foot::long("scan"))]
    Scan(Box<ScanArgs>),
    /// Delete the builds of a report through the server's admin path (a dry run unless --execute is given)
    #[command(override_usage = "halfbuilt delete [OPTIONS] <REPORT|URL>...")]
    #[command(after_help = foot::topics("delete"), after_long_help = foot::long("delete"))]
    Delete(Box<DeleteArgs>),
    /// Judge a restore: scan, give the verdict in one sentence, and exit with 1 if more is abnormal than is allowed
    ///
    /// For restore drills in CI: --junit and --json write the verdict to files, also when the database could not be read. Where
    /// GITHUB_ACTIONS is true, the verdict also goes to annotations on standard error, and to the file that GITHUB_STEP_SUMMARY
    /// names.
    #[command(override_usage = "halfbuilt verify [OPTIONS]")]
    #[command(after_help = foot::topics("verify"), after_long_help = foot::long("verify"))]
    Verify(Box<VerifyArgs>),
    /// Write the audit page of a restore: what was found, what was deleted, and whether it adds up
    ///
    /// One HTML file for people, or Markdown for a ticket. It is made from the report, the file beside it and the journals: no database
    /// is asked, and nothing is fetched.
    #[command(after_help = foot::topics("report"), after_long_help = foot::long("report"))]
    Report(ReportArgs),
    /// Write down what the build database holds, at the time of a backup: what `verify --baseline` compares a restore with
    ///
    /// Run it on the live database or a standby. It only reads, in one snapshot.
    #[command(override_usage = "halfbuilt manifest [OPTIONS]")]
    #[command(mut_arg("backup_time", manifest::backup_time))]
    #[command(after_help = foot::topics("manifest"), after_long_help = foot::long("manifest"))]
    Manifest(Box<ManifestArgs>),
    /// Look at the journal of a deletion
    #[command(after_help = foot::topics("journal"), after_long_help = foot::long("journal"))]
    Journal(JournalArgs),
    /// List the rules that say which builds are abnormal, or print one of them
    ///
    /// A rule is one SQL query over the relations build, step, chunk and object, which a profile presents.
    #[command(after_help = foot::topics("rules"), after_long_help = foot::long("rules"))]
    Rules(RulesArgs),
    /// List the profiles that say how to read a build database, print one of them, or check your own
    ///
    /// A profile is one SQL file that presents the tables of some CI as the relations build, step, chunk and object.
    /// To read another database, start from one that ships: halfbuilt profiles circleci > mine.sql
    #[command(after_help = foot::topics("profiles"), after_long_help = foot::long("profiles"))]
    Profiles(ProfilesArgs),
    /// List the SQL files for an administrator (the role that reads, putting a build back), or print one of them
    #[command(after_help = foot::topics("sql"), after_long_help = foot::long("sql"))]
    Sql(SqlArgs),
    /// Print the script by which a shell completes commands and flags
    ///
    /// For bash: source <(halfbuilt completions bash), or keep the script in the folder that the shell reads completions from.
    #[command(after_help = foot::topics("completions"), after_long_help = foot::long("completions"))]
    Completions(CompletionsArgs),
    /// Print the manual page of the program, or of a command
    ///
    /// To read it: halfbuilt man | man -l -
    /// To keep it: halfbuilt man scan > /usr/local/share/man/man1/halfbuilt-scan.1
    #[command(after_help = foot::topics("man"), after_long_help = foot::long("man"))]
    Man(ManArgs),
    /// List the commands and topics, explain a topic, or show the help of a command
    ///
    /// Where a word is both a command and a topic, the help of the command comes first, then the topic. On a terminal a topic is
    /// rendered; elsewhere its Markdown is printed as it stands.
    #[command(after_help = foot::topics("help"), after_long_help = foot::long("help"))]
    Help(HelpArgs),
}

/// The flags of `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Where to write the report [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a report even if a journal stands beside it: without it there is no report any more of what was deleted
    #[arg(long, requires = "output")]
    pub overwrite: bool,
    /// The report's format [default: table on a terminal, csv elsewhere]
    #[arg(long)]
    pub format: Option<FormatArg>,
    /// Look only for what these rules find: one, or several with commas between
    #[arg(long = "rule", value_name = "RULE", value_delimiter = ',')]
    pub rules: Vec<String>,
    /// Look only at projects that fit these globs, such as 'acme/*': one, or several with commas between
    #[arg(long = "project", value_name = "GLOB", value_delimiter = ',')]
    pub projects: Vec<String>,
    #[command(flatten)]
    pub alive: AliveArgs,
    #[command(flatten)]
    pub objects: ObjectsArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// The flags of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Where to write the report of what was found; - is standard output [default: nowhere]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a report even if a journal stands beside it: without it there is no report any more of what was deleted
    #[arg(long, requires = "output")]
    pub overwrite: bool,
    /// Allow N builds that this rule finds; for several rules, RULE=N with commas between
    #[arg(long = "allow", value_name = "RULE=N", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Look only at projects that fit these globs, such as 'acme/*': one, or several with commas between
    #[arg(long = "project", value_name = "GLOB", value_delimiter = ',')]
    pub projects: Vec<String>,
    #[command(flatten)]
    pub alive: AliveArgs,
    #[command(flatten)]
    pub baseline: BaselineArgs,
    #[command(flatten)]
    pub verdict: VerdictArgs,
    #[command(flatten)]
    pub fetch: FetchArgs,
    #[command(flatten)]
    pub objects: ObjectsArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// The formats of a scan's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// The report file: what `delete` reads
    Csv,
    /// For programs
    Json,
    /// For people, with a summary
    Table,
}
