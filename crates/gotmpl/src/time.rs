//! Go's time: instants with a zone, layouts both ways, durations.

mod duration;
mod parse;

pub(crate) use duration::{duration_text, parse_duration};
pub use parse::date_problem;
pub(crate) use parse::{parse, readable};

/// Where an instant is told.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    /// A zone with rules.
    Rules(jiff::tz::TimeZone),
    /// An offset in seconds, and its name, which may be empty.
    Fixed { name: String, offset: i64 },
}

impl Zone {
    pub(crate) fn utc() -> Self {
        Self::Fixed { name: "UTC".to_owned(), offset: 0 }
    }

    /// The name and the offset at an instant.
    fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Fixed { name, offset } => (name.clone(), *offset),
            Self::Rules(zone) => match jiff::Timestamp::from_second(seconds) {
                Ok(instant) => {
                    let told = zone.to_offset_info(instant);
                    (told.abbreviation().to_owned(), i64::from(told.offset().seconds()))
                }
                Err(_) => ("UTC".to_owned(), 0),
            },
        }
    }
}

/// An instant told in a zone.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    pub seconds: i64,
    pub nanos: u32,
    pub zone: Zone,
}

/// The civil reading of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub weekday: i64,
    pub year_day: i64,
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Days from 1970-01-01 to a civil day.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds of a civil time that is told at no offset. Months may lie outside a year.
pub(crate) fn seconds_of(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let days = days_from_civil(year, month, 1) + day - 1;
    days * 86_400 + hour * 3600 + minute * 60 + second
}

impl Time {
    /// Go's zero time.
    pub(crate) fn zero() -> Self {
        Self { seconds: -62_135_596_800, nanos: 0, zone: Zone::utc() }
    }

