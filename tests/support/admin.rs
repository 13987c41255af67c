//! The admin server: a real Clojure nREPL and a real HTTP server whose delete-build really deletes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use super::TestDatabase;
use super::database::server_variables;
use super::server::Server;

/// The token that the HTTP server wants.
pub const TOKEN: &str = "a-token-for-tests";

static ADMIN: LazyLock<Server> = LazyLock::new(|| {
    let token = [("ADMIN_TOKEN".to_owned(), TOKEN.to_owned())];
    Server::start("admin.sh", &[], &[server_variables("postgres"), token.to_vec()].concat())
});

/// The admin server, as one test uses it.
pub struct Admin;

/// The admin server, which knows in which database the builds of this test's host are.
pub fn admin(database: &TestDatabase) -> Admin {
    Admin.eval(&format!("(halfbuilt.fixture/route! {:?} {:?})", database.host, database.name));
    Admin
}

impl Admin {
    /// Where its nREPL is.
    pub fn nrepl(&self) -> String {
        format!("nrepl://127.0.0.1:{}", ADMIN.variable("NREPL_PORT"))
    }

    /// The port of its nREPL.
    pub fn nrepl_port(&self) -> &'static str {
        ADMIN.variable("NREPL_PORT")
    }

    /// The port of its HTTP server.
    pub fn http_port(&self) -> &'static str {
        ADMIN.variable("HTTP_PORT")
    }

    /// The file in which each call of delete-build is on record.
    pub fn calls_file(&self) -> &'static str {
        ADMIN.variable("CALLS")
    }

    /// Where its HTTP server takes deletions.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}/admin/delete-build", ADMIN.variable("HTTP_PORT"))
    }

    /// The same with TLS.
    pub fn https(&self) -> String {
        format!("https://127.0.0.1:{}/admin/delete-build", ADMIN.variable("HTTPS_PORT"))
    }

    /// The certificate that vouches for the TLS server.
    pub fn ca_file(&self) -> &'static str {
        ADMIN.variable("CA_FILE")
    }

    /// Has delete-build misbehave for the builds of a host: `throw`, `sleep`, `pretend`, `print`.
    pub fn behaves(&self, database: &TestDatabase, how: &str) {
        self.eval(&format!("(halfbuilt.fixture/behave! {:?} :{how})", database.host));
    }

    /// Has delete-build throw for the builds of a host, with this message.
    pub fn fails_with(&self, database: &TestDatabase, message: &str) {
        let units: Vec<String> = message.encode_utf16().map(|unit| format!("(char {unit})")).collect();
        self.eval(&format!("(halfbuilt.fixture/fail-with! {:?} (str {}))", database.host, units.join(" ")));
    }

    /// Evaluates Clojure on the server.
    fn eval(&self, code: &str) {
        let said = evaluate(ADMIN.variable("NREPL_PORT").parse().expect("a port"), code);
        assert!(!said.contains("eval-error"), "{code}: {said}");
    }
}

/// Evaluates Clojure in an nREPL, by a client that shares nothing with the program's own, and gives back all that was said.
pub fn evaluate(port: u16, code: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the nREPL answers");
    write!(stream, "d4:code{}:{code}2:op4:evale", code.len()).expect("it takes a form");
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while !said.windows(6).any(|bytes| bytes == b"4:done") {
        let read = stream.read(&mut buffer).expect("it answers");
        assert_ne!(read, 0, "the nREPL closed the connection");
        said.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&said).into_owned()
}
