//! A PostgreSQL that shows one certificate or another, lets in by many ways, and is reached by psql and by halfbuilt with the
//! same settings.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard};

use super::{Done, Server, halfbuilt, repository, wait_until};

static SERVER: LazyLock<(Server, Mutex<()>)> = LazyLock::new(|| {
    let server = Server::start("postgres.sh", &["--certificates"], &[]);
    prepare(&server);
    (server, Mutex::new(()))
});

/// What a client that got in says of its connection.
const KIND: &str =
    "SELECT CASE WHEN ssl THEN 'encrypted' ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Who is let in by which way: one database each.
const HBA: [&str; 12] = [
    "local all all trust",
    "hostssl by_certificate client all cert",
    "hostssl by_both client all scram-sha-256 clientcert=verify-full",
    "hostssl by_both all all scram-sha-256 clientcert=verify-ca",
    "host by_certificate,by_both all all reject",
    "hostssl only_tls all all scram-sha-256",
    "hostnossl only_plain all all scram-sha-256",
    "host only_tls,only_plain all all reject",
    "host by_md5 all all md5",
    "host by_password all all password",
    "host trusted all all trust",
    "host all all all scram-sha-256",
];
const DATABASES: [&str; 7] =
    ["by_certificate", "by_both", "only_tls", "only_plain", "by_md5", "by_password", "trusted"];

/// The server, showing one certificate as long as this lives. Other tests wait.
pub struct Beside {
    server: &'static Server,
    /// The home folder of both clients.
    pub home: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// One client's answer: `encrypted`, `plain`, or `refused`.
type Answer = String;

impl Beside {
    /// The server with `CERTIFICATES/NAME.crt`.
    pub fn showing(name: &str) -> Self {
        let (server, alone) = &*SERVER;
        let alone = alone.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let this = Self { server, home: tempfile::tempdir().expect("a folder"), _alone: alone };
        let shown = Path::new(server.variable("CA_FILE")).with_file_name("server");
        for (from, to) in [("crt", "pem"), ("key", "key")] {
            let text = std::fs::read(this.file(&format!("{name}.{from}"))).expect("a file");
            // Written over, so that it stays the server's own.
            std::fs::write(shown.with_extension(to), text).expect("a file");
        }
        reload(server);
        this
    }

    /// One of the certificates, keys and lists.
    pub fn file(&self, name: &str) -> PathBuf {
        Path::new(self.server.variable("CERTIFICATES")).join(name)
    }

    /// Something that the server said of itself.
    pub fn variable(&self, name: &str) -> &str {
        self.server.variable(name)
    }

    /// Puts a file into the home folder, for its owner alone.
    pub fn at_home(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let file = self.home.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, self.filled(text)).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        file
    }

    /// The settings with what stands in braces filled in.
    pub fn filled(&self, settings: &str) -> String {
        let home = self.home.path().to_str().expect("a path");
        let words =
            [("{home}", home), ("{dir}", self.variable("CERTIFICATES")), ("{socket}", self.variable("SOCKET_DIR"))];
        let words =
            words.into_iter().chain([("{port}", self.variable("PGPORT")), ("{password}", self.variable("PGPASSWORD"))]);
        words.fold(settings.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// What both clients are given besides.
    fn environment(&self, variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let home = ("HOME", self.home.path().to_str().expect("a path"));
        let usual = [home, ("PGUSER", "halfbuilt"), ("PGPASSWORD", self.variable("PGPASSWORD"))];
        let usual = usual.into_iter().filter(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        let all = usual.chain(variables.iter().copied());
        all.map(|(name, value)| (name.to_owned(), self.filled(value))).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// psql's answer, and what it said.
    pub fn psql(&self, settings: &str, variables: &[(&str, &str)]) -> (Answer, String) {
        let output = Command::new(format!("{}/psql", self.variable("BIN_DIR")))
            .args(["-wXqAt", "-c", KIND, "-d", &self.filled(settings)])
            .env_clear()
            .envs(self.environment(variables))
            .stdin(Stdio::null())
            .output()
            .expect("psql starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (if output.status.success() { answer } else { "refused".to_owned() }, said)
    }

    /// halfbuilt, which reads one build whose status is the answer.
    pub fn halfbuilt(&self, settings: &str, variables: &[(&str, &str)]) -> Done {
        let profile = repository("tests/cli/connect_tls_profile.sql");
        let run = halfbuilt(&["scan", "--database-url", &self.filled(settings), "--profile"]).args(&[profile]);
        self.environment(variables).iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    }

    /// Both answer the same, and this.
    #[track_caller]
    pub fn expect(&self, answer: &str, settings: &str, variables: &[(&str, &str)]) {
        assert_eq!(self.both(settings, variables), answer, "{settings} {variables:?}");
    }

    /// What both answer.
    #[track_caller]
    pub fn both(&self, settings: &str, variables: &[(&str, &str)]) -> Answer {
        let (theirs, they_said) = self.psql(settings, variables);
        let done = self.halfbuilt(settings, variables);
        let ours = ["encrypted", "plain"].into_iter().find(|kind| done.stdout.contains(&format!(",{kind},")));
        let ours = match ours {
            Some(kind) if done.code == Some(0) => kind,
            _ => "refused",
        };
        let both_said = format!("psql: {they_said}\nhalfbuilt: {}", done.stderr);
        assert_eq!(ours, theirs, "{settings} {variables:?}\n{both_said}");
        assert!(!done.stderr.contains(self.variable("PGPASSWORD")), "{both_said}");
        if ours == "refused" {
            assert_eq!(done.code, Some(3), "{both_said}");
        }
        theirs
    }
}

fn prepare(server: &Server) {
    for database in DATABASES {
        server.run("postgres", &format!("CREATE DATABASE {database}"));
    }
    let password = server.variable("PGPASSWORD");
    server.run("postgres", &format!("CREATE ROLE client LOGIN PASSWORD '{password}'"));
    server.run("postgres", &format!("SET password_encryption = md5; CREATE ROLE old LOGIN PASSWORD '{password}'"));
    let root = Path::new(server.variable("CERTIFICATES")).join("root.crt");
    server.run("postgres", &format!("ALTER SYSTEM SET ssl_ca_file = '{}'", root.display()));
    let file = server.run("postgres", "SHOW hba_file");
    server.run("postgres", &format!("COPY (SELECT unnest(ARRAY['{}'])) TO '{file}'", HBA.join("', '")));
}

/// Has the server read its files again, and waits until it has.
fn reload(server: &Server) {
    let before = server.run("postgres", "SELECT pg_conf_load_time() FROM pg_reload_conf()");
    wait_until(|| server.run("postgres", &format!("SELECT pg_conf_load_time() > '{before}'")) == "t");
}
