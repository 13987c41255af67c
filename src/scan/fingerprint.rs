//! The digest of a build's state, by which a later read sees that the build has changed.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// How many hexadecimal digits of the digest are kept: 128 bits.
const DIGITS: usize = 32;

/// Digests what a build is, not what was made of it: timing and reasons depend on what the scan was told.
pub(super) fn fingerprint(build_key: &str, build: &Finding) -> String {
    let mut digest = Sha256::new();
    // A length before each part keeps two neighbours from passing for one another; NULL differs from the empty text.
    let mut part = |text: Option<String>| match text {
        None => digest.update([0]),
        Some(text) => {
            digest.update([1]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    };
    let integer = |value: Option<i64>| value.map(|value| value.to_string());
    part(Some(build_key.to_owned()));
    part(build.build_url.clone());
    part(build.project.clone());
    part(integer(build.build_num));
    part(build.lifecycle.clone());
    part(build.status.clone());
    for time in [build.queued_at, build.started_at, build.stopped_at, build.last_activity_at] {
        part(time.map(|time| time.to_string()));
    }
    for count in [build.steps, build.steps_unfinished, build.output_expected, build.output_stored] {
        part(integer(count));
    }
    digest.finalize().iter().take(DIGITS / 2).fold(String::with_capacity(DIGITS), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
