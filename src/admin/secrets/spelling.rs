//! A text in which each character may be spelled in many ways: plainly, or by an escape of JSON, URLs, HTML and the like, whose own
//! characters may be escaped again.

use std::collections::HashMap;

/// How deep escapes may be nested: a URL within JSON within HTML.
const MAX_NESTING: usize = 3;
/// The most readings of one place. Only an attacker makes more.
const MAX_READINGS: usize = 32;
/// The most digits of a number in an escape, with leading zeros.
const MAX_DIGITS: usize = 8;

/// HTML's names for the characters of a secret. Source: HTML standard, 13.5, "Named character references".
const NAMES: [(&str, char); 46] = [
    ("tab", '\t'),
    ("newline", '\n'),
    ("nbsp", ' '),
    ("excl", '!'),
    ("quot", '"'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("amp", '&'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("lt", '<'),
    ("equals", '='),
    ("gt", '>'),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("hat", '^'),
    ("lowbar", '_'),
    ("underbar", '_'),
    ("grave", '`'),
    ("diacriticalgrave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("verticalline", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("tilde", '~'),
    ("sim", '~'),
    ("fjlig", 'f'),
];

/// A character, and the place after its spelling.
type Reading = (char, usize);

/// A text with all readings of each of its places.
pub(super) struct SpelledText {
    pub(super) chars: Vec<char>,
    /// The readings as an escape, by the place where it begins.
    escapes: HashMap<usize, Vec<Reading>>,
}

impl SpelledText {
    pub(super) fn new(text: &str) -> Self {
        let mut spelled = Self { chars: text.chars().collect(), escapes: HashMap::new() };
        let begins = |c: &char| matches!(c, '%' | '\\' | '&' | '=' | '+');
        let places: Vec<usize> = (0..spelled.chars.len()).filter(|at| begins(&spelled.chars[*at])).collect();
        for _ in 0..MAX_NESTING {
            let found: HashMap<usize, Vec<Reading>> =
                places.iter().map(|at| (*at, spelled.escapes_at(*at))).filter(|(_, ways)| !ways.is_empty()).collect();
            let is_all = found == spelled.escapes;
            spelled.escapes = found;
            if is_all {
                break;
            }
        }
        spelled
    }

    /// All readings of what stands here: the character itself, and its escapes.
    pub(super) fn readings_at(&self, at: usize) -> impl Iterator<Item = Reading> + '_ {
        let itself = self.chars.get(at).map(|c| (*c, at + 1));
        itself.into_iter().chain(self.escapes.get(&at).into_iter().flatten().copied())
    }

    /// All readings of what ends here, each with the place where it begins.
    pub(super) fn readings_ending_at(&self, end: usize) -> impl Iterator<Item = (char, usize)> + '_ {
        /// No nested escape is longer.
        const LONGEST: usize = 40;
        let from = end.saturating_sub(LONGEST);
        (from..end).flat_map(move |at| self.readings_at(at).filter(move |way| way.1 == end).map(move |(c, _)| (c, at)))
    }

    fn escapes_at(&self, at: usize) -> Vec<Reading> {
        let mut found: Vec<Reading> = Vec::new();
        for (begins, next) in self.readings_at(at) {
            match begins {
                '%' => {
                    found.extend(self.number(next, 16, 2, 2));
                    found.extend(self.after(next, 'u').flat_map(|next| self.number(next, 16, 4, 4)));
                }
                '\\' => self.backslash(next, &mut found),
                '&' => self.reference(next, &mut found),
                // Quoted-printable (RFC 2045, 6.7).
                '=' => found.extend(self.number(next, 16, 2, 2)),
                // A form (application/x-www-form-urlencoded).
                '+' => found.push((' ', next)),
                _ => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MAX_READINGS);
        found
    }

    /// Reads what follows a backslash in JSON, JavaScript, Rust and C.
    fn backslash(&self, at: usize, found: &mut Vec<Reading>) {
        found.extend(self.number(at, 8, 3, 3));
        for (kind, next) in self.readings_at(at) {
            match kind {
                'u' | 'U' => {
                    found.extend(self.number(next, 16, 4, 4));
                    for next in self.after(next, '{') {
                        for (c, end) in self.number(next, 16, 1, MAX_DIGITS) {
                            found.extend(self.after(end, '}').map(|end| (c, end)));
                        }
                    }
                }
                'x' => found.extend(self.number(next, 16, 2, 2)),
                'n' | 'r' => found.push(('\n', next)),
                't' => found.push(('\t', next)),
                '"' | '\'' | '\\' | '/' => found.push((kind, next)),
                _ => {}
            }
        }
    }

    /// Reads what follows an ampersand in HTML and XML.
    fn reference(&self, at: usize, found: &mut Vec<Reading>) {
        let mut bare: Vec<Reading> = Vec::new();
        for next in self.after(at, '#') {
            bare.extend(self.number(next, 10, 1, MAX_DIGITS));
            bare.extend(self.after(next, 'x').flat_map(|next| self.number(next, 16, 1, MAX_DIGITS)));
        }
        for (name, c) in NAMES {
            let mut ends = vec![at];
            for letter in name.chars() {
                ends = ends.iter().flat_map(|end| self.after(*end, letter)).collect();
                if ends.is_empty() {
                    break;
                }
            }
            bare.extend(ends.into_iter().map(|end| (c, end)));
        }
        for (c, end) in bare {
            found.push((c, end));
            found.extend(self.after(end, ';').map(|end| (c, end)));
        }
    }

    /// Where `wanted` ends if it stands here, in upper or lower case.
    fn after(&self, at: usize, wanted: char) -> impl Iterator<Item = usize> + '_ {
        self.readings_at(at).filter(move |(c, _)| c.eq_ignore_ascii_case(&wanted)).map(|(_, end)| end)
    }

    /// Reads a character by its number, with `least` to `most` digits.
    fn number(&self, at: usize, radix: u32, least: usize, most: usize) -> Vec<Reading> {
        let (mut found, mut reading) = (Vec::new(), vec![(0_u32, at)]);
        for digits in 1..=most {
            let mut next = Vec::new();
            for (value, at) in reading {
                for (c, end) in self.readings_at(at) {
                    if let Some(digit) = c.to_digit(radix) {
                        next.push((value.saturating_mul(radix).saturating_add(digit), end));
                    }
                }
            }
            next.truncate(MAX_READINGS);
            reading = next;
            if digits >= least {
                // A number ends with its last digit.
                let is_whole = |end| digits == most || !self.readings_at(end).any(|(c, _)| c.is_digit(radix));
                let text = reading.iter().filter(|(value, _)| matches!(value, 9 | 10 | 13 | 32..=126));
                let text = text.filter(|(_, end)| is_whole(*end));
                found.extend(text.filter_map(|(value, end)| Some((char::from_u32(*value)?, *end))));
            }
        }
        found
    }
}
