//! An exact percentage.

use std::fmt;
use std::str::FromStr;

/// The unit is a thousandth of a percent.
const PER_PERCENT: u32 = 1000;
/// The most decimals.
const DECIMALS: usize = 3;

/// More than 0 and at most 100 percent, in thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    pub const ALL: Self = Self(100 * PER_PERCENT);

    /// `None` for 0 and for more than 100.
    pub const fn from_whole(percent: u32) -> Option<Self> {
        if percent == 0 || percent > 100 { None } else { Some(Self(percent * PER_PERCENT)) }
    }

    /// Whether `part` is at most this percentage of `all`.
    pub fn covers(self, part: u64, all: u64) -> bool {
        u128::from(part) * u128::from(100 * PER_PERCENT) <= u128::from(all) * u128::from(self.0)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a number above 0 and up to 100, such as 5 or 12.5".to_owned();
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > DECIMALS {
            return Err(expected());
        }
        let whole: u32 = whole.parse().map_err(|_| expected())?;
        let part: u32 = format!("{part:0<DECIMALS$}").parse().map_err(|_| expected())?;
        let thousandths = whole.checked_mul(PER_PERCENT).and_then(|whole| whole.checked_add(part));
        match thousandths {
            Some(some @ 1..=100_000) => Ok(Self(some)),
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / PER_PERCENT, self.0 % PER_PERCENT);
        match part {
            0 => write!(f, "{whole}"),
            _ => f.write_str(format!("{whole}.{part:0>DECIMALS$}").trim_end_matches('0')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_exact() {
        let percent: Percent = "0.07".parse().expect("a percentage");
        assert!(
            percent.covers(7, 10_000) && !percent.covers(8, 10_000) && !percent.covers(1, 0) && percent.covers(0, 0)
        );
        assert!(Percent::ALL.covers(u64::MAX, u64::MAX));
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["5", "12.5", "0.001", "100", "99.999"] {
            assert_eq!(text.parse::<Percent>().expect(text).to_string(), text);
        }
        for text in ["0", "101", "100.001", "-1", "5%", "1e2", ".5", "5.", "0.0001", "", "NaN", "99999999999"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
