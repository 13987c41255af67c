//! The file beside a report that says what it is about.

use halfbuilt::report::ScanMetadata;

/// What is read is written as it was, and reads as it was; what cannot be read is named in a message that can be shown.
pub fn check(bytes: &[u8]) {
    let about = match super::in_a_file(bytes, ScanMetadata::read) {
        Ok(about) => about.expect("a file that is there"),
        Err(error) => return super::prints_its_causes(&error),
    };
    let mut again = Vec::new();
    about.write(&mut again).expect("a write");
    assert_eq!(super::in_a_file(&again, ScanMetadata::read).expect("what was written"), Some(about));
}
