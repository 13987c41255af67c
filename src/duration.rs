//! Lengths of time, as people write them.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// What is said where a text is no length of time.
const EXPECTED: &str = "expected a length of time, such as 5h, 90m or '2 days'";

/// Reads a length of time, such as `5h`, `2 days` or `P1DT2H`; a day is 24 hours.
///
/// # Errors
/// What was expected instead. A length has to be longer than nothing; months and years have no fixed length.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let length = parse_or_none(text)?;
    if length.is_zero() { Err("it has to be longer than nothing".to_owned()) } else { Ok(length) }
}

/// The same, where it may be nothing too, such as `0s`.
///
/// # Errors
/// What was expected instead. No length is less than nothing.
pub fn parse_or_none(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| EXPECTED.to_owned())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(EXPECTED.to_owned());
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if length.is_negative() { Err("it is less than nothing".to_owned()) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("5h"), Ok(SignedDuration::from_hours(5)));
        assert_eq!(parse("2 days"), Ok(SignedDuration::from_hours(48)));
        assert_eq!(parse("P1DT2H"), Ok(SignedDuration::from_hours(26)));
        for text in ["5", "0s", "-1h", "soon", "1 month"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_or_none("0s"), Ok(SignedDuration::ZERO));
        assert!(parse_or_none("-1s").is_err());
    }
}
