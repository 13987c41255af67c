//! Whole commands for a person to run next: as a POSIX shell takes them, for a new shell too, and without a secret.

use std::ffi::OsString;
use std::fmt;

use crate::sources::private::PRIVATE;

use super::shown_address::shown_address;

/// The variables that set a flag of every command that reads builds, besides the database's address, which may hold a password.
pub(super) const READING_VARIABLES: [(&str, &str); 8] = [
    ("--profile", "HALFBUILT_PROFILE"),
    ("--schema", "HALFBUILT_SCHEMA"),
    ("--backup-time", "HALFBUILT_BACKUP_TIME"),
    ("--restored-at", "HALFBUILT_RESTORED_AT"),
    ("--max-run-time", "HALFBUILT_MAX_RUN_TIME"),
    ("--clock-tolerance", "HALFBUILT_CLOCK_TOLERANCE"),
    ("--max-queue-time", "HALFBUILT_MAX_QUEUE_TIME"),
    ("--statement-timeout", "HALFBUILT_STATEMENT_TIMEOUT"),
];

/// The variable for the database's address.
pub(super) const DATABASE_VARIABLE: &str = "HALFBUILT_DATABASE_URL";

/// A command of this program. `Display` quotes its words for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// None of them holds a secret.
    words: Vec<String>,
}

impl CommandLine {
    /// A command without arguments, of the program as it was called.
    pub(super) fn new(command: &str) -> Self {
        let program = std::env::args_os().next().map_or_else(|| "halfbuilt".to_owned(), lossy);
        Self { words: vec![program, command.to_owned()] }
    }

    /// The command of this process. What one of these variables sets is a flag in it, because a new shell may not have the variable.
    pub(super) fn of_this_process(variables: &[(&str, &str)]) -> Self {
        let line = Self::without_secrets(std::env::args_os()).with_private_database();
        variables.iter().fold(line, |line, (flag, variable)| {
            let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
            match value {
                Some(value) if !line.has(flag) => line.flag(flag, &value),
                _ => line,
            }
        })
    }

    /// Names the private database where only a variable does. Another address may hold a password.
    fn with_private_database(self) -> Self {
        let is_private = std::env::var(DATABASE_VARIABLE).is_ok_and(|value| value == PRIVATE);
        if is_private && !self.has("--database-url") { self.flag("--database-url", &PRIVATE) } else { self }
    }

    fn without_secrets(words: impl Iterator<Item = OsString>) -> Self {
        let mut shown: Vec<String> = Vec::new();
        let mut is_address = false;
        for word in words {
            let word = lossy(word);
            let value = word.strip_prefix("--database-url").and_then(|rest| rest.strip_prefix('='));
            is_address = match (is_address, value) {
                (true, _) => {
                    shown.push(shown_address(&word).to_owned());
                    false
                }
                (false, Some(value)) => {
                    shown.push(format!("--database-url={}", shown_address(value)));
                    false
                }
                (false, None) => {
                    let is_address = word == "--database-url";
                    shown.push(without_query(word));
                    is_address
                }
            };
        }
        Self { words: shown }
    }

    /// Whether it has this flag, with or without a value.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.words
            .iter()
            .any(|word| word.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
    }

    /// Adds a word that is no flag, such as the name of a report.
    pub(super) fn word(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }

    /// Adds a flag without a value, unless it is there.
    pub(super) fn switch(mut self, switch: &str) -> Self {
        if !self.has(switch) {
            let place = self.place_of_flags();
            self.words.insert(place, switch.to_owned());
        }
        self
    }

    /// Adds a flag with a value.
    pub(super) fn flag(mut self, flag: &str, value: &impl fmt::Display) -> Self {
        let place = self.place_of_flags();
        self.words.splice(place..place, [flag.to_owned(), value.to_string()]);
        self
    }

