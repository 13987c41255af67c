//! Where a line of a log comes from: the container or the program that a collector names before it.

use super::log_line::MONTHS;
use super::written_time;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What stands before the server's own text and is the same in each line of one server: `db-1`, `[pod/pg-0/postgres]`, `ci postgres`.
pub(super) fn source(head: &str) -> String {
    let is_changing = |c: char| c.is_ascii_digit() || "TZ:.,+-/[]<>|".contains(c);
    let words = before_own_text(head).split_whitespace();
    let words = words.map(|word| without_process(word).unwrap_or(word));
    let words = words.filter(|word| !word.chars().all(is_changing) && !MONTHS.contains(word) && !DAYS.contains(word));
    words.collect::<Vec<_>>().join(" ")
}

/// What ends before the server's own time, or with the tag of syslog or the bar of Docker Compose.
fn before_own_text(head: &str) -> &str {
    let by_time = written_time::last_place(head).unwrap_or(0);
    let by_bar = head.find("| ").unwrap_or(0);
    let ends_tag = |(place, _): (usize, &str)| {
        let end = place + "]:".len();
        let word = head[..end].rsplit(char::is_whitespace).next().unwrap_or_default();
        without_process(word).map(|_| end)
    };
    let by_tag = head.match_indices("]:").find_map(ends_tag).unwrap_or(0);
    &head[..by_time.max(by_bar).max(by_tag)]
}

/// The name of the program in `postgres[42]:`.
fn without_process(word: &str) -> Option<&str> {
    let (name, process) = word.strip_suffix("]:")?.rsplit_once('[')?;
    let is_number = process.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && name.starts_with(|c: char| c.is_alphanumeric())).then_some(name)
}
