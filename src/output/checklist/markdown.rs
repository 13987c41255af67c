//! A checklist as Markdown, for a ticket: a list with boxes, what is to do first.

use std::io::{self, Write};

use crate::checklist::{CheckedItem, Checklist, ItemOutcome};
use crate::version::TOOL;

use super::super::page::markdown::escaped as plain;

/// Writes it.
///
/// # Errors
/// The output cannot be written.
pub fn write(checklist: &Checklist, to: &mut impl Write) -> io::Result<()> {
    let machine = checklist.machine.as_ref().map_or_else(String::new, |name| format!(" of {}", plain(name.as_str())));
    writeln!(to, "## Restore checklist{machine}\n")?;
    writeln!(to, "{}\n", plain(&checklist.sentence()))?;
    for (name, title) in &checklist.lists {
        writeln!(to, "### {} ({})\n", plain(title.as_str()), plain(name))?;
        let items: Vec<&CheckedItem> = checklist.items.iter().filter(|item| item.list == *name).collect();
        for outcome in ["to do", "not checked", "right", "not needed"] {
            for item in items.iter().filter(|item| item.outcome.as_str() == outcome) {
                add(item, to)?;
            }
        }
        writeln!(to)?;
    }
    writeln!(to, "{} at {}", plain(TOOL), plain(&format!("{:.0}", checklist.began_at)))
}

fn add(item: &CheckedItem, to: &mut impl Write) -> io::Result<()> {
    let is_done = matches!(item.outcome, ItemOutcome::Right { .. } | ItemOutcome::NotNeeded { .. });
    let (mark, title, outcome) = (if is_done { "x" } else { " " }, plain(item.title.as_str()), item.outcome.as_str());
    writeln!(to, "- [{mark}] **{title}** ({}): {outcome}", plain(&item.name))?;
    for line in item.outcome.lines() {
        writeln!(to, "  - {}", plain(&line))?;
    }
    if let ItemOutcome::ToDo { todo, .. } = &item.outcome {
        writeln!(to, "  - why: {}", plain(item.why.as_str()))?;
        for line in todo {
            writeln!(to, "  - do: {}", code(line.as_str()))?;
        }
    }
    Ok(())
}

/// A command letter by letter, where it has nothing that ends a piece of code.
fn code(text: &str) -> String {
    if text.contains('`') { plain(text) } else { format!("`{text}`") }
}
