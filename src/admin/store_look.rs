//! What the server's own store says of a build: a second proof beside its API.
//!
//! The question is one form. It answers with one of three words, so that the build's document never leaves the server: it may be huge, and
//! it may hold secrets.

use super::clojure;
use super::text::foreign;
use crate::build_url::BuildUrl;

/// Whether the server's own store has a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLook {
    There,
    Nothing,
    /// The admin path cannot ask the store: the server has no such function, or the path is HTTP.
    NoFunction,
    /// Why there is no answer. The text is short and harmless.
    NotKnown(String),
}

/// Makes the question, without the parentheses around it. It loads nothing. A delay is realised, and of a collection the first element, so
/// that what they throw is an answer too; a collection without any holds no build. All of it exists in Clojure 1.7, whatever the current
/// namespace is.
pub(super) fn question(build: &BuildUrl) -> String {
    let url = clojure::string_literal(&build.to_string());
    format!(
        "let* [s (clojure.core/find-ns 'circle.model.build) \
         f (if s (clojure.core/ns-resolve s 'find-one-by-circle-url))] \
         (if f (let* [r (clojure.core/force (f {url}))] \
         (if (if (clojure.core/coll? r) (clojure.core/seq r) r) :there :nothing)) :no-function)"
    )
}

/// Reads the printed answer to [`question`].
pub(super) fn read_answer(printed: &str) -> StoreLook {
    match printed.trim() {
        ":there" => StoreLook::There,
        ":nothing" => StoreLook::Nothing,
        ":no-function" => StoreLook::NoFunction,
        other => StoreLook::NotKnown(format!("it answered {}", foreign(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_holds_the_address_as_a_string() {
        let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1234").expect("a build");
        let question = question(&build);
        assert!(question.contains(r#"(f "https://ci.example.com/gh/acme/api/1234")"#), "{question}");
        assert_eq!(question.matches('(').count(), question.matches(')').count());
    }

    #[test]
    fn only_three_words_are_an_answer() {
        assert_eq!(read_answer(":there\n"), StoreLook::There);
        assert_eq!(read_answer(":nothing"), StoreLook::Nothing);
        assert_eq!(read_answer(":no-function"), StoreLook::NoFunction);
        for odd in ["nil", "", ":there :nothing", "\":there\"", ":THERE"] {
            assert_eq!(read_answer(odd), StoreLook::NotKnown(format!("it answered {odd}")));
        }
        assert_eq!(read_answer("\u{1b}[2J"), StoreLook::NotKnown("it answered \\u{1b}[2J".to_owned()));
    }
}
