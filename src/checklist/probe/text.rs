//! Tests of a text: of a file, of what a program wrote, of what a server answered. The text itself is not shown, since it may hold a secret.

use crate::checklist::json_text;
use crate::checklist::list::{JsonTest, TextTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::checklist::removal::{Lines, removing_lines};
use crate::text::{Foreign, counted};

use super::host;

/// How many lines are named that should not be there.
const LINES_NAMED: usize = 20;

/// Where a text is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// For messages.
    pub(super) name: &'a str,
    /// Whether it is a file, whose lines can be named.
    pub(super) is_file: bool,
    /// The places of values that the list shows. No other is.
    pub(super) show: &'a [String],
}

impl Source<'_> {
    fn fault(&self, what: impl AsRef<str>, line: Option<usize>) -> Fault {
        match self.is_file {
            true => Fault::new(what).at(self.name, line),
            false => Fault::new(format!("{}: {}", self.name, what.as_ref())),
        }
    }
}

/// Tests a text.
pub(super) async fn test(bytes: &[u8], test: &TextTest, source: Source<'_>, context: &Context) -> Look {
    match test {
        TextTest::Holds(pattern) => match fitting(bytes, pattern).first() {
            Some(line) => Look::right(format!("{}, line {line}, fits", source.name)),
            None => Look::ToDo(vec![source.fault("no line of it fits", None)]),
        },
        TextTest::Lacks(pattern) => {
            let words = ("a line that should not be there", "no line fits");
            no_lines(&fitting(bytes, pattern), words, source)
        }
        TextTest::Removes(folders) => {
            let words = ("a line that removes what is there, or may", "no line removes anything there");
            let Lines { removing, undecided } = removing_lines(bytes, folders);
            let look = no_lines(&removing, words, source);
            if undecided.is_empty() {
                return look;
            }
            let faults = if let Look::ToDo(faults) = look { faults } else { Vec::new() };
            let named: Vec<String> = undecided.iter().take(LINES_NAMED).map(ToString::to_string).collect();
            let more = match undecided.len().saturating_sub(LINES_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let word = if undecided.len() == 1 { "line" } else { "lines" };
            let why = format!(
                "{}, {word} {}{more}: nothing here says what is removed: look at it, or stop it",
                source.name,
                named.join(", ")
            );
            Look::all(faults, vec![why], Vec::new())
        }
        TextTest::Json { pointer, test } => {
            let values = json_text::values(bytes, std::iter::once(pointer.as_str()));
            let value = match values {
                Ok(values) => values.into_iter().next().flatten(),
                Err(why) => return Look::Blind(format!("{}: {why}", source.name)),
            };
            let Some(value) = value else {
                return Look::Blind(format!("{}: it has no value at {pointer}", source.name));
            };
            match test {
                JsonTest::Is(values) => is_one_of(&value, values, (pointer, source)),
                JsonTest::IsHost => host::test(&value, source.name, context).await,
            }
        }
    }
}

/// Lines that should not be there: what each is, and what is said where there is none.
fn no_lines(lines: &[usize], (what, none): (&str, &str), source: Source<'_>) -> Look {
    if lines.is_empty() {
        return Look::right(format!("{}: {none}", source.name));
    }
    let named = lines.iter().take(LINES_NAMED);
    let mut faults: Vec<Fault> = named.map(|line| source.fault(what, Some(*line))).collect();
    let more = lines.len().saturating_sub(LINES_NAMED);
    if more > 0 {
        faults.push(source.fault(format!("and {}", counted(more as u64, "more line")), None));
    }
    Look::ToDo(faults)
}

fn is_one_of(value: &str, wanted: &[String], (pointer, source): (&str, Source<'_>)) -> Look {
    let is_right = wanted.iter().any(|wanted| wanted == value);
    let wanted: Vec<String> = wanted.iter().map(|word| format!("{word:?}")).collect();
    let wanted = wanted.join(" or ");
    let is_shown = source.show.iter().any(|shown| shown == pointer);
    match (is_right, is_shown) {
        (true, _) => Look::right(format!("{}: {pointer} is {:?}", source.name, Foreign::name(value))),
        (false, false) => Look::ToDo(vec![source.fault(format!("{pointer} is not {wanted}"), None)]),
        (false, true) => {
            Look::ToDo(vec![source.fault(format!("{pointer} is {:?}, not {wanted}", Foreign::name(value)), None)])
        }
    }
}

/// Values that are shown besides.
pub(super) fn shown(bytes: &[u8], pointers: &[String]) -> Vec<String> {
    let values = json_text::values(bytes, pointers.iter().map(String::as_str)).unwrap_or_default();
    let named = pointers.iter().zip(values);
    let shown = named.filter_map(|(pointer, value)| {
        Some(format!("{} is {}", pointer.rsplit('/').next().unwrap_or(pointer), Foreign::name(&value?)))
    });
    shown.collect()
}

/// The lines that fit, without the white space around them, from 1.
fn fitting(bytes: &[u8], pattern: &glob::Pattern) -> Vec<usize> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| pattern.matches(String::from_utf8_lossy(line).trim()))
        .map(|(place, _)| place + 1)
        .collect()
}
