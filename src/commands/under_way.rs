//! The deletions that have been announced to the journal and have not ended: what an interruption leaves behind.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::{counted, is_or_are};

/// The deletions under way; `None` where the run deletes nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<Option<HashSet<String>>>>);

impl UnderWay {
    /// From now on the run deletes.
    pub(super) fn begin_run(&self) {
        self.change(|builds| *builds = Some(HashSet::new()));
    }

    /// The deletions have ended.
    pub(super) fn end_run(&self) {
        self.change(|builds| *builds = None);
    }

    /// A deletion is sent.
    pub(super) fn begin(&self, url: &str) {
        self.change(|builds| {
            builds.get_or_insert_default().insert(url.to_owned());
        });
    }

    /// It has ended.
    pub(super) fn end(&self, url: &str) {
        self.change(|builds| {
            builds.as_mut().map(|builds| builds.remove(url));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Option<HashSet<String>>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn count(&self) -> Option<u64> {
        let builds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        builds.as_ref().map(|builds| builds.len() as u64)
    }

    /// What happens after the first interruption, and what another one does.
    pub(super) fn after_the_first(&self) -> String {
        let again = "interrupt again to stop without that";
        match self.count() {
            None => "interrupted: stopping".to_owned(),
            Some(0) => format!(
                "interrupted: nothing more is sent, and nothing is waited for; what was deleted is read again ({again})"
            ),
            Some(builds) => format!(
                "interrupted: nothing more is sent; waiting for {} not proved yet (interrupt again to wait no longer)",
                deletions(builds)
            ),
        }
    }

    /// What happens after the second.
    pub(super) fn after_the_second(&self) -> String {
        let again = "a third time leaves without writing the results";
        match self.count() {
            None => "interrupted again: stopping; a third time leaves at once".to_owned(),
            Some(0) => format!("interrupted again: stopping now; no deletion is open ({again})"),
            Some(builds) => format!(
                "interrupted again: stopping now; {} not proved yet; the same command looks up what became of {} ({again})",
                deletions(builds),
                if builds == 1 { "it" } else { "them" }
            ),
        }
    }

    /// What happens after the third.
    pub(super) fn after_the_third(&self) -> &'static str {
        match self.count() {
            None => "interrupted a third time: leaving",
            Some(_) => {
                "interrupted a third time: leaving; the results are not complete, but the journal has all that was sent, and the same \
                 command continues"
            }
        }
    }
}

/// They are sent, or about to be, and nobody has seen yet that the builds are gone.
fn deletions(builds: u64) -> String {
    format!("{} that {}", counted(builds, "deletion"), is_or_are(builds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_says_how_many_deletions_are_under_way() {
        let under_way = UnderWay::default();
        assert_eq!(under_way.after_the_first(), "interrupted: stopping");
        under_way.begin_run();
        assert!(under_way.after_the_first().contains("nothing is waited for"));
        under_way.begin("a");
        under_way.begin("a");
        assert!(under_way.after_the_first().contains("waiting for 1 deletion that is not proved yet ("));
        under_way.begin("b");
        assert!(under_way.after_the_second().contains("2 deletions that are not proved yet; the same command"));
        under_way.end("a");
        under_way.end("never begun");
        assert!(under_way.after_the_second().contains("1 deletion that is not proved yet;"));
        assert!(under_way.after_the_third().contains("the journal has all that was sent"));
        under_way.end_run();
        assert_eq!(under_way.after_the_third(), "interrupted a third time: leaving");
    }
}
