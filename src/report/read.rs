//! Reads a report, or a plain list of URLs, for `delete`. Whatever is not certain is an error: these builds are deleted
//! later.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use crate::build_url::{AddressForm, BuildUrl};
use crate::file_access::{LONGEST_LINE, REPORT};
use crate::text::Foreign;

use super::cell::Column;
use super::choice::{Chosen, Judged};
use super::error::ReportError;
use super::records::{Cells, Records};

/// The bytes that are read at once.
const PIECE: usize = 64 << 10;
/// The first line of a list that was cut out of a report.
const LIST_HEADER: &str = "build_url";
/// The hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 32;

/// The columns that a deletion needs. Others may be missing or edited.
const COLUMNS_READ: [Column; 7] = [
    Column::BuildUrl,
    Column::Project,
    Column::Timing,
    Column::Reasons,
    Column::Deletable,
    Column::Fingerprint,
    Column::Note,
];

/// Reads a report or a list, with addresses in the form that the profile asks for. `base_url` completes addresses that begin at the path
/// (`/gh/acme/api/1234`).
///
/// A build that its row calls not deletable may have any address or none. Every other build needs the address of a build.
///
/// # Errors
/// The first thing that cannot be trusted, with its line.
pub fn read(from: impl Read, form: AddressForm, base_url: Option<&str>) -> Result<Vec<Chosen>, ReportError> {
    let bytes = read_lines(from)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReportError::NotUtf8 { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64 }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let chosen = if looks_like_a_header(text)? { read_csv(text, form)? } else { read_list(text, form, base_url)? };
    refuse_doubles(&chosen)?;
    Ok(chosen)
}

/// All bytes of a file. It stops as soon as the file or a line is too long.
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
    if is_row(first) {
        return Err(ReportError::NoHeader { line: index as u64 + 1 });
    }
    let unquoted = first.trim_matches('"');
    if first == LIST_HEADER || ["http://", "https://", "/"].iter().any(|begin| unquoted.starts_with(begin)) {
        return Ok(false);
    }
    if first.starts_with('{') {
        return Err(ReportError::SomethingElse("JSON"));
    }
    if first.contains("build_url") || first.contains(',') {
        return Ok(true);
    }
    Err(ReportError::Neither { line: index as u64 + 1, found: Foreign::name(first) })
}

/// Whether a line is a row of a report, as `grep` finds it: it has as many cells, and a fingerprint among them.
fn is_row(line: &str) -> bool {
    let mut csv = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let Some(Ok(cells)) = csv.records().next() else { return false };
    let is_fingerprint =
        |cell: &str| cell.len() == FINGERPRINT_DIGITS && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    cells.len() >= COLUMNS_READ.len() && cells.iter().any(is_fingerprint)
}

