//! Profiles: one SQL file that presents some CI's tables as the relations build, step, chunk and object.

use std::collections::BTreeMap;
use std::path::Path;

use super::header::{self, FileFault, SqlFile};
use super::relation::Relation;
use super::{SqlSourceError, read_sql_file};

/// The profiles that ship, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("circleci", include_str!("../../sql/profiles/circleci.sql")),
    ("buildbot", include_str!("../../sql/profiles/buildbot.sql")),
    ("conductor", include_str!("../../sql/profiles/conductor.sql")),
];

/// The name of the profile that is used where none is chosen.
pub const DEFAULT_PROFILE: &str = "circleci";

/// A profile that has been read; the database has not seen it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it reads, in a line.
    pub title: String,
    /// What `output_size`, `first` and `next` count, for the evidence: bytes, lines ...
    pub unit: String,
    pub(super) file: String,
    relations: BTreeMap<Relation, RelationSql>,
}

/// The SQL of one relation and the line of the file on which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelationSql {
    pub(super) sql: String,
    pub(super) line: usize,
}

impl Profile {
    /// The profiles that ship: the name and the file of each.
    pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.into_iter()
    }

    /// Finds a profile that ships by its name, or reads a file.
    ///
    /// # Errors
    /// No such profile or file, or a fault in it.
    pub fn load(name_or_file: &str) -> Result<Self, SqlSourceError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_file) {
            return Ok(Self::parse(&format!("profile {name}"), text)?);
        }
        let path = Path::new(name_or_file);
        if header::is_name(name_or_file) && !path.exists() {
            return Err(SqlSourceError::UnknownProfile {
                name: name_or_file.to_owned(),
                known: BUILT_IN.map(|(name, _)| name).join(", "),
            });
        }
        Ok(Self::parse(name_or_file, &read_sql_file(path)?)?)
    }

    /// Reads a profile. `file` names it in messages.
    ///
    /// # Errors
    /// The first fault, with its line and what was expected there.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileFault> {
        let source = SqlFile { name: file, text };
        let mut head: BTreeMap<&str, &str> = BTreeMap::new();
        let mut relations: BTreeMap<Relation, RelationSql> = BTreeMap::new();
        let mut current = None;
        for (line, text) in source.lines() {
            match header::header(text, &["profile", "title", "unit", "relation"]) {
                Some(found) if found.key == "relation" => {
                    let relation = found.value.parse().map_err(|()| {
                        source.fault(line, format!("relation {:?}: expected build, step, chunk or object", found.value))
                    })?;
                    let empty = RelationSql { sql: String::new(), line: line + 1 };
                    if relations.insert(relation, empty).is_some() {
                        return Err(source.fault(line, format!("relation {relation} stands here a second time")));
                    }
                    current = Some(relation);
                }
                Some(found) if current.is_none() => {
                    if found.value.is_empty() {
                        return Err(source.fault(line, format!("expected a text after \"-- {}:\"", found.key)));
                    }
                    if head.insert(found.key, found.value).is_some() {
                        return Err(source.fault(line, format!("\"-- {}:\" stands here a second time", found.key)));
                    }
                }
                _ => match current.and_then(|relation| relations.get_mut(&relation)) {
                    Some(relation) => {
                        relation.sql.push_str(text);
                        relation.sql.push('\n');
                    }
                    None if header::holds_sql(text) => {
                        return Err(source.fault(line, "expected \"-- relation: NAME\" before the first SQL"));
                    }
                    None => {}
                },
            }
        }
        let name = head.get("profile").ok_or_else(|| source.fault(1, "expected \"-- profile: NAME\""))?;
        if !header::is_name(name) {
            return Err(source.fault(1, format!("profile {name:?}: expected a name of a-z, 0-9, - and _")));
        }
        let title = head.get("title").ok_or_else(|| source.fault(1, "expected \"-- title: TEXT\""))?;
        if !relations.contains_key(&Relation::Build) {
            return Err(source.fault(1, "expected \"-- relation: build\": without it nothing can be found"));
        }
        for (relation, found) in &mut relations {
            found.sql = header::without_semicolon(&found.sql).to_owned();
            if found.sql.is_empty() {
                return Err(source.fault(found.line - 1, format!("relation {relation}: expected a SELECT below it")));
            }
        }
        Ok(Self {
            name: (*name).to_owned(),
            title: (*title).to_owned(),
            unit: head.get("unit").map_or("units", |unit| unit).to_owned(),
            file: file.to_owned(),
            relations,
        })
    }

    /// Whether the profile presents a relation.
    pub fn offers(&self, relation: Relation) -> bool {
        self.relations.contains_key(&relation)
    }

    pub(super) fn relation(&self, relation: Relation) -> Option<&RelationSql> {
        self.relations.get(&relation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-- profile: mine\n-- title: my own CI\n-- relation: build\nSELECT 1\n;\n-- relation: step\n\
                        -- the steps\nSELECT 2;\n";

    #[test]
    fn the_profiles_that_ship_are_sound() {
        for (name, _) in BUILT_IN {
            assert_eq!(Profile::load(name).expect(name).name, name);
        }
    }

    #[test]
    fn a_profile_is_read() {
        let profile = Profile::parse("mine.sql", GOOD).expect("a profile");
        assert_eq!((profile.name.as_str(), profile.title.as_str()), ("mine", "my own CI"));
        assert_eq!(
            profile.relation(Relation::Build).map(|found| (found.sql.as_str(), found.line)),
            Some(("SELECT 1", 4))
        );
        assert!(profile.offers(Relation::Step));
        assert!(!profile.offers(Relation::Chunk));
    }

    #[test]
    fn each_fault_names_its_line_and_what_was_expected() {
        for (text, expected) in [
            ("", "f, line 1: expected \"-- profile: NAME\""),
            (
                "-- profile: Mine!\n-- title: t\n-- relation: build\nSELECT 1",
                "f, line 1: profile \"Mine!\": expected a name of a-z, 0-9, - and _",
            ),
            ("-- profile: mine\n-- relation: build\nSELECT 1", "f, line 1: expected \"-- title: TEXT\""),
            ("-- profile: mine\n-- title:\n", "f, line 2: expected a text after \"-- title:\""),
            (
                "-- profile: mine\n-- title: t\nSELECT 1",
                "f, line 3: expected \"-- relation: NAME\" before the first SQL",
            ),
            (
                "-- profile: mine\n-- title: t\n-- relation: job\n",
                "f, line 3: relation \"job\": expected build, step, chunk or object",
            ),
            (
                "-- profile: mine\n-- title: t\n-- relation: step\nSELECT 1",
                "f, line 1: expected \"-- relation: build\": without it nothing can be found",
            ),
            (
                "-- profile: mine\n-- title: t\n-- relation: build\n-- relation: build\n",
                "f, line 4: relation build stands here a second time",
            ),
            (
                "-- profile: mine\n-- title: t\n-- relation: build\n-- none yet\n",
                "f, line 3: relation build: expected a SELECT below it",
            ),
        ] {
            assert_eq!(Profile::parse("f", text).expect_err(text).to_string(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(-- (profile|title|relation|unit): ?[a-z]{0,6}\n|SELECT 1;?\n|.*\n){0,8}") {
            let _ = Profile::parse("f", &text);
        }
    }
}
