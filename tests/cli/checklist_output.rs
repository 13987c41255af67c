//! Where a checklist goes: JSON, JUnit, Markdown, the audit page, the reminder of `delete` and its policy.

use std::fs;
use std::path::{Path, PathBuf};

use halfbuilt::checklist::Checklist;
use halfbuilt::exit::Exit;

use crate::support::{
    BACKUP_TIME, Done, Ended, Junit, RESTORED_AT, TIMES, TestDatabase, halfbuilt, repository, scanned,
};

/// An item of each outcome, one with a hostile name in what it found.
const LIST: &str = "format = \"halfbuilt-items/1\"\ntitle = \"A test\"\n\
    [[item]]\nname = \"right\"\ntitle = \"it is right\"\nwhy = \"w\"\ndo = [\"d\"]\n[[item.look]]\nfile = [\"/etc\"]\n\
    [[item]]\nname = \"to-do\"\ntitle = \"it is wrong\"\nwhy = \"it matters\"\ndo = [\"rm -rf /opt/nomad\"]\n[[item.look]]\nfile = [\"/etc/x*\"]\nabsent = true\n\
    [[item]]\nname = \"blind\"\ntitle = \"it is not known\"\nwhy = \"w\"\ndo = [\"d\"]\n[[item.look]]\ncommand = [\"true\"]\n\
    [[item]]\nname = \"nothing\"\ntitle = \"it is not there\"\nwhy = \"w\"\ndo = [\"d\"]\n[[item.look]]\nfile = [\"/none\"]\nmissing = \"not-needed\"\n";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("root/etc")).expect("a folder");
        fs::write(folder.path().join("root/etc/x\u{1b}[31m<b>@all"), "").expect("a file");
        fs::write(folder.path().join("items.toml"), LIST).expect("a file");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn look(&self, flags: &[&str]) -> Done {
        let run = halfbuilt(&["checklist", "--items"]).args(&[self.path("items.toml")]).args(&["--root"]);
        run.args(&[self.path("root")]).args(flags).run()
    }
}

