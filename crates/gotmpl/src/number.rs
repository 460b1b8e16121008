//! Integers in Go's notation.

/// Why a text is no integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntError {
    Syntax,
    Range,
}

impl IntError {
    pub fn text(self) -> &'static str {
        match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        }
    }
}

/// Go's ParseUint for 64 bits; base 0 reads prefixes and underscores.
pub fn parse_uint(text: &str, base: u32) -> Result<u64, IntError> {
    let (digits, radix) = if base == 0 {
        let bytes = text.as_bytes();
        match bytes {
            [b'0', b'x' | b'X', _, ..] => (&text[2..], 16),
            [b'0', b'o' | b'O', _, ..] => (&text[2..], 8),
            [b'0', b'b' | b'B', _, ..] => (&text[2..], 2),
            [b'0', _, ..] => (&text[1..], 8),
            _ => (text, 10),
        }
    } else {
        (text, base)
    };
    if text.is_empty() {
        return Err(IntError::Syntax);
    }
    let mut value: u64 = 0;
    let mut overflow = false;
    let mut underscores = false;
    for byte in digits.bytes() {
        if byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(byte).to_digit(36).filter(|digit| *digit < radix).ok_or(IntError::Syntax)?;
        if !overflow {
            match value.checked_mul(u64::from(radix)).and_then(|value| value.checked_add(u64::from(digit))) {
                Some(next) => value = next,
                None => overflow = true,
            }
        }
        if overflow {
            return Err(IntError::Range);
        }
    }
    if underscores && !sluice_version::number::has_good_underscores(text) {
        return Err(IntError::Syntax);
    }
    Ok(value)
}

/// Go's ParseInt for 64 bits.
pub fn parse_int(text: &str, base: u32) -> Result<i64, IntError> {
    let (negative, digits) = match text.as_bytes().first() {
        None => return Err(IntError::Syntax),
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) => (false, text),
    };
    let value = parse_uint(digits, base)?;
    if negative {
        if value > 1 << 63 {
            return Err(IntError::Range);
        }
        return Ok((value as i64).wrapping_neg());
    }
    i64::try_from(value).map_err(|_| IntError::Range)
}
