//! Go's time: instants with a zone, layouts both ways, durations.

use crate::error::Error;

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
        Piece::Year => out.push_str(&format!("{:02}", civil.year.rem_euclid(100))),
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

/// Quoted as Go's time does it: everything beyond ASCII by its bytes.
fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=0x7f => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Why a value does not fit its layout.
fn mismatch(layout: &str, value: &str, piece: &str, rest: &str, message: &str) -> Error {
    let text = if message.is_empty() {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(value.as_bytes()),
            quote(layout.as_bytes()),
            quote(rest.as_bytes()),
            quote(piece.as_bytes())
        )
    } else {
        format!("parsing time {}{message}", quote(value.as_bytes()))
    };
    Error::new(text)
}

/// One or two digits; with `fixed`, two.
fn take_number(text: &str, fixed: bool) -> Option<(i64, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if digits == 0 || fixed && digits == 1 {
        return None;
    }
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

fn take_name<'a>(text: &'a str, names: &[&str], length: Option<usize>) -> Option<(i64, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = length.map_or(*name, |length| &name[..length]);
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (index as i64, &text[name.len()..]))
    })
}

#[derive(Default)]
struct Read {
    year: i64,
    month: i64,
    day: i64,
    year_day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm_set: bool,
    am_set: bool,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
    out_of_range: &'static str,
}

/// Reads a fraction of a second of any length: its digits, and what follows.
fn take_fraction(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    if !text.starts_with(['.', ',']) || digits == 0 {
        return None;
    }
    let number: String = text[1..=digits].chars().chain(std::iter::repeat('0')).take(9).collect();
    Some((number.parse().ok()?, &text[1 + digits..]))
}

impl Read {
    fn piece<'v>(&mut self, piece: Piece<'_>, value: &'v str, layout_after: &str) -> Option<&'v str> {
        let mut rest = value;
        match piece {
            Piece::LongYear => {
                let digits = value.get(..4).filter(|year| year.bytes().all(|b| b.is_ascii_digit()))?;
                self.year = digits.parse().ok()?;
                rest = &value[4..];
            }
            Piece::Year => {
                let digits = value.get(..2).filter(|year| year.bytes().all(|b| b.is_ascii_digit()))?;
                let year: i64 = digits.parse().ok()?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                rest = &value[2..];
            }
            Piece::Month | Piece::LongMonth => {
                let length = (piece == Piece::Month).then_some(3);
                let (index, after) = take_name(value, &MONTHS, length)?;
                self.month = index + 1;
                rest = after;
            }
            Piece::NumMonth | Piece::ZeroMonth => {
                (self.month, rest) = take_number(value, piece == Piece::ZeroMonth)?;
                if self.month == 0 || self.month > 12 {
                    self.out_of_range = "month";
                }
            }
            Piece::Weekday => rest = take_name(value, &DAYS, Some(3))?.1,
            Piece::LongWeekday => rest = take_name(value, &DAYS, None)?.1,
            Piece::Day | Piece::UnderDay | Piece::ZeroDay => {
                if piece == Piece::UnderDay {
                    rest = value.strip_prefix(' ').unwrap_or(value);
                }
                (self.day, rest) = take_number(rest, piece == Piece::ZeroDay)?;
            }
            Piece::UnderYearDay | Piece::ZeroYearDay => {
                let mut head = value;
                if piece == Piece::UnderYearDay {
                    for _ in 0..2 {
                        head = head.strip_prefix(' ').unwrap_or(head);
                    }
                }
                let skipped = value.len() - head.len();
                let digits = head.get(..3 - skipped).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
                self.year_day = digits.parse().ok()?;
                rest = &head[3 - skipped..];
            }
            Piece::Hour => {
                (self.hour, rest) = take_number(value, false)?;
                if self.hour >= 24 {
                    self.out_of_range = "hour";
                }
            }
            Piece::Hour12 | Piece::ZeroHour12 => {
                (self.hour, rest) = take_number(value, piece == Piece::ZeroHour12)?;
                if self.hour > 12 {
                    self.out_of_range = "hour";
                }
            }
            Piece::Minute | Piece::ZeroMinute => {
                (self.minute, rest) = take_number(value, piece == Piece::ZeroMinute)?;
                if self.minute >= 60 {
                    self.out_of_range = "minute";
                }
            }
            Piece::Second | Piece::ZeroSecond => {
                (self.second, rest) = take_number(value, piece == Piece::ZeroSecond)?;
                if self.second >= 60 {
                    self.out_of_range = "second";
                }
                // A fraction is taken even where the layout has none.
                let next_is_fraction = matches!(next_piece(layout_after), Some(("", Piece::Fraction(..), _)));
                if !next_is_fraction && let Some((nanos, after)) = take_fraction(rest) {
                    self.nanos = nanos;
                    rest = after;
                }
            }
            Piece::UpperPm | Piece::LowerPm => {
                let (pm, am) = if piece == Piece::UpperPm { ("PM", "AM") } else { ("pm", "am") };
                if let Some(after) = value.strip_prefix(pm) {
                    self.pm_set = true;
                    rest = after;
                } else {
                    rest = value.strip_prefix(am)?;
                    self.am_set = true;
                }
            }
            Piece::Offset(text) => return self.offset(text, value),
            Piece::ZoneName => {
                if let Some(after) = value.strip_prefix("UTC") {
                    self.utc = true;
                    rest = after;
                } else {
                    let length = zone_name_length(value)?;
                    self.zone_name = Some(value[..length].to_owned());
                    rest = &value[length..];
                }
            }
            Piece::Fraction(_, '0', count) => {
                let (nanos, after) = take_fraction(value)?;
                if value.len() - after.len() != count + 1 {
                    return None;
                }
                self.nanos = nanos;
                rest = after;
            }
            Piece::Fraction(..) => {
                if let Some((nanos, after)) = take_fraction(value) {
                    self.nanos = nanos;
                    rest = after;
                }
            }
        }
        Some(rest)
    }

