//! The private database of one test.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::database::programs_folder;
use super::{Done, Run, halfbuilt, repository, wait_until};

/// What a child of the test program does, see `private_child`.
pub const ROLE: &str = "HALFBUILT_TEST_ROLE";

/// A folder for halfbuilt's data. Root's account for the server gets into it.
pub struct PrivateData {
    pub folder: TempDir,
    /// What HALFBUILT_DATA says.
    pub data: PathBuf,
}

/// A command that uses the private database until the test ends it, as `collect` does.
pub struct InUse {
    pub child: Child,
    /// The connection string of the owner.
    pub settings: String,
    /// It says more at its end.
    said: BufReader<ChildStdout>,
}

impl PrivateData {
    /// The data folder is not there yet.
    pub fn new() -> Self {
        Self::below("data")
    }

    /// The same, in a folder below the test's own.
    pub fn below(path: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        // The program shows it without links.
        let data = folder.path().canonicalize().expect("a path").join(path);
        Self { folder, data }
    }

    /// One into which builds have been loaded.
    pub fn filled(fixtures: &[&str]) -> Self {
        let own = Self::new();
        own.fill(fixtures);
        own
    }

    pub fn fill(&self, fixtures: &[&str]) {
        let in_use = self.hold();
        in_use.load("sql/schema.sql");
        fixtures.iter().for_each(|fixture| in_use.load(&format!("fixtures/circleci/{fixture}.sql")));
        in_use.end();
    }

    /// A file or a folder of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.data.join("private").join(name)
    }

    fn variables(&self) -> Vec<(String, String)> {
        let data = self.data.to_str().expect("UTF-8").to_owned();
        // PATH is for setpriv.
        vec![
            ("HALFBUILT_DATA".to_owned(), data),
            ("HALFBUILT_POSTGRES_BIN".to_owned(), programs_folder().to_owned()),
            ("PATH".to_owned(), std::env::var("PATH").expect("a path")),
        ]
    }

    /// A command as a person types it.
    pub fn run(&self, line: &str) -> Run {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "halfbuilt");
        halfbuilt(&words[1..]).envs(&self.variables()).at(self.folder.path())
    }

    /// This test program again, in a role; `shell` is done before it, in the same process.
    pub fn child(&self, role: &str, shell: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{shell}\nexec \"$0\" \"$@\"")]).arg(std::env::current_exe().expect("itself"));
        command.args(["--exact", "private_child::plays_its_role", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env_clear().envs(self.variables()).env(ROLE, role);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a role to its end. Its exit code and its words are those that a command would have.
    pub fn play(&self, role: &str, shell: &str, variables: &[(&str, &str)]) -> Done {
        let output = self.child(role, shell).envs(variables.iter().copied()).output().expect("it starts");
        let done = Done::new(output);
        let lines = done.stdout.lines().filter_map(|line| line.strip_prefix("said: "));
        let (code, said): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("exit "));
        let code = code.first().and_then(|line| line.strip_prefix("exit ")?.parse().ok());
        Done { stdout: String::new(), stderr: said.iter().map(|line| format!("{line}\n")).collect(), code }
    }

    /// Starts a command that makes the private database, if there is none, and uses it.
    #[track_caller]
    pub fn hold(&self) -> InUse {
        InUse::of(&mut self.child("holds", ":"))
    }

    /// The processes of its server, as far as their command lines name the folder.
    pub fn processes(&self) -> Vec<i32> {
        let data = self.data.to_str().expect("UTF-8");
        let lines = command_lines().into_iter();
        lines.filter(|(_, line)| line.contains("postgres") && line.contains(data)).map(|(pid, _)| pid).collect()
    }

    /// The server's first process, as its own file names it.
    pub fn server(&self) -> i32 {
        let file = std::fs::read_to_string(self.path("data/postmaster.pid")).expect("a server runs");
        file.lines().next().and_then(|line| line.trim().parse().ok()).expect("the number of a process")
    }

    /// Whether a statement of somebody runs who can only read.
    pub fn is_read(&self) -> bool {
        let servers = self.processes();
        let is_of_server = |pid: i32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
            parent.is_some_and(|parent: i32| servers.contains(&parent))
        };
        let reads = |line: &str| line.contains("halfbuilt_reader") && line.contains("SELECT");
        command_lines().iter().any(|(pid, line)| reads(line) && is_of_server(*pid))
    }

    /// Nothing of a server is there any more.
    #[track_caller]
    pub fn is_at_rest(&self) {
        assert_eq!(self.processes(), Vec::<i32>::new());
        let left = |folder: PathBuf| -> Vec<_> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.expect("an entry").file_name()).collect()
        };
        assert_eq!(left(self.path("socket")), Vec::<std::ffi::OsString>::new());
        assert!(!self.path("data/postmaster.pid").exists(), "a server runs");
    }
}

impl InUse {
    /// Starts the child, and waits until it has the private database.
    #[track_caller]
    #[allow(
        clippy::zombie_processes,
        reason = "a test that fails here ends, and so does the child, whose input closes"
    )]
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        loop {
            let before = text.len();
            assert_ne!(said.read_line(&mut text).expect("UTF-8"), 0, "it did not start: {text}");
            if let Some(settings) = text[before..].strip_prefix("said: settings ") {
                return Self { child, settings: settings.trim_end().to_owned(), said };
            }
        }
    }

    /// Runs psql as the owner of the private database.
    #[track_caller]
    pub fn psql(&self, arguments: &[&str]) -> String {
        let own = self.settings.replace("service=''", "");
        let mut command = Command::new(format!("{}/psql", programs_folder()));
        command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", &own]).args(arguments).env_remove("PGSERVICE");
        let output = command.output().expect("psql starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    pub fn load(&self, file: &str) {
        self.psql(&["-1", "-f", repository(file).to_str().expect("a path")]);
    }

    /// Has the command end, and waits for that.
    #[track_caller]
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).expect("UTF-8");
        assert!(self.child.wait().expect("it ends").success(), "{rest}");
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("it ends");
    }
}

/// All processes, with their command lines.
fn command_lines() -> Vec<(i32, String)> {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let line = |pid: i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        (pid, String::from_utf8_lossy(&line).into_owned())
    };
    pids.map(line).collect()
}

/// Lets every user through a folder.
pub fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Whether the tests run as root, for whom PostgreSQL does not run.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Waits until no process of a server is left.
pub fn wait_for_its_end(of: &PrivateData) {
    wait_until(|| of.processes().is_empty());
}
