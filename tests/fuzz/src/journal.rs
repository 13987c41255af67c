//! Journals of deletions, in any state.

use halfbuilt::deletion::journal::{JournalError, Past, check as read};
use sha2::{Digest, Sha256};

/// Reads the bytes as a journal, and also as events of a valid chain, which no fuzzer finds by itself. In a chain, a cut end is
/// accepted, and a changed byte or line is found.
pub fn check(bytes: &[u8]) {
    assert_result_printable(&read(bytes));
    let Some(journal) = make_chain(bytes) else { return };
    let past = read(journal.as_slice());
    assert_result_printable(&past);
    let Ok(past) = past else { return };
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!((past.lines, &past.cut), (lines.len() as u64, &None));
    assert_eq!(past.last, lines.last().map(|line| sha256(without_end(line))));
    assert!(past.unsettled().len() <= past.builds.len());
    check_a_cut(&journal, &past, bytes);
    check_a_change(&journal, &lines, bytes);
}

fn assert_result_printable(read: &Result<Past, JournalError>) {
    if let Err(error) = read {
        super::assert_error_printable(error);
        error.hint().iter().for_each(|hint| super::assert_printable(hint));
    }
}

/// Makes a journal in which each line of the input is an event: its fields, `"event":"intent",…`, between `at` and `prev`.
fn make_chain(bytes: &[u8]) -> Option<Vec<u8>> {
    let events = std::str::from_utf8(bytes).ok()?;
    let (mut journal, mut prev) = (Vec::new(), "0".repeat(64));
    for (index, event) in events.lines().enumerate() {
        let format = if index == 0 { r#""format":"halfbuilt-journal/1","# } else { "" };
        let seq = index + 1;
        let line = format!(r#"{{{format}"seq":{seq},"at":"2026-11-22T21:12:05.123456Z",{event},"prev":"{prev}"}}"#);
        prev = sha256(line.as_bytes());
        journal.extend(line.as_bytes());
        journal.push(b'\n');
    }
    Some(journal)
}

/// Chooses a number below `end` by the input.
fn choose(bytes: &[u8], end: usize) -> usize {
    let sum = bytes.iter().fold(17_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    sum % end.max(1)
}

/// A journal that is cut anywhere is not damaged.
fn check_a_cut(journal: &[u8], past: &Past, seed: &[u8]) {
    let end = choose(seed, journal.len());
    let (kept, rest) =
        journal[..end].split_at(journal[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    let cut = read(&journal[..end]).unwrap_or_else(|error| panic!("cut after {end} bytes: {error}"));
    assert_eq!(cut.lines, kept.iter().filter(|byte| **byte == b'\n').count() as u64);
    assert_eq!(cut.cut.as_ref().map(|cut| cut.bytes), (!rest.is_empty()).then_some(rest.len() as u64));
    if let Some(cut) = cut.cut {
        super::assert_printable(&cut.text.chars().take(1000).collect::<String>());
        assert_eq!(cut.sha256, sha256(rest));
    }
    assert!(cut.builds.len() <= past.builds.len());
}

/// A changed byte, or a missing or repeated line, is found, except in the last line, which no later line checks.
fn check_a_change(journal: &[u8], lines: &[&[u8]], seed: &[u8]) {
    let Some((last, before)) = lines.split_last() else { return };
    let judged = journal.len() - last.len();
    if judged == 0 {
        return;
    }
    let at = choose(seed, judged);
    let mut other = journal.to_vec();
    other[at] ^= 1 << (choose(seed, 7));
    assert!(read(other.as_slice()).is_err(), "the change of byte {at} was not found");
    let line = choose(seed, before.len());
    for seen in [0, 2] {
        let other: Vec<u8> = before
            .iter()
            .enumerate()
            .flat_map(|(index, text)| std::iter::repeat_n(*text, if index == line { seen } else { 1 }))
            .chain([*last])
            .flatten()
            .copied()
            .collect();
        assert!(read(other.as_slice()).is_err(), "that line {} is there {seen} times was not found", line + 1);
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