    fn offset<'v>(&mut self, text: &str, value: &'v str) -> Option<&'v str> {
        if text.starts_with('Z')
            && let Some(after) = value.strip_prefix('Z')
        {
            self.utc = true;
            return Some(after);
        }
        let sign = match value.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let shape = &text[1..];
        let told = value.get(1..=shape.len())?;
        let mut numbers = [0_i64; 3];
        let mut index = 0;
        let (mut shape, mut told) = (shape, told);
        while !shape.is_empty() {
            if shape.starts_with(':') {
                told = told.strip_prefix(':')?;
                shape = &shape[1..];
                continue;
            }
            let (number, after) = take_number(told, true)?;
            numbers[index] = number;
            index += 1;
            told = after;
            shape = &shape[2..];
        }
        if numbers[0] > 24 || numbers[1] > 60 || numbers[2] > 60 {
            self.out_of_range = "time zone offset hour";
        }
        self.offset = Some(sign * (numbers[0] * 3600 + numbers[1] * 60 + numbers[2]));
        Some(&value[text.len()..])
    }
}

/// Three or four capitals, or `GMT` with an offset, or a signed number.
fn zone_name_length(value: &str) -> Option<usize> {
    let bytes = value.as_bytes();
    if bytes.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(after) = value.strip_prefix("GMT") {
        let digits = after.bytes().skip(1).take(2).take_while(u8::is_ascii_digit).count();
        let signed = after.starts_with(['+', '-']) && digits > 0;
        return Some(if signed { 4 + digits } else { 3 });
    }
    if matches!(bytes[0], b'+' | b'-') {
        let digits = bytes[1..].iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        return (digits > 0).then_some(1 + digits);
    }
    let capitals = bytes.iter().take(6).take_while(|b| b.is_ascii_uppercase()).count();
    match capitals {
        5 if bytes[4] == b'T' => Some(5),
        4 if bytes[3] == b'T' || value.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// Go's ParseInLocation.
pub(crate) fn parse(layout: &str, value: &str, local: &Zone) -> Result<Time, Error> {
    let mut read = Read { month: -1, day: -1, year_day: -1, ..Read::default() };
    let (mut shape, mut rest) = (layout, value);
    loop {
        let (before, piece, after) = match next_piece(shape) {
            Some((before, piece, after)) => (before, Some(piece), after),
            None => (shape, None, ""),
        };
        rest = skip_text(rest, before).map_err(|held| mismatch(layout, value, before, held, ""))?;
        let Some(piece) = piece else { break };
        let piece_text = &shape[before.len()..shape.len() - after.len()];
        let held = rest;
        rest = read.piece(piece, rest, after).ok_or_else(|| mismatch(layout, value, piece_text, held, ""))?;
        if !read.out_of_range.is_empty() {
            return Err(mismatch(layout, value, "", "", &format!(": {} out of range", read.out_of_range)));
        }
        shape = after;
    }
    if !rest.is_empty() {
        return Err(mismatch(layout, value, "", "", &format!(": extra text: {}", quote(rest.as_bytes()))));
    }
    if read.pm_set && read.hour < 12 {
        read.hour += 12;
    } else if read.am_set && read.hour == 12 {
        read.hour = 0;
    }
    settle_day(&mut read, layout, value)?;
    let plain = seconds_of(read.year, read.month, read.day, read.hour, read.minute, read.second);
    let time = |seconds, zone| Ok(Time { seconds, nanos: read.nanos, zone });
    if read.utc {
        return time(plain, Zone::utc());
    }
    if let Some(offset) = read.offset {
        let seconds = plain - offset;
        // Where the local zone has that offset then, it is the local zone.
        let (name, local_offset) = local.at(seconds);
        if local_offset == offset && read.zone_name.as_ref().is_none_or(|told| *told == name) {
            return time(seconds, local.clone());
        }
        return time(seconds, Zone::Fixed { name: read.zone_name.unwrap_or_default(), offset });
    }
    if let Some(name) = read.zone_name {
        let (local_name, offset) = local.at(plain);
        if local_name == name {
            return time(plain - offset, local.clone());
        }
        let offset = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok()).unwrap_or(0) * 3600;
        return time(plain - offset, Zone::Fixed { name, offset });
    }
    let (_, guess) = local.at(plain);
    let (_, offset) = local.at(plain - guess);
    time(plain - offset, local.clone())
}

/// What follows `text`; where it does not fit, the value from there on.
fn skip_text<'v>(value: &'v str, text: &str) -> Result<&'v str, &'v str> {
    let mut value = value;
    let mut text = text;
    while let Some(character) = text.chars().next() {
        if character == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            text = text.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(character).ok_or(value)?;
        text = &text[character.len_utf8()..];
    }
    Ok(value)
}

