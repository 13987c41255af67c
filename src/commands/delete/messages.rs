//! What a deletion says while it reads builds again.

use crate::causes::in_one_line;
use crate::deletion::ReaderEvent;
use crate::output::Printer;

/// Says what happened.
pub(super) fn report_event(event: &ReaderEvent<'_>, printer: Printer) {
    match event {
        ReaderEvent::DatabaseAway { wait, error } => printer.say(&format!(
            "the database is away, trying again in {wait:?}: {}",
            in_one_line(*error)
        )),
        ReaderEvent::StandbyAnswers => {
            printer.say("a standby answers now, and it may lag behind: waiting for the primary");
        }
        ReaderEvent::LockIsHeld => printer.say(
            "another connection still holds the deletion lock on this database: it may be this run's own, of which the server does not \
             know yet that it is lost",
        ),
        ReaderEvent::OtherTimeline { before, now } => printer.warn(&format!(
            "the database continues from another server's copy (timeline {before} became {now}), which may not have received the latest \
             deletions: all that was deleted is read again"
        )),
        ReaderEvent::EarlierState => printer.warn(
            "the database is back at an earlier state (its log is shorter than before): all that was deleted is read again",
        ),
    }
}
