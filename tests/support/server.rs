//! A server that a script starts. It lives until its standard input closes, so it ends with this process even if that
//! is killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::repository;

/// A running server and what it said of itself.
pub struct Server {
    variables: HashMap<String, String>,
    /// Keeps the server's standard input open.
    child: Child,
}

impl Server {
    /// Starts `fixtures/servers/SCRIPT` and waits for the one line that it prints when it is ready.
    pub fn start(script: &str, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let mut child = Command::new("bash")
            .arg(repository("fixtures/servers").join(script))
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{script} cannot be started: {error}"));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its standard output");
        BufReader::new(stdout).read_line(&mut line).expect("its first line");
        assert!(line.contains('='), "{script} did not start: see above; run tests/run.sh to install what it needs");
        let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, child }
    }

    /// Has the server go away, by a signal such as `KILL`, or come back: `stop SIGNAL`, `start`. It does so within a second or two.
    pub fn command(&self, what: &str) {
        let mut stdin = self.child.stdin.as_ref().expect("its standard input");
        writeln!(stdin, "{what}").expect("it listens");
    }

    /// The same, letter by letter, as a machine that is busy may bring it.
    pub fn command_slowly(&self, what: &str) {
        for letter in what.chars().chain(['\n']) {
            let mut stdin = self.child.stdin.as_ref().expect("its standard input");
            write!(stdin, "{letter}").expect("it listens");
            std::thread::sleep(std::time::Duration::from_millis(450));
        }
    }

    /// Something that the server said of itself.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("the server did not say {name}"))
    }

    /// Runs psql as the superuser of a PostgreSQL, through its socket, and gives back what it prints.
    #[track_caller]
    pub fn psql(&self, database: &str, arguments: &[&str]) -> String {
        let [socket, port, user] = ["SOCKET_DIR", "PGPORT", "PGUSER"].map(|name| self.variable(name));
        let output = Command::new(format!("{}/psql", self.variable("BIN_DIR")))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", socket, "-p", port, "-U", user, "-d", database])
            .args(arguments)
            .output()
            .expect("psql starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Runs SQL in a database of a PostgreSQL.
    #[track_caller]
    pub fn run(&self, database: &str, sql: &str) -> String {
        self.psql(database, &["-c", sql])
    }

    /// The variables by which a program reaches a database of it.
    pub fn variables(&self, database: &str) -> Vec<(String, String)> {
        let said = ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD"];
        let said = said.map(|name| (name.to_owned(), self.variable(name).to_owned()));
        said.into_iter().chain([("PGDATABASE".to_owned(), database.to_owned())]).collect()
    }
}
