//! Numbers and quoted text in Go's notation, which reach users through messages and choices.

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    #[error("invalid syntax")]
    Syntax,
    #[error("value out of range")]
    Range,
}

/// A float64 as Go's ParseFloat reads it: decimal, `0x1p-2`, `1_000` after a base prefix, `inf`, `NaN` in any case.
pub fn parse_float(text: &str) -> Result<f64, FloatError> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Ok(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    let plain: String;
    let digits = if unsigned.contains('_') {
        if !has_good_underscores(unsigned) {
            return Err(FloatError::Syntax);
        }
        plain = unsigned.replace('_', "");
        plain.as_str()
    } else {
        unsigned
    };
    let value =
        if unsigned.len() > 2 && unsigned.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x")) {
            // The reference skips underscores even before the prefix is known, so the prefix is looked for in the text as written.
            parse_hexadecimal(&digits[2..])?
        } else {
            if !is_decimal(digits.as_bytes()) {
                return Err(FloatError::Syntax);
            }
            digits.parse::<f64>().map_err(|_| FloatError::Syntax)?
        };
    if value.is_infinite() { Err(FloatError::Range) } else { Ok(sign * value) }
}

fn is_decimal(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut count = whole;
    if let [b'.', after @ ..] = rest {
        let fraction = digits(after);
        count += fraction;
        rest = &after[fraction..];
    }
    if count == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', after @ ..] => {
            let after = match after {
                [b'+' | b'-', after @ ..] => after,
                _ => after,
            };
            !after.is_empty() && digits(after) == after.len()
        }
        _ => false,
    }
}

/// `1.8p3` after its prefix: the exponent is required; more than 64 bits of mantissa are folded into a sticky bit.
fn parse_hexadecimal(text: &str) -> Result<f64, FloatError> {
    let mark = text.find(['p', 'P']).ok_or(FloatError::Syntax)?;
    let (mantissa_text, exponent_text) = (&text[..mark], &text[mark + 1..]);
    let (mut mantissa, mut exponent, mut seen, mut point) = (0_u64, 0_i64, false, false);
    let mut sticky = false;
    for byte in mantissa_text.bytes() {
        if byte == b'.' {
            if point {
                return Err(FloatError::Syntax);
            }
            point = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16).ok_or(FloatError::Syntax)?);
        seen = true;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if point { 0 } else { 4 };
        }
    }
    let (negative, digits) = match exponent_text.as_bytes().first() {
        Some(b'-') => (true, &exponent_text[1..]),
        Some(b'+') => (false, &exponent_text[1..]),
        _ => (false, exponent_text),
    };
    if !seen || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FloatError::Syntax);
    }
    let given = digits.bytes().fold(0_i64, |sum, b| (sum * 10 + i64::from(b - b'0')).min(100_000));
    exponent += if negative { -given } else { given };
    if mantissa == 0 {
        return Ok(0.0);
    }
    // Bring the mantissa to 53 bits, or fewer for a denormal, rounding half to even.
    let mut extra = (64 - i64::from(mantissa.leading_zeros())) - 53;
    if exponent + extra < -1074 {
        extra = -1074 - exponent;
    }
    if extra > 0 {
        let cut = u32::try_from(extra.min(64)).expect("between 1 and 64");
        let wide = u128::from(mantissa) << 1 | u128::from(sticky);
        let kept = wide >> (cut + 1);
        let lost = wide & ((1 << (cut + 1)) - 1);
        let half = 1_u128 << cut;
        let up = lost > half || lost == half && kept & 1 == 1;
        mantissa = u64::try_from(kept + u128::from(up)).expect("53 bits");
        exponent += extra;
    }
    if exponent > 2000 {
        return Ok(f64::INFINITY);
    }
    let mut value = mantissa as f64;
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        value *= 2_f64.powi(i32::try_from(step).expect("clamped"));
        exponent -= step;
    }
    Ok(value)
}

/// Underscores only between digits, or between a base prefix and a digit.
pub fn has_good_underscores(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut last, mut hexadecimal) = (0, b'^', false);
    if bytes.len() >= 2 && bytes[0] == b'0' && matches!(bytes[1].to_ascii_lowercase(), b'b' | b'o' | b'x') {
        at = 2;
        last = b'0';
        hexadecimal = bytes[1].eq_ignore_ascii_case(&b'x');
    }
    for &byte in &bytes[at..] {
        if byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit() {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// A text in double quotes as Go's `%q` prints it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        push_quoted(&mut out, character, '"');
    }
    out.push('"');
    out
}

/// One character of a quoted text.
pub fn push_quoted(out: &mut String, character: char, mark: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        _ if character == mark => {
            out.push('\\');
            out.push(mark);
        }
        ' '..='~' => out.push(character),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\x{:02x}", character as u32)),
        _ if is_printable(character) => out.push(character),
        _ if (character as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", character as u32)),
        _ => out.push_str(&format!("\\U{:08x}", character as u32)),
    }
}

/// Letters, marks, numbers, punctuation, symbols and the plain space.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // The standard library's table is private; inside a text its debug form escapes exactly what is not printable.
    let mut bytes = [b'a', 0, 0, 0, 0];
    let length = character.encode_utf8(&mut bytes[1..]).len();
    std::str::from_utf8(&bytes[..=length]).is_ok_and(|text| text.escape_debug().nth(1) != Some('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_as_go_reads_them() {
        for (given, want) in [
            ("1", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-1e3", Some(-1000.0)),
            ("0x1p-2", Some(0.25)),
            ("0x1.8p1", Some(3.0)),
            ("1_000", Some(1000.0)),
            ("1__0", None),
            ("0x_1p0", Some(1.0)),
            ("Inf", Some(f64::INFINITY)),
            ("1e400", None),
            ("", None),
            (".", None),
            ("1e", None),
            ("0x1", None),
            (" 1", None),
            ("0x1p-1074", Some(5e-324)),
            ("0x1p-1075", Some(0.0)),
            ("0x1.00000000000001p0", Some(1.0)),
        ] {
            assert_eq!(parse_float(given).ok(), want, "{given}");
        }
    }

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        assert_eq!(quote("a\"b\\\n\u{1}é\u{200b}\u{1f600}"), "\"a\\\"b\\\\\\n\\x01é\\u200b\u{1f600}\"");
    }
}
