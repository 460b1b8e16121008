//! Number constants, with Go's rules about what they can be at once.

use crate::lex::Kind;
use crate::node::Number;
use crate::number::{parse_int, parse_uint};
use crate::quote::{quote, unquote_char};
use crate::text::to_lossy;

pub(super) fn new_number(bytes: &[u8], kind: Kind) -> Result<Number, String> {
    let text = to_lossy(bytes);
    let mut number = Number { text: text.as_ref().into(), int: None, uint: None, float: None, complex: None };
    let float = |text: &str| sluice_version::number::parse_float(text).ok();
    match kind {
        Kind::CharConstant => {
            let (character, tail) = unquote_char(&bytes[1..], b'\'').ok_or("invalid syntax")?;
            if tail != b"'" {
                return Err(format!("malformed character constant: {text}"));
            }
            number.int = Some(i64::from(character));
            number.uint = Some(u64::from(character));
            number.float = Some(f64::from(character));
            return Ok(number);
        }
        Kind::Complex => {
            let body = text.trim_end_matches('i');
            let split = body
                .bytes()
                .enumerate()
                .skip(1)
                .filter(|(at, b)| {
                    matches!(b, b'+' | b'-') && !matches!(body.as_bytes()[at - 1], b'e' | b'E' | b'p' | b'P')
                })
                .map(|(at, _)| at)
                .next_back()
                .ok_or("syntax error scanning complex number")?;
            let real = float(&body[..split]).ok_or("syntax error scanning complex number")?;
            let imaginary = float(&body[split..]).ok_or("syntax error scanning complex number")?;
            number.complex = Some((real, imaginary));
            simplify(&mut number);
            return Ok(number);
        }
        _ => {}
    }
    if let Some(imaginary) = text.strip_suffix('i').and_then(float) {
        number.complex = Some((0.0, imaginary));
        simplify(&mut number);
        return Ok(number);
    }
    number.uint = parse_uint(&text, 0).ok();
    number.int = parse_int(&text, 0).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(value) = number.int {
        number.float = Some(value as f64);
    } else if let Some(value) = number.uint {
        number.float = Some(value as f64);
    } else if let Some(value) = float(&text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(bytes)));
        }
        number.float = Some(value);
        whole_numbers(&mut number, value);
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(bytes)));
    }
    Ok(number)
}

fn whole_numbers(number: &mut Number, value: f64) {
    if value.fract() == 0.0 {
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
            number.int = Some(value as i64);
        }
        if (0.0..18_446_744_073_709_551_616.0).contains(&value) {
            number.uint = Some(value as u64);
        }
    }
}

/// A complex number without an imaginary part is also a plain one.
fn simplify(number: &mut Number) {
    if let Some((real, imaginary)) = number.complex
        && imaginary == 0.0
    {
        number.float = Some(real);
        whole_numbers(number, real);
    }
}
