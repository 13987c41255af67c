//! The relations as rules see them: with times that are on record only, whole numbers only, and what the CI numbers together.

use std::fmt::Write;

use crate::sql::{RELATIONS, expression, filled};

use super::relation::{FETCHED_AT, MAY_BE_EXPIRED, NUMBERED_IN, NUMERIC, ROW_VERSION, Relation, STORED_AT};
use super::shape::Shape;
use super::version_column::NO_VERSION;

/// A relation whose times are on record, over what the profile writes; `None` for one that has no times.
pub(super) fn on_record(shape: &Shape, relation: Relation) -> Option<String> {
    let sql = match relation {
        Relation::Build => const { RELATIONS.part("build_on_record") },
        Relation::Step => const { RELATIONS.part("step_on_record") },
        Relation::Chunk => const { RELATIONS.part("chunk_on_record") },
        Relation::Object => return None,
    };
    let stored_at = match shape.type_of(Relation::Chunk, STORED_AT) {
        Some(_) => "written.stored_at",
        None => "NULL::timestamptz",
    };
    let (number, raw_number) = match shape.type_of(Relation::Build, "build_num") {
        Some(NUMERIC) => (expression(const { RELATIONS.part("number_of_numeric") }), "written.build_num::text"),
        _ => ("written.build_num", "NULL::text"),
    };
    let numbered_in = match shape.type_of(Relation::Build, NUMBERED_IN) {
        Some(_) => expression(const { RELATIONS.part("numbered_in") }),
        None => "written.project",
    };
    let seen_at = match shape.type_of(Relation::Build, FETCHED_AT) {
        Some(_) => expression(const { RELATIONS.part("seen_at") }),
        None => "now()",
    };
    let may_be_expired = match shape.type_of(Relation::Build, MAY_BE_EXPIRED) {
        Some(_) => "written.may_be_expired",
        None => "NULL::boolean",
    };
    let row_version = match shape.has_row_versions {
        true => "written.row_version",
        false => expression(NO_VERSION),
    };
    let others = others(shape, relation);
    let values = [
        ("stored_at", stored_at),
        ("number", number),
        ("raw_number", raw_number),
        ("numbered_in", numbered_in),
        ("seen_at", seen_at),
        ("may_be_expired", may_be_expired),
        ("row_version", row_version),
        ("others", &others),
    ];
    Some(filled(sql, &values))
}

/// The columns that a profile gives in addition to those of the relation. A name that it gives twice cannot be used.
fn others(shape: &Shape, relation: Relation) -> String {
    let mut listed = String::new();
    let mut known: Vec<&str> = relation.columns().iter().map(|(name, _)| *name).collect();
    known.extend([
        STORED_AT,
        NUMBERED_IN,
        FETCHED_AT,
        "seen_at",
        MAY_BE_EXPIRED,
        ROW_VERSION,
        "raw_build_num",
        "raw_queued_at",
        "raw_started_at",
        "raw_stopped_at",
        "raw_stored_at",
    ]);
    let columns = shape.columns(relation);
    let once = |name: &str| columns.iter().filter(|column| column.name == name).count() == 1;
    for column in columns.iter().filter(|column| once(&column.name) && !known.contains(&column.name.as_str())) {
        let _ = write!(listed, ", written.\"{}\"", column.name.replace('"', "\"\""));
    }
    listed
}
