//! The command that goes on where a run ended: the same once more.

use std::ffi::OsString;

use crate::cli::DeleteArgs;

use super::choice::is_dash;

/// The command, quoted for a shell, and without a secret.
pub(super) fn the_command(args: &DeleteArgs) -> String {
    let command = shown(std::env::args_os());
    match is_dash(&args.report) {
        true => format!("{command} (with the same list on standard input)"),
        false => command,
    }
}

fn shown(words: impl Iterator<Item = OsString>) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut is_secret = false;
    for word in words {
        let word = word.to_string_lossy();
        let of_database = |word: &str| word.strip_prefix("--database-url").is_some_and(|rest| rest.starts_with('='));
        shown.push(match is_secret {
            // It may hold a password.
            true => "...".to_owned(),
            false if of_database(&word) => "--database-url=...".to_owned(),
            false => quoted(&word),
        });
        is_secret = word == "--database-url";
    }
    shown.join(" ")
}

/// As a POSIX shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_a_password_is_not_shown() {
        let words = ["halfbuilt", "delete", "my report.csv", "--database-url", "postgres://me:hunter2@db/ci", "it's"];
        let shown = shown(words.into_iter().map(OsString::from));
        assert_eq!(shown, r"halfbuilt delete 'my report.csv' --database-url ... 'it'\''s'");
        let joined = super::shown(["--database-url=postgres://me:hunter2@db/ci"].into_iter().map(OsString::from));
        assert_eq!(joined, "--database-url=...");
    }
}
