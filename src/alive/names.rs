//! Names of what is alive, and the builds that they may mean.
//!
//! Only digests of names are kept, so that a large list takes little memory. Two names with one digest only keep a build more.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The longest name that is taken for one as a whole, in bytes: no key and no address is longer. In a longer text, only addresses and
/// identifiers are looked for.
const LONGEST_NAME: usize = 4096;
/// The longest name that is looked up in the database, in bytes.
const LONGEST_LOOKED_UP: usize = 300;
/// How many texts and how many numbers are looked up in the database: so many a server hashes in the memory that it has by default. Names
/// beyond are only compared with what was found.
const LOOKED_UP: usize = 20_000;
/// What a scheduler of CircleCI puts between the key of a build and its project.
const BEFORE_PROJECT: &str = "-build-";
/// How an address may name the forge before the project.
const FORGES: [&str; 7] = ["gh", "github", "bb", "bitbucket", "gl", "gitlab", "circleci"];
/// The longest text in which a project and a number are looked for wherever they stand, in bytes: a line, the name of a job, a label.
const LONGEST_LINE: usize = 512;
/// How many words a project with its number has at most: a forge, an organization with a dash, a project with two.
const WORDS: usize = 6;
/// Words between a project and a number that are of neither.
const BETWEEN: [&str; 6] = ["build", "builds", "job", "number", "no", "run"];
/// The digits of a MongoDB key, and of a UUID.
const KEY_DIGITS: usize = 24;
const UUID_DIGITS: usize = 32;
/// The digits in the groups of a UUID.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// What is known of a build to say whether a name may mean it.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildName<'a> {
    /// Its key as text.
    pub key: &'a str,
    /// Its address.
    pub url: Option<&'a str>,
    /// Its project.
    pub project: Option<&'a str>,
    /// Its number.
    pub number: Option<i64>,
}

/// The names of what is alive.
#[derive(Clone, Default)]
pub struct AliveNames {
    /// Digests of names, of addresses, and of projects with a number.
    names: HashSet<u64>,
    /// Digests of numbers that are all of a line: of a build of whatever project.
    bare_numbers: HashSet<u64>,
    /// Identifiers within names, by their digits.
    keys: HashSet<u128>,
    uuids: HashSet<u128>,
    /// What the database is asked for.
    looked_up: LookedUp,
}

/// What the database is asked for to count the builds that a list may mean.
#[derive(Clone, Debug, Default)]
pub struct LookedUp {
    /// Keys and addresses, in lower case and without a slash at the end.
    pub texts: Vec<String>,
    /// The numbers at the ends of names.
    pub numbers: Vec<i64>,
    /// Whether there are more names than are looked up.
    pub is_cut: bool,
}

impl AliveNames {
    /// Adds a text that names a build: as a whole, or in it.
    pub(super) fn add(&mut self, text: &str) {
        let text = text.trim();
        if text.len() <= LONGEST_NAME {
            self.add_name(text);
            // What follows is a remark.
            if let Some((before, _)) = text.split_once(" # ") {
                self.add_name(before);
            }
        }
        if text.len() <= LONGEST_LINE {
            self.add_within(text);
            if text.contains('%') {
                self.add_within(&percent_encoding::percent_decode_str(text).decode_utf8_lossy());
            }
        }
        for word in text.split(|c: char| c.is_whitespace() || "\"'`<>(){},;|".contains(c)) {
            if word.len() <= LONGEST_NAME && word.contains("://") {
                self.add_address(word);
            }
        }
        for_each_identifier(text, |digits| match digits {
            Digits::Key(key) => {
                if self.keys.insert(key) {
                    self.look_up(&format!("{key:024x}"));
                }
            }
            Digits::Uuid(uuid) => {
                if self.uuids.insert(uuid) {
                    self.look_up(&with_dashes(uuid));
                }
            }
        });
    }

