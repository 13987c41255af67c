//! The database, and the admin server, restarted in the middle.

use std::net::TcpStream;
use std::process::Child;
use std::time::{Duration, Instant};

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Gate, Hearing, Server, TOKEN, wait_until};
use crate::world::{World, at_once};

/// A PostgreSQL and an admin server of one test's own.
struct Servers {
    postgres: Server,
    admin: Server,
}

/// The database in which it deletes.
const DATABASE: &str = "restarted";

impl Servers {
    /// They end with the process.
    fn start() -> &'static Self {
        let postgres = Server::start("postgres.sh", &[], &[]);
        let token = ("ADMIN_TOKEN".to_owned(), TOKEN.to_owned());
        let admin = Server::start("admin.sh", &[], &[postgres.variables(DATABASE), vec![token]].concat());
        Box::leak(Box::new(Self { postgres, admin }))
    }

    fn via(&self, over_http: bool) -> String {
        match over_http {
            true => format!("http://127.0.0.1:{}/admin/delete-build", self.admin.variable("HTTP_PORT")),
            false => format!("nrepl://127.0.0.1:{}", self.admin.variable("NREPL_PORT")),
        }
    }

    fn world(&'static self) -> World {
        World::on(&self.postgres, DATABASE, self.admin.variable("CALLS"), &mut Random::new(41), 150)
    }
}

/// A run in the middle: some builds are gone, and the next ones stand before a gate.
struct Middle {
    child: Child,
    hearing: Hearing,
    gate: Gate,
}

fn in_the_middle(world: &World, via: &str) -> Middle {
    let gate = world.gate(12);
    let mut child = world.delete(via).args(&["--jobs", "4"]).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    Middle { child, hearing, gate }
}

/// Waits until nobody listens any more where a server was.
fn is_away(server: &Server, port: &str) {
    let port: u16 = server.variable(port).parse().expect("a port");
    wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// All is done, by this run or by the same command once more. Tells what the first one said.
fn comes_to_its_end(world: &World, first: Done, via: &str) -> String {
    if first.code != Some(Exit::Clean as i32) {
        // It could not do it all, and said so.
        assert!([Some(3), Some(5)].contains(&first.code), "{:?} {}", first.code, first.stderr);
        world.nothing_else_is_gone();
        wait_until(|| world.delete(via).run().code == Some(Exit::Clean as i32));
    }
    world.all_is_done();
    world.each_call_was_announced();
    first.stderr
}

#[test]
fn a_server_stops_however_slowly_the_command_arrives() {
    let postgres = Server::start("postgres.sh", &[], &[]);
    postgres.command_slowly("stop INT");
    is_away(&postgres, "PGPORT");
}

#[test]
fn the_database_is_restarted_and_the_run_waits_for_it() {
    // PostgreSQL's fast shutdown and its immediate one.
    at_once(vec![("INT", false), ("QUIT", true)], |_, (how, over_http)| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let Middle { child, hearing, gate } = in_the_middle(&world, &via);
        servers.postgres.command(&format!("stop {how}"));
        // With the database the gate is gone, too.
        hearing.wait_for("the database is away, trying again");
        is_away(&servers.postgres, "PGPORT");
        servers.postgres.command("start");
        comes_to_its_end(&world, hearing.done(child), &via);
        gate.open();
    });
}

#[test]
fn the_admin_server_is_killed_and_comes_back_and_the_run_waits_for_it() {
    at_once(vec![false, true], |_, over_http| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let Middle { child, hearing, gate } = in_the_middle(&world, &via);
        servers.admin.command("stop KILL");
        is_away(&servers.admin, "NREPL_PORT");
        gate.open();
        servers.admin.command("start");
        let said = comes_to_its_end(&world, hearing.done(child), &via);
        assert!(said.contains("waiting ") || said.contains("lost connection"), "{said}");
    });
}

#[test]
#[ignore = "a run waits for more than a minute before it gives up"]
fn who_does_not_come_back_is_given_up_and_the_same_command_goes_on_later() {
    at_once(vec![(false, true), (false, false), (true, false)], |_, (over_http, of_database)| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let Middle { child, hearing, gate } = in_the_middle(&world, &via);
        let server = if of_database { &servers.postgres } else { &servers.admin };
        server.command(if of_database { "stop QUIT" } else { "stop KILL" });
        let began = Instant::now();
        is_away(server, if of_database { "PGPORT" } else { "NREPL_PORT" });
        gate.open();
        let first = hearing.done(child);
        assert!(began.elapsed() < Duration::from_secs(120), "it took {:?}", began.elapsed());
        let expected = if of_database { Exit::Failed } else { Exit::NotAllDeleted };
        first.exits(expected).says("to continue: ");
        server.command("start");
        wait_until(|| world.delete(&via).run().code == Some(Exit::Clean as i32));
        world.all_is_done();
        world.each_call_was_announced();
    });
}
