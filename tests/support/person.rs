//! A person at a shell: what they type, and what they see of it.

use std::fmt::Write;
use std::path::PathBuf;

use regex::Regex;
use tempfile::TempDir;

use super::{Done, Run, TestDatabase, halfbuilt};

/// The names of this machine and of this run, and what stands for them.
const NAMES: [(&str, &str); 8] = [
    (r"\btest_\d{4}(\b|_)", "ci$1"),
    (r"\btest-\d{4}\.example\b", "ci.acme.example"),
    (r"nrepl://127\.0\.0\.1:\d{2,}", "nrepl://127.0.0.1:6005"),
    (r"by( +)\S+ on \S+, process \d+", "by${1}sre on bastion, process 30185"),
    (r#"[^\s"'(]*/\.tmp[0-9A-Za-z]{6}/"#, "<folder>/"),
    // The program is named by the path at which it was built.
    (r"/\S+/halfbuilt ", "halfbuilt "),
    // A line now and then, where the machine is slow.
    (r"(?m)^[^\n]*: \d+, \d+ s\n", ""),
    (r"(?m)^[^\n]*: \d+/\d+, \d+\.\d/s, (\?|\d+) s left\n", ""),
];
/// What differs from run to run.
const VALUES: [(&str, &str); 16] = [
    // How many have been sent by the moment of a signal.
    (r"\b\d+ deletions? that (is|are) not proved yet", "<some> deletions that are not proved yet"),
    // What the fixtures hold is of 2026-11-20 at the latest.
    (r"\b(2026-(11-(2[1-9]|30)|12-\d\d)|20(2[7-9]|[3-9]\d)-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?Z", "<now>"),
    (r"ends (\d+[hms] )*\d+[hms] later, at <now>", "ends <a while> later, at <now>"),
    // Whether the server has a record of a recovery hangs on how long it took to start.
    (r"when it ended[^:\n]*: --backup-time", "when it ended: --backup-time"),
    (r"at transaction \d+", "at transaction <some>"),
    (r"halfbuilt \d+\.\d+\.\d+( \([0-9a-f]{7,} [\d-]+(, changed since)?\))?", "halfbuilt <version>"),
    (r"system (identifier )?\d{10,}", "system ${1}<identifier>"),
    (r"\b(https?)://(127\.0\.0\.1|localhost):\d{2,}", "$1://$2:8080"),
    (r"\b(at|on) 127\.0\.0\.1:\d{2,}", "$1 127.0.0.1:8080"),
    (r"fetched \d{4}-\d\d-\d\d \d\d:\d\dZ( to (\d{4}-\d\d-\d\d )?\d\d:\d\dZ)?", "fetched <now>"),
    // How long a program waits before it asks again is left to chance, within limits; what OpenSSL says, to its version.
    (r"waiting \d+ s: ", "waiting <a while>: "),
    (r"error:[0-9A-F]{8}:SSL routines:[^\n]*", "<by OpenSSL>"),
    (r"read as [0-9a-f]{24}\b", "read as <digest of the SQL>"),
    (r"\b[0-9a-f]{64}\b", "<SHA-256>"),
    (r"\b[0-9a-f]{32,40}\b", "<fingerprint>"),
    // As long as the run took since the test set it.
    (r"(\d+h) \d+s ago", "$1 ago"),
];

fn filtered(text: &str, filters: &[(&str, &str)]) -> String {
    filters.iter().fold(text.replace('\r', ""), |text, (pattern, by)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *by).into_owned()
    })
}

/// A text without the names of this machine and of this run.
pub fn without_names(text: &str) -> String {
    filtered(text, &NAMES)
}

/// A text as it is on every machine and at any time.
pub fn stable(text: &str) -> String {
    filtered(&without_names(text), &VALUES)
}

/// A person with a folder of their own and a database.
pub struct Person {
    pub folder: TempDir,
    pub database: TestDatabase,
}

impl Person {
    pub fn with(database: TestDatabase) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), database }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The run of a command that is typed.
    pub fn run(&self, line: &str) -> Run {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "halfbuilt");
        halfbuilt(&words[1..]).on(&self.database).at(self.folder.path())
    }

    pub fn types(&self, line: &str) -> Seen {
        Seen::of(line, &self.run(line).run())
    }
}

/// What is seen of some commands, one after the other.
#[derive(Default)]
pub struct Seen(pub String);

impl Seen {
    /// One run, under a line that says what was typed or tried.
    pub fn of(line: &str, done: &Done) -> Self {
        let sign = if line.starts_with("halfbuilt") { '$' } else { '#' };
        let mut text = format!("{sign} {line}\n");
        for (name, stream) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            if !stream.is_empty() {
                let _ = write!(text, "--- {name}\n{stream}");
            }
        }
        let _ = writeln!(text, "--- exit code {}", done.code.expect("it ended by itself"));
        Self(stable(&text))
    }

    pub fn then(self, later: Self) -> Self {
        let between = if self.0.is_empty() { "" } else { "\n" };
        Self(format!("{}{between}{}", self.0, later.0))
    }

    /// One more run.
    pub fn add(&mut self, line: &str, done: &Done) {
        *self = std::mem::take(self).then(Self::of(line, done));
    }

    /// One more run, without the data that it prints.
    pub fn add_talk(&mut self, line: &str, done: &Done) {
        self.add(line, &Done { stdout: String::new(), stderr: done.stderr.clone(), code: done.code });
    }
}
