//! Classes of characters, told from their first bytes.

/// How many bytes the line break at the front takes; 0 when there is none.
pub(super) fn break_width(bytes: &[u8]) -> u32 {
    match bytes {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [b'\r', ..] => 1,
        [0xC2, 0x85, ..] => 2,
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
        _ => 0,
    }
}

/// Space, tab, line break or the end.
pub(super) fn is_blankz(bytes: &[u8]) -> bool {
    match bytes.first() {
        None | Some(b' ' | b'\t' | b'\n' | b'\r' | 0) => true,
        Some(0xC2 | 0xE2) => break_width(bytes) > 0,
        _ => false,
    }
}

/// How many bytes the character that begins with this byte takes.
pub(super) fn width(first: u8) -> u32 {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    }
}

/// Letters, digits, `_` and `-`.
pub(super) fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
