//! Profiles: one SQL file that presents some CI's tables as the relations build, step, chunk and object.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::SignedDuration;

use crate::build_url::AddressForm;
use crate::duration;
use crate::file_access;
use crate::http_deletion::HttpDeletion;
use crate::obstacle::{Queue, Running};
use crate::text::similar::did_you_mean;

use super::deletion_headers;
use super::error::{SqlSourceError, unreadable};
use super::header::{self, FileFault, Head, SqlFile};
use super::known::{AdminPath, Known, address_form, admin_paths};
use super::relation::Relation;
use super::version_column::{self, RelationSql};

/// The profiles that ship, by name.
const BUILT_IN: [(&str, &str); 6] = [
    ("circleci", include_str!("../../sql/profiles/circleci.sql")),
    ("buildbot", include_str!("../../sql/profiles/buildbot.sql")),
    ("conductor", include_str!("../../sql/profiles/conductor.sql")),
    ("circleci-api", include_str!("../../sql/profiles/circleci-api.sql")),
    ("openqa", include_str!("../../sql/profiles/openqa.sql")),
    ("lava", include_str!("../../sql/profiles/lava.sql")),
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
    /// The lifecycles that it can give; `None` where it does not say.
    pub yields: Option<Vec<String>>,
    /// Where its CI keeps what waits; `None` where it does not say.
    pub queue: Option<Queue>,
    /// What becomes of builds that ran at the backup.
    pub running: Running,
    /// The CI's own limit for a build; `None` where it does not say.
    pub max_run_time: Option<SignedDuration>,
    /// Whether the builds themselves are in the database, or copies of them.
    pub rows: RowOrigin,
    /// The schema of its tables, where none is chosen; `None` where it is to be looked for.
    pub schema: Option<String>,
    /// On what it has been tried; `None` where it does not say.
    pub known: Option<Known>,
    /// The admin paths by which its builds can be deleted; `None` where it does not say.
    pub admin_paths: Option<Vec<AdminPath>>,
    /// How its CI deletes a build by HTTP; `None` where it does not say.
    pub deletion: Option<HttpDeletion>,
    /// How the addresses of its builds are written. Where it does not say: as in CircleCI, unless its CI deletes by a request of its own.
    pub addresses: AddressForm,
    pub(super) file: String,
    relations: BTreeMap<Relation, RelationSql>,
    archive: Vec<ArchiveSql>,
    /// The sections of which there is one at most, by their words.
    single: BTreeMap<&'static str, NamedSql>,
}

/// What the rows of a relation are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowOrigin {
    /// The builds themselves: what the database server says of itself, it says of the CI.
    #[default]
    Here,
    /// Copies of documents from elsewhere.
    Copies,
}

/// The header lines that stand before the first section.
const HEADERS: [&str; 23] = [
    "profile",
    "title",
    "unit",
    "yields",
    "queue",
    "running",
    "max-run-time",
    "rows",
    "schema",
    "known",
    "admin-paths",
    "addresses",
    "delete",
    "cancel",
    "token",
    "gone",
    "refused",
    "denied",
    "row-version",
    "relation",
    "archive",
    COLLECTION,
    RUN_AGAIN,
];

/// The section with one row about the collection whose documents the relations present.
const COLLECTION: &str = "collection";
/// The section that says what deleted builds were.
const RUN_AGAIN: &str = "run-again";
/// The sections of which a profile has one at most, and what is named after the word.
const SINGLE: [(&str, &str); 2] = [(COLLECTION, "what is collected"), (RUN_AGAIN, "what it is read from")];

/// Such a section by its word.
fn single_section(key: &str) -> Option<(&'static str, &'static str)> {
    SINGLE.into_iter().find(|(word, _)| *word == key)
}

/// The SQL of such a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NamedSql {
    /// What is named after the word, such as documents.
    pub(super) name: String,
    pub(super) sql: String,
    pub(super) line: usize,
}

/// One table with rows that belong to builds: SQL that gives each row whole, with the key of its build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArchiveSql {
    pub(super) table: String,
    pub(super) sql: String,
    pub(super) line: usize,
}

