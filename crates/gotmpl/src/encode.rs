//! Base64 and base32 texts.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    encode(bytes, STANDARD, 6, 4)
}

/// Standard base32 with padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    encode(bytes, BASE32, 5, 8)
}

fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / bits as usize + group);
    let (mut pending, mut have) = (0_u32, 0_u32);
    let mask = (1 << bits) - 1;
    for &byte in bytes {
        pending = pending << 8 | u32::from(byte);
        have += 8;
        while have >= bits {
            have -= bits;
            out.push(char::from(alphabet[(pending >> have & mask) as usize]));
        }
        pending &= (1 << have) - 1;
    }
    if have > 0 {
        out.push(char::from(alphabet[(pending << (bits - have) & mask) as usize]));
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

/// Decodes as Go does: line breaks are skipped, padding is required. The error is the place of the first bad byte.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    decode(text, STANDARD, 6, 4)
}

pub(crate) fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    decode(text, BASE32, 5, 8)
}

fn decode(text: &[u8], alphabet: &[u8], bits: u32, group: usize) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() * bits as usize / 8);
    // Go's base32 counts places after line breaks have been taken out, base64 in the text as it is.
    let symbols: Vec<(usize, u8)> =
        text.iter().copied().enumerate().filter(|(_, b)| !matches!(b, b'\r' | b'\n')).collect();
    let place = |index: usize| {
        if group == 8 { index } else { symbols.get(index).map_or(text.len(), |(at, _)| *at) }
    };
    let mut start = 0;
    let mut ended = false;
    while start < symbols.len() && !ended {
        let (mut pending, mut have) = (0_u64, 0_u32);
        let mut index = 0;
        while index < group {
            let Some(&(_, byte)) = symbols.get(start + index) else {
                // The text ends inside a group.
                return Err(if group == 8 { symbols.len() - index } else { text.len() - index });
            };
            if byte == b'=' {
                ended = if group == 8 {
                    check_padding_32(&symbols, start + index, index)?
                } else {
                    check_padding_64(&symbols, start + index, index, text.len())?
                };
                if ended {
                    break;
                }
            }
            let Some(symbol) = alphabet.iter().position(|&b| b == byte) else {
                return Err(place(start + index));
            };
            pending = pending << bits | symbol as u64;
            have += bits;
            index += 1;
        }
        while have >= 8 {
            have -= 8;
            out.push((pending >> have & 0xff) as u8);
        }
        start += group;
    }
    Ok(out)
}

/// What follows the first `=` of a base64 text: another where one is due, and nothing after.
fn check_padding_64(symbols: &[(usize, u8)], at: usize, index: usize, length: usize) -> Result<bool, usize> {
    let place = |at: usize| symbols.get(at).map(|(place, _)| *place);
    if index < 2 {
        return Err(symbols[at].0);
    }
    let mut next = at + 1;
    if index == 2 {
        match symbols.get(next) {
            None => return Err(length),
            Some((_, b'=')) => next += 1,
            Some((place, _)) => return Err(place - 1),
        }
    }
    match place(next) {
        Some(place) => Err(place),
        None => Ok(true),
    }
}

/// What follows the first `=` of a base32 group. False where it is no padding at all.
fn check_padding_32(symbols: &[(usize, u8)], at: usize, index: usize) -> Result<bool, usize> {
    let after = symbols.len() - at - 1;
    if index < 2 || after >= 8 {
        return Ok(false);
    }
    if index + after < 7 {
        return Err(symbols.len());
    }
    for place in 0..7 - index {
        if symbols.get(at + 1 + place).is_some_and(|(_, byte)| *byte != b'=') {
            return Err(at + place);
        }
    }
    if matches!(index, 3 | 6) {
        return Err(at);
    }
    Ok(true)
}
