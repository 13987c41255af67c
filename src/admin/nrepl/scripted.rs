//! An nREPL for tests. It follows a script over real TCP, and fails the test on anything unexpected.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{AdminPath, Options, Via};
use crate::admin::bencode::{Decoder, Dict, Value, encode};

pub(super) const FULL: &str = "circle.http.api.admin-commands/delete-build";

/// Keys and values of a message; a status holds its words with blanks between them.
pub(super) type Entries<'a> = &'a [(&'a str, &'a str)];

pub(super) const DONE: Entries<'static> = &[("status", "done")];

enum Step {
    Accept,
    Expect(Vec<(String, String)>),
    Send(Vec<u8>),
    Reply(Vec<(String, String)>),
    Flood,
    HangUp,
    Closed,
    Notify(Arc<Notify>),
}

/// What the server expects and sends, in this order.
#[derive(Default)]
pub(super) struct Script(Vec<Step>);

pub(super) struct Server {
    pub(super) via: Via,
    task: JoinHandle<()>,
}

impl Script {
    /// A connection comes.
    pub(super) fn accept(mut self) -> Self {
        self.0.push(Step::Accept);
        self
    }

    /// A message comes with exactly these entries and an id.
    pub(super) fn expect(mut self, entries: Entries) -> Self {
        self.0.push(Step::Expect(owned(entries)));
        self
    }

    /// Answers with these messages, to the last id unless they bring their own.
    pub(super) fn reply(mut self, messages: &[Entries]) -> Self {
        self.0.extend(messages.iter().map(|entries| Step::Reply(owned(entries))));
        self
    }

    pub(super) fn send(mut self, bytes: &[u8]) -> Self {
        self.0.push(Step::Send(bytes.to_vec()));
        self
    }

    /// Prints without end, until the client hangs up.
    pub(super) fn flood(mut self) -> Self {
        self.0.push(Step::Flood);
        self
    }

    /// Notifies the test that the script has come this far.
    pub(super) fn notify(mut self, whom: &Arc<Notify>) -> Self {
        self.0.push(Step::Notify(Arc::clone(whom)));
        self
    }

    pub(super) fn hang_up(mut self) -> Self {
        self.0.push(Step::HangUp);
        self
    }

    /// The client ends the connection, and has sent nothing more.
    pub(super) fn closed(mut self) -> Self {
        self.0.push(Step::Closed);
        self
    }

    pub(super) fn clones(self, session: &str) -> Self {
        self.expect(&[("op", "clone")]).reply(&[&[("new-session", session), ("status", "done")]])
    }

    pub(super) fn closes(self, session: &str) -> Self {
        self.expect(&[("op", "close"), ("session", session)]).reply(&[&[("status", "done session-closed")]])
    }

    /// The form comes, to be read in `user`.
    pub(super) fn eval(self, session: &str, code: &str) -> Self {
        self.expect(&[("op", "eval"), ("session", session), ("ns", "user"), ("code", code)])
    }

    pub(super) fn resolves(self, session: &str, name: &str, value: &str) -> Self {
        self.eval(session, &format!("(ns-resolve 'user '{name})")).reply(&[&[("value", value)], DONE])
    }

    /// A connection, a session, and a function that is there.
    pub(super) fn hello(self, session: &str) -> Self {
        let var = format!("#'{FULL}");
        self.accept().clones(session).resolves(session, "admin/delete-build", &var)
    }

    /// The deletion of build number 1, or another.
    pub(super) fn delete(self, session: &str, number: u32) -> Self {
        let form = format!(r#"(admin/delete-build "https://ci.example.com/gh/acme/api/{number}")"#);
        self.eval(session, &form)
    }

    pub(super) async fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let via = Via::Nrepl { host: "127.0.0.1".into(), port };
        Server { via, task: tokio::spawn(play(listener, self.0)) }
    }
}

impl Server {
    /// Opens the admin path with a generous timeout.
    pub(super) async fn connect(&self) -> AdminPath {
        AdminPath::connect(&self.via, Options::default()).await.expect("an admin path")
    }

    /// With the timeout that a test of timeouts waits for.
    pub(super) async fn connect_impatiently(&self) -> AdminPath {
        let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
        AdminPath::connect(&self.via, options).await.expect("an admin path")
    }

    /// Waits until the script is played. Whatever differed fails the test here.
    pub(super) async fn finish(self) {
        let played = timeout(Duration::from_secs(180), self.task).await;
        played.expect("the script is not played to its end").expect("the script was not followed");
    }
}

async fn play(listener: TcpListener, steps: Vec<Step>) {
    let mut client: Option<(TcpStream, Decoder)> = None;
    let mut last_id = Vec::new();
    for step in steps {
        match (step, &mut client) {
            (Step::Accept, _) => client = Some((listener.accept().await.expect("a client").0, Decoder::new(1 << 20))),
            (Step::Expect(mut entries), Some(client)) => {
                let message = next(client).await.expect("one more message");
                last_id = text(&message, "id").into_bytes();
                entries.push(("id".into(), text(&message, "id")));
                assert_eq!(message, dict(&entries));
            }
            (Step::Reply(entries), Some((stream, _))) => {
                let mut message = dict(&entries);
                message.entry(b"id".to_vec()).or_insert_with(|| Value::Bytes(last_id.clone()));
                let mut bytes = Vec::new();
                encode(&Value::Dict(message), &mut bytes);
                stream.write_all(&bytes).await.expect("a client that listens");
            }
            (Step::Send(bytes), Some((stream, _))) => stream.write_all(&bytes).await.expect("a client that listens"),
            (Step::Flood, Some((stream, _))) => {
                let out = format!(
                    "d2:id{}:{}3:out1000:{}e",
                    last_id.len(),
                    String::from_utf8_lossy(&last_id),
                    "x".repeat(1000)
                );
                while stream.write_all(out.as_bytes()).await.is_ok() {}
                client = None;
            }
            (Step::HangUp, _) => client = None,
            (Step::Notify(whom), _) => whom.notify_one(),
            (Step::Closed, Some(open)) => {
                assert_eq!(next(open).await, None);
                client = None;
            }
            (_, None) => panic!("the script goes on without a client"),
        }
    }
    if let Some(client) = &mut client {
        assert_eq!(next(client).await, None, "one message too many");
    }
}

/// The next message, or None at the end of the connection.
async fn next((stream, decoder): &mut (TcpStream, Decoder)) -> Option<Dict> {
    loop {
        match decoder.value().expect("bencode") {
            Some(Value::Dict(message)) => return Some(message),
            Some(other) => panic!("not a message: {other:?}"),
            None => {
                let mut bytes = [0; 4096];
                match stream.read(&mut bytes).await {
                    Ok(0) | Err(_) => return None,
                    Ok(count) => decoder.feed(&bytes[..count]),
                }
            }
        }
    }
}

fn owned(entries: Entries) -> Vec<(String, String)> {
    entries.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn text(message: &Dict, key: &str) -> String {
    match message.get(key.as_bytes()) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("{key} is {other:?}"),
    }
}

fn dict(entries: &[(String, String)]) -> Dict {
    let value = |key: &str, text: &str| match key {
        "status" => Value::List(text.split(' ').map(|word| Value::Bytes(word.into())).collect()),
        _ => Value::Bytes(text.into()),
    };
    entries.iter().map(|(key, text)| (key.clone().into_bytes(), value(key, text))).collect()
}
