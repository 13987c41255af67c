//! The program, run as a user runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use halfbuilt::exit::Exit;

use super::database::server_variables;
use super::{Admin, TestDatabase};

/// The program with a clean environment.
pub fn halfbuilt(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_halfbuilt"));
    // What the machine's user has set must not decide a test.
    command.env_clear().env("HOME", "/nonexistent").args(arguments);
    Run { command, input: None, folder: None }
}

/// A run that is being put together.
pub struct Run {
    command: Command,
    input: Option<String>,
    /// Where it runs; else in a folder that goes with the run.
    folder: Option<PathBuf>,
}

impl Run {
    /// Reads this database.
    pub fn on(mut self, database: &TestDatabase) -> Self {
        self.command.envs(server_variables(&database.name));
        self
    }

    /// Sets variables.
    pub fn envs(mut self, variables: &[(String, String)]) -> Self {
        self.command.envs(variables.iter().map(|(name, value)| (name, value)));
        self
    }

    /// Deletes through this nREPL.
    pub fn via_nrepl(self, admin: &Admin) -> Self {
        let via = admin.nrepl();
        self.args(&["--via", &via])
    }

    /// Adds arguments.
    pub fn args<S: AsRef<Path>>(mut self, arguments: &[S]) -> Self {
        self.command.args(arguments.iter().map(AsRef::as_ref));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in this folder.
    pub fn at(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Feeds standard input.
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Runs it from a shell that has done this before.
    pub fn under(mut self, shell: &str) -> Self {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]);
        command.arg(self.command.get_program()).args(self.command.get_args()).env_clear();
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        self.command = command;
        self
    }

    /// Runs it on a terminal, where somebody types the input. What it prints, to whichever stream, is then on stdout.
    pub fn on_a_terminal(mut self) -> Self {
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().expect("UTF-8").replace('\'', r"'\''"));
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let line = words.map(quoted).collect::<Vec<_>>().join(" ");
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env_clear();
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        self.command = command;
        self
    }

    /// Runs it as another user, by number: for root alone.
    pub fn by_user(mut self, user: u32) -> Self {
        std::os::unix::process::CommandExt::uid(&mut self.command, user);
        std::os::unix::process::CommandExt::gid(&mut self.command, user);
        self
    }

    /// Runs it in a process group of its own, as a shell does in a terminal.
    pub fn in_a_group_of_its_own(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self
    }

    /// Starts it, for a test that does something meanwhile.
    pub fn start(mut self) -> std::process::Child {
        self.command.current_dir(self.folder.as_deref().unwrap_or(Path::new(env!("CARGO_TARGET_TMPDIR"))));
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().expect("halfbuilt starts")
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Done {
        // What it leaves where it stands goes with the test.
        let folder = tempfile::tempdir().expect("a folder");
        self.command.current_dir(self.folder.as_deref().unwrap_or(folder.path()));
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("halfbuilt starts");
        if let (Some(text), Some(mut stdin)) = (self.input, child.stdin.take()) {
            // It may end before it has read all: that is for the test to judge.
            let _ = stdin.write_all(text.as_bytes());
        }
        Done::new(child.wait_with_output().expect("halfbuilt ends"))
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Done {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Done {
    pub fn new(output: std::process::Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            code: output.status.code(),
        }
    }

    /// It ended like this.
    #[track_caller]
    pub fn exits(self, exit: Exit) -> Self {
        assert_eq!(self.code, Some(exit as i32), "expected {exit:?}\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// It said this on stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected {text:?} in stderr: {}", self.stderr);
        self
    }

    /// It did not say this on stderr.
    #[track_caller]
    pub fn does_not_say(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "expected no {text:?} in stderr: {}", self.stderr);
        self
    }

    /// It prints this on standard output.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{text:?} is not in: {}", self.stdout);
        self
    }

    /// It does not print this on standard output.
    #[track_caller]
    pub fn does_not_print(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "{text:?} is in: {}", self.stdout);
        self
    }

    /// It said one error and nothing went to stdout.
    #[track_caller]
    pub fn fails_with(self, text: &str) -> Self {
        let errors = self.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "expected one error: {}", self.stderr);
        assert_eq!(self.stdout, "", "expected no data");
        self.says(text)
    }
}
