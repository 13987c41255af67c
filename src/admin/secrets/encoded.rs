//! Finds and decodes base64 within a text. What it decodes to may be spelled in any way again.

use super::needle::is_base64;
use super::spelling::SpelledText;

/// A shorter run contains no secret.
const MIN_RUN: usize = 8;

pub(super) struct Base64Run {
    /// Its first place, and the place after it.
    pub(super) place: (usize, usize),
    /// What it decodes to, for each of the four ways to divide it into groups of four.
    pub(super) decoded: Vec<String>,
}

/// Finds all runs of base64 in a text.
pub(super) fn base64_runs(text: &SpelledText) -> Vec<Base64Run> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.chars.len() {
        let (from, mut sextets, mut end) = (at, Vec::new(), at);
        while let Some((c, next)) = base64_char_at(text, at).filter(|(c, _)| is_base64(*c) || at > from) {
            at = next;
            if let Some(sextet) = sextet(c) {
                sextets.push(sextet);
            }
            end = if is_base64(c) { next } else { end };
        }
        if sextets.len() >= MIN_RUN {
            let decoded = (0..4).map(|skipped| decoded(&sextets[skipped..])).collect();
            found.push(Base64Run { place: (from, end), decoded });
        }
        at = at.max(from) + 1;
    }
    found
}

/// Reads a character of base64, or the end of a line: the character itself, or else its longest escape.
fn base64_char_at(text: &SpelledText, at: usize) -> Option<(char, usize)> {
    let is_part = |(c, _): &(char, usize)| is_base64(*c) || matches!(c, '\r' | '\n');
    let itself = text.readings_at(at).next().filter(is_part);
    itself.or_else(|| text.readings_at(at).filter(is_part).max_by_key(|(_, end)| *end))
}

fn sextet(c: char) -> Option<u8> {
    match c {
        'A'..='Z' => Some(c as u8 - b'A'),
        'a'..='z' => Some(c as u8 - b'a' + 26),
        '0'..='9' => Some(c as u8 - b'0' + 52),
        '+' | '-' => Some(62),
        '/' | '_' => Some(63),
        _ => None,
    }
}

fn decoded(sextets: &[u8]) -> String {
    let bytes = sextets.chunks(4).flat_map(|group| {
        let joined = group.iter().fold(0_u32, |joined, sextet| joined << 6 | u32::from(*sextet));
        let joined = joined << (6 * (4 - group.len()));
        joined.to_be_bytes().into_iter().skip(1).take(group.len() * 6 / 8)
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
