//! Listings of object storage: saved ones, and pages of a bucket.

use halfbuilt::fuzzing::listing;

/// Whatever the bytes are: they are a listing, or what is wrong with them is one printable line.
pub fn check(bytes: &[u8]) {
    for read in listing(bytes) {
        if let Err(why) = read {
            assert!(!why.is_empty(), "a fault has words");
            super::assert_printable(&why);
        }
    }
}
