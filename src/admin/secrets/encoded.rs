//! Base64 within a text, decoded: what it holds may be spelled in any way once more.

use super::needle::is_base64;
use super::spelling::Spelled;

/// Shorter ones hold no secret.
const SHORTEST: usize = 8;

/// A run of base64.
pub(super) struct Run {
    /// From where to where.
    pub(super) place: (usize, usize),
    /// What it may stand for, by where its groups of four begin.
    pub(super) decoded: Vec<String>,
}

/// All runs of a text.
pub(super) fn runs(text: &Spelled) -> Vec<Run> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.chars.len() {
        let (from, mut sextets, mut end) = (at, Vec::new(), at);
        while let Some((c, next)) = piece(text, at).filter(|(c, _)| is_base64(*c) || at > from) {
            at = next;
            if let Some(sextet) = sextet(c) {
                sextets.push(sextet);
            }
            end = if is_base64(c) { next } else { end };
        }
        if sextets.len() >= SHORTEST {
            let decoded = (0..4).map(|skipped| decoded(&sextets[skipped..])).collect();
            found.push(Run { place: (from, end), decoded });
        }
        at = at.max(from) + 1;
    }
    found
}

/// A character of base64, or the end of a line of it: as it is, else by the longest escape.
fn piece(text: &Spelled, at: usize) -> Option<(char, usize)> {
    let is_piece = |(c, _): &(char, usize)| is_base64(*c) || matches!(c, '\r' | '\n');
    let itself = text.ways(at).next().filter(is_piece);
    itself.or_else(|| text.ways(at).filter(is_piece).max_by_key(|(_, end)| *end))
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