#[test]
fn programs_read_json_and_it_is_read_back() {
    let bench = Bench::new();
    let json = bench.path("checklist.json").display().to_string();
    bench.look(&["--json", &json, "--restored-at", "2026-11-20T06:30:00Z"]).exits(Exit::Found).prints("to do");
    let text = fs::read_to_string(&json).expect("a file");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["format"], "halfbuilt-checklist/1");
    assert_eq!((&document["exit_code"], &document["restored_at"]), (&1.into(), &"2026-11-20T06:30:00Z".into()));
    let outcomes: Vec<&str> =
        document["items"].as_array().expect("items").iter().filter_map(|item| item["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["right", "to-do", "not-checked", "not-needed"]);
    assert_eq!(document["items"][1]["todo"][0], "rm -rf /opt/nomad");
    assert!(document["items"][2]["why_not"].as_str().expect("a reason").contains("with --root no command is run"));
    assert!(!text.contains("\\u001b"), "what is shown is harmless already: {text}");
    let back = Checklist::parse(text.as_bytes()).expect("a checklist");
    assert_eq!(back.sentence(), document["sentence"].as_str().expect("a sentence"));
    // With - there is data alone.
    let done = bench.look(&["--json", "-"]).exits(Exit::Found);
    serde_json::from_str::<serde_json::Value>(&done.stdout).expect("JSON");
    let twice = bench.look(&["--json", &json, "--junit", &json]).exits(Exit::Usage);
    twice.fails_with("--junit and --json are one file");
    let list = bench.path("items.toml").display().to_string();
    bench.look(&["--json", &list]).exits(Exit::Usage).fails_with("--json and --items are one file");
    bench.look(&["--json", "/nonexistent/x.json"]).exits(Exit::Failed).fails_with("cannot write /nonexistent/x.json");
}

#[test]
fn a_ci_reads_junit() {
    let bench = Bench::new();
    let file = bench.path("checklist.xml");
    bench.look(&["--junit", &file.display().to_string()]).exits(Exit::Found);
    let junit = Junit::read(&file);
    assert!(matches!(&junit.case("right: it is right").ended, Ended::Passed));
    let Ended::Failed(text) = &junit.case("to-do: it is wrong").ended else { panic!("{}", junit.text) };
    assert!(text.contains("etc/x\\u{1b}[31m<b>@all: it is there") && text.contains("do: rm -rf /opt/nomad"), "{text}");
    let Ended::Error(text) = &junit.case("blind: it is not known").ended else { panic!("{}", junit.text) };
    assert!(text.contains("with --root no command is run"), "{text}");
    let Ended::Skipped(why) = &junit.case("nothing: it is not there").ended else { panic!("{}", junit.text) };
    assert!(why.starts_with("not needed: not there: "), "{why}");
}

#[test]
fn a_ticket_gets_markdown_in_which_nothing_foreign_is_markup() {
    let bench = Bench::new();
    let markdown = bench.look(&["--markdown", "-"]).exits(Exit::Found).stdout;
    let html = comrak::markdown_to_html(&markdown, &comrak::Options::default());
    assert!(html.contains("<strong>it is wrong</strong> (to-do): to do"), "{html}");
    assert!(html.contains("<code>rm -rf /opt/nomad</code>") && html.contains("&lt;b&gt;"), "{html}");
    assert!(!html.contains("<b>") && !markdown.contains("@all"), "{markdown}");
    let first = markdown.lines().position(|line| line.contains("it is wrong"));
    assert!(first < markdown.lines().position(|line| line.contains("it is right")), "{markdown}");
}

#[test]
fn the_audit_page_has_a_section_of_it() {
    let bench = Bench::new();
    let report = bench.path("report.csv");
    fs::copy(repository("fixtures/circleci/stuck-running.expected.csv"), &report).expect("a report");
    let checklist = bench.path("report.csv.checklist.json").display().to_string();
    bench.look(&["--json", &checklist]).exits(Exit::Found);
    let (html, ticket) = (bench.path("audit.html"), bench.path("ticket.md"));
    let page = |flags: &[&str]| {
        let run = halfbuilt(&["report"]).args(&[&report]).args(&["--html"]).args(&[&html]).args(&["--markdown"]);
        run.args(&[&ticket]).args(flags).run()
    };
    page(&["--checklist", &checklist]).exits(Exit::Clean);
    let text = fs::read_to_string(&html).expect("a page");
    let document = scraper::Html::parse_document(&text);
    let items = scraper::Selector::parse("section[aria-labelledby=checklist] ul.checks > li").expect("a selector");
    let items: Vec<String> = document.select(&items).map(|item| item.text().collect()).collect();
    assert_eq!(items.len(), 4, "{text}");
    assert!(items[0].contains("it is wrong: to do") && items[0].contains("<b>@all: it is there"), "{items:?}");
    assert!(text.contains("<td>checklist</td>") && !text.contains("<b>@all"), "{text}");
    let text = fs::read_to_string(&ticket).expect("a ticket");
    assert!(text.contains("### Restore checklist") && text.contains("**it is wrong** (to-do): to do"), "{text}");
    assert!(!text.contains("it is right"), "{text}");
    // Without the flag there is none, and what is no checklist is refused.
    page(&[]).exits(Exit::Clean);
    assert!(!fs::read_to_string(&html).expect("a page").contains("Was the machine right?"));
    let list = bench.path("items.toml").display().to_string();
    page(&["--checklist", &list]).exits(Exit::Failed).fails_with("cannot be used as a checklist").says("it is no JSON");
    page(&["--checklist", "/nonexistent"]).exits(Exit::Failed).fails_with("cannot be used as a checklist");
}

/// Puts a checklist beside a report; with `items` of the list left out.
fn put_beside(bench: &Bench, report: &Path, without: &str) {
    let file = format!("{}.checklist.json", report.display());
    bench.look(&[&["--json", &file, "--without", without], &TIMES[..]].concat());
}

#[test]
fn delete_reminds_and_a_policy_demands() {
    let bench = Bench::new();
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, path) = scanned(&database);
    let path = path.as_path();
    let policy = bench.path("halfbuilt.toml");
    fs::write(&policy, "[delete]\nchecklist = 'required'\n").expect("a policy");
    let policy = policy.display().to_string();
    let delete = |flags: &[&str]| halfbuilt(&["delete"]).args(&[path]).args(flags).on(&database).run();
    // None there.
    delete(&[]).exits(Exit::Clean).does_not_say(".checklist.json");
    let done = delete(&["--policy", &policy]).exits(Exit::Declined);
    done.says("requires a restore checklist in which all is right: there is no ")
        .says("hint: run it on the restored machine: halfbuilt checklist --json");
    // One with something to do, or not checked, or in which nothing applied.
    for (without, said) in [
        ("nothing", "1 item is to do before builds are cleaned up: to-do; 1 item was not checked: blind"),
        ("blind", "1 item is to do before builds are cleaned up: to-do"),
        ("to-do", "1 item was not checked: blind"),
        ("to-do,blind,right", "nothing in it applied to the machine, so it says nothing"),
    ] {
        put_beside(&bench, path, without);
        let done = delete(&[]).exits(Exit::Clean).says(&format!(".checklist.json: {said}"));
        let lines = done.stderr.lines().filter(|line| line.contains(".checklist.json")).count();
        assert_eq!(lines, 1, "one line: {}", done.stderr);
        let done = delete(&["--policy", &policy]).exits(Exit::Declined).says(&format!(".checklist.json: {said}"));
        done.says("hint: run it on the restored machine");
    }
    // One in which all is right, but for what was left out.
    put_beside(&bench, path, "to-do,blind");
    delete(&[]).exits(Exit::Clean).does_not_say(".checklist.json");
    let done = delete(&["--policy", &policy]).exits(Exit::Clean);
    let root = bench.path("root").display().to_string();
    done.says(&format!(
        ".checklist.json: of the folder {root}; of a machine that is not named; left out by --without: to-do, blind"
    ));
    let file = format!("{}.checklist.json", path.display());
    let text = fs::read_to_string(&file).expect("a file");
    // One of before this restore, one of a time to come, and one of another restore.
    let (begin, rest) = text.split_once("\"began_at\": \"").expect("a time");
    let (_, end) = rest.split_once('"').expect("its end");
    let began = |at: &str| format!("{begin}\"began_at\": \"{at}\"{end}");
    let of_restore = |at: &str| text.replace(RESTORED_AT, at);
    let of_backup = |at: &str| text.replace(BACKUP_TIME, at);
    assert!(text.contains(RESTORED_AT) && text.contains(BACKUP_TIME), "{text}");
    for (text, said, hint) in [
        (began("2026-11-20T06:00:00Z"), "before R, 2026-11-20T06:30:00Z: it says nothing of this restore", "run it"),
        (began("2226-11-20T06:00:00Z"), "is of 2226-11-20T06:00:00Z, which is in the future", "is a clock wrong?"),
        (
            of_restore("2026-11-20T07:30:00Z"),
            "was run with R 2026-11-20T07:30:00Z, and R of this run is",
            "find out which",
        ),
        (
            of_backup("2026-10-20T02:00:00Z"),
            "was run with T 2026-10-20T02:00:00Z, and T of this run is 2026-11-20T02:00:00Z",
            "find out which",
        ),
        (
            text.replace("\"exit_code\": 0", "\"exit_code\": 1"),
            "cannot be used as a checklist: it was edited: its exit_code is 1, and its items come to 0",
            "run it",
        ),
    ] {
        fs::write(&file, text).expect("a file");
        delete(&[]).exits(Exit::Clean).says(said);
        delete(&["--policy", &policy]).exits(Exit::Declined).says(said).says(&format!("hint: {hint}"));
    }
    fs::write(&file, of_restore("2026-11-20T06:30:02Z")).expect("a file");
    delete(&["--policy", &policy]).exits(Exit::Clean);
    // One that does not say of which restore it is: only a policy asks.
    for (time, letter) in [(RESTORED_AT, "R"), (BACKUP_TIME, "T")] {
        fs::write(&file, text.replace(&format!("\"{time}\""), "null")).expect("a file");
        delete(&[]).exits(Exit::Clean).does_not_say(".checklist.json");
        let done = delete(&["--policy", &policy]).exits(Exit::Declined);
        done.says(&format!("does not say with which {letter} it was run")).says("hint: run it again with both times");
    }
    // One of another machine.
    fs::write(&file, text.replace("\"machine\": null", "\"machine\": \"ci-old\"")).expect("a file");
    let done = delete(&["--policy", &policy]).exits(Exit::Clean);
    done.says(&format!("of the folder {root}; of machine ci-old, not of this one; left out"));
    // One that says nothing at all.
    let empty =
        "{\"format\":\"halfbuilt-checklist/1\",\"began_at\":\"2026-11-20T07:00:00Z\",\"lists\":[],\"items\":[]}";
    fs::write(&file, empty).expect("a file");
    delete(&["--policy", &policy]).exits(Exit::Declined).says("nothing in it applied to the machine");
    // One that is none.
    fs::write(&file, "{\"format\":\"halfbuilt-checklist/2\"}").expect("a file");
    delete(&[]).exits(Exit::Clean).says("warning: ").says("cannot be used as a checklist: its format is");
    delete(&["--policy", &policy]).exits(Exit::Declined).says("cannot be used as a checklist");
    // A report of which R is not known.
    let copy = bench.path("copy.csv");
    fs::copy(path, &copy).expect("a report");
    put_beside(&bench, &copy, "to-do,blind");
    let unknown = |flags: &[&str]| {
        let run = halfbuilt(&["delete"]).args(&[&copy]).args(&["--backup-time", "2026-11-20T02:00:00Z"]);
        run.args(flags).on(&database).run()
    };
    unknown(&[]).does_not_say("R is not known, so that");
    let done = unknown(&["--policy", &policy]).exits(Exit::Declined);
    done.says("R is not known, so that nothing says whether").says("hint: --restored-at says it");
    // Builds that are chosen by no report.
    let done = halfbuilt(&["delete", "-", "--policy", &policy]).on(&database).args(&TIMES);
    let done = done.input(&fs::read_to_string(path).expect("a report")).run().exits(Exit::Declined);
    done.says("the builds are chosen by no report, beside which one could stand");
}

#[test]
fn lists_are_printed_and_the_printed_one_is_the_one_that_ships() {
    for name in ["circleci-2", "circleci-4"] {
        let printed = halfbuilt(&["checklist", "--print", name]).run().exits(Exit::Clean).stdout;
        let file = repository(&format!("src/checklist/lists/{name}.toml"));
        assert_eq!(printed, fs::read_to_string(file).expect("a list"));
    }
    let unknown = halfbuilt(&["checklist", "--print", "circleci-3"]).run().exits(Exit::Usage);
    unknown.fails_with("no list of items is named \"circleci-3\"").says("hint: did you mean circleci-");
    halfbuilt(&["checklist", "--items", "/nonexistent.toml"]).run().exits(Exit::Failed).fails_with("cannot read");
    // One that ships, by its name, applies wherever it is asked for.
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display().to_string();
    let done = halfbuilt(&["checklist", "--items", "circleci-2", "--root", &root]).run().exits(Exit::Failed);
    done.prints("CircleCI Server 2.x after a restore (list circleci-2)");
}