    /// Adds a flag where there is a value for it.
    pub(super) fn flag_if(self, flag: &str, value: Option<&impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.flag(flag, value),
            None => self,
        }
    }

    /// Puts another value in place of that of a flag, if the flag is there: a time such as `1h ago` means another one later.
    pub(super) fn replace(mut self, flag: &str, value: Option<&impl fmt::Display>) -> Self {
        let Some(value) = value else { return self };
        let mut is_value = false;
        for word in &mut self.words {
            if is_value {
                *word = value.to_string();
            } else if word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')) {
                *word = format!("{flag}={value}");
            }
            is_value = !is_value && word == flag;
        }
        self
    }

    /// Takes away a flag without a value.
    pub(super) fn without(mut self, switch: &str) -> Self {
        self.words.retain(|word| word != switch);
        self
    }

    /// Takes away a flag and its value.
    pub(super) fn without_value(mut self, flag: &str) -> Self {
        let end = self.place_of_flags();
        let joined = |word: &str| match word.strip_prefix(flag) {
            Some(rest) if flag.starts_with("--") => rest.starts_with('='),
            // `-ofile` is a short flag with its value.
            Some(rest) => !rest.is_empty() && !flag.starts_with("--"),
            None => false,
        };
        let (mut kept, mut is_value) = (Vec::new(), false);
        for (place, word) in self.words.into_iter().enumerate() {
            let is_flag = !is_value && place < end && word == flag;
            if !is_value && !is_flag && (place >= end || !joined(&word)) {
                kept.push(word);
            }
            is_value = is_flag;
        }
        self.words = kept;
        self
    }

    /// Behind `--` no word is a flag.
    fn place_of_flags(&self) -> usize {
        self.words.iter().position(|word| word == "--").unwrap_or(self.words.len())
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

fn lossy(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

/// As a POSIX shell takes it for one word.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// An address without its query, which may hold a token.
fn without_query(word: String) -> String {
    match ["http://", "https://"].iter().any(|begin| word.starts_with(begin)) {
        true => word.split(['?', '#']).next().unwrap_or_default().to_owned(),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> CommandLine {
        CommandLine::without_secrets(words.iter().map(OsString::from))
    }

    #[test]
    fn words_are_quoted_and_a_password_is_not_shown() {
        let shown =
            line(&["halfbuilt", "delete", "my report.csv", "--database-url", "postgres://me:hunter2@db/ci", "it's"]);
        assert_eq!(shown.to_string(), r"halfbuilt delete 'my report.csv' --database-url ... 'it'\''s'");
        let joined = line(&["--database-url=postgres://me:hunter2@db/ci"]);
        assert_eq!(joined.to_string(), "--database-url=...");
        let private = line(&["halfbuilt", "scan", "--database-url", "private", "--database-url=private"]);
        assert_eq!(private.to_string(), "halfbuilt scan --database-url private --database-url=private");
    }

    #[test]
    fn a_flag_goes_with_its_value() {
        for words in [
            &["halfbuilt", "delete", "-o", "plan.csv", "-v", "--", "-o"][..],
            &["halfbuilt", "delete", "-oplan.csv", "-v", "--", "-o"],
            &["halfbuilt", "delete", "--output", "-o", "-v", "--", "-o"],
            &["halfbuilt", "delete", "--output=plan.csv", "-v", "--", "-o"],
        ] {
            let rest = line(words).without_value("--output").without_value("-o");
            assert_eq!(rest.to_string(), "halfbuilt delete -v -- -o", "{words:?}");
        }
    }

    #[test]
    fn flags_are_added_where_they_are_flags() {
        let delete = line(&["halfbuilt", "delete", "--dry-run", "--max=3", "--", "-report.csv"]);
        assert!(delete.has("--max") && delete.has("--dry-run") && !delete.has("--ma"));
        let next = delete.without("--dry-run").switch("--execute").switch("--execute").flag("--confirm", &"ci");
        assert_eq!(next.to_string(), "halfbuilt delete --max=3 --execute --confirm ci -- -report.csv");
        let later =
            next.clone().replace("--confirm", Some(&"ci2")).replace("--max", Some(&4)).replace("--via", Some(&"x"));
        assert_eq!(later.to_string(), "halfbuilt delete --max=4 --execute --confirm ci2 -- -report.csv");
        let none: Option<&String> = None;
        assert_eq!(next.clone().flag_if("--via", none), next);
    }
}
