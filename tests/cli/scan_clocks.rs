//! The clock of the database and that of this machine: either may be wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use halfbuilt::exit::Exit;
use jiff::{SignedDuration, Timestamp};

use crate::support::{NOBODY, Run, TIMES, TestDatabase, halfbuilt, scanned, server_variables};

/// PostgreSQL's times count from here, in microseconds since 1970. Source: its manual, "Date/Time Types".
const ZERO: i64 = 946_684_800_000_000;
/// What is so close to now was read from a clock, in microseconds: the fixtures hold nothing so young.
const NOW: i64 = 3_600_000_000;

/// A database whose clock goes so much ahead: a proxy moves every time that is about now. Gives back its port.
fn with_clock(ahead: SignedDuration) -> u16 {
    let variables = server_variables("postgres");
    let server = variables.iter().find(|(name, _)| name == "PGPORT").expect("a port").1.clone();
    let server = format!("127.0.0.1:{server}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let ahead = i64::try_from(ahead.as_micros()).expect("a length");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&server).expect("the server answers");
            for socket in [&client, &server] {
                socket.set_nodelay(true).expect("an option");
            }
            let (from, to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            std::thread::spawn(move || pass_on(from, to));
            std::thread::spawn(move || move_times(server, client, ahead));
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Passes on message by message. Source: PostgreSQL manual, "Message Formats": a letter, and a length that counts itself.
fn move_times(mut server: TcpStream, mut client: TcpStream, ahead: i64) {
    let mut head = [0; 5];
    while server.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4;
        let mut body = vec![0; length];
        if server.read_exact(&mut body).is_err() {
            break;
        }
        if head[0] == b'D' {
            move_row(&mut body, ahead);
        }
        if client.write_all(&[&head[..], &body].concat()).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// Moves the times in a row: how many columns, and for each its length and its bytes.
fn move_row(row: &mut [u8], ahead: i64) {
    let now = Timestamp::now().as_microsecond() - ZERO;
    let mut at = 2;
    while at + 4 <= row.len() {
        let length = i32::from_be_bytes(row[at..at + 4].try_into().expect("four bytes"));
        at += 4;
        let length = usize::try_from(length).unwrap_or_default();
        if let Ok(bytes) = <[u8; 8]>::try_from(&row[at..at + length]) {
            let time = i64::from_be_bytes(bytes);
            if (time - now).abs() < NOW {
                row[at..at + 8].copy_from_slice(&(time + ahead).to_be_bytes());
            }
        }
        at += length;
    }
}

fn through(run: Run, database: &TestDatabase, port: u16) -> Run {
    run.on(database).env("PGHOST", "127.0.0.1").env("PGPORT", &port.to_string()).env("PGSSLMODE", "disable")
}

#[test]
fn a_time_that_is_yet_to_come_by_the_databases_clock_is_refused() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let report = report.to_str().expect("UTF-8");
    // The database's clock shows the day before T, whatever day this is: by this machine's nothing is wrong with T or R.
    let day_before: Timestamp = "2026-11-19T02:00:00Z".parse().expect("a time");
    let port = with_clock(day_before.duration_since(Timestamp::now()));
    let list = ["delete", report, NOBODY[0], NOBODY[1], "--max-age", "9999h"];
    for command in [&["scan"][..], &["verify"], &list] {
        let done = through(halfbuilt(command).args(&TIMES), &database, port).run().exits(Exit::Usage);
        done.fails_with("--backup-time 2026-11-20T02:00:00Z is in the future by the database's clock, which shows 20")
            .says("hint: is a clock wrong, the database's or this machine's?");
        let between = ["--backup-time", "2020-01-01T00:00:00Z", "--restored-at", "2026-11-20T06:30:00Z"];
        let done = through(halfbuilt(command).args(&between), &database, port).run().exits(Exit::Usage);
        done.says("--restored-at 2026-11-20T06:30:00Z is in the future by the database's clock");
    }
    let done = through(halfbuilt(&["manifest"]).args(&TIMES[..2]), &database, port).run().exits(Exit::Usage);
    done.fails_with("is after the database's present");
    // The other way round: by this machine's own clock.
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let port = with_clock(SignedDuration::from_hours(48));
    let done = through(halfbuilt(&["scan", "--backup-time", &tomorrow.to_string()]), &database, port).run();
    done.exits(Exit::Usage).fails_with("is in the future");
}

#[test]
fn clocks_that_are_apart_are_said_to_be() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let report = report.to_str().expect("UTF-8");
    for (ahead, said) in [
        (SignedDuration::from_hours(3), "is 3h ahead of this machine's"),
        (SignedDuration::from_mins(-30), "is 30m behind this machine's"),
    ] {
        let port = with_clock(ahead);
        for command in [&["scan"][..], &["verify"], &["delete", report, NOBODY[0], NOBODY[1]]] {
            for times in [&TIMES[..], &[]] {
                let done = through(halfbuilt(command).args(times), &database, port).run();
                assert!(
                    done.stderr.contains(&format!("warning: the database's clock {said}")),
                    "{command:?}: {}",
                    done.stderr
                );
            }
        }
    }
    for seconds in [0, 30, -30] {
        let port = with_clock(SignedDuration::from_secs(seconds));
        let done = through(halfbuilt(&["scan"]).args(&TIMES), &database, port).run().exits(Exit::Clean);
        done.does_not_say("the database's clock is");
    }
}
