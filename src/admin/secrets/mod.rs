//! Removes secrets from what a server says: the token, however it is spelled, and the secret parts of presigned URLs.

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
use spelling::SpelledText;

/// What replaces a secret.
const REDACTED: &str = "(redacted)";
/// The most characters of a text that are searched and kept: far more than any message shows.
const MAX_CHARS: usize = 10_000;
/// A shorter part of a token is not a secret by itself.
const MIN_PART: usize = 4;

/// The secrets to remove from a text.
pub(crate) struct Secrets {
    needles: Vec<Needle>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

impl Secrets {
    /// `token` is the value of its header, perhaps with a word such as `Bearer` before it.
    pub(crate) fn of(token: &SecretString) -> Self {
        let token = token.expose_secret().trim();
        let mut parts = vec![token.to_owned()];
        if let Some((scheme, rest)) = token.split_once(' ') {
            let rest = rest.trim();
            parts.push(rest.to_owned());
            // RFC 7617: base64 of the name and the password.
            if scheme.eq_ignore_ascii_case("basic")
                && let Ok(both) = base64::decode_block(rest)
                && let Ok(both) = String::from_utf8(both)
            {
                let password = both.split_once(':').map_or("", |(_, password)| password);
                parts.push(password.to_owned());
                // Of user:key:secret each part is one.
                parts.extend(password.split(':').map(str::to_owned));
                parts.push(both);
            }
        }
        let is_secret = |part: &&String| part.as_str() == token || part.len() >= MIN_PART;
        Self { needles: parts.iter().filter(is_secret).flat_map(|part| Needle::all(part)).collect() }
    }

    /// Returns the text without secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let spelled = SpelledText::new(&text);
        let mut found = self.find(&spelled);
        found.extend(
            encoded::base64_runs(&spelled).into_iter().filter(|run| self.is_in(&run.decoded)).map(|run| run.place),
        );
        found.sort_unstable();
        let (mut kept, mut done) = (String::new(), 0);
        for (from, to) in found {
            if from >= done {
                kept.extend(&spelled.chars[done..from]);
                kept.push_str(REDACTED);
            }
            done = done.max(to);
        }
        kept.extend(&spelled.chars[done..]);
        kept
    }

    fn find(&self, text: &SpelledText) -> Vec<(usize, usize)> {
        let mut found = presigned::find(text);
        found.extend(self.needles.iter().flat_map(|needle| needle.find(text)));
        found
    }

    /// Whether decoded text contains a secret.
    fn is_in(&self, decoded: &[String]) -> bool {
        decoded.iter().any(|text| !self.find(&SpelledText::new(text)).is_empty())
    }
}

/// Returns the text without the secret parts of presigned URLs. It is for text that cannot contain the token.
pub(super) fn hide_presigned(text: &str) -> String {
    static NONE: LazyLock<Secrets> = LazyLock::new(|| Secrets { needles: Vec::new() });
    NONE.hide(text)
}

/// Does the same for the end of a long text.
pub(super) fn hide_presigned_in_the_end(text: &str) -> String {
    let from = text.char_indices().nth_back(MAX_CHARS - 1).map_or(0, |(at, _)| at);
    hide_presigned(&text[from..])
}
