//! The program's own SQL: the files below sql/engine, each of several named parts.
//!
//! A part begins with the line `-- part: NAME` and ends before the next one. It is found while the program is compiled: a part that
//! is not there is a compile error. `:name` in it stands for a piece of SQL, as it does in psql.

/// A file of parts.
pub(crate) struct Parts(&'static str);

/// What each transaction begins with.
pub(crate) const SESSION: Parts = Parts(include_str!("../sql/engine/session.sql"));
/// What is asked of the server, and its locks.
pub(crate) const SERVER: Parts = Parts(include_str!("../sql/engine/server.sql"));
/// What is asked about a profile and its rules.
pub(crate) const CHECK: Parts = Parts(include_str!("../sql/engine/check.sql"));
/// What is asked about the order of text.
pub(crate) const COLLATION: Parts = Parts(include_str!("../sql/engine/collation.sql"));
/// How a profile's relations become those that rules read.
pub(crate) const RELATIONS: Parts = Parts(include_str!("../sql/engine/relations.sql"));
/// What is counted before any rule runs.
pub(crate) const SCOPE: Parts = Parts(include_str!("../sql/engine/scope.sql"));
/// What all builds say about T, R and habits.
pub(crate) const PREMISE: Parts = Parts(include_str!("../sql/engine/premise.sql"));
/// What the server says of its start and history.
pub(crate) const TIMES: Parts = Parts(include_str!("../sql/engine/times.sql"));
/// What the versions of rows say.
pub(crate) const VERSIONS: Parts = Parts(include_str!("../sql/engine/versions.sql"));
/// The sums that find the builds worth a closer look.
pub(crate) const PREFILTER: Parts = Parts(include_str!("../sql/engine/prefilter.sql"));
/// Relations that came back empty.
pub(crate) const EMPTY: Parts = Parts(include_str!("../sql/engine/empty.sql"));
/// The statement that gives the report.
pub(crate) const REPORT: Parts = Parts(include_str!("../sql/engine/report.sql"));
/// What is asked where a relation cannot be read as a whole.
pub(crate) const UNREAD: Parts = Parts(include_str!("../sql/engine/unread.sql"));
/// What is asked about lists of what is alive.
pub(crate) const ALIVE: Parts = Parts(include_str!("../sql/engine/alive.sql"));
/// What an archive keeps.
pub(crate) const ARCHIVE: Parts = Parts(include_str!("../sql/engine/archive.sql"));
/// What collect asks of the tables of documents, and writes to them.
pub(crate) const COLLECT: Parts = Parts(include_str!("../sql/engine/collect.sql"));
/// The tables of documents.
pub(crate) const DOCUMENTS: &str = include_str!("../sql/documents.sql");
/// What a manifest holds.
pub(crate) const MANIFEST: Parts = Parts(include_str!("../sql/engine/manifest.sql"));
/// What the records of builds promise of object storage.
pub(crate) const OBJECTS: Parts = Parts(include_str!("../sql/engine/objects.sql"));
/// What is counted to notice that a server deletes more than it was asked to.
pub(crate) const COLLATERAL: Parts = Parts(include_str!("../sql/engine/collateral.sql"));
/// What a new private cluster is given.
pub(crate) const PRIVATE: Parts = Parts(include_str!("../sql/engine/private.sql"));

/// The frame of a printed script.
pub(crate) const PSQL: Parts = Parts(include_str!("../sql/engine/psql.sql"));

/// A file for an administrator, who runs it with psql.
pub(crate) struct AdministratorFile {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// The files for an administrator.
pub(crate) const ADMINISTRATOR_FILES: [AdministratorFile; 4] = [
    AdministratorFile { name: "role", text: include_str!("../sql/role.sql") },
    AdministratorFile { name: "restore-archived", text: include_str!("../sql/restore-archived.sql") },
    AdministratorFile { name: "schema", text: include_str!("../sql/schema.sql") },
    AdministratorFile { name: "documents", text: DOCUMENTS },
];

/// What stands before the name of a part.
const PART: &[u8] = b"-- part: ";

impl Parts {
    /// One part, with the line that names it, and with one line break at its end.
    ///
    /// # Panics
    /// There is no such part. It is to be called in a constant, so that the compiler says so.
    #[must_use]
    pub(crate) const fn part(&self, name: &str) -> &'static str {
        let text = self.0.as_bytes();
        let mut line = 0;
        while line < text.len() {
            if begins_with(text, line, PART) && is_line(text, line + PART.len(), name.as_bytes()) {
                return slice(self.0, line, end_of_part(text, line));
            }
            line = next_line(text, line);
        }
        panic!("no part of this name")
    }
}

const fn begins_with(text: &[u8], at: usize, start: &[u8]) -> bool {
    let mut place = 0;
    while place < start.len() {
        if at + place >= text.len() || text[at + place] != start[place] {
            return false;
        }
        place += 1;
    }
    true
}

const fn is_line(text: &[u8], at: usize, whole: &[u8]) -> bool {
    begins_with(text, at, whole) && at + whole.len() < text.len() && text[at + whole.len()] == b'\n'
}

const fn next_line(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && text[at] != b'\n' {
        at += 1;
    }
    at + 1
}

const fn end_of_part(text: &[u8], begin: usize) -> usize {
    let mut end = next_line(text, begin);
    while end < text.len() && !begins_with(text, end, PART) {
        end = next_line(text, end);
    }
    if end > text.len() {
        end = text.len();
    }
    while end >= 2 && text[end - 1] == b'\n' && text[end - 2] == b'\n' {
        end -= 1;
    }
    end
}

const fn slice(text: &'static str, begin: usize, end: usize) -> &'static str {
    text.split_at(end).0.split_at(begin).1
}

/// What a part consists of without its comment: an expression can then stand in a line of a statement.
#[must_use]
pub(crate) fn expression(part: &'static str) -> &'static str {
    let comment = part.lines().take_while(|line| line.starts_with("--")).map(|line| line.len() + 1).sum();
    part.get(comment..).unwrap_or_default().trim_end()
}

/// Fills in the placeholders of a part. Comments stay as they are.
#[must_use]
pub(crate) fn filled(part: &str, values: &[(&str, &str)]) -> String {
    let mut sql = String::with_capacity(part.len());
    for line in part.split_inclusive('\n') {
        let (code, comment) = line.split_at(line.find("--").unwrap_or(line.len()));
        let mut rest = code;
        while let Some(colon) = rest.find(':') {
            let (before, from) = rest.split_at(colon);
            sql.push_str(before);
            let after = &from[1..];
            let name = &after[..after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())];
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => {
                    sql.push_str(value);
                    rest = &after[name.len()..];
                }
                // A cast, or a colon in a text.
                None if after.starts_with(':') => {
                    sql.push_str("::");
                    rest = &after[1..];
                }
                None => {
                    sql.push(':');
                    rest = after;
                }
            }
        }
        sql.push_str(rest);
        sql.push_str(comment);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Parts = Parts("-- Two parts.\n\n-- part: one\n-- What: 1\nSELECT 1\n\n-- part: one_more\nSELECT 2\n");

    #[test]
    fn a_part_ends_before_the_next() {
        const ONE: &str = TWO.part("one");
        assert_eq!(ONE, "-- part: one\n-- What: 1\nSELECT 1\n");
        assert_eq!(TWO.part("one_more"), "-- part: one_more\nSELECT 2\n");
    }

    #[test]
    fn an_expression_has_no_comment() {
        assert_eq!(expression(TWO.part("one")), "SELECT 1");
    }

    #[test]
    #[should_panic(expected = "no part of this name")]
    fn a_part_that_is_not_there_is_refused() {
        let _ = TWO.part("more");
    }

    #[test]
    fn placeholders_are_filled_in_and_nothing_else_is() {
        let part = "-- :rows of it\nSELECT 'a:b', x::text, :rank, CAST(y AS :type[]) FROM :rows -- :rows\n";
        assert_eq!(
            filled(part, &[("rows", "builds"), ("rank", "3"), ("type", "pg_catalog.int8"), ("text", "no")]),
            "-- :rows of it\nSELECT 'a:b', x::text, 3, CAST(y AS pg_catalog.int8[]) FROM builds -- :rows\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_filled_without_panic(part in "(?s).{0,40}", value in ".{0,5}") {
            let _ = filled(&part, &[("a", &value)]);
        }
    }
}
