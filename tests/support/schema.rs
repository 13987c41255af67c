//! Holds a JSON document to a JSON Schema, as far as the schemas of this repository go. A keyword that is not known here fails the
//! test, so that none is passed over.

use serde_json::Value;

/// Fails where a document is not as the schema says.
#[track_caller]
pub fn assert_valid(schema: &Value, document: &Value) {
    let mut faults = Vec::new();
    check(schema, schema, document, "$", &mut faults);
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    let fields = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        let fine = match (keyword.as_str(), value) {
            ("$schema" | "title" | "description" | "$defs" | "properties", _) => true,
            ("$ref", _) => {
                let path = wanted.as_str().and_then(|path| path.strip_prefix('#')).expect("a path within the schema");
                check(root, root.pointer(path).expect("what it leads to"), value, at, faults);
                true
            }
            ("const", _) => value == wanted,
            ("enum", _) => wanted.as_array().expect("values").contains(value),
            ("type", _) => match wanted {
                Value::Array(types) => types.iter().any(|one| is(one, value)),
                one => is(one, value),
            },
            ("minimum", Value::Number(number)) => number.as_i64() >= wanted.as_i64(),
            // The only pattern in use is that of times.
            ("pattern", Value::String(text)) => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            ("required", Value::Object(object)) => {
                let missing = |name: &&Value| !object.contains_key(name.as_str().expect("a name"));
                wanted.as_array().expect("names").iter().filter(missing).count() == 0
            }
            ("items", Value::Array(items)) => {
                for (place, item) in items.iter().enumerate() {
                    check(root, wanted, item, &format!("{at}[{place}]"), faults);
                }
                true
            }
            ("additionalProperties", Value::Object(object)) => {
                for (name, field) in object.iter().filter(|(name, _)| !fields.contains_key(*name)) {
                    match wanted {
                        Value::Bool(false) => faults.push(format!("{at}: {name} is not in the schema")),
                        schema => check(root, schema, field, &format!("{at}.{name}"), faults),
                    }
                }
                true
            }
            ("minimum" | "pattern" | "required" | "items" | "additionalProperties", _) => true,
            (other, _) => panic!("{at}: the keyword {other} is not known here"),
        };
        if !fine {
            faults.push(format!("{at}: {keyword} {wanted}, but it is {value}"));
        }
    }
    if let Value::Object(object) = value {
        for (name, field) in object {
            if let Some(schema) = fields.get(name) {
                check(root, schema, field, &format!("{at}.{name}"), faults);
            }
        }
    }
}

fn is(wanted: &Value, value: &Value) -> bool {
    match wanted.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known here"),
    }
}
