//! The parts of the Clojure forms that are sent: names and string literals, made from a [`BuildUrl`] and an [`AdminFn`] only.

use std::fmt;
use std::fmt::Write as _;

use super::function::AdminFn;
use crate::build_url::BuildUrl;

/// A function that exists on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResolvedFunction {
    /// The name by which we call it.
    pub(super) name: AdminFn,
    /// The var that the name stands for.
    pub(super) var: AdminFn,
}

impl ResolvedFunction {
    /// Whether it is the one in CircleCI's documentation.
    pub(super) fn is_documented(&self) -> bool {
        AdminFn::defaults().iter().any(|function| *function == self.name || *function == self.var)
    }
}

impl fmt::Display for ResolvedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name == self.var { write!(f, "{}", self.var) } else { write!(f, "{} ({})", self.name, self.var) }
    }
}

/// Parses what `resolve` and `ns-resolve` return: a var, `#'namespace/name`, or `nil`.
///
/// # Errors
/// The text is neither.
pub(super) fn parse_var(printed: &str) -> Result<Option<AdminFn>, NotAVar> {
    match printed.trim() {
        "nil" => Ok(None),
        var => var.strip_prefix("#'").and_then(|name| name.parse().ok()).map(Some).ok_or(NotAVar),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAVar;

/// Makes the form that deletes a build: exactly what an operator types.
pub(super) fn delete_form(function: &AdminFn, build: &BuildUrl) -> String {
    format!("({function} {})", string_literal(&build.to_string()))
}

/// Makes a Clojure string literal. It escapes what needs an escape, although no build's URL contains such a character.
pub(super) fn string_literal(text: &str) -> String {
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

    #[test]
    fn the_form_is_what_an_operator_types() {
        let build = BuildUrl::parse("https://ci.example.com/github/acme/api/1234/?x#y").expect("a build");
        let function = "admin/delete-build".parse().expect("a function");
        assert_eq!(delete_form(&function, &build), r#"(admin/delete-build "https://ci.example.com/gh/acme/api/1234")"#);
    }

    #[test]
    fn a_string_cannot_be_escaped_from() {
        assert_eq!(string_literal(r#"")(System/exit 0)(""#), r#""\")(System/exit 0)(\"""#);
        assert_eq!(string_literal(r#"\"#), r#""\\""#);
        assert_eq!(string_literal(r#"\")"#), r#""\\\")""#);
        assert_eq!(string_literal("a\nb\0é\u{1f600}"), r#""a\u000ab\u0000\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn a_printed_var() {
        let full = "circle.http.api.admin-commands/delete-build";
        assert_eq!(parse_var(&format!("#'{full}")), Ok(full.parse().ok()));
        assert_eq!(parse_var("nil"), Ok(None));
        for odd in ["", "true", "#'a/b c", "java.lang.String", "\"admin/delete-build\"", "admin/delete-build"] {
            assert_eq!(parse_var(odd), Err(NotAVar), "{odd}");
        }
    }

    proptest::proptest! {
        /// Reads the literal back by Clojure's rules for strings.
        #[test]
        fn a_string_reads_back_as_it_was(text in ".*") {
            let literal = string_literal(&text);
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
