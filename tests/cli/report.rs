//! `halfbuilt report`: the audit page, made of files alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use halfbuilt::build_url::BuildUrl;
use halfbuilt::exit::Exit;
use scraper::{ElementRef, Html, Selector};
use sha2::{Digest, Sha256};

use crate::support::{
    ALL_TIMINGS, Done, Report, Run, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, repository, scanned,
};
use crate::what_a_person_sees::{Says, shows};

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sha256(file: &Path) -> String {
    Sha256::digest(std::fs::read(file).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// No database is named: all comes from files.
fn report(report: &Path) -> Run {
    halfbuilt(&["report"]).args(&[report])
}

fn html(report: &Path) -> PathBuf {
    report.with_file_name("audit.html")
}

fn page(report_file: &Path, more: &[&str]) -> (Done, Html) {
    let file = html(report_file);
    let done = report(report_file).args(&["--html"]).args(&[&file]).args(more).run().exits(Exit::Clean);
    assert_eq!(done.stdout, "");
    (done, Html::parse_document(&std::fs::read_to_string(file).expect("a page")))
}

/// The numbers of a table, by the name of the row.
fn numbers(page: &Html, caption: &str) -> BTreeMap<String, u64> {
    let tables = all(page, "table");
    let table = tables.iter().find(|table| table.child_elements().next().is_some_and(|first| text(first) == caption));
    let table = Html::parse_fragment(&table.unwrap_or_else(|| panic!("no table {caption}")).html());
    let number = |row: ElementRef<'_>| {
        let row = Html::parse_fragment(&format!("<table>{}</table>", row.html()));
        let name = text(all(&row, "th > bdi, th:not(:has(bdi))")[0]);
        (name, text(all(&row, "td.number")[0]).replace(',', "").parse().expect("a number"))
    };
    all(&table, "tbody tr").into_iter().map(number).collect()
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    words.for_each(|word| *counts.entry(word.to_owned()).or_default() += 1);
    counts
}

#[test]
fn the_page_says_what_was_found_and_deleted() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running", "output-gap", "step-unfinished"]);
    let (folder, file) = scanned(&database);
    let found = Report::read(&file);
    let to_delete = deletable(&found).len() as u64;
    let kept = found.rows.len() as u64 - to_delete;
    let journal = folder.path().join("run.journal");
    let journal = journal.to_str().expect("UTF-8");
    let real = ["--execute", "--confirm", &database.host, "--max-percent", "100", "--journal", journal];
    let allow = ["--allow", "times-contradicted=1"];
    halfbuilt(&["delete"])
        .args(&[&file])
        .args(&TIMES)
        .args(&["-o"])
        .args(&[folder.path().join("results.csv")])
        .args(&real)
        .args(&allow)
        .args(&ALL_TIMINGS)
        .via_nrepl(&admin(&database))
        .on(&database)
        .run()
        .exits(Exit::NotAllDeleted);
    let (done, page) = page(&file, &["--journal", journal]);
    let sentence = format!(
        "{} of {} builds are abnormal; {to_delete} were deleted and proved gone, {kept} were not touched.",
        found.rows.len(),
        text(all(&page, ".figures dd")[0])
    );
    done.says(&sentence).does_not_say("warning").says(&format!("written to {}", html(&file).display()));
    assert_eq!(text(all(&page, ".verdict > span")[0]), sentence);
    assert_eq!(numbers(&page, "By timing"), counted(found.column("timing").into_iter()));
    assert_eq!(numbers(&page, "By project"), counted(found.column("project").into_iter()));
    assert_eq!(
        numbers(&page, "By rule"),
        counted(found.column("reasons").into_iter().flat_map(|cell| cell.split(';')))
    );
    let ended = BTreeMap::from([("deleted".to_owned(), to_delete), ("refused".to_owned(), kept)]);
    assert_eq!(numbers(&page, "What became of the builds"), ended);
    let rows = all(&page, "table.rows tbody tr");
    assert_eq!(rows.len(), found.rows.len());
    for (shown, row) in rows.into_iter().zip(&found.rows) {
        let shown = text(shown);
        assert!(shown.contains(&row["evidence"]) && shown.contains(&row["fingerprint"]), "{shown}");
        assert!(shown.contains(&row["note"]), "{shown}");
    }
    let whole = text(all(&page, "main")[0]);
    for file in [&file, Path::new(journal), &folder.path().join("report.csv.about.json")] {
        assert!(whole.contains(&sha256(file)), "{}", file.display());
    }
    for said in [
        "2026-11-20 02:00:00 UTC",
        "4 h 30 min after the backup",
        "It adds up",
        "nrepl://127.0.0.1:",
        "Its chain is whole",
    ] {
        assert!(whole.contains(said), "{said}");
    }
}

