//! The verdict on a restore in one sentence, by what the files say.

use crate::report::ScanMetadata;
use crate::state::State;
use crate::text::{builds, counted, grouped, is_or_are, was_or_were};

use super::fate::{Fate, FateGroup};
use super::reconciliation::Reconciliation;
use super::sums::Audit;

/// What the verdict comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Everything was checked, and nothing is left to do.
    Clean,
    /// Something is damaged, open, or does not add up.
    Damaged,
    /// The files do not say enough.
    Unknown,
}

impl Tone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Damaged => "attention",
            Self::Unknown => "unknown",
        }
    }
}

/// The verdict on a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    pub tone: Tone,
    pub sentence: String,
}

impl Audit {
    /// Judges by the report, the file beside it and the journals.
    pub fn conclusion(&self) -> Conclusion {
        let (tone, sentence) = match (self.findings.builds, &self.about) {
            (0, None) => (
                Tone::Unknown,
                "The report names no build, and what was checked is not known: this is no verdict.".to_owned(),
            ),
            (0, Some(about)) => nothing_found(about, self.agrees()),
            (_, about) => {
                let left = self.reconciliation.as_ref().map(left);
                let tone = match (left, about) {
                    (Some(0), Some(about))
                        if about.not_checked.is_empty()
                            && about.backwards() == 0
                            && about.contradictions == 0
                            && self.agrees() =>
                    {
                        Tone::Clean
                    }
                    _ => Tone::Damaged,
                };
                (tone, self.something_found())
            }
        };
        Conclusion { tone, sentence }
    }

    fn something_found(&self) -> String {
        let number = self.found();
        let is = is_or_are(number);
        let found = match &self.about {
            Some(about) => format!("{} of {} {is} abnormal", grouped(number), builds(about.all_builds())),
            None => format!("{} {is} in the report as abnormal; of how many, is not known", builds(number)),
        };
        let Some(ended) = &self.reconciliation else {
            let deletable = grouped(self.findings.deletable);
            return format!(
                "{found}; {deletable} of them may be deleted. What was deleted is not known: no journal was given."
            );
        };
        let but = match (ended.adds_up(), self.agrees()) {
            (false, _) => "; the numbers do not add up",
            (true, false) if self.about.is_none() => "; whether the scan found more, no file says",
            (true, false) => "; the files do not agree",
            (true, true) => "",
        };
        format!("{found}; {}{but}.", outcome(ended))
    }
}

fn nothing_found(about: &ScanMetadata, agrees: bool) -> (Tone, String) {
    let builds = builds(about.all_builds());
    if about.findings > 0 {
        let sentence = format!(
            "The scan found {} abnormal of {builds}, and the report names none of them any more.",
            grouped(about.findings)
        );
        (Tone::Damaged, sentence)
    } else if about.all_builds() == 0 || about.rules.is_empty() {
        (Tone::Unknown, "Nothing was checked: no build was in scope, or no rule could be run.".to_owned())
    } else if !agrees {
        (Tone::Damaged, format!("The report names none of {builds} as abnormal; the files do not agree."))
    } else if about.backwards() > 0 {
        let projects = counted(about.backwards(), "project");
        (Tone::Damaged, format!("None of {builds} is abnormal, but numbers of builds went backwards in {projects}."))
    } else if about.contradictions > 0 {
        let contradicting = counted(about.contradictions, "build");
        let sentence = format!(
            "None of {builds} is abnormal, but {contradicting} did something between the backup and the restore."
        );
        (Tone::Damaged, sentence)
    } else if about.not_checked.is_empty() {
        (Tone::Clean, format!("Clean: none of {builds} is abnormal."))
    } else {
        (Tone::Unknown, format!("Nothing abnormal was seen in {builds}, but not everything was checked."))
    }
}

/// What became of all that was found.
fn outcome(ended: &Reconciliation) -> String {
    let [deleted, failed, vanished] =
        [FateGroup::Deleted, FateGroup::Failed, FateGroup::Vanished].map(|group| ended.rows_of(group));
    let mut parts = vec![match deleted {
        0 if ended.unaccounted > 0 => "no deletion is on record".to_owned(),
        0 => "none was deleted".to_owned(),
        deleted => format!("{} {} deleted and proved gone", grouped(deleted), was_or_were(deleted)),
    }];
    if vanished > 0 {
        parts.push(format!("{} had vanished before", grouped(vanished)));
    }
    if failed > 0 {
        let have = if failed == 1 { "has" } else { "have" };
        parts.push(format!("{} failed or {have} an unknown outcome", grouped(failed)));
    }
    // What failed or has an unknown outcome may be gone, so no sentence says that it is left.
    match (kept(ended) - ended.unaccounted, left(ended)) {
        (0, 0) => parts.push("none is left".to_owned()),
        (0, _) => {}
        (kept, _) => parts.push(format!("{} {} not touched", grouped(kept), was_or_were(kept))),
    }
    let parts = parts.join(", ");
    match ended.unaccounted {
        0 => parts,
        unaccounted => format!("{parts}; no journal says what became of {}", builds(unaccounted)),
    }
}

/// Builds that are abnormal, to which nothing was done.
fn kept(ended: &Reconciliation) -> u64 {
    let is_kept = |fate: &Fate| fate.group() == FateGroup::Kept && *fate != Fate::Ended(State::Recovered);
    ended.by_fate.iter().filter(|(fate, _)| is_kept(fate)).map(|(_, counts)| counts.rows).sum::<u64>() + ended.taken_out
}

/// Builds that are abnormal and may still be there.
fn left(ended: &Reconciliation) -> u64 {
    kept(ended) + ended.rows_of(FateGroup::Failed)
}