fn settle_day(read: &mut Read, layout: &str, value: &str) -> Result<(), Error> {
    let wrong = |what: &str| Err(mismatch(layout, value, "", "", &format!(": {what}")));
    if read.year_day >= 0 {
        if read.year_day < 1 || read.year_day > 365 + i64::from(is_leap(read.year)) {
            return wrong("day-of-year out of range");
        }
        let (_, month, day) = civil_from_days(days_from_civil(read.year, 1, 1) + read.year_day - 1);
        if read.month >= 0 && read.month != month {
            return wrong("day-of-year does not match month");
        }
        if read.day >= 0 && read.day != day {
            return wrong("day-of-year does not match day");
        }
        (read.month, read.day) = (month, day);
        return Ok(());
    }
    if read.month < 0 {
        read.month = 1;
    }
    if read.day < 0 {
        read.day = 1;
    }
    if read.day < 1 || read.day > days_in(read.month, read.year) {
        return wrong("day out of range");
    }
    Ok(())
}

/// Go's ParseDuration, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, Error> {
    let invalid = || Error::new(format!("time: invalid duration {}", quote(text.as_bytes())));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        if !rest.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
            return Err(invalid());
        }
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u128 = if whole == 0 { 0 } else { rest[..whole].parse().map_err(|_| invalid())? };
        rest = &rest[whole..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let count = after.bytes().take_while(u8::is_ascii_digit).count();
            fraction = &after[..count];
            rest = &after[count..];
            if whole == 0 && count == 0 {
                return Err(invalid());
            }
        }
        let length = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let unit_text = &rest[..length];
        rest = &rest[length..];
        let unit: u128 = match unit_text {
            "" => {
                return Err(Error::new(format!("time: missing unit in duration {}", quote(text.as_bytes()))));
            }
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => {
                return Err(Error::new(format!(
                    "time: unknown unit {} in duration {}",
                    quote(unit_text.as_bytes()),
                    quote(text.as_bytes())
                )));
            }
        };
        let digits = &fraction[..fraction.len().min(18)];
        let part = if digits.is_empty() {
            0
        } else {
            unit * digits.parse::<u128>().unwrap_or(0) / 10_u128.pow(digits.len() as u32)
        };
        total = number
            .checked_mul(unit)
            .and_then(|n| n.checked_add(part))
            .and_then(|n| n.checked_add(total))
            .ok_or_else(invalid)?;
        if total > 1 << 63 {
            return Err(invalid());
        }
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Go's text of a duration: `1h2m3.5s`.
pub(crate) fn duration_text(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let decimal = |value: u64, scale: u64, width: usize| {
        let (whole, part) = (value / scale, value % scale);
        let digits = format!("{part:0width$}");
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { whole.to_string() } else { format!("{whole}.{digits}") }
    };
    if magnitude < 1_000_000_000 {
        return match magnitude {
            0..1000 => format!("{sign}{magnitude}ns"),
            1000..1_000_000 => format!("{sign}{}µs", decimal(magnitude, 1000, 3)),
            _ => format!("{sign}{}ms", decimal(magnitude, 1_000_000, 6)),
        };
    }
    let seconds = decimal(magnitude % 60_000_000_000, 1_000_000_000, 9);
    let minutes = magnitude / 60_000_000_000;
    if minutes == 0 {
        return format!("{sign}{seconds}s");
    }
    if minutes < 60 {
        return format!("{sign}{minutes}m{seconds}s");
    }
    format!("{sign}{}h{}m{seconds}s", minutes / 60, minutes % 60)
}
