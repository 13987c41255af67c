//! Times as PostgreSQL and the clouds write them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Where the time before which nothing is on record lies, in seconds since 1970: the year 2000.
const FIRST_SECOND: i64 = 946_684_800;

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFault {
    /// It is none.
    NoTime,
    /// Its zone has a name that says too little.
    Zone(String),
}

/// A time such as `2026-11-20T02:00:00.000Z`, to the microsecond.
pub(super) fn rfc3339(text: &str) -> Option<Timestamp> {
    text.parse().ok().and_then(on_record)
}

/// A number of seconds since 1970.
pub(super) fn seconds(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok().and_then(on_record)
}

/// To the microsecond, as PostgreSQL keeps times; `None` before the year 2000, where no backup was taken.
fn on_record(time: Timestamp) -> Option<Timestamp> {
    Timestamp::from_microsecond(time.as_microsecond()).ok().filter(|time| time.as_second() >= FIRST_SECOND)
}

/// A time at the begin of a text, such as `2026-11-20 02:00:00.123 UTC`, `2026-11-20 02:00:00+00`. `zone` is the zone that was named for
/// it, where its own name for it says too little.
pub(super) fn at_begin(text: &str, zone: Option<&TimeZone>) -> Result<Timestamp, TimeFault> {
    let (time, word) = split(text).ok_or(TimeFault::NoTime)?;
    let time: DateTime = time.parse().map_err(|_| TimeFault::NoTime)?;
    let found = match (offset(word), zone) {
        (Some(offset), _) => offset.to_timestamp(time).ok(),
        (None, Some(zone)) => Some(in_zone(time, word, zone).ok_or_else(|| TimeFault::Zone(word.to_owned()))?),
        (None, None) if word.is_empty() => None,
        (None, None) => return Err(TimeFault::Zone(word.to_owned())),
    };
    found.and_then(on_record).ok_or(TimeFault::NoTime)
}

/// The first time of a line, if there is one.
pub(super) fn first_of(line: &str, zone: Option<&TimeZone>) -> Result<Timestamp, TimeFault> {
    let begins = |(place, c): (usize, char)| {
        let begins_a_number = !line[..place].ends_with(|c: char| c.is_ascii_digit());
        (c.is_ascii_digit() && begins_a_number).then_some(place)
    };
    let places = line.char_indices().filter_map(begins);
    let found = places.map(|place| at_begin(&line[place..], zone)).find(|found| *found != Err(TimeFault::NoTime));
    found.unwrap_or(Err(TimeFault::NoTime))
}

/// Where the last time of a line begins.
pub(super) fn last_place(line: &str) -> Option<usize> {
    line.char_indices().rev().map(|(place, _)| place).find(|place| split(&line[*place..]).is_some())
}

/// Whether a line ends with a time and the letters of its zone.
pub(super) fn ends(line: &str) -> bool {
    let last = last_place(line).map(|place| &line[place..]);
    last.is_some_and(|text| {
        split(text).is_some_and(|(time, zone)| !zone.is_empty() && text == format!("{time} {zone}"))
    })
}

/// The date with the time of day, and the word for the zone.
fn split(text: &str) -> Option<(&str, &str)> {
    let date = text.get(..10).filter(|date| date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))?;
    let rest = text.get(date.len()..).filter(|rest| rest.starts_with([' ', 'T']))?.get(1..)?;
    let length = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
    let (time, zone) = text.split_at(date.len() + 1 + length);
    let zone = zone.strip_prefix(' ').unwrap_or(zone);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':' | '/' | '_');
    let zone = &zone[..zone.find(|c| !is_part(c)).unwrap_or(zone.len())];
    // A colon is part of an offset, and ends a name: `UTC:10.0.0.7(5432):`, as Amazon RDS writes its logs.
    let zone = if zone.starts_with(char::is_alphabetic) { zone.split(':').next().unwrap_or_default() } else { zone };
    (length >= 8).then_some((time, zone))
}

