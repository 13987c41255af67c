//! Files from which T is taken.

use halfbuilt::fuzzing::evidence;

/// Whatever a file holds, and whatever is asked for in it: what is said of it is one printable line each.
pub fn check(bytes: &[u8]) {
    // The first line may be what is asked for.
    let (line, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let choice = std::str::from_utf8(line).ok().filter(|line| !line.is_empty());
    for (bytes, choice) in [(bytes, None), (rest, choice), (bytes, choice), (bytes, Some("Europe/Berlin"))] {
        match evidence(bytes, choice) {
            Ok((lines, backup)) => {
                lines.iter().for_each(|line| super::assert_printable(line));
                assert!(!lines.is_empty(), "evidence says something");
                super::assert_printable(backup.as_ref().unwrap_or_else(|why| why));
            }
            Err(why) => super::assert_printable(&why),
        }
    }
}
