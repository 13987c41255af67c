//! The digest of a plan: it shows in a journal whether two sessions had the same plan.

use sha2::{Digest, Sha256};

use super::decision::Decision;
use super::plan::Planned;

/// The SHA-256 of a plan in lower-case hexadecimal: of each build's address, fingerprint and decision, in order.
pub fn digest(plan: &[Planned]) -> String {
    let mut digest = Sha256::new();
    for Planned { chosen, decision, .. } in plan {
        let decision = match decision {
            Decision::Delete { .. } => "delete",
            Decision::Keep(state, _) => state.as_str(),
        };
        let fingerprint = chosen.judged.as_ref().map_or("", |judged| &judged.fingerprint);
        // No part holds a line feed: what is foreign is escaped.
        digest.update(format!("{decision}\n{fingerprint}\n{}\n", chosen.url_text.escape_default()));
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::decision::KeepReason;
    use crate::report::Chosen;
    use crate::state::State;
    use crate::timing::Timing;

    fn planned(url: &str, decision: Decision) -> Planned {
        let chosen =
            Chosen { line: 1, url_text: url.to_owned(), url: None, project: None, reasons: Vec::new(), judged: None };
        Planned {
            chosen,
            decision,
            project: None,
            paths: crate::deletion::RequestPaths::default(),
            sent_before: false,
            cancels_first: false,
            cancelled: None,
            cancel_may_be_sent: false,
        }
    }

    #[test]
    fn every_decision_counts_and_no_reason_does() {
        let delete = |why: &str| Decision::Delete { timing: Timing::InFlight, evidence: why.to_owned() };
        let of = |plan: &[Planned]| digest(plan);
        let plan = of(&[planned("a", delete("x")), planned("b", delete("x"))]);
        assert_eq!(plan.len(), 64);
        assert_eq!(plan, of(&[planned("a", delete("y")), planned("b", delete("y"))]));
        assert_ne!(plan, of(&[planned("b", delete("x")), planned("a", delete("x"))]));
        assert_ne!(plan, of(&[planned("a", delete("x"))]));
        assert_ne!(
            plan,
            of(&[
                planned("a", delete("x")),
                planned("b", Decision::Keep(State::Changed, KeepReason::Changed(String::new())))
            ])
        );
    }
}
