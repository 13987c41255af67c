//! A checklist as JUnit XML: a suite for each list, a case for each item. `verdict/junit.rs` says which JUnit that is.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::checklist::{CheckedItem, Checklist, ItemOutcome};
use crate::text::Foreign;

/// The longest line that is written, in characters.
const LINE: usize = 2_000;

/// Writes it.
///
/// # Errors
/// The output cannot be written.
pub fn write(checklist: &Checklist, to: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("halfbuilt checklist");
    let mut sentence = Some(line(&checklist.sentence()));
    for (name, title) in &checklist.lists {
        let mut suite = TestSuite::new(line(&format!("halfbuilt checklist {name}: {title}")));
        suite.add_test_cases(checklist.items.iter().filter(|item| item.list == *name).map(case));
        suite.extra.insert("timestamp".into(), format!("{:.0}", checklist.began_at).into());
        if let Some(sentence) = sentence.take() {
            suite.set_system_out(sentence);
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(io::Error::other)?;
    // The schema knows no number of skipped tests on the root, which comes first.
    to.write_all(text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1).as_bytes())
}

fn case(item: &CheckedItem) -> TestCase {
    let lines = item.outcome.lines();
    let (kind, word) = match &item.outcome {
        ItemOutcome::Right { .. } => {
            let mut case = new_case(item, TestCaseStatus::success());
            case.set_system_out(text(&lines));
            return case;
        }
        ItemOutcome::NotNeeded { why } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(line(&format!("not needed: {why}")));
            return new_case(item, status);
        }
        ItemOutcome::ToDo { .. } => (NonSuccessKind::Failure, "to-do"),
        ItemOutcome::NotChecked { .. } => (NonSuccessKind::Error, "not-checked"),
    };
    let todo = item.outcome.todo().iter().map(|line| format!("do: {line}"));
    let lines: Vec<String> = lines.into_iter().chain(todo).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(lines.first().map(|first| line(first)).unwrap_or_default());
    status.set_description(text(&lines));
    new_case(item, status)
}

fn new_case(item: &CheckedItem, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(line(&format!("{}: {}", item.name, item.title)), status);
    case.set_classname(line(&format!("halfbuilt.checklist.{}", item.list)));
    case
}

/// One line. XML cannot hold most control characters, not even escaped, so their escapes are written as text.
fn line(text: &str) -> String {
    Foreign::cut(text, LINE).into()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("\n")
}
