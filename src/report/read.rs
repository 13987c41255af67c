//! Reads a report, or a plain list of URLs, row by row. Whatever is not certain is an error: what is read here is
//! deleted later.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use csv::StringRecord;

use crate::build_url::{BuildUrl, BuildUrlError};
use crate::file_access::{LONGEST_LINE, REPORT, size};
use crate::text::shorten;
use crate::timing::Timing;

use super::cell::restored;
use super::choice::{Chosen, Judged};
use super::columns::{BETWEEN_REASONS, NOTE};

/// How much of a foreign text is shown in a message, in characters.
const SHOWN: usize = 80;
/// How much of the URL of a build is shown in a message, in characters.
const SHOWN_URL: usize = 300;
/// How many bytes of a file are read at once.
const PIECE: usize = 64 << 10;
/// The first line of a list that was cut out of a report.
const LIST_HEADER: &str = "build_url";
/// How many hexadecimal digits a fingerprint has.
const FINGERPRINT_DIGITS: usize = 32;

/// A report or a list that cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
    /// It is too large to be a report.
    #[error("it is larger than {}", size(REPORT.largest))]
    TooLarge,
    /// A line is too long to be one of a report.
    #[error("line {line}: it is longer than {}", size(LONGEST_LINE))]
    LongLine {
        /// Counted from 1.
        line: u64,
    },
    /// It is not UTF-8.
    #[error("line {line}: it is not UTF-8")]
    NotUtf8 {
        /// Counted from 1.
        line: u64,
    },
    /// There is nothing in it.
    #[error("it is empty: neither a report with its header row nor a list of URLs")]
    Empty,
    /// It is something else that this program wrote.
    #[error("it is {0}, not a report")]
    SomethingElse(&'static str),
    /// The cells are not separated by commas.
    #[error("its cells are separated by {0:?}, not by commas")]
    Separator(char),
    /// The first line is neither a header nor a URL.
    #[error("line {line}: expected the header row of a report or the URL of a build, found {found:?}")]
    Neither {
        /// Counted from 1.
        line: u64,
        /// The start of the line.
        found: String,
    },
    /// A column that is needed is not there, or there twice.
    #[error("the header row has {how} column {column:?}")]
    Column {
        /// `no` or `more than one`.
        how: &'static str,
        /// Its name.
        column: &'static str,
    },
    /// A row has more or fewer cells than the header.
    #[error("line {line}: the row has {found} cells, the header has {expected}")]
    Cells {
        /// Counted from 1.
        line: u64,
        /// How many it has.
        found: u64,
        /// How many it should have.
        expected: u64,
    },
    /// A cell holds what it cannot hold.
    #[error("line {line}: {column} {value:?}: expected {expected}")]
    Cell {
        /// Counted from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The start of what it holds.
        value: String,
        /// What it can hold.
        expected: &'static str,
    },
    /// The address is not one of a build.
    #[error("line {line}: {text:?} is not the URL of a build")]
    Url {
        /// Counted from 1.
        line: u64,
        /// The start of the text.
        text: String,
        /// Why.
        source: BuildUrlError,
    },
    /// One build stands there twice.
    #[error("line {line}: {url} stands there a second time, first on line {first}")]
    Twice {
        /// Counted from 1.
        line: u64,
        /// The build.
        url: String,
        /// Where it stands first.
        first: u64,
    },
    /// The CSV itself is broken.
    #[error("it is not CSV")]
    Csv(#[source] csv::Error),
}

impl ReportError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Cells { .. } => "was the file cut, or a cell edited without its quotes? scan again",
            Self::Column { .. } => "the columns of a report are listed in the README; separate them by commas",
            Self::Separator(_) => "save it as CSV with commas",
            Self::SomethingElse(_) => "give the report that `halfbuilt scan -o` wrote",
            Self::Url { text, .. } if text.starts_with('/') => "--base-url https://HOST completes it",
            Self::NotUtf8 { .. } => "save it as \"CSV UTF-8\"",
            Self::Url { .. } => {
                "expected https://HOST/VCS/ORG/PROJECT/NUMBER, such as https://ci.example.com/gh/acme/api/1234"
            }
            Self::Twice { .. } => "keep one of the two rows",
            Self::Neither { .. } => "give a report that `halfbuilt scan -o` wrote, or one URL a line",
            Self::Cell { .. } => "scan again, or leave the row out",
            Self::Read(_) | Self::TooLarge | Self::LongLine { .. } | Self::Empty | Self::Csv(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// Reads a report or a list. `base_url` completes addresses that begin at the path (`/gh/acme/api/1234`).
///
/// A build whose row says that it is not deletable may have any address or none; every other has to have a good one.
///
/// # Errors
/// The first thing that cannot be trusted, with its line.
pub fn read(from: impl Read, base_url: Option<&str>) -> Result<Vec<Chosen>, ReportError> {
    let bytes = read_lines(from)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReportError::NotUtf8 { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64 }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let chosen = if looks_like_a_header(text)? { read_csv(text)? } else { read_list(text, base_url)? };
    refuse_doubles(&chosen)?;
    Ok(chosen)
}

/// All bytes of a file: not many times as large as it may be, and without reading on where no line ends.
fn read_lines(from: impl Read) -> Result<Vec<u8>, ReportError> {
    let mut from = BufReader::with_capacity(PIECE, from.take(REPORT.largest + 1));
    let (mut bytes, mut line, mut length) = (Vec::new(), 1, 0);
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        for byte in piece {
            (line, length) = if *byte == b'\n' { (line + 1, 0) } else { (line, length + 1) };
            if length >= LONGEST_LINE {
                return Err(ReportError::LongLine { line });
            }
        }
        bytes.extend_from_slice(piece);
        let taken = piece.len();
        from.consume(taken);
        if bytes.len() as u64 > REPORT.largest {
            return Err(ReportError::TooLarge);
        }
    }
}

fn looks_like_a_header(text: &str) -> Result<bool, ReportError> {
    let first = text.lines().enumerate().find(|(_, line)| is_entry(line));
    let (index, first) = first.ok_or(ReportError::Empty)?;
    let first = first.trim();
    let unquoted = first.trim_matches('"');
    if first == LIST_HEADER || ["http://", "https://", "/"].iter().any(|begin| unquoted.starts_with(begin)) {
        return Ok(false);
    }
    if first.starts_with('{') {
        return Err(ReportError::SomethingElse("JSON"));
    }
    if let Some(separator) = [';', '\t'].into_iter().find(|c| first.starts_with(&format!("build_url{c}"))) {
        return Err(ReportError::Separator(separator));
    }
    if first.contains("build_url") || first.contains(',') {
        return Ok(true);
    }
    Err(ReportError::Neither { line: index as u64 + 1, found: shorten(first, SHOWN) })
}

/// Blank lines and lines that begin with `#` are no entries of a list.
fn is_entry(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn read_list(text: &str, base_url: Option<&str>) -> Result<Vec<Chosen>, ReportError> {
    let entries = text.lines().enumerate().filter(|(_, line)| is_entry(line) && line.trim() != LIST_HEADER);
    let chosen = entries.map(|(index, entry)| {
        // What follows a blank and # is a remark; # within a URL is an anchor.
        let entry = entry.split(" #").next().unwrap_or_default().trim().trim_matches('"');
        let line = index as u64 + 1;
        let whole = match base_url {
            Some(base) if entry.starts_with('/') => format!("{}{entry}", base.trim_end_matches('/')),
            _ => entry.to_owned(),
        };
        let url = build_url(line, &whole)?;
        let project = Some(url.project());
        Ok(Chosen { line, url_text: whole, url: Some(url), project, reasons: Vec::new(), judged: None })
    });
    chosen.collect()
}

fn read_csv(text: &str) -> Result<Vec<Chosen>, ReportError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(ReportError::Csv)?.clone();
    if header.iter().any(|name| name == "decision") && header.iter().any(|name| name == "state") {
        return Err(ReportError::SomethingElse("a plan or the results of a deletion"));
    }
    let column = |name: &'static str| {
        let mut places = header.iter().enumerate().filter(|(_, found)| found.trim() == name).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(ReportError::Column { how: "no", column: name }),
            (Some(_), Some(_)) => Err(ReportError::Column { how: "more than one", column: name }),
        }
    };
    let columns = Columns {
        build_url: column("build_url")?,
        project: column("project")?,
        timing: column("timing")?,
        reasons: column("reasons")?,
        deletable: column("deletable")?,
        fingerprint: column("fingerprint")?,
        note: header.iter().position(|found| found.trim() == NOTE),
    };
    let mut lines = Lines { text, byte: 0, line: 1 };
    let mut chosen = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| csv_error(error, &mut lines))?;
        // Spreadsheets leave these behind.
        if record.iter().all(str::is_empty) {
            continue;
        }
        chosen.push(columns.row(&record, lines.of(record.position()))?);
    }
    Ok(chosen)
}

