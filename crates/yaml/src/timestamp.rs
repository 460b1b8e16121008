//! Timestamps as Go's yaml packages recognise them, and as Go's JSON prints them.

/// A point in time as the text spelled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Minutes east of UTC.
    offset: i32,
}

impl Timestamp {
    /// `YYYY-M-D`, alone or followed by `T`, `t` or spaces and a time of day; with `T` or `t` a zone must follow.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let year = bytes[..4].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        let mut rest = &bytes[5..];
        let month = one_or_two_digits(&mut rest)?;
        literal(&mut rest, b'-')?;
        let day = one_or_two_digits(&mut rest)?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
            return None;
        }
        let mut time = Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanos: 0, offset: 0 };
        let Some(separator) = rest.first() else { return Some(time) };
        match separator {
            b'T' | b't' => {
                rest = &rest[1..];
                time.clock(&mut rest)?;
                time.zone(&mut rest)?;
            }
            b' ' => {
                while let [b' ', after @ ..] = rest {
                    rest = after;
                }
                time.clock(&mut rest)?;
            }
            _ => return None,
        }
        rest.is_empty().then_some(time)
    }

    fn clock(&mut self, rest: &mut &[u8]) -> Option<()> {
        self.hour = one_or_two_digits(rest).filter(|hour| *hour < 24)?;
        literal(rest, b':')?;
        self.minute = one_or_two_digits(rest).filter(|minute| *minute < 60)?;
        literal(rest, b':')?;
        self.second = one_or_two_digits(rest).filter(|second| *second < 60)?;
        if let [b'.' | b',', digit, ..] = *rest
            && digit.is_ascii_digit()
        {
            let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let mut nanos = 0;
            for at in 0..9 {
                let digit = if at < digits { u32::from(rest[1 + at] - b'0') } else { 0 };
                nanos = nanos * 10 + digit;
            }
            self.nanos = nanos;
            *rest = &rest[1 + digits..];
        }
        Some(())
    }

    fn zone(&mut self, rest: &mut &[u8]) -> Option<()> {
        match *rest {
            [b'Z', after @ ..] => {
                *rest = after;
                Some(())
            }
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, after @ ..]
                if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) =>
            {
                let hours = i32::from(h1 - b'0') * 10 + i32::from(h2 - b'0');
                let minutes = i32::from(m1 - b'0') * 10 + i32::from(m2 - b'0');
                if hours > 24 || minutes > 60 {
                    return None;
                }
                self.offset = (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 };
                *rest = after;
                Some(())
            }
            _ => None,
        }
    }

    /// As Go prints a time in JSON: RFC 3339, the fraction without trailing zeros.
    pub fn to_json_text(self) -> String {
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        );
        if self.nanos != 0 {
            let fraction = format!("{:09}", self.nanos);
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
        }
        if self.offset == 0 {
            text.push('Z');
        } else {
            let minutes = self.offset.abs();
            let sign = if self.offset < 0 { '-' } else { '+' };
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }
}

fn one_or_two_digits(rest: &mut &[u8]) -> Option<u32> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let first = digit(*rest.first()?)?;
    match rest.get(1).copied().and_then(digit) {
        Some(second) => {
            *rest = &rest[2..];
            Some(first * 10 + second)
        }
        None => {
            *rest = &rest[1..];
            Some(first)
        }
    }
}

fn literal(rest: &mut &[u8], byte: u8) -> Option<()> {
    let after = rest.strip_prefix(&[byte])?;
    *rest = after;
    Some(())
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_shapes_are_read() {
        let json = |text: &str| Timestamp::parse(text).map(Timestamp::to_json_text);
        assert_eq!(json("2001-1-2").as_deref(), Some("2001-01-02T00:00:00Z"));
        assert_eq!(json("2001-12-14T21:59:43.10-05:00").as_deref(), Some("2001-12-14T21:59:43.1-05:00"));
        assert_eq!(json("2001-12-14t21:59:43Z").as_deref(), Some("2001-12-14T21:59:43Z"));
        assert_eq!(json("2001-12-14 21:59:43.5").as_deref(), Some("2001-12-14T21:59:43.5Z"));
        assert_eq!(json("2001-12-14 21:59:43 -5"), None);
        assert_eq!(json("2001-02-30"), None);
        assert_eq!(json("2001-02-3x"), None);
    }
}
