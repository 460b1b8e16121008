//! Go's quoted texts, both ways.

use std::borrow::Cow;

use sluice_version::number::{is_printable, push_quoted};

use crate::text::decode_rune;

/// `%q`: in double quotes; bytes that are not UTF-8 as `\xNN`.
pub fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, '"', false)
}

/// Quoted with `mark`; with `ascii`, everything beyond ASCII is escaped.
pub fn quote_with(mut bytes: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(mark);
    while let Some((character, width)) = decode_rune(bytes) {
        if character == '\u{fffd}' && width == 1 {
            out.push_str(&format!("\\x{:02x}", bytes[0]));
        } else {
            push(&mut out, character, mark, ascii);
        }
        bytes = &bytes[width..];
    }
    out.push(mark);
    out
}

/// A rune in single quotes.
pub fn quote_rune(character: char, ascii: bool) -> String {
    let mut out = String::from("'");
    push(&mut out, character, '\'', ascii);
    out.push('\'');
    out
}

fn push(out: &mut String, character: char, mark: char, ascii: bool) {
    if ascii && !character.is_ascii() {
        let code = character as u32;
        if code < 0x10000 {
            out.push_str(&format!("\\u{code:04x}"));
        } else {
            out.push_str(&format!("\\U{code:08x}"));
        }
    } else {
        push_quoted(out, character, mark);
    }
}

/// Whether a text can stand in backquotes.
pub fn can_backquote(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((character, width)) = decode_rune(rest) {
        rest = &rest[width..];
        if width > 1 {
            if character == '\u{feff}' {
                return false;
            }
            continue;
        }
        if character == '\u{fffd}'
            || (character < ' ' && character != '\t')
            || matches!(character, '`' | '\x7f')
        {
            return false;
        }
    }
    true
}

/// `%#U`: `U+0040 '@'`.
pub fn unicode_name(character: char) -> String {
    let mut out = format!("U+{:04X}", character as u32);
    if is_printable(character) {
        out.push_str(&format!(" '{character}'"));
    }
    out
}

/// A quoted or backquoted text without its quotes and escapes; nothing where it is malformed.
pub fn unquote(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (&mark, rest) = quoted.split_first()?;
    let (&last, inner) = rest.split_last()?;
    if mark != last {
        return None;
    }
    match mark {
        b'`' if memchr::memchr(b'\r', inner).is_none() => Some(Cow::Borrowed(inner)),
        b'`' => Some(inner.iter().copied().filter(|&b| b != b'\r').collect()),
        b'"' => {
            let is_text = std::str::from_utf8(inner).is_ok();
            if is_text && memchr::memchr3(b'\\', b'"', b'\n', inner).is_none() {
                return Some(Cow::Borrowed(inner));
            }
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                if rest[0] == b'\n' {
                    return None;
                }
                if rest[0] != b'\\' && is_text {
                    let plain = memchr::memchr3(b'\\', b'"', b'\n', rest).unwrap_or(rest.len());
                    if plain > 0 {
                        out.extend_from_slice(&rest[..plain]);
                        rest = &rest[plain..];
                        continue;
                    }
                }
                let (code, byte, tail) = unescape(rest, b'"')?;
                if byte {
                    out.push(code as u8);
                } else {
                    let character = char::from_u32(code).unwrap_or('\u{fffd}');
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                rest = tail;
            }
            Some(Cow::Owned(out))
        }
        _ => None,
    }
}

/// The first character of a quoted text, and what follows it.
pub fn unquote_char(text: &[u8], mark: u8) -> Option<(u32, &[u8])> {
    unescape(text, mark).map(|(code, _, tail)| (code, tail))
}

fn unescape(text: &[u8], mark: u8) -> Option<(u32, bool, &[u8])> {
    let first = *text.first()?;
    if first == mark && (mark == b'\'' || mark == b'"') {
        return None;
    }
    if first != b'\\' {
        let (character, width) = decode_rune(text)?;
        return Some((character as u32, false, &text[width..]));
    }
    let escape = *text.get(1)?;
    let tail = &text[2..];
    let plain = |code: u8| Some((u32::from(code), true, tail));
    match escape {
        b'a' => plain(7),
        b'b' => plain(8),
        b'f' => plain(12),
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'v' => plain(11),
        b'\\' => plain(b'\\'),
        b'\'' | b'"' if escape == mark => plain(escape),
        b'x' | b'u' | b'U' => {
            let length = match escape {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let mut code: u32 = 0;
            for &digit in tail.get(..length)? {
                code = code.wrapping_mul(16) | char::from(digit).to_digit(16)?;
            }
            if escape == b'x' {
                return Some((code, true, &tail[2..]));
            }
            char::from_u32(code)?;
            Some((code, false, &tail[length..]))
        }
        b'0'..=b'7' => {
            let digits = text.get(1..4)?;
            let mut code: u32 = 0;
            for &digit in digits {
                code = code * 8 + char::from(digit).to_digit(8)?;
            }
            (code <= 255).then_some((code, true, &text[4..]))
        }
        _ => None,
    }
}
