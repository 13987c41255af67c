//! A text in which a character may be spelled in many ways: as it is, or by an escape of JSON, of a URL, of HTML and their kin, and an
//! escape's own characters by escapes again.

use std::collections::HashMap;

/// How many escapes may stand in one another: a URL within JSON within HTML.
const DEPTH: usize = 3;
/// The most ways in which one place can be read; more only an attacker finds.
const MOST_WAYS: usize = 32;
/// The most digits of a number in an escape, leading zeros included.
const MOST_DIGITS: usize = 8;

/// HTML's names of the characters that a secret is made of. Source: HTML standard, 13.5, "Named character references".
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

/// One way to read one character: which, and where it ends.
type Way = (char, usize);

/// A text, and all ways to read each of its places.
pub(super) struct Spelled {
    pub(super) chars: Vec<char>,
    /// Beside the character itself: what it may be the first character of an escape for.
    escapes: HashMap<usize, Vec<Way>>,
}

impl Spelled {
    pub(super) fn new(text: &str) -> Self {
        let mut spelled = Self { chars: text.chars().collect(), escapes: HashMap::new() };
        let begins = |c: &char| matches!(c, '%' | '\\' | '&' | '=' | '+');
        let places: Vec<usize> = (0..spelled.chars.len()).filter(|at| begins(&spelled.chars[*at])).collect();
        for _ in 0..DEPTH {
            let found: HashMap<usize, Vec<Way>> =
                places.iter().map(|at| (*at, spelled.escapes_at(*at))).filter(|(_, ways)| !ways.is_empty()).collect();
            let is_all = found == spelled.escapes;
            spelled.escapes = found;
            if is_all {
                break;
            }
        }
        spelled
    }

    /// All ways to read what stands here.
    pub(super) fn ways(&self, at: usize) -> impl Iterator<Item = Way> + '_ {
        let itself = self.chars.get(at).map(|c| (*c, at + 1));
        itself.into_iter().chain(self.escapes.get(&at).into_iter().flatten().copied())
    }

    /// Whether what ends here, or what stands before it, can be read as such a character.
    pub(super) fn ways_to(&self, end: usize) -> impl Iterator<Item = (char, usize)> + '_ {
        /// No escape within escapes is longer.
        const LONGEST: usize = 40;
        let from = end.saturating_sub(LONGEST);
        (from..end).flat_map(move |at| self.ways(at).filter(move |way| way.1 == end).map(move |(c, _)| (c, at)))
    }

    fn escapes_at(&self, at: usize) -> Vec<Way> {
        let mut found: Vec<Way> = Vec::new();
        for (begins, next) in self.ways(at) {
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
        found.truncate(MOST_WAYS);
        found
    }

    /// What follows a backslash in JSON, JavaScript, Rust and C.
    fn backslash(&self, at: usize, found: &mut Vec<Way>) {
        found.extend(self.number(at, 8, 3, 3));
        for (kind, next) in self.ways(at) {
            match kind {
                'u' | 'U' => {
                    found.extend(self.number(next, 16, 4, 4));
                    for next in self.after(next, '{') {
                        for (c, end) in self.number(next, 16, 1, MOST_DIGITS) {
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

    /// What follows an ampersand in HTML and XML.
    fn reference(&self, at: usize, found: &mut Vec<Way>) {
        let mut bare: Vec<Way> = Vec::new();
        for next in self.after(at, '#') {
            bare.extend(self.number(next, 10, 1, MOST_DIGITS));
            bare.extend(self.after(next, 'x').flat_map(|next| self.number(next, 16, 1, MOST_DIGITS)));
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

    /// Where a letter or a sign ends that stands here, whatever its case.
    fn after(&self, at: usize, wanted: char) -> impl Iterator<Item = usize> + '_ {
        self.ways(at).filter(move |(c, _)| c.eq_ignore_ascii_case(&wanted)).map(|(_, end)| end)
    }

    /// The characters whose number stands here, in so many digits.
    fn number(&self, at: usize, radix: u32, least: usize, most: usize) -> Vec<Way> {
        let (mut found, mut reading) = (Vec::new(), vec![(0_u32, at)]);
        for digits in 1..=most {
            let mut next = Vec::new();
            for (value, at) in reading {
                for (c, end) in self.ways(at) {
                    if let Some(digit) = c.to_digit(radix) {
                        next.push((value.saturating_mul(radix).saturating_add(digit), end));
                    }
                }
            }
            next.truncate(MOST_WAYS);
            reading = next;
            if digits >= least {
                // A number ends where its digits do.
                let is_whole = |end| digits == most || !self.ways(end).any(|(c, _)| c.is_digit(radix));
                let text = reading.iter().filter(|(value, _)| matches!(value, 9 | 10 | 13 | 32..=126));
                let text = text.filter(|(_, end)| is_whole(*end));
                found.extend(text.filter_map(|(value, end)| Some((char::from_u32(*value)?, *end))));
            }
        }
        found
    }
}
