//! The metadata of a report.

use halfbuilt::report::ScanMetadata;

/// Metadata reads back the same after it is written. An error is printable.
pub fn check(bytes: &[u8]) {
    let about = match super::in_a_file(bytes, ScanMetadata::read) {
        Ok(about) => about.expect("a file that is there"),
        Err(error) => return super::assert_error_printable(&error),
    };
    let mut again = Vec::new();
    about.write(&mut again).expect("a write");
    assert_eq!(super::in_a_file(&again, ScanMetadata::read).expect("what was written"), Some(about));
}
