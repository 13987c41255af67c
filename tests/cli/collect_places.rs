//! Places from which, or into which, `collect` and what reads again cannot work: one clear error each.

use std::io::{Read, Write};
use std::net::TcpListener;

use halfbuilt::exit::Exit;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::support::{API_TOKEN, Collection, Done, StandIn, halfbuilt, server_variables};

/// Starts a server that answers every request as if it were the API of a server without a build, by a clock that is this far ahead. Gives its
/// address. It ends with the process.
fn empty_server(ahead: SignedDuration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 8192];
            // A client that has gone needs no answer.
            let length = stream.read(&mut request).unwrap_or_default();
            let is_me = request[..length].windows(4).any(|bytes| bytes == b"/me ");
            let body = if is_me { r#"{"login":"ada","admin":true}"# } else { "[]" };
            let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&(Timestamp::now() + ahead));
            let head = format!(
                "HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                date.expect("a date"),
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn a_server_whose_clock_is_wrong_is_collected_with_a_warning_and_proves_nothing() {
    let hour = SignedDuration::from_hours(1);
    let collection = Collection::of(StandIn::small());
    let said = collection.collect_from(&empty_server(hour), &["--all"]).run().says("1h ahead of");
    assert!(said.stderr.contains("warning: "), "{}", said.stderr);
    let collection = Collection::of(StandIn::small());
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    for (ahead, words) in [(hour, "1h ahead of"), (-hour, "1h behind")] {
        let server = empty_server(ahead);
        collection.database.run(&format!("UPDATE halfbuilt.collection SET source = '{server}'"));
        let again = collection.reads(&["verify", "--source", &server]).env("HALFBUILT_TOKEN", API_TOKEN);
        again.run().exits(Exit::Failed).fails_with(words).says("hint: ");
    }
    // Within what two machines may differ by, it is asked.
    let server = empty_server(SignedDuration::from_mins(4));
    collection.database.run(&format!("UPDATE halfbuilt.collection SET source = '{server}'"));
    let again = collection.reads(&["verify", "--source", &server]).env("HALFBUILT_TOKEN", API_TOKEN);
    again.run().does_not_say("ahead of");
    assert_eq!(collection.addresses("gone_at IS NOT NULL"), Vec::<String>::new());
}

/// Whoever owns a table decides what code runs when others write to it.
#[test]
fn code_of_others_is_not_run_as_the_role_that_collects() {
    let collection = Collection::of(StandIn::small());
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    let role = format!("other_{}", collection.database.name);
    let fetched = || collection.server.calls().iter().filter(|call| call.contains(" /api/v1.1/project/")).count();
    let before = fetched();
    let refuses = |done: Done, who: &str| {
        done.exits(Exit::Failed)
            .fails_with(&format!("belong to others, whose code would run as role {who}"))
            .says("hint: collect as a role that owns them and is no superuser, or --into private");
        assert_eq!(fetched(), before, "no build was asked for");
    };
    let into = format!("dbname={} user={role} password=other", collection.database.name);
    let as_other = || {
        let run = halfbuilt(&["collect", &collection.server.http(), "--into", &into, "--all"]);
        run.env("HALFBUILT_TOKEN", API_TOKEN).envs(&server_variables(&collection.database.name)).run()
    };
    // A role that is no superuser writes to the tables of another, and code that the other left there would run.
    collection.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'other'; GRANT USAGE ON SCHEMA halfbuilt TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA halfbuilt TO {role};
         CREATE FUNCTION halfbuilt.mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER mine BEFORE INSERT ON halfbuilt.document FOR EACH ROW EXECUTE FUNCTION halfbuilt.mine()"
    ));
    refuses(as_other(), &role);
    collection.database.run(
        "DROP TRIGGER mine ON halfbuilt.document;
         CREATE RULE mine AS ON DELETE TO halfbuilt.output DO INSTEAD NOTHING",
    );
    refuses(as_other(), &role);
    // A superuser writes to nobody else's tables: the next statement of their owner may leave code there.
    collection
        .database
        .run(&format!("DROP RULE mine ON halfbuilt.output; ALTER TABLE halfbuilt.document OWNER TO {role}"));
    let superuser = collection.database.run("SELECT current_user");
    refuses(collection.collect(&["--all"]).run(), &superuser);
    let source = collection.server.http();
    let again = collection.reads(&["verify", "--source", &source]).env("HALFBUILT_TOKEN", API_TOKEN);
    refuses(again.run(), &superuser);
}