    /// Whether a name may mean this build.
    pub fn may_mean(&self, build: BuildName<'_>) -> bool {
        let has = |name: &str| !name.is_empty() && self.names.contains(&digest(name));
        let BuildName { key, url, project, number } = build;
        if has(&plain(key)) || has(&key.trim().to_lowercase()) {
            return true;
        }
        if let Some(url) = url {
            let path = plain(path_of(url));
            if has(&plain(url)) || has(&path) || has(without_forge(&path)) {
                return true;
            }
        }
        if number.is_some_and(|number| self.bare_numbers.contains(&digest(&number.to_string()))) {
            return true;
        }
        if let (Some(project), Some(number)) = (project, number) {
            let name = plain(&format!("{project} {number}"));
            let without_between: Vec<&str> = name.split('-').filter(|word| !BETWEEN.contains(word)).collect();
            let without_between = without_between.join("-");
            if [&name, &without_between].into_iter().any(|name| has(name) || has(without_forge(name))) {
                return true;
            }
        }
        let mut is_in = false;
        for_each_identifier(key, |digits| {
            is_in |= match digits {
                Digits::Key(key) => self.keys.contains(&key),
                Digits::Uuid(uuid) => self.uuids.contains(&uuid),
            };
        });
        is_in
    }

    /// What the database is asked for.
    pub fn looked_up(&self) -> &LookedUp {
        &self.looked_up
    }

    fn add_name(&mut self, text: &str) {
        let name = plain(text);
        if name.is_empty() {
            self.names.insert(digest(&text.to_lowercase()));
            return;
        }
        self.insert(&name);
        // The first one stands before the project. A project may have such a name itself, and a name may have such a word before it.
        for place in [name.find(BEFORE_PROJECT), name.rfind(BEFORE_PROJECT)].into_iter().flatten() {
            self.insert(&name[place + BEFORE_PROJECT.len()..]);
        }
        self.look_up(text);
    }

    /// Adds each row of words in a text that ends with a number, whatever stands before and behind it: an address without a scheme or with
    /// more at its end, cells, remarks.
    fn add_within(&mut self, text: &str) {
        let plain = plain(text);
        let words: Vec<&str> = plain.split('-').filter(|word| !BETWEEN.contains(word)).collect();
        let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if let [number] = words.as_slice()
            && is_number(number)
        {
            self.bare_numbers.insert(digest(without_zeros(number)));
        }
        for (at, word) in words.iter().enumerate().filter(|(_, word)| is_number(word)) {
            for from in at.saturating_sub(WORDS - 1)..at {
                let name = [&words[from..at], &[without_zeros(word)]].concat().join("-");
                self.names.insert(digest(&name));
            }
            if let Ok(number) = word.parse::<i64>() {
                self.looked_up.is_cut |= !push(&mut self.looked_up.numbers, number);
            }
        }
    }

    fn add_address(&mut self, address: &str) {
        self.insert(&plain(address));
        self.look_up(address);
        let without_query = address.split(['?', '#']).next().unwrap_or_default();
        self.insert(&plain(without_query));
        self.look_up(without_query);
        let path = path_of(without_query);
        self.insert(&plain(path));
        // https://HOST/pipelines/VCS/ORG/PROJECT/PIPELINE/workflows/ID/jobs/NUMBER
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if let ["pipelines", _, org, project, .., "jobs", number] = parts.as_slice() {
            self.insert(&plain(&format!("{org} {project} {number}")));
        }
    }

    /// Adds a name of letters, digits and dashes, with and without the forge before the project.
    fn insert(&mut self, name: &str) {
        for name in [name, without_forge(name)].into_iter().filter(|name| !name.is_empty()) {
            self.names.insert(digest(name));
        }
        let number = name.rsplit('-').next().unwrap_or_default();
        if let Ok(number) = number.parse::<i64>() {
            self.looked_up.is_cut |= !push(&mut self.looked_up.numbers, number);
        }
    }

