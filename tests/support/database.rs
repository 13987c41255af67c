//! Databases for tests, each of its own, in one private PostgreSQL.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::gate::Gate;
use super::repository;
use super::server::Server;

static POSTGRES: LazyLock<Server> = LazyLock::new(|| Server::start("postgres.sh", &[], &[]));

/// The variables by which a program reaches a database of the private PostgreSQL.
pub fn server_variables(database: &str) -> Vec<(String, String)> {
    let said = ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD"];
    let said = said.map(|name| (name.to_owned(), POSTGRES.variable(name).to_owned()));
    said.into_iter().chain([("PGDATABASE".to_owned(), database.to_owned())]).collect()
}

/// The folder of the private PostgreSQL's socket, through which it lets every role in.
pub fn socket_folder() -> &'static str {
    POSTGRES.variable("SOCKET_DIR")
}

/// The folder of PostgreSQL's programs.
pub fn programs_folder() -> &'static str {
    POSTGRES.variable("BIN_DIR")
}

/// Runs SQL in a database and gives back what psql prints, unaligned, a row a line.
pub fn psql(database: &str, arguments: &[&str]) -> String {
    program("psql", database, &[&["-XqAt", "-v", "ON_ERROR_STOP=1"], arguments].concat())
}

/// Runs psql as a role, whatever comes of it.
pub fn psql_as(role: &str, password: &str, database: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(format!("{}/psql", POSTGRES.variable("BIN_DIR")));
    command.args(["-wXqAt", "-v", "ON_ERROR_STOP=1"]).args(arguments);
    command.envs(server_variables(database)).envs([("PGUSER", role), ("PGPASSWORD", password)]);
    command.output().expect("psql starts")
}

/// Starts psql as the superuser, for what has to last while a test does something else.
pub fn psql_meanwhile(database: &str, sql: &str) -> Child {
    let mut command = Command::new(format!("{}/psql", POSTGRES.variable("BIN_DIR")));
    command.args(["-wXqAt", "-c", sql]).envs(server_variables(database)).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("psql starts")
}

/// Runs psql with something on its standard input, whatever comes of it.
pub fn psql_pipe(database: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(format!("{}/psql", POSTGRES.variable("BIN_DIR")));
    command.args(arguments).envs(server_variables(database));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("psql starts");
    let (mut stdin, input) = (child.stdin.take().expect("its standard input"), input.to_owned());
    // It may end before it has read all: that is for the test to judge.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("psql ends");
    writer.join().expect("a thread");
    output
}

