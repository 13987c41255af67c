//! Keys of any type as numbers: what sums over steps and output are made of, and how keys are handed back to the server.

use crate::sql::{PREFILTER, expression, filled};

use super::relation::{Relation, STEP_ID};
use super::shape::Shape;

/// How the values of a type are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Integer,
    Uuid,
    Text,
}

impl Class {
    /// `None` for types whose equal values may be written in several ways (numeric, citext, char(n) ...): their hash by
    /// text would differ.
    fn of(type_name: &str) -> Option<Self> {
        match type_name {
            "int2" | "int4" | "int8" => Some(Self::Integer),
            "uuid" => Some(Self::Uuid),
            "text" | "varchar" => Some(Self::Text),
            _ => None,
        }
    }

    fn hash(self, value: &str, seed: &str) -> String {
        let hash = match self {
            Self::Integer => const { PREFILTER.part("hash_of_integer") },
            Self::Uuid => const { PREFILTER.part("hash_of_uuid") },
            Self::Text => const { PREFILTER.part("hash_of_text") },
        };
        filled(expression(hash), &[("value", value), ("seed", seed)])
    }
}

/// The first version of PostgreSQL that hashes a long list.
const HASHES_LISTS: i64 = 140_000;

/// How many bits of a build's place are its bucket at each level.
pub(super) const BITS_OF_A_LEVEL: usize = 16;

/// The relations that have a step's key.
const OF_STEPS: [Relation; 2] = [Relation::Step, Relation::Chunk];

/// A relation's build_key as a bigint.
pub(super) fn number(shape: &Shape, relation: Relation) -> Option<String> {
    let value = format!("{relation}.build_key");
    Some(match class_of_builds(shape)? {
        Class::Integer => format!("{value}::bigint"),
        other => other.hash(&value, "0"),
    })
}

/// A hash of a step's key and its build's; NULL where another key has the same hash for certain.
pub(super) fn seed(shape: &Shape, relation: Relation) -> Option<String> {
    let key = number(shape, relation)?;
    let by_id = OF_STEPS.iter().all(|relation| shape.type_of(*relation, STEP_ID).is_some());
    let column = if by_id { STEP_ID } else { "step_key" };
    let class = one_class(shape, &OF_STEPS, column)?;
    let value = format!("{relation}.{column}");
    let hash = class.hash(&value, &key);
    // A bigint is folded to 32 bits before it is hashed. What fits stays one of its kind.
    let fits = OF_STEPS.iter().all(|relation| shape.type_of(*relation, column) != Some("int8"));
    Some(match class {
        Class::Integer if !fits => {
            filled(expression(const { PREFILTER.part("hash_if_it_fits") }), &[("value", &value), ("hash", &hash)])
        }
        _ => hash,
    })
}

/// The key of a step and its build's as one number, by which no two keys are taken for one; NULL where there is none.
pub(super) fn packed(shape: &Shape) -> Option<String> {
    let (hash, number) = (seed(shape, Relation::Step)?, number(shape, Relation::Step)?);
    let by_id = OF_STEPS.iter().all(|relation| shape.type_of(*relation, STEP_ID).is_some());
    let column = if by_id { STEP_ID } else { "step_key" };
    let are_integers =
        class_of_builds(shape)? == Class::Integer && one_class(shape, &OF_STEPS, column)? == Class::Integer;
    let values = [("number", number.as_str()), ("id", &format!("step.{column}")), ("hash", &hash)];
    Some(if are_integers { filled(expression(const { PREFILTER.part("packed_key") }), &values) } else { hash })
}

/// The condition that a build's key is among those in a parameter, text\[\].
pub(super) fn among_keys(shape: &Shape, parameter: usize) -> Option<String> {
    let type_name = shape.type_of(Relation::Build, "build_key")?;
    Class::of(type_name)?;
    Some(among(shape, &format!("${parameter}::text[]::{type_name}[]")))
}

/// The condition that a build's place is in buckets that were found: those of each level are in a parameter, bigint\[\].
pub(super) fn in_buckets(shape: &Shape, place: &str, first_parameter: usize, levels: usize) -> String {
    let level = |level: usize| {
        let list = format!("${}::bigint[]", first_parameter + level);
        let shift = (level * BITS_OF_A_LEVEL).to_string();
        let values = [("place", place), ("shift", &shift), ("among", &among(shape, &list))];
        filled(expression(const { PREFILTER.part("in_bucket") }), &values)
    };
    if levels == 0 { "true".to_owned() } else { (0..levels).map(level).collect::<Vec<String>>().join(" AND ") }
}

fn among(shape: &Shape, list: &str) -> String {
    let among = match shape.version {
        HASHES_LISTS.. => const { PREFILTER.part("among_array") },
        _ => const { PREFILTER.part("among_rows") },
    };
    filled(expression(among), &[("list", list)])
}

fn class_of_builds(shape: &Shape) -> Option<Class> {
    one_class(shape, &[Relation::Build, Relation::Step, Relation::Chunk], "build_key")
}

/// The class that a column has in all of these relations.
fn one_class(shape: &Shape, relations: &[Relation], column: &str) -> Option<Class> {
    let mut classes = relations.iter().map(|relation| Class::of(shape.type_of(*relation, column)?));
    let first = classes.next()??;
    classes.all(|class| class == Some(first)).then_some(first)
}
