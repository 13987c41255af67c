//! A real S3 server (`fixtures/servers/s3.sh`, moto's). One serves all tests of a test binary; each test has a bucket of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::Server;
use super::stand_in::{Heard, request};

static S3: LazyLock<Server> = LazyLock::new(|| Server::start("s3.sh", &[], &[]));

/// What the server wants to hear from a client that signs nothing.
const LET_IN: (&str, &str) = ("X-Fixture", "let me in");

/// Keys that S3 takes and programs trip over. Each has to come back as it is, and none may do anything as a path, in a terminal or in a table.
pub const ODD_KEYS: [&str; 36] = [
    "a b",
    " begins and ends with a space ",
    "a+b",
    "a%20b",
    "a%2Fb",
    "100%",
    "ä/ö/ü",
    "e\u{301}",
    "\u{e9}",
    "漢字",
    "\u{1f600}",
    "\u{fffd}",
    "/begins with a slash",
    "//with two",
    "a//b",
    "a/",
    "a",
    "/",
    "..",
    ".",
    "../up",
    "a/../b",
    "./here",
    "back\\slash",
    "a\"b<c>&d;",
    "it's",
    "q?x=1&y=2",
    "#a",
    "a=b,c:d@e!f$(g)*~[h]{i}|^`",
    "tab\tin it",
    "line\nin it",
    "return\rin it",
    "\u{1}control",
    "=1+1",
    "-rf",
    "\u{1b}[31mred",
];

/// A key as long as a key can be: 1024 bytes.
pub fn longest_key() -> String {
    format!("{}ä", "long/".repeat(204)) + "xx"
}

/// A bucket that no other test knows.
pub struct Bucket {
    pub name: String,
}

/// An object, as a listing has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub size: u64,
    pub last_modified: String,
}

impl Bucket {
    /// An empty bucket, whose listings have pages of 1000 keys, as S3's.
    #[track_caller]
    pub fn new() -> Self {
        Self::named("")
    }

    /// The same, with no more keys on a page than these, whatever a client asks for.
    #[track_caller]
    pub fn with_pages_of(keys: usize) -> Self {
        Self::named(&format!("-pages-of-{keys}"))
    }

    #[track_caller]
    fn named(end: &str) -> Self {
        static BUCKETS: AtomicUsize = AtomicUsize::new(1);
        let bucket = Self { name: format!("bucket-{}{end}", BUCKETS.fetch_add(1, Ordering::Relaxed)) };
        bucket.ask("PUT", "", &[], &[]);
        bucket
    }

    /// Stores an object.
    #[track_caller]
    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.ask("PUT", key, &[], bytes);
    }

    /// Stores an object that says it was stored at a time, such as `2026-11-20T02:00:00Z`.
    #[track_caller]
    pub fn put_at(&self, key: &str, bytes: &[u8], last_modified: &str) {
        self.ask("PUT", key, &[("X-Fixture-Last-Modified", last_modified)], bytes);
    }

    /// Removes an object.
    #[track_caller]
    pub fn delete(&self, key: &str) {
        self.ask("DELETE", key, &[], &[]);
    }

    /// What an object holds.
    #[track_caller]
    pub fn get(&self, key: &str) -> Vec<u8> {
        self.ask("GET", key, &[], &[]).body
    }

    #[track_caller]
    fn ask(&self, method: &str, key: &str, headers: &[(&str, &str)], body: &[u8]) -> Heard {
        let path = if key.is_empty() { format!("/{}", self.name) } else { format!("/{}/{}", self.name, encoded(key)) };
        let heard = request(port(), method, &path, &[&[LET_IN], headers].concat(), body);
        assert!((200..300).contains(&heard.status), "{method} {path}: {} {}", heard.status, heard.text());
        heard
    }

    /// One page of a listing, by way of a port: the server's own, or a proxy's. `query` is added to the request.
    #[track_caller]
    pub fn page(&self, port: u16, query: &str) -> Heard {
        request(port, "GET", &format!("/{}?list-type=2&encoding-type=url{query}", self.name), &[LET_IN], "")
    }

    /// The pages of the whole listing, by the server's own tokens.
    #[track_caller]
    pub fn pages(&self) -> Vec<Vec<Stored>> {
        let mut pages = Vec::new();
        let mut query = String::new();
        loop {
            let heard = self.page(port(), &query);
            let text = heard.text();
            let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let listed = document.descendants().filter(|node| node.tag_name().name() == "Contents");
            pages.push(listed.map(stored).collect());
            if word(document.root_element(), "IsTruncated") == "false" {
                return pages;
            }
            query = format!("&continuation-token={}", encoded(word(document.root_element(), "NextContinuationToken")));
        }
    }

    /// The keys of all objects, as the server orders them: by their bytes.
    #[track_caller]
    pub fn keys(&self) -> Vec<String> {
        self.pages().into_iter().flatten().map(|object| object.key).collect()
    }

    /// Where it is, for the program.
    pub fn url(&self) -> String {
        format!("s3://{}", self.name)
    }

    /// The variables by which a program reaches the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment_through(port())
    }

    /// The same by way of a proxy.
    pub fn environment_through(&self, port: u16) -> Vec<(String, String)> {
        let given = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];
        let given = given.map(|name| (name.to_owned(), S3.variable(name).to_owned()));
        let endpoint = ("AWS_ENDPOINT_URL".to_owned(), format!("http://127.0.0.1:{port}"));
        given.into_iter().chain([endpoint, ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned())]).collect()
    }

    /// The same with a key that is good with a session's token only.
    pub fn session_environment(&self) -> Vec<(String, String)> {
        let mut all = self.environment();
        all.retain(|(name, _)| name != "AWS_ACCESS_KEY_ID");
        let own = [("AWS_ACCESS_KEY_ID", "fixture-session"), ("AWS_SESSION_TOKEN", S3.variable("SESSION_TOKEN"))];
        all.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all
    }
}

/// The port of the server.
pub fn port() -> u16 {
    S3.variable("S3_PORT").parse().expect("a port")
}

fn stored(node: roxmltree::Node) -> Stored {
    Stored {
        key: decoded(word(node, "Key")),
        size: word(node, "Size").parse().expect("a number"),
        last_modified: word(node, "LastModified").to_owned(),
    }
}

/// The text of an element's child.
fn word<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> &'a str {
    let child = node.children().find(|child| child.tag_name().name() == name);
    child.unwrap_or_else(|| panic!("there is no {name}")).text().unwrap_or_default()
}

/// Each byte that could mean something in a path or a query, percent-encoded; slashes and dots are too.
fn encoded(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// A key as a listing with `encoding-type=url` writes it: a plus sign is a space.
fn decoded(text: &str) -> String {
    let (key, _) = url::form_urlencoded::parse(text.as_bytes()).next().expect("a key");
    key.into_owned()
}
