//! JUnit XML, read back by a parser that shares nothing with what wrote it, and held to what its readers understand.
//!
//! There is no schema that all readers share. Allowed here is what both forms of `junit-10.xsd` of Jenkins' xUnit plugin have (its
//! older form, and the one after Surefire's), which that plugin holds a file to; Jenkins' own JUnit plugin reads the same without.
//! GitLab reads of a `testcase` its classname, name, time and file, and of it `failure`, `error`, `skipped` and `system-out`
//! (docs, "Unit test reports"); CircleCI shows classname, name, time, and the message and text of `failure`, `error` and `skipped`
//! (docs, "Upload test results"). Two cases of one name are one to GitLab, so each has to have its own.
//!
//! That plugin's schema itself is not ours to copy. `HALFBUILT_TEST_JUNIT_XSD=junit-10.xsd` holds each file that the tests
//! read to it too, by xmllint.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use roxmltree::{Document, Node};

/// For each element: its attributes (those that it must have first, up to the number), and what may stand in it.
const ELEMENTS: [(&str, usize, &[&str], &[&str]); 7] = [
    ("testsuites", 1, &["name", "tests", "failures", "errors", "time"], &["testsuite"]),
    (
        "testsuite",
        4,
        &["name", "tests", "failures", "errors", "skipped", "time", "timestamp"],
        &["testcase", "system-out"],
    ),
    ("testcase", 2, &["name", "classname", "time"], &["failure", "error", "skipped", "system-out"]),
    ("failure", 1, &["message", "type"], &[]),
    ("error", 1, &["message", "type"], &[]),
    ("skipped", 1, &["message", "type"], &[]),
    ("system-out", 0, &[], &[]),
];

/// How a test case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Passed,
    Failed(String),
    Error(String),
    Skipped(String),
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub class: String,
    pub name: String,
    /// How it ended; with a failure and an error, the message and the text below it.
    pub ended: Ended,
    pub system_out: String,
}

/// A file that was read and is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junit {
    pub text: String,
    pub cases: Vec<Case>,
}

impl Junit {
    /// Reads a file, and fails on anything that a reader would not understand.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&String::from_utf8(bytes).expect("UTF-8"))
    }

    #[track_caller]
    pub fn parse(text: &str) -> Self {
        // Source: XML 1.0, production 2, Char, without the control characters that it discourages.
        let allowed = |c: char| matches!(c, '\n' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        let wrong: Vec<char> = text.chars().filter(|c| !allowed(*c)).collect();
        assert!(wrong.is_empty(), "characters that XML does not have: {wrong:?}");
        if let Some(schema) = std::env::var_os("HALFBUILT_TEST_JUNIT_XSD") {
            hold_to(Path::new(&schema), text);
        }
        let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "testsuites");
        check(root);
        let suites: Vec<Node<'_, '_>> = root.children().filter(Node::is_element).collect();
        let mut cases = Vec::new();
        for suite in &suites {
            let own: Vec<Case> = elements(*suite, "testcase").map(case).collect();
            assert_counts(*suite, &own, true);
            let timestamp = suite.attribute("timestamp").expect("a timestamp");
            assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{timestamp:?}");
            cases.extend(own);
        }
        assert_counts(root, &cases, false);
        let names: BTreeSet<_> = cases.iter().map(|case| (&case.class, &case.name)).collect();
        assert_eq!(names.len(), cases.len(), "two cases have one name");
        let suite_names: BTreeSet<_> = suites.iter().map(|suite| suite.attribute("name")).collect();
        assert_eq!(suite_names.len(), suites.len(), "two suites have one name");
        Self { text: text.to_owned(), cases }
    }

    /// A case by its name.
    #[track_caller]
    pub fn case(&self, name: &str) -> &Case {
        self.cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}: {:#?}", self.cases))
    }

    /// The names of the cases of a class that ended so.
    pub fn names(&self, class: &str, ended: impl Fn(&Ended) -> bool) -> Vec<&str> {
        let cases = self.cases.iter().filter(|case| case.class == class && ended(&case.ended));
        cases.map(|case| case.name.as_str()).collect()
    }

    /// The errors, of whatever class.
    pub fn errors(&self) -> Vec<&str> {
        let message = |case: &'_ Case| matches!(case.ended, Ended::Error(_));
        self.cases.iter().filter(|case| message(case)).map(|case| case.name.as_str()).collect()
    }
}

