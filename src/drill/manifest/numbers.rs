//! How a manifest writes the builds of a range: their numbers as intervals, and six digits for each of them.

use std::fmt::Write;

/// The 64 digits of base64 (RFC 4648, section 4): each is six bits.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Digits of a build: four of its digest, two for when it was over.
pub(super) const DIGITS_OF_A_BUILD: usize = 6;
/// Bits of a build's digest that are kept.
pub(super) const DIGEST_BITS: u32 = 24;
/// The time of a range has so many parts; when a build was over is one of them.
pub(super) const PARTS: i64 = 4096;

/// Writes numbers in ascending order: `1..57,59`. A repeated number begins a new interval.
pub(super) fn intervals(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::new();
    let mut open: Option<(i64, i64)> = None;
    let mut close = |(first, last): (i64, i64)| {
        let comma = if text.is_empty() { "" } else { "," };
        // A text cannot fail to be written to.
        let _ = if first == last { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}..{last}") };
    };
    for number in numbers {
        open = match open {
            Some((first, last)) if last.checked_add(1) == Some(number) => Some((first, number)),
            Some(whole) => {
                close(whole);
                Some((number, number))
            }
            None => Some((number, number)),
        };
    }
    if let Some(last) = open {
        close(last);
    }
    text
}

/// Reads what [`intervals`] writes, of numbers from `first` to `last`: `most` at most.
pub(super) fn read_intervals(text: &str, (first, last): (i64, i64), most: usize) -> Option<Vec<i64>> {
    let mut numbers = Vec::new();
    if text.is_empty() {
        return Some(numbers);
    }
    let mut lowest = first;
    for part in text.split(',') {
        let (from, to) = part.split_once("..").unwrap_or((part, part));
        let (from, to) = (plain(from)?, plain(to)?);
        if from < lowest || to < from || to > last {
            return None;
        }
        // Both are within the range, so their difference is small.
        if usize::try_from(to - from).ok()? >= most.checked_sub(numbers.len())? {
            return None;
        }
        numbers.extend(from..=to);
        lowest = to;
    }
    Some(numbers)
}

/// A number as it is written here, and in no other way.
fn plain(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// Writes the short digest of a build, and the part of the range's time in which it was over.
pub(super) fn write_build(to: &mut String, digest: u32, part: u16) {
    let bits = u64::from(digest) << 12 | u64::from(part);
    for digit in (0..DIGITS_OF_A_BUILD).rev() {
        to.push(char::from(DIGITS[(bits >> (6 * digit) & 63) as usize]));
    }
}

/// Reads what [`write_build`] writes.
pub(super) fn read_build(digits: &[u8]) -> Option<(u32, u16)> {
    let mut bits = 0_u64;
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        bits = bits << 6 | value as u64;
    }
    Some((u32::try_from(bits >> 12).ok()?, u16::try_from(bits & 4095).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_are_one_interval() {
        assert_eq!(intervals([1, 2, 3, 5, 7, 8]), "1..3,5,7..8");
        assert_eq!(intervals([4, 4, 5]), "4,4..5");
        assert_eq!(intervals([-3, -2, i64::MAX]), format!("-3..-2,{}", i64::MAX));
        assert_eq!(intervals([]), "");
    }

    #[test]
    fn no_interval_leads_out_of_its_range_or_grows_beyond_what_is_expected() {
        let range = (1024, 2047);
        assert_eq!(read_intervals("1024..1026,1030", range, 4), Some(vec![1024, 1025, 1026, 1030]));
        for text in
            ["1..3", "1024..2048", "1030,1024", "1026..1025", "01024", "+1024", "1024,", ",", "a", "1024.. 1025"]
        {
            assert_eq!(read_intervals(text, range, 1024), None, "{text}");
        }
        assert_eq!(read_intervals("1024..1028", range, 4), None);
        assert_eq!(read_intervals("1024,1024,1024,1024,1024", range, 4), None);
        assert_eq!(read_intervals(&format!("{}..{}", i64::MIN, i64::MAX), range, 4), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(mut numbers in proptest::collection::vec(-1024_i64..0, 0..60), digest in 0_u32..1 << 24, part in 0_u16..4096) {
            numbers.sort_unstable();
            let text = intervals(numbers.iter().copied());
            proptest::prop_assert_eq!(read_intervals(&text, (-1024, -1), numbers.len()), Some(numbers));
            let mut written = String::new();
            write_build(&mut written, digest, part);
            proptest::prop_assert_eq!(read_build(written.as_bytes()), Some((digest, part)));
        }
    }
}
