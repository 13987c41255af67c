//! How the values of flags are read.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::duration;

/// The forms of a time, for messages.
const TIME_FORMS: &str = "expected a time with a zone, such as 2026-11-20T02:00:00Z, '2026-11-20 02:00 Europe/Berlin', @1763604000 or \
                          '8 days ago'";

/// A time as people write it, to the microsecond: PostgreSQL keeps no more. It has an offset, the name of a zone (in brackets, or after a
/// space), or is a number of seconds since 1970 after an `@`, or so long ago.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let found = match (text.strip_prefix('@'), text.strip_suffix(" ago")) {
        (Some(seconds), _) => seconds_since_1970(seconds)?,
        (None, Some(length)) => long_ago(length)?,
        // A time with both an offset and a zone has to agree with itself.
        (None, None) if text.contains('[') => text.parse::<Zoned>().map(|time| time.timestamp()).map_err(bad_zone)?,
        (None, None) => match text.parse::<Timestamp>() {
            Ok(time) => time,
            Err(_) => in_named_zone(text)?,
        },
    };
    Timestamp::from_microsecond(found.as_microsecond()).map_err(|error| error.to_string())
}

/// T as a person gives it: the time, or a file that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupTime {
    /// The time.
    At(Timestamp),
    /// `FILE` or `FILE#NAME`, as it was written after the `@`.
    In(String),
}

/// A time, or `@FILE`. Digits alone after the `@` are seconds since 1970.
pub(super) fn backup_time(text: &str) -> Result<BackupTime, String> {
    match text.trim().strip_prefix('@') {
        Some(file) if file.contains(|c: char| !c.is_ascii_digit() && c != '-') => Ok(BackupTime::In(file.to_owned())),
        _ => time(text).map(BackupTime::At),
    }
}

fn bad_zone(error: jiff::Error) -> String {
    format!("its time zone cannot be taken: {error}")
}

/// A time after an `@`, as `date +%s` prints it.
fn seconds_since_1970(text: &str) -> Result<Timestamp, String> {
    let seconds =
        text.parse::<i64>().map_err(|_| "expected seconds since 1970 after the @, such as @1763604000".to_owned())?;
    Timestamp::from_second(seconds).map_err(|_| "it is out of range".to_owned())
}

/// A length of time before now, such as `8 days`, `2h 30m`; a day is 24 hours.
fn long_ago(length: &str) -> Result<Timestamp, String> {
    Timestamp::now().checked_sub(duration::parse(length)?).map_err(|_| "it is too long ago".to_owned())
}

/// A date and a time of day, and after a space the name of a zone. A time that its zone has twice, or never, is refused.
fn in_named_zone(text: &str) -> Result<Timestamp, String> {
    if let Some((time, zone)) = text.rsplit_once(' ')
        && let Ok(time) = time.trim().parse::<DateTime>()
        && zone.starts_with(|first: char| first.is_ascii_alphabetic())
    {
        let zone = TimeZone::get(zone).map_err(bad_zone)?;
        let time = zone.to_ambiguous_timestamp(time).unambiguous();
        return time.map_err(|_| "its zone has this time twice, or not at all, since clocks were put forward or back: write it with an offset, such as +01:00".to_owned());
    }
    match text.parse::<DateTime>() {
        Ok(time) => Err(format!("it has no time zone: write {time}Z for UTC, {time}+01:00, or '{time} Europe/Berlin'")),
        Err(_) => Err(TIME_FORMS.to_owned()),
    }
}

/// A length of time; a day is 24 hours.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    duration::parse(text)
}

/// How long files of a kind are kept, such as `artifact=30 days`.
pub(super) fn kept_for(text: &str) -> Result<(String, SignedDuration), String> {
    let (kind, length) = text
        .split_once('=')
        .filter(|(kind, _)| !kind.is_empty())
        .ok_or("expected KIND=DURATION, such as artifact=30d")?;
    Ok((kind.to_owned(), duration(length)?))
}

/// A length of time, which may be nothing.
pub(super) fn duration_or_zero(text: &str) -> Result<SignedDuration, String> {
    duration::parse_or_zero(text)
}