/// Runs one of PostgreSQL's programs, and gives back what it prints.
pub fn program(name: &str, database: &str, arguments: &[&str]) -> String {
    let program = format!("{}/{name}", POSTGRES.variable("BIN_DIR"));
    let mut command = Command::new(program);
    command.args(arguments).envs(server_variables(database));
    let output = command.output().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// A database of one test.
pub struct TestDatabase {
    /// Its name.
    pub name: String,
    /// The host in the URLs of its builds.
    pub host: String,
}

impl TestDatabase {
    /// An empty database.
    pub fn empty() -> Self {
        Self::with("")
    }

    /// An empty database with an encoding or an order of text of its own, in the words of CREATE DATABASE.
    pub fn with(options: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // All names are of one length, so that what names one looks alike whichever it is.
        let name = format!("test_{count:04}");
        psql("postgres", &["-c", &format!("CREATE DATABASE {name} {options}")]);
        Self { name, host: "ci.acme.example".to_owned() }
    }

    /// The CircleCI schema with some of its fixtures (`healthy`, `output-gap` ...).
    pub fn circleci(fixtures: &[&str]) -> Self {
        let database = Self::empty();
        database.load("sql/schema.sql");
        for fixture in fixtures {
            database.load(&format!("fixtures/circleci/{fixture}.sql"));
        }
        database
    }

    /// The same under a host of its own, so that the admin server finds this database by the builds' URLs.
    pub fn circleci_on_own_host(fixtures: &[&str]) -> Self {
        let mut database = Self::circleci(fixtures);
        database.host = format!("{}.example", database.name.replace('_', "-"));
        let update = "UPDATE builds SET build_url = replace(build_url, 'ci.acme.example', '";
        database.run(&format!("{update}{}')", database.host));
        database
    }

    /// A Buildbot database that was dumped with pg_dump -Fc.
    pub fn buildbot(dump: &str) -> Self {
        let database = Self::empty();
        let file = repository("fixtures/buildbot").join(dump);
        let file = file.to_str().expect("a path");
        program("pg_restore", &database.name, &["--no-owner", "--exit-on-error", "-d", &database.name, file]);
        database
    }

    /// A copy of this database in which one page of a table, or of an index, holds bytes of something else, as a disk that fails leaves it.
    pub fn with_a_damaged_page(&self, relation: &str, block: u64) -> Self {
        self.with_page(relation, block, |place| (place * 37 + 11) as u8)
    }

    /// A copy of this database in which one page of a table is empty, as a server leaves it that was told to do without what it cannot read.
    pub fn with_an_empty_page(&self, relation: &str, block: u64) -> Self {
        self.with_page(relation, block, |_| 0)
    }

    fn with_page(&self, relation: &str, block: u64, byte: impl Fn(usize) -> u8) -> Self {
        use std::os::unix::fs::FileExt;
        const PAGE: usize = 8192;
        let copy = self.copy_of_files();
        let file =
            std::fs::File::options().write(true).open(self.file_in(&copy, relation)).expect("the file of the relation");
        let pages = file.metadata().expect("its size").len() / PAGE as u64;
        assert!(block < pages, "{relation} has {pages} pages, and not {block}");
        let bytes: Vec<u8> = (0..PAGE).map(byte).collect();
        file.write_all_at(&bytes, block * PAGE as u64).expect("it is written");
        file.sync_all().expect("it is on disk");
        copy
    }

    /// A copy of this database in which the file of a table is missing.
    pub fn without_the_file_of(&self, relation: &str) -> Self {
        let copy = self.copy_of_files();
        std::fs::remove_file(self.file_in(&copy, relation)).expect("it can be removed");
        copy
    }

    /// The first file of a relation in a copy by files. Nobody has connected to the copy yet, so the server has nothing of it in memory that
    /// it would read, or write over it later.
    fn file_in(&self, copy: &Self, relation: &str) -> String {
        let database = format!("(SELECT oid FROM pg_database WHERE datname = '{}')", copy.name);
        let file = format!("'/base/' || {database} || '/' || pg_relation_filenode('{relation}')");
        self.run(&format!("SELECT current_setting('data_directory') || {file}"))
    }

    /// A copy of the files of this database, with all that was written.
    fn copy_of_files(&self) -> Self {
        let copy = Self::empty();
        psql("postgres", &["-c", &format!("DROP DATABASE {}", copy.name)]);
        let by_files = format!("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", copy.name, self.name);
        psql("postgres", &["-c", &by_files]);
        copy
    }

    /// Runs SQL and gives back its rows.
    pub fn run(&self, sql: &str) -> String {
        psql(&self.name, &["-c", sql])
    }

    /// How many builds there are.
    pub fn builds(&self) -> u64 {
        self.run("SELECT count(*) FROM builds").parse().expect("a number")
    }

    /// The addresses of all builds, sorted.
    pub fn urls(&self) -> Vec<String> {
        self.run("SELECT build_url FROM builds ORDER BY build_url COLLATE \"C\"").lines().map(str::to_owned).collect()
    }

    /// Lets so many deletions pass, and has all others wait until the test opens the gate.
    #[track_caller]
    pub fn gate(&self, free: u32) -> Gate {
        Gate::after(free, format!("{}/psql", POSTGRES.variable("BIN_DIR")), server_variables(&self.name))
    }

    pub fn load(&self, file: &str) {
        let file = repository(file);
        psql(&self.name, &["-1", "-f", file.to_str().expect("a path")]);
    }
}
