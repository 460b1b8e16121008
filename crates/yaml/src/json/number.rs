//! Floats as Go prints them.

use serde_json::Number;

use crate::error::Error;

/// The shortest digits that read back as the same number, and the decimal exponent of the first.
fn shortest(scientific: &str) -> (bool, String, i32) {
    let (negative, text) = match scientific.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, scientific),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    (negative, digits, exponent.parse().unwrap_or(0))
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some(".nan")
    } else if value == f64::INFINITY {
        Some(".inf")
    } else if value == f64::NEG_INFINITY {
        Some("-.inf")
    } else {
        None
    }
}

/// As Go's yaml prints a float64: `strconv.FormatFloat(v, 'g', -1, 64)`, infinities as `.inf`.
pub fn format_float(value: f64) -> String {
    special(value).map_or_else(|| general(&format!("{value:e}")), str::to_owned)
}

/// The same with the precision of a float32, which sigs.k8s.io/yaml uses for keys.
pub fn format_float32(value: f64) -> String {
    let narrow = value as f32;
    special(f64::from(narrow)).map_or_else(|| general(&format!("{narrow:e}")), str::to_owned)
}

/// `%g` with the shortest precision: exponents below -4 and from 6 on are written out.
fn general(scientific: &str) -> String {
    let (negative, digits, exponent) = shortest(scientific);
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    if digits.bytes().all(|digit| digit == b'0') {
        text.push('0');
        return text;
    }
    if !(-4..6).contains(&exponent) {
        push_exponent_form(&mut text, &digits, exponent, 2);
    } else {
        push_plain_form(&mut text, &digits, exponent);
    }
    text
}

fn push_exponent_form(text: &mut String, digits: &str, exponent: i32, exponent_digits: usize) {
    text.push_str(&digits[..1]);
    if digits.len() > 1 {
        text.push('.');
        text.push_str(&digits[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    text.push_str(&format!("e{sign}{:0exponent_digits$}", exponent.abs()));
}

fn push_plain_form(text: &mut String, digits: &str, exponent: i32) {
    if exponent < 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        text.push_str(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        text.push_str(digits);
        text.extend(std::iter::repeat_n('0', whole - digits.len()));
    } else {
        text.push_str(&digits[..whole]);
        text.push('.');
        text.push_str(&digits[whole..]);
    }
}

/// As Go's encoding/json prints a float64. `None` for what JSON cannot hold.
pub fn json_float(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let (negative, digits, exponent) = shortest(&format!("{value:e}"));
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        push_exponent_form(&mut text, &digits, exponent, 1);
    } else {
        push_plain_form(&mut text, &digits, exponent);
    }
    Some(text)
}

/// A float as the integer that its JSON text reads back as.
pub(super) fn integral(value: f64) -> Option<Integral> {
    if !value.is_finite() || value.fract() != 0.0 || value.abs() >= 1e21 {
        return None;
    }
    // Up to here every integer is a float.
    if value.abs() <= 9_007_199_254_740_992.0 {
        return Some(Integral::Int(value as i64));
    }
    let text = json_float(value)?;
    let int = text.parse().map(Integral::Int).ok();
    int.or_else(|| text.parse().map(Integral::Uint).ok())
}

/// A float as JSON has it after Go has printed and read it: an integer where there is no fraction.
pub(super) fn json_number(value: f64) -> Result<Number, Error> {
    match integral(value) {
        Some(Integral::Int(value)) => Ok(value.into()),
        Some(Integral::Uint(value)) => Ok(value.into()),
        None => Number::from_f64(value).ok_or_else(|| {
            let name = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            Error::verbatim(format!("json: unsupported value: {name}"))
        }),
    }
}

pub(super) enum Integral {
    Int(i64),
    Uint(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_floats_follow_go() {
        let cases = [
            (1e6, "1e+06"),
            (1234567.5, "1.2345675e+06"),
            (123456.5, "123456.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (100000.25, "100000.25"),
            (f64::NEG_INFINITY, "-.inf"),
        ];
        for (value, want) in cases {
            assert_eq!(format_float(value), want);
        }
    }

    #[test]
    fn json_floats_follow_go() {
        let cases = [
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-0.0, "-0"),
            (123456789.125, "123456789.125"),
        ];
        for (value, want) in cases {
            assert_eq!(json_float(value).as_deref(), Some(want));
        }
        assert_eq!(json_float(f64::NAN), None);
    }
}