/// Blank lines and lines that begin with `#` are no entries of a list.
fn is_entry(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn read_list(text: &str, form: AddressForm, base_url: Option<&str>) -> Result<Vec<Chosen>, ReportError> {
    let entries = text.lines().enumerate().filter(|(_, line)| is_entry(line) && line.trim() != LIST_HEADER);
    let chosen = entries.map(|(index, entry)| {
        // What follows a blank and # is a remark; # within a URL is an anchor.
        let entry = entry.split(" #").next().unwrap_or_default().trim().trim_matches('"');
        let line = index as u64 + 1;
        let whole = match base_url {
            Some(base) if entry.starts_with('/') => format!("{}{entry}", base.trim_end_matches('/')),
            _ => entry.to_owned(),
        };
        let url = build_url(line, form, &whole)?;
        let project = url.project();
        Ok(Chosen { line, url_text: whole, url: Some(url), project, reasons: Vec::new(), judged: None })
    });
    chosen.collect()
}

fn read_csv(text: &str, form: AddressForm) -> Result<Vec<Chosen>, ReportError> {
    let others = [Column::BuildNum, Column::QueuedAt, Column::StartedAt];
    let mut records = Records::open(text.as_bytes())?.find(&COLUMNS_READ)?.find_if_there(&others)?;
    let mut chosen = Vec::new();
    while let Some(cells) = records.next()? {
        chosen.push(row(&cells, form)?);
    }
    Ok(chosen)
}

fn row(cells: &Cells<'_>, form: AddressForm) -> Result<Chosen, ReportError> {
    let deletable = cells.deletable()?;
    let timing = cells.timing()?;
    let fingerprint = cells.text(Column::Fingerprint);
    if fingerprint.len() != FINGERPRINT_DIGITS || !fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(cells.bad(Column::Fingerprint, "32 hexadecimal digits"));
    }
    let fingerprint = fingerprint.to_ascii_lowercase();
    let url_text = cells.text(Column::BuildUrl).to_owned();
    let url = match deletable {
        true => Some(build_url(cells.line, form, &url_text)?),
        false => BuildUrl::parse_in(form, &url_text).ok(),
    };
    let project = Some(cells.text(Column::Project).to_owned()).filter(|project| !project.is_empty());
    // A spreadsheet may have written a time in its own way. Then it says nothing.
    let [queued_at, started_at] = [Column::QueuedAt, Column::StartedAt].map(|column| cells.time(column).ok().flatten());
    let note = cells.text(Column::Note).to_owned();
    let build_num = cells.text(Column::BuildNum).trim().parse().ok();
    let judged = Some(Judged { timing, deletable, note, build_num, queued_at, started_at, fingerprint });
    Ok(Chosen { line: cells.line, url_text, url, project, reasons: cells.reasons(), judged })
}

fn build_url(line: u64, form: AddressForm, text: &str) -> Result<BuildUrl, ReportError> {
    BuildUrl::parse_in(form, text).map_err(|source| ReportError::Url { line, text: Foreign::name(text), form, source })
}

