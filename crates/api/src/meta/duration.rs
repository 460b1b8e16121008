//! Lengths of time in Go's notation: `10m0s`, `1h30m`, `1.5s`.
//!
//! Reads and writes exactly what Go's `time.Duration` does, so that a status written by either controller is the same.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A length of time in nanoseconds; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Duration(nanos)
    }
    /// So many milliseconds; stops at the largest duration.
    pub const fn from_millis(millis: i64) -> Self {
        Duration(millis.saturating_mul(MILLISECOND as i64))
    }
    /// So many seconds; stops at the largest duration.
    pub const fn from_secs(seconds: i64) -> Self {
        Duration(seconds.saturating_mul(SECOND as i64))
    }
    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
    /// The length in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }
    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// The same for the standard library; a negative length is zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Duration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0..MICROSECOND => write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => write_fraction(f, nanos, MICROSECOND, 3, "µs"),
            MILLISECOND..SECOND => write_fraction(f, nanos, MILLISECOND, 6, "ms"),
            _ => {
                if nanos >= HOUR {
                    write!(f, "{}h", nanos / HOUR)?;
                }
                if nanos >= MINUTE {
                    write!(f, "{}m", nanos % HOUR / MINUTE)?;
                }
                write_fraction(f, nanos % MINUTE, SECOND, 9, "s")
            }
        }
    }
}

fn write_fraction(
    f: &mut fmt::Formatter<'_>,
    nanos: u64,
    unit: u64,
    digits: usize,
    suffix: &str,
) -> fmt::Result {
    let rest = nanos % unit;
    write!(f, "{}", nanos / unit)?;
    if rest != 0 {
        let text = format!("{rest:0digits$}");
        write!(f, ".{}", text.trim_end_matches('0'))?;
    }
    f.write_str(suffix)
}

/// Text that is no duration; the texts are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a duration at all, or too long a one.
    #[error("time: invalid duration {0}")]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    /// A unit that Go does not know.
    #[error("time: unknown unit {unit} in duration {text}")]
    UnknownUnit {
        /// The unit, in quotes.
        unit: String,
        /// The whole text, in quotes.
        text: String,
    },
}

/// Go's quoting of a piece of the input in these errors.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            quoted.push('\\');
            quoted.push(c);
        } else if c < ' ' || !c.is_ascii() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                quoted.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            quoted.push(c);
        }
    }
    quoted.push('"');
    quoted
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(quote(text));
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Duration::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (whole, after) = digits(rest).ok_or_else(invalid)?;
            let had_whole = after.len() != rest.len();
            rest = after;
            let mut fraction = Fraction::default();
            let mut had_fraction = false;
            if let Some(after) = rest.strip_prefix('.') {
                let (read, after_digits) = Fraction::read(after);
                had_fraction = after_digits.len() != after.len();
                fraction = read;
                rest = after_digits;
            }
            if !had_whole && !had_fraction {
                return Err(invalid());
            }
            let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after;
            if name.is_empty() {
                return Err(DurationError::MissingUnit(quote(text)));
            }
            let unit = match name {
                "ns" => 1,
                "us" | "µs" | "μs" => MICROSECOND,
                "ms" => MILLISECOND,
                "s" => SECOND,
                "m" => MINUTE,
                "h" => HOUR,
                _ => return Err(DurationError::UnknownUnit { unit: quote(name), text: quote(text) }),
            };
            // Go allows one nanosecond beyond the largest for "-2562047h47m16.854775808s".
            let limit = 1 << 63;
            let mut part = whole.checked_mul(unit).filter(|part| *part <= limit).ok_or_else(invalid)?;
            part += fraction.of(unit);
            total = total
                .checked_add(part)
                .filter(|total| part <= limit && *total <= limit)
                .ok_or_else(invalid)?;
        }
        if negative {
            return Ok(Duration(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Duration).map_err(|_| invalid())
    }
}

/// Leading digits; `None` if they overflow.
fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut value: u64 = 0;
    for digit in text[..end].bytes() {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        if value > 1 << 63 {
            return None;
        }
    }
    Some((value, &text[end..]))
}

/// Digits after the point, as Go keeps them: those beyond 63 bits are read and ignored.
#[derive(Default)]
struct Fraction {
    value: u64,
    scale: f64,
}

impl Fraction {
    fn read(text: &str) -> (Fraction, &str) {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let mut fraction = Fraction { value: 0, scale: 1.0 };
        for digit in text[..end].bytes() {
            if fraction.value > (u64::MAX >> 1) / 10 {
                break;
            }
            let value = fraction.value * 10 + u64::from(digit - b'0');
            if value > 1 << 63 {
                break;
            }
            fraction.value = value;
            fraction.scale *= 10.0;
        }
        (fraction, &text[end..])
    }

    fn of(&self, unit: u64) -> u64 {
        if self.value == 0 {
            return 0;
        }
        (self.value as f64 * (unit as f64 / self.scale)) as u64
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
