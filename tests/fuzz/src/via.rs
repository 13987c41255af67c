//! The value of `--via`, and the names of functions.

use halfbuilt::admin::{AdminFn, Via};

/// A value that is accepted prints harmless text and reads back the same. An error does not repeat a secret.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Via>() {
        Ok(via) => {
            let shown = via.to_string();
            if !matches!(&via, Via::Console { command } if !command.is_ascii()) {
                assert_eq!(shown.parse(), Ok(via), "{text:?} was shown as {shown:?}");
            }
            assert!(!shown.contains(char::is_control), "{shown:?}");
        }
        Err(error) => super::assert_error_printable(&error),
    }
    // A value with a place for a secret is refused, and not repeated.
    let forms =
        [format!("https://hunter2@{text}"), format!("nrepl://me:hunter2@{text}"), format!("https://ci/{text}?hunter2")];
    for secret in forms.iter().filter(|_| !text.contains("hunter2")) {
        let error = secret.parse::<Via>().expect_err(secret);
        assert!(!error.to_string().contains("hunter2"), "{error} repeats a secret");
    }
    match text.parse::<AdminFn>() {
        Ok(function) => {
            assert_eq!(function.to_string(), text);
            let plain = |c: char| c.is_ascii_alphanumeric() || ".*+!_?-/".contains(c);
            assert!(text.chars().all(plain) && text.len() <= 200, "{text:?} is not a plain name");
        }
        Err(error) => super::assert_error_printable(&error),
    }
}