/// A row that is listed twice is a mistake. Two rows of one address with different fingerprints are two builds that a scan found,
/// and the plan refuses them.
fn refuse_doubles(chosen: &[Chosen]) -> Result<(), ReportError> {
    let mut first: HashMap<(&BuildUrl, Option<&str>), u64> = HashMap::new();
    for row in chosen {
        let Some(url) = &row.url else { continue };
        let fingerprint = row.judged.as_ref().map(|judged| judged.fingerprint.as_str());
        if let Some(first) = first.insert((url, fingerprint), row.line) {
            return Err(ReportError::Twice { line: row.line, url: Foreign::url(&url.to_string()), first });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cell::COLUMNS;
    use crate::timing::Timing;

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
        read(text.as_bytes(), AddressForm::CircleCi, None).expect_err("trusted").to_string()
    }

    #[test]
    fn a_row_is_read() {
        let text = report(&[&row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes")]);
        let rows = read(text.as_bytes(), AddressForm::CircleCi, None).expect("a report");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].line, 2);
        assert_eq!(rows[0].project.as_deref(), Some("acme/api"));
        assert_eq!(rows[0].reasons, ["stuck-running", "output-gap"]);
        let judged = Judged {
            build_num: Some(12),
            queued_at: None,
            started_at: None,
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
        let plain = read(text.as_bytes(), AddressForm::CircleCi, None).expect("a report");
        for other in [format!("\u{feff}{text}"), text.replace("\r\n", "\n"), text.trim_end().to_owned()] {
            assert_eq!(read(other.as_bytes(), AddressForm::CircleCi, None).expect("a report"), plain);
        }
    }

    #[test]
    fn a_list_is_read() {
        let text = "# orphans\r\n\r\nhttps://ci.example.com/github/acme/api/12/\r\n/gh/acme/api/13?tab=1\r\n";
        let rows = read(text.as_bytes(), AddressForm::CircleCi, Some("https://ci.example.com/")).expect("a list");
        let urls: Vec<String> = rows.iter().filter_map(|row| row.url.as_ref()).map(ToString::to_string).collect();
        assert_eq!(urls, ["https://ci.example.com/gh/acme/api/12", "https://ci.example.com/gh/acme/api/13"]);
        assert!(rows.iter().all(|row| row.judged.is_none()));
    }

    #[test]
    fn a_list_as_people_make_it() {
        let text = "build_url\n\"https://ci.example.com/gh/acme/api/12\"\nhttps://ci.example.com/gh/acme/api/13#queue  # stuck\n";
        let rows = read(text.as_bytes(), AddressForm::CircleCi, None).expect("a list");
        let urls: Vec<String> = rows.iter().filter_map(|row| row.url.as_ref()).map(ToString::to_string).collect();
        assert_eq!(urls, ["https://ci.example.com/gh/acme/api/12", "https://ci.example.com/gh/acme/api/13"]);
    }

    #[test]
    fn rows_that_a_spreadsheet_left_empty_are_no_rows() {
        let good = row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes");
        let empty = ",".repeat(18);
        assert_eq!(
            read(report(&[&empty, &good, &empty]).as_bytes(), AddressForm::CircleCi, None).expect("a report").len(),
            1
        );
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
            (report(&[&good, &good]), "line 3: https://ci.example.com/gh/acme/api/12 is listed twice, first on line 2"),
            (
                report(&[&hostile]),
                "line 2: \"https://ci.example.com/gh/acme/api\\\")(System/exit 0)(\\\"/1\" is not the URL of a build",
            ),
            (format!("# cut\n{good}\n"), "line 2: it is a row of a report, and the report's first line"),
            (row("", "ended", "no"), "line 1: it is a row of a report"),
            (report(&[&row("", "in-flight", "yes")]), "line 2: \"\" is not the URL of a build"),
            (report(&[&row("x", "soon", "no")]), "line 2: timing \"soon\": expected in-flight"),
            (report(&[&row("x", "ended", "maybe")]), "line 2: deletable \"maybe\": expected yes or no"),
            ("https://ci.example.com/gh/acme/api/12\n\")(System/exit 0)(\"\n".to_owned(), "line 2: "),
        ] {
            let message = refused(&text);
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(
            read(&b"https://ci.example.com/gh/acme/api/12\n\xff\n"[..], AddressForm::CircleCi, None)
                .expect_err("trusted")
                .to_string(),
            "line 2: it is not UTF-8"
        );
    }

    #[test]
    fn a_build_that_is_not_deletable_needs_no_address() {
        let rows =
            read(report(&[&row("", "unknown", "no")]).as_bytes(), AddressForm::CircleCi, None).expect("a report");
        assert_eq!(rows[0].url, None);
    }

    #[test]
    fn a_cell_that_no_deletion_needs_may_be_anything_and_its_column_may_be_missing() {
        let good = row("https://ci.example.com/gh/acme/api/12", "in-flight", "yes");
        let edited = report(&[&good.replace(",running,running,,", ",running,running,20/11/2026 02:00,")]);
        assert_eq!(read(edited.as_bytes(), AddressForm::CircleCi, None).expect("a report").len(), 1);
        let url = "https://ci.example.com/gh/acme/api/12";
        let short = format!(
            "timing,build_url,project,reasons,deletable,fingerprint\nended,{url},acme/api,output-gap,yes,{FINGERPRINT}\n"
        );
        assert_eq!(read(short.as_bytes(), AddressForm::CircleCi, None).expect("a report")[0].line, 2);
        let twice = short.replacen("timing", "note,note,timing", 1).replacen("\nended", "\n,,ended", 1);
        assert_eq!(refused(&twice), "the header row has more than one column \"note\"");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(bytes.as_slice(), AddressForm::CircleCi, None);
            let _ = read([COLUMNS.join(",").as_bytes(), b"\n", &bytes].concat().as_slice(), AddressForm::AsWritten, None);
        }
    }
}
