//! Quantities such as `500m` and `1.5Gi`, in the form in which Go prints them after reading.

/// Text that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a quantity")]
pub struct NotAQuantity;

/// The longest text that is looked at.
const LIMIT: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

/// The text that Go prints for a quantity it has read from `text`.
pub fn canonical(text: &str) -> Result<String, NotAQuantity> {
    if text.is_empty() || text.len() > LIMIT {
        return Err(NotAQuantity);
    }
    if text == "0" {
        return Ok("0".into());
    }
    let parts = split(text)?;
    let (exponent, format) = scale_of(parts.suffix).ok_or(NotAQuantity)?;
    if is_kept_as_it_is(&parts, exponent, format) {
        return Ok(text.to_owned());
    }
    let mut amount = Amount::new(parts.whole, parts.fraction);
    let mut format = format;
    match format {
        Format::Binary => {
            for _ in 0..exponent {
                amount.double();
            }
        }
        Format::Decimal | Format::Exponent => amount.exponent += i64::from(exponent),
    }
    amount.round_up(-9);
    if format == Format::Binary {
        if amount.is_more_than("9223372036854775807") {
            amount = Amount::new("9223372036854775807", "");
        }
        // Small numbers and fractions of bytes are shown in decimal.
        if !amount.is_more_than("1023") || amount.has_fraction() {
            format = Format::Decimal;
        }
    }
    Ok(amount.print(parts.negative, format))
}

/// Sign, digits before and after the point, suffix.
fn split(text: &str) -> Result<Parts<'_>, NotAQuantity> {
    let (negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let unsigned = rest;
    let rest = rest.trim_start_matches('0');
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", rest),
    };
    let letters = suffix.find(|c: char| !"eEinumkKMGTP".contains(c)).unwrap_or(suffix.len());
    let after = &suffix[letters..];
    let after = after.strip_prefix(['-', '+']).unwrap_or(after);
    if digits(after) != after.len() {
        return Err(NotAQuantity);
    }
    // A lone point is zero where Go needs no long arithmetic, and an error where it does.
    if unsigned.starts_with('.') && fraction.is_empty() {
        let (exponent, format) = scale_of(suffix).ok_or(NotAQuantity)?;
        if (format == Format::Binary && exponent > 40) || (format != Format::Binary && exponent < -9) {
            return Err(NotAQuantity);
        }
    }
    Ok(Parts { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix })
}

fn scale_of(suffix: &str) -> Option<(i32, Format)> {
    Some(match suffix {
        "n" => (-9, Format::Decimal),
        "u" => (-6, Format::Decimal),
        "m" => (-3, Format::Decimal),
        "" => (0, Format::Decimal),
        "k" => (3, Format::Decimal),
        "M" => (6, Format::Decimal),
        "G" => (9, Format::Decimal),
        "T" => (12, Format::Decimal),
        "P" => (15, Format::Decimal),
        "E" => (18, Format::Decimal),
        "Ki" => (10, Format::Binary),
        "Mi" => (20, Format::Binary),
        "Gi" => (30, Format::Binary),
        "Ti" => (40, Format::Binary),
        "Pi" => (50, Format::Binary),
        "Ei" => (60, Format::Binary),
        _ => {
            let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (exponent as i32, Format::Exponent)
        }
    })
}

/// Go keeps the text of short numbers that look canonical.
fn is_kept_as_it_is(parts: &Parts<'_>, exponent: i32, format: Format) -> bool {
    let digits = (parts.whole.len() + parts.fraction.len()) as i32;
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let fraction = parts.fraction.len() as i32;
    match format {
        Format::Binary => {
            let precision = 15 - parts.whole.len() as i32 - exponent * 3 / 10 - 1;
            let odd = shifted.parse::<u64>().is_ok_and(|value| value & 7 != 0);
            fraction == 0 && precision >= 0 && odd
        }
        Format::Decimal | Format::Exponent => {
            let scale = exponent.wrapping_sub(fraction);
            digits <= 18
                && scale >= -9
                && scale % 3 == 0
                && !shifted.ends_with("000")
                && !shifted.starts_with('0')
        }
    }
}

/// A whole number of any length times a power of ten. Digits stand with the least one first.
struct Amount {
    digits: Vec<u8>,
    exponent: i64,
}

impl Amount {
    fn new(whole: &str, fraction: &str) -> Self {
        let digits = whole.bytes().chain(fraction.bytes()).rev().map(|byte| byte - b'0').collect();
        let mut amount = Amount { digits, exponent: -(fraction.len() as i64) };
        amount.trim();
        amount
    }

    /// Takes leading zeros and factors of ten away.
    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.exponent += zeros as i64;
    }

    fn double(&mut self) {
        let mut carry = 0;
        for digit in &mut self.digits {
            let value = *digit * 2 + carry;
            *digit = value % 10;
            carry = value / 10;
        }
        if carry > 0 {
            self.digits.push(carry);
        }
    }

    /// Rounds away from zero so that no digit is worth less than `10^least`.
    fn round_up(&mut self, least: i64) {
        self.trim();
        if self.digits.is_empty() || self.exponent >= least {
            return;
        }
        let cut = usize::try_from(least - self.exponent).unwrap_or(usize::MAX).min(self.digits.len());
        // The digit that goes is not zero, since trailing zeros are gone already.
        self.digits.drain(..cut);
        self.exponent = least;
        self.increment();
        self.trim();
    }

    fn increment(&mut self) {
        for digit in &mut self.digits {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.push(1);
    }

    fn has_fraction(&self) -> bool {
        !self.digits.is_empty() && self.exponent < 0
    }

    /// Compares with a whole number.
    fn is_more_than(&self, limit: &str) -> bool {
        let length = self.digits.len() as i64 + self.exponent;
        match length.cmp(&(limit.len() as i64)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => !self.digits.is_empty(),
            std::cmp::Ordering::Equal => {
                let mine = self.digits.iter().rev().map(|digit| digit + b'0').chain(std::iter::repeat(b'0'));
                let mine: Vec<u8> = mine.take(limit.len().max(self.digits.len())).collect();
                mine.as_slice() > limit.as_bytes()
            }
        }
    }

    fn print(mut self, negative: bool, format: Format) -> String {
        self.trim();
        if self.digits.is_empty() {
            return "0".into();
        }
        let mut text = String::new();
        if negative {
            text.push('-');
        }
        if format == Format::Binary {
            // Less than 2^63 and whole, as was made sure before.
            let mut value = self.digits.iter().rev().fold(0_u64, |sum, digit| sum * 10 + u64::from(*digit));
            value *= 10_u64.pow(self.exponent as u32);
            let mut index = 0;
            while value.is_multiple_of(1024) {
                value /= 1024;
                index += 1;
            }
            text.push_str(&value.to_string());
            text.push_str(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][index]);
            return text;
        }
        let zeros = self.exponent.rem_euclid(3) as usize;
        let exponent = self.exponent - zeros as i64;
        text.extend(self.digits.iter().rev().map(|digit| char::from(digit + b'0')));
        text.extend(std::iter::repeat_n('0', zeros));
        match format {
            Format::Exponent if exponent != 0 => text.push_str(&format!("e{exponent}")),
            Format::Exponent => {}
            // Go knows no letter beyond E, and prints none then.
            _ => text.push_str(match exponent {
                -9 => "n",
                -6 => "u",
                -3 => "m",
                3 => "k",
                6 => "M",
                9 => "G",
                12 => "T",
                15 => "P",
                18 => "E",
                _ => "",
            }),
        }
        text
    }
}
