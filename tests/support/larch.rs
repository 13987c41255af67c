//! Larch, a made-up CI that deletes a job by an HTTP request for the path of the job: its tables, its profile, and its server, which
//! really deletes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::{Run, TIMES, TestDatabase, halfbuilt, psql};

/// The token of Larch's administrator.
pub const LARCH_TOKEN: &str = "larch-administrator";

/// A database of Larch, and a profile for it.
pub struct Larch {
    pub database: TestDatabase,
    pub folder: TempDir,
    pub profile: PathBuf,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub method: String,
    pub target: String,
    /// By their names in small letters, in order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A server that answers each request as a test says.
pub struct LarchServer {
    port: u16,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Larch {
    /// The headers by which the profile deletes in most tests.
    pub const HEADERS: &str = "-- delete: DELETE\n-- token: Authorization Bearer\n";

    /// A database with these rows, all of which ran at T: id, delete_path, cancel_path. Its profile has these headers.
    pub fn new(headers: &str, rows: &str) -> Self {
        let database = TestDatabase::empty();
        database.run(
            "CREATE TABLE jobs (id bigint, delete_path text, cancel_path text, project text DEFAULT 'acme/web',
                                state text DEFAULT 'running', status text DEFAULT 'running',
                                begun timestamptz DEFAULT '2026-11-20T01:50:00Z', ended timestamptz)",
        );
        if !rows.is_empty() {
            database.run(&format!("INSERT INTO jobs (id, delete_path, cancel_path) VALUES {rows}"));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let profile = folder.path().join("larch.sql");
        std::fs::write(&profile, Self::text(headers)).expect("a file");
        Self { database, folder, profile }
    }

    /// So many jobs with the paths that Larch gives them, under these headers.
    pub fn with_jobs(headers: &str, jobs: u32) -> Self {
        let rows: Vec<String> =
            (1..=jobs).map(|id| format!("({id}, '/api/jobs/{id}', '/api/jobs/{id}/cancel')")).collect();
        Self::new(headers, &rows.join(", "))
    }

    /// The profile with these headers.
    pub fn text(headers: &str) -> String {
        format!(
            "-- profile: larch
-- title: Larch CI
-- running: lost
-- queue: elsewhere
{headers}
-- relation: build
SELECT id AS build_key, 'https://larch.example/gh/' || project || '/' || id AS build_url, project, id AS build_num,
       state AS lifecycle, status, begun AS queued_at, begun AS started_at, ended AS stopped_at, delete_path, cancel_path
  FROM :\"schema\".jobs;
"
        )
    }

    /// The program over this database and profile, with T and R.
    pub fn halfbuilt(&self, arguments: &[&str]) -> Run {
        halfbuilt(arguments).args(&TIMES).args(&["--profile"]).args(&[&self.profile]).on(&self.database)
    }

    /// Scans into a file.
    pub fn scanned(&self) -> PathBuf {
        let report = self.folder.path().join("report.csv");
        self.halfbuilt(&["scan"]).args(&["-o"]).args(&[&report]).run().exits(halfbuilt::exit::Exit::Clean);
        report
    }

    /// Deletes what a report calls deletable, through this path.
    pub fn deletes(&self, report: &std::path::Path, via: &str) -> Run {
        let run = self.halfbuilt(&["delete"]).args(&[report]).args(&["--execute", "--confirm", "larch.example"]);
        run.args(&["--via", via]).env("HALFBUILT_TOKEN", LARCH_TOKEN)
    }

    /// The jobs that are there, by their numbers.
    pub fn jobs(&self) -> Vec<String> {
        let jobs = psql(&self.database.name, &["-c", "SELECT id FROM jobs ORDER BY id"]);
        jobs.lines().map(str::to_owned).collect()
    }

    /// Larch's own server: it deletes the job of a path, for its administrator.
    pub fn server(&self) -> LarchServer {
        let database = self.database.name.clone();
        LarchServer::start(move |sent| {
            if sent.header("authorization") != Some(&format!("Bearer {LARCH_TOKEN}")) {
                return answer(403, &[], "no right");
            }
            if sent.method != "DELETE" {
                return answer(405, &[], "what?");
            }
            match delete_job(&database, &sent.target) {
                true => answer(204, &[], ""),
                false => answer(404, &[], "no such job"),
            }
        })
    }
}

/// Deletes the job with a path, and says whether there was one.
pub fn delete_job(database: &str, path: &str) -> bool {
    let path = path.replace('\'', "''");
    !psql(database, &["-c", &format!("DELETE FROM jobs WHERE delete_path = '{path}' RETURNING id")]).is_empty()
}

/// An answer with a status, headers and a body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    // What has no content has no length either.
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} As Asked\r\n{headers}{length}Connection: close\r\n\r\n{body}")
}

impl LarchServer {
    /// Starts one on a free port. It ends with the process.
    pub fn start(respond: impl Fn(&Sent) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let (respond, kept) = (Arc::new(respond), Arc::clone(&sent));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (respond, kept) = (Arc::clone(&respond), Arc::clone(&kept));
                std::thread::spawn(move || {
                    // A client that hangs up needs no answer.
                    let Some(request) = read(&stream) else { return };
                    kept.lock().expect("no test has failed").push(request.clone());
                    let _ = (&stream).write_all(respond(&request).as_bytes());
                });
            }
        });
        Self { port, sent }
    }

    /// Gives each request the same answer, whatever it asks for.
    pub fn answering(answer: String) -> Self {
        Self::start(move |_| answer.clone())
    }

    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it is, as the header Host says it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that came so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("no test has failed").clone()
    }

    /// The method and the target of each request so far.
    pub fn lines(&self) -> Vec<String> {
        self.sent().iter().map(|sent| format!("{} {}", sent.method, sent.target)).collect()
    }
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

fn read(stream: &TcpStream) -> Option<Sent> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().expect("a length"))];
    reader.read_exact(&mut body).ok()?;
    Some(Sent { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
