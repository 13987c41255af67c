//! A stand-in for a CircleCI Server (`fixtures/servers/circleci.sh`). One process serves all tests of a test binary; each test has a
//! server of its own in it, with its own builds, ports and troubles.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use super::admin::evaluate;
use super::server::Server;

/// The token of an administrator of a stand-in.
pub const API_TOKEN: &str = "an-administrator-of-the-stand-in";
/// The token of a user who is none, and follows three projects.
pub const USER_TOKEN: &str = "a-user-of-the-stand-in";

static PROCESS: LazyLock<Server> = LazyLock::new(|| start(&[]));
/// The same behind an nREPL of before 2018.
static OLD_PROCESS: LazyLock<Server> = LazyLock::new(|| start(&["--builds", "188", "--old-nrepl"]));

fn start(arguments: &[&str]) -> Server {
    let tokens = [("API_TOKEN".to_owned(), API_TOKEN.to_owned()), ("USER_TOKEN".to_owned(), USER_TOKEN.to_owned())];
    Server::start("circleci.sh", arguments, &tokens)
}

/// One server of it.
pub struct StandIn {
    variables: HashMap<String, String>,
    process: &'static Server,
}

/// What a server answered.
pub struct Heard {
    pub status: u16,
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What the truth file says of a build.
#[derive(Clone, Debug)]
pub struct Truth {
    pub build_url: String,
    pub kind: String,
    pub damaged: bool,
    /// `yes`, `no`, or `-` where it depends on more than the record.
    pub deletable: String,
}

impl StandIn {
    /// A server with these options: `builds`, `seed`, `host`, `large_mb`, `delay_ms`, `now`.
    #[track_caller]
    pub fn with(options: &[(&str, &str)]) -> Self {
        Self::of(&PROCESS, options)
    }

    /// A small server behind an nREPL of before 2018: tools.nrepl 0.2.
    #[track_caller]
    pub fn behind_old_nrepl() -> Self {
        Self::of(&OLD_PROCESS, &[("builds", "300"), ("large_mb", "1")])
    }

    #[track_caller]
    fn of(process: &'static Server, options: &[(&str, &str)]) -> Self {
        let heard = request(port_of(process.variable("HTTP_PORT")), "POST", "/fixture/world", &[], form(options));
        assert_eq!(heard.status, 200, "{}", heard.text());
        let text = heard.text();
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        Self { variables: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), process }
    }

    /// A small server: 300 builds, a large document of 1 MB.
    #[track_caller]
    pub fn small() -> Self {
        Self::with(&[("builds", "300"), ("large_mb", "1")])
    }

    /// Something that it said of itself: `BASE`, `BUCKET_PORT`, `CALLS` and others.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("the stand-in did not say {name}"))
    }

    pub fn port(&self) -> u16 {
        port_of(self.variable("HTTP_PORT"))
    }

    /// The source to collect from.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The same with TLS, vouched for by `ca_file`.
    pub fn https(&self) -> String {
        format!("https://127.0.0.1:{}", self.variable("HTTPS_PORT"))
    }

    pub fn ca_file(&self) -> &'static str {
        self.process.variable("CA_FILE")
    }

    /// Where the console is, whose `admin/delete-build` deletes builds of each server of the process.
    pub fn nrepl(&self) -> String {
        format!("nrepl://127.0.0.1:{}", self.process.variable("NREPL_PORT"))
    }

    /// Evaluates Clojure in the console, and gives back all that it said.
    pub fn evaluate(&self, code: &str) -> String {
        evaluate(port_of(self.process.variable("NREPL_PORT")), code)
    }

    /// Asks as an administrator's program does.
    #[track_caller]
    pub fn get(&self, path: &str) -> Heard {
        self.get_as(Some(API_TOKEN), path)
    }

    #[track_caller]
    pub fn get_as(&self, token: Option<&str>, path: &str) -> Heard {
        let token = token.map(|token| ("Circle-Token", token));
        let headers: Vec<_> = [("Accept", "application/json")].into_iter().chain(token).collect();
        request(self.port(), "GET", path, &headers, "")
    }

    /// The document of a build, by its address.
    #[track_caller]
    pub fn document(&self, build_url: &str) -> Heard {
        self.get(&self.document_path(build_url))
    }

    pub fn document_path(&self, build_url: &str) -> String {
        let path = build_url.strip_prefix(self.variable("BASE")).expect("an address of this server");
        format!("/api/v1.1/project{path}")
    }

    /// Has something go wrong, as the README of the servers says: a setting, or with `answer` a trouble.
    #[track_caller]
    pub fn behave(&self, how: &[(&str, &str)]) {
        self.set("behave", how);
    }

    /// Nothing is wrong any more.
    #[track_caller]
    pub fn reset(&self) {
        self.set("reset", &[]);
    }

    /// Ends a build that is open, deletes one, or brings it back: `end`, `delete` or `restore`, with its `url`.
    #[track_caller]
    pub fn set(&self, what: &str, how: &[(&str, &str)]) {
        let heard = request(self.port(), "POST", &format!("/fixture/{what}"), &[], form(how));
        assert_eq!(heard.status, 200, "{what} {how:?}: {}", heard.text());
    }

    /// What is true of each build that there is now.
    #[track_caller]
    pub fn truth(&self) -> Vec<Truth> {
        let heard = request(self.port(), "GET", "/fixture/truth", &[], "");
        let mut reader = csv::Reader::from_reader(heard.body.as_slice());
        let rows = reader.records().map(|row| row.expect("a row"));
        rows.map(|row| Truth {
            build_url: row[0].to_owned(),
            kind: row[1].to_owned(),
            damaged: &row[2] == "yes",
            deletable: row[3].to_owned(),
        })
        .collect()
    }

    /// The first build of a kind.
    #[track_caller]
    pub fn one(&self, kind: &str) -> String {
        let found = self.truth().into_iter().find(|build| build.kind == kind);
        found.unwrap_or_else(|| panic!("there is no build of the kind {kind}")).build_url
    }

    /// The requests so far: time, place, method, path, status, and whether a token came along.
    pub fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.variable("CALLS")).expect("a file");
        text.lines().map(str::to_owned).collect()
    }
}

impl Heard {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn port_of(text: &str) -> u16 {
    text.parse().expect("a port")
}

fn form(values: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish()
}

/// One request by a client that shares nothing with the program's own. HTTP/1.0: without a length, the body ends where the connection does.
#[track_caller]
pub fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Heard {
    let body = body.as_ref();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server answers");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n{lines}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("it listens");
    let mut all = Vec::new();
    let mut buffer = [0; 1 << 14];
    let mut heard = Heard { status: 0, headers: HashMap::new(), body: Vec::new() };
    // A connection that is cut gives back what came until then.
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..read]);
        if heard.status == 0 {
            let Some(end) = all.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            heard = head_of(&String::from_utf8_lossy(&all[..end]));
            all.drain(..end + 4);
        }
        // Some servers take their time to hang up.
        let length = if method == "HEAD" { Some(0) } else { heard.header("content-length").parse().ok() };
        if length.is_some_and(|length| all.len() >= length) {
            break;
        }
    }
    Heard { body: all, ..heard }
}

fn head_of(head: &str) -> Heard {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Heard { status, headers, body: Vec::new() }
}
