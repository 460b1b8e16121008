//! Bytes to text: encodings, and characters that YAML does not allow.

use std::borrow::Cow;

use crate::error::Error;

/// The text of the bytes, as far as it is good.
pub(crate) struct Source<'a> {
    pub text: Cow<'a, str>,
    /// What is wrong after `text`; to be told when the text is read to its end.
    pub broken: Option<Error>,
}

/// libyaml reads in pieces of this size and refuses a whole piece.
const PIECE: usize = 512;

pub(crate) fn source(bytes: &[u8]) -> Source<'_> {
    let bytes = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        [0xFF, 0xFE, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => bytes,
    };
    match first_problem(bytes) {
        None => match std::str::from_utf8(bytes) {
            Ok(text) => Source { text: text.into(), broken: None },
            Err(_) => Source { text: "".into(), broken: Some(Error::new("invalid Unicode character")) },
        },
        Some((at, problem)) => {
            let good = piece_start(bytes, at);
            let text = std::str::from_utf8(&bytes[..good]).unwrap_or_default();
            Source { text: text.into(), broken: Some(Error::new(problem)) }
        }
    }
}

/// The same for what is known to be UTF-8.
pub(crate) fn source_of_text(text: &str) -> Source<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match first_problem(text.as_bytes()) {
        None => Source { text: text.into(), broken: None },
        Some(_) => source(text.as_bytes()),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Source<'_> {
    let pairs = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut broken = None;
    for found in char::decode_utf16(pairs.0.iter().map(|pair| unit(*pair))) {
        match found {
            Ok(character) if is_allowed(character as u32) => text.push(character),
            Ok(_) => {
                broken = Some(Error::new("control characters are not allowed"));
                break;
            }
            Err(error) => {
                let low = error.unpaired_surrogate() & 0xFC00 == 0xDC00;
                broken = Some(Error::new(if low {
                    "unexpected low surrogate area"
                } else {
                    "expected low surrogate area"
                }));
                break;
            }
        }
    }
    if broken.is_none() && !pairs.1.is_empty() {
        broken = Some(Error::new("incomplete UTF-16 character"));
    }
    Source { text: text.into(), broken }
}

fn is_allowed(code: u32) -> bool {
    matches!(
        code,
        0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0x85 | 0xA0..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF
    )
}

const BLOCK: usize = 64;

/// The first byte that does not belong into a YAML text, and why.
fn first_problem(bytes: &[u8]) -> Option<(usize, &'static str)> {
    let mut at = 0;
    while at < bytes.len() {
        // The usual text, a block at a time.
        if let Some(block) = bytes.get(at..at + BLOCK)
            && block
                .iter()
                .fold(true, |usual, byte| usual & (byte.wrapping_sub(0x20) < 0x5F || *byte == b'\n'))
        {
            at += BLOCK;
            continue;
        }
        let octet = bytes[at];
        if (0x20..0x7F).contains(&octet) || octet == b'\n' {
            at += 1;
            continue;
        }
        let (width, first) = match octet {
            0x00..=0x7F => (1, octet),
            0xC0..=0xDF => (2, octet & 0x1F),
            0xE0..=0xEF => (3, octet & 0x0F),
            0xF0..=0xF7 => (4, octet & 0x07),
            _ => return Some((at, "invalid leading UTF-8 octet")),
        };
        let Some(tail) = bytes.get(at + 1..at + width) else {
            return Some((at, "incomplete UTF-8 octet sequence"));
        };
        let mut code = u32::from(first);
        for octet in tail {
            if octet & 0xC0 != 0x80 {
                return Some((at, "invalid trailing UTF-8 octet"));
            }
            code = code << 6 | u32::from(octet & 0x3F);
        }
        let long_enough = match width {
            1 => true,
            2 => code >= 0x80,
            3 => code >= 0x800,
            _ => code >= 0x10000,
        };
        if !long_enough {
            return Some((at, "invalid length of a UTF-8 sequence"));
        }
        if (0xD800..=0xDFFF).contains(&code) || code > 0x0010_FFFF {
            return Some((at, "invalid Unicode character"));
        }
        if !is_allowed(code) {
            return Some((at, "control characters are not allowed"));
        }
        at += width;
    }
    None
}

/// Where the piece that holds this byte begins. Pieces end between characters.
fn piece_start(bytes: &[u8], problem: usize) -> usize {
    let mut start = 0;
    loop {
        let mut end = (start + PIECE).min(bytes.len());
        if end < bytes.len() {
            while end > start + PIECE - 4 && bytes[end] & 0xC0 == 0x80 {
                end -= 1;
            }
        }
        if problem < end || end == bytes.len() {
            return start;
        }
        start = end;
    }
}
