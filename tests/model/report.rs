//! A report, read independently of the program, as rows that compare with the model's.

use halfbuilt::obstacle::gist;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::moment::Moment;
use crate::support::Report;

/// The rule of the test's own that finds every build and gives its key, so that healthy builds are compared too.
pub const WITNESS: &str = "witness";
/// Its SQL. The key is written in hexadecimal digits, which nothing on the way escapes.
pub const WITNESS_RULE: &str = "\
-- rule: witness
-- title: it is there
-- needs: build
-- deletable: never
SELECT build_key, 'key=' || encode(convert_to(build_key::text, 'UTF8'), 'hex') || '.' AS evidence FROM build;
";

/// A row of the report, without the cells that only the program can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The build's key as PostgreSQL shows it, where the witness gave it.
    pub key: Option<String>,
    pub url: Option<String>,
    pub project: Option<String>,
    pub number: Option<i64>,
    pub lifecycle: Option<String>,
    pub status: Option<String>,
    pub queued: Option<Moment>,
    pub started: Option<Moment>,
    pub stopped: Option<Moment>,
    pub last_activity: Option<Moment>,
    pub timing: String,
    /// Sorted.
    pub reasons: Vec<String>,
    pub steps: Option<i64>,
    pub steps_unfinished: Option<i64>,
    pub output_expected: Option<i64>,
    pub output_stored: Option<i64>,
    pub deletable: bool,
    /// Why it is not.
    pub note: String,
    /// It has evidence and a fingerprint, whatever they say.
    pub is_grounded: bool,
    /// Of the rows that name no build at all nobody says what their numbers mean.
    pub uncounted: bool,
}

impl Row {
    /// Project, then number; what has none comes last.
    pub fn place(&self) -> impl Ord + use<> {
        let project = self.project.clone().map(String::into_bytes);
        (project.is_none(), project, self.number.is_none(), self.number)
    }

    /// Without what CSV does not distinguish: an empty text and none.
    fn flat(mut self) -> Self {
        for text in [&mut self.url, &mut self.project, &mut self.lifecycle, &mut self.status] {
            *text = text.take().filter(|text| !text.is_empty());
        }
        self
    }

    fn uncounted(self) -> Self {
        let row = Self { steps: None, steps_unfinished: None, output_expected: None, output_stored: None, ..self };
        Self { last_activity: None, uncounted: true, ..row }
    }
}

/// What one scan said.
pub struct Said {
    pub rows: Vec<Row>,
    /// The rules that it ran, and how many builds each found.
    pub found: BTreeMap<String, u64>,
    /// Whether it distinguishes an empty text from none.
    pub flat: bool,
}

impl Said {
    /// Reads a CSV report, and the list of rules from what was said on stderr.
    pub fn csv(stdout: &str, stderr: &str) -> Self {
        let rows = Report::parse(stdout).rows.iter().map(csv_row).collect();
        let list = stderr.lines().skip_while(|line| !line.starts_with("by rule")).skip(1);
        let entry = |line: &str| {
            let (number, rule) = line.strip_prefix("  ")?.trim().split_once("  ")?;
            Some((rule.to_owned(), number.parse().ok()?))
        };
        Self { rows, found: list.map_while(entry).collect(), flat: true }
    }

    /// Reads a JSON report.
    pub fn json(stdout: &str) -> Self {
        let json: Value = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("no JSON: {error}: {stdout}"));
        let rows = json["findings"].as_array().expect("findings").iter().map(json_row).collect();
        let found = json["summary"]["by_rule"].as_object().expect("by_rule").iter();
        let found = found.map(|(rule, number)| (rule.clone(), number.as_u64().expect("a number"))).collect();
        Self { rows, found, flat: false }
    }

    /// The rules that shipped with it.
    pub fn rules(&self) -> BTreeSet<String> {
        self.found.keys().filter(|rule| *rule != WITNESS).cloned().collect()
    }

    /// What it said and what it should have said, where they differ.
    pub fn differs_from(&self, expected: Vec<Row>) -> Option<String> {
        let expected: Vec<Row> = if self.flat { expected.into_iter().map(Row::flat).collect() } else { expected };
        let witnessed = self.found.contains_key(WITNESS);
        let expected = expected.into_iter().map(|row| Row { key: row.key.filter(|_| witnessed), ..row });
        let expected: Vec<Row> = expected.collect();

        let mut said_only = self.rows.clone();
        let mut expected_only = Vec::new();
        // Rows whose numbers count come first, so that the others take what is left.
        let (loose, strict): (Vec<&Row>, Vec<&Row>) = expected.iter().partition(|row| row.uncounted);
        for row in strict.into_iter().chain(loose) {
            let fits = |said: &Row| if row.uncounted { &said.clone().uncounted() == row } else { said == row };
            match said_only.iter().position(fits) {
                Some(place) => drop(said_only.swap_remove(place)),
                None => expected_only.push(row.clone()),
            }
        }
        if !said_only.is_empty() || !expected_only.is_empty() {
            return Some(format!("halfbuilt says: {said_only:#?}\nthe model says: {expected_only:#?}"));
        }
        let order = |rows: &[Row]| rows.iter().map(|row| (row.project.clone(), row.number)).collect::<Vec<_>>();
        if order(&self.rows) != order(&expected) {
            return Some(format!("sorted as {:?}\nand not as {:?}", order(&self.rows), order(&expected)));
        }
        for (rule, number) in &self.found {
            let rows =
                self.rows.iter().filter(|row| rule == WITNESS && row.key.is_some() || row.reasons.contains(rule));
            if rows.count() as u64 != *number {
                return Some(format!("the summary has {number} of {rule}"));
            }
        }
        None
    }
}

