//! Lines of `find DIR -type f -printf '%s %T@ %P\n'`: size, seconds since 1970, path below the folder. With `\0` in the place of `\n`, names
//! may hold line feeds.

use std::io::{BufRead, Read};

use crate::file_access::LONGEST_LINE;

use super::super::entry::Entry;
use super::take::{Stop, Take};

pub(super) fn read(mut input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let mut end = None;
    let mut number = 0_u64;
    loop {
        number += 1;
        let mut line = Vec::new();
        let until = *end.get_or_insert_with(|| separator(&mut input));
        let read = input.by_ref().take(LONGEST_LINE).read_until(until, &mut line).map_err(Stop::Read)?;
        if read == 0 {
            return Ok(());
        }
        if line.last() == Some(&until) {
            line.pop();
        } else if read as u64 >= LONGEST_LINE {
            return Err(Stop::Fault(format!("line {number} is too long")));
        } else {
            // The last line of a file that was cut names a file that is another.
            return Err(Stop::Fault(format!("line {number} does not end: was the file cut?")));
        }
        if !line.is_empty() {
            take(parse(&line).ok_or_else(|| expected(number))?)?;
        }
    }
}

/// Which of the two the first line ends with.
fn separator(input: &mut impl BufRead) -> u8 {
    let begin = input.fill_buf().unwrap_or_default();
    begin.iter().copied().find(|byte| matches!(byte, 0 | b'\n')).unwrap_or(b'\n')
}

fn expected(number: u64) -> Stop {
    Stop::Fault(format!(
        "line {number}: expected a size, a time in seconds since 1970 and a path, as of find -printf '%s %T@ %P\\n'"
    ))
}

fn parse(line: &[u8]) -> Option<Entry> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let size = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let written = microseconds(std::str::from_utf8(parts.next()?).ok()?)?;
    let key = parts.next().filter(|key| !key.is_empty())?.to_vec();
    Some(Entry { key, size, written: Some(written) })
}

/// 1763604000.1234567890 in microseconds.
fn microseconds(time: &str) -> Option<i64> {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let fraction: i64 = digits.parse().ok().filter(|fraction| *fraction >= 0)?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}
