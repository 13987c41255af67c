//! The database, and the admin server, restarted in the middle.

use std::process::Child;
use std::time::{Duration, Instant};

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Server, TOKEN, wait_until};
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
        let world = World::on(&self.postgres, DATABASE, self.admin.variable("CALLS"), &mut Random::new(41), 150);
        world.slow(0.01);
        world
    }
}

/// Starts a slow deletion and waits until it is in the middle.
fn in_the_middle(world: &World, via: &str) -> Child {
    let all = world.chosen.len();
    let child = world.delete(via).args(&["--jobs", "4", "--timeout", "10s"]).start();
    wait_until(|| world.left() + 10 < all);
    child
}

/// All is done, by this run or by the same command once more. Tells what the first one said.
fn comes_to_its_end(world: &World, child: Child, via: &str) -> String {
    let first = Done::new(child.wait_with_output().expect("it ends"));
    if first.code != Some(Exit::Clean as i32) {
        // It could not do it all, and said so.
        assert!([Some(3), Some(5)].contains(&first.code), "{:?} {}", first.code, first.stderr);
        world.nothing_else_is_gone();
        let until = Instant::now() + Duration::from_secs(20);
        let again = || world.delete(via).run();
        let mut done = again();
        while done.code != Some(Exit::Clean as i32) && Instant::now() < until {
            done = again();
        }
        done.exits(Exit::Clean);
    }
    world.all_is_done();
    world.each_call_was_announced();
    first.stderr
}

#[test]
fn the_database_is_restarted_and_the_run_waits_for_it() {
    // PostgreSQL's fast shutdown and its immediate one.
    at_once(vec![("INT", false), ("QUIT", true)], |_, (how, over_http)| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let child = in_the_middle(&world, &via);
        servers.postgres.tell(&format!("stop {how}"));
        std::thread::sleep(Duration::from_millis(1500));
        servers.postgres.tell("start");
        let said = comes_to_its_end(&world, child, &via);
        assert!(said.contains("the database is away, trying again"), "{how}: {said}");
    });
}

#[test]
fn the_admin_server_is_killed_and_comes_back_and_the_run_waits_for_it() {
    at_once(vec![false, true], |_, over_http| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let child = in_the_middle(&world, &via);
        servers.admin.tell("stop KILL");
        servers.admin.tell("start");
        let said = comes_to_its_end(&world, child, &via);
        assert!(said.contains("waiting ") || said.contains("lost connection"), "{said}");
    });
}

#[test]
#[ignore = "a run waits for more than a minute before it gives up"]
fn who_does_not_come_back_is_given_up_and_the_same_command_goes_on_later() {
    at_once(vec![(false, true), (false, false), (true, false)], |_, (over_http, of_database)| {
        let servers = Servers::start();
        let (world, via) = (servers.world(), servers.via(over_http));
        let child = in_the_middle(&world, &via);
        let server = if of_database { &servers.postgres } else { &servers.admin };
        server.tell(if of_database { "stop QUIT" } else { "stop KILL" });
        let began = Instant::now();
        let first = Done::new(child.wait_with_output().expect("it ends"));
        assert!(began.elapsed() < Duration::from_secs(120), "it took {:?}", began.elapsed());
        let expected = if of_database { Exit::Failed } else { Exit::NotAllDeleted };
        first.exits(expected).says("to go on: ");
        server.tell("start");
        wait_until(|| world.delete(&via).run().code == Some(Exit::Clean as i32));
        world.all_is_done();
        world.each_call_was_announced();
    });
}
