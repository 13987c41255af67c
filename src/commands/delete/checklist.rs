//! The restore checklist beside a report: what it says is to do, and whether the policy demands one.

use std::path::Path;

use crate::causes::distinct_causes;
use crate::checklist::{Checklist, ItemOutcome};
use crate::commands::Error;
use crate::deletion::GateError;
use crate::output::Printer;
use crate::text::{Foreign, counted, is_or_are};

use super::request::DeleteRequest;

/// How many items are named.
const ITEMS_NAMED: usize = 6;

/// Reminds, in one line, of what is to do before builds are cleaned up.
///
/// # Errors
/// The policy demands a checklist with nothing to do, and there is none.
pub(super) fn check(request: &DeleteRequest, printer: Printer) -> Result<(), Error> {
    let place = request.report_file().map(Checklist::place);
    let found = place.as_deref().filter(|place| place.exists());
    let fault = match (found, &place) {
        (Some(found), _) => fault(found, request),
        (None, _) if request.checklist_required_by.is_none() => None,
        (None, Some(place)) => Some(format!("there is no {}", place.display())),
        (None, None) => Some("the builds are chosen by no report, beside which one could stand".to_owned()),
    };
    match (fault, &request.checklist_required_by) {
        (None, _) => Ok(()),
        (Some(why), Some(policy)) => Err(GateError::Checklist { policy: policy.clone(), why }.into()),
        (Some(why), None) => {
            printer.warn(&why);
            Ok(())
        }
    }
}

/// What is against cleaning up builds now; `None` where nothing is.
fn fault(place: &Path, request: &DeleteRequest) -> Option<String> {
    let name = place.display();
    let checklist = match Checklist::read_plain(place) {
        Ok(checklist) => checklist,
        Err(error) => {
            let causes = [vec![error.to_string()], distinct_causes(&error)].concat().join(": ");
            return Some(format!("{name} cannot be used as a checklist: {causes}"));
        }
    };
    if let Some(restored) = request.reading.times.restored.filter(|restored| checklist.began_at < *restored) {
        return Some(format!(
            "{name} is of {:.0}, before R, {restored}: it says nothing of this restore",
            checklist.began_at
        ));
    }
    let todo: Vec<String> = checklist
        .items
        .iter()
        .filter(|item| matches!(item.outcome, ItemOutcome::ToDo { .. }))
        .map(|item| Foreign::name(&item.name).into())
        .collect();
    let number = todo.len() as u64;
    let more = todo.len().saturating_sub(ITEMS_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = todo.iter().take(ITEMS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    (number > 0).then(|| {
        let (items, verb) = (counted(number, "item"), is_or_are(number));
        format!("{name}: {items} {verb} to do before builds are cleaned up: {named}{more}")
    })
}
