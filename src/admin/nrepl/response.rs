//! An nREPL's response to one request, collected from its messages, and what it means for a deletion.
//!
//! The messages and their statuses: <https://nrepl.org/nrepl/ops.html>.

use std::collections::BTreeSet;

use crate::admin::answer::Answer;
use crate::admin::bencode::{Dict, Value};
use crate::admin::text::{foreign, foreign_bytes};
use crate::text::Foreign;

/// The most bytes that are kept of what a form prints.
const MAX_PRINTED: usize = 4096;

/// The most different statuses that are kept. A server has about ten.
const MAX_STATUSES: usize = 32;

/// An nREPL's response to one request, so far.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// The printed value of the last form.
    value: Option<String>,
    /// The class of the exception that ended the form, as `class java.lang.Error`.
    exception: Option<String>,
    /// The class of the exception's root cause.
    root: Option<String>,
    out: Vec<u8>,
    err: Vec<u8>,
    statuses: BTreeSet<String>,
    /// The answer to `clone`.
    new_session: Option<String>,
}

impl Response {
    pub(super) fn add_message(&mut self, mut message: Dict) {
        let text = |message: &mut Dict, key: &[u8]| match message.remove(key) {
            Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        };
        self.value = text(&mut message, b"value").or(self.value.take());
        self.exception = text(&mut message, b"ex").or(self.exception.take());
        self.root = text(&mut message, b"root-ex").or(self.root.take());
        self.new_session = text(&mut message, b"new-session").or(self.new_session.take());
        for (key, kept) in [(&b"out"[..], &mut self.out), (b"err", &mut self.err)] {
            if let Some(Value::Bytes(printed)) = message.get(key) {
                let room = MAX_PRINTED.saturating_sub(kept.len());
                kept.extend(printed.iter().take(room));
            }
        }
        let statuses = match message.remove(&b"status"[..]) {
            Some(Value::List(statuses)) => statuses,
            Some(status) => vec![status],
            None => Vec::new(),
        };
        for status in statuses {
            if let Value::Bytes(status) = status
                && self.statuses.len() < MAX_STATUSES
            {
                self.statuses.insert(foreign_bytes(&status).into());
            }
        }
    }

    /// Whether the response is complete. That does not mean success.
    pub(super) fn is_done(&self) -> bool {
        self.has("done")
    }

    /// Whether the form reads from standard input.
    pub(super) fn needs_input(&self) -> bool {
        self.has("need-input")
    }

    pub(super) fn session_is_unknown(&self) -> bool {
        self.has("unknown-session")
    }

