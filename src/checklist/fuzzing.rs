//! What the fuzz targets call.

use super::list::List;
use super::outcome::Checklist;
use super::probe::fuzzing::{kubernetes, places};

/// All that a list, a saved checklist, a saved object of Kubernetes and a file of configuration say of these bytes: a line each.
pub fn checklist(bytes: &[u8]) -> Vec<String> {
    let mut said = Vec::new();
    if let Ok(text) = std::str::from_utf8(bytes) {
        match List::parse("items.toml", text) {
            Ok(list) => said.extend(list.items.into_iter().map(|item| item.name)),
            Err(error) => said.push(error.to_string()),
        }
    }
    match Checklist::parse(bytes) {
        Ok(checklist) => {
            said.push(checklist.sentence());
            said.extend(checklist.items.iter().flat_map(|item| item.outcome.lines()));
        }
        Err(error) => said.push(error.to_string()),
    }
    said.extend(kubernetes(bytes));
    said.extend(places(bytes));
    said
}
