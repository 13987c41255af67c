//! The command that continues where a run ended: the same command.

use std::ffi::OsString;

/// The command line of this process, quoted for a shell, and without a secret.
pub(super) fn same_command(reads_stdin: bool) -> String {
    let command = without_secrets(std::env::args_os());
    match reads_stdin {
        true => format!("{command} (with the same list on standard input)"),
        false => command,
    }
}

fn without_secrets(words: impl Iterator<Item = OsString>) -> String {
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
        let shown = without_secrets(words.into_iter().map(OsString::from));
        assert_eq!(shown, r"halfbuilt delete 'my report.csv' --database-url ... 'it'\''s'");
        let joined = without_secrets(["--database-url=postgres://me:hunter2@db/ci"].into_iter().map(OsString::from));
        assert_eq!(joined, "--database-url=...");
    }
}
