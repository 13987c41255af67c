//! Puts a profile, rules and the program's own SQL together into one statement: `WITH build AS (...), ... SELECT ...`.
//!
//! Nothing is written to the database and nothing is created in it, so it works on a read-only standby.

use std::fmt::Write;

use crate::sql::{MANIFEST, PREFILTER, PREMISE, RELATIONS, REPORT, SCOPE, UNREAD, expression, filled};

use super::header::without_semicolon;
use super::key;
use super::likeness::{self, Letters, Likeness, SharedKeys};
use super::on_record::on_record;
use super::paths::{self, PathPieces};
use super::pieces::{
    self, NARROWED, every, finding, nothing_of, of_every_project, of_suspects, over_nothing_of, part, stand_in,
    suspect_rows,
};
use super::profile::Profile;
use super::relation::{Relation, RelationSet, STORED_AT};
use super::rule::{Finds, Rule};
pub(super) use super::selection::BuildSelection;
use super::shape::Shape;

/// A rule in a statement.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) rule: &'a Rule,
    /// Its place among all rules, which orders the reasons in the report.
    pub(super) rank: usize,
    /// The statement's parameter that holds the keys of the builds that it has to look at; `None` for all builds.
    pub(super) suspects: Option<usize>,
    /// The relations that stand empty for this rule, since it cannot be run otherwise.
    pub(super) without: RelationSet,
    /// Whether the report shows what it finds. If not, it only finds the builds that share an address, or that lost a relation with others.
    pub(super) is_reported: bool,
}

impl<'a> Part<'a> {
    /// A rule that is reported, and looks at all builds.
    pub(super) fn everywhere(rule: &'a Rule, rank: usize) -> Self {
        Self { rule, rank, suspects: None, without: RelationSet::default(), is_reported: true }
    }
}

/// The relations that a statement starts from.
#[derive(Clone, Copy)]
pub(super) struct Relations<'a> {
    pub(super) profile: &'a Profile,
    pub(super) shape: &'a Shape,
    pub(super) scope: BuildSelection,
    /// The relations that stand empty, since they cannot be read as a whole.
    pub(super) without: RelationSet,
    /// Whether the report reads the steps and the output of what was found. If not, they are looked up build by build.
    pub(super) reads_signs: bool,
    /// Which builds may be alike.
    pub(super) likeness: Likeness,
    /// The first of the parameters with what became of the comparison with object storage.
    pub(super) held: Option<usize>,
}

impl<'a> Relations<'a> {
    /// All that a profile presents of these builds.
    pub(super) fn new(profile: &'a Profile, shape: &'a Shape, scope: BuildSelection) -> Self {
        Self {
            profile,
            shape,
            scope,
            without: RelationSet::default(),
            reads_signs: true,
            likeness: Likeness::default(),
            held: None,
        }
    }

    /// The builds in which a rule fires, with all that the report says of them.
    pub(super) fn findings(&self, rules: &[Part<'_>]) -> String {
        match self.scope {
            BuildSelection::Projects | BuildSelection::ProjectBytes => {
                self.report(rules, const { REPORT.part("subject_found_in_projects") })
            }
            _ => self.report(rules, const { REPORT.part("subject_found") }),
        }
    }

    /// The builds in scope, sound or not, with all that the report would say of them.
    pub(super) fn builds(&self, rules: &[Part<'_>]) -> String {
        // Whoever reads builds again compares their names.
        let likeness = Likeness { keys: SharedKeys::Chosen, letters: Letters::Differ };
        Self { likeness, ..*self }.report(rules, const { REPORT.part("subject_chosen") })
    }

    /// The builds with the keys in the first parameter, with all that the report says of them but for what the rules find. `None` where keys
    /// of such a type cannot be handed back to the server.
    pub(super) fn builds_by_key(self) -> Option<String> {
        self.reads_by_key().then(|| Self { scope: BuildSelection::Keys, ..self }.builds(&[]))
    }

    /// Whether builds can be read by their keys: keys of some types cannot be handed back to the server.
    pub(super) fn reads_by_key(&self) -> bool {
        key::among_keys(self.shape, 1).is_some()
    }

    /// Every value of one relation, read and counted.
    pub(super) fn read_whole(&self, relation: Relation) -> String {
        self.followed_by(&[], &filled(const { UNREAD.part("read_whole") }, &[("relation", relation.as_str())]))
    }

    /// No row of one relation, which the server must be ready to read all the same.
    pub(super) fn open(&self, relation: Relation) -> String {
        self.followed_by(&[], &filled(const { UNREAD.part("open") }, &[("relation", relation.as_str())]))
    }

    /// How many builds each project has.
    pub(super) fn scope(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("projects") })
    }

