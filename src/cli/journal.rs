//! The flags of `journal`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::foot;

/// The flags of `journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: JournalCommand,
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Check that a journal is as it was written, and sum it up
    ///
    /// Each line carries the SHA-256 of the line before it, so a line that was changed, removed, repeated or moved is found and
    /// named. The file alone cannot show that its last line was changed, that whole lines were cut from its end, or that all of it
    /// was rewritten. For that, keep the digest of the last line, which is printed, and pass it with --digest later.
    ///
    /// Exits with 0 if the journal is whole, also if its last session has no end yet or its last line was cut (it says so); with 3 if
    /// the journal is damaged, is no journal or cannot be read; with 4 if it is empty.
    #[command(after_help = foot::topics("journal verify"), after_long_help = foot::long("journal verify"))]
    Verify(JournalVerifyArgs),
}

/// The flags of `journal verify`.
#[derive(Debug, Args)]
pub struct JournalVerifyArgs {
    /// The journal
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The digest of the last line, as it was printed earlier: a journal without this line is not the same any more
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    pub digest: Option<String>,
}

fn digest(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some(text).ok_or_else(|| "expected the 64 hexadecimal digits of a SHA-256".to_owned())
}
