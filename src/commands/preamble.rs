//! Says what a command reads, as whom, and by which times, before it says anything of a build.

use jiff::{SignedDuration, Timestamp};

use crate::collation::{Collations, REINDEX_FIRST};
use crate::collection::Collection;
use crate::database::DatabaseIdentity;
use crate::output::Printer;
use crate::premise::{Premise, Restored};
use crate::scan::Role;
use crate::table::{Table, in_words};
use crate::text::counted;

/// Clocks that are further apart than this get a warning.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(1);

/// Says which database or collection is read, and which tables: the owner of a table decides what is in it.
pub(super) fn say_what_is_read(
    (identity, collection): (&DatabaseIdentity, Option<&Collection>),
    tables: &[Table],
    printer: Printer,
) {
    let tables = in_words(tables);
    match collection {
        None => printer.say(&format!("reading database {:?}: {tables}", identity.name)),
        Some(collection) => {
            printer.say(&format!("reading {collection}"));
            printer.say(&format!("its documents are in {tables}"));
        }
    }
}

/// Warns of what a collection lacks that may hide damage.
pub(super) fn warn_of_collection(collection: Option<&Collection>, backup: Option<Timestamp>, printer: Printer) {
    let Some(collection) = collection else { return };
    let name = collection.name();
    if collection.ended_at.is_none() {
        printer.warn(&format!(
            "{name} has not ended: builds are missing in it, and documents; the same collect continues it"
        ));
    }
    if !collection.lists_all {
        printer
            .warn(&format!("{name} has only what its token's user follows: nothing says what other builds there are"));
    }
    if let Some((since, backup)) = collection.since.zip(backup).filter(|(since, backup)| since > backup) {
        printer.warn(&format!(
            "{name} begins at {since}, after the backup at {backup}: builds that the backup cut and that are over by now are not in it"
        ));
    }
}

/// Warns where `foreign_sql`, SQL that does not ship, runs as a role that may do more than read.
pub(super) fn warn_of_role(foreign_sql: Option<String>, role: &Role, printer: Printer) {
    let Some(flags) = foreign_sql else { return };
    let may = match role {
        Role { is_superuser: true, .. } => "is a superuser: it can read the server's files and other databases",
        Role { owns: true, .. } => "owns the tables, or has the rights of their owner",
        _ => return,
    };
    printer.warn(&format!(
        "{flags}: this SQL runs as role {:?}, which {may}; do you know who wrote it? A role that may only SELECT is enough",
        role.name
    ));
}

/// Warns where text is not read as the letters that it is.
pub(super) fn warn_of_bytes(reads_bytes: bool, printer: Printer) {
    if reads_bytes {
        printer.warn(
            "some text of this database is in no encoding that the server can write as UTF-8: text is read as it is stored, and each \
             letter that is not ASCII is shown by its bytes, such as \\xe9",
        );
    }
}

/// Warns where the order of text has changed since indexes were built.
pub(super) fn warn_of_collations(collations: &Collations, printer: Printer) {
    for changed in &collations.changed {
        printer.warn(&format!("the order of text has changed since indexes were built: {changed}"));
    }
    if collations.have_changed() {
        printer.hint(&format!(
            "{REINDEX_FIRST}; until then halfbuilt reads the tables without their indexes, which is slow, but the CI itself may not \
             find its builds"
        ));
    }
}

/// Says what of the database cannot be read, a line each.
pub(super) fn warn_of_damage(damage: &[String], printer: Printer) {
    damage.iter().for_each(|line| printer.warn(line));
}

/// Says T and R, how they are known, and what contradicts them.
pub(super) fn say_premise(premise: &Premise, printer: Printer) {
    for empty in &premise.losses.empty {
        printer.warn(&format!("{empty}: was this table restored?"));
    }
    premise.losses.retentions.iter().for_each(|retention| printer.say(&retention.to_string()));
    let ahead = premise.clock_ahead;
    if ahead.abs() > CLOCKS_AGREE {
        let is = if ahead.is_negative() { "behind" } else { "ahead of" };
        // In whole minutes.
        let apart = SignedDuration::from_mins((ahead.abs().as_secs() + 30) / 60);
        printer.warn(&format!(
            "the database's clock is {apart:#} {is} this machine's: one of the two is wrong, and T, R and ages depend on them"
        ));
    }
    if premise.times.backup.is_none() {
        return;
    }
    printer.say(&premise.to_string());
    if let Some(sentence) = premise.contradictions.question() {
        printer.warn(&sentence);
        printer.hint(
            "a backup that takes long holds the state of the moment at which it ended; find T and R again (`halfbuilt help times`), and \
             look at the builds in between before you delete anything",
        );
    }
    // Later nothing is kept for it anyway.
    let unheeded = premise.row_versions.unheeded().filter(|_| !premise.outlasts_builds());
    [premise.row_versions.contradiction(), unheeded].iter().flatten().for_each(|sentence| printer.warn(sentence));
    if premise.start_up_stops > 0 {
        let builds = counted(premise.start_up_stops, "build");
        printer.say(&format!(
            "{builds} stopped shortly before R, and nothing else happened then: the server's own start-up probably closed them"
        ));
    }
    if let Some(sentence) = premise.doubt_of_recovery() {
        printer.warn(&sentence);
    }
    match premise.restored {
        Restored::Unknown => {
            if let Some(sentence) = premise.recovery_that_was_no_restore() {
                printer.say(&sentence);
            }
            printer.warn("it is not known when the server came back: nothing is deletable without --restored-at");
        }
        Restored::Given(_) | Restored::Recovered(_) if premise.is_too_close() => {
            let tolerance = premise.times.clock_tolerance;
            printer.warn(&format!(
                "the server came back so soon after the backup that clocks which may be {tolerance:#} apart (--clock-tolerance) cannot \
                 separate what came before it from what came after: nothing is deletable"
            ));
        }
        Restored::Given(_) | Restored::Recovered(_) => {}
    }
}
