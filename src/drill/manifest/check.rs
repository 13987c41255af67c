//! Checks a manifest that was read: it may be foreign, damaged or hostile.

use jiff::Timestamp;

use super::document::{Entry, Manifest, Project, RANGE_BITS, Range};
use super::numbers::{DIGITS_OF_A_BUILD, PARTS, read_build, read_intervals};

/// Returns the first fault.
pub(super) fn manifest(manifest: &Manifest) -> Result<(), String> {
    if manifest.covered_until > manifest.backup_time {
        return Err("covered_until is after backup_time".to_owned());
    }
    let names = manifest.projects.iter().map(|project| &project.project);
    if names.clone().zip(names.skip(1)).any(|(one, next)| one >= next) {
        return Err("its projects are not in order".to_owned());
    }
    for found in &manifest.projects {
        project(found, manifest.covered_until).map_err(|fault| format!("project {:?}: {fault}", found.project))?;
    }
    if sum(manifest.projects.iter().map(|project| project.builds)) != Some(manifest.builds) {
        return Err("the builds of its projects do not add up".to_owned());
    }
    Ok(())
}

fn project(project: &Project, covered_until: Timestamp) -> Result<(), String> {
    let firsts = project.ranges.iter().map(|range| range.first);
    if firsts.clone().zip(firsts.skip(1)).any(|(one, next)| one >= next) {
        return Err("its ranges are not in order".to_owned());
    }
    for found in &project.ranges {
        range(found, covered_until).map_err(|fault| format!("range {}: {fault}", found.first))?;
    }
    let by_range = sum(project.ranges.iter().map(|range| range.builds));
    let by_outcome = sum(project.outcomes.iter().map(|outcome| outcome.builds));
    if by_range != Some(project.builds) || by_outcome != Some(project.builds) {
        return Err("its builds do not add up".to_owned());
    }
    let digest = project.ranges.iter().fold(0_u64, |sum, range| sum.wrapping_add(range.digest));
    if digest != project.digest {
        return Err("the digests of its ranges do not add up".to_owned());
    }
    Ok(())
}

fn range(range: &Range, covered_until: Timestamp) -> Result<(), String> {
    if range.first & ((1 << RANGE_BITS) - 1) != 0 {
        return Err("no range begins there".to_owned());
    }
    let [from, until] = range.over;
    if until < from || until > covered_until || [from, until].iter().any(|time| time.subsec_nanosecond() != 0) {
        return Err("its times cannot be".to_owned());
    }
    let entries = entries(range).ok_or("its builds cannot be read")?;
    if entries.is_empty() || entries.len() as u64 != range.builds {
        return Err("its builds do not add up".to_owned());
    }
    Ok(())
}

impl Range {
    /// Its builds by number. None if the range is damaged, which is found out when the manifest is read.
    pub fn entries(&self) -> Vec<Entry> {
        entries(self).unwrap_or_default()
    }
}

/// The builds of a range. Memory is reserved only for as many as there are digits.
fn entries(range: &Range) -> Option<Vec<Entry>> {
    let digits = range.each.as_bytes();
    let builds = digits.len() / DIGITS_OF_A_BUILD;
    let numbers = read_intervals(&range.numbers, (range.first, range.last()), builds)?;
    let never_ran = read_intervals(&range.never_ran, (range.first, range.last()), builds)?;
    if numbers.len() != builds || !digits.len().is_multiple_of(DIGITS_OF_A_BUILD) {
        return None;
    }
    let (unit, [from, until]) = (range.unit(), range.over.map(Timestamp::as_second));
    let mut never_ran = never_ran.into_iter().peekable();
    let mut entries = Vec::with_capacity(builds);
    for (number, digits) in numbers.into_iter().zip(digits.chunks_exact(DIGITS_OF_A_BUILD)) {
        let (digest, part) = read_build(digits)?;
        debug_assert!(i64::from(part) < PARTS);
        // A part of some seconds, of which the last may lie beyond the end.
        let over_from = from + i64::from(part) * unit;
        if over_from > until {
            return None;
        }
        let over_until = (over_from + unit - 1).min(until);
        let never_ran = never_ran.next_if_eq(&number).is_some();
        entries.push(Entry { number, digest, never_ran, over_from, over_until });
    }
    never_ran.next().is_none().then_some(entries)
}

fn sum(mut numbers: impl Iterator<Item = u64>) -> Option<u64> {
    numbers.try_fold(0_u64, u64::checked_add)
}
