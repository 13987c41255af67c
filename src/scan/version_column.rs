//! How a profile says what the version of a build's row is: by a header, and by a variable in the SQL of relation build.

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
/// Fills in the variable in the SQL of relation build: without versions, and with them where the header says how.
pub(super) fn filled_in(
    source: &SqlFile<'_>,
    head: &BTreeMap<&str, (usize, &str)>,
    (sql, first_line): (&str, usize),
) -> Result<(String, Option<String>), FileFault> {
    let is_used = sql.lines().any(|line| line.split("--").next().unwrap_or_default().contains(VARIABLE));
    match (head.get(HEADER), is_used) {
        (None, false) => Ok((sql.to_owned(), None)),
        (None, true) => {
            Err(source.fault(first_line, format!("{VARIABLE}: expected \"-- {HEADER}: EXPRESSION\" to say what it is")))
        }
        (Some((line, _)), false) => {
            Err(source.fault(*line, format!("expected \"{VARIABLE} AS {ROW_VERSION}\" in relation build")))
        }
        (Some((_, expression)), true) => {
            let [without, with] =
                [sql::expression(NO_VERSION), expression].map(|version| sql.replace(VARIABLE, version));
            Ok((without, Some(with)))
        }
    }
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
