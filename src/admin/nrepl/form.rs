//! The Clojure forms that are sent to an nREPL. A deletion is sent as one types it, with nothing around it, because printing its value
//! realises a lazy one.

use crate::admin::function::AdminFn;

/// The namespace in which an operator types, and in which every form is evaluated.
pub(super) const NAMESPACE: &str = "user";

/// Makes the form that resolves a name to a var: `#'namespace/name`, or nil. It loads nothing, changes nothing, and does not throw if
/// the namespace is unknown (`clojure.core/ns-resolve`, Clojure 1.0 and later).
pub(super) fn resolve(function: &AdminFn) -> String {
    format!("(ns-resolve '{NAMESPACE} '{function})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_for_a_function() {
        let function = "admin/delete-build".parse().expect("a function");
        assert_eq!(resolve(&function), "(ns-resolve 'user 'admin/delete-build)");
    }
}
