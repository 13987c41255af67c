//! The SQL of a relation, and how a profile says what the version of a build's row is: by a header, and by a variable in that SQL.

use std::collections::BTreeMap;

use crate::sql::{self, VERSIONS};

use super::header::{FileFault, SqlFile};
use super::relation::ROW_VERSION;

/// The variable that stands for the version of a row in the SQL of a profile.
const VARIABLE: &str = ":row_version";
/// What stands in its place where no version can be read.
pub(super) const NO_VERSION: &str = VERSIONS.part("no_version");
/// The header that says what it is.
const HEADER: &str = "row-version";

/// The SQL of one relation and the line of the file on which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelationSql {
    pub(super) sql: String,
    pub(super) line: usize,
    /// The same with the versions of its rows, where the profile says how they are read.
    pub(super) with_versions: Option<String>,
}

impl RelationSql {
    /// Its SQL, with or without the versions of rows.
    pub(super) fn sql(&self, with_versions: bool) -> &str {
        self.with_versions.as_deref().filter(|_| with_versions).unwrap_or(&self.sql)
    }

    /// Whether the profile says how the versions of its rows are read.
    pub(super) fn has_versions(&self) -> bool {
        self.with_versions.is_some()
    }
}

/// Fills in the variable in the SQL of relation build: without versions, and with them where the header says how.
pub(super) fn filled_in(
    source: &SqlFile<'_>,
    head: &BTreeMap<&str, (usize, &str)>,
    (text, first_line): (&str, usize),
) -> Result<(String, Option<String>), FileFault> {
    let is_used = text.lines().any(|line| line.split("--").next().unwrap_or_default().contains(VARIABLE));
    match (head.get(HEADER), is_used) {
        (None, false) => Ok((text.to_owned(), None)),
        (None, true) => {
            Err(source.fault(first_line, format!("{VARIABLE}: expected \"-- {HEADER}: EXPRESSION\" to say what it is")))
        }
        (Some((line, _)), false) => {
            Err(source.fault(*line, format!("expected \"{VARIABLE} AS {ROW_VERSION}\" in relation build")))
        }
        (Some((_, expression)), true) => {
            let filled = |version: &str| text.replace(VARIABLE, version);
            let without = left_out(text).unwrap_or_else(|| filled(sql::expression(NO_VERSION)));
            let with = filled(expression);
            Ok((without, Some(with)))
        }
    }
}

/// The SQL without the column, where it is not the first one: as it would be without versions, so that its digest is the same.
fn left_out(text: &str) -> Option<String> {
    let (before, after) = text.split_once(VARIABLE)?;
    let after = after.trim_start().strip_prefix("AS")?.trim_start().strip_prefix(ROW_VERSION)?;
    let before = before.trim_end().strip_suffix(',')?;
    (!before.lines().last()?.contains("--") && !after.contains(VARIABLE)).then(|| format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use crate::scan::profile::Profile;
    use crate::scan::relation::Relation;

    fn read(header: &str, column: &str) -> Result<Profile, String> {
        let text = format!(
            "-- profile: mine\n-- title: t\n{header}-- relation: build\n-- :row_version is a word here\nSELECT 1{column}\n"
        );
        Profile::parse("mine.sql", &text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_variable_is_what_the_header_says_or_no_version() {
        let profile = read("-- row-version: b.xmin\n", ", :row_version AS row_version").expect("a profile");
        let build = profile.relation(Relation::Build).expect("builds");
        assert!(build.sql(true).ends_with("SELECT 1, b.xmin AS row_version"), "{}", build.sql(true));
        assert!(build.sql(false).ends_with("SELECT 1, NULL::xid AS row_version"), "{}", build.sql(false));
        assert_eq!(build.sql(false), build.sql);
    }

    #[test]
    fn without_versions_the_sql_is_as_if_there_were_none() {
        let text = |column: &str| format!("-- profile: mine\n-- title: t\n{column}  FROM builds AS b\n");
        let head = "-- row-version: b.xmin\n-- relation: build\nSELECT b.id AS build_key,\n       :row_version    AS row_version\n";
        let with = Profile::parse("mine.sql", &text(head)).expect("a profile");
        let before =
            Profile::parse("mine.sql", &text("-- relation: build\nSELECT b.id AS build_key\n")).expect("a profile");
        assert_eq!(with.all_sql().collect::<Vec<_>>(), before.all_sql().collect::<Vec<_>>());
    }

    #[test]
    fn header_and_variable_go_together() {
        let alone = read("-- row-version: b.xmin\n", "").expect_err("a fault");
        assert_eq!(alone, "mine.sql, line 3: expected \":row_version AS row_version\" in relation build");
        let without = read("", ", :row_version AS row_version").expect_err("a fault");
        assert_eq!(
            without,
            "mine.sql, line 4: :row_version: expected \"-- row-version: EXPRESSION\" to say what it is"
        );
        let neither = read("", ", b.xmin AS row_version").expect("a profile");
        let build = neither.relation(Relation::Build).expect("builds");
        assert_eq!(build.sql(true), build.sql(false));
    }
}
