//! The forms that are typed into a console: one line each, in which a call is guarded, and which prints its own answer in the
//! shape that [`super::scanner`] knows.
//!
//! They need nothing of the namespace in which the console stands: all they use is a special form or named in full, and is
//! found in Clojure 1.8 and later.

use super::nonce::Nonce;
use crate::admin::clojure::{self, Function};
use crate::admin::function::AdminFn;
use crate::build_url::BuildUrl;

/// The most UTF-16 units of a value or an exception that are printed. The last of so many tells only that there were more.
pub(super) const MOST_UNITS: usize = 401;

/// The most bytes of a line: a terminal takes no longer ones (4096 with its end, termios(3) on canonical mode).
pub(super) const LONGEST_LINE: usize = 4000;

/// Asks which vars these names stand for, without loading or changing anything.
pub(super) fn resolve(functions: &[AdminFn], nonce: &Nonce) -> String {
    let names: Vec<String> = functions.iter().map(AdminFn::to_string).collect();
    guarded(&format!("clojure.core/mapv clojure.core/resolve '[{}]", names.join(" ")), nonce)
}

/// Reads the answer to [`resolve`]: the first of the functions that is there, or None.
///
/// # Errors
/// It is something else than vars and nils, one for each function.
pub(super) fn resolved(printed: &str, functions: &[AdminFn]) -> Result<Option<Function>, clojure::NotAVar> {
    let inner = printed.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(clojure::NotAVar)?;
    let vars = inner.split_whitespace().map(clojure::resolved).collect::<Result<Vec<_>, _>>()?;
    if vars.len() != functions.len() {
        return Err(clojure::NotAVar);
    }
    let mut found = functions.iter().zip(vars).filter_map(|(called, var)| Some((called, var?)));
    Ok(found.next().map(|(called, var)| Function { called: called.clone(), var }))
}

/// Deletes a build: what is evaluated is to the letter the form that an operator types there. It is evaluated by the form, not
/// compiled with it, so that a name which is not there any more is an answer, too.
pub(super) fn delete(function: &AdminFn, build: &BuildUrl, nonce: &Nonce) -> String {
    guarded(&format!("clojure.core/eval '{}", clojure::call(function, build)), nonce)
}

/// Evaluates `(call)` and prints the answer. The value is printed as a console does it, and then cut: that is what realises a
/// lazy one. What is thrown then is no value. One without end would fill the server's memory, so 10,000 elements are enough.
///
/// An empty line comes first: it ends whatever half line or half escape sequence stands there.
fn guarded(call: &str, nonce: &Nonce) -> String {
    let backward = nonce.backward();
    format!(
        "(let* [n (clojure.core/apply clojure.core/str (clojure.core/reverse \"{backward}\")) \
         p (fn* [k s] (clojure.core/newline) (clojure.core/println (clojure.core/str n k (clojure.core/apply clojure.core/str \
         (clojure.core/map (fn* [c] (clojure.core/format \"%04X\" (clojure.core/int c))) \
         (clojure.core/take {MOST_UNITS} s))) n)) (clojure.core/flush))] \
         (try (p \"V\" (let* [v ({call})] (clojure.core/binding [clojure.core/*print-length* 10000] (clojure.core/pr-str v)))) \
         (catch java.lang.Throwable e (p \"T\" (try (clojure.core/str (clojure.core/class e) \": \" (.getMessage e) \
         (let* [c (.getCause e)] (if c (clojure.core/str \", caused by \" c) \"\"))) \
         (catch java.lang.Throwable _ \"an exception that cannot be told\"))))))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "abcdefghijklmnopabcdefghijklmnoq";

    fn function() -> AdminFn {
        "admin/delete-build".parse().expect("a function")
    }

    #[test]
    fn a_line_is_short_plain_and_without_its_own_mark() {
        let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1234").expect("a build");
        let nonce = Nonce::of(NONCE);
        let line = delete(&function(), &build, &nonce);
        assert!(
            line.contains(r#"(clojure.core/eval '(admin/delete-build "https://ci.example.com/gh/acme/api/1234"))"#)
        );
        for line in [line, resolve(&AdminFn::usual(), &nonce)] {
            assert!(line.len() < 1000, "{} bytes", line.len());
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
            // What line editors take for the history.
            assert!(!line.contains(['!', '\t', '^']), "{line}");
            assert!(!line.contains("  ") && !line.contains(NONCE), "{line}");
            assert_eq!(line.matches('(').count(), line.matches(')').count());
        }
    }

    #[test]
    fn the_first_function_that_is_there_is_taken() {
        let usual = AdminFn::usual();
        let full = "#'circle.http.api.admin-commands/delete-build";
        let found =
            |printed: String| resolved(&printed, &usual).map(|found| found.map(|found| found.called.to_string()));
        assert_eq!(found(format!("[{full} {full}]")), Ok(Some("admin/delete-build".to_owned())));
        assert_eq!(found(format!("[nil {full}]")), Ok(Some(full[2..].to_owned())));
        assert_eq!(found("[nil nil]".to_owned()), Ok(None));
        for odd in ["", "nil", "[]", "[nil]", "[nil nil nil]", "[nil #'a]", "[#'a/b ...]", "(nil nil)"] {
            assert_eq!(found(odd.to_owned()), Err(clojure::NotAVar), "{odd}");
        }
    }
}