    /// Has a text looked up as a key and as an address. What no database of any encoding could refuse is looked up, and nothing else.
    fn look_up(&mut self, text: &str) {
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_plain && text.len() <= LONGEST_LOOKED_UP {
            let text = text.trim_end_matches('/').to_ascii_lowercase();
            self.looked_up.is_cut |= !push(&mut self.looked_up.texts, text);
        }
    }
}

impl std::fmt::Debug for AliveNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AliveNames({} names)", self.names.len())
    }
}

/// Adds something to what is looked up, unless it was added just before. Whether there was room for it.
fn push<T: PartialEq>(looked_up: &mut Vec<T>, one: T) -> bool {
    let is_there = looked_up.last() == Some(&one);
    let has_room = looked_up.len() < LOOKED_UP;
    if has_room && !is_there {
        looked_up.push(one);
    }
    has_room || is_there
}

fn digest(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// A text in lower case with one dash for all that stands between letters and digits: schedulers write names so.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            plain.extend(c.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    if plain.ends_with('-') {
        plain.pop();
    }
    plain
}

fn without_zeros(number: &str) -> &str {
    let digits = number.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

/// A plain name without the forge before the project.
fn without_forge(name: &str) -> &str {
    match name.split_once('-') {
        Some((forge, rest)) if FORGES.contains(&forge) => rest,
        _ => name,
    }
}

/// What follows the host in an address.
fn path_of(address: &str) -> &str {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    after_scheme.find('/').map_or("", |slash| &after_scheme[slash..])
}

/// The digits of an identifier in a text.
enum Digits {
    Key(u128),
    Uuid(u128),
}

/// Finds the keys of 24 hexadecimal digits and the UUIDs in a text, in upper or lower case. Of a longer row of digits its begin and its end
/// are taken: a letter before or behind an identifier may be one of them.
fn for_each_identifier(text: &str, mut with: impl FnMut(Digits)) {
    let mut last = [(0, ""); UUID_GROUPS.len()];
    for (at, row) in rows_of_digits(text) {
        for (length, make) in [(KEY_DIGITS, Digits::Key as fn(u128) -> Digits), (UUID_DIGITS, Digits::Uuid)] {
            if row.len() < length {
                continue;
            }
            for part in [&row[..length], &row[row.len() - length..]] {
                u128::from_str_radix(part, 16).into_iter().for_each(|digits| with(make(digits)));
            }
        }
        last.rotate_left(1);
        last[UUID_GROUPS.len() - 1] = (at, row);
        if let Some(uuid) = uuid_in(&last) {
            with(Digits::Uuid(uuid));
        }
    }
}

/// The rows of hexadecimal digits of a text, and where they begin. Short ones may be parts of a UUID.
fn rows_of_digits(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = from + text.get(from..)?.find(|c: char| c.is_ascii_hexdigit())?;
        let rest = &text[begin..];
        let length = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        from = begin + length;
        Some((begin, &rest[..length]))
    })
}

/// The UUID of which these rows of digits are the groups.
fn uuid_in(groups: &[(usize, &str); UUID_GROUPS.len()]) -> Option<u128> {
    // One character stands between two groups.
    let is_joined = groups.windows(2).all(|pair| pair[0].0 + pair[0].1.len() + 1 == pair[1].0);
    let [(_, first), middle @ .., (_, last)] = groups;
    let [first_length, middle_lengths @ .., last_length] = UUID_GROUPS;
    if !is_joined || !middle.iter().zip(middle_lengths).all(|((_, row), length)| row.len() == length) {
        return None;
    }
    let first = first.get(first.len().checked_sub(first_length)?..)?;
    let middle: String = middle.iter().map(|(_, row)| *row).collect();
    u128::from_str_radix(&format!("{first}{middle}{}", last.get(..last_length)?), 16).ok()
}

/// A UUID as PostgreSQL writes it.
fn with_dashes(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let mut from = 0;
    let groups = UUID_GROUPS.map(|length| {
        from += length;
        &digits[from - length..from]
    });
    groups.join("-")
}
