//! The Clojure forms that are ever sent. They are made from a [`BuildUrl`] and an [`AdminFn`] only.

use std::fmt::Write as _;

use super::AdminFn;
use crate::build_url::BuildUrl;

/// The namespace in which an operator types, and in which every form is read.
pub(super) const NAMESPACE: &str = "user";

/// Asks which var a name stands for: `#'namespace/name`, or nil. It loads nothing, changes nothing, and does not throw
/// where the namespace is unknown (`clojure.core/ns-resolve`, Clojure 1.0 and later).
pub(super) fn resolve(function: &AdminFn) -> String {
    format!("(ns-resolve '{NAMESPACE} '{function})")
}

/// Reads the printed answer to [`resolve`]: the var's name, or None where there is none.
///
/// # Errors
/// Anything but a var or nil.
pub(super) fn resolved(printed: &str) -> Result<Option<AdminFn>, NotAVar> {
    match printed.trim() {
        "nil" => Ok(None),
        var => var.strip_prefix("#'").and_then(|name| name.parse().ok()).map(Some).ok_or(NotAVar),
    }
}

/// An answer that names no var.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAVar;

/// The call that deletes a build: to the letter what an operator types. Nothing is wrapped around it, for the printing
/// of its value is what realises a lazy one.
pub(super) fn call(function: &AdminFn, build: &BuildUrl) -> String {
    format!("({function} {})", string(&build.to_string()))
}

/// A Clojure string literal. A build's URL holds nothing that needs an escape; this holds even if it one day should.
fn string(text: &str) -> String {
    let mut literal = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            ' '..='~' => literal.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(literal, "\\u{unit:04x}");
                }
            }
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> AdminFn {
        "admin/delete-build".parse().expect("a function")
    }

    #[test]
    fn the_form_is_what_an_operator_types() {
        let build = BuildUrl::parse("https://ci.example.com/github/acme/api/1234/?x#y").expect("a build");
        assert_eq!(call(&function(), &build), r#"(admin/delete-build "https://ci.example.com/gh/acme/api/1234")"#);
    }

    #[test]
    fn a_string_cannot_be_left() {
        assert_eq!(string(r#"")(System/exit 0)(""#), r#""\")(System/exit 0)(\"""#);
        assert_eq!(string(r#"\"#), r#""\\""#);
        assert_eq!(string(r#"\")"#), r#""\\\")""#);
        assert_eq!(string("a\nb\0é\u{1f600}"), r#""a\u000ab\u0000\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn the_answer_to_the_question_for_a_function() {
        assert_eq!(resolve(&function()), "(ns-resolve 'user 'admin/delete-build)");
        let full = "circle.http.api.admin-commands/delete-build";
        assert_eq!(resolved(&format!("#'{full}")), Ok(full.parse().ok()));
        assert_eq!(resolved("nil"), Ok(None));
        for odd in ["", "true", "#'a/b c", "java.lang.String", "\"admin/delete-build\"", "admin/delete-build"] {
            assert_eq!(resolved(odd), Err(NotAVar), "{odd}");
        }
    }

    proptest::proptest! {
        /// Reads the literal back by Clojure's rules for strings.
        #[test]
        fn a_string_reads_back_as_it_was(text in ".*") {
            let literal = string(&text);
            let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quotes");
            let (mut units, mut chars) = (Vec::new(), inner.chars());
            while let Some(c) = chars.next() {
                proptest::prop_assert!(matches!(c, ' '..='~') && c != '"');
                units.push(match c {
                    '\\' => match chars.next() {
                        Some('u') => {
                            let digits: String = chars.by_ref().take(4).collect();
                            u16::from_str_radix(&digits, 16).expect("four hex digits")
                        }
                        Some(c @ ('"' | '\\')) => c as u16,
                        other => panic!("\\{other:?}"),
                    },
                    c => c as u16,
                });
            }
            proptest::prop_assert_eq!(String::from_utf16(&units).expect("UTF-16"), text);
        }
    }
}
