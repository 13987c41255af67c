//! A secret in one spelling: the characters that may stand in each place.

use super::spelling::SpelledText;

/// Fewer characters of base64, or fewer hexadecimal digits, prove nothing.
const MIN_ENCODED: usize = 4;
/// This many characters at the end of a text count as the beginning of a secret that was cut.
const MIN_CUT: usize = 5;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A set of ASCII characters.
type CharSet = u128;

/// A secret in one spelling.
pub(super) struct Needle {
    sets: Vec<CharSet>,
    /// Whether it is the middle of encoded text, which may be broken into lines.
    is_encoded: bool,
}

impl Needle {
    /// The text itself, in upper or lower case.
    pub(super) fn text(text: &str) -> Self {
        Self { sets: text.bytes().map(|byte| char_set(&variants(byte))).collect(), is_encoded: false }
    }

    /// All spellings of a secret: plain, in hexadecimal, and in base64. For base64 these are the characters that depend on the secret
    /// alone, for each of its three offsets within a group of three bytes.
    pub(super) fn all(secret: &str) -> Vec<Self> {
        let bytes: Vec<Vec<u8>> = secret.bytes().map(variants).collect();
        let hex = bytes.iter().flat_map(|byte| {
            [4, 0].map(|shift| {
                char_set(&byte.iter().map(|byte| HEX[usize::from(byte >> shift & 15)]).collect::<Vec<_>>())
            })
        });
        let encoded = [hex.collect(), base64(&bytes, 0), base64(&bytes, 1), base64(&bytes, 2)];
        let encoded = encoded.into_iter().filter(|sets: &Vec<CharSet>| sets.len() >= MIN_ENCODED);
        let encoded = encoded.map(|sets| Self { sets, is_encoded: true });
        std::iter::once(Self::text(secret)).chain(encoded).collect()
    }

    /// Finds all its places in a text: the first place and the place after the last.
    pub(super) fn find(&self, text: &SpelledText) -> Vec<(usize, usize)> {
        let found = (0..text.chars.len()).filter_map(|from| Some((from, self.end(text, from)?)));
        match self.is_encoded {
            true => found.map(|found| widen(text, found)).collect(),
            false => found.collect(),
        }
    }

    /// The end of an occurrence that begins here.
    pub(super) fn end(&self, text: &SpelledText, from: usize) -> Option<usize> {
        let first = *self.sets.first()?;
        if !text.readings_at(from).any(|(c, _)| contains(first, c)) {
            return None;
        }
        let mut ends = vec![from];
        for (matched, wanted) in self.sets.iter().enumerate() {
            if matched >= MIN_CUT && ends.contains(&text.chars.len()) {
                return Some(text.chars.len());
            }
            if self.is_encoded && matched > 0 {
                ends = skip_spaces(text, ends);
            }
            let mut next = Vec::new();
            for at in ends {
                next.extend(text.readings_at(at).filter(|(c, _)| contains(*wanted, *c)).map(|(_, end)| end));
            }
            if next.is_empty() {
                return None;
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        ends.into_iter().max()
    }
}

/// Adds the places after white space.
fn skip_spaces(text: &SpelledText, mut ends: Vec<usize>) -> Vec<usize> {
    let mut place = 0;
    while place < ends.len() {
        for (c, end) in text.readings_at(ends[place]) {
            if c.is_ascii_whitespace() && !ends.contains(&end) {
                ends.push(end);
            }
        }
        place += 1;
    }
    ends
}

/// Extends a match to the whole encoded text around it.
fn widen(text: &SpelledText, (mut from, mut to): (usize, usize)) -> (usize, usize) {
    while let Some((_, at)) = text.readings_ending_at(from).filter(|(c, _)| is_base64(*c)).min_by_key(|(_, at)| *at) {
        from = at;
    }
    while let Some((_, end)) = text.readings_at(to).filter(|(c, _)| is_base64(*c)).max_by_key(|(_, end)| *end) {
        to = end;
    }
    (from, to)
}

/// Whether the character belongs to either alphabet of base64 (RFC 4648).
pub(super) fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

/// Encodes the sextets that lie wholly within these bytes, with `after` other bytes before them.
fn base64(bytes: &[Vec<u8>], after: usize) -> Vec<CharSet> {
    let (from, to) = (8 * after, 8 * (after + bytes.len()));
    let sextets = from.div_ceil(6)..to / 6;
    let of = |sextet: usize| {
        let (first, last) = (sextet * 6 / 8 - after, (sextet * 6 + 5) / 8 - after);
        let shift = 16 - 6 - sextet * 6 % 8;
        let mut characters = Vec::new();
        for a in &bytes[first] {
            for b in &bytes[last] {
                let value = (usize::from(*a) << 8 | usize::from(*b)) >> shift & 63;
                characters.extend(match value {
                    62 => vec![b'+', b'-'],
                    63 => vec![b'/', b'_'],
                    _ => variants(ALPHABET[value]),
                });
            }
        }
        char_set(&characters)
    };
    sextets.map(of).collect()
}

/// A character in upper and lower case.
fn variants(byte: u8) -> Vec<u8> {
    let mut both = vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
    both.dedup();
    both
}

fn char_set(characters: &[u8]) -> CharSet {
    let both = characters.iter().flat_map(|byte| variants(*byte));
    both.filter(u8::is_ascii).fold(0, |class, byte| class | 1 << byte)
}

fn contains(class: CharSet, c: char) -> bool {
    c.is_ascii() && class >> (c as u32) & 1 == 1
}
