//! A build is read again before it is deleted, and that reading is fresh when the deletion is written to an open connection, however
//! long it takes until there is one.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use halfbuilt::exit::Exit;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use tempfile::TempDir;

use crate::delete_gates::delete;
use crate::support::{
    Hearing, Report, Run, TIMES, TOKEN, TestDatabase, admin, deletable, halfbuilt, psql, scanned, wait_until,
};

/// Longer than a reading stays fresh, so that no test has to be quick.
const SLOW: Duration = Duration::from_millis(3200);

/// A host that only a proxy finds.
const PROXIED: &str = "admin.proxied.example";

/// A database, its report, and the addresses of what may be deleted.
struct World {
    database: TestDatabase,
    folder: TempDir,
    chosen: Vec<String>,
}

impl World {
    fn new() -> Self {
        let database = TestDatabase::circleci(&["stuck-running"]);
        let (folder, report) = scanned(&database);
        let chosen = deletable(&Report::read(&report));
        Self { database, folder, chosen }
    }

    /// Deletes the first `number` of the chosen builds.
    fn delete(&self, number: usize, via: &str) -> Run {
        let run = halfbuilt(&["delete", "-", "--execute", "--confirm", &self.database.host, "--via", via]).args(&TIMES);
        run.on(&self.database).input(&(self.chosen[..number].join("\n") + "\n"))
    }

    /// What makes the first build come to its end, so that it is sound.
    fn recovery(&self) -> impl Fn() + Send + 'static {
        let (name, url) = (self.database.name.clone(), self.chosen[0].clone());
        let sql = format!(
            "UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20T01:59:59Z' WHERE build_url = '{url}';
             UPDATE actions SET end_time = '2026-11-20T01:59:59Z', output_size = NULL
              WHERE build_id = (SELECT build_id FROM builds WHERE build_url = '{url}')"
        );
        move || drop(psql(&name, &["-c", &sql]))
    }
}

/// A server on TLS whose handshake takes its time; `serve` gets each connection, and its number from 0, when it is done.
fn slow_tls(world: &World, before: impl Fn(usize) + Send + 'static, serve: Serve) -> (String, PathBuf) {
    slow_server(world, before, serve, None)
}

/// The same, or one behind a proxy that takes its time: what the proxy reads is kept.
fn slow_server(
    world: &World,
    before: impl Fn(usize) + Send + 'static,
    serve: Serve,
    proxied: Option<Arc<Mutex<Vec<String>>>>,
) -> (String, PathBuf) {
    let proxied = Arc::new(proxied);
    let (acceptor, certificate) = acceptor().expect("TLS");
    let file = world.folder.path().join("ca.pem");
    std::fs::write(&file, certificate).expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let via = format!("https://{}/admin", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (acceptor, serve) = (Arc::new(acceptor), Arc::new(serve));
        for (number, stream) in listener.incoming().flatten().enumerate() {
            before(number);
            let (acceptor, serve) = (Arc::clone(&acceptor), Arc::clone(&serve));
            let (proxied, mut stream) = (Arc::clone(&proxied), stream);
            std::thread::spawn(move || {
                std::thread::sleep(SLOW);
                if let Some(heads) = &*proxied {
                    let Some(head) = connect_head(&mut stream) else { return };
                    heads.lock().expect("no panic").push(head);
                }
                // A client that has gone by now wants nothing.
                if let Ok(stream) = acceptor.accept(stream) {
                    serve(number, stream);
                }
            });
        }
    });
    (via, file)
}

/// What a proxy reads; it says that it has connected.
fn connect_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    Some(String::from_utf8_lossy(&head).into_owned())
}

type Serve = Box<dyn Fn(usize, SslStream<TcpStream>) + Send + Sync>;

/// A certificate for 127.0.0.1 and for [`PROXIED`], signed by itself.
fn acceptor() -> Result<(SslAcceptor, Vec<u8>), openssl::error::ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "slow")?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    let (from, until) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let names =
        SubjectAlternativeName::new().ip("127.0.0.1").dns(PROXIED).build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    builder.sign(&key, MessageDigest::sha256())?;
    let certificate = builder.build();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_private_key(&key)?;
    acceptor.set_certificate(&certificate)?;
    Ok((acceptor.build(), certificate.to_pem()?))
}

/// Reads one request of HTTP; `None` where the client wants nothing.
fn request(stream: &mut impl Read) -> Option<String> {
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        said.extend_from_slice(&buffer[..read]);
        // The body is one object of JSON without another in it.
        if said.ends_with(b"}") {
            return Some(String::from_utf8_lossy(&said).into_owned());
        }
    }
}