    /// How many builds say too little, or have times that are not on record.
    pub(super) fn states(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("states") })
    }

    /// How many builds, names and addresses there are, and how many of these differ.
    pub(super) fn names(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("names") })
    }

    /// How many steps there are, and how many keys. `None` where keys of such types are no numbers.
    pub(super) fn step_keys(&self) -> Option<String> {
        let key = key::packed(self.shape)?;
        Some(self.followed_by(&[], &filled(const { SCOPE.part("step_keys") }, &[("key", &key)])))
    }

    /// How many rows there are, and how many keys.
    pub(super) fn keys(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("keys") })
    }

    /// How many steps there are, and of how many no end is known.
    pub(super) fn coverage(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("coverage") })
    }

    /// What the database itself suggests as the time of the backup.
    pub(super) fn suggestion(&self) -> String {
        self.followed_by(&[], const { SCOPE.part("suggestion") })
    }

    /// The keys of the builds that may have been at work after T, `most` at most.
    pub(super) fn at_work(&self, most: u64) -> String {
        self.followed_by(&[], &filled(const { PREMISE.part("at_work") }, &[("most", &most.to_string())]))
    }

    /// What all builds say about the times in the first parameter. Output is read of the builds whose keys are the second, or of all.
    pub(super) fn premise(&self, of_some: bool) -> String {
        let among = key::among_keys(self.shape, 2).filter(|_| of_some);
        let among = among.map_or_else(|| "true".to_owned(), |among| format!("chunk.build_key {among}"));
        self.followed_by(&[], &filled(const { PREMISE.part("premise") }, &[("among", &among)]))
    }

    /// Whether output can be read of some builds only, and whether it says anything of when they were at work.
    pub(super) fn narrows_output(&self) -> bool {
        key::among_keys(self.shape, 1).is_some() && self.shape.type_of(Relation::Chunk, STORED_AT).is_some()
    }

    /// The states in which this CI leaves builds by habit, and whether builds wait on purpose.
    pub(super) fn habits(&self) -> String {
        self.followed_by(&[], const { PREMISE.part("habits") })
    }

    /// What this CI leaves open in steps by habit.
    pub(super) fn habits_of_steps(&self) -> String {
        self.followed_by(&[], const { PREMISE.part("step_habits") })
    }

    /// Whether there are builds on both sides of a time, which is the first item of the first parameter.
    pub(super) fn sides(&self) -> String {
        self.followed_by(&[], const { PREMISE.part("sides") })
    }

    /// Every build with its digest.
    pub(super) fn census(&self) -> String {
        self.followed_by(&[], const { MANIFEST.part("builds") })
    }

    /// The builds, out of some by project and number, that still exist.
    pub(super) fn still_present(&self) -> String {
        self.followed_by(&[], const { MANIFEST.part("still_present") })
    }

    /// The buckets of builds that are not whole. The parameters are the buckets of the levels before. `None` where keys of such types
    /// cannot be added up.
    pub(super) fn buckets(&self, level: usize) -> Option<String> {
        let shift = (level * key::BITS_OF_A_LEVEL).to_string();
        let within = key::in_buckets(self.shape, "checksum_term.place", 1, level);
        let buckets = filled(const { PREFILTER.part("buckets") }, &[("shift", &shift), ("within", &within)]);
        Some(self.followed_by(&[self.checksum_terms()?], &buckets))
    }

    /// The keys of the builds in the buckets of some levels, `most` at most. The buckets are parameters from `first` on.
    pub(super) fn candidates(&self, first: usize, levels: usize, most: u64) -> Option<String> {
        let build_key = key::number(self.shape, Relation::Build)?;
        let within = key::in_buckets(self.shape, "placed.place", first, levels);
        let values = [("build_key", build_key.as_str()), ("within", &within), ("most", &most.to_string())];
        Some(self.followed_by(&[], &filled(const { PREFILTER.part("candidates") }, &values)))
    }

    /// The keys of those builds among the candidates that are not whole.
    pub(super) fn suspects(&self) -> Option<String> {
        let among = key::among_keys(self.shape, 1)?;
        let suspects = filled(const { PREFILTER.part("suspects") }, &[("among", &among)]);
        Some(self.followed_by(&[self.checksum_terms()?], &suspects))
    }

    /// One rule, and how many characters come before its SQL.
    pub(super) fn rule(&self, rule: &Rule) -> (String, usize) {
        let held: Vec<String> = rule.reads_listing().then(|| pieces::held(self.held)).into_iter().collect();
        let composed = self.followed_by(&held, &rule.sql);
        let before = composed.find(&rule.sql).map_or(0, |place| composed[..place].chars().count());
        (composed, before)
    }

    fn checksum_terms(&self) -> Option<String> {
        let [chunk_key, step_key] = [Relation::Chunk, Relation::Step].map(|relation| key::number(self.shape, relation));
        let [chunk_seed, step_seed] = [Relation::Chunk, Relation::Step].map(|relation| key::seed(self.shape, relation));
        let values = [
            ("chunk_key", &*chunk_key?),
            ("step_key", &*step_key?),
            ("chunk_seed", &*chunk_seed?),
            ("step_seed", &*step_seed?),
        ];
        let terms = filled(const { PREFILTER.part("checksum_terms") }, &values);
        Some(part("checksum_term", "NOT MATERIALIZED", &terms))
    }

    /// The relations of the builds whose keys are in a parameter.
    fn suspect_relations(&self, parameter: usize) -> Vec<String> {
        let Some(among) = key::among_keys(self.shape, parameter) else { return Vec::new() };
        let narrowed = |relation: Relation| {
            let values = [("relation", relation.as_str()), ("among", &among)];
            let sql = filled(const { PREFILTER.part("rows_of_suspects") }, &values);
            part(&suspect_rows(relation), "MATERIALIZED", &sql)
        };
        NARROWED.into_iter().map(narrowed).collect()
    }

    fn report(&self, rules: &[Part<'_>], subject: &str) -> String {
        let suspects = rules.iter().find_map(|part| part.suspects);
        let mut parts = suspects.map(|parameter| self.suspect_relations(parameter)).unwrap_or_default();
        if rules.iter().any(|part| part.rule.reads_listing()) {
            parts.push(pieces::held(self.held));
        }
        let mut findings = Vec::new();
        let mut same_address = Vec::new();
        let mut explained = Vec::new();
        let mut unexplained = Vec::new();
        let mut lost = const { REPORT.part("no_lost") }.to_owned();
        for Part { rule, rank, suspects, without, is_reported } in rules {
            let rows = format!("rule_{rank}");
            match rule.finds {
                _ if !is_reported => {}
                Some(Finds::Unexplained) => {
                    let left = format!("unexplained_{rank}");
                    findings.push(finding(rule, *rank, &left));
                    let sql = filled(const { REPORT.part("unexplained") }, &[("rows", &rows)]);
                    unexplained.push(part(&left, "MATERIALIZED", &sql));
                }
                _ => {
                    findings.push(finding(rule, *rank, &rows));
                    explained.push(filled(without_semicolon(const { REPORT.part("explained") }), &[("rows", &rows)]));
                }
            }
            if rule.finds_same_address() {
                let found = without_semicolon(const { REPORT.part("same_address") });
                same_address.push(filled(found, &[("rows", &rows)]));
            }
            if rule.finds_losses() {
                lost = filled(const { REPORT.part("lost") }, &[("rows", &rows)]);
            }
            let found = match suspects {
                Some(_) => of_suspects(rule),
                None if self.scope.is_of_projects() && rule.is_about_all_projects() => of_every_project(rule),
                None => rule.sql.clone(),
            };
            let found = if *without == RelationSet::default() { found } else { over_nothing_of(*without, &found) };
            parts.push(part(&rows, "MATERIALIZED", &found));
        }
        if !unexplained.is_empty() {
            if explained.is_empty() {
                explained.push(const { REPORT.part("nothing_explained") }.to_owned());
            }
            parts.push(part("explained", "MATERIALIZED", &explained.join("\nUNION ALL\n")));
            parts.extend(unexplained);
        }
        if findings.is_empty() {
            findings.push(const { REPORT.part("no_finding") }.to_owned());
        }
        parts.push(part("finding", "MATERIALIZED", &findings.join("\nUNION ALL\n")));
        parts.push(part("judged", "MATERIALIZED", const { REPORT.part("judged") }));
        parts.push(part("subject", "MATERIALIZED", subject));
        let same_address = match same_address.as_slice() {
            [] => const { REPORT.part("no_same_address") }.to_owned(),
            found => found.join("\nUNION ALL\n"),
        };
        parts.push(part("same_address", "MATERIALIZED", &same_address));
        parts.push(part("lost", "MATERIALIZED", &lost));
        let narrowed = self.narrowed(Relation::Build);
        let every = every(Relation::Build, narrowed.as_deref());
        parts.extend(likeness::relations(self.likeness, &every));
        let paths = PathPieces::new(&paths::offered(self.profile, self.shape), self.scope, &every);
        parts.extend(paths.relation);
        let [steps, pieces] = [Relation::Step, Relation::Chunk].map(|relation| match self.reads_signs {
            true => relation.to_string(),
            false => format!(
                "({})",
                without_semicolon(&nothing_of(expression(const { UNREAD.part("nothing_of_it") }), relation))
            ),
        });
        let values = [
            ("steps", steps.as_str()),
            ("pieces", &pieces),
            ("paths_read", &paths.read),
            ("paths_shown", &paths.shown),
            ("paths_joined", paths.joined),
        ];
        self.followed_by(&parts, &filled(const { REPORT.part("report") }, &values))
    }

    pub(super) fn followed_by(&self, parts: &[String], last: &str) -> String {
        let mut statement = String::from("WITH ");
        for relation in Relation::ALL {
            let _ = write!(statement, "{}, ", self.relation(relation, !parts.is_empty()));
        }
        statement.truncate(statement.len() - 2);
        for part in parts {
            let _ = write!(statement, ", {part}");
        }
        let _ = write!(statement, ", {}", part("answer", "NOT MATERIALIZED", last));
        let _ = write!(statement, "\n{}", without_semicolon(const { REPORT.part("answer") }));
        statement
    }

    /// A relation in up to three steps: as the profile writes it, with sound times only, and with the builds in scope only.
    fn relation(&self, relation: Relation, is_for_rules: bool) -> String {
        let name = relation.as_str();
        let Some(written) = self.profile.relation(relation).filter(|_| !self.shape.is_missing(relation)) else {
            return part(name, "NOT MATERIALIZED", &stand_in(relation, self.shape));
        };
        let (written, narrowed) =
            (self.shape.schema.sql(written.sql(self.shape.has_row_versions)), self.narrowed(relation));
        let narrowed = narrowed.as_deref();
        let Some(on_record) = on_record(self.shape, relation) else {
            let every = part(&every(relation, narrowed), "NOT MATERIALIZED", &written);
            return format!("{every}{}", self.in_scope(relation, narrowed));
        };
        let written = part(&format!("written_{name}"), "NOT MATERIALIZED", &written);
        // To take documents apart is dear: where all are read, once for all rules.
        let is_step = is_for_rules && relation == Relation::Step;
        let is_dear = is_step && self.profile.presents_copies() && narrowed.is_none();
        let kept = if is_dear { "MATERIALIZED" } else { "NOT MATERIALIZED" };
        let every = part(&every(relation, narrowed), kept, &on_record);
        format!("{written}, {every}{}", self.in_scope(relation, narrowed))
    }

    fn narrowed(&self, relation: Relation) -> Option<String> {
        if self.without.contains(relation) {
            let nothing = const { UNREAD.part("nothing_of_it") };
            return Some(filled(nothing, &[("relation", &format!("every_{relation}"))]));
        }
        let part = match (relation, self.scope) {
            (Relation::Build, BuildSelection::Projects) => const { RELATIONS.part("build_of_projects") },
            (Relation::Build, BuildSelection::ProjectBytes) => const { RELATIONS.part("build_of_projects_by_bytes") },
            (Relation::Build, BuildSelection::Names) => const { RELATIONS.part("build_by_name") },
            (Relation::Build, BuildSelection::Urls) => const { RELATIONS.part("build_by_url") },
            (Relation::Build, BuildSelection::Addresses) => const { RELATIONS.part("build_by_address") },
            (Relation::Build, BuildSelection::Keys) => {
                let among = key::among_keys(self.shape, 1)?;
                return Some(filled(const { RELATIONS.part("build_by_key") }, &[("among", &among)]));
            }
            (Relation::Build, BuildSelection::All)
            | (_, BuildSelection::All | BuildSelection::Projects | BuildSelection::ProjectBytes) => {
                return None;
            }
            (Relation::Step, _) => const { RELATIONS.part("step_of_builds") },
            (Relation::Chunk, _) => const { RELATIONS.part("chunk_of_builds") },
            (Relation::Object, _) => const { RELATIONS.part("object_of_builds") },
        };
        Some(part.to_owned())
    }

    fn in_scope(&self, relation: Relation, narrowed: Option<&str>) -> String {
        let Some(narrowed) = narrowed else { return String::new() };
        // A few builds, looked up once, serve every rule.
        let kept = if relation == Relation::Build { "MATERIALIZED" } else { "NOT MATERIALIZED" };
        format!(", {}", part(relation.as_str(), kept, narrowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let text =
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT b -- the builds\n-- relation: step\nSELECT s;";
        Profile::parse("mine.sql", text).expect("a profile")
    }

    #[test]
    fn a_comment_at_the_end_swallows_nothing() {
        let profile = profile();
        let statement = Relations::new(&profile, &Shape::default(), BuildSelection::All).scope();
        assert!(statement.contains("SELECT b -- the builds\n)"), "{statement}");
    }

    #[test]
    fn a_narrowed_relation_reads_from_the_whole_one() {
        let profile = profile();
        let statement = Relations::new(&profile, &Shape::default(), BuildSelection::Names).scope();
        assert!(statement.contains("written_build AS NOT MATERIALIZED (\nSELECT b"), "{statement}");
        assert!(statement.contains("build AS MATERIALIZED (\n-- part: build_by_name\n"), "{statement}");
    }

    #[test]
    fn the_place_of_a_rule_is_known() {
        let profile = profile();
        let rule = Rule::parse("r.sql", "-- rule: r\n-- title: t\n-- needs: build\nSELECT 'é' AS x").expect("a rule");
        let (statement, before) = Relations::new(&profile, &Shape::default(), BuildSelection::All).rule(&rule);
        let tail: String = statement.chars().skip(before).collect();
        assert!(tail.starts_with("-- rule: r"), "{tail}");
    }
}
