//! The times of backup and restore that a database suggests where nobody gave one.

use jiff::{SignedDuration, Timestamp};

use crate::causes::distinct_causes;
use crate::output::Printer;
use crate::scan::{QuietTime, Recovery, Scan};
use crate::text::{counted, was_or_were};

/// A quiet time in the database, and the flags that follow from it.
pub(super) struct Suggestion {
    words: String,
    flags: Vec<(&'static str, String)>,
}

impl Suggestion {
    pub(super) fn hint(&self, printer: Printer) {
        let flags: Vec<String> = self.flags.iter().map(|(flag, time)| format!("{flag} {time}")).collect();
        let proof = "a guess, which needs other proof (`halfbuilt help times`)";
        printer.hint(&format!("{}, {proof}: {}", self.words, flags.join(" ")));
    }
}

/// The quiet times in the database, in one of which the backup may have been taken.
pub(super) async fn suggest(scan: &Scan<'_>, printer: Printer) -> Vec<Suggestion> {
    // Only a hint: the report is whole, whatever comes of it.
    match scan.suggestions().await {
        Ok(quiet) => quiet.iter().enumerate().map(|(place, quiet)| suggestion(place, quiet)).collect(),
        Err(error) => {
            let causes = [vec![error.to_string()], distinct_causes(&error)].concat().join(": ");
            printer.warn(&format!("no backup time can be suggested: {causes}"));
            Vec::new()
        }
    }
}

fn suggestion(place: usize, quiet: &QuietTime) -> Suggestion {
    let QuietTime { last_write, next_write, running, recovery } = quiet;
    let until = next_write.unwrap_or_else(Timestamp::now);
    let length = SignedDuration::from_secs(until.duration_since(*last_write).as_secs());
    let running = format!("{} {} running then", counted(*running, "build"), was_or_were(*running));
    let seen = match next_write {
        Some(next) => format!(
            "the {}longest quiet time in the database begins after {last_write:.0} and ends {length:#} later, at {next:.0}; \
             {running}. If the backup was taken when it began, and the server came back when it ended",
            if place == 0 { "" } else { "second " }
        ),
        None => format!(
            "nothing was written since {last_write:.0}, for {length:#}; {running}. If that is when the backup was taken, and \
             the restored server was not started yet"
        ),
    };
    // The first write came after the restore; the server's own record is more exact.
    let restored = match (recovery, next_write) {
        (Recovery::Within(at), _) => Some(*at),
        (_, Some(next)) => next.checked_sub(SignedDuration::from_secs(1)).ok(),
        (_, None) => None,
    };
    let words = match recovery {
        Recovery::NotOnRecord => seen,
        Recovery::Within(at) => format!("{seen} (the database server recovered from a crash in it, at {at:.0})"),
        Recovery::Elsewhere(at) => format!(
            "{seen} (in doubt, since the database server recovered from a crash at {at:.0}, with builds on both sides of that; if \
             that was the restore, T is earlier)"
        ),
    };
    let mut flags = vec![("--backup-time", last_write.to_string())];
    flags.extend(restored.map(|at| ("--restored-at", format!("{at:.0}"))));
    Suggestion { words, flags }
}
