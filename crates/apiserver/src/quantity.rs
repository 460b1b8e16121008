//! Amounts: `100m`, `1.5Gi`, `2e3`. Parsed exactly, compared, and written in the form that the real server keeps.

use sluice_expression::amount::{BINARY, DECIMAL};

/// Digits that an amount may have.
const DIGITS_LIMIT: usize = 18;

/// An amount in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nanos: i128,
}

/// How an amount was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Binary,
    Decimal,
    Exponent,
}

impl Quantity {
    /// `None`: it is no amount.
    pub fn parse(text: &str) -> Option<Self> {
        read(text).map(|(quantity, _)| quantity)
    }

    pub fn is_positive(self) -> bool {
        self.nanos > 0
    }

    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }
}

fn read(text: &str) -> Option<(Quantity, Form)> {
    let (is_negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    if whole.trim_start_matches('0').len() + fraction.len() > DIGITS_LIMIT {
        return None;
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    let (nanos, form) = if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        let billions = digits.checked_mul(1_i128.checked_shl(*bits)?)?.checked_mul(1_000_000_000)?;
        (rounded(billions, -places)?, Form::Binary)
    } else if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (rounded(digits, power + 9 - places)?, Form::Decimal)
    } else {
        let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (rounded(digits, power.checked_add(9 - places)?)?, Form::Exponent)
    };
    Some((Quantity { nanos: if is_negative { -nanos } else { nanos } }, form))
}

/// A number times a power of ten, away from zero where it does not come out.
fn rounded(number: i128, power: i32) -> Option<i128> {
    if power >= 0 {
        return number.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?);
    }
    let divisor = 10_i128.checked_pow(u32::try_from(-power).ok()?)?;
    Some(number / divisor + i128::from(number % divisor != 0))
}

/// The form in which an amount is kept: `0.1` as `100m`, `1024Mi` as `1Gi`, `1000m` as `1`. `None`: it is no amount.
pub fn canonical(text: &str) -> Option<String> {
    let (Quantity { nanos }, form) = read(text)?;
    if nanos == 0 {
        return Some("0".to_owned());
    }
    const UNIT: i128 = 1_000_000_000;
    let (sign, size) = (if nanos < 0 { "-" } else { "" }, nanos.abs());
    if form == Form::Binary && size % UNIT == 0 && size / UNIT >= 1024 {
        let whole = size / UNIT;
        let best = BINARY.iter().rev().find(|(_, bits)| whole % (1_i128 << bits) == 0);
        if let Some((name, bits)) = best {
            return Some(format!("{sign}{}{name}", whole >> bits));
        }
        return Some(format!("{sign}{whole}"));
    }
    let best = DECIMAL.iter().rev().find_map(|(name, power)| {
        let unit = 10_i128.checked_pow(u32::try_from(power + 9).ok()?)?;
        (size % unit == 0).then(|| (size / unit, *name, *power))
    });
    let (number, name, power) = best?;
    Some(match form {
        Form::Exponent if power != 0 => format!("{sign}{number}e{power}"),
        _ => format!("{sign}{number}{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_kept_in_one_form() {
        for (text, want) in [
            ("0.1", Some("100m")),
            ("1000m", Some("1")),
            ("1024Mi", Some("1Gi")),
            ("1.5Gi", Some("1536Mi")),
            ("512Ki", Some("512Ki")),
            ("2e3", Some("2e3")),
            ("1000", Some("1k")),
            ("1500", Some("1500")),
            ("0", Some("0")),
            ("-1Gi", Some("-1Gi")),
            ("abc", None),
            ("1Xi", None),
            ("", None),
            ("1.2.3", None),
        ] {
            assert_eq!(canonical(text).as_deref(), want, "{text}");
        }
    }
}
