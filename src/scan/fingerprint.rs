//! The digest of a build's state, by which a later read sees that the build has changed.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// How many hexadecimal digits of the digest are kept: 128 bits.
const DIGITS: usize = 32;

/// Digests what a build is, not what was made of it: timing and reasons depend on what the scan was told.
pub(super) fn fingerprint(build_key: &str, build: &Finding) -> String {
    let mut digest = Sha256::new();
    // A length before each part keeps two neighbours from passing for one another; NULL differs from the empty text.
    let mut part = |text: Option<&[u8]>| match text {
        None => digest.update([0]),
        Some(text) => {
            digest.update([1]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    };
    part(Some(build_key.as_bytes()));
    for text in [&build.build_url, &build.project, &build.lifecycle, &build.status] {
        part(text.as_ref().map(String::as_bytes));
    }
    // PostgreSQL's times are whole microseconds.
    let times = [build.queued_at, build.started_at, build.stopped_at, build.last_activity_at];
    let times = times.map(|time| time.map(Timestamp::as_microsecond));
    let counts = [build.build_num, build.steps, build.steps_unfinished, build.output_expected, build.output_stored];
    for number in times.into_iter().chain(counts) {
        part(number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }
    let mut hex = String::with_capacity(DIGITS);
    for byte in digest.finalize().iter().take(DIGITS / 2) {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
        hex.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}
