//! The restore checklist beside a report: what it says is to do, and whether the policy demands one.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::causes::distinct_causes;
use crate::checklist::{Checklist, ItemOutcome};
use crate::commands::Error;
use crate::deletion::GateError;
use crate::deletion::journal::Who;
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
                let is_relied_on = request.checklist_required_by.is_some() && objection.is_none();
                if let Some(remark) = remark(&checklist).filter(|_| is_relied_on) {
                    printer.tell(&format!("{}: {remark}", found.display()));
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
    let of_both = [
        ("R", "--restored-at", checklist.restored, Some(restored)),
        ("T", "--backup-time", checklist.backup, times.backup),
    ];
    let other = of_both.into_iter().find_map(|(letter, flag, theirs, ours)| {
        let (theirs, ours) =
            theirs.zip(ours).filter(|(theirs, ours)| theirs.duration_since(*ours).abs() > tolerance)?;
        let why = format!("{name} was run with {letter} {theirs}, and {letter} of this run is {ours}");
        let hint = match flag {
            "--restored-at" => {
                "find out which is right (`halfbuilt help find-times`), and run the checklist with it: --restored-at"
            }
            _ => "find out which is right (`halfbuilt help find-times`), and run the checklist with it: --backup-time",
        };
        Some(Objection { hint, ..Objection::new(why) })
    });
    let unsaid = || {
        of_both.into_iter().find_map(|(letter, _, theirs, ours)| {
            let why = match (theirs, ours) {
                (None, _) => format!("{name} does not say with which {letter} it was run"),
                (_, None) => format!("{letter} is not known, so that nothing says whether {name} is of this backup"),
                _ => return None,
            };
            let hint = "run it again with both times: halfbuilt checklist --backup-time T --restored-at R";
            Some(Objection { hint, is_of_policy: true, ..Objection::new(why) })
        })
    };
    other.or_else(|| not_right(checklist, place)).or_else(unsaid)
}

/// What a person has to know of a checklist in which all is right: of what it is, and what it left out.
fn remark(checklist: &Checklist) -> Option<String> {
    let root = checklist.root.as_deref().map(|root| format!("of the folder {}", Foreign::url(root)));
    let here = Who::current().machine;
    let other = checklist.machine.as_ref().filter(|machine| machine.as_str() != here);
    let machine = match &checklist.machine {
        None => Some("of a machine that is not named".to_owned()),
        Some(_) => other.map(|machine| format!("of machine {machine}, not of this one")),
    };
    let left_out = names(checklist, ItemOutcome::is_left_out);
    let left_out = (left_out.0 > 0).then(|| format!("left out by --without: {}", left_out.1));
    let remarks: Vec<String> = [root, machine, left_out].into_iter().flatten().collect();
    (!remarks.is_empty()).then(|| remarks.join("; "))
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
