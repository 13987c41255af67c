//! Foreign text, and the values of flags.

use halfbuilt::text::Foreign;
use halfbuilt::{duration, percent::Percent};

/// Foreign text is printable and within its limit. Plain text does not change. A percentage or a duration that is accepted is valid.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limit = bytes.first().map_or(0, |byte| usize::from(*byte));
    let shown = String::from(Foreign::cut(&text, limit));
    super::assert_printable(&shown);
    assert!(shown.chars().count() <= limit + 1, "{} characters of {limit}", shown.chars().count());
    let escaped = String::from(Foreign::new(&text));
    escaped
        .chars()
        .collect::<Vec<_>>()
        .chunks(1000)
        .for_each(|part| super::assert_printable(&part.iter().collect::<String>()));
    assert_eq!(Foreign::new(&escaped).as_str(), escaped, "harmless text was changed");
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        assert_eq!(escaped, text, "plain text was changed");
    }
    match text.parse::<Percent>() {
        Ok(percent) => {
            assert_eq!(percent.to_string().parse(), Ok(percent));
            assert!(percent.covers(0, 1) && !percent.covers(u64::MAX, 1) && percent <= Percent::ALL);
        }
        Err(why) => super::assert_printable(&why),
    }
    match duration::parse(&text) {
        Ok(length) => assert!(length.is_positive()),
        Err(why) => super::assert_printable(&why),
    }
}
