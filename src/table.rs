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
        let name = quoted_if_needed(&table.name);
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
        format!(
            "{kind} {} of schema {} (owner {})",
            names.join(", "),
            quoted_if_needed(&first.schema),
            quoted_if_needed(&first.owner)
        )
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

/// The differences between two lists of tables, in words.
pub fn changed(before: &[Table], now: &[Table]) -> String {
    let mut changes = Vec::new();
    for table in before {
        let place = format!("{}.{}", quoted_if_needed(&table.schema), quoted_if_needed(&table.name));
        match now.iter().find(|other| (&other.schema, &other.name) == (&table.schema, &table.name)) {
            Some(same) if same == table => {}
            None => changes.push(format!("{} {place} is not read any more", table.kind)),
            Some(other) if other.kind != table.kind => {
                changes.push(format!("{place} was a {} and is a {}", table.kind, other.kind));
            }
            Some(other) if other.owner != table.owner => {
                let owners = [&table.owner, &other.owner].map(|owner| quoted_if_needed(owner));
                changes.push(format!("{} {place} belonged to {} and belongs to {}", table.kind, owners[0], owners[1]));
            }
            Some(_) => changes.push(format!("{} {place} has another definition", table.kind)),
        }
    }
    let is_new =
        |table: &&Table| !before.iter().any(|other| (&other.schema, &other.name) == (&table.schema, &table.name));
    let new = now.iter().filter(is_new);
    changes.extend(new.map(|table| {
        format!("{} {}.{} is read now", table.kind, quoted_if_needed(&table.schema), quoted_if_needed(&table.name))
    }));
    changes.join("; ")
}

/// A name, in quotation marks where it is no plain word.
fn quoted_if_needed(name: &str) -> String {
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
    fn what_has_changed_is_said() {
        let before =
            [table("public", "builds", "table"), table("public", "steps", "view"), table("public", "output", "table")];
        let mut now = before.clone();
        now[0].kind = "view".to_owned();
        now[1].definition_sha256 = Some("ab".to_owned());
        now[2].owner = "mallory".to_owned();
        assert_eq!(
            changed(&before, &now),
            "public.builds was a table and is a view; view public.steps has another definition; table public.output belonged to ci and \
             belongs to mallory"
        );
        assert_eq!(changed(&before, &before), "");
        assert_eq!(changed(&[], &before[..1]), "table public.builds is read now");
        assert_eq!(changed(&before[..1], &[]), "table public.builds is not read any more");
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