/// The address of a build in a request.
fn url_in(request: &str) -> String {
    let from = request.find("https://").expect("an address");
    request[from..].split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn a_build_that_recovers_while_a_slow_server_sets_up_tls_is_kept() {
    let world = World::new();
    let (recovers, sent) = (world.recovery(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&sent);
    let count = move |_, mut stream: SslStream<TcpStream>| {
        if request(&mut stream).is_some() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    let (via, ca) = slow_tls(
        &world,
        move |number| {
            if number == 0 {
                recovers()
            }
        },
        Box::new(count),
    );
    let done = world.delete(1, &via).env("HALFBUILT_TOKEN", TOKEN).args(&["--ca-file"]).args(&[ca]).run();
    let results = Report::parse(&done.exits(Exit::NotAllDeleted).stdout);
    assert_eq!((results.column("state"), sent.load(Ordering::SeqCst)), (vec!["recovered"], 0));
}

#[test]
fn a_server_whose_every_connection_takes_long_deletes_all_the_same_and_nothing_is_sent_twice() {
    let world = World::new();
    let (serve, calls) = deleting(&world);
    let (via, ca) = slow_tls(&world, |_| {}, serve);
    let number = world.chosen.len().min(3);
    let done = world.delete(number, &via).env("HALFBUILT_TOKEN", TOKEN).args(&["--ca-file"]).args(&[ca]).run();
    let done = done.exits(Exit::Clean).says("the builds are read again");
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted"), number);
    let calls = calls.lock().expect("no panic");
    assert_eq!((calls.len(), calls.values().sum::<usize>()), (number, number), "{calls:?}");
}

/// Deletes what it is asked to, one build for each connection; returns how often each was asked for.
fn deleting(world: &World) -> (Serve, Arc<Mutex<HashMap<String, usize>>>) {
    let calls = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let (noted, name) = (Arc::clone(&calls), world.database.name.clone());
    let serve = move |_, mut stream: SslStream<TcpStream>| {
        let Some(request) = request(&mut stream) else { return };
        let url = url_in(&request);
        psql(&name, &["-c", &format!("DELETE FROM builds WHERE build_url = '{url}'")]);
        *noted.lock().expect("no panic").entry(url).or_default() += 1;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.shutdown();
    };
    (Box::new(serve), calls)
}

#[test]
fn a_proxy_that_takes_long_makes_nothing_old_and_never_hears_the_token() {
    let world = World::new();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (serve, calls) = deleting(&world);
    let (via, ca) = slow_server(&world, |_| {}, serve, Some(Arc::clone(&heads)));
    let proxy = via.replace("https://", "http://me:secret@").replace("/admin", "");
    let run = world.delete(1, &format!("https://{PROXIED}/admin")).args(&["--ca-file"]).args(&[ca]);
    let done = run.env("HALFBUILT_TOKEN", TOKEN).env("HTTPS_PROXY", &proxy).run().exits(Exit::Clean);
    done.says("the builds are read again").does_not_say("secret");
    assert_eq!(calls.lock().expect("no panic").values().sum::<usize>(), 1);
    let heads = heads.lock().expect("no panic").join("");
    assert!(heads.starts_with(&format!("CONNECT {PROXIED}:443 HTTP/1.1\r\n")), "{heads}");
    // me:secret
    assert!(heads.to_lowercase().contains("proxy-authorization: basic ") && heads.contains("bWU6c2VjcmV0"), "{heads}");
    assert!(!heads.contains(TOKEN), "{heads}");
}

#[test]
fn a_server_that_is_never_ready_in_time_is_an_error_after_a_while() {
    let world = World::new();
    let (via, ca) = slow_tls(&world, |_| {}, Box::new(|_, stream| drop(stream)));
    let done = world.delete(1, &via).env("HALFBUILT_TOKEN", TOKEN).args(&["--ca-file"]).args(&[ca]).run();
    let done = done.exits(Exit::NotAllDeleted).says("the admin path is too slow: 3 times in a row");
    let results = Report::parse(&done.stdout);
    assert_eq!(results.column("state"), ["not-attempted"]);
}

/// A server that closes a connection which lies idle, as it does after the first answer; each new one takes its time. What it is asked
/// to delete while it is slow is not deleted.
#[test]
fn a_build_that_recovers_during_a_reconnect_is_kept() {
    let world = World::new();
    let (recovers, sent) = (world.recovery(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&sent);
    // Ready too late, and closed before it is used; then the same again while the build recovers.
    let serve = move |number, mut stream: SslStream<TcpStream>| {
        if number > 0 && request(&mut stream).is_some() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    let (via, ca) = slow_tls(
        &world,
        move |number| {
            if number == 1 {
                recovers()
            }
        },
        Box::new(serve),
    );
    let done = world.delete(1, &via).env("HALFBUILT_TOKEN", TOKEN).args(&["--ca-file"]).args(&[ca]).run();
    let results = Report::parse(&done.exits(Exit::NotAllDeleted).stdout);
    assert_eq!((results.column("state"), sent.load(Ordering::SeqCst)), (vec!["recovered"], 0));
}

/// An nREPL that knows the function, is slow to open any session but the first, and closes the first two connections as soon as they
/// are ready. `before` is called with the number of each connection from 0. Counts the deletions that it is asked for.
fn slow_nrepl(before: impl Fn(usize) + Send + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let via = format!("nrepl://{}", listener.local_addr().expect("an address"));
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            before(number);
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || nrepl(number, stream, &counted));
        }
    });
    (via, sent)
}

fn nrepl(number: usize, mut stream: TcpStream, sent: &AtomicUsize) -> Option<()> {
    let mut buffer = [0; 8192];
    loop {
        // Each message comes in one piece: the client writes it at once.
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        let said = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let id = said.split("2:id").nth(1).and_then(|rest| rest.split_once(':'));
        let id = id.map(|(length, rest)| &rest[..length.parse().expect("a length")])?;
        let answers = |more: &str| format!("d2:id{}:{id}{more}6:statusl4:doneee", id.len());
        if said.contains("5:clone") {
            if number > 0 {
                std::thread::sleep(SLOW);
            }
            stream.write_all(answers("11:new-session1:s").as_bytes()).ok()?;
        } else if said.contains("ns-resolve") {
            let var = "#'circle.http.api.admin-commands/delete-build";
            // The keys of a dictionary are sorted.
            let answer = format!("d2:id{}:{id}6:statusl4:donee5:value{}:{var}e", id.len(), var.len());
            stream.write_all(answer.as_bytes()).ok()?;
            if number < 2 {
                return Some(());
            }
        } else if said.contains("delete-build") {
            sent.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answers("").as_bytes()).ok()?;
        } else {
            stream.write_all(answers("").as_bytes()).ok()?;
        }
    }
}

