//! A checklist for a terminal: what is to do comes first.

use crate::checklist::{CheckedItem, Checklist, ItemOutcome};

use super::super::screen::Screen;
use super::super::terminal::{Color, Ink};

/// The outcomes, in the order in which a person needs them.
const ORDER: [&str; 4] = ["to do", "not checked", "right", "not needed"];
/// How far the name of an outcome reaches.
const OUTCOME: usize = 13;
/// How far the name of an item reaches.
const NAME: usize = 14;

/// The page.
pub fn checklist_page(checklist: &Checklist, color: Color) -> Screen {
    let mut screen = Screen::on_stdout(color);
    for (name, title) in &checklist.lists {
        screen.line(Ink::Strong, &format!("{title} (list {name})"));
    }
    for outcome in ORDER {
        for item in checklist.items.iter().filter(|item| item.outcome.as_str() == outcome) {
            add(item, &mut screen);
        }
    }
    screen
}

fn add(item: &CheckedItem, screen: &mut Screen) {
    let outcome = item.outcome.as_str();
    screen.push(ink(&item.outcome), &format!("{outcome:<OUTCOME$}"));
    screen.line(Ink::Plain, &format!("{:<NAME$} {}", item.name, item.title));
    let indent = " ".repeat(OUTCOME);
    for line in item.outcome.lines() {
        screen.line(Ink::Plain, &format!("{indent}{line}"));
    }
    if let ItemOutcome::ToDo { todo, .. } = &item.outcome {
        screen.line(Ink::Faint, &format!("{indent}why: {}", item.why));
        for (place, line) in todo.iter().enumerate() {
            let word = if place == 0 { "do:  " } else { "     " };
            screen.push(Ink::Plain, &format!("{indent}{word}"));
            screen.line(Ink::Code, line.as_str());
        }
    }
}

fn ink(outcome: &ItemOutcome) -> Ink {
    match outcome {
        ItemOutcome::Right { .. } => Ink::Good,
        ItemOutcome::ToDo { .. } => Ink::Bad,
        ItemOutcome::NotChecked { .. } => Ink::Strong,
        ItemOutcome::NotNeeded { .. } => Ink::Faint,
    }
}
