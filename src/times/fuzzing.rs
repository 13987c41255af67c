//! What the fuzz targets call.

use super::evidence::Evidence;

/// All that a file of evidence says, a line each, and what it says of T alone; else the error and its hint.
///
/// # Errors
/// It is none, or has a fault.
pub fn evidence(bytes: &[u8], choice: Option<&str>) -> Result<(Vec<String>, Result<String, String>), String> {
    let said = Evidence::of(bytes, choice)
        .map_err(|error| format!("{error}; {}", error.hint("a.json").unwrap_or_default()))?;
    let lines = said.candidates().map(ToString::to_string).collect();
    let backup = said.backup().map(ToString::to_string);
    Ok((lines, backup.map_err(|error| format!("{error}; {}", error.hint("a.json").unwrap_or_default()))))
}