/// Counts lines up to a record. The reader's own count is one behind where lines end in CRLF: it takes the LF for the
/// beginning of the next record.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let mut end = position.map_or(self.byte, |position| position.byte() as usize).min(bytes.len());
        while matches!(bytes.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        if let Some(passed) = bytes.get(self.byte..end) {
            self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.byte = end;
        }
        self.line
    }
}

/// Where the columns stand that `delete` needs.
struct Columns {
    build_url: usize,
    project: usize,
    timing: usize,
    reasons: usize,
    deletable: usize,
    fingerprint: usize,
    /// Older reports have none.
    note: Option<usize>,
}

impl Columns {
    fn row(&self, record: &StringRecord, line: u64) -> Result<Chosen, ReportError> {
        let cell = |place: usize| restored(record.get(place).unwrap_or_default());
        let bad =
            |column, value: &str, expected| ReportError::Cell { line, column, value: shorten(value, SHOWN), expected };
        let deletable = match cell(self.deletable) {
            "yes" => true,
            "no" => false,
            other => return Err(bad("deletable", other, "yes or no")),
        };
        let timing = cell(self.timing);
        let timing = timing
            .parse::<Timing>()
            .map_err(|_| bad("timing", timing, "in-flight, stale, ended, after-restore, between or unknown"))?;
        let fingerprint = cell(self.fingerprint);
        if fingerprint.len() != FINGERPRINT_DIGITS || !fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad("fingerprint", fingerprint, "32 hexadecimal digits"));
        }
        let url_text = cell(self.build_url).to_owned();
        let url = if deletable { Some(build_url(line, &url_text)?) } else { BuildUrl::parse(&url_text).ok() };
        let project = Some(cell(self.project).to_owned()).filter(|project| !project.is_empty());
        let reasons = cell(self.reasons).split(BETWEEN_REASONS).map(str::trim).filter(|reason| !reason.is_empty());
        let reasons = reasons.map(str::to_owned).collect();
        let note = self.note.map(cell).unwrap_or_default().to_owned();
        let judged = Some(Judged { timing, deletable, note, fingerprint: fingerprint.to_ascii_lowercase() });
        Ok(Chosen { line, url_text, url, project, reasons, judged })
    }
}