    /// The printed value. Success is a value without an error: `done` comes in every case.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub(super) fn value(&self) -> Result<&str, Foreign> {
        if self.has("interrupted") {
            return Err(self.with_message("interrupted"));
        }
        if let Some(class) = &self.exception {
            let class = foreign(class.trim_start_matches("class "));
            let root = self.root.as_deref().map(|root| foreign(root.trim_start_matches("class ")));
            return Err(self.with_message(&match root {
                Some(root) if root != class => format!("exception {class} caused by {root}"),
                _ => format!("exception {class}"),
            }));
        }
        let is_error =
            |status: &&String| status.contains("error") || status.contains("unknown") || status.ends_with("not-found");
        // `error` says less than the status beside it, such as unknown-session or namespace-not-found.
        let mut errors: Vec<&str> = self.statuses.iter().filter(is_error).map(String::as_str).collect();
        errors.sort_by_key(|status| *status == "error");
        match (errors.first(), &self.value) {
            (Some(error), _) => Err(self.with_message(error)),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(self.with_message("the server finished without a value")),
        }
    }

    /// What the response means for a deletion.
    pub(super) fn answer(&self) -> Answer {
        match self.value() {
            Ok(value) if self.out.is_empty() => Answer::Accepted(format!("value {}", foreign(value))),
            Ok(value) => {
                let printed = foreign_bytes(&self.out);
                Answer::Accepted(foreign(&format!("value {value} after printing {printed}")).into())
            }
            Err(error) => Answer::Failed(error.into()),
        }
    }

    /// The name of the session that `clone` opened.
    ///
    /// # Errors
    /// What the server said instead, in words.
    pub(super) fn new_session(self) -> Result<String, Foreign> {
        self.new_session.clone().ok_or_else(|| match self.value() {
            Ok(value) => foreign(&format!("value {value}")),
            Err(error) => error,
        })
    }

    fn has(&self, status: &str) -> bool {
        self.statuses.contains(status)
    }

    /// Adds what came as `err`, where an exception's message is.
    fn with_message(&self, what: &str) -> Foreign {
        let message = foreign_bytes(&self.err);
        if message.is_empty() { foreign(what) } else { foreign(&format!("{what}: {message}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message from text and lists of text.
    fn message(entries: &[(&str, &str)]) -> Dict {
        let value = |key: &str, text: &str| match key {
            "status" => Value::List(text.split(' ').map(|status| Value::Bytes(status.into())).collect()),
            _ => Value::Bytes(text.into()),
        };
        entries.iter().map(|(key, text)| (key.as_bytes().to_vec(), value(key, text))).collect()
    }

    fn answer(messages: &[&[(&str, &str)]]) -> Answer {
        let mut response = Response::default();
        messages.iter().for_each(|entries| response.add_message(message(entries)));
        assert!(response.is_done());
        response.answer()
    }

    #[test]
    fn done_is_not_success() {
        let done = [("status", "done")];
        let failed = |text: &str| Answer::Failed(text.to_owned());
        assert_eq!(answer(&[&[("value", "nil")], &done]), Answer::Accepted("value nil".into()));
        assert_eq!(
            answer(&[&[("out", "a\n")], &[("out", "b\n")], &[("value", ":ok")], &done]),
            Answer::Accepted("value :ok after printing a\\nb".into())
        );
        assert_eq!(answer(&[&done]), failed("the server finished without a value"));
        for status in ["unknown-session", "unknown-op", "namespace-not-found"] {
            assert_eq!(answer(&[&[("status", &format!("done {status} error"))]]), failed(status));
        }
        assert_eq!(answer(&[&[("value", "1")], &[("status", "done interrupted")]]), failed("interrupted"));
        assert_eq!(answer(&[&[("value", "1")], &[("status", "eval-error")], &done]), failed("eval-error"));
        // nREPL up to 0.8 says this where the printing of a value throws.
        assert_eq!(
            answer(&[&[("value", "(1")], &[("status", "nrepl.middleware.print/error")], &done]),
            failed("nrepl.middleware.print/error")
        );
        // cider-nrepl adds a message of its own after a success.
        assert!(matches!(answer(&[&[("value", "1")], &done, &[("status", "state")]]), Answer::Accepted(_)));
    }

    #[test]
    fn an_exception_is_reported_with_its_class_and_message() {
        let text = "Execution error (ExceptionInfo) at user/eval1 (REPL:1).\nno such build\n";
        let class = "class clojure.lang.ExceptionInfo";
        let error = [("ex", class), ("root-ex", class), ("status", "eval-error")];
        assert_eq!(
            answer(&[&[("err", text)], &error, &[("status", "done")]]),
            Answer::Failed("exception clojure.lang.ExceptionInfo: Execution error (ExceptionInfo) at user/eval1 (REPL:1).\\nno such build".into())
        );
        let lazy = [("ex", class), ("root-ex", "class java.lang.RuntimeException"), ("status", "eval-error")];
        // A value that was printed in part before it threw is no success.
        assert_eq!(
            answer(&[&[("value", "(1 2")], &lazy, &[("status", "done")]]),
            Answer::Failed("exception clojure.lang.ExceptionInfo caused by java.lang.RuntimeException".into())
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut response = Response::default();
        for number in 0..1000 {
            response.add_message(message(&[
                ("out", &"x".repeat(1000)),
                ("err", "y"),
                ("status", &format!("s{number}")),
            ]));
        }
        assert_eq!((response.out.len(), response.err.len()), (MAX_PRINTED, 1000));
        assert_eq!(response.statuses.len(), MAX_STATUSES);
    }

    #[test]
    fn odd_messages_are_no_success() {
        let mut response = Response::default();
        response.add_message(Dict::from([
            (b"value".to_vec(), Value::Integer(1)),
            (b"status".to_vec(), Value::Bytes(b"done".to_vec())),
        ]));
        assert!(response.is_done() && matches!(response.answer(), Answer::Failed(_)));
    }
}
