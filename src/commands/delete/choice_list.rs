//! The list in which a person chooses builds: one line a build, as an editor shows it. Only its own lines can come back.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::commands::Error;
use crate::commands::interrupt::Interrupt;
use crate::output::{Draft, Printer};
use crate::report::Chosen;
use crate::text::{Foreign, counted};

/// The widest column of addresses; a longer address moves what follows it.
const WIDEST_ADDRESS: usize = 80;
/// Our own lines at the begin and at the end of the list. Editors look for commands in the first and the last five lines of a file, and
/// the lines of builds hold text from outside.
const BLANK_COMMENTS: &str = "#\n#\n#\n#\n#\n";

/// Lets a person choose among rows in an editor. Rows whose lines do not come back are not chosen.
pub(super) async fn choose_in_editor(
    rows: Vec<Chosen>,
    report: &str,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Vec<Chosen>, Error> {
    let draft = Draft::new(&list(&rows, report))?;
    let ctrl_c = interrupt.leave_ctrl_c_to_the_editor();
    // Waiting for a person must not keep a signal from being heard.
    let edited = tokio::task::spawn_blocking(draft.editor());
    let edited = interrupt.or(async { Ok(edited.await) }).await?;
    drop((ctrl_c, draft));
    let edited = edited.map_err(|error| Error::Usage(error.to_string()))??;
    let chosen = read_back(&rows, &edited)?;
    let (all, left) = (rows.len(), chosen.len());
    if left == 0 {
        return Err(Error::NothingToDelete(format!(
            "no line is left of the {} in the list",
            counted(all as u64, "build")
        )));
    }
    printer.say(&format!("chosen in the editor: {left} of {}", counted(all as u64, "build")));
    Ok(rows.into_iter().enumerate().filter(|(place, _)| chosen.contains(place)).map(|(_, row)| row).collect())
}

/// The list, with what there is to know about it.
fn list(rows: &[Chosen], report: &str) -> String {
    let mut text = format!(
        "# {} of {}, a line for each, with its number in the report. Lines that stay are chosen for deletion.\n\
         # Remove the lines of builds that are to be kept, or put a # in front of them; then save, and leave the editor.\n\
         # The order does not matter. A line that is changed in any other way is an error, and nothing is deleted.\n\
         # Where no line stays, nothing is deleted.\n",
        counted(rows.len() as u64, "build"),
        word(report)
    );
    text.push_str(BLANK_COMMENTS);
    let longest = rows.iter().map(|row| address(row).chars().count()).max().unwrap_or_default().min(WIDEST_ADDRESS);
    for row in rows {
        let _ = writeln!(text, "{}", line(row, longest));
    }
    text.push_str(BLANK_COMMENTS);
    text.push_str("# End of the list.\n");
    text
}

/// One build: its line in the report, its address, and what is wrong with it.
fn line(row: &Chosen, width: usize) -> String {
    let address = address(row);
    let mut line = format!("delete {:<5} {address:<width$}", row.line);
    if let Some(judged) = &row.judged {
        let reasons: Vec<String> = row.reasons.iter().map(|reason| word(reason)).collect();
        let _ = write!(line, "  {:<9}  {}", judged.timing.as_str(), reasons.join(" "));
        let since = [("started", judged.started_at), ("queued", judged.queued_at)];
        let since = since.into_iter().find_map(|(what, at)| Some((what, at?)));
        if let Some((what, at)) = since {
            let _ = write!(line, "  {what} {at:.0}");
        }
    }
    line.trim_end().to_owned()
}

/// The address, as one word.
fn address(row: &Chosen) -> String {
    match &row.url {
        Some(url) => url.to_string(),
        None => word(&row.url_text),
    }
}

/// Text from outside as one word. No command of an editor is one: these have a blank before their name or after it.
fn word(text: &str) -> String {
    Foreign::url(text).as_str().split_whitespace().collect::<Vec<_>>().join("_")
}

/// The places of the rows whose lines came back.
///
/// # Errors
/// A line is none of the list.
fn read_back(rows: &[Chosen], edited: &str) -> Result<HashSet<usize>, Error> {
    // Blanks do not matter: an editor may turn them into tabs.
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let offered: HashMap<String, usize> = rows.iter().map(|row| plain(&line(row, 0))).zip(0..).collect();
    let mut chosen = HashSet::new();
    for (number, line) in (1..).zip(edited.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some(place) = offered.get(&plain(line)) else {
            return Err(Error::Misuse {
                what: format!(
                    "line {number} of the list is none of its lines: {:?}: nothing was chosen",
                    Foreign::name(line)
                ),
                hint: "remove a line, or put a # in front of it, and leave the others as they are".to_owned(),
            });
        };
        chosen.insert(*place);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build_url::BuildUrl;
    use crate::report::Judged;
    use crate::timing::Timing;

    fn row(line: u64, url: &str, reasons: &[&str]) -> Chosen {
        Chosen {
            line,
            url_text: url.to_owned(),
            url: BuildUrl::parse(url).ok(),
            project: Some("acme/api".to_owned()),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            judged: Some(Judged {
                timing: Timing::InFlight,
                deletable: true,
                note: String::new(),
                build_num: None,
                queued_at: None,
                started_at: "2026-11-20T01:50:10.5Z".parse().ok(),
                fingerprint: String::new(),
            }),
        }
    }

    fn rows() -> Vec<Chosen> {
        let url = "https://ci.example.com/gh/acme/api";
        vec![
            row(2, &format!("{url}/7"), &["stuck-running"]),
            row(3, &format!("{url}/71"), &["stuck-running", "output-gap"]),
            // The same address twice in a report is two builds.
            row(4, &format!("{url}/71"), &["stuck-running", "output-gap"]),
        ]
    }

    fn places(rows: &[Chosen], edited: &str) -> Result<Vec<usize>, String> {
        let chosen = read_back(rows, edited).map_err(|error| error.to_string())?;
        let mut chosen: Vec<usize> = chosen.into_iter().collect();
        chosen.sort_unstable();
        Ok(chosen)
    }

    #[test]
    fn the_lines_that_come_back_are_chosen() {
        let rows = rows();
        let text = list(&rows, "report.csv");
        let line = "delete 2     https://ci.example.com/gh/acme/api/7   in-flight  stuck-running  started 2026-11-20T01:50:10Z\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(places(&rows, &text), Ok(vec![0, 1, 2]));
        assert_eq!(places(&rows, &text.replace("delete 2", "# delete 2")), Ok(vec![1, 2]));
        assert_eq!(places(&rows, &text.replace("delete 3", "   #delete 3").replace('\n', "\r\n")), Ok(vec![0, 2]));
        let reversed: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
        assert_eq!(places(&rows, &format!("\u{feff}{reversed}")), Ok(vec![0, 1, 2]));
        assert_eq!(places(&rows, &line.replace("  ", "\t").repeat(2)), Ok(vec![0]));
        for nothing in ["", "\n \n", "# nothing"] {
            assert_eq!(places(&rows, nothing), Ok(vec![]));
        }
    }

    #[test]
    fn a_line_that_is_none_of_the_list_chooses_nothing() {
        let rows = rows();
        let text = list(&rows, "report.csv");
        for (from, to) in [
            ("delete 2", "keep 2"),
            ("delete 2", "delete 5"),
            ("/api/7 ", "/api/70 "),
            ("/api/7 ", "/api/ 7 "),
            ("delete 3", "https://ci.example.com/gh/acme/api/12"),
            ("stuck-running ", "stuck-queued "),
            ("delete 2", "delete 2 delete 3"),
        ] {
            assert!(text.contains(from), "{from}: {text}");
            let error = places(&rows, &text.replacen(from, to, 1)).expect_err(to);
            assert!(error.contains("is none of its lines") && error.contains("nothing was chosen"), "{error}");
        }
    }

    #[test]
    fn text_from_outside_is_one_word_of_one_line() {
        let hostile = "x\n# vim: set modeline\ndelete 3\u{1b}[2J Local Variables: \u{85}y\u{2028}z";
        let rows = vec![row(2, hostile, &[hostile])];
        let text = list(&rows, hostile);
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 1, "{text}");
        assert!(!text.contains(" vim:") && !text.contains("Local Variables:\n"), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!(places(&rows, &text), Ok(vec![0]));
        // What an editor may take for its own is far from what comes from outside.
        let own = |line: &str| line.starts_with('#') && !line.contains("vim");
        assert!(text.lines().skip(1).take(7).all(own) && text.lines().rev().take(6).all(own), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_back_only_rows_of_the_list_are_chosen(edited in "(delete [0-9 ]|[a-z:/ #\\n]){0,80}") {
            if let Ok(chosen) = read_back(&rows(), &edited) {
                proptest::prop_assert!(chosen.is_empty(), "{edited:?}");
            }
        }
    }
}
