//! The schema of a profile's tables: its SQL writes them `:"schema".NAME`, with psql's own variable.

use std::collections::BTreeSet;

/// The variable that stands for the schema.
pub(super) const VARIABLE: &str = ":\"schema\"";

/// The schema in which a profile's tables are. A profile that writes no table by the variable `:"schema"` needs none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileSchema(Option<String>);

impl ProfileSchema {
    pub(super) fn new(schema: String) -> Self {
        Self(Some(schema))
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// SQL as it is run.
    pub(super) fn sql(&self, written: &str) -> String {
        match &self.0 {
            Some(schema) => written.replace(VARIABLE, &quoted(schema)),
            None => written.to_owned(),
        }
    }
}

/// A name as it stands in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQL without the variable: the same wherever its tables are.
pub(super) fn anywhere(written: &str) -> String {
    written.replace(&format!("{VARIABLE}."), "")
}

/// The names of the tables that SQL writes with the variable. Comments do not count.
pub(super) fn names(written: &str) -> BTreeSet<String> {
    let code = |line: &'_ str| line.split("--").next().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    for line in written.lines().map(code) {
        names.extend(line.split(&format!("{VARIABLE}.")).skip(1).filter_map(name_at_start));
    }
    names
}

/// All that SQL writes as two names with a dot between them, as a table with its schema is written: columns of an alias among them.
pub(super) fn pairs(written: &str) -> BTreeSet<(String, String)> {
    let belongs = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$' | '"');
    let mut pairs = BTreeSet::new();
    for line in written.lines().map(|line| line.split("--").next().unwrap_or_default()) {
        for (dot, _) in line.match_indices('.') {
            let (before, after) = (&line[..dot], &line[dot + 1..]);
            let schema = match before.strip_suffix('"') {
                Some(open) => open.rfind('"').map(|from| open[from + 1..].to_owned()),
                None => name_at_start(&before[before.trim_end_matches(belongs).len()..]),
            };
            if let (Some(schema), Some(name)) = (schema, name_at_start(after)) {
                pairs.insert((schema, name));
            }
        }
    }
    pairs
}

/// The identifier with which a text begins, as PostgreSQL reads it.
fn name_at_start(text: &str) -> Option<String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut characters = quoted.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, characters.peek()) {
                ('"', Some('"')) => {
                    characters.next();
                    name.push('"');
                }
                ('"', _) => return Some(name),
                (other, _) => name.push(other),
            }
        }
        return None;
    }
    let belongs = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let name: String = text.chars().take_while(|character| belongs(*character)).collect();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_as_postgresql_reads_them() {
        let sql = "SELECT 1 FROM :\"schema\".Builds AS b -- not :\"schema\".old\n JOIN :\"schema\".\"My \"\"Steps\" s ON :\"schema\".f(x), ci.other";
        assert_eq!(names(sql).into_iter().collect::<Vec<_>>(), ["My \"Steps", "builds", "f"]);
        assert!(names("FROM :\"schema\".").is_empty());
        assert!(names("FROM :\"schema\".\"open").is_empty());
    }

    #[test]
    fn names_with_a_schema_are_found() {
        let sql = "SELECT b.id FROM ci.Builds AS b JOIN \"My CI\".\"Log s\" l ON 1.5 > 1 -- old.table";
        let found = pairs(sql);
        for (schema, name) in [("ci", "builds"), ("My CI", "Log s"), ("b", "id")] {
            assert!(found.contains(&(schema.to_owned(), name.to_owned())), "{found:?}");
        }
        assert!(!found.iter().any(|(schema, _)| schema == "old"), "{found:?}");
    }

    #[test]
    fn a_schema_is_a_name_whatever_is_in_it() {
        let placed = ProfileSchema::new("a\"; DROP".to_owned()).sql("FROM :\"schema\".builds");
        assert_eq!(placed, "FROM \"a\"\"; DROP\".builds");
        assert_eq!(anywhere("FROM :\"schema\".builds"), "FROM builds");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let _ = (names(&text), pairs(&text), anywhere(&text), ProfileSchema::new(text.clone()).sql(&text));
        }
    }
}
