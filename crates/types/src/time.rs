//! Instants, and the clock that hands them out.

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch; values outside the years 1 to 9999 are moved to the nearest end.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < MILLIS_MIN {
            Self(MILLIS_MIN)
        } else if millis > MILLIS_MAX {
            Self(MILLIS_MAX)
        } else {
            Self(millis)
        }
    }

    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Seconds since the epoch with their fraction, as timestamps stand in JSON answers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of the years 1 to 9999 fit in 53 bits")]
    pub fn seconds_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The instant that many seconds later (or earlier, if negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// `2025-06-01T12:00:00Z`.
    #[must_use]
    pub fn iso8601(self) -> String {
        self.digits(("-", "T", ":", "Z"))
    }

    /// `20250601T120000Z`, the basic form that request signatures use.
    #[must_use]
    pub fn iso8601_basic(self) -> String {
        self.digits(("", "T", "", "Z"))
    }

    /// `20250601`.
    #[must_use]
    pub fn date_basic(self) -> String {
        let mut text = self.iso8601_basic();
        text.truncate(DATE_BASIC_LEN);
        text
    }

    /// `Sun, 01 Jun 2025 12:00:00 GMT`, the form of HTTP (RFC 9110 section 5.6.7).
    #[must_use]
    pub fn http_date(self) -> String {
        self.format(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
    }

    /// `May 21, 2025, 5:47:45 AM`, the form of dates inside audit records' parameters.
    #[must_use]
    pub fn audit_text(self) -> String {
        self.format(format_description!(
            "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
        ))
    }

    /// Reads the form that [`Timestamp::iso8601_basic`] writes; none for any other.
    #[must_use]
    pub fn from_iso8601_basic(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        if date.len() != DATE_BASIC_LEN || time.len() != TIME_BASIC_LEN {
            return None;
        }
        let number = |text: &str| -> Option<u16> {
            text.bytes()
                .try_fold(0, |sum: u16, digit| digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0')))
        };
        let part = |text: &str, at: usize| u8::try_from(number(text.get(at..at + 2)?)?).ok();
        let month = Month::try_from(part(date, 4)?).ok()?;
        let date = Date::from_calendar_date(number(date.get(..4)?)?.into(), month, part(date, 6)?).ok()?;
        let moment = date.with_hms(part(time, 0)?, part(time, 2)?, part(time, 4)?).ok()?;
        Some(Self::from_seconds(moment.assume_utc().unix_timestamp()))
    }

    /// Reads the form that [`Timestamp::http_date`] writes; none for any other.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let format =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let parsed = time::PrimitiveDateTime::parse(text, format).ok()?;
        Some(Self::from_seconds(parsed.assume_utc().unix_timestamp()))
    }

    /// The parts in decimal digits: every record and every signature has some, so they are written without a template.
    fn digits(self, (in_date, behind_date, in_time, end): (&str, &str, &str, &str)) -> String {
        let moment = self.moment();
        let year = u16::try_from(moment.year()).unwrap_or_default();
        let (century, year) = (year / 100, year % 100);
        let mut text = String::with_capacity(ISO8601_LEN);
        for (number, behind) in [
            (century, ""),
            (year, in_date),
            (u8::from(moment.month()).into(), in_date),
            (moment.day().into(), behind_date),
            (moment.hour().into(), in_time),
            (moment.minute().into(), in_time),
            (moment.second().into(), end),
        ] {
            for digit in [number / 10, number % 10] {
                text.push(char::from_digit(digit.into(), 10).unwrap_or('0'));
            }
            text.push_str(behind);
        }
        text
    }

    fn moment(self) -> OffsetDateTime {
        // Every value is in the calendar's range; the epoch stands for the impossible.
        OffsetDateTime::from_unix_timestamp(self.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn format(self, format: &[BorrowedFormatItem<'_>]) -> String {
        self.moment().format(format).unwrap_or_default()
    }
}

/// The only source of the present.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

const DATE_BASIC_LEN: usize = 8;
const TIME_BASIC_LEN: usize = 6;
const ISO8601_LEN: usize = 20;
const MILLIS_MIN: i64 = -62_135_596_800_000;
const MILLIS_MAX: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let instant = Timestamp::from_millis(1_747_806_465_123);
        assert_eq!(instant.iso8601(), "2025-05-21T05:47:45Z");
        assert_eq!(instant.iso8601_basic(), "20250521T054745Z");
        assert_eq!(instant.date_basic(), "20250521");
        assert_eq!(instant.http_date(), "Wed, 21 May 2025 05:47:45 GMT");
        assert_eq!(instant.audit_text(), "May 21, 2025, 5:47:45 AM");
        assert_eq!(Timestamp::from_iso8601_basic("20250521T054745Z").unwrap().seconds(), instant.seconds());
        assert_eq!(Timestamp::from_http_date("Wed, 21 May 2025 05:47:45 GMT").unwrap().seconds(), instant.seconds());
        for wrong in [
            "20251321T054745Z",
            "20250230T054745Z",
            "20250521T244745Z",
            "20250521T054760Z",
            "20250521T054745",
            "20250521 054745Z",
            "2025521T054745Z",
            "+2025521T054745Z",
            "2025-521T054745Z",
            "2025052éT054745Z",
            "",
        ] {
            assert_eq!(Timestamp::from_iso8601_basic(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn stays_in_the_calendar() {
        assert_eq!(Timestamp::from_millis(i64::MAX).iso8601(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).iso8601(), "0001-01-01T00:00:00Z");
    }
}
