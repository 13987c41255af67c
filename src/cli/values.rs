//! How the values of flags are read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::duration;

/// A time with a zone, to the microsecond: PostgreSQL keeps no more. A zone in brackets is accepted.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    // A time with both an offset and a zone has to agree with itself.
    let parsed = match text.contains('[') {
        true => text.parse::<jiff::Zoned>().map(|time| time.timestamp()),
        false => text.parse::<Timestamp>(),
    };
    match parsed {
        Ok(time) => return Timestamp::from_microsecond(time.as_microsecond()).map_err(|error| error.to_string()),
        Err(error) if text.contains('[') => return Err(format!("its time zone cannot be taken: {error}")),
        Err(_) => {}
    }
    match text.parse::<jiff::civil::DateTime>() {
        Ok(time) => Err(format!("it has no time zone: write {time}Z for UTC, or {time}+01:00")),
        Err(_) => Err("expected a time with a zone, such as 2026-11-20T02:00:00Z".to_owned()),
    }
}

/// A length of time; a day is 24 hours.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    duration::parse(text)
}

/// A length of time, which may be nothing.
pub(super) fn duration_or_zero(text: &str) -> Result<SignedDuration, String> {
    duration::parse_or_zero(text)
}

/// A length of time to wait.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    duration(text)?.try_into().map_err(|_| "it is too long".to_owned())
}

/// How many builds may contradict the two times.
pub(super) fn contradictions(text: &str) -> Result<u64, String> {
    let number =
        text.split_once('=').filter(|(check, _)| *check == "times-contradicted").map(|(_, number)| number.trim());
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| "expected times-contradicted=N, such as times-contradicted=3".to_owned())
}

/// How many a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let slowest = 1.0 / 3600.0;
    let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite());
    rate.filter(|rate| *rate >= slowest).ok_or_else(|| "expected how many a second, such as 5 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_zone() {
        let expected: Timestamp = "2026-11-20T02:00:00Z".parse().expect("a time");
        for text in ["2026-11-20T02:00:00Z", "2026-11-20 02:00:00+00", "2026-11-20T03:00:00+01:00"] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        assert!(time("2026-11-20T02:00:00").expect_err("no zone").contains("no time zone"));
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn a_zone_in_brackets_is_a_zone() {
        let expected: Timestamp = "2026-11-20T01:00:00Z".parse().expect("a time");
        for text in ["2026-11-20T02:00:00[Europe/Berlin]", "2026-11-20T02:00:00+01:00[Europe/Berlin]"] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in ["2026-11-20T02:00:00[Europe/Berlim]", "2026-11-20T02:00:00+05:00[Europe/Berlin]"] {
            assert!(time(text).expect_err(text).contains("time zone cannot be taken"), "{text}");
        }
    }

    #[test]
    fn an_allowance_names_its_check() {
        assert_eq!(contradictions("times-contradicted=3"), Ok(3));
        for text in ["3", "times-contradicted", "times-contradicted=", "times-contradicted=-1", "stuck-running=2"] {
            assert!(contradictions(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_cut_to_microseconds() {
        assert_eq!(time("2026-11-20T02:00:00.1234567Z").expect("a time").to_string(), "2026-11-20T02:00:00.123456Z");
    }

    #[test]
    fn rates() {
        assert_eq!((rate("5"), rate("0.5")), (Ok(5.0), Ok(0.5)));
        for text in ["0", "-1", "fast", "inf", "NaN", "0.0001"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
