//! The forms that are typed into a console. Each is one line, catches what its call throws, and prints its answer in the shape that
//! [`super::scanner`] knows.
//!
//! They do not depend on the console's current namespace: they use special forms and full names only. All of these exist in
//! Clojure 1.4 and later.

use super::nonce::Nonce;
use crate::admin::clojure::{self, ResolvedFunction};
use crate::admin::function::AdminFn;
use crate::admin::{service, store_look};
use crate::build_url::BuildUrl;

/// The most UTF-16 units of a value or an exception that are printed. The last unit only shows that the text is longer.
pub(super) const MAX_UNITS: usize = 401;

/// The most bytes of a line. A terminal takes at most 4096 with the end of the line (termios(3), canonical mode).
pub(super) const MAX_LINE: usize = 4000;

/// Makes the form that resolves these names to vars. It loads nothing and changes nothing.
pub(super) fn resolve(functions: &[AdminFn], nonce: &Nonce) -> String {
    let names: Vec<String> = functions.iter().map(AdminFn::to_string).collect();
    wrap(&format!("clojure.core/mapv clojure.core/resolve '[{}]", names.join(" ")), nonce)
}

/// Parses the answer to [`resolve`]: the first of the functions that exists, or None.
///
/// # Errors
/// The answer is not a list of one var or nil for each function.
pub(super) fn parse_resolved(
    printed: &str,
    functions: &[AdminFn],
) -> Result<Option<ResolvedFunction>, clojure::NotAVar> {
    let inner = printed.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(clojure::NotAVar)?;
    let vars = inner.split_whitespace().map(clojure::parse_var).collect::<Result<Vec<_>, _>>()?;
    if vars.len() != functions.len() {
        return Err(clojure::NotAVar);
    }
    let mut found = functions.iter().zip(vars).filter_map(|(name, var)| Some((name, var?)));
    Ok(found.next().map(|(name, var)| ResolvedFunction { name: name.clone(), var }))
}

/// Makes the form that deletes a build. It evaluates exactly what an operator types. Because it calls `eval`, a function that no longer
/// exists is an answer too, not a compiler error.
pub(super) fn delete(function: &AdminFn, build: &BuildUrl, nonce: &Nonce) -> String {
    wrap(&format!("clojure.core/eval '{}", clojure::delete_form(function, build)), nonce)
}

/// Makes the form that asks which service of a CircleCI Server this is.
pub(super) fn service(nonce: &Nonce) -> String {
    wrap(&service::question(), nonce)
}

/// Makes the form that asks the server's own store for a build.
pub(super) fn look_up(build: &BuildUrl, nonce: &Nonce) -> String {
    wrap(&store_look::question(build), nonce)
}

/// Makes the form that evaluates `(call)` and prints the answer. The value is printed whole and then cut, because printing realises a
/// lazy value, and what that throws is the answer. An endless value would fill the server's memory: 10,000 elements are enough.
///
/// An exception is its class and its message, and so is its cause: its data may be a whole document.
///
/// It prints an empty line first, which ends any half line or half escape sequence before it.
fn wrap(call: &str, nonce: &Nonce) -> String {
    let backward = nonce.backward();
    format!(
        "(let* [n (clojure.core/apply clojure.core/str (clojure.core/reverse \"{backward}\")) \
         p (fn* [k s] (clojure.core/newline) (clojure.core/println (clojure.core/str n k (clojure.core/apply clojure.core/str \
         (clojure.core/map (fn* [c] (clojure.core/format \"%04X\" (clojure.core/int c))) \
         (clojure.core/take {MAX_UNITS} s))) n)) (clojure.core/flush))] \
         (try (p \"V\" (let* [v ({call})] (clojure.core/binding [clojure.core/*print-length* 10000] (clojure.core/pr-str v)))) \
         (catch java.lang.Throwable e (p \"T\" (try (clojure.core/str (clojure.core/class e) \": \" (.getMessage e) \
         (let* [c (.getCause e)] (if c (clojure.core/str \", caused by \" (.getName (clojure.core/class c)) \": \" (.getMessage c)) \"\"))) \
         (catch java.lang.Throwable _ \"an exception that cannot be printed\"))))))"
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
        for line in [line, resolve(&AdminFn::defaults(), &nonce), look_up(&build, &nonce), service(&nonce)] {
            assert!(line.len() < 1200, "{} bytes", line.len());
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
            // Line editors expand these from their history.
            assert!(!line.contains(['!', '\t', '^']), "{line}");
            assert!(!line.contains("  ") && !line.contains(NONCE), "{line}");
            assert_eq!(line.matches('(').count(), line.matches(')').count());
        }
    }

    #[test]
    fn the_first_function_that_exists_is_taken() {
        let usual = AdminFn::defaults();
        let full = "#'circle.http.api.admin-commands/delete-build";
        let found =
            |printed: String| parse_resolved(&printed, &usual).map(|found| found.map(|found| found.name.to_string()));
        assert_eq!(found(format!("[{full} {full}]")), Ok(Some("admin/delete-build".to_owned())));
        assert_eq!(found(format!("[nil {full}]")), Ok(Some(full[2..].to_owned())));
        assert_eq!(found("[nil nil]".to_owned()), Ok(None));
        for odd in ["", "nil", "[]", "[nil]", "[nil nil nil]", "[nil #'a]", "[#'a/b ...]", "(nil nil)"] {
            assert_eq!(found(odd.to_owned()), Err(clojure::NotAVar), "{odd}");
        }
    }
}
