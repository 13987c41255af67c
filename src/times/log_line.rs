//! One line of a PostgreSQL server's log: what the server itself says in it, and what it only quotes.
//!
//! Source: PostgreSQL, `src/backend/utils/error/elog.c` (`send_message_to_server_log`, `append_with_tabs`, `write_syslog`), `csvlog.c`, `jsonlog.c`.

use super::kind::LogShape;
use super::text_lines::lines;

/// What stands in the first message of a start in every language: the version.
const VERSION: [&str; 2] = ["PostgreSQL ", ", compiled by "];

/// What stands before a message of the server, and the message. What only quotes one, such as a statement, is none: a label stands before it in
/// its line, or a tab, with which each further line of a message begins. What a collector puts before the line does not change that.
pub(super) fn message(line: &str) -> Option<(&str, &str)> {
    let (head, message) = line.split_once("LOG:  ")?;
    let is_a_word = !head.ends_with(char::is_alphanumeric);
    // A name of a client may stand in the head and quote a message: then the label of the line follows.
    (is_a_word && !message.contains(":  ") && !has_a_label(head) && !is_continued(head)).then_some((head, message))
}

/// Whether a label such as `STATEMENT:` stands in this, in any language. French has a blank before the colon. The name of a program, as syslog
/// writes it, is none, nor is a colon after a bracket.
fn has_a_label(head: &str) -> bool {
    let is_of_a_program = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@/".contains(c);
    head.contains('\u{ff1a}')
        || head.match_indices(':').any(|(place, colon)| {
            let (before, after) = (&head[..place], &head[place + colon.len()..]);
            let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
            let is_harmless = word.ends_with([']', ')']) || (!word.is_empty() && word.chars().all(is_of_a_program));
            after.starts_with(char::is_whitespace) && !is_harmless
        })
}

/// Whether the line goes on with the one before it. Syslog writes a tab as `#011`, and numbers the parts of a message: `[7-2]` is the second.
fn is_continued(head: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_later_part = |text: &str| {
        let part = text.split_once(']').and_then(|(numbers, _)| numbers.split_once('-'));
        part.is_some_and(|(message, part)| is_number(message) && is_number(part) && part != "1")
    };
    head.contains('\t') || head.contains("#011") || head.split('[').skip(1).any(is_later_part)
}

/// Whether a line announces a start in a language in which nothing more is known of it.
pub(super) fn announces_a_start(line: &str) -> bool {
    let text = line.split_once(":  ").map(|(head, text)| (head.contains('\t'), text));
    text.is_some_and(|(is_continued, text)| !is_continued && names_version(text))
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
        _ => None,
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