#[test]
fn hostile_findings_stay_text() {
    let database = TestDatabase::circleci(&["hostile"]);
    let (_folder, file) = scanned(&database);
    let found = Report::read(&file);
    let (_, page) = page(&file, &[]);
    let written = std::fs::read_to_string(html(&file)).expect("a page");
    assert_eq!(written.matches("<script").count(), 1);
    let is_plain = |c: char| !c.is_control() || c == '\n';
    assert!(written.chars().all(is_plain));
    let links: Vec<&str> =
        all(&page, "table.rows a").into_iter().filter_map(|link| link.value().attr("href")).collect();
    let sound =
        found.column("build_url").into_iter().filter_map(|url| BuildUrl::parse(url).ok().map(|url| url.to_string()));
    assert_eq!(links, sound.collect::<Vec<_>>());
    let shown = text(all(&page, "table.rows")[0]);
    for said in [
        "javascript:alert(1)//gh/acme/api/9614",
        "\\u{1b}[31mred\\u{1b}[0m",
        "say \"no\", then\\nstop",
        "=1+1",
        "del\\u{7f}",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn a_ticket_goes_to_standard_output_too() {
    let file = tempfile::tempdir().expect("a folder");
    let report_file = file.path().join("report.csv");
    std::fs::copy(repository("fixtures/circleci/output-gap.expected.csv"), &report_file).expect("a copy");
    let done = report(&report_file).args(&["--markdown", "-"]).run().exits(Exit::Clean);
    let rows = Report::read(&report_file).rows.len();
    assert!(done.stdout.starts_with("## Restore of ci.acme.example: attention\n"), "{}", done.stdout);
    assert!(done.stdout.contains(&format!("### Found: {rows} builds")), "{}", done.stdout);
    assert!(done.stdout.contains("What was checked is not known"), "{}", done.stdout);
    done.does_not_say("written to -");
    // Both at once.
    let ticket = file.path().join("ticket.md");
    let done =
        report(&report_file).args(&["--html"]).args(&[html(&report_file)]).args(&["--markdown"]).args(&[&ticket]).run();
    done.exits(Exit::Clean).says_all_of("report_into_two_files");
    assert!(ticket.exists() && html(&report_file).exists());
}

#[test]
fn what_cannot_be_trusted_makes_no_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.csv");
    let good = std::fs::read_to_string(repository("fixtures/circleci/output-gap.expected.csv")).expect("a file");
    let mut seen = Seen::default();
    let mut fails = |what: &str, text: &str, more: &[&str]| {
        std::fs::write(&file, text).expect("a file");
        let done = report(&file).args(&["--html"]).args(&[html(&file)]).args(more).run().exits(Exit::Failed);
        assert!(!html(&file).exists(), "there is a page");
        seen.add(what, &done.fails_with("error:"));
    };
    fails("a timing that is none", &good.replacen("in-flight", "lately", 1), &[]);
    fails("a plain list", "https://ci.example.com/gh/acme/api/1\n", &[]);
    fails("an empty file", "", &[]);
    fails("--journal /nonexistent", &good, &["--journal", "/nonexistent"]);
    let journal = folder.path().join("run.journal");
    std::fs::write(&journal, "{\"format\":\"halfbuilt-journal/1\",\"seq\":1,\n").expect("a file");
    fails("a line of a journal that is no event", &good, &["--journal", journal.to_str().expect("UTF-8")]);
    std::fs::write(folder.path().join("report.csv.about.json"), "{}").expect("a file");
    fails("a file beside it that says nothing", &good, &[]);
    shows(&seen, "report_of_files_that_cannot_be_trusted");
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.csv");
    std::fs::copy(repository("fixtures/circleci/output-gap.expected.csv"), &file).expect("a copy");
    let before = sha256(&file);
    let link = folder.path().join("link.html");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let mut seen = Seen::default();
    for (line, page) in [("--html report.csv", &file), ("--html link.html, a link to report.csv", &link)] {
        let done = report(&file).args(&["--html"]).args(&[page]).run().exits(Exit::Usage);
        seen.add(line, &done.fails_with("error:"));
    }
    let done = report(&file).args(&["--html", "x", "--markdown", "x"]).run().exits(Exit::Usage);
    seen.add("--html x --markdown x", &done.fails_with("error:"));
    seen.add("neither", &report(&file).run().exits(Exit::Usage));
    shows(&seen, "report_into_one_file");
    assert_eq!(sha256(&file), before);
}

#[test]
fn rows_that_were_taken_out_are_missed() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, file) = scanned(&database);
    let text_of = std::fs::read_to_string(&file).expect("a report");
    let lines: Vec<&str> = text_of.split_inclusive('\n').collect();
    std::fs::write(&file, lines[..lines.len() - 1].concat()).expect("a write");
    let (_, page) = page(&file, &[]);
    let checks = text(all(&page, ".checks .no")[0]);
    let (all, left) = (lines.len() - 1, lines.len() - 2);
    assert!(checks.contains(&format!("the scan found {all} builds, and the report has {left}.")), "{checks}");
}
