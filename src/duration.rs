//! Durations as people write and read them.

use jiff::{SignedDuration, Span, SpanRelativeTo};

const EXPECTED: &str = "expected a length of time, such as 5h, 90m or '2 days'";

/// Parses a duration above 0, such as `5h`, `2 days` or `P1DT2H`. A day is 24 hours.
///
/// # Errors
/// What was expected instead. Months and years are refused, because they have no fixed length.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let length = parse_or_zero(text)?;
    if length.is_zero() { Err("it must be longer than 0".to_owned()) } else { Ok(length) }
}

/// Parses a duration that may be 0, such as `0s`.
///
/// # Errors
/// What was expected instead.
pub fn parse_or_zero(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| EXPECTED.to_owned())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(EXPECTED.to_owned());
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if length.is_negative() { Err("it must not be negative".to_owned()) } else { Ok(length) }
}

/// A length of time in two units at most: `8 d 18 h`, `18 h 5 min`, `5 min`, `12 s`. What is negative counts as nothing.
pub fn in_words(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_words() {
        let words = |seconds| in_words(SignedDuration::from_secs(seconds));
        assert_eq!([-5, 12, 300, 3600, 65_100].map(words), ["0 s", "12 s", "5 min", "1 h", "18 h 5 min"]);
        assert_eq!([86_400, 86_700, 8 * 86_400 + 18 * 3600 + 59].map(words), ["1 d", "1 d", "8 d 18 h"]);
    }

    #[test]
    fn durations() {
        assert_eq!(parse("5h"), Ok(SignedDuration::from_hours(5)));
        assert_eq!(parse("2 days"), Ok(SignedDuration::from_hours(48)));
        assert_eq!(parse("P1DT2H"), Ok(SignedDuration::from_hours(26)));
        for text in ["5", "0s", "-1h", "soon", "1 month"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_or_zero("0s"), Ok(SignedDuration::ZERO));
        assert!(parse_or_zero("-1s").is_err());
    }
}
