//! A list that a person wrote, or a program for one: a build a line.

use crate::text::Foreign;

use super::error::AliveError;
use super::names::AliveNames;

/// No key, no address and no project with a number is longer, in bytes.
const LONGEST_LINE: usize = 4096;
/// How tables and files begin that are no list of builds, what they are, and what to do instead.
const OTHERS: [(&str, &str, &str); 5] = [
    (
        "build_url,",
        "a report, or results: it lists what is abnormal, not what is alive",
        "ask the scheduler: `nomad status`, or `kubectl get pods -o json`",
    ),
    ("NAME ", "a table of kubectl", "save it as JSON: kubectl get pods -o json"),
    ("NAMESPACE ", "a table of kubectl", "save it as JSON: kubectl get pods -A -o json"),
    ("ID ", "what Nomad shows of one job or node", "save what `nomad status` shows without a name"),
    ("%PDF", "no text", "save it as text"),
];

/// Reads the list: how many builds it names.
pub(super) fn read(text: &str, names: &mut AliveNames) -> Result<u64, AliveError> {
    let begin = text.trim_start();
    if let Some((_, what, hint)) = OTHERS.into_iter().find(|(own, ..)| begin.starts_with(own)) {
        return Err(AliveError::Other { what, hint });
    }
    let mut named = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !names_a_build(line) {
            return Err(AliveError::Line { line: number, text: Foreign::name(line) });
        }
        names.add(line);
        named += 1;
    }
    if named == 0 { Err(AliveError::NamesNothing) } else { Ok(named) }
}

/// Whether a line is one word, such as an address or a key, or ends with the number of a build.
fn names_a_build(line: &str) -> bool {
    if line.len() > LONGEST_LINE || line.contains(|c: char| c.is_control() && c != '\t') {
        return false;
    }
    let line = line.split(" # ").next().unwrap_or_default().trim();
    let mut words = line.split_whitespace();
    let last = words.next_back().unwrap_or_default();
    let number = last.rsplit('#').next().unwrap_or_default();
    let is_numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_markup = line.starts_with('<');
    !is_markup && last.contains(char::is_alphanumeric) && (words.next().is_none() || is_numbered)
}
