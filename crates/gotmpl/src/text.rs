//! Go strings: bytes, mostly UTF-8, shared and never changed.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A Go string. A clone shares the bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Arc<[u8]>);

/// What a map of texts can be asked for without making one: a look-up compares as texts do among themselves.
pub(crate) trait Key {
    fn bytes(&self) -> &[u8];
}

impl Key for Text {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes to look for.
pub(crate) struct Wanted<'a>(pub &'a [u8]);

impl Key for Wanted<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }
}

impl<'a> Borrow<dyn Key + 'a> for Text {
    fn borrow(&self) -> &(dyn Key + 'a) {
        self
    }
}

impl PartialEq for dyn Key + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for dyn Key + '_ {}

impl PartialOrd for dyn Key + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Key + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.bytes(), other.bytes())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

/// The order of slices of bytes, without a call for keys that differ early, as most do.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    match (a.split_first_chunk::<8>(), b.split_first_chunk::<8>()) {
        (Some((left, a)), Some((right, b))) => {
            u64::from_be_bytes(*left).cmp(&u64::from_be_bytes(*right)).then_with(|| a.cmp(b))
        }
        _ => match (a.first(), b.first()) {
            (Some(left), Some(right)) if left != right => left.cmp(right),
            _ => a.cmp(b),
        },
    }
}

impl Text {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with each invalid byte replaced as Go prints it.
    pub fn to_lossy(&self) -> Cow<'_, str> {
        to_lossy(&self.0)
    }

    pub fn chars(&self) -> Runes<'_> {
        Runes(&self.0)
    }
}

/// Bytes as text; each byte that is not UTF-8 becomes U+FFFD.
pub fn to_lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(Runes(bytes).collect()),
    }
}

/// The runes of a Go string; an invalid byte is one U+FFFD.
#[derive(Clone)]
pub struct Runes<'a>(pub &'a [u8]);

impl Iterator for Runes<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let (character, width) = decode_rune(self.0)?;
        self.0 = &self.0[width..];
        Some(character)
    }
}

/// The first rune and its width, which is 1 where the bytes are not UTF-8.
pub fn decode_rune(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    let width = match first {
        0..=0x7f => return Some((char::from(first), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some(('\u{fffd}', 1)),
    };
    let decoded = bytes.get(..width).and_then(|bytes| std::str::from_utf8(bytes).ok());
    Some(decoded.and_then(|text| text.chars().next()).map_or(('\u{fffd}', 1), |character| (character, width)))
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_lossy())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_lossy(), f)
    }
}