/// Fails unless a schema allows it.
#[track_caller]
fn hold_to(schema: &Path, text: &str) {
    let mut xmllint = Command::new("xmllint");
    let xmllint = xmllint
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = xmllint.spawn().expect("xmllint, of the package libxml2-utils");
    running.stdin.take().expect("its input").write_all(text.as_bytes()).expect("a write");
    let done = running.wait_with_output().expect("its end");
    assert!(done.status.success(), "{}\n{text}", String::from_utf8_lossy(&done.stderr));
}

fn elements<'a>(node: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// Holds an element, and what stands in it, to the table.
#[track_caller]
fn check(node: Node<'_, '_>) {
    let name = node.tag_name().name();
    let (_, required, attributes, children) =
        ELEMENTS.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("unknown element {name}"));
    for attribute in node.attributes() {
        assert!(attributes.contains(&attribute.name()), "unknown attribute {} of {name}", attribute.name());
        if ["tests", "failures", "errors", "skipped"].contains(&attribute.name()) {
            assert!(attribute.value().parse::<u32>().is_ok(), "{name} {}={:?}", attribute.name(), attribute.value());
        }
        if attribute.name() == "time" {
            let plain = attribute.value().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            assert!(plain && attribute.value().parse::<f64>().is_ok(), "{name} time={:?}", attribute.value());
        }
    }
    for attribute in &attributes[..*required] {
        assert!(node.has_attribute(*attribute), "{name} has no {attribute}");
    }
    let mut seen = Vec::new();
    for child in node.children() {
        if child.is_text() && children.is_empty() {
            continue;
        }
        if child.is_text() {
            assert!(child.text().unwrap_or_default().trim().is_empty(), "text in {name}: {:?}", child.text());
            continue;
        }
        assert!(child.is_element(), "a comment or an instruction in {name}");
        let child_name = child.tag_name().name();
        assert!(children.contains(&child_name), "{child_name} in {name}");
        seen.push(child_name);
        check(child);
    }
    if name == "testcase" {
        let ends = seen.iter().filter(|child| **child != "system-out").count();
        assert!(ends <= 1 && seen.len() - ends <= 1, "a test case ends once: {seen:?}");
    }
}

fn case(node: Node<'_, '_>) -> Case {
    let attribute = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let text = |name: &str| elements_text(node, name);
    let with_text = |name: &str| {
        let child = node.children().find(|child| child.has_tag_name(name))?;
        let message = child.attribute("message").unwrap_or_default();
        Some(format!("{message}\n{}", child.text().unwrap_or_default()))
    };
    let ended = match (with_text("failure"), with_text("error"), with_text("skipped")) {
        (Some(text), _, _) => Ended::Failed(text),
        (_, Some(text), _) => Ended::Error(text),
        (_, _, Some(text)) => Ended::Skipped(text.trim_end().to_owned()),
        _ => Ended::Passed,
    };
    Case { class: attribute("classname"), name: attribute("name"), ended, system_out: text("system-out") }
}

fn elements_text(node: Node<'_, '_>, name: &str) -> String {
    let child = node.children().find(|child| child.has_tag_name(name));
    child.and_then(|child| child.text()).unwrap_or_default().to_owned()
}

/// What an element says of its cases is true.
#[track_caller]
fn assert_counts(node: Node<'_, '_>, cases: &[Case], with_skipped: bool) {
    let count = |ended: fn(&Ended) -> bool| cases.iter().filter(|case| ended(&case.ended)).count().to_string();
    let said = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
    assert_eq!(said("tests"), cases.len().to_string());
    assert_eq!(said("failures"), count(|ended| matches!(ended, Ended::Failed(_))));
    assert_eq!(said("errors"), count(|ended| matches!(ended, Ended::Error(_))));
    if with_skipped {
        assert_eq!(said("skipped"), count(|ended| matches!(ended, Ended::Skipped(_))));
    }
}
