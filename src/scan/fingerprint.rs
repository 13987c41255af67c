//! The digest of a build's state, by which a later read sees that the build has changed, and the tag of its database.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::DatabaseIdentity;
use crate::finding::Finding;

use super::profile::Profile;
use super::relation::Relation;
use super::schema;

/// How many hexadecimal digits of the digest of a build's state are kept: 96 bits.
const STATE_DIGITS: usize = 24;
/// How many hexadecimal digits the tag of the database has: 32 bits. It is to catch a mistake, not an attack.
const TAG_DIGITS: usize = 8;

/// The tag of a database, the end of every fingerprint of its builds: it survives what people do to the rows of a report.
///
/// Where the role may not ask for the system identifier, the tag is made of the name only, and differs from the tag made of both.
pub fn database_tag(database: &DatabaseIdentity) -> String {
    let mut digest = Sha256::new();
    match &database.system_identifier {
        // What is collected is known by the CI's host, wherever the copies are.
        _ if database.is_source => digest.update([2]),
        None => digest.update([0]),
        Some(number) => {
            digest.update([1]);
            digest.update((number.len() as u64).to_be_bytes());
            digest.update(number);
        }
    }
    digest.update(&database.name);
    hexadecimal(&digest.finalize(), TAG_DIGITS)
}

/// A digest of the SQL by which a profile presents a database: two of one profile see the same things.
pub(super) fn profile_digest(profile: &Profile) -> String {
    let sql = |relation| profile.relation(relation).map_or(String::new(), |found| schema::anywhere(&found.sql));
    digest_of(Relation::ALL.into_iter().map(sql))
}

/// A digest of some texts, in order. A length before each keeps two neighbours from passing for one another.
pub(super) fn digest_of(texts: impl Iterator<Item = String>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    hexadecimal(&digest.finalize(), STATE_DIGITS)
}

/// Digests the build itself, not its timing and reasons, which depend on the flags of the scan. `off_record` is what was written in the
/// place of times that are not on record. The tag of the database comes at the end.
pub(super) fn fingerprint(build_key: &str, build: &Finding, off_record: Option<&str>, database_tag: &str) -> String {
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
    // Where all times are on record the digest is what it always was.
    if let Some(off_record) = off_record {
        part(Some(off_record.as_bytes()));
    }
    let mut fingerprint = hexadecimal(&digest.finalize(), STATE_DIGITS);
    fingerprint.push_str(database_tag);
    fingerprint
}

pub(super) fn hexadecimal(bytes: &[u8], digits: usize) -> String {
    let mut hex = String::with_capacity(digits + TAG_DIGITS);
    for byte in bytes.iter().take(digits / 2) {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
        hex.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::schema;

    fn tag(system_identifier: Option<&str>, name: &str) -> String {
        let system_identifier = system_identifier.map(str::to_owned);
        database_tag(&DatabaseIdentity { system_identifier, name: name.to_owned(), is_source: false })
    }

    /// A comment inside a relation counts too. With another digest a journal is not continued, and a manifest is compared with a warning:
    /// change these only together with the SQL.
    #[test]
    fn the_profiles_that_ship_have_the_digests_that_journals_and_manifests_hold() {
        let digests: Vec<String> = ["buildbot", "circleci", "conductor"]
            .into_iter()
            .map(|name| profile_digest(&Profile::load(name).expect("a profile that ships")))
            .collect();
        let held = ["bc9ab745d05ee12205d929b2", "68516d2a0eeb8eb83f3c47fa", "7eb531b76084f27064cdeffa"];
        assert_eq!(digests, held);
        // What a journal holds that names no tables, of the tables in public.
        let circleci = Profile::load("circleci").expect("a profile that ships");
        let sql = circleci.all_sql().map(schema::anywhere);
        let reads = digest_of(sql.chain(["", "pg_catalog, public"].map(str::to_owned)));
        assert_eq!(reads, "abe4a8b22eb6eda264048d3d");
    }

    #[test]
    fn server_and_name_make_the_tag() {
        let one = tag(Some("7300000000000000001"), "ci");
        assert_eq!(one.len(), TAG_DIGITS);
        assert_eq!(one, tag(Some("7300000000000000001"), "ci"));
        for other in [tag(Some("7300000000000000002"), "ci"), tag(Some("7300000000000000001"), "ci2"), tag(None, "ci")]
        {
            assert_ne!(one, other);
        }
        // What could be read as the same text is not the same.
        assert_ne!(tag(Some("1"), "2"), tag(Some("12"), ""));
    }
}
