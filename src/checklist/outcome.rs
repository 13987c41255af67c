//! What a checklist came to: an outcome for each item, and one for all.

use std::fmt;

use jiff::Timestamp;

use crate::exit::Exit;
use crate::text::{Foreign, counted};

/// Why an item is not needed that the operator left out.
pub(super) const LEFT_OUT: &str = "left out by --without";

/// A checklist that was run.
#[derive(Clone, Debug)]
pub struct Checklist {
    /// The folder that was looked at instead of this machine.
    pub root: Option<String>,
    /// The machine's name.
    pub machine: Option<Foreign>,
    pub began_at: Timestamp,
    pub backup: Option<Timestamp>,
    pub restored: Option<Timestamp>,
    /// The lists of which something was looked at, by name and title.
    pub lists: Vec<(String, Foreign)>,
    pub items: Vec<CheckedItem>,
}

/// An item that was looked at, or should have been.
#[derive(Clone, Debug)]
pub struct CheckedItem {
    pub list: String,
    pub name: String,
    pub title: Foreign,
    pub why: Foreign,
    pub outcome: ItemOutcome,
}

/// How an item came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It is as it should be: what was seen.
    Right { seen: Vec<Foreign> },
    /// It is not.
    ToDo { faults: Vec<Fault>, todo: Vec<Foreign> },
    /// Nobody knows.
    NotChecked { why: Foreign },
    /// There is nothing of the kind on this machine.
    NotNeeded { why: Foreign },
}

/// Something that is not as it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub what: Foreign,
    /// The file, as the operator finds it.
    pub file: Option<Foreign>,
    /// Its line, from 1.
    pub line: Option<u64>,
}

impl Fault {
    pub(super) fn new(what: impl AsRef<str>) -> Self {
        Self { what: Foreign::evidence(what.as_ref()), file: None, line: None }
    }

    pub(super) fn at(self, file: &str, line: Option<usize>) -> Self {
        Self { file: Some(Foreign::url(file)), line: line.map(|line| line as u64), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}, line {line}: {}", self.what),
            (Some(file), None) => write!(f, "{file}: {}", self.what),
            (None, _) => write!(f, "{}", self.what),
        }
    }
}

impl ItemOutcome {
    /// In one word or two.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Right { .. } => "right",
            Self::ToDo { .. } => "to do",
            Self::NotChecked { .. } => "not checked",
            Self::NotNeeded { .. } => "not needed",
        }
    }

    /// What was seen, a line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Right { seen } => seen.iter().map(ToString::to_string).collect(),
            Self::ToDo { faults, .. } => faults.iter().map(ToString::to_string).collect(),
            Self::NotChecked { why } | Self::NotNeeded { why } => vec![why.to_string()],
        }
    }

    /// Whether the operator left it out.
    pub fn is_left_out(&self) -> bool {
        matches!(self, Self::NotNeeded { why } if why.as_str() == LEFT_OUT)
    }

    /// What to do.
    pub fn todo(&self) -> &[Foreign] {
        match self {
            Self::ToDo { todo, .. } => todo,
            Self::Right { .. } | Self::NotChecked { .. } | Self::NotNeeded { .. } => &[],
        }
    }
}

/// How many items came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub right: u64,
    pub todo: u64,
    pub not_checked: u64,
    pub not_needed: u64,
}

impl Tally {
    /// Of outcomes.
    pub fn of<'a>(outcomes: impl Iterator<Item = &'a ItemOutcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome {
                ItemOutcome::Right { .. } => &mut tally.right,
                ItemOutcome::ToDo { .. } => &mut tally.todo,
                ItemOutcome::NotChecked { .. } => &mut tally.not_checked,
                ItemOutcome::NotNeeded { .. } => &mut tally.not_needed,
            } += 1;
        }
        tally
    }

    /// How the command ends: what is to do counts more than what could not be looked at, and nothing that was not looked at is right.
    pub fn exit(self) -> Exit {
        match self {
            Self { todo: 1.., .. } => Exit::Found,
            Self { not_checked: 1.., .. } => Exit::Failed,
            Self { right: 1.., .. } => Exit::Clean,
            _ => Exit::NothingInScope,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { right, todo, not_checked, not_needed } = self;
        let items = counted(right + todo + not_checked + not_needed, "item");
        write!(f, "{items}: {todo} to do, {right} right, {not_checked} not checked, {not_needed} not needed")
    }
}

impl Checklist {
    pub fn tally(&self) -> Tally {
        Tally::of(self.items.iter().map(|item| &item.outcome))
    }

    /// What it comes to, in one sentence.
    pub fn sentence(&self) -> String {
        let tally = self.tally();
        let verdict = match tally.exit() {
            Exit::Found => "something is to do before builds are cleaned up",
            Exit::Failed => "not everything could be looked at",
            Exit::Clean => "all is right",
            _ => "nothing applied",
        };
        format!("{verdict}; {tally}")
    }
}
