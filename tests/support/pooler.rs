//! A small pooler of transactions, which gives each one to another session of the server than the one before, on purpose.
//!
//! It speaks version 3 of PostgreSQL's protocol, as far as a pooler has to: it lets everybody in, and passes on whole messages. Whoever
//! prepares a statement under a name is turned out.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::server_variables;

/// When the session of the server is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// After each transaction.
    Transactions,
    /// After each statement, though a transaction may be open: what no pooler should do.
    Statements,
}

/// A running pooler. It ends with the process.
pub struct Pooler {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    pooling: Pooling,
    database: String,
    /// What a session of the server is left with by others before it is given out: one text for each, in turn.
    left_with: Vec<String>,
    sessions: Vec<Mutex<Session>>,
    next: AtomicUsize,
    /// How many times something was passed on to another session than before.
    switches: AtomicUsize,
}

/// A session of the server.
struct Session {
    stream: Option<UnixStream>,
}

impl Pooler {
    /// Starts one before a database of the tests' own server, with as many sessions as there are texts in `left_with`: SQL that
    /// somebody else has run in them. All of them are of the role that the first client names.
    pub fn start(database: &str, pooling: Pooling, left_with: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            pooling,
            database: database.to_owned(),
            left_with: left_with.iter().map(|sql| (*sql).to_owned()).collect(),
            sessions: left_with.iter().map(|_| Mutex::new(Session { stream: None })).collect(),
            next: AtomicUsize::new(0),
            switches: AtomicUsize::new(0),
        });
        let of_all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&of_all);
                std::thread::spawn(move || drop(serve(client, &shared)));
            }
        });
        Self { port, shared }
    }

    /// The variables by which a role reaches the database through it.
    pub fn variables(&self, role: &str) -> Vec<(String, String)> {
        let own = [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", role.to_owned()),
            ("PGDATABASE", self.shared.database.clone()),
            ("PGSSLMODE", "disable".to_owned()),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// How many times something was passed on to another session than before.
    pub fn switches(&self) -> usize {
        self.shared.switches.load(Ordering::Relaxed)
    }
}

/// A message: its letter, and its whole text with letter and length.
type Message = (u8, Vec<u8>);

fn message(from: &mut impl Read) -> io::Result<Message> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut whole = head.to_vec();
    whole.resize(1 + length.max(4), 0);
    from.read_exact(&mut whole[5..])?;
    Ok((head[0], whole))
}

fn startup(user: &str, database: &str) -> Vec<u8> {
    let body = format!("user\0{user}\0database\0{database}\0\0");
    let mut all = (8 + body.len() as u32).to_be_bytes().to_vec();
    all.extend(196_608_u32.to_be_bytes());
    all.extend(body.as_bytes());
    all
}

fn query(sql: &str) -> Vec<u8> {
    let mut all = vec![b'Q'];
    all.extend((5 + sql.len() as u32).to_be_bytes());
    all.extend(sql.as_bytes());
    all.push(0);
    all
}

/// Reads until the server waits for the next request; gives back its messages and whether a transaction is open.
fn until_ready(from: &mut impl Read, mut send: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
    loop {
        let (letter, whole) = message(from)?;
        send(&whole)?;
        if letter == b'Z' {
            return Ok(whole[5] != b'I');
        }
    }
}

/// The session at a place, opened where it is not.
fn session<'a>(shared: &'a Shared, place: usize, user: &str) -> io::Result<MutexGuard<'a, Session>> {
    let mut session = shared.sessions[place].lock().expect("no thread fails here");
    if session.stream.is_none() {
        let variables = server_variables(&shared.database);
        let variable = |name: &str| variables.iter().find(|(key, _)| key == name).expect("a variable").1.clone();
        // Through its socket the tests' server lets everybody in.
        let socket = super::database::socket_folder();
        let mut stream = UnixStream::connect(format!("{socket}/.s.PGSQL.{}", variable("PGPORT")))?;
        stream.write_all(&startup(user, &shared.database))?;
        until_ready(&mut stream, |_| Ok(()))?;
        stream.write_all(&query(&shared.left_with[place]))?;
        until_ready(&mut stream, |_| Ok(()))?;
        session.stream = Some(stream);
    }
    Ok(session)
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = [0; 8];
    client.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let mut body = vec![0; length.saturating_sub(8)];
    client.read_exact(&mut body)?;
    if head[4..] != 196_608_u32.to_be_bytes() {
        // A request to cancel: such a pooler has nothing to hand it to.
        return Ok(());
    }
    let mut words = body.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut user = String::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name == "user" {
            user = value;
        }
    }
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 0])?;
    client.write_all(&[b'K', 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1])?;
    client.write_all(&[b'Z', 0, 0, 0, 5, b'I'])?;
    let mut held = None;
    let done = relay(&mut client, shared, &user, &mut held);
    // Whoever leaves a transaction open loses it, and the session with it.
    if let Some(mut session) = held.take() {
        session.stream = None;
    }
    done
}

/// Passes on requests and answers until the client goes. What is `held` at the end is in the middle of something.
fn relay<'a>(
    client: &mut TcpStream,
    shared: &'a Shared,
    user: &str,
    held: &mut Option<MutexGuard<'a, Session>>,
) -> io::Result<()> {
    loop {
        let mut request = Vec::new();
        loop {
            let (letter, whole) = message(client)?;
            if letter == b'X' {
                return Ok(());
            }
            // The next session knows nothing of what this one has prepared under a name.
            if letter == b'P' && whole[5] != 0 {
                return Err(io::Error::other("a statement is prepared under a name"));
            }
            request.extend(whole);
            if matches!(letter, b'S' | b'Q') {
                break;
            }
        }
        if held.is_none() {
            *held = Some(free(shared, user)?);
        }
        let stream = held.as_mut().and_then(|session| session.stream.as_mut()).expect("it is open");
        stream.write_all(&request)?;
        let is_open = until_ready(stream, |whole| client.write_all(whole))?;
        if !is_open || shared.pooling == Pooling::Statements {
            *held = None;
        }
    }
}

/// The next session that nobody uses.
fn free<'a>(shared: &'a Shared, user: &str) -> io::Result<MutexGuard<'a, Session>> {
    loop {
        for _ in 0..shared.sessions.len() {
            let place = shared.next.fetch_add(1, Ordering::Relaxed) % shared.sessions.len();
            if shared.sessions[place].try_lock().is_ok() {
                shared.switches.fetch_add(1, Ordering::Relaxed);
                return session(shared, place, user);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
