//! The restore checklist in the words of the page and of the ticket.

use crate::checklist::{CheckedItem, Checklist, ItemOutcome};
use crate::text::Foreign;

use super::format::time;
use super::inputs::ChecklistInput;

/// The most items of one outcome that a page shows.
const ITEMS: usize = 200;
/// The most lines of an item.
const LINES: usize = 20;

/// A checklist.
pub(super) struct ChecklistView {
    pub(super) sentence: String,
    /// Of which machine it is, and when it looked.
    pub(super) of: String,
    pub(super) items: Vec<ItemView>,
    /// How many items there are more; 0 where all are shown.
    pub(super) more: usize,
}

/// One item.
pub(super) struct ItemView {
    pub(super) outcome: &'static str,
    /// The class that gives it its colour.
    pub(super) class: &'static str,
    pub(super) mark: char,
    pub(super) name: Foreign,
    pub(super) title: Foreign,
    pub(super) why: Foreign,
    pub(super) lines: Vec<Foreign>,
    pub(super) todo: Vec<Foreign>,
}

impl ChecklistView {
    pub(super) fn new(ChecklistInput { checklist, .. }: &ChecklistInput) -> Self {
        let Checklist { machine, root, began_at, .. } = checklist;
        let machine = machine.clone().map_or_else(|| "an unnamed machine".to_owned(), |name| name.or("?").into());
        let below = root.as_ref().map_or_else(String::new, |root| format!(", below {}", Foreign::url(root)));
        let order = |item: &&CheckedItem| match item.outcome {
            ItemOutcome::ToDo { .. } => 0,
            ItemOutcome::NotChecked { .. } => 1,
            ItemOutcome::Right { .. } => 2,
            ItemOutcome::NotNeeded { .. } => 3,
        };
        let mut items: Vec<&CheckedItem> = checklist.items.iter().collect();
        items.sort_by_key(order);
        Self {
            sentence: checklist.sentence(),
            of: format!("of {machine}{below}, at {}", time(*began_at)),
            more: items.len().saturating_sub(ITEMS),
            items: items.into_iter().take(ITEMS).map(ItemView::new).collect(),
        }
    }
}

impl ItemView {
    fn new(item: &CheckedItem) -> Self {
        let (class, mark) = match item.outcome {
            ItemOutcome::Right { .. } => ("yes", '✓'),
            ItemOutcome::ToDo { .. } => ("no", '!'),
            ItemOutcome::NotChecked { .. } => ("note", '?'),
            ItemOutcome::NotNeeded { .. } => ("note", '–'),
        };
        let lines = item.outcome.lines();
        Self {
            outcome: item.outcome.as_str(),
            class,
            mark,
            name: Foreign::name(&item.name).or("?"),
            title: item.title.clone().or("no title"),
            why: item.why.clone(),
            lines: lines.iter().take(LINES).map(|line| Foreign::cut(line, 2000)).collect(),
            todo: item.outcome.todo().iter().take(LINES).cloned().collect(),
        }
    }

    /// Whether a ticket names it: what is right needs nobody.
    pub(super) fn needs_somebody(&self) -> bool {
        matches!(self.outcome, "to do" | "not checked")
    }
}
