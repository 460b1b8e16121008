//! Durations as Go reads and prints them.

use super::parse::quote;
use crate::error::Error;

/// Go's ParseDuration, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, Error> {
    let invalid = || Error::new(format!("time: invalid duration {}", quote(text)));
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
                return Err(Error::new(format!("time: missing unit in duration {}", quote(text))));
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
                    quote(unit_text),
                    quote(text)
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
