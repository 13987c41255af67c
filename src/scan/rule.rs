//! Rules: one SQL file each, over the relations, that says which builds are abnormal and what was seen.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::file_access;
use crate::obstacle::Ground;

use crate::text::Foreign;
use crate::text::similar::did_you_mean;

use super::error::{ScanError, SqlSourceError, unreadable};
use super::header::{self, FileFault, SqlFile};
use super::relation::Relation;

/// The rules that ship, in the order in which a report names them.
const BUILT_IN: [(&str, &str); 18] = [
    ("stuck-running", include_str!("../../sql/rules/stuck-running.sql")),
    ("closed-after-restore", include_str!("../../sql/rules/closed-after-restore.sql")),
    ("stuck-queued", include_str!("../../sql/rules/stuck-queued.sql")),
    ("impossible-state", include_str!("../../sql/rules/impossible-state.sql")),
    ("step-unfinished", include_str!("../../sql/rules/step-unfinished.sql")),
    ("output-truncated", include_str!("../../sql/rules/output-truncated.sql")),
    ("output-gap", include_str!("../../sql/rules/output-gap.sql")),
    ("output-missing", include_str!("../../sql/rules/output-missing.sql")),
    ("output-excess", include_str!("../../sql/rules/output-excess.sql")),
    ("unexplained", include_str!("../../sql/rules/unexplained.sql")),
    ("orphan-step", include_str!("../../sql/rules/orphan-step.sql")),
    ("orphan-output", include_str!("../../sql/rules/orphan-output.sql")),
    ("duplicate-number", include_str!("../../sql/rules/duplicate-number.sql")),
    ("duplicate-key", include_str!("../../sql/rules/duplicate-key.sql")),
    ("relation-empty", include_str!("../../sql/rules/relation-empty.sql")),
    ("impossible-times", include_str!("../../sql/rules/impossible-times.sql")),
    ("object-missing", include_str!("../../sql/rules/object-missing.sql")),
    ("object-short", include_str!("../../sql/rules/object-short.sql")),
];

/// The header lines of a rule.
const HEADERS: [&str; 8] = ["rule", "title", "needs", "lifecycles", "deletable", "finds", "prefilter", OLD_PREFILTER];

/// The older name of the header `prefilter`, which an operator's own rules may still have.
const OLD_PREFILTER: &str = "sieve";

/// What stands after `-- finds:`.
const KINDS_FOUND: [(&str, Finds); 5] = [
    ("builds of one address", Finds::SameAddress),
    ("where output ends", Finds::OutputEnds),
    ("builds that lost a relation", Finds::Losses),
    ("builds that had started by T", Finds::StartedByBackup),
    ("what no other rule explains", Finds::Unexplained),
];

/// What stands after `-- deletable:`.
const GROUNDS: [(&str, Ground); 4] = [
    ("yes", Ground::Always),
    ("never", Ground::Never),
    ("where what ran is lost", Ground::WhereLost),
    ("row by row", Ground::RowByRow),
];

/// A rule that has been read; the database has not seen it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as `--rule` and the report's reasons give it.
    pub name: String,
    /// What is wrong where it fires, in a line.
    pub title: String,
    /// What it reads.
    pub needs: Vec<Need>,
    /// The lifecycles of the builds that it finds; empty where it finds builds of any.
    pub lifecycles: Vec<String>,
    /// When it makes a build deletable.
    pub ground: Ground,
    /// What kind of thing it finds, where the engine does more with that than report it.
    pub finds: Option<Finds>,
    /// Where it need not look.
    pub prefilter: Option<Prefilter>,
    /// Its file, as it stands.
    pub text: String,
    pub(super) sql: String,
    pub(super) file: String,
    pub(super) line: usize,
}

/// What a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A relation of the profile.
    Relation(Relation),
    /// T: without it the rule has nothing to compare with.
    BackupTime,
    /// A queue that is kept outside the database: what waits in it starts by itself.
    QueueElsewhere,
    /// What object storage holds (`--objects`): such a rule reads what became of the comparison, in the relation held.
    Listing,
}

/// What a rule finds, where the engine does more with that than report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// Builds that share their address or number with others. They are never deletable, whichever rules a scan runs.
    SameAddress,
    /// Output that ends too early. Steps that say nothing of their end are then not checked.
    OutputEnds,
    /// Builds that lost their steps or output with others. They are not deletable by what reads these, whichever rules a scan runs.
    Losses,
    /// Builds that had started by T. Without any start on record, it sees only those that have steps or output.
    StartedByBackup,
    /// Builds that are damaged in some way. Only those that no other rule of the statement finds are reported.
    Unexplained,
}

