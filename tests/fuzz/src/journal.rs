//! Journals of deletions, as they are found on a disk.

use halfbuilt::deletion::journal::{JournalError, Past, check as read};
use sha2::{Digest, Sha256};

/// As bytes from nowhere; and as events in a chain that is whole, which no fuzzer comes upon by itself. Then what cannot be seen
/// in a chain cannot be seen here either, and everything else can: any end that was cut off, no byte or line that was changed.
pub fn check(bytes: &[u8]) {
    prints(&read(bytes));
    let Some(journal) = chained(bytes) else { return };
    let past = read(journal.as_slice());
    prints(&past);
    let Ok(past) = past else { return };
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!((past.lines, &past.cut), (lines.len() as u64, &None));
    assert_eq!(past.last, lines.last().map(|line| sha256(without_end(line))));
    // What is shown of it later goes through the program's own printer; here it only has to be all there.
    assert!(past.unsettled().len() <= past.builds.len());
    cut_anywhere(&journal, &past, bytes);
    changed_anywhere(&journal, &lines, bytes);
}

fn prints(read: &Result<Past, JournalError>) {
    if let Err(error) = read {
        super::prints_its_causes(error);
        error.hint().iter().for_each(|hint| super::is_fit_for_a_terminal(hint));
    }
}

/// A journal of which each line of the input is an event: its fields, `"event":"intent",…`, as they stand between `at` and `prev`.
fn chained(bytes: &[u8]) -> Option<Vec<u8>> {
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

/// A number below `end` that the input chooses.
fn choose(bytes: &[u8], end: usize) -> usize {
    let sum = bytes.iter().fold(17_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    sum % end.max(1)
}

/// A journal that ends anywhere is one that was cut, never a damaged one.
fn cut_anywhere(journal: &[u8], past: &Past, seed: &[u8]) {
    let end = choose(seed, journal.len());
    let (kept, rest) =
        journal[..end].split_at(journal[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    let cut = read(&journal[..end]).unwrap_or_else(|error| panic!("cut after {end} bytes: {error}"));
    assert_eq!(cut.lines, kept.iter().filter(|byte| **byte == b'\n').count() as u64);
    assert_eq!(cut.cut.as_ref().map(|cut| cut.bytes), (!rest.is_empty()).then_some(rest.len() as u64));
    if let Some(cut) = cut.cut {
        super::is_fit_for_a_terminal(&cut.text.chars().take(1000).collect::<String>());
        assert_eq!(cut.sha256, sha256(rest));
    }
    assert!(cut.builds.len() <= past.builds.len());
}

/// A byte that is another, or a line that is missing or doubled, is seen; but for the last line, of which nothing vouches.
fn changed_anywhere(journal: &[u8], lines: &[&[u8]], seed: &[u8]) {
    let Some((last, before)) = lines.split_last() else { return };
    let judged = journal.len() - last.len();
    if judged == 0 {
        return;
    }
    let at = choose(seed, judged);
    let mut other = journal.to_vec();
    other[at] ^= 1 << (choose(seed, 7));
    assert!(read(other.as_slice()).is_err(), "byte {at} was changed, and nobody saw it");
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
        assert!(read(other.as_slice()).is_err(), "line {} stands there {seen} times, and nobody saw it", line + 1);
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
