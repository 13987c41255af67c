//! The Clojure forms that are ever sent. A deletion is sent as it is typed by hand, with nothing around it, for the printing
//! of its value is what realises a lazy one.

use crate::admin::function::AdminFn;

/// The namespace in which an operator types, and in which every form is read.
pub(super) const NAMESPACE: &str = "user";

/// Asks which var a name stands for: `#'namespace/name`, or nil. It loads nothing, changes nothing, and does not throw
/// where the namespace is unknown (`clojure.core/ns-resolve`, Clojure 1.0 and later).
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
