//! Texts that are meant to do harm, in the database, in the report and in what servers answer: nothing of them is executed, nothing
//! reaches a terminal as it is, and nothing is deleted that was not chosen.

use std::path::Path;
use std::process::Command;

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Admin, Done, Report};
use crate::world::{World, at_once};

/// What is there if anything was executed.
fn trap(world: &World) -> String {
    world.folder.path().join("executed").display().to_string()
}

/// For Clojure, SQL, shells, spreadsheets, terminals, CSV and the journal.
fn texts(trap: &str) -> Vec<String> {
    vec![
        format!("#=(spit \"{trap}\" 1)"),
        format!("\")(spit \"{trap}\" 1)(admin/delete-build \""),
        "'); DROP TABLE builds CASCADE; --".to_owned(),
        "$1 %s {} \\N :builds".to_owned(),
        format!("$(touch {trap})"),
        format!("`touch {trap}`; touch {trap} | touch {trap} && touch {trap}"),
        "=cmd|' /C calc'!A0".to_owned(),
        "@SUM(A1:A9)".to_owned(),
        "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred".to_owned(),
        "\u{9b}31m\u{7f}\u{202e}txt.exe\u{2028}\u{200b}".to_owned(),
        "\",deleted,\"\r\n=1+1,deleted,".to_owned(),
        "\"}\n{\"seq\":1,\"event\":\"result\",\"state\":\"deleted\"}\n".to_owned(),
    ]
}

fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A world whose builds, steps and output hold such texts, wherever the database takes any.
fn world(seed: u64) -> (World, Admin) {
    let (mut world, admin) = World::new(&mut Random::new(seed), 60);
    let texts = texts(&trap(&world));
    let values: Vec<String> = texts.iter().enumerate().map(|(n, text)| format!("({n}, {})", sql_text(text))).collect();
    world.run(&format!(
        "CREATE TEMPORARY TABLE hostile AS SELECT * FROM (VALUES {}) AS hostile (n, said);
         UPDATE builds SET status = said, branch = said, subject = said, why = said, job_name = said
           FROM hostile WHERE n = build_id % {count};
         UPDATE steps SET name = said FROM hostile WHERE n = (build_id + step) % {count};
         UPDATE actions SET name = said, bash_command = said, type = said, output_size = 99
           FROM hostile WHERE n = (build_id + step) % {count};
         UPDATE output SET message = convert_to(said, 'UTF8') FROM hostile WHERE n = output_id % {count};
         UPDATE artifacts SET path = said FROM hostile WHERE n = build_id % {count}",
        values.join(", "),
        count = texts.len()
    ));
    let mut random = Random::new(seed);
    world.choose(|_| random.percent(50));
    (world, admin)
}

/// A character that a terminal obeys, or that makes a text read other than it is.
fn drives_a_terminal(c: char) -> bool {
    c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}'))
}

#[track_caller]
fn is_plain(what: &str, text: &str) {
    let found = text.lines().find(|line| line.chars().any(drives_a_terminal));
    assert_eq!(found, None, "{what} holds what a terminal obeys");
}

/// Nothing was executed, and all that was written and said can be looked at.
#[track_caller]
fn no_harm(world: &World, done: &Done) {
    let read =
        |file: &Path| std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(!Path::new(&trap(world)).exists(), "something was executed");
    is_plain("stderr", &done.stderr);
    is_plain("stdout", &done.stdout);
    is_plain("the journal", &read(&world.journal()));
    is_plain("the results", &read(&world.results()));
    let verified = crate::support::halfbuilt(&["journal", "verify"]).args(&[world.journal()]).run();
    is_plain("journal verify", &verified.exits(Exit::Clean).stdout);
    for row in Report::read(&world.results()).rows {
        assert!(row.values().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "a formula: {row:?}");
    }
    world.nothing_else_is_gone();
}

