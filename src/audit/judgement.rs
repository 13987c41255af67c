//! The verdict on a restore in one sentence, by what the files tell.

use crate::report::About;
use crate::state::State;
use crate::text::grouped;

use super::Audit;
use super::fate::{Fate, Part};
use super::reconciliation::Reconciliation;

/// What the verdict comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Everything was checked, and nothing is left to do.
    Clean,
    /// Something is damaged, open, or does not add up.
    Damaged,
    /// The files do not tell enough.
    Unknown,
}

impl Tone {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Damaged => "attention",
            Self::Unknown => "unknown",
        }
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it comes down to.
    pub tone: Tone,
    /// One sentence.
    pub sentence: String,
}

impl Audit {
    /// Judges by the report, the file beside it and the journals.
    pub fn judgement(&self) -> Judgement {
        let (tone, sentence) = match (self.findings.builds, &self.about) {
            (0, None) => (
                Tone::Unknown,
                "The report names no build, and what was checked is not known: this is no verdict.".to_owned(),
            ),
            (0, Some(about)) => nothing_found(about),
            (builds, about) => {
                let left = self.reconciliation.as_ref().map(left);
                let tone = match (left, about) {
                    (Some(0), Some(about))
                        if about.not_checked.is_empty()
                            && self.reconciliation.as_ref().is_some_and(Reconciliation::adds_up) =>
                    {
                        Tone::Clean
                    }
                    _ => Tone::Damaged,
                };
                (tone, something_found(builds, about.as_ref(), self.findings.deletable, self.reconciliation.as_ref()))
            }
        };
        Judgement { tone, sentence }
    }
}

fn nothing_found(about: &About) -> (Tone, String) {
    let builds = builds_of(about.builds);
    if about.findings > 0 {
        let sentence = format!(
            "The scan found {} abnormal of {builds}, and the report names none of them any more.",
            grouped(about.findings)
        );
        (Tone::Damaged, sentence)
    } else if about.builds == 0 || about.rules.is_empty() {
        (Tone::Unknown, "Nothing was checked: no build was in scope, or no rule could be run.".to_owned())
    } else if about.not_checked.is_empty() {
        (Tone::Clean, format!("Clean: none of {builds} is abnormal."))
    } else {
        (Tone::Unknown, format!("Nothing abnormal was seen in {builds}, but not everything was checked."))
    }
}

fn something_found(builds: u64, about: Option<&About>, deletable: u64, ended: Option<&Reconciliation>) -> String {
    let is = if builds == 1 { "is" } else { "are" };
    let found = match about {
        Some(about) => format!("{} of {} {is} abnormal", grouped(builds), builds_of(about.builds)),
        None => format!("{} {is} in the report as abnormal; of how many, is not known", builds_of(builds)),
    };
    let Some(ended) = ended else {
        let deletable = grouped(deletable);
        return format!(
            "{found}; {deletable} of them may be deleted, and no journal was given that would tell what was."
        );
    };
    let part = |part| ended.part(part);
    let mut told = vec![match part(Part::Deleted) {
        0 => "none was deleted".to_owned(),
        1 => "1 was deleted and proved gone".to_owned(),
        deleted => format!("{} were deleted and proved gone", grouped(deleted)),
    }];
    if part(Part::Vanished) > 0 {
        told.push(format!("{} had vanished before", grouped(part(Part::Vanished))));
    }
    if part(Part::Failed) > 0 {
        told.push(format!("{} failed or ended nobody knows how", grouped(part(Part::Failed))));
    }
    // What failed or has no known end is told above: whether it is still there, nobody knows of all of it.
    match (kept(ended), left(ended)) {
        (0, 0) => told.push("none is left".to_owned()),
        (0, _) => {}
        (1, _) => told.push("1 was not touched".to_owned()),
        (kept, _) => told.push(format!("{} were not touched", grouped(kept))),
    }
    let sum = if ended.adds_up() { "" } else { "; the numbers do not add up" };
    format!("{found}; {}{sum}.", told.join(", "))
}

fn builds_of(number: u64) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} build{ending}", grouped(number))
}

/// Builds that are abnormal, to which nothing was done.
fn kept(ended: &Reconciliation) -> u64 {
    let is_kept = |fate: &Fate| fate.part() == Part::Kept && *fate != Fate::Ended(State::Recovered);
    ended.by_fate.iter().filter(|(fate, _)| is_kept(fate)).map(|(_, counts)| counts.rows).sum()
}

/// Builds that are abnormal and may still be there.
fn left(ended: &Reconciliation) -> u64 {
    kept(ended) + ended.part(Part::Failed)
}