#[test]
fn a_build_that_recovers_while_an_nrepl_is_slow_to_open_a_session_is_kept_however_often_it_is_slow() {
    let world = World::new();
    let recovers = world.recovery();
    let (via, sent) = slow_nrepl(move |number| {
        if number == 2 {
            recovers()
        }
    });
    let results = Report::parse(&world.delete(1, &via).run().exits(Exit::NotAllDeleted).stdout);
    assert_eq!((results.column("state"), sent.load(Ordering::SeqCst)), (vec!["recovered"], 0));
}

/// What a console has to know to play its part: `hear` answers the next question, be it for the function or a deletion; deletions are on
/// record in `sent`.
const CONSOLE: &str = r#"
mark() { printf %s "$line" | sed 's/.*reverse "\([a-p]*\)".*/\1/' | rev; }
units() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../00&/g' | tr a-f A-F; }
say() { m=$(mark); printf '\n%s%s%s%s\n' "$m" V "$(units "$1")" "$m"; }
hear() { IFS= read -r line || exit 0; case $line in
  *delete-build\ \"*) echo "$line" >> "$DIR/sent"; say nil;;
  *) say "[#'circle.http.api.admin-commands/delete-build nil]";; esac; }
echo >> "$DIR/starts"
"#;

#[test]
fn a_build_that_recovers_while_a_console_is_slow_to_start_is_kept_however_often_it_is_slow() {
    let world = World::new();
    let at = |name: &str| world.folder.path().join(name);
    let (recovers, over) = (world.recovery(), Arc::new(AtomicBool::new(false)));
    let (asked, done_file, ended) = (at("recover"), at("recovered"), Arc::clone(&over));
    let recovering = std::thread::spawn(move || {
        wait_until(|| asked.exists() || ended.load(Ordering::SeqCst));
        recovers();
        std::fs::write(done_file, "").expect("a file");
    });
    let slow = SLOW.as_secs_f32();
    let script = format!(
        "DIR='{}'\n{CONSOLE}
         case $(wc -l < \"$DIR/starts\") in
           1) hear; exit;;
           2) sleep {slow}; hear; first=$line; while [ \"$line\" = \"$first\" ]; do hear; done; exit;;
           3) : > \"$DIR/recover\"; while [ ! -e \"$DIR/recovered\" ]; do sleep 0.1; done; sleep {slow};;
         esac
         while :; do hear; done",
        world.folder.path().display()
    );
    let file = at("console.sh");
    std::fs::write(&file, script).expect("a file");
    let done = world.delete(1, &format!("console:exec sh '{}'", file.display())).run();
    over.store(true, Ordering::SeqCst);
    recovering.join().expect("it ends");
    let results = Report::parse(&done.exits(Exit::NotAllDeleted).stdout);
    assert_eq!((results.column("state"), at("sent").exists()), (vec!["recovered"], false));
}

/// Passwords that last for minutes are common, and a long run outlives them.
#[test]
fn a_run_that_reconnects_reads_the_password_file_again() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let role = format!("changing_{}", database.name);
    database.run(&format!("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'first'"));
    let file = folder.path().join("passwords");
    let write = |password: &str| {
        std::fs::write(&file, format!("*:*:*:{role}:{password}\n")).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    };
    write("first");
    let admin = admin(&database);
    let gate = database.gate(1);
    let run = delete(&database, &report).via_nrepl(&admin).args(&["--execute", "--confirm", &database.host]);
    let run = run.env("PGUSER", &role).env("PGPASSWORD", "").env("PGPASSFILE", &file.display().to_string());
    let mut child = run.start();
    let hearing = Hearing::of(&mut child);
    hearing.wait_for("deleting ");
    gate.wait_for(1);
    write("second");
    database.run(&format!(
        "ALTER ROLE {role} PASSWORD 'second';
         SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{role}'"
    ));
    gate.open();
    hearing.done(child).exits(Exit::Clean).says("the database is away, trying again");
    database.run(&format!("DROP ROLE {role}"));
}
