//! The causes of an error.

use std::error::Error;

/// The causes of an error, the nearest first.
pub fn causes<'a>(error: &'a (dyn Error + 'a)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

/// The causes of an error that say something new, the nearest first. Many errors repeat their cause in their own text.
pub fn distinct_causes(error: &dyn Error) -> Vec<String> {
    let mut before = error.to_string();
    let mut distinct = Vec::new();
    for cause in causes(error).map(ToString::to_string) {
        if !before.contains(&cause) {
            distinct.push(cause.clone());
        }
        before = cause;
    }
    distinct
}

/// An error and its causes, as one line.
pub fn in_one_line(error: &dyn Error) -> String {
    std::iter::once(error.to_string()).chain(distinct_causes(error)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn a_repeated_cause_is_shown_once() {
        let inner = Layer("refused", None);
        let middle = Layer("cannot connect: refused", Some(Box::new(inner)));
        let outer = Layer("the database is away", Some(Box::new(middle)));
        assert_eq!(causes(&outer).count(), 2);
        assert_eq!(distinct_causes(&outer), ["cannot connect: refused"]);
    }
}