/// Where a rule need not look, because it finds nothing in such builds or databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefilter {
    /// Builds that are whole: no step has started and not stopped, none says that its output never ended, and what is
    /// stored of each is exactly its size where it has output, and nothing where it has none or does not say.
    Whole,
    /// A database in which each step and each piece of output has its build. Of the relation object nothing is known.
    Parents,
    /// A database in which each step and each piece of output has its build, and builds that are whole: pieces without their step are not
    /// what a whole build has.
    WholeWithParents,
    /// A database in which no two builds share a number and a project, or an address, letter by letter.
    Names,
    /// A database in which each build has a key, and no key of a build, and none of a step within its build, stands for several rows.
    Keys,
}

impl Rule {
    /// The rules that ship, then those in the `*.sql` files of a folder, by file name.
    ///
    /// # Errors
    /// A folder or file that cannot be read, a fault in a file, two rules of one name.
    pub fn load_all(folder: Option<&Path>) -> Result<Vec<Self>, SqlSourceError> {
        let mut rules = Vec::new();
        for (name, text) in BUILT_IN {
            rules.push(Self::parse(&format!("rule {name}"), text)?);
        }
        let Some(folder) = folder else { return Ok(rules) };
        let own = sql_files(folder).map_err(|source| SqlSourceError::Read { file: folder.to_owned(), source })?;
        if own.is_empty() {
            return Err(SqlSourceError::NoRules(folder.to_owned()));
        }
        for file in own {
            let name = file.display().to_string();
            let text = file_access::read_plain_text(&file, file_access::RULE).map_err(unreadable(&file))?;
            let rule = Self::parse(&name, &text)?;
            if let Some(other) = rules.iter().find(|other| other.name == rule.name) {
                let other =
                    if other.ships() { "ships with halfbuilt".to_owned() } else { format!("is in {} too", other.file) };
                let fault =
                    Foreign::evidence(&format!("a rule of the name {:?} {other}: choose another name", rule.name));
                return Err(FileFault { file: name, line: 1, fault, topic: header::PROFILES }.into());
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    /// Whether it is one of those that ship, none of an operator's own.
    pub fn ships(&self) -> bool {
        BUILT_IN.iter().any(|(name, _)| *name == self.name)
    }

    /// The error for a name that none of `rules` has.
    pub fn unknown(name: &str, rules: &[Self]) -> ScanError {
        let hint = did_you_mean(name, rules.iter().map(|rule| rule.name.as_str()));
        ScanError::UnknownRule { name: name.to_owned(), hint }
    }

    /// Whether this is the rule that ships for builds which share their address. An edited copy would only say the same twice.
    pub(super) fn finds_same_address(&self) -> bool {
        self.finds == Some(Finds::SameAddress) && self.ships()
    }

    /// Whether this is the rule that ships for builds which lost a relation with others.
    pub(super) fn finds_losses(&self) -> bool {
        self.finds == Some(Finds::Losses) && self.ships()
    }

    /// Whether it compares builds with those of other projects, whatever is in scope.
    pub(super) fn is_about_all_projects(&self) -> bool {
        matches!(self.prefilter, Some(Prefilter::Names | Prefilter::Keys))
    }

    /// The rule that finds builds which share their address.
    pub(super) fn of_same_address() -> Result<Self, SqlSourceError> {
        Self::shipped(Self::finds_same_address, "no rule finds builds of one address")
    }

    /// The rule that finds builds which lost a relation with others.
    pub(super) fn of_losses() -> Result<Self, SqlSourceError> {
        Self::shipped(Self::finds_losses, "no rule finds builds that lost a relation")
    }

    fn shipped(which: impl Fn(&Self) -> bool, fault: &str) -> Result<Self, SqlSourceError> {
        let found = Self::load_all(None)?.into_iter().find(|rule| which(rule));
        found.ok_or_else(|| {
            FileFault { file: "rules".to_owned(), line: 1, fault: Foreign::new(fault), topic: header::PROFILES }.into()
        })
    }

    /// Whether its SQL reads a setting, `halfbuilt.NAME`.
    pub(super) fn uses_setting(&self, name: &str) -> bool {
        self.sql.contains(&format!("'halfbuilt.{name}'"))
    }

    /// Whether it reads what became of the comparison with object storage.
    pub(super) fn reads_listing(&self) -> bool {
        self.needs.contains(&Need::Listing)
    }

    /// Whether it reads a relation.
    pub(super) fn reads(&self, relation: Relation) -> bool {
        self.needs.contains(&Need::Relation(relation))
    }

    /// Reads a rule. `file` names it in messages.
    ///
    /// # Errors
    /// The first fault, with its line and what was expected there.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileFault> {
        let source = SqlFile { name: file, text };
        let mut head: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (line, text) in source.lines() {
            let Some(found) = header::header(text, &HEADERS) else { continue };
            if found.value.is_empty() {
                return Err(source.fault(line, format!("expected a text after \"-- {}:\"", found.key)));
            }
            let key = if found.key == OLD_PREFILTER { "prefilter" } else { found.key };
            if head.insert(key, (line, found.value)).is_some() {
                return Err(source.fault(line, format!("\"-- {key}:\" appears a second time")));
            }
        }
        let value = |key: &str, example: &str| {
            head.get(key).copied().ok_or_else(|| source.fault(1, format!("expected \"-- {key}: {example}\"")))
        };
        let (line, name) = value("rule", "NAME")?;
        if !header::is_name(name) {
            return Err(source.fault(line, format!("rule {name:?}: expected a name of a-z, 0-9, - and _")));
        }
        let (_, title) = value("title", "TEXT")?;
        let (line, needs) = value("needs", "build, step, chunk, object, backup_time, queue_elsewhere or listing")?;
        let needs = needs.split(',').map(|need| Need::parse(need.trim())).collect::<Option<Vec<Need>>>();
        let needs = needs.ok_or_else(|| {
            source.fault(
                line,
                "expected a list of build, step, chunk, object, backup_time, queue_elsewhere and listing after \"-- needs:\"",
            )
        })?;
        let finds = head.get("finds").map(|(line, words)| {
            one_of(&KINDS_FOUND, words).ok_or_else(|| source.fault(*line, expected_one_of(&KINDS_FOUND, "finds")))
        });
        let prefilter = head.get("prefilter").map(|(line, name)| {
            Prefilter::parse(name).ok_or_else(|| {
                source
                    .fault(*line, "expected whole, parents, whole with parents, names or keys after \"-- prefilter:\"")
            })
        });
        let lifecycles = head
            .get("lifecycles")
            .map(|(line, words)| header::lifecycles(words).map_err(|fault| source.fault(*line, fault)));
        let ground = head.get("deletable").map(|(line, words)| {
            one_of(&GROUNDS, words).ok_or_else(|| source.fault(*line, expected_one_of(&GROUNDS, "deletable")))
        });
        let sql = header::without_semicolon(text);
        if !sql.lines().any(header::holds_sql) {
            return Err(source.fault(1, "expected a SELECT below the header"));
        }
        Ok(Self {
            name: name.to_owned(),
            title: title.to_owned(),
            needs,
            lifecycles: lifecycles.transpose()?.unwrap_or_default(),
            ground: ground.transpose()?.unwrap_or_default(),
            finds: finds.transpose()?,
            prefilter: prefilter.transpose()?,
            text: text.to_owned(),
            sql: sql.to_owned(),
            file: file.to_owned(),
            line: 1,
        })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relation(relation) => relation.fmt(f),
            Self::BackupTime => f.pad("backup_time"),
            Self::QueueElsewhere => f.pad("queue_elsewhere"),
            Self::Listing => f.pad("listing"),
        }
    }
}

impl Need {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "backup_time" => Some(Self::BackupTime),
            "queue_elsewhere" => Some(Self::QueueElsewhere),
            "listing" => Some(Self::Listing),
            _ => text.parse().ok().map(Self::Relation),
        }
    }
}

