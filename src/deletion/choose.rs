//! Chooses rows of a report: all that it calls deletable, or those of some reasons, timings and projects.

use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;
use crate::timing::Timing;

/// What rows are chosen by.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Rows with one of these reasons; any, where none is named.
    pub reasons: &'a [String],
    /// Rows of one of these timings; any, where none is named.
    pub timings: &'a [Timing],
    /// Timings that are allowed, and chosen, though the report calls their rows not deletable.
    pub allowed: &'a [Timing],
    /// Rows of these projects.
    pub projects: &'a ProjectGlobs,
}

impl Choice<'_> {
    /// Sorts rows into those that are chosen, and those that fit but that the report calls not deletable: these are left to a person.
    /// In a plain list nothing is called not deletable.
    pub fn sort(&self, rows: Vec<Chosen>) -> (Vec<Chosen>, Vec<Chosen>) {
        let fitting = rows.into_iter().filter(|row| self.fits(row));
        fitting.partition(|row| {
            row.judged.as_ref().is_none_or(|judged| {
                judged.deletable || self.timings.contains(&judged.timing) || self.allowed.contains(&judged.timing)
            })
        })
    }

    fn fits(&self, row: &Chosen) -> bool {
        let of_reason = self.reasons.is_empty() || row.reasons.iter().any(|reason| self.reasons.contains(reason));
        // In a plain list no timing is on record.
        let of_timing =
            row.judged.as_ref().is_none_or(|judged| self.timings.is_empty() || self.timings.contains(&judged.timing));
        of_reason && of_timing && self.projects.matches(row.project.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Judged;

    fn row(project: &str, reasons: &[&str]) -> Chosen {
        Chosen {
            line: 2,
            url_text: String::new(),
            url: None,
            project: Some(project.to_owned()),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            judged: None,
        }
    }

    fn judged(timing: Timing, deletable: bool) -> Chosen {
        let judged = Judged {
            timing,
            deletable,
            note: String::new(),
            build_num: None,
            queued_at: None,
            started_at: None,
            fingerprint: String::new(),
        };
        Chosen { judged: Some(judged), ..row("acme/api", &["a"]) }
    }

    fn by<'a>(reasons: &'a [String], timings: &'a [Timing], projects: &'a ProjectGlobs) -> Choice<'a> {
        Choice { reasons, timings, allowed: &[], projects }
    }

    #[test]
    fn all_choices_have_to_fit() {
        let rows = vec![row("acme/api", &["a", "b"]), row("acme/web", &["c"]), row("tools/lib", &["a"])];
        let (globs, every) = (ProjectGlobs::new(&["acme/*".to_owned()]).expect("globs"), ProjectGlobs::default());
        assert_eq!(by(&["a".to_owned()], &[], &globs).sort(rows.clone()), (vec![rows[0].clone()], vec![]));
        assert_eq!(by(&[], &[], &every).sort(rows.clone()), (rows, vec![]));
    }

    #[test]
    fn what_the_report_calls_not_deletable_is_left_for_a_person_unless_its_timing_is_named() {
        let every = ProjectGlobs::default();
        let rows = vec![judged(Timing::InFlight, true), judged(Timing::Between, false), judged(Timing::Ended, false)];
        let left = vec![rows[1].clone(), rows[2].clone()];
        assert_eq!(by(&[], &[], &every).sort(rows.clone()), (vec![rows[0].clone()], left));
        assert_eq!(by(&[], &[Timing::Between], &every).sort(rows.clone()), (vec![rows[1].clone()], vec![]));
        let allowing = Choice { allowed: &[Timing::Between], ..by(&[], &[], &every) };
        assert_eq!(allowing.sort(rows.clone()), (rows[..2].to_vec(), vec![rows[2].clone()]));
    }
}
