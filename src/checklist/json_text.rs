//! JSON: values by pointers, and objects of a known shape.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The most bytes of a text in which a pointer is followed: all of it is kept in memory, several times as large.
const POINTED: usize = 4 << 20;

/// Reads a text.
///
/// # Errors
/// It has another shape. No value of it is repeated.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| fault(&error))
}

/// The values at these places, as text; `None` where there is none, or a list or an object.
///
/// # Errors
/// It is no JSON, or too large.
pub(super) fn values<'a>(bytes: &[u8], pointers: impl Iterator<Item = &'a str>) -> Result<Vec<Option<String>>, String> {
    if bytes.len() > POINTED {
        return Err(format!("it is larger than the {} MiB in which a value is looked for", POINTED >> 20));
    }
    let document: Value = read(bytes)?;
    let value = |pointer| match document.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    Ok(pointers.map(value).collect())
}

/// Writes a document.
///
/// # Errors
/// The output cannot be written.
pub(super) fn write(document: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, document)?;
    writeln!(to)
}

/// What is wrong with a text, without a word of it: serde's own message quotes values.
fn fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "has another shape than was expected",
        serde_json::error::Category::Eof => "breaks off",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is no JSON",
    };
    format!("it {what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_never_repeated_in_errors() {
        let text = br#"[{"State":"started","Error":"","N":1,"Is":true,"Of":{}}]"#;
        let found = values(text, ["/0/State", "/0/N", "/0/Is", "/0/Of", "/1/State"].into_iter()).expect("JSON");
        assert_eq!(found, [Some("started".to_owned()), Some("1".to_owned()), Some("true".to_owned()), None, None]);
        assert_eq!(values(b"", ["/a"].into_iter()), Err("it breaks off (line 1, column 0)".to_owned()));
        let wrong = read::<Vec<u8>>(br#"["hunter2"]"#).expect_err("another shape");
        assert!(wrong.contains("another shape") && !wrong.contains("hunter2"), "{wrong}");
    }
}
