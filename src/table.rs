//! A table that is read, as the database describes it.

use std::fmt;

/// A table, or what passes for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is: `table`, `partitioned table`, `view`, `materialized view`, `foreign table`.
    pub kind: String,
    /// The role that owns it.
    pub owner: String,
    /// The SHA-256 of what a view shows, in hexadecimal digits; `None` for anything else.
    pub definition_sha256: Option<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}.{:?} of {:?}", self.kind, self.schema, self.name, self.owner)
    }
}

/// Tables in a few words: those of one schema, kind and owner together.
pub fn in_words(tables: &[Table]) -> String {
    let mut groups: Vec<(&Table, Vec<String>)> = Vec::new();
    for table in tables {
        let alike =
            |other: &Table| (&other.schema, &other.kind, &other.owner) == (&table.schema, &table.kind, &table.owner);
        let name = shown(&table.name);
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, names)) => names.push(name),
            None => groups.push((table, vec![name])),
        }
    }
    if groups.is_empty() {
        return "no table".to_owned();
    }
    let group = |(first, names): &(&Table, Vec<String>)| {
        let kind = if names.len() == 1 { first.kind.clone() } else { format!("{}s", first.kind) };
        format!("{kind} {} of schema {} (owner {})", names.join(", "), shown(&first.schema), shown(&first.owner))
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

/// A name as it is: in quotation marks where it is no plain word.
fn shown(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: &str, name: &str, kind: &str) -> Table {
        let [schema, name, kind] = [schema, name, kind].map(str::to_owned);
        Table { schema, name, kind, owner: "ci".to_owned(), definition_sha256: None }
    }

    #[test]
    fn no_table_is_said() {
        assert_eq!(in_words(&[]), "no table");
    }

    #[test]
    fn tables_of_one_kind_are_named_together() {
        let tables = [
            table("public", "builds", "table"),
            table("public", "Steps", "table"),
            table("public", "output", "view"),
            table("a b", "output", "foreign table"),
        ];
        assert_eq!(
            in_words(&tables),
            "tables builds, \"Steps\" of schema public (owner ci); view output of schema public (owner ci); \
             foreign table output of schema \"a b\" (owner ci)"
        );
    }
}
