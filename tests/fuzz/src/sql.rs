//! Profiles and rules: their headers.

use halfbuilt::scan::{FileFault, Profile, Rule};

/// Names are plain, and nothing depends on line ends or on comments at the end. A fault has a line of the file and a printable message.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let below = format!("{text}\n\n-- that is all\n");
    match Profile::parse("mine.sql", text) {
        Ok(profile) => {
            is_a_name(&profile.name);
            for line in [&profile.title, &profile.unit] {
                assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
            }
            assert_eq!(Profile::parse("mine.sql", &below), Ok(profile.clone()), "a comment changes it");
            if !text.contains('\r') {
                assert_eq!(Profile::parse("mine.sql", &text.replace('\n', "\r\n")), Ok(profile), "line ends change it");
            }
        }
        Err(fault) => is_reported(&fault, text),
    }
    match Rule::parse("mine.sql", text) {
        Ok(rule) => {
            is_a_name(&rule.name);
            assert!(!rule.title.is_empty() && !rule.title.contains('\n') && !rule.needs.is_empty());
            let again = Rule::parse("mine.sql", &below).map(|mut again| {
                assert_eq!(again.text, below);
                again.text.clone_from(&rule.text);
                again
            });
            assert_eq!(again, Ok(rule), "a comment changes it");
        }
        Err(fault) => is_reported(&fault, text),
    }
}

fn is_a_name(name: &str) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    assert!(!name.is_empty() && name.chars().all(plain), "{name:?} is not a name");
}

fn is_reported(fault: &FileFault, text: &str) {
    super::assert_error_printable(fault);
    assert!((1..=text.lines().count().max(1)).contains(&fault.line), "{fault}");
}