    pub(crate) fn of(now: &jiff::Zoned) -> Self {
        let instant = now.timestamp();
        let nanos = instant.as_nanosecond();
        Self {
            seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(0),
            nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0),
            zone: Zone::Rules(now.time_zone().clone()),
        }
    }

    pub(crate) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.zone.at(self.seconds).1);
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_from_civil(year, 1, 1) + 1,
        }
    }

    pub(crate) fn offset(&self) -> (String, i64) {
        self.zone.at(self.seconds)
    }

    /// The instant `nanos` later.
    pub(crate) fn add(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(1_000_000_000);
        Self {
            seconds: self
                .seconds
                .saturating_add(nanos.div_euclid(1_000_000_000))
                .saturating_add(total / 1_000_000_000),
            nanos: u32::try_from(total % 1_000_000_000).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// Nanoseconds since `other`, cut to what a duration holds.
    pub(crate) fn since(&self, other: &Self) -> i64 {
        let nanos = (i128::from(self.seconds) - i128::from(other.seconds)) * 1_000_000_000
            + i128::from(self.nanos)
            - i128::from(other.nanos);
        i64::try_from(nanos).unwrap_or(if nanos > 0 { i64::MAX } else { i64::MIN })
    }

    /// `2006-01-02 15:04:05.999999999 -0700 MST`
    pub(crate) fn to_text(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    pub(crate) fn format(&self, layout: &str) -> String {
        let civil = self.civil();
        let (name, offset) = self.offset();
        let mut out = String::new();
        let mut rest = layout;
        while let Some((before, piece, after)) = next_piece(rest) {
            out.push_str(before);
            write_piece(&mut out, piece, &civil, self.nanos, &name, offset);
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// A part of a layout that stands for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// Its text: `Z0700`, `-07:00` and the like.
    Offset(&'a str),
    /// `.000` or `.999`: the mark, the letter, the count.
    Fraction(char, char, usize),
}

const PLAIN: [(&str, Piece<'static>); 26] = [
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekday),
    ("Mon", Piece::Weekday),
    ("MST", Piece::ZoneName),
    ("01", Piece::ZeroMonth),
    ("002", Piece::ZeroYearDay),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2006", Piece::LongYear),
    ("2", Piece::Day),
    ("__2", Piece::UnderYearDay),
    ("_2", Piece::UnderDay),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::UpperPm),
    ("pm", Piece::LowerPm),
    ("_2006", Piece::LongYear),
    ("\u{0}", Piece::Day),
    ("\u{0}", Piece::Day),
];

const OFFSETS: [&str; 10] =
    ["-07:00:00", "-070000", "-07:00", "-0700", "-07", "Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07"];

/// What stands before the first piece of a layout, the piece, and what follows.
fn next_piece(layout: &str) -> Option<(&str, Piece<'_>, &str)> {
    for (at, character) in layout.char_indices() {
        let rest = &layout[at..];
        let before = &layout[..at];
        if let Some(after) = rest.strip_prefix("_2006") {
            // The underscore belongs to the text.
            return Some((&layout[..=at], Piece::LongYear, after));
        }
        if character == 'J' || character == 'M' {
            let found = PLAIN[..5].iter().find(|(text, _)| rest.starts_with(text));
            if let Some((text, piece)) = found {
                // `Jan` and `Mon` only where no lower letter follows.
                let goes_on = rest[text.len()..].starts_with(|c: char| c.is_ascii_lowercase());
                if text.len() > 3 || *text == "MST" || !goes_on {
                    return Some((before, *piece, &rest[text.len()..]));
                }
            }
            continue;
        }
        if character == '-' || character == 'Z' {
            if let Some(text) = OFFSETS.iter().find(|text| rest.starts_with(**text)) {
                return Some((before, Piece::Offset(&rest[..text.len()]), &rest[text.len()..]));
            }
            continue;
        }
        if (character == '.' || character == ',') && rest.len() > 1 {
            let letter = rest.as_bytes()[1];
            if letter == b'0' || letter == b'9' {
                let count = rest.as_bytes()[1..].iter().take_while(|&&b| b == letter).count();
                let follows = rest.as_bytes().get(1 + count).is_some_and(u8::is_ascii_digit);
                if !follows {
                    let piece = Piece::Fraction(character, char::from(letter), count);
                    return Some((before, piece, &rest[1 + count..]));
                }
            }
            continue;
        }
        if matches!(character, '0'..='5' | 'P' | 'p' | '_')
            && let Some((text, piece)) = PLAIN[5..24].iter().find(|(text, _)| rest.starts_with(text))
        {
            return Some((before, *piece, &rest[text.len()..]));
        }
    }
    None
}

fn write_offset(out: &mut String, text: &str, offset: i64) {
    if text.starts_with('Z') && offset == 0 {
        out.push('Z');
        return;
    }
    out.push(if offset < 0 { '-' } else { '+' });
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let colon = if text.contains(':') { ":" } else { "" };
    out.push_str(&format!("{hours:02}"));
    if text.len() > 3 {
        out.push_str(&format!("{colon}{minutes:02}"));
    }
    if text.len() >= 7 && !matches!(text, "-07:00" | "Z07:00") {
        out.push_str(&format!("{colon}{seconds:02}"));
    }
}

fn write_piece(out: &mut String, piece: Piece<'_>, civil: &Civil, nanos: u32, name: &str, offset: i64) {
    let month = MONTHS[usize::try_from(civil.month - 1).unwrap_or(0)];
    let day = DAYS[usize::try_from(civil.weekday).unwrap_or(0)];
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    match piece {
        Piece::LongMonth => out.push_str(month),
        Piece::Month => out.push_str(&month[..3]),
        Piece::NumMonth => out.push_str(&civil.month.to_string()),
        Piece::ZeroMonth => out.push_str(&format!("{:02}", civil.month)),
        Piece::LongWeekday => out.push_str(day),
        Piece::Weekday => out.push_str(&day[..3]),
        Piece::Day => out.push_str(&civil.day.to_string()),
        Piece::UnderDay => out.push_str(&format!("{:2}", civil.day)),
        Piece::ZeroDay => out.push_str(&format!("{:02}", civil.day)),
        Piece::UnderYearDay => out.push_str(&format!("{:3}", civil.year_day)),
        Piece::ZeroYearDay => out.push_str(&format!("{:03}", civil.year_day)),
        Piece::Hour => out.push_str(&format!("{:02}", civil.hour)),
        Piece::Hour12 => out.push_str(&hour12.to_string()),
        Piece::ZeroHour12 => out.push_str(&format!("{hour12:02}")),
        Piece::Minute => out.push_str(&civil.minute.to_string()),
        Piece::ZeroMinute => out.push_str(&format!("{:02}", civil.minute)),
        Piece::Second => out.push_str(&civil.second.to_string()),
        Piece::ZeroSecond => out.push_str(&format!("{:02}", civil.second)),
        Piece::LongYear => out.push_str(&if civil.year < 0 {
            format!("-{:04}", -civil.year)
        } else {
            format!("{:04}", civil.year)
        }),
        Piece::Year => out.push_str(&format!("{:02}", civil.year.abs() % 100)),
        Piece::UpperPm => out.push_str(if civil.hour >= 12 { "PM" } else { "AM" }),
        Piece::LowerPm => out.push_str(if civil.hour >= 12 { "pm" } else { "am" }),
        Piece::ZoneName if !name.is_empty() => out.push_str(name),
        Piece::ZoneName => write_offset(out, "-0700", offset),
        Piece::Offset(text) => write_offset(out, text, offset),
        Piece::Fraction(mark, letter, count) => {
            let all = format!("{nanos:09}");
            let mut digits: String = all.chars().chain(std::iter::repeat('0')).take(count).collect();
            if letter == '9' {
                digits.truncate(digits.trim_end_matches('0').len());
                if digits.is_empty() {
                    return;
                }
            }
            out.push(mark);
            out.push_str(&digits);
        }
    }
}
