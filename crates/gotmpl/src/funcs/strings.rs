//! Strings.

/// Go's TrimSpace.
pub(crate) fn trim_space(mut bytes: &[u8]) -> &[u8] {
    while let Some((character, width)) = crate::text::decode_rune(bytes) {
        if !character.is_whitespace() {
            break;
        }
        bytes = &bytes[width..];
    }
    loop {
        let mut width = 1;
        while width < 4 && width < bytes.len() && bytes[bytes.len() - width] & 0xc0 == 0x80 {
            width += 1;
        }
        let Some(last) = bytes.len().checked_sub(width).map(|at| &bytes[at..]) else { return bytes };
        match crate::text::decode_rune(last) {
            Some((character, decoded)) if decoded == last.len() && character.is_whitespace() => {
                bytes = &bytes[..bytes.len() - last.len()];
            }
            _ => return bytes,
        }
    }
}
