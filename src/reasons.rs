//! What was left out, and why.

/// What was left out, one entry for each reason, in the order in which the reasons first come up.
pub fn by_reason<What, Why: PartialEq>(left_out: impl Iterator<Item = (What, Why)>) -> Vec<(Why, Vec<What>)> {
    let mut reasons: Vec<(Why, Vec<What>)> = Vec::new();
    for (what, why) in left_out {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, whats)) => whats.push(what),
            None => reasons.push((why, vec![what])),
        }
    }
    reasons
}
