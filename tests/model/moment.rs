//! Times as PostgreSQL knows them: microseconds, two infinities, and years that the report has no digits for.

use std::fmt;

/// Microseconds since 1970 in UTC; the least and the greatest number are the infinities, so that numbers compare as
/// PostgreSQL compares times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

pub const MICROSECOND: i64 = 1;
pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// When the backup was taken.
pub const T: Moment = Moment::of(2026, 11, 20, 2 * HOUR);
/// When the server came back.
pub const R: Moment = Moment::of(2026, 11, 20, 6 * HOUR + 30 * MINUTE);

impl Moment {
    pub const INFINITY: Self = Self(i64::MAX);
    pub const MINUS_INFINITY: Self = Self(i64::MIN);

    /// A day of the Gregorian calendar (year 0 is 1 BC) and the microseconds since its midnight.
    pub const fn of(year: i64, month: i64, day: i64, micros: i64) -> Self {
        // Years begin in March here, so that the leap day comes last.
        let year = if month > 2 { year } else { year - 1 };
        let days_before = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days =
            365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + days_before - 719_468;
        Self(days * 24 * HOUR + micros)
    }

    /// Now, by this machine's clock.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// When the tests began: what is made up lies hours or minutes away from now by this.
    pub fn base() -> Self {
        static BASE: std::sync::LazyLock<Moment> = std::sync::LazyLock::new(Moment::now);
        *BASE
    }

    /// The microseconds since 1970 that PostgreSQL prints.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time in a report's cell.
    pub fn read(cell: &str) -> Self {
        let time: jiff::Timestamp = cell.parse().unwrap_or_else(|error| panic!("{cell:?} is no time: {error}"));
        Self(time.as_microsecond())
    }

    /// Infinity stays what it is.
    pub fn plus(self, micros: i64) -> Self {
        if self.is_infinite() { self } else { Self(self.0 + micros) }
    }

    /// How long after another time this one is. Both are finite.
    pub fn since(self, other: Self) -> i64 {
        self.0 - other.0
    }

    pub fn is_infinite(self) -> bool {
        self == Self::INFINITY || self == Self::MINUS_INFINITY
    }

    /// Whether it is on record: anything up to the first instant of 2000 or later than 10 minutes from now is no time.
    pub fn is_on_record(self, now: Self) -> bool {
        Self::of(2000, 1, 1, 0) < self && !self.is_in_future(now)
    }

    /// Whether it lies in the future, beyond the 10 minutes that are allowed for.
    pub fn is_in_future(self, now: Self) -> bool {
        self > now.plus(10 * MINUTE)
    }
}

/// As PostgreSQL reads it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_infinite() {
            return f.write_str(if *self == Self::INFINITY { "infinity" } else { "-infinity" });
        }
        let (days, micros) = (self.0.div_euclid(24 * HOUR), self.0.rem_euclid(24 * HOUR));
        // The year by trial: slow, plain, and not the inverse of the arithmetic above.
        let mut year = 1970 + days.div_euclid(365);
        while Self::of(year, 1, 1, 0) > *self {
            year -= 1;
        }
        while Self::of(year + 1, 1, 1, 0) <= *self {
            year += 1;
        }
        let month = (1..=12).rev().find(|month| Self::of(year, *month, 1, 0) <= *self).unwrap_or(1);
        let day = 1 + days - Self::of(year, month, 1, 0).0.div_euclid(24 * HOUR);
        let (shown, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
        write!(f, "{shown:04}-{month:02}-{day:02} ")?;
        write!(f, "{:02}:{:02}:{:02}", micros / HOUR, micros % HOUR / MINUTE, micros % MINUTE / SECOND)?;
        match micros % SECOND {
            0 => {}
            rest => write!(f, ".{rest:06}")?,
        }
        write!(f, "+00{era}")
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn moments_are_written_as_they_are_meant() {
    assert_eq!(T.to_string(), "2026-11-20 02:00:00+00");
    assert_eq!(Moment::read("2026-11-20T02:00:00Z"), T);
    assert_eq!(R.plus(-MICROSECOND).to_string(), "2026-11-20 06:29:59.999999+00");
    assert_eq!(Moment::of(1, 1, 1, 0).plus(-MICROSECOND).to_string(), "0001-12-31 23:59:59.999999+00 BC");
    assert_eq!(Moment::of(20_000, 2, 29, 0).to_string(), "20000-02-29 00:00:00+00");
    assert_eq!(Moment::of(9999, 12, 31, 0).to_string(), "9999-12-31 00:00:00+00");
}