fn csv_row(cells: &BTreeMap<String, String>) -> Row {
    // A cell that a spreadsheet would take for a formula has a mark before it.
    let text = |name: &str| {
        let cell = &cells[name];
        Some(cell.strip_prefix('\'').unwrap_or(cell).to_owned()).filter(|text| !text.is_empty())
    };
    let number = |name: &str| text(name).map(|cell| cells[name].parse().unwrap_or_else(|_| panic!("{name}: {cell:?}")));
    let time = |name: &str| text(name).map(|cell| Moment::read(&cell));
    let reasons = cells["reasons"].split(';').map(str::to_owned).collect();
    let evidence = &cells["evidence"];
    assert!(["yes", "no"].contains(&cells["deletable"].as_str()));
    with_witness(
        reasons,
        evidence,
        &cells["fingerprint"],
        Row {
            url: text("build_url"),
            project: text("project"),
            number: number("build_num"),
            lifecycle: text("lifecycle"),
            status: text("status"),
            queued: time("queued_at"),
            started: time("started_at"),
            stopped: time("stopped_at"),
            last_activity: time("last_activity_at"),
            timing: cells["timing"].clone(),
            steps: number("steps"),
            steps_unfinished: number("steps_unfinished"),
            output_expected: number("output_expected"),
            output_stored: number("output_stored"),
            deletable: cells["deletable"] == "yes",
            // With whom a build shares its name is for the fixtures to say.
            note: gist(&text("note").unwrap_or_default()),
            ..Row::default()
        },
    )
}

fn json_row(json: &Value) -> Row {
    let text = |name: &str| match &json[name] {
        Value::Null => None,
        text => Some(text.as_str().unwrap_or_else(|| panic!("{name}: {text}")).to_owned()),
    };
    let number = |name: &str| match &json[name] {
        Value::Null => None,
        number => Some(number.as_i64().unwrap_or_else(|| panic!("{name}: {number}"))),
    };
    let time = |name: &str| text(name).map(|text| Moment::read(&text));
    let reasons = json["reasons"].as_array().expect("reasons").iter();
    let reasons = reasons.map(|reason| reason.as_str().expect("a reason").to_owned()).collect();
    let (evidence, fingerprint) = (text("evidence").expect("evidence"), text("fingerprint").expect("a fingerprint"));
    with_witness(
        reasons,
        &evidence,
        &fingerprint,
        Row {
            url: text("build_url"),
            project: text("project"),
            number: number("build_num"),
            lifecycle: text("lifecycle"),
            status: text("status"),
            queued: time("queued_at"),
            started: time("started_at"),
            stopped: time("stopped_at"),
            last_activity: time("last_activity_at"),
            timing: text("timing").expect("a timing"),
            steps: number("steps"),
            steps_unfinished: number("steps_unfinished"),
            output_expected: number("output_expected"),
            output_stored: number("output_stored"),
            deletable: json["deletable"].as_bool().expect("yes or no"),
            // With whom a build shares its name is for the fixtures to say.
            note: gist(&text("note").unwrap_or_default()),
            ..Row::default()
        },
    )
}

/// The row with its reasons, and with its key where the witness found it.
fn with_witness(mut reasons: Vec<String>, evidence: &str, fingerprint: &str, row: Row) -> Row {
    reasons.sort_unstable();
    let is_grounded = !evidence.is_empty() && !fingerprint.is_empty();
    let key = reasons.iter().position(|reason| reason == WITNESS).map(|place| {
        reasons.remove(place);
        let digits = evidence.split("key=").nth(1).and_then(|rest| rest.split('.').next()).expect("a key in digits");
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        String::from_utf8(bytes).expect("UTF-8")
    });
    Row { key, reasons, is_grounded, ..row }
}