fn build_url(line: u64, text: &str) -> Result<BuildUrl, ReportError> {
    BuildUrl::parse(text).map_err(|source| ReportError::Url { line, text: shorten(text, SHOWN), source })
}

/// One row that stands there twice is a slip. Two rows of different builds that share an address are what a scan found:
/// they are for the plan to refuse.
fn refuse_doubles(chosen: &[Chosen]) -> Result<(), ReportError> {
    let mut first: HashMap<(&BuildUrl, Option<&str>), u64> = HashMap::new();
    for row in chosen {
        let Some(url) = &row.url else { continue };
        let fingerprint = row.judged.as_ref().map(|judged| judged.fingerprint.as_str());
        if let Some(first) = first.insert((url, fingerprint), row.line) {
            return Err(ReportError::Twice { line: row.line, url: shorten(&url.to_string(), SHOWN_URL), first });
        }
    }
    Ok(())
}

fn csv_error(error: csv::Error, lines: &mut Lines<'_>) -> ReportError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            ReportError::Cells { line: lines.of(pos.as_ref()), found: *len, expected: *expected_len }
        }
        _ => ReportError::Csv(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::COLUMNS;

    const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef";

    fn report(rows: &[&str]) -> String {
        format!("{}\r\n{}\r\n", COLUMNS.join(","), rows.join("\r\n"))
    }

    fn row(url: &str, timing: &str, deletable: &str) -> String {
        format!(
            "{url},acme/api,12,running,running,,,,,{timing},stuck-running;output-gap,x,3,1,5,4,{deletable},{FINGERPRINT},"
        )
    }

    fn refused(text: &str) -> String {
        read(text.as_bytes(), None).expect_err("trusted").to_string()
    }

    #[test]
    fn a_row_is_read() {
        let text = report(&[&row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes")]);
        let rows = read(text.as_bytes(), None).expect("a report");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].line, 2);
        assert_eq!(rows[0].project.as_deref(), Some("acme/api"));
        assert_eq!(rows[0].reasons, ["stuck-running", "output-gap"]);
        let judged = Judged {
            timing: Timing::InFlight,
            deletable: true,
            note: String::new(),
            fingerprint: FINGERPRINT.to_owned(),
        };
        assert_eq!(rows[0].judged, Some(judged));
    }

    #[test]
    fn a_mark_of_order_and_either_line_end_make_no_difference() {
        let text = report(&[&row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes")]);
        let plain = read(text.as_bytes(), None).expect("a report");
        for other in [format!("\u{feff}{text}"), text.replace("\r\n", "\n"), text.trim_end().to_owned()] {
            assert_eq!(read(other.as_bytes(), None).expect("a report"), plain);
        }
    }

    #[test]
    fn a_list_is_read() {
        let text = "# orphans\r\n\r\nhttps://ci.example.com/github/acme/api/12/\r\n/gh/acme/api/13?tab=1\r\n";
        let rows = read(text.as_bytes(), Some("https://ci.example.com/")).expect("a list");
        let urls: Vec<String> = rows.iter().filter_map(|row| row.url.as_ref()).map(ToString::to_string).collect();
        assert_eq!(urls, ["https://ci.example.com/gh/acme/api/12", "https://ci.example.com/gh/acme/api/13"]);
        assert!(rows.iter().all(|row| row.judged.is_none()));
    }

    #[test]
    fn a_list_as_people_make_it() {
        let text = "build_url\n\"https://ci.example.com/gh/acme/api/12\"\nhttps://ci.example.com/gh/acme/api/13#queue  # stuck\n";
        let rows = read(text.as_bytes(), None).expect("a list");
        let urls: Vec<String> = rows.iter().filter_map(|row| row.url.as_ref()).map(ToString::to_string).collect();
        assert_eq!(urls, ["https://ci.example.com/gh/acme/api/12", "https://ci.example.com/gh/acme/api/13"]);
    }

    #[test]
    fn rows_that_a_spreadsheet_left_empty_are_no_rows() {
        let good = row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes");
        let empty = ",".repeat(18);
        assert_eq!(read(report(&[&empty, &good, &empty]).as_bytes(), None).expect("a report").len(), 1);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_with_its_line() {
        let good = row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes");
        let hostile = row("\"https://ci.example.com/gh/acme/api\"\")(System/exit 0)(\"\"/1\"", "in-flight", "yes");
        for (text, expected) in [
            (String::new(), "it is empty"),
            (
                "hello\n".to_owned(),
                "line 1: expected the header row of a report or the URL of a build, found \"hello\"",
            ),
            ("build_url,project\nx,y\n".to_owned(), "the header row has no column \"timing\""),
            (format!("build_url,{}", report(&[])), "more than one column \"build_url\""),
            (report(&[&good]).replace(',', ";"), "its cells are separated by ';', not by commas"),
            ("{\"schema_version\":1}".to_owned(), "it is JSON, not a report"),
            (
                "build_url,project,line,reasons,decision,state,reason\n".to_owned(),
                "it is a plan or the results of a deletion",
            ),
            (report(&[&good[..60]]), "line 2: the row has"),
            (report(&[&format!("{},", &good[..good.len() - 9])]), "line 2: fingerprint"),
            (
                report(&[&good, &good]),
                "line 3: https://ci.example.com/gh/acme/api/12 stands there a second time, first on line 2",
            ),
            (
                report(&[&hostile]),
                "line 2: \"https://ci.example.com/gh/acme/api\\\")(System/exit 0)(\\\"/1\" is not the URL of a build",
            ),
            (report(&[&row("", "in-flight", "yes")]), "line 2: \"\" is not the URL of a build"),
            (report(&[&row("x", "soon", "no")]), "line 2: timing \"soon\": expected in-flight"),
            (report(&[&row("x", "ended", "maybe")]), "line 2: deletable \"maybe\": expected yes or no"),
            ("https://ci.example.com/gh/acme/api/12\n\")(System/exit 0)(\"\n".to_owned(), "line 2: "),
        ] {
            let message = refused(&text);
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(
            read(&b"https://ci.example.com/gh/acme/api/12\n\xff\n"[..], None).expect_err("trusted").to_string(),
            "line 2: it is not UTF-8"
        );
    }

    #[test]
    fn a_build_that_is_not_deletable_needs_no_address() {
        let rows = read(report(&[&row("", "unknown", "no")]).as_bytes(), None).expect("a report");
        assert_eq!(rows[0].url, None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(bytes.as_slice(), None);
            let _ = read([COLUMNS.join(",").as_bytes(), b"\n", &bytes].concat().as_slice(), None);
        }
    }
}
