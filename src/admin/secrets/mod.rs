//! What is never shown of what a server says: the token, however it is written, and what makes a presigned address one.

mod encoded;
mod needle;
mod presigned;
mod spelling;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;

use openssl::base64;
use secrecy::{ExposeSecret, SecretString};

use needle::Needle;
use spelling::Spelled;

/// What stands in its place.
const HIDDEN: &str = "(redacted)";
/// The most characters of a text that are looked at, and shown: far more than any message has room for.
const MOST: usize = 10_000;
/// A shorter part of a token is no secret by itself.
const LEAST_PART: usize = 4;

/// What is never shown.
pub(super) struct Secrets {
    needles: Vec<Needle>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

impl Secrets {
    /// A token, as its header carries it: perhaps after a word such as `Bearer`.
    pub(super) fn of(token: &SecretString) -> Self {
        let token = token.expose_secret().trim();
        let mut parts = vec![token.to_owned()];
        if let Some((scheme, rest)) = token.split_once(' ') {
            let rest = rest.trim();
            parts.push(rest.to_owned());
            // RFC 7617: base64 of name and password.
            if scheme.eq_ignore_ascii_case("basic")
                && let Ok(both) = base64::decode_block(rest)
                && let Ok(both) = String::from_utf8(both)
            {
                parts.extend(both.split_once(':').map(|(_, password)| password.to_owned()));
                parts.push(both);
            }
        }
        let is_secret = |part: &&String| part.as_str() == token || part.len() >= LEAST_PART;
        Self { needles: parts.iter().filter(is_secret).flat_map(|part| Needle::all(part)).collect() }
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let text: String = text.chars().take(MOST).collect();
        let spelled = Spelled::new(&text);
        let mut found = self.find(&spelled);
        found.extend(encoded::runs(&spelled).into_iter().filter(|run| self.is_in(&run.decoded)).map(|run| run.place));
        found.sort_unstable();
        let (mut shown, mut done) = (String::new(), 0);
        for (from, to) in found {
            if from >= done {
                shown.extend(&spelled.chars[done..from]);
                shown.push_str(HIDDEN);
            }
            done = done.max(to);
        }
        shown.extend(&spelled.chars[done..]);
        shown
    }
}

impl Secrets {
    fn find(&self, text: &Spelled) -> Vec<(usize, usize)> {
        let mut found = presigned::find(text);
        found.extend(self.needles.iter().flat_map(|needle| needle.find(text)));
        found
    }

    /// Whether something that was encoded holds any of them.
    fn is_in(&self, decoded: &[String]) -> bool {
        decoded.iter().any(|text| !self.find(&Spelled::new(text)).is_empty())
    }
}

/// The text without what makes a presigned address one; for what never saw the token.
pub(super) fn hide_presigned(text: &str) -> String {
    static NONE: LazyLock<Secrets> = LazyLock::new(|| Secrets { needles: Vec::new() });
    NONE.hide(text)
}

/// The same of the end of a long text.
pub(super) fn hide_presigned_in_the_end(text: &str) -> String {
    let from = text.char_indices().nth_back(MOST - 1).map_or(0, |(at, _)| at);
    hide_presigned(&text[from..])
}
