//! Reads a date by a layout, with Go's messages.

use super::{
    DAYS, MONTHS, Piece, Time, Zone, civil_from_days, days_from_civil, days_in, is_leap, next_piece,
    seconds_of,
};
use crate::error::Error;

/// Where bytes that are no UTF-8 are put while a layout is read: the last private plane.
const BYTES: u32 = 0x10_ff00;

/// A text whose bytes that are no UTF-8 each have become a character, which [`quote`] knows.
pub(crate) fn readable(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(BYTES + u32::from(*byte))));
    }
    out.into()
}

/// Quoted as Go's time does it: everything beyond ASCII by its bytes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    let mut buffer = [0; 4];
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            ' '..='\x7f' => out.push(character),
            _ if u32::from(character) >= BYTES => {
                out.push_str(&format!("\\x{:02x}", u32::from(character) - BYTES));
            }
            _ => {
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
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
            quote(value),
            quote(layout),
            quote(rest),
            quote(piece)
        )
    } else {
        format!("parsing time {}{message}", quote(value))
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
        return Err(mismatch(layout, value, "", "", &format!(": extra text: {}", quote(rest))));
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

/// Why Go would not read a date by a layout.
pub fn date_problem(layout: &str, value: &str) -> Option<String> {
    parse(layout, value, &Zone::utc()).err().map(|error| error.to_string())
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
