//! Schedules as cron writes them: minute, hour, day of month, month, day of week.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// No schedule that ever comes is further apart.
const YEARS: i64 = 5;
/// A schedule that was missed more often than this is looked at from its end.
const MISSED: usize = 1000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Where neither is `*`, one of the two days is enough.
    any_day: bool,
    every: Option<SignedDuration>,
    zone: TimeZone,
}

impl Schedule {
    pub fn parse(text: &str, zone: &str) -> Option<Self> {
        let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).ok()? };
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let mut schedule =
            Self { minutes: 0, hours: 0, days: 0, months: 0, weekdays: 0, any_day: false, every: None, zone };
        if let Some(every) = text.strip_prefix("@every ") {
            let every: SignedDuration = every.parse().ok()?;
            schedule.every = Some(every.max(SignedDuration::from_secs(1)));
            return Some(schedule);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return None };
        schedule.minutes = field(minutes, 0, 59, &[])?;
        schedule.hours = field(hours, 0, 23, &[])?;
        schedule.days = field(days, 1, 31, &[])?;
        schedule.months = field(months, 1, 12, MONTHS)?;
        schedule.weekdays = field(weekdays, 0, 7, DAYS)?;
        if schedule.weekdays & 1 << 7 != 0 {
            schedule.weekdays |= 1;
        }
        let is_any = |field: &str| field.starts_with(['*', '?']);
        schedule.any_day = !is_any(days) && !is_any(weekdays);
        Some(schedule)
    }

    fn is_on(&self, day: DateTime) -> bool {
        let has = |set: u64, at: i8| set & (1 << at) != 0;
        let of_month = has(self.days, day.day());
        let of_week = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        has(self.months, day.month()) && if self.any_day { of_month || of_week } else { of_month && of_week }
    }

    /// The first time after `after`.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if let Some(every) = self.every {
            return Some(after + every);
        }
        let start = after.to_zoned(self.zone.clone()).datetime();
        let mut at =
            start.with().second(0).subsec_nanosecond(0).build().ok()?.checked_add(1.minute()).ok()?;
        let end = start.checked_add(YEARS.years()).ok()?;
        while at < end {
            if !self.is_on(at) {
                at = at.with().hour(0).minute(0).build().ok()?.checked_add(1.day()).ok()?;
            } else if self.hours & (1 << at.hour()) == 0 {
                at = at.with().minute(0).build().ok()?.checked_add(1.hour()).ok()?;
            } else if self.minutes & (1 << at.minute()) == 0 {
                at = at.checked_add(1.minute()).ok()?;
            } else {
                let found = at.to_zoned(self.zone.clone()).ok()?.timestamp();
                if found > after {
                    return Some(found);
                }
                at = at.checked_add(1.minute()).ok()?;
            }
        }
        None
    }

    /// The last time after `since` that has come.
    pub fn last_between(&self, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let mut found = None;
        let mut at = since;
        for _ in 0..MISSED {
            match self.next_after(at) {
                Some(next) if next <= now => {
                    found = Some(next);
                    at = next;
                }
                _ => break,
            }
        }
        found
    }
}

/// `*`, `*/5`, `1-5`, `1,2,mon-fri/2` as a set of bits.
fn field(text: &str, least: u64, most: u64, names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| *name == lower).map(|at| at as u64 + least.min(1));
        named.or_else(|| text.parse().ok()).filter(|number| (least..=most).contains(number))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        for at in (from..=to).step_by(step.unwrap_or(1)) {
            set |= 1 << at;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, after: &str) -> String {
        let schedule = Schedule::parse(text, "UTC").expect(text);
        schedule.next_after(after.parse().expect(after)).map(|at| at.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_next_time_of_a_schedule() {
        let now = "2026-01-01T10:07:30Z"; // a Thursday
        for (text, want) in [
            ("* * * * *", "2026-01-01T10:08:00Z"),
            ("*/15 * * * *", "2026-01-01T10:15:00Z"),
            ("0 3 * * mon-fri", "2026-01-02T03:00:00Z"),
            ("30 10 * * 7", "2026-01-04T10:30:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 0 13 * 5", "2026-01-02T00:00:00Z"),
            ("@monthly", "2026-02-01T00:00:00Z"),
            ("@every 90s", "2026-01-01T10:09:00Z"),
            ("0 0 31 2 *", ""),
        ] {
            assert_eq!(next(text, now), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "*/0 * * * *", "a * * * *", "@never"] {
            assert_eq!(Schedule::parse(text, "UTC"), None, "{text}");
        }
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let schedule = Schedule::parse("0 * * * *", "UTC").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let last = schedule.last_between(at("2026-01-01T10:07:30Z"), at("2026-01-01T13:30:00Z"));
        assert_eq!(last, Some(at("2026-01-01T13:00:00Z")));
        assert_eq!(schedule.last_between(at("2026-01-01T10:07:30Z"), at("2026-01-01T10:08:00Z")), None);
    }
}
