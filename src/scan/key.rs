//! Keys of any type as numbers: what sums over steps and output are made of, and how keys are handed back to the server.

use super::check::Shape;
use super::relation::{Relation, STEP_ID};

/// How the values of a type are told apart.
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
        match self {
            Self::Integer => format!("hashint8extended({value}::bigint, {seed})"),
            Self::Uuid => format!("uuid_hash_extended({value}, {seed})"),
            Self::Text => format!("hashtextextended({value}::text, {seed})"),
        }
    }
}

/// The first version of PostgreSQL that hashes a long list.
const HASHES_LISTS: i64 = 140_000;

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

/// A hash of a step's key and its build's.
pub(super) fn seed(shape: &Shape, relation: Relation) -> Option<String> {
    let key = number(shape, relation)?;
    if OF_STEPS.iter().all(|relation| shape.type_of(*relation, STEP_ID).is_some()) {
        return Some(Class::Integer.hash(&format!("{relation}.{STEP_ID}"), &key));
    }
    let class = one_class(shape, &OF_STEPS, "step_key")?;
    Some(class.hash(&format!("{relation}.step_key"), &key))
}

/// The condition that a build's key is among those in a parameter, text\[\].
pub(super) fn among(shape: &Shape, parameter: usize) -> Option<String> {
    let type_name = shape.type_of(Relation::Build, "build_key")?;
    Class::of(type_name)?;
    let keys = format!("${parameter}::text[]::{type_name}[]");
    // An index is used for the first; without one, a server before 14 would search the whole list for every row.
    Some(if shape.version >= HASHES_LISTS { format!("= ANY ({keys})") } else { format!("IN (SELECT unnest({keys}))") })
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
