//! Reports and lists of builds, as people edit them.

use halfbuilt::build_url::{AddressForm, BuildUrl};
use halfbuilt::finding::Finding;
use halfbuilt::obstacle::Obstacle;
use halfbuilt::report::{Chosen, Judged, ReportError, ReportWriter, read};
use halfbuilt::timing::Timing;

/// The base URL of a report without `build_url`.
const BASE: &str = "https://ci.example.com";

/// A row that is read is certain and plain. It reads back the same after it is written, with any line ends and byte order mark. An error
/// is printable.
pub fn check(bytes: &[u8]) {
    let forms = [AddressForm::CircleCi, AddressForm::AsWritten];
    for (form, base_url) in forms.into_iter().flat_map(|form| [(form, None), (form, Some(BASE))]) {
        let rows = match read(bytes, form, base_url) {
            Ok(rows) => rows,
            Err(error) => {
                cannot_be_read(&error);
                continue;
            }
        };
        let text = std::str::from_utf8(bytes).expect("what was read is text");
        rows.iter().for_each(|row| is_certain(row, form));
        assert!(rows.iter().map(|row| row.line).is_sorted_by(|before, after| before < after), "lines out of order");
        assert!(rows.last().is_none_or(|row| row.line <= text.lines().count() as u64 + 1), "a line after the end");
        reads_the_same_however_it_was_saved(text, (form, base_url), &rows);
        if rows.iter().all(|row| row.judged.is_some()) {
            reads_the_same_when_written_again(&rows, form);
        } else {
            let list: String = rows.iter().map(|row| format!("{}\n", row.url.as_ref().expect("a URL"))).collect();
            let again = read(list.as_bytes(), form, None).expect("a list");
            assert!(again.iter().map(|row| &row.url).eq(rows.iter().map(|row| &row.url)), "a list reads differently");
        }
    }
}

fn cannot_be_read(error: &ReportError) {
    super::assert_error_printable(error);
    if let Some(hint) = error.hint() {
        super::assert_printable(&hint);
    }
}

fn is_certain(row: &Chosen, form: AddressForm) {
    assert_eq!(BuildUrl::parse_in(form, &row.url_text).ok(), row.url, "{:?}", row.url_text);
    row.url.iter().for_each(super::build_url::assert_plain);
    match &row.judged {
        Some(judged) => {
            assert!(row.url.is_some() || !judged.deletable, "deletable without a URL");
            assert!(judged.fingerprint.len() == 32 && judged.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        None => assert!(row.url.is_some() && row.reasons.is_empty()),
    }
}

/// With other line ends, with a byte order mark, or with blank lines at the end.
fn reads_the_same_however_it_was_saved(text: &str, (form, base_url): (AddressForm, Option<&str>), rows: &[Chosen]) {
    let mut saved = vec![format!("{text}\n\n")];
    if !text.starts_with('\u{feff}') {
        saved.push(format!("\u{feff}{text}"));
    }
    if !text.contains(['\r', '"']) {
        saved.push(text.replace('\n', "\r\n"));
    }
    for other in saved {
        let again = read(other.as_bytes(), form, base_url).unwrap_or_else(|error| panic!("{other:?}: {error}"));
        assert_eq!(again, rows, "{other:?}");
    }
}

fn reads_the_same_when_written_again(rows: &[Chosen], form: AddressForm) {
    let mut report = ReportWriter::new(Vec::new()).expect("a report");
    for row in rows {
        report.write(&finding(row)).expect("a row");
    }
    let report = report.finish().expect("a report");
    let again = read(report.as_slice(), form, None).expect("a report");
    let without_lines = |rows: &[Chosen]| rows.iter().map(without_line).collect::<Vec<_>>();
    assert_eq!(without_lines(&again), without_lines(rows), "{}", String::from_utf8_lossy(&report));
    let mut cells = csv::ReaderBuilder::new().from_reader(report.as_slice());
    for record in cells.records() {
        for cell in &record.expect("a row") {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "a spreadsheet would compute {cell:?}");
        }
    }
}

/// A row without its place, and without the note of one that is deletable, which is the program's own.
fn without_line(row: &Chosen) -> Chosen {
    let mut row = Chosen { line: 0, ..row.clone() };
    if let Some(judged) = row.judged.as_mut().filter(|judged| judged.deletable) {
        judged.note.clear();
    }
    row
}

fn finding(row: &Chosen) -> Finding {
    let judged = row.judged.as_ref();
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Finding {
        key: String::new(),
        build_url: text(&row.url_text),
        project: row.project.clone(),
        build_num: judged.and_then(|judged| judged.build_num),
        lifecycle: text(&row.url_text),
        status: row.project.clone(),
        queued_at: judged.and_then(|judged| judged.queued_at),
        started_at: judged.and_then(|judged| judged.started_at),
        stopped_at: None,
        last_activity_at: None,
        last_work_at: None,
        timing: judged.map_or(Timing::Unknown, |judged| judged.timing),
        reasons: row.reasons.clone(),
        evidence: format!("{}\n{:?}", row.url_text, row.project),
        steps: Some(1),
        steps_unfinished: None,
        output_expected: None,
        output_stored: Some(0),
        same_address: None,
        delete_path: None,
        cancel_path: None,
        obstacles: judged.and_then(obstacle).into_iter().collect(),
        unlisted: judged.is_some_and(|judged| judged.deletable && !judged.note.is_empty()),
        fingerprint: judged.map(|judged| judged.fingerprint.clone()).unwrap_or_default(),
    }
}

/// The row's note as an obstacle. A deletable row has none.
fn obstacle(judged: &Judged) -> Option<Obstacle> {
    (!judged.deletable).then(|| Obstacle::RuleSays(judged.note.clone()))
}
