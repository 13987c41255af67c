//! What PostgreSQL itself leaves of a backup and a restore, made for real: `times` finds the very transaction.

use std::path::Path;

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{Run, Server, halfbuilt, repository};

/// What is known by these files, on the restored server itself where one is given.
fn known(server: &Server, files: &[&str], more: &[&str], database: Option<&str>) -> (Value, Run) {
    let evidence = Path::new(server.variable("EVIDENCE"));
    let with = |run: Run| match database {
        Some(name) => run.envs(&server.variables(name)),
        None => run,
    };
    let run = || with(halfbuilt(&["times"]).args(files).args(more).at(evidence));
    let done = run().args(&["--json", "-"]).run();
    (
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr)),
        run(),
    )
}

/// A time that the server said, as the program writes it.
fn moment(server: &Server, name: &str) -> String {
    server.variable(name).parse::<jiff::Timestamp>().expect("a time").to_string()
}

fn candidates<'a>(known: &'a Value, which: &str) -> Vec<(&'a str, &'a str)> {
    let all = known["candidates"].as_array().expect("a list").iter().filter(|known| known["which"] == which);
    let text = |known: &'a Value, field: &str| known[field].as_str().expect("a text");
    all.map(|known| (text(known, "exactness"), text(known, "time"))).collect()
}

#[test]
fn a_copy_of_a_disk_holds_all_until_its_last_commit() {
    let server = Server::start("restored.sh", &["--crash"], &[]);
    let last = &*moment(&server, "LAST_COMMIT");
    let (found, _) = known(&server, &["waldump.txt"], &[], None);
    assert_eq!(candidates(&found, "T"), [("last-commit", last)]);
    assert_eq!(found["backup_time"], last);

    // Two builds: one that the crash cut, one of the restored server.
    server.psql("postgres", &["-f", repository("sql/schema.sql").to_str().expect("UTF-8")]);
    let add = |number: u32, queued: &str| {
        server.run(
            "postgres",
            &format!(
                "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
                 VALUES ('github', 'acme', 'api', {number}, 'https://ci.acme.example/gh/acme/api/{number}', 'running', 'running',
                         {queued}, {queued})"
            ),
        );
    };
    add(1, &format!("timestamptz '{last}' - interval '1 minute'"));
    add(2, "now()");
    // The two are seconds apart here.
    let close = ["--clock-tolerance", "0s"];
    let (found, page) = known(&server, &["waldump.txt"], &close, Some("postgres"));
    let recovered =
        "SELECT to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM pg_stat_bgwriter";
    let record = server.run("postgres", recovered);
    let record: jiff::Timestamp = record.parse().expect("a time");
    let restored: jiff::Timestamp = found["restored_at"].as_str().expect("R").parse().expect("a time");
    assert!(restored.duration_since(record).abs().as_secs() < 10, "{restored} {record}");
    assert_eq!((&found["backup_time"], &found["contradictions"]), (&last.into(), &Value::Array(Vec::new())));
    assert_eq!(found["database"]["server"]["timeline"], 1);
    page.run().exits(Exit::Clean).prints("nothing, and no build either");

    // The log of the first start says when the server came back, and bounds T.
    let (found, _) = known(&server, &["postgresql.log", "waldump.txt"], &close, Some("postgres"));
    assert_eq!(candidates(&found, "T")[0].0, "not-before");
    let (exactness, ready) = candidates(&found, "R")[0];
    assert_eq!((exactness, &found["restored_at"]), ("not-before", &ready.into()));
    assert!(ready > last && found["conflicts"] == Value::Array(Vec::new()), "{found}");

    add(3, &format!("timestamptz '{last}' + (timestamptz '{ready}' - timestamptz '{last}') / 2"));
    let (found, _) = known(&server, &["postgresql.log", "waldump.txt"], &close, Some("postgres"));
    let contradictions = found["contradictions"].as_array().expect("a list");
    assert!(
        contradictions[0].as_str().is_some_and(|text| text.starts_with("1 build did something between")),
        "{found}"
    );
}

#[test]
fn a_recovery_to_a_time_ends_between_two_commits() {
    let server = Server::start("restored.sh", &["--to-a-time"], &[]);
    let [last, next] = ["LAST_COMMIT", "NEXT_COMMIT"].map(|name| moment(&server, name));
    let (last, next) = (&*last, &*next);
    let (found, _) = known(&server, &["postgresql.log"], &[], None);
    let of_log = &found["candidates"][0];
    assert_eq!((&of_log["begin"], &of_log["time"]), (&last.into(), &next.into()));
    assert_eq!(found["backup_time"], next);

    // The base backup that it began with ended before; its label knows only when it began.
    let (label, _) = known(&server, &["backup_label"], &[], None);
    let (stop, _) = known(&server, &["base.backup"], &[], None);
    let (start, stop) = (candidates(&label, "T")[0], candidates(&stop, "T")[0]);
    assert_eq!((start.0, stop.0), ("not-before", "exact"));
    // Their times are in whole seconds.
    let second = |time: &str| time.parse::<jiff::Timestamp>().expect("a time").as_second();
    assert!(second(start.1) <= second(stop.1) && second(stop.1) <= second(last), "{start:?} {stop:?} {last}");

    // The server itself has the last transaction on record, whether or not it has builds.
    let (found, page) = known(&server, &[], &[], Some("postgres"));
    assert_eq!(candidates(&found, "T"), [("last-commit", last)]);
    assert_eq!(found["database"]["server"]["timeline"], 2);
    page.run().exits(Exit::Failed).prints("timeline 2").prints("could not be read:").says("profile circleci");
}