fn one_of<Value: Copy>(known: &[(&str, Value)], words: &str) -> Option<Value> {
    known.iter().find(|(known, _)| *known == words).map(|(_, value)| *value)
}

fn expected_one_of<Value>(known: &[(&str, Value)], header: &str) -> String {
    let expected: Vec<&str> = known.iter().map(|(words, _)| *words).collect();
    format!("expected one of {} after \"-- {header}:\"", expected.join(", "))
}

impl Prefilter {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "whole" => Some(Self::Whole),
            "parents" => Some(Self::Parents),
            "whole with parents" => Some(Self::WholeWithParents),
            "names" => Some(Self::Names),
            "keys" => Some(Self::Keys),
            _ => None,
        }
    }
}

fn sql_files(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_that_ship_are_sound() {
        let rules = Rule::load_all(None).expect("rules");
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, BUILT_IN.map(|(name, _)| name));
    }

    #[test]
    fn each_fault_names_its_line_and_what_was_expected() {
        for (text, expected) in [
            ("SELECT 1", "f, line 1: expected \"-- rule: NAME\""),
            ("\n-- rule: My Rule\n", "f, line 2: rule \"My Rule\": expected a name of a-z, 0-9, - and _"),
            ("-- rule: r\n", "f, line 1: expected \"-- title: TEXT\""),
            (
                "-- rule: r\n-- title: t\n",
                "f, line 1: expected \"-- needs: build, step, chunk, object, backup_time, queue_elsewhere or listing\"",
            ),
            (
                "-- rule: r\n-- title: t\n-- needs: build, log\n",
                "f, line 3: expected a list of build, step, chunk, object, backup_time, queue_elsewhere and listing after \"-- needs:\"",
            ),
            (
                "-- rule: r\n-- title: t\n-- needs: build\n-- sieve: rough\nSELECT 1",
                "f, line 4: expected whole, parents, whole with parents, names or keys after \"-- prefilter:\"",
            ),
            (
                "-- rule: r\n-- title: t\n-- needs: build\n-- deletable: maybe\nSELECT 1",
                "f, line 4: expected one of yes, never, where what ran is lost, row by row after \
                 \"-- deletable:\"",
            ),
            (
                "-- rule: r\n-- title: t\n-- needs: build\n-- lifecycles: running, asleep\nSELECT 1",
                "f, line 4: lifecycle \"asleep\": expected queued, held, not_run, not_running, running, finished",
            ),
            (
                "-- rule: r\n-- title: t\n-- needs: build\n-- finds: gold\nSELECT 1",
                "f, line 4: expected one of builds of one address, where output ends, builds that lost a relation, \
                 builds that had started by T, what no other rule explains after \"-- finds:\"",
            ),
            (
                "-- rule: r\n-- sieve: whole\n-- prefilter: whole\n",
                "f, line 3: \"-- prefilter:\" appears a second time",
            ),
            ("-- rule: r\n-- rule: s\n", "f, line 2: \"-- rule:\" appears a second time"),
            ("-- rule: r\n-- title: t\n-- needs: build\n;", "f, line 1: expected a SELECT below the header"),
        ] {
            assert_eq!(Rule::parse("f", text).expect_err(text).to_string(), expected);
        }
    }

    #[test]
    fn the_old_name_of_the_header_prefilter_means_the_same() {
        let rule = |header: &str, word: &str| {
            let text = format!("-- rule: r\n-- title: t\n-- needs: build\n-- {header}: {word}\nSELECT 1");
            Rule::parse("f", &text).expect(word).prefilter
        };
        for word in ["whole", "parents", "whole with parents", "names", "keys"] {
            assert!(rule("prefilter", word).is_some());
            assert_eq!(rule("sieve", word), rule("prefilter", word));
        }
    }

    #[test]
    fn what_the_engine_does_for_a_rule_stands_in_its_headers() {
        let rules = Rule::load_all(None).expect("rules");
        let finds = |what: Finds| {
            let found = rules.iter().filter(move |rule| rule.finds == Some(what));
            found.map(|rule| rule.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(finds(Finds::SameAddress), ["duplicate-number"]);
        assert_eq!(finds(Finds::OutputEnds), ["output-truncated"]);
        assert_eq!(finds(Finds::StartedByBackup), ["closed-after-restore"]);
        assert_eq!(finds(Finds::Unexplained), ["unexplained"]);
    }

    #[test]
    fn an_own_rule_joins_those_that_ship() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Rule::load_all(Some(folder.path())), Err(SqlSourceError::NoRules(_))));
        let file = folder.path().join("own.sql");
        std::fs::write(&file, "-- rule: own\n-- title: t\n-- needs: build\nSELECT 1;").expect("a file");
        assert_eq!(
            Rule::load_all(Some(folder.path())).expect("rules").last().map(|rule| rule.name.as_str()),
            Some("own")
        );
        std::fs::write(&file, "-- rule: output-gap\n-- title: t\n-- needs: build\nSELECT 1;").expect("a file");
        assert!(Rule::load_all(Some(folder.path())).is_err());
    }
}
