//! Reports, read independently of the program.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::repository;

/// Has the file beside a report be as a scan would have written it: with the SHA-256 of all its fields but that one.
pub fn seal(about: &mut Value) {
    about.as_object_mut().expect("an object").remove("sha256");
    let digest = Sha256::digest(about.to_string());
    about["sha256"] = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
}

/// The rows of a CSV file, each cell by its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub header: Vec<String>,
    pub rows: Vec<BTreeMap<String, String>>,
}

impl Report {
    /// Reads CSV.
    pub fn parse(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let row = |record: csv::StringRecord| {
            header.iter().cloned().zip(record.iter().map(str::to_owned)).collect::<BTreeMap<_, _>>()
        };
        let rows = reader.records().map(|record| row(record.expect("a row"))).collect();
        Self { header, rows }
    }

    /// Reads a CSV file.
    pub fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// One column, from top to bottom.
    pub fn column(&self, name: &str) -> Vec<&str> {
        self.rows.iter().map(|row| row[name].as_str()).collect()
    }

    /// The row of a build.
    #[track_caller]
    pub fn row(&self, project: &str, number: &str) -> &BTreeMap<String, String> {
        let found = self.rows.iter().find(|row| row["project"] == project && row["build_num"] == number);
        found.unwrap_or_else(|| panic!("no row of {project} {number}"))
    }

    /// How many rows have this in that column.
    pub fn count(&self, column: &str, value: &str) -> usize {
        self.column(column).into_iter().filter(|cell| *cell == value).count()
    }

    /// The same with the fingerprints left out, which nobody can write by hand.
    pub fn without_fingerprints(mut self) -> Self {
        for row in &mut self.rows {
            row.insert("fingerprint".to_owned(), String::new());
        }
        self
    }
}

/// The report that stands beside a CircleCI fixture, made by hand.
pub fn expected_report(fixture: &str) -> Report {
    Report::read(&repository(&format!("fixtures/circleci/{fixture}.expected.csv")))
}

/// How many rows of the report that was made by hand each rule has.
pub fn by_rule(fixture: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for reasons in expected_report(fixture).column("reasons") {
        reasons.split(';').for_each(|rule| *counts.entry(rule.to_owned()).or_default() += 1);
    }
    counts
}
