//! Reads the shape `v1.2.3-pre+meta` off the front of a text. Versions and ranges share it; only the number class differs.

/// What may stand where a number is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Digits only.
    Digits,
    /// Digits, `x`, `X`, `*`, and `|`, which the reference's character class lets in (and refuses later).
    Wildcards,
}

/// The pieces of one version-shaped text; `text` is all of it.
pub(crate) struct Parts<'a> {
    pub text: &'a str,
    pub major: &'a str,
    pub minor: Option<&'a str>,
    pub patch: Option<&'a str>,
    pub pre: Option<&'a str>,
    pub metadata: Option<&'a str>,
}

/// The longest version-shaped prefix and what follows it.
pub(crate) fn scan_version(text: &str, mode: Mode) -> Option<(Parts<'_>, &str)> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (major, mut rest) = scan_number(rest, mode)?;
    let mut parts = Parts { text, major, minor: None, patch: None, pre: None, metadata: None };
    if let Some((minor, after)) = scan_after(rest, '.', |rest| scan_number(rest, mode)) {
        parts.minor = Some(minor);
        rest = after;
        if let Some((patch, after)) = scan_after(rest, '.', |rest| scan_number(rest, mode)) {
            parts.patch = Some(patch);
            rest = after;
        }
    }
    if let Some((pre, after)) = scan_after(rest, '-', scan_identifiers) {
        parts.pre = Some(pre);
        rest = after;
    }
    if let Some((metadata, after)) = scan_after(rest, '+', scan_identifiers) {
        parts.metadata = Some(metadata);
        rest = after;
    }
    parts.text = &text[..text.len() - rest.len()];
    Some((parts, rest))
}

fn scan_after<'a>(
    text: &'a str,
    mark: char,
    scan: impl FnOnce(&'a str) -> Option<(&'a str, &'a str)>,
) -> Option<(&'a str, &'a str)> {
    scan(text.strip_prefix(mark)?)
}

fn scan_number(text: &str, mode: Mode) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .position(|b| {
            !(b.is_ascii_digit() || mode == Mode::Wildcards && matches!(b, b'x' | b'X' | b'*' | b'|'))
        })
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `abc.1-2.c`: identifiers joined by single dots; a dot that no identifier follows is left.
fn scan_identifiers(text: &str) -> Option<(&str, &str)> {
    let identifier = |from: usize| {
        text[from..]
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || b == b'-'))
            .map_or(text.len(), |length| from + length)
    };
    let mut end = identifier(0);
    if end == 0 {
        return None;
    }
    while text[end..].starts_with('.') {
        let next = identifier(end + 1);
        if next == end + 1 {
            break;
        }
        end = next;
    }
    Some(text.split_at(end))
}

/// What the reference's `\s` means: no vertical tab, nothing beyond ASCII.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

pub(crate) fn skip_spaces(text: &str) -> &str {
    let start = text.bytes().position(|b| !is_space(b)).unwrap_or(text.len());
    &text[start..]
}