/// Which section of a profile is being read.
#[derive(Clone, Copy)]
enum Section {
    Relation(Relation),
    /// The last one.
    Archive,
    Single(&'static str),
}

impl Profile {
    /// The SQL of all its relations, in a fixed order.
    pub(super) fn all_sql(&self) -> impl Iterator<Item = &str> {
        self.relations.values().map(|relation| relation.sql.as_str())
    }

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
                hint: did_you_mean(name_or_file, BUILT_IN.map(|(name, _)| name)),
            });
        }
        Ok(Self::parse(name_or_file, &file_access::read_text(path, file_access::PROFILE).map_err(unreadable(path))?)?)
    }

    /// Reads a profile. `file` names it in messages.
    ///
    /// # Errors
    /// The first fault, with its line and what was expected there.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileFault> {
        let source = SqlFile { name: file, text };
        let mut head: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut relations: BTreeMap<Relation, RelationSql> = BTreeMap::new();
        let mut archive: Vec<ArchiveSql> = Vec::new();
        let mut single: BTreeMap<&'static str, NamedSql> = BTreeMap::new();
        let mut current = None;
        for (line, text) in source.lines() {
            match header::header(text, &HEADERS) {
                Some(found) if found.key == "relation" => {
                    let relation = found.value.parse().map_err(|()| {
                        source.fault(line, format!("relation {:?}: expected build, step, chunk or object", found.value))
                    })?;
                    let empty = RelationSql { sql: String::new(), line: line + 1, with_versions: None };
                    if relations.insert(relation, empty).is_some() {
                        return Err(source.fault(line, format!("relation {relation} appears a second time")));
                    }
                    current = Some(Section::Relation(relation));
                }
                Some(found) if found.key == "archive" => {
                    let table = found.value;
                    if table.is_empty() {
                        return Err(source.fault(line, "expected the name of a table after \"-- archive:\""));
                    }
                    if archive.iter().any(|section| section.table == table) {
                        return Err(source.fault(line, format!("archive {table} appears a second time")));
                    }
                    archive.push(ArchiveSql { table: table.to_owned(), sql: String::new(), line: line + 1 });
                    current = Some(Section::Archive);
                }
                Some(found) if single_section(found.key).is_some() => {
                    let Some((word, named)) = single_section(found.key) else { continue };
                    if found.value.is_empty() {
                        return Err(source.fault(line, format!("expected {named} after \"-- {word}:\"")));
                    }
                    let empty = NamedSql { name: found.value.to_owned(), sql: String::new(), line: line + 1 };
                    if single.insert(word, empty).is_some() {
                        return Err(source.fault(line, format!("a second {word}: expected one at most")));
                    }
                    current = Some(Section::Single(word));
                }
                Some(found) if current.is_none() => {
                    if found.value.is_empty() {
                        return Err(source.fault(line, format!("expected a text after \"-- {}:\"", found.key)));
                    }
                    if head.insert(found.key, (line, found.value)).is_some() {
                        return Err(source.fault(line, format!("\"-- {}:\" appears a second time", found.key)));
                    }
                }
                _ => match current.and_then(|section| sql_of(section, &mut relations, &mut archive, &mut single)) {
                    Some(sql) => {
                        sql.push_str(text);
                        sql.push('\n');
                    }
                    None if header::holds_sql(text) => {
                        return Err(source.fault(line, "expected \"-- relation: NAME\" before the first SQL"));
                    }
                    None => {}
                },
            }
        }
        let text_of = |key: &str| head.get(key).map(|(_, value)| *value);
        let name = text_of("profile").ok_or_else(|| source.fault(1, "expected \"-- profile: NAME\""))?;
        if !header::is_name(name) {
            return Err(source.fault(1, format!("profile {name:?}: expected a name of a-z, 0-9, - and _")));
        }
        let title = text_of("title").ok_or_else(|| source.fault(1, "expected \"-- title: TEXT\""))?;
        if !relations.contains_key(&Relation::Build) {
            return Err(source.fault(1, "expected \"-- relation: build\": without it nothing can be found"));
        }
        for (relation, found) in &mut relations {
            found.sql = header::without_semicolon(&found.sql).to_owned();
            if found.sql.is_empty() {
                return Err(source.fault(found.line - 1, format!("relation {relation}: expected a SELECT below it")));
            }
        }
        if let Some(build) = relations.get_mut(&Relation::Build) {
            (build.sql, build.with_versions) = version_column::filled_in(&source, &head, (&build.sql, build.line))?;
        }
        for found in &mut archive {
            found.sql = header::without_semicolon(&found.sql).to_owned();
            if found.sql.is_empty() {
                let fault = format!("archive {}: expected a SELECT below it", found.table);
                return Err(source.fault(found.line - 1, fault));
            }
        }
        for (word, found) in &mut single {
            found.sql = header::without_semicolon(&found.sql).to_owned();
            if found.sql.is_empty() {
                let fault = format!("{word} {}: expected a SELECT below it", found.name);
                return Err(source.fault(found.line - 1, fault));
            }
        }
        let head_line = Head { source: &source, head: &head };
        let admin_paths = head_line.read("admin-paths", admin_paths)?;
        let (deletion, admin_paths) = deletion_headers::read(&source, &head, admin_paths)?;
        let addresses = head_line.read("addresses", address_form)?;
        // A CI that deletes by a request of its own rarely has CircleCI's addresses.
        let usual_form = if deletion.is_some() { AddressForm::AsWritten } else { AddressForm::CircleCi };
        Ok(Self {
            name: name.to_owned(),
            title: title.to_owned(),
            unit: text_of("unit").unwrap_or("units").to_owned(),
            yields: head_line.read("yields", header::lifecycles)?,
            queue: head_line.read("queue", |word| match word {
                "in this database" => Ok(Queue::InThisDatabase),
                "elsewhere" => Ok(Queue::Elsewhere),
                other => Err(format!("queue {other:?}: expected \"in this database\" or \"elsewhere\"")),
            })?,
            running: head_line
                .read("running", |word| match word {
                    "lost" => Ok(Running::Lost),
                    "resumed" => Ok(Running::Resumed),
                    other => Err(format!("running {other:?}: expected \"lost\" or \"resumed\"")),
                })?
                .unwrap_or_default(),
            max_run_time: head_line.read("max-run-time", |length| {
                duration::parse(length).map_err(|why| format!("max-run-time {length:?}: {why}"))
            })?,
            rows: head_line
                .read("rows", |word| match word {
                    "here" => Ok(RowOrigin::Here),
                    "copies" => Ok(RowOrigin::Copies),
                    other => Err(format!("rows {other:?}: expected \"here\" or \"copies\"")),
                })?
                .unwrap_or_default(),
            schema: text_of("schema").map(str::to_owned),
            known: head_line.read("known", str::parse)?,
            admin_paths,
            deletion,
            addresses: addresses.unwrap_or(usual_form),
            file: file.to_owned(),
            relations,
            archive,
            single,
        })
    }

    /// Whether its builds are copies of what a CI keeps elsewhere: then nothing that the database server says of itself says anything of the CI.
    pub fn presents_copies(&self) -> bool {
        self.rows == RowOrigin::Copies
    }

    /// Whether it is one of those that ship, and not somebody's own file.
    pub fn ships(&self) -> bool {
        BUILT_IN.iter().any(|(name, _)| self.file == format!("profile {name}"))
    }

    /// Whether the profile presents a relation.
    pub fn offers(&self, relation: Relation) -> bool {
        self.relations.contains_key(&relation)
    }

    /// The tables that an archive of a build holds, parents first; none where the profile names none.
    pub fn archived_tables(&self) -> impl Iterator<Item = &str> {
        self.archive.iter().map(|section| section.table.as_str())
    }

    /// Whether it says of which collection its documents are.
    pub fn presents_collection(&self) -> bool {
        self.single.contains_key(COLLECTION)
    }

    /// Whether it says what deleted builds were, so that they can be run again.
    pub fn presents_run_again(&self) -> bool {
        self.single.contains_key(RUN_AGAIN)
    }

    /// The SQL that says of which collection the documents are; `None` where the profile reads none.
    pub(super) fn collection(&self) -> Option<&NamedSql> {
        self.single.get(COLLECTION)
    }

    /// The SQL that says what deleted builds were; `None` where the profile does not.
    pub(super) fn run_again(&self) -> Option<&NamedSql> {
        self.single.get(RUN_AGAIN)
    }

    pub(super) fn archive(&self) -> &[ArchiveSql] {
        &self.archive
    }

    pub(super) fn relation(&self, relation: Relation) -> Option<&RelationSql> {
        self.relations.get(&relation)
    }
}

/// Where the SQL of a section goes.
fn sql_of<'a>(
    section: Section,
    relations: &'a mut BTreeMap<Relation, RelationSql>,
    archive: &'a mut [ArchiveSql],
    single: &'a mut BTreeMap<&'static str, NamedSql>,
) -> Option<&'a mut String> {
    match section {
        Section::Relation(relation) => relations.get_mut(&relation).map(|found| &mut found.sql),
        Section::Archive => archive.last_mut().map(|found| &mut found.sql),
        Section::Single(word) => single.get_mut(word).map(|found| &mut found.sql),
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
