//! The name of the Clojure function that deletes a build.

use std::fmt;
use std::str::FromStr;

use crate::text::Foreign;

/// The full name of a Clojure function, `namespace/name`. A Clojure reader cannot read anything else in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminFn(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a Clojure function, NAMESPACE/NAME")]
pub struct AdminFnError(Foreign);

impl AdminFn {
    /// The functions to try if the operator names none: what one types in `circleci dev-console`, then the full name.
    pub(super) fn defaults() -> Vec<Self> {
        ["admin/delete-build", "circle.http.api.admin-commands/delete-build"].map(|name| Self(name.to_owned())).into()
    }
}

impl FromStr for AdminFn {
    type Err = AdminFnError;

    /// Accepts a part of what Clojure's reader allows in a symbol (<https://clojure.org/reference/reader#_symbols>): letters,
    /// digits and `. * + ! _ ? -`, one slash, no part that reads as a number, no `.method` and no `Class.`.
    fn from_str(text: &str) -> Result<Self, AdminFnError> {
        let symbol = |part: &str| {
            part.chars().all(|c| c.is_ascii_alphanumeric() || ".*+!_?-".contains(c))
                && part.split('.').all(|piece| !piece.is_empty())
                && !part.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit())
        };
        match text.split_once('/') {
            Some((namespace, name)) if text.len() <= 200 && symbol(namespace) && symbol(name) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(AdminFnError(Foreign::name(text))),
        }
    }
}

impl fmt::Display for AdminFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions() {
        for name in ["admin/delete-build", "circle.http.api.admin-commands/delete-build", "a.b2/c!?*+_x", "a/-"] {
            assert_eq!(name.parse::<AdminFn>().map(|function| function.to_string()), Ok(name.to_owned()));
        }
        for function in AdminFn::defaults() {
            assert_eq!(function.to_string().parse(), Ok(function));
        }
    }

    #[test]
    fn whatever_a_reader_could_read_as_more_is_refused() {
        let long = format!("a/{}", "b".repeat(200));
        for name in [
            "",
            "/",
            "a/",
            "/b",
            "delete-build",
            "a/b/c",
            "a//b",
            "a b/c",
            "a/b c",
            " a/b",
            "a/b\n",
            "(a/b)",
            "a/b)",
            "a/b;",
            "a/b\"",
            "'a/b",
            "#'a/b",
            "@a/b",
            "a/b,",
            "a/~b",
            "a/:b",
            ":a/b",
            "1a/b",
            "a/1",
            "a/-1",
            "+2/b",
            "a/.b",
            "a/b.",
            ".a/b",
            "a../b",
            "a..b/c",
            "ä/b",
            "a/b\0",
            &long,
        ] {
            assert!(name.parse::<AdminFn>().is_err(), "{name:?} was taken for a function");
        }
    }
}
