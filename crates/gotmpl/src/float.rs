//! Floats as Go's strconv prints them.

/// `FormatFloat(value, format, precision, 64)`; a negative precision means the shortest text that reads back the same.
pub fn format_float(value: f64, format: u8, precision: i64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let negative = value.is_sign_negative();
    let magnitude = value.abs();
    let body = match format {
        b'e' | b'E' => exponential(magnitude, precision, format),
        b'g' | b'G' => general(magnitude, precision, format),
        b'b' => binary(magnitude),
        b'x' | b'X' => hexadecimal(magnitude, precision, format),
        _ => fixed(magnitude, precision),
    };
    if negative { format!("-{body}") } else { body }
}

/// Digits beyond these are zeros for every float64, so they need not be asked for.
const EXACT: i64 = 1100;

/// The digits without a point, and the power of ten of the first.
fn digits(value: f64, count: Option<i64>) -> (String, i64) {
    let text = match count {
        Some(count) => format!("{value:.*e}", usize::try_from((count - 1).clamp(0, EXACT)).unwrap_or(0)),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn push_exponent(out: &mut String, mark: u8, exponent: i64) {
    out.push(char::from(mark));
    out.push(if exponent < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}", exponent.abs()));
}

fn exponential(value: f64, precision: i64, mark: u8) -> String {
    let (digits, exponent) = digits(value, (precision >= 0).then_some(precision + 1));
    scientific(&digits, exponent, precision, mark)
}

fn scientific(digits: &str, exponent: i64, precision: i64, mark: u8) -> String {
    let mut out = digits[..1].to_owned();
    let wanted = if precision < 0 { digits.len() - 1 } else { usize::try_from(precision).unwrap_or(0) };
    if wanted > 0 {
        out.push('.');
        let have = (digits.len() - 1).min(wanted);
        out.push_str(&digits[1..=have]);
        out.extend(std::iter::repeat_n('0', wanted - have));
    }
    push_exponent(&mut out, mark, exponent);
    out
}

fn fixed(value: f64, precision: i64) -> String {
    if precision < 0 {
        // Rust prints the shortest digits too, and never an exponent.
        return format!("{value}");
    }
    let mut out = format!("{value:.*}", usize::try_from(precision.min(EXACT)).unwrap_or(0));
    out.extend(std::iter::repeat_n('0', usize::try_from((precision - EXACT).max(0)).unwrap_or(0)));
    out
}

fn general(value: f64, precision: i64, mark: u8) -> String {
    let mark = if mark == b'g' { b'e' } else { b'E' };
    let shortest = precision < 0;
    let precision = if precision == 0 { 1 } else { precision };
    let (mut digits, exponent) = digits(value, (!shortest).then_some(precision));
    let trimmed = digits.trim_end_matches('0').len();
    digits.truncate(trimmed);
    if digits.is_empty() {
        return "0".to_owned();
    }
    let count = digits.len() as i64;
    let mut limit = if shortest { 6 } else { precision };
    if limit > count && count > exponent {
        limit = count;
    }
    if shortest {
        limit = 6;
    }
    if exponent < -4 || exponent >= limit {
        return scientific(&digits, exponent, -1, mark);
    }
    let mut out = String::new();
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-exponent - 1).unwrap_or(0)));
        out.push_str(&digits);
        return out;
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if digits.len() <= whole {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
    out
}

/// Mantissa and exponent so that the value is mantissa * 2^exponent.
fn parts(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exponent - 1075) }
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{}{}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn hexadecimal(value: f64, precision: i64, mark: u8) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        exponent = exponent - i64::from(shift) + 52;
    }
    // One bit before the point, 52 behind it; to 60 behind it for whole hexadecimal digits.
    let mut wide = u128::from(mantissa) << 8;
    if (0..15).contains(&precision) {
        let cut = 60 - precision * 4;
        let half = 1_u128 << (cut - 1);
        let lost = wide & ((1 << cut) - 1);
        wide >>= cut;
        if lost > half || lost == half && wide & 1 == 1 {
            wide += 1;
        }
        wide <<= cut;
        if wide >> 61 != 0 {
            wide >>= 1;
            exponent += 1;
        }
    }
    let mut digits = format!("{:015x}", wide & ((1 << 60) - 1));
    if precision < 0 {
        digits.truncate(digits.trim_end_matches('0').len());
    } else {
        let wanted = usize::try_from(precision).unwrap_or(0);
        digits.truncate(wanted);
        while digits.len() < wanted {
            digits.push('0');
        }
    }
    let mut out = format!("0x{}", wide >> 60);
    if !digits.is_empty() {
        out.push('.');
        out.push_str(&digits);
    }
    push_exponent(&mut out, b'p', exponent);
    if mark == b'X' { out.to_uppercase() } else { out }
}
