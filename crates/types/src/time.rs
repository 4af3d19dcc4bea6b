//! Instants, and the clock that hands them out.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

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
        self.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
    }

    /// `20250601T120000Z`, the basic form that request signatures use.
    #[must_use]
    pub fn iso8601_basic(self) -> String {
        self.format(format_description!("[year][month][day]T[hour][minute][second]Z"))
    }

    /// `20250601`.
    #[must_use]
    pub fn date_basic(self) -> String {
        self.format(format_description!("[year][month][day]"))
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
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let parsed = time::PrimitiveDateTime::parse(text, format).ok()?;
        Some(Self::from_seconds(parsed.assume_utc().unix_timestamp()))
    }

    /// Reads the form that [`Timestamp::http_date`] writes; none for any other.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let format =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let parsed = time::PrimitiveDateTime::parse(text, format).ok()?;
        Some(Self::from_seconds(parsed.assume_utc().unix_timestamp()))
    }

    fn format(self, format: &[BorrowedFormatItem<'_>]) -> String {
        // Every value is in the calendar's range, so neither step fails; the epoch stands for the impossible.
        let moment = OffsetDateTime::from_unix_timestamp(self.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        moment.format(format).unwrap_or_default()
    }
}

/// The only source of the present.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

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
        assert_eq!(Timestamp::from_iso8601_basic("20251321T054745Z"), None);
    }

    #[test]
    fn stays_in_the_calendar() {
        assert_eq!(Timestamp::from_millis(i64::MAX).iso8601(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).iso8601(), "0001-01-01T00:00:00Z");
    }
}
