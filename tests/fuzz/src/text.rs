//! Foreign text that is made fit to be shown, and what people write into flags.

use halfbuilt::text::Foreign;
use halfbuilt::{duration, percent::Percent};

/// It is one line that drives no terminal, and no longer than it may be; plain text stays as it is. A number, where it is one, means
/// what it says.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limit = bytes.first().map_or(0, |byte| usize::from(*byte));
    let shown = String::from(Foreign::cut(&text, limit));
    super::is_fit_for_a_terminal(&shown);
    assert!(shown.chars().count() <= limit + 1, "{} characters of {limit}", shown.chars().count());
    let escaped = String::from(Foreign::new(&text));
    escaped
        .chars()
        .collect::<Vec<_>>()
        .chunks(1000)
        .for_each(|part| super::is_fit_for_a_terminal(&part.iter().collect::<String>()));
    assert_eq!(Foreign::new(&escaped).as_str(), escaped, "what is harmless was changed");
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        assert_eq!(escaped, text, "plain text was changed");
    }
    match text.parse::<Percent>() {
        Ok(percent) => {
            assert_eq!(percent.to_string().parse(), Ok(percent));
            assert!(percent.covers(0, 1) && !percent.covers(u64::MAX, 1) && percent <= Percent::ALL);
        }
        Err(why) => super::is_fit_for_a_terminal(&why),
    }
    match duration::parse(&text) {
        Ok(length) => assert!(length.is_positive()),
        Err(why) => super::is_fit_for_a_terminal(&why),
    }
}
