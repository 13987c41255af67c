//! Times, durations and numbers of a page or a ticket.

use jiff::{SignedDuration, Timestamp};

pub(super) use crate::text::{builds, grouped};

/// A time in UTC, to the second.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration in its two largest units.
pub(super) fn length(length: SignedDuration) -> String {
    let seconds = length.as_secs().unsigned_abs();
    let (days, hours, minutes, rest) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let units = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")];
    let first = units.iter().position(|(number, _)| *number > 0).unwrap_or(units.len() - 1);
    let second = units.get(first + 1).filter(|(number, _)| *number > 0);
    let parts = units.get(first).into_iter().chain(second).map(|(number, unit)| format!("{} {unit}", grouped(*number)));
    parts.collect::<Vec<_>>().join(" ")
}

pub(super) fn signed(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            (signed(-1234), builds(1), builds(1000)),
            ("-1,234".to_owned(), "1 build".to_owned(), "1,000 builds".to_owned())
        );
        let of = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!((of(0), of(86_430)), ("0 s".to_owned(), "1 d".to_owned()));
        assert_eq!([of(59), of(60), of(3661), of(90_000)], ["59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