/// What a word says that is plain.
fn offset(word: &str) -> Option<Offset> {
    if ["UTC", "GMT", "Z", "UCT", "Etc/UTC"].contains(&word) {
        return Some(Offset::UTC);
    }
    let sign = match word.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = word[1..].replace(':', "");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![2, 4, 6].contains(&digits.len()) {
        return None;
    }
    let part = |place: usize| digits.get(place..place + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60 + seconds)).ok()
}

/// The moment at which clocks of this zone show this time and call the zone so.
fn in_zone(time: DateTime, word: &str, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = || zone.to_ambiguous_timestamp(time);
    let is_named_so = |at: &Timestamp| zone.to_offset_info(*at).abbreviation() == word;
    [ambiguous().earlier().ok(), ambiguous().later().ok()].into_iter().flatten().find(is_named_so)
}

/// A length of time in words, in whole seconds.
pub(super) fn length(from: Timestamp, to: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(to.duration_since(from).abs().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn times_of_postgresql_are_read() {
        for (text, expected) in [
            ("2026-11-20 02:00:00 UTC", "2026-11-20T02:00:00Z"),
            ("2026-11-20 02:00:00.123 GMT [42] LOG", "2026-11-20T02:00:00.123Z"),
            ("2026-11-20 02:00:00.123456+00", "2026-11-20T02:00:00.123456Z"),
            ("2026-11-20 02:00:00 UTC::@:[5132]:LOG:", "2026-11-20T02:00:00Z"),
            ("2026-11-20 02:00:00 UTC:10.0.0.7(5432):ci@ci:[5132]:LOG:", "2026-11-20T02:00:00Z"),
            ("2026-11-20 02:00:00 +01", "2026-11-20T01:00:00Z"),
            ("2026-11-20 02:00:00-03:30, and more", "2026-11-20T05:30:00Z"),
            ("2026-11-20T02:00:00.123456789Z x", "2026-11-20T02:00:00.123456Z"),
        ] {
            assert_eq!(at_begin(text, None), Ok(at(expected)), "{text}");
        }
        assert_eq!(first_of("web-1 42 | 2026-11-20 02:00:00 UTC LOG:", None), Ok(at("2026-11-20T02:00:00Z")));
    }

    #[test]
    fn a_zone_has_to_be_named_where_its_letters_say_too_little() {
        let text = "2026-11-20 02:00:00 CET";
        assert_eq!(at_begin(text, None), Err(TimeFault::Zone("CET".to_owned())));
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        assert_eq!(at_begin(text, Some(&berlin)), Ok(at("2026-11-20T01:00:00Z")));
        // The name of the summer, in winter.
        assert!(matches!(at_begin("2026-11-20 02:00:00 CEST", Some(&berlin)), Err(TimeFault::Zone(_))));
        // The hour that there is twice has two names.
        for (word, expected) in [("CEST", "2026-10-25T00:30:00Z"), ("CET", "2026-10-25T01:30:00Z")] {
            assert_eq!(at_begin(&format!("2026-10-25 02:30:00 {word}"), Some(&berlin)), Ok(at(expected)));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20 02:00",
            "2026-13-20 02:00:00 UTC",
            "1970-01-01 00:00:00 UTC",
            "é026-11-20 02:00:00 UTC",
            "2026-11-20 02:00:00",
        ] {
            assert_eq!(at_begin(text, None), Err(TimeFault::NoTime), "{text}");
        }
        assert_eq!((seconds(0), seconds(i64::MAX), rfc3339("0001-01-01T00:00:00Z")), (None, None, None));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,60}", begin in "[0-9 :.TZ+-]{0,40}", zone in "[A-Z+:0-9/-]{0,9}") {
            let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
            for text in [text, begin, format!("2026-11-20 02:00:00 {zone}")] {
                let _ = (at_begin(&text, None), at_begin(&text, Some(&berlin)), first_of(&text, None), rfc3339(&text));
            }
        }
    }
}