/// A length of time to wait.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    duration(text)?.try_into().map_err(|_| "it is too long".to_owned())
}

/// What a check may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// So many builds may contradict the two times.
    TimesContradicted(u64),
    /// So many more builds may be gone than were sent.
    Collateral(u64),
}

/// What a check of a deletion may find.
pub(super) fn allowance(text: &str) -> Result<Allowed, String> {
    let allowed = text.split_once('=').and_then(|(check, number)| {
        let number = number.trim().parse().ok()?;
        match check {
            "times-contradicted" => Some(Allowed::TimesContradicted(number)),
            "collateral" => Some(Allowed::Collateral(number)),
            _ => None,
        }
    });
    allowed.ok_or_else(|| "expected times-contradicted=N or collateral=N, such as times-contradicted=3".to_owned())
}

/// How many a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let slowest = 1.0 / 3600.0;
    let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite());
    rate.filter(|rate| *rate >= slowest).ok_or_else(|| "expected how many a second, such as 5 or 0.5".to_owned())
}

/// A limit on a number of builds.
pub(super) fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("it must be 1 or more; without --execute nothing is deleted in any case".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("expected a number of builds, such as 100".to_owned()),
    }
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
    fn a_time_is_taken_as_people_write_it() {
        let expected: Timestamp = "2026-11-20T02:00:00Z".parse().expect("a time");
        for text in [
            "@1795140000",
            "2026-11-20 03:00 Europe/Berlin",
            "2026-11-20T03:00:00 Europe/Berlin",
            " 2026-11-20 02:00:00 UTC ",
            "2026-11-19 21:00 America/New_York",
        ] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for (text, ago) in [("8 days ago", 8 * 86_400), ("2h 30m ago", 9_000), ("1 hour ago", 3_600)] {
            let before = Timestamp::now();
            let then = time(text).expect(text) + SignedDuration::from_secs(ago);
            assert!(
                (before.as_microsecond()..=Timestamp::now().as_microsecond()).contains(&then.as_microsecond()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_that_may_be_another_is_refused() {
        for (text, expected) in [
            // Clocks were put back, and forward.
            ("2026-10-25 02:30 Europe/Berlin", "twice, or not at all"),
            ("2026-03-29 02:30 Europe/Berlin", "twice, or not at all"),
            ("2026-11-20 02:00 Europe/Berlim", "time zone cannot be taken"),
            ("2026-11-20 02:00", "no time zone"),
            ("2026-11-20", "no time zone"),
            ("02:00 UTC", "expected a time with a zone"),
            ("@yesterday", "seconds since 1970"),
            ("@99999999999999999", "out of range"),
            ("-8 days ago", "negative"),
            ("days ago", "expected"),
            ("1 year ago", "expected a length of time"),
            ("", "expected a time with a zone"),
        ] {
            let why = time(text).expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".*", number in "[0-9]{1,25}", zone in "[A-Za-z/_]{0,12}") {
            let _ = (time(&text), time(&format!("@{number}")), time(&format!("{number} days ago")));
            let _ = time(&format!("2026-11-20 02:00 {zone}"));
        }
    }

    #[test]
    fn a_backup_time_may_stand_in_a_file() {
        for file in ["snapshots.json", "./1795140000", "-a", "a.json#snap-1", "2026-11-20.log"] {
            assert_eq!(backup_time(&format!("@{file}")), Ok(BackupTime::In(file.to_owned())));
        }
        let expected: Timestamp = "2026-11-20T02:00:00Z".parse().expect("a time");
        for text in ["@1795140000", "2026-11-20T02:00:00Z"] {
            assert_eq!(backup_time(text), Ok(BackupTime::At(expected)));
        }
        assert!(backup_time("@").is_err() && backup_time("@-").is_err());
    }

    #[test]
    fn an_allowance_names_its_check() {
        assert_eq!(allowance("times-contradicted=3"), Ok(Allowed::TimesContradicted(3)));
        assert_eq!(allowance("collateral=2"), Ok(Allowed::Collateral(2)));
        for text in ["3", "times-contradicted", "times-contradicted=", "times-contradicted=-1", "stuck-running=2"] {
            assert!(allowance(text).is_err(), "{text}");
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
