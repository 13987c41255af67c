//! The restore checklist beside a report: what it says is to do, and whether the policy demands one.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::causes::distinct_causes;
use crate::checklist::{Checklist, ItemOutcome};
use crate::commands::Error;
use crate::deletion::GateError;
use crate::exit::Exit;
use crate::output::Printer;
use crate::text::{Foreign, counted, is_or_are, was_or_were};
use crate::timing::RestoreTimes;

use super::request::DeleteRequest;

/// How many items are named.
const ITEMS_NAMED: usize = 6;
/// How far the clock of the machine that was looked at may be ahead of this one's.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
const RUN_IT: &str =
    "run it on the restored machine: halfbuilt checklist --json REPORT.checklist.json; `halfbuilt help checklist`";

/// What is against cleaning up builds now.
struct Objection {
    why: String,
    hint: &'static str,
    /// Whether it counts only where the policy demands a checklist.
    is_of_policy: bool,
}

impl Objection {
    fn new(why: String) -> Self {
        Self { why, hint: RUN_IT, is_of_policy: false }
    }
}

/// Reminds, in one line, of what is to do before builds are cleaned up.
///
/// # Errors
/// The policy demands a checklist of this restore in which all is right, and there is none.
pub(super) fn check(request: &DeleteRequest, printer: Printer) -> Result<(), Error> {
    let place = request.report_file().map(Checklist::place);
    let found = place.as_deref().filter(|place| place.exists());
    let objection = match (found, &place) {
        (Some(found), _) => match read(found) {
            Ok(checklist) => {
                let objection = objection(&checklist, found, request);
                let left_out = names(&checklist, ItemOutcome::is_left_out);
                if request.checklist_required_by.is_some() && objection.is_none() && left_out.0 > 0 {
                    printer.tell(&format!("{}: left out by --without: {}", found.display(), left_out.1));
                }
                objection
            }
            Err(why) => Some(Objection::new(why)),
        },
        (None, Some(place)) => {
            Some(Objection { is_of_policy: true, ..Objection::new(format!("there is no {}", place.display())) })
        }
        (None, None) => Some(Objection {
            is_of_policy: true,
            ..Objection::new("the builds are chosen by no report, beside which one could stand".to_owned())
        }),
    };
    match (objection, &request.checklist_required_by) {
        (None, _) => Ok(()),
        (Some(Objection { why, hint, .. }), Some(policy)) => {
            Err(GateError::Checklist { policy: policy.clone(), why, hint: hint.to_owned() }.into())
        }
        (Some(objection), None) => {
            if !objection.is_of_policy {
                printer.warn(&objection.why);
            }
            Ok(())
        }
    }
}

fn read(place: &Path) -> Result<Checklist, String> {
    Checklist::read_plain(place).map_err(|error| {
        let causes = [vec![error.to_string()], distinct_causes(&error)].concat().join(": ");
        format!("{} cannot be used as a checklist: {causes}", place.display())
    })
}

/// What is against cleaning up builds by this checklist; `None` where nothing is.
fn objection(checklist: &Checklist, place: &Path, request: &DeleteRequest) -> Option<Objection> {
    let (name, times) = (place.display(), &request.reading.times);
    let began = checklist.began_at;
    if began > Timestamp::now().saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
        let why = format!("{name} is of {began:.0}, which is in the future");
        return Some(Objection {
            hint: "is a clock wrong? set it, and run the checklist again",
            ..Objection::new(why)
        });
    }
    let Some(restored) = times.restored else {
        let why = format!("R is not known, so that nothing says whether {name} is of this restore");
        let hint = "--restored-at says it, or the report of a scan with it";
        let of_policy = Objection { hint, is_of_policy: true, ..Objection::new(why) };
        return not_right(checklist, place).or(Some(of_policy));
    };
    if began < restored {
        let why = format!("{name} is of {began:.0}, before R, {restored}: it says nothing of this restore");
        return Some(Objection::new(why));
    }
    let tolerance = times.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE);
    if let Some(other) = checklist.restored.filter(|other| other.duration_since(restored).abs() > tolerance) {
        let why = format!("{name} was run with R {other}, and R of this run is {restored}");
        let hint =
            "find out which is right (`halfbuilt help find-times`), and run the checklist with it: --restored-at";
        return Some(Objection { hint, ..Objection::new(why) });
    }
    not_right(checklist, place)
}

/// What keeps a checklist from saying that all is right.
fn not_right(checklist: &Checklist, place: &Path) -> Option<Objection> {
    let (todo, todo_names) = names(checklist, |outcome| matches!(outcome, ItemOutcome::ToDo { .. }));
    let (unseen, unseen_names) = names(checklist, |outcome| matches!(outcome, ItemOutcome::NotChecked { .. }));
    let to_do = || {
        let (items, verb) = (counted(todo, "item"), is_or_are(todo));
        format!("{items} {verb} to do before builds are cleaned up: {todo_names}")
    };
    let not_checked = || format!("{} {} not checked: {unseen_names}", counted(unseen, "item"), was_or_were(unseen));
    let why = match (todo, unseen) {
        (0, 0) if checklist.tally().exit() == Exit::Clean => return None,
        (0, 0) => "nothing in it applied to the machine, so it says nothing".to_owned(),
        (0, _) => not_checked(),
        (_, 0) => to_do(),
        _ => format!("{}; {}", to_do(), not_checked()),
    };
    Some(Objection::new(format!("{}: {why}", place.display())))
}

/// How many items came out so, and the first of them by name.
fn names(checklist: &Checklist, is_wanted: impl Fn(&ItemOutcome) -> bool) -> (u64, String) {
    let items = checklist.items.iter().filter(|item| is_wanted(&item.outcome));
    let names: Vec<String> = items.map(|item| Foreign::name(&item.name).into()).collect();
    let more = names.len().saturating_sub(ITEMS_NAMED);
    let named = names.iter().take(ITEMS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    (names.len() as u64, if more > 0 { format!("{named} and {more} more") } else { named })
}