#[test]
fn in_the_database() {
    at_once(vec![false, true], |number, over_http| {
        let (world, admin) = world(600 + number);
        let via = if over_http { admin.http() } else { admin.nrepl() };
        let run = world.delete(&via).args(&["--archive"]).args(&[world.archive()]);
        let done = run.run().exits(Exit::Clean);
        no_harm(&world, &done);
        // The evidence holds these texts, or this test proves nothing.
        let journal = std::fs::read_to_string(world.journal()).expect("a journal");
        for part in ["DROP TABLE", "$(touch", "#=(spit", "[2J", "=cmd"] {
            assert!(journal.contains(part), "{part} is nowhere in the journal");
        }
        world.all_is_done();
        world.each_call_was_announced();
        world.all_is_archived();
        let zcat = Command::new("zcat").arg(world.archive()).output().expect("zcat starts");
        let text = String::from_utf8(zcat.stdout).expect("UTF-8");
        let obeyed = |c: char| c != '\n' && c.is_ascii_control() && c != '\u{7f}';
        assert!(!text.contains(obeyed), "the archive holds what a terminal obeys");
        assert!(text.contains("DROP TABLE") && text.contains("\\u001b]0;owned"), "the output is in the archive");
    });
}

/// Writes the report again, with each cell changed by a function.
fn rewrite(world: &World, report: &Report, cell: impl Fn(usize, &str, &str) -> String) {
    let mut writer = csv::Writer::from_path(world.report()).expect("a file");
    writer.write_record(&report.header).expect("a row");
    for (number, row) in report.rows.iter().enumerate() {
        writer.write_record(report.header.iter().map(|column| cell(number, column, &row[column]))).expect("a row");
    }
}

#[test]
fn in_the_addresses_of_a_report() {
    let (world, admin) = World::new(&mut Random::new(620), 10);
    let report = Report::read(&world.report());
    for text in texts(&trap(&world)) {
        let host = &world.host;
        let url = report.rows[1]["build_url"].as_str();
        let spoilt = [
            text.clone(),
            format!("{url}/{text}"),
            format!("{url}\" \"{url}"),
            format!("https://{host}/gh/acme/{text}/1"),
            format!("https://{host}/gh/{text}/api/1"),
            format!("https://{host}{text}/gh/acme/api/1"),
        ];
        // An anchor or a query, such as people paste it, is left out: then it is the build's own address.
        for address in spoilt.into_iter().filter(|address| !address.starts_with(&format!("{url}/#"))) {
            rewrite(&world, &report, |number, column, cell| match (number, column) {
                (1, "build_url") => address.clone(),
                _ => cell.to_owned(),
            });
            // One such row, and nothing is done at all.
            let done = world.delete(&admin.nrepl()).run();
            assert!([Some(3), Some(6)].contains(&done.code), "{address:?}: {:?} {}", done.code, done.stderr);
            is_plain("stderr", &done.stderr);
            assert!(!world.journal().exists() && !world.results().exists(), "{address:?}: something was begun");
            assert!(!Path::new(&trap(&world)).exists(), "something was executed");
        }
    }
    assert_eq!((world.left(), world.calls().len()), (world.chosen.len(), 0));
}

#[test]
fn in_the_words_of_a_report() {
    let (world, admin) = World::new(&mut Random::new(621), 40);
    let report = Report::read(&world.report());
    let texts = texts(&trap(&world));
    rewrite(&world, &report, |number, column, cell| match column {
        "status" | "evidence" => texts[number % texts.len()].clone(),
        // The project is what --project and --deny judge by: one that is not the address's own is another one.
        "project" if number % 3 == 0 => texts[number % texts.len()].clone(),
        _ => cell.to_owned(),
    });
    let done = world.delete(&admin.nrepl()).run();
    no_harm(&world, &done);
    let results = Report::read(&world.results());
    assert_eq!(results.rows.len(), report.rows.len());
    assert_eq!(results.count("state", "deleted"), world.chosen.len() - world.left(), "{}", done.stderr);
    assert_eq!(world.calls().len(), world.chosen.len() - world.left());
    world.each_call_was_announced();
}

#[test]
fn in_what_servers_answer() {
    at_once((0..texts("/nowhere").len()).collect(), |seed, number| {
        let (world, admin) = World::new(&mut Random::new(640 + seed), 10);
        let via = if number % 2 == 0 { admin.nrepl() } else { admin.http() };
        let text = format!("no luck {}", texts(&trap(&world))[number]);
        admin.fails_with(world.database(), &text);
        let done = world.delete(&via).run().exits(Exit::NotAllDeleted).says("no luck");
        no_harm(&world, &done);
        assert_eq!((world.left(), world.calls().len()), (world.chosen.len(), 1), "{}", done.stderr);
    });
}
