//! Instants of Date operators: seconds since the epoch, or ISO 8601 in the form that the service reads leniently.
//!
//! Not here: a calendar of months; a day that its month does not have is counted on from the first, so that a stored
//! condition never becomes unreadable.
//! Invariant: what may be written can be read.
//! Source: "Date condition operators" of the IAM user guide; <https://www.w3.org/TR/NOTE-datetime>.

/// An instant, with nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// Reads an instant: a bare integer is seconds since the epoch, also if it looks like a year.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.contains(['t', 'T', '-']) {
            return iso8601(text);
        }
        digits(text).map(|seconds| Self { seconds, nanos: 0 })
    }
}

/// `[-]year[-month[-day]][Thour[:minute[:second[.fraction]]]][zone]`; a missing zone means UTC.
fn iso8601(text: &str) -> Option<Instant> {
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let days = days(date)?;
    let (clock, offset) = zone(time)?;
    let (seconds, nanos) = time_of_day(clock)?;
    let seconds = days.checked_mul(DAY_SECONDS)?.checked_add(seconds)?.checked_sub(offset)?;
    Some(Instant { seconds, nanos })
}

/// Days since the epoch.
fn days(date: &str) -> Option<i64> {
    let (sign, date) = date.strip_prefix('-').map_or((1, date), |date| (-1, date));
    let mut parts = date.split('-');
    let year = sign * digits(parts.next()?)?;
    let month = parts.next().map_or(Some(1), |text| within(text, 1, 12))?;
    let day = parts.next().map_or(Some(1), |text| within(text, 1, 31))?;
    if parts.next().is_some() || !(YEAR_MIN..=YEAR_MAX).contains(&year) {
        return None;
    }
    // Years begin in March here, so that the leap day is their last; eras are the 400 years after which days repeat.
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * ERA_DAYS + day_of_era - EPOCH_DAY)
}

/// Splits the zone from a time: the time, and the offset in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at_checked(at)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let zone = zone.get(1..)?;
    let (hours, minutes) = match zone.split_once(':') {
        Some(parts) => parts,
        None if zone.len() == 2 => (zone, "0"),
        None => zone.split_at_checked(2)?,
    };
    Some((clock, sign * (within(hours, 0, 23)? * 3600 + within(minutes, 0, 59)? * 60)))
}

/// Seconds since midnight, and nanoseconds. Digits beyond nanoseconds are cut off.
fn time_of_day(clock: &str) -> Option<(i64, u32)> {
    if clock.is_empty() {
        return Some((0, 0));
    }
    let mut parts = clock.split(':');
    let hour = within(parts.next()?, 0, 23)?;
    let minute = parts.next().map_or(Some(0), |text| within(text, 0, 59))?;
    let (second, fraction) = parts.next().map_or(("0", None), |text| match text.split_once('.') {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (text, None),
    });
    let second = within(second, 0, 59)?;
    if parts.next().is_some() {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(fraction) if !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit()) => {
            fraction.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |sum, b| sum * 10 + u32::from(b - b'0'))
        }
        Some(_) => return None,
    };
    Some((hour * 3600 + minute * 60 + second, nanos))
}

fn within(text: &str, min: i64, max: i64) -> Option<i64> {
    digits(text).filter(|number| (min..=max).contains(number))
}

/// Digits and nothing else, up to 2^63 - 1.
fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The years that a signed 64-bit number of milliseconds can reach.
const YEAR_MIN: i64 = -292_275_054;
const YEAR_MAX: i64 = 292_278_993;

const DAY_SECONDS: i64 = 86_400;
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        Instant::parse(text).map(|instant| instant.seconds)
    }

    #[test]
    fn forms() {
        for (text, expected) in [
            ("0", 0),
            ("2030", 2030),
            ("9223372036854775807", i64::MAX),
            ("1970-01-01", 0),
            ("2025-01", 1_735_689_600),
            ("2025-01-01", 1_735_689_600),
            ("2025-1-1t0:0:0z", 1_735_689_600),
            ("2025-01-01T01:00:00+01:00", 1_735_689_600),
            ("2024-12-31T19:30-0430", 1_735_689_600),
            ("2025-01-01T01+01", 1_735_689_600),
            ("2025-01-01T00:00", 1_735_689_600),
            (" 2025-01-01T00:00:00Z ", 1_735_689_600),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("2024-03-01T12:00:00Z", 1_709_294_400),
            ("2025-02-30", 1_740_873_600),
            ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn fractions_order_and_have_nine_digits() {
        let instant = |text| Instant::parse(text).unwrap();
        assert!(instant("2025-01-01T00:00:00.4Z") < instant("2025-01-01T00:00:00.500Z"));
        assert_eq!(instant("2025-01-01T00:00:00.1234567899Z").nanos, 123_456_789);
    }

    #[test]
    fn what_is_no_instant() {
        for text in [
            "",
            "tomorrow",
            "2030-13-01",
            "2030-00-01",
            "2030-01-32",
            "2030-01-01-01",
            "2030-01-01T24:00",
            "2030-01-01T00:60",
            "2030-01-01T00:00:60Z",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00+1",
            "2030-01-01T00:00:00+24:00",
            "9223372036854775808",
            "300000000-01-01",
            "1.5",
            "+5",
            "-",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
