//! Pieces of which statements are put together: relations that stand empty, rules over narrowed relations, the rows of a rule.

use crate::obstacle::Ground;
use crate::sql::{OBJECTS, PREFILTER, RELATIONS, REPORT, UNREAD, filled};

use super::header::without_semicolon;
use super::relation::{Relation, RelationSet};
use super::rule::Rule;
use super::schema::quoted;
use super::shape::Shape;

/// The relations that are narrowed to suspects. Of objects the sums know nothing.
pub(super) const NARROWED: [Relation; 3] = [Relation::Build, Relation::Step, Relation::Chunk];

/// What a relation is called before it is narrowed to what is in scope.
pub(super) fn every(relation: Relation, narrowed: Option<&str>) -> String {
    if narrowed.is_some() { format!("every_{relation}") } else { relation.to_string() }
}

/// What is put in the place of a relation that a profile leaves out. None leaves out build. Keys of steps are of one type, so that they can be
/// compared.
pub(super) fn stand_in(relation: Relation, shape: &Shape) -> String {
    let sql = match relation {
        Relation::Step => const { RELATIONS.part("no_step") },
        Relation::Chunk => const { RELATIONS.part("no_chunk") },
        Relation::Build | Relation::Object => const { RELATIONS.part("no_object") },
    };
    let of_pieces = shape.columns(Relation::Chunk).iter().find(|column| column.name == "step_key");
    let step_key = of_pieces.map(|key| format!("{}.{}", quoted(&key.type_schema), quoted(&key.type_name)));
    filled(sql, &[("step_key", step_key.as_deref().unwrap_or("text"))])
}

/// The builds of a baseline by project and number, as a rule would find them; `first` is the number of the first of four parameters.
pub(super) fn baseline_findings(first: usize) -> String {
    let [second, third, fourth] = [first + 1, first + 2, first + 3];
    let values = [
        ("projects", &*format!("${first}::text[]")),
        ("places", &*format!("${second}::bigint[]")),
        ("numbers", &*format!("${third}::bigint[]")),
        ("evidence", &*format!("${fourth}::text[]")),
    ];
    filled(without_semicolon(const { REPORT.part("baseline") }), &values)
}

/// The relation held: what became of the comparison with object storage, in three parameters from `first` on; nothing without them.
pub(super) fn held(first: Option<usize>) -> String {
    let Some(first) = first else { return part("held", "MATERIALIZED", const { OBJECTS.part("no_held") }) };
    let [second, third] = [first + 1, first + 2];
    let values = [
        ("rules", &*format!("${first}::text[]")),
        ("keys", &*format!("${second}::text[]")),
        ("evidence", &*format!("${third}::text[]")),
    ];
    part("held", "MATERIALIZED", &filled(const { OBJECTS.part("held") }, &values))
}

pub(super) fn part(name: &str, kept: &str, sql: &str) -> String {
    // The line break keeps a comment at the end of the SQL from swallowing the parenthesis.
    format!("{name} AS {kept} (\n{}\n)", without_semicolon(sql))
}

/// A rule over the relations of the suspect builds, which hide those of all builds within it.
pub(super) fn of_suspects(rule: &Rule) -> String {
    let narrowed = NARROWED.map(|relation| {
        let rows = suspect_rows(relation);
        part(
            relation.as_str(),
            "NOT MATERIALIZED",
            &filled(const { PREFILTER.part("only_suspects") }, &[("rows", &rows)]),
        )
    });
    let answer = part("answer", "NOT MATERIALIZED", &rule.sql);
    format!("WITH {}, {answer}\n{}", narrowed.join(", "), without_semicolon(const { REPORT.part("answer") }))
}

pub(super) fn suspect_rows(relation: Relation) -> String {
    format!("suspect_{relation}")
}

pub(super) fn nothing_of(sql: &str, relation: Relation) -> String {
    filled(sql, &[("relation", relation.as_str())])
}

/// A rule over relations of which some stand empty, and hide those of all builds within it.
pub(super) fn over_nothing_of(without: RelationSet, sql: &str) -> String {
    let hidden = Relation::ALL.into_iter().filter(|relation| without.contains(*relation)).map(|relation| {
        part(relation.as_str(), "NOT MATERIALIZED", &nothing_of(const { UNREAD.part("nothing_of_it") }, relation))
    });
    let answer = part("answer", "NOT MATERIALIZED", sql);
    let parts: Vec<String> = hidden.chain([answer]).collect();
    format!("WITH {}\n{}", parts.join(", "), without_semicolon(const { REPORT.part("answer") }))
}

/// A rule over the builds of all projects.
pub(super) fn of_every_project(rule: &Rule) -> String {
    let build = part(Relation::Build.as_str(), "NOT MATERIALIZED", const { RELATIONS.part("build_of_every_project") });
    let answer = part("answer", "NOT MATERIALIZED", &rule.sql);
    format!("WITH {build}, {answer}\n{}", without_semicolon(const { REPORT.part("answer") }))
}

/// Fills in psql's variables. The name of a rule is checked to be a plain word when the rule is read.
pub(super) fn finding(rule: &Rule, rank: usize, rows: &str) -> String {
    let obstacle = if rule.ground == Ground::RowByRow { "named.obstacle" } else { "NULL::text" };
    let name = format!("'{}'", rule.name);
    let values = [("rule", &*name), ("rank", &*rank.to_string()), ("obstacle", obstacle), ("rows", rows)];
    filled(without_semicolon(const { REPORT.part("finding") }), &values)
}
