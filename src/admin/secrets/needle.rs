//! A secret as it may be written: for each place the characters that may stand there.

use super::spelling::Spelled;

/// Fewer characters of base64, or of hexadecimal digits, are no sign of anything.
const LEAST_ENCODED: usize = 4;
/// So many characters of a secret at the end of a text that was cut are the beginning of one.
const LEAST_CUT: usize = 5;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A set of ASCII characters.
type Class = u128;

/// A secret in one way of writing it.
pub(super) struct Needle {
    classes: Vec<Class>,
    /// Whether it is the middle of something encoded, which may be broken into lines.
    is_encoded: bool,
}

impl Needle {
    /// A text in any case of its letters.
    pub(super) fn text(text: &str) -> Self {
        Self { classes: text.bytes().map(|byte| class(&variants(byte))).collect(), is_encoded: false }
    }

    /// All ways of writing a secret: as it is; in hexadecimal digits; in base64, for each place that it may have within groups of
    /// three bytes, what hangs on it alone.
    pub(super) fn all(secret: &str) -> Vec<Self> {
        let bytes: Vec<Vec<u8>> = secret.bytes().map(variants).collect();
        let hex = bytes.iter().flat_map(|byte| {
            [4, 0].map(|shift| class(&byte.iter().map(|byte| HEX[usize::from(byte >> shift & 15)]).collect::<Vec<_>>()))
        });
        let encoded = [hex.collect(), base64(&bytes, 0), base64(&bytes, 1), base64(&bytes, 2)];
        let encoded = encoded.into_iter().filter(|classes: &Vec<Class>| classes.len() >= LEAST_ENCODED);
        let encoded = encoded.map(|classes| Self { classes, is_encoded: true });
        std::iter::once(Self::text(secret)).chain(encoded).collect()
    }

    /// Where it is found: from where to where.
    pub(super) fn find(&self, text: &Spelled) -> Vec<(usize, usize)> {
        let found = (0..text.chars.len()).filter_map(|from| Some((from, self.end(text, from)?)));
        match self.is_encoded {
            true => found.map(|found| widened(text, found)).collect(),
            false => found.collect(),
        }
    }

    /// The end of one that begins here.
    pub(super) fn end(&self, text: &Spelled, from: usize) -> Option<usize> {
        let first = *self.classes.first()?;
        if !text.ways(from).any(|(c, _)| holds(first, c)) {
            return None;
        }
        let mut ends = vec![from];
        for (matched, wanted) in self.classes.iter().enumerate() {
            if matched >= LEAST_CUT && ends.contains(&text.chars.len()) {
                return Some(text.chars.len());
            }
            if self.is_encoded && matched > 0 {
                ends = without_space(text, ends);
            }
            let mut next = Vec::new();
            for at in ends {
                next.extend(text.ways(at).filter(|(c, _)| holds(*wanted, *c)).map(|(_, end)| end));
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

/// The same places, and those after white space.
fn without_space(text: &Spelled, mut ends: Vec<usize>) -> Vec<usize> {
    let mut place = 0;
    while place < ends.len() {
        for (c, end) in text.ways(ends[place]) {
            if c.is_ascii_whitespace() && !ends.contains(&end) {
                ends.push(end);
            }
        }
        place += 1;
    }
    ends
}

/// All of what is encoded, of which the middle was found.
fn widened(text: &Spelled, (mut from, mut to): (usize, usize)) -> (usize, usize) {
    while let Some((_, at)) = text.ways_to(from).filter(|(c, _)| is_base64(*c)).min_by_key(|(_, at)| *at) {
        from = at;
    }
    while let Some((_, end)) = text.ways(to).filter(|(c, _)| is_base64(*c)).max_by_key(|(_, end)| *end) {
        to = end;
    }
    (from, to)
}

/// Whether it may be a character of base64, of either alphabet (RFC 4648).
pub(super) fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

/// The sextets that lie wholly within these bytes, after so many others.
fn base64(bytes: &[Vec<u8>], after: usize) -> Vec<Class> {
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
        class(&characters)
    };
    sextets.map(of).collect()
}

/// A character in either case.
fn variants(byte: u8) -> Vec<u8> {
    let mut both = vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
    both.dedup();
    both
}

fn class(characters: &[u8]) -> Class {
    let both = characters.iter().flat_map(|byte| variants(*byte));
    both.filter(u8::is_ascii).fold(0, |class, byte| class | 1 << byte)
}

fn holds(class: Class, c: char) -> bool {
    c.is_ascii() && class >> (c as u32) & 1 == 1
}
