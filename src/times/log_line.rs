//! One line of a PostgreSQL server's log: what the server itself says in it, and what it only quotes.
//!
//! Source: PostgreSQL, `src/backend/utils/error/elog.c` (`send_message_to_server_log`, `append_with_tabs`, `write_syslog`), `csvlog.c`, `jsonlog.c`.

use super::kind::LogShape;
use super::start_messages::{STARTING, TELLING};
use super::text_lines::lines;
use super::written_time;

/// What stands in the first message of a start in every language: the version.
const VERSION: [&str; 2] = ["PostgreSQL ", ", compiled by "];

/// The most words that syslog writes up to the name of a program.
const WORDS_OF_A_TAG: usize = 5;
/// How the journal shows a tab.
const TAB_OF_JOURNAL: &str = "        ";
/// The months as syslog writes them.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What stands before a message of the server, and the message. What only quotes one, such as a statement, is none: a label or a quotation mark
/// stands before it in its line, or a tab, with which each further line of a message begins. What a collector puts before the line does not
/// change that.
pub(super) fn message(line: &str) -> Option<(&str, &str)> {
    let (head, message) = line.split_once("LOG:  ")?;
    let is_a_word = || !head.ends_with(char::is_alphabetic) || written_time::ends(head);
    let is_quoted = head.contains(['\'', '"']) || has_a_label(head) || is_continued(head);
    // A name of a client may stand in the head and quote a message: then the label of the line follows.
    (!message.contains(":  ") && !is_quoted && is_a_word()).then_some((head, message))
}

/// Whether a label such as `STATEMENT:` stands in this, in any language. French has a blank before the colon, Korean need not have one after it.
fn has_a_label(head: &str) -> bool {
    head.contains('\u{ff1a}')
        || head.match_indices(':').any(|(place, colon)| {
            let (before, after) = (&head[..place], &head[place + colon.len()..]);
            let is_of_other_letters = before.ends_with(|c: char| c.is_alphabetic() && !c.is_ascii());
            let is_harmless = || before.ends_with([']', ')']) || ends_with_a_tag(before);
            is_of_other_letters || (after.starts_with(char::is_whitespace) && !is_harmless())
        })
}

/// Whether this is the begin of a line up to the name of a program, as syslog writes it: behind a date, a time and a host.
fn ends_with_a_tag(before: &str) -> bool {
    let is_of_a_program = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@/".contains(c);
    let words: Vec<&str> = before.split_whitespace().take(WORDS_OF_A_TAG + 1).collect();
    let is_in_its_place = match words.as_slice() {
        [month, _day, _time, _host, _tag] => MONTHS.contains(month),
        [time, _host, _tag] => written_time::last_place(time) == Some(0),
        _ => false,
    };
    let is_a_word = !before.ends_with(char::is_whitespace);
    is_in_its_place && is_a_word && words.last().is_some_and(|tag| tag.chars().all(is_of_a_program))
}

/// Whether the line goes on with the one before it. Syslog writes a tab as `#011`, the journal as eight blanks; blanks before the bar that Docker
/// Compose writes only align the names.
fn is_continued(head: &str) -> bool {
    let (aligned, rest) = head.rsplit_once('|').unwrap_or(("", head));
    let has_tab = |text: &str| text.contains(TAB_OF_JOURNAL);
    head.contains('\t')
        || head.contains("#011")
        || has_tab(rest)
        || aligned.split('|').any(|text| has_tab(text.trim_end_matches(' ')))
        || is_later_part(head)
}

/// Whether syslog numbers it as a later part of a message: `[7-2]`, directly behind the tag. Elsewhere such a pair is part of the server's own
/// prefix, such as its process and the number of the line.
fn is_later_part(head: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_later = |rest: &str| {
        let numbers = rest.trim_start_matches(' ').strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let part = numbers.and_then(|(numbers, _)| numbers.split_once('-'));
        part.is_some_and(|(message, part)| is_number(message) && is_number(part) && part != "1")
    };
    // Behind `postgres[42]:`.
    let follows_tag = |(place, bracket): (usize, &str)| {
        let behind = head[place + bracket.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
        let has_a_name = head[..place].ends_with(char::is_alphanumeric);
        has_a_name && behind.strip_prefix("]:").is_some_and(is_later)
    };
    let by_tag = head.match_indices('[').any(follows_tag);
    by_tag || head.match_indices(" - - ").any(|(place, tag)| is_later(&head[place + tag.len()..]))
}

/// Whether a line announces a start in a language in which nothing more is known of it.
pub(super) fn announces_a_start(line: &str) -> bool {
    let text = line.split_once(":  ").map(|(_, text)| text);
    let head = line.find(VERSION[0]).map(|place| &line[..place]);
    text.is_some_and(names_version) && head.is_some_and(|head| !is_continued(head))
}

/// Whether a text has the version of the server in full.
pub(super) fn names_version(text: &str) -> bool {
    VERSION.iter().all(|part| text.contains(part))
}

/// The shape of a file that is a log of the server, and not its text: what a line quotes cannot be told apart there.
pub(super) fn shape(bytes: &[u8]) -> Option<LogShape> {
    lines(bytes).find_map(|line| match line {
        line if is_csv(&line) => Some(LogShape::Csv),
        line if is_json(&line) => Some(LogShape::Json),
        line => quoted_shape(&line),
    })
}

/// Whether a line is one of csvlog: the severity is field 12 of it, or a later one where a name has a comma, and a SQLSTATE follows.
fn is_csv(line: &str) -> bool {
    let fields: Vec<&str> = line.split(',').collect();
    let is_severity =
        |field: &str| !field.is_empty() && field.chars().all(|c| c.is_alphanumeric() && !c.is_lowercase());
    let is_sqlstate =
        |field: &str| field.len() == 5 && field.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let has_both = || fields.windows(2).skip(11).any(|pair| is_severity(pair[0]) && is_sqlstate(pair[1]));
    let first = fields[0];
    let begins = first.contains(|c: char| c.is_ascii_digit()) && !first.contains('\t') && !first.contains(":  ");
    begins && has_both()
}

/// Whether a line is one of jsonlog, or of a container's log as Docker keeps it.
fn is_json(line: &str) -> bool {
    let Some(place) = line.find('{') else { return false };
    let (head, object) = line.split_at(place);
    let begins = ["{\"timestamp\":\"", "{\"log\":\""].iter().any(|begin| object.starts_with(begin));
    begins && !head.contains('\t') && !head.contains(":  ")
}

/// The shape of a line that has a message of a start in quotes, which no label announces: a field of JSON, GELF, logfmt or the like.
fn quoted_shape(line: &str) -> Option<LogShape> {
    let place = line.find(['"', '{'])?;
    let (head, text) = line.split_at(place);
    let holds_message = TELLING.iter().chain([&STARTING]).any(|message| text.contains(message));
    let is_announced = head.contains(":  ") || has_a_label(head) || is_continued(head);
    let shape = if text.starts_with('{') { LogShape::Json } else { LogShape::Quoted };
    (holds_message && !is_announced).then_some(shape)
}
