//! One version: loose and strict reading, precedence, increments. Metadata never takes part in a comparison.

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is read as a version.
const MAX_LENGTH: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    #[error("version string empty")]
    Empty,
    #[error("invalid semantic version")]
    Invalid,
    #[error("invalid characters in version")]
    InvalidCharacters,
    #[error("version segment starts with 0")]
    SegmentStartsZero,
    #[error("invalid metadata string")]
    InvalidMetadata,
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    OutOfRange(String),
}

/// A version as read; `Display` writes the full normal form, [`Version::original`] the text it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    pub pre: String,
    pub metadata: String,
    original: String,
}

/// The pieces of a loose version as they stand in the text; also used for ranges, where a part may be `x`.
pub(crate) struct Pieces<'a> {
    pub whole: &'a str,
    pub major: &'a str,
    pub minor: Option<&'a str>,
    pub patch: Option<&'a str>,
    pub pre: Option<&'a str>,
    pub metadata: Option<&'a str>,
}

/// Reads `v?N(.N)?(.N)?(-pre)?(+meta)?` from the start of `text`, where a part is made of bytes that `part` accepts.
pub(crate) fn scan(text: &str, part: fn(u8) -> bool) -> Option<Pieces<'_>> {
    let bytes = text.as_bytes();
    let run = |from: usize, accept: fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| !accept(*byte)).map_or(bytes.len(), |length| from + length)
    };
    let start = usize::from(bytes.first() == Some(&b'v'));
    let mut end = run(start, part);
    if end == start {
        return None;
    }
    let major = &text[start..end];
    let mut dotted = || {
        if bytes.get(end) != Some(&b'.') {
            return None;
        }
        let stop = run(end + 1, part);
        if stop == end + 1 {
            return None;
        }
        let found = &text[end + 1..stop];
        end = stop;
        Some(found)
    };
    let minor = dotted();
    let patch = if minor.is_some() { dotted() } else { None };
    let mut labels = |mark: u8| {
        if bytes.get(end) != Some(&mark) {
            return None;
        }
        let first = end + 1;
        let mut stop = run(first, is_label);
        if stop == first {
            return None;
        }
        while bytes.get(stop) == Some(&b'.') {
            let next = run(stop + 1, is_label);
            if next == stop + 1 {
                break;
            }
            stop = next;
        }
        let found = &text[first..stop];
        end = stop;
        Some(found)
    };
    let pre = labels(b'-');
    let metadata = labels(b'+');
    Some(Pieces { whole: &text[..end], major, minor, patch, pre, metadata })
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn number(text: &str) -> Result<u64, VersionError> {
    text.parse().map_err(|_| VersionError::OutOfRange(text.to_owned()))
}

fn check_prerelease(pre: &str) -> Result<(), VersionError> {
    for part in pre.split('.') {
        if part.bytes().all(is_digit) {
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::SegmentStartsZero);
            }
        } else if !part.bytes().all(is_label) {
            return Err(VersionError::InvalidPrerelease);
        }
    }
    Ok(())
}

impl Version {
    /// Reads a version the forgiving way: `v1.2`, `1`, `1.02.3` are versions.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let pieces = scan(text, is_digit).ok_or(VersionError::Invalid)?;
        if pieces.whole.len() != text.len() {
            return Err(VersionError::Invalid);
        }
        let pre = pieces.pre.unwrap_or_default();
        if !pre.is_empty() {
            check_prerelease(pre)?;
        }
        Ok(Self {
            major: number(pieces.major)?,
            minor: pieces.minor.map_or(Ok(0), number)?,
            patch: pieces.patch.map_or(Ok(0), number)?,
            pre: pre.to_owned(),
            metadata: pieces.metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// Reads a version that must be complete: three numbers without leading zeros, no `v`.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VersionError::Invalid);
        };
        let (rest, metadata) = rest.split_once('+').unwrap_or((rest, ""));
        if !metadata.split('.').all(|part| part.bytes().all(is_label)) {
            return Err(VersionError::InvalidMetadata);
        }
        let (patch, pre) = match rest.split_once('-') {
            Some((patch, pre)) => {
                check_prerelease(pre)?;
                (patch, pre)
            }
            None => (rest, ""),
        };
        for part in [major, minor, patch] {
            if !part.bytes().all(is_digit) {
                return Err(VersionError::InvalidCharacters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::SegmentStartsZero);
            }
        }
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// The text that the version was read from.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Precedence. Versions that differ in metadata only are equal here, so this is no `Ord`.
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prerelease(&self.pre, &other.pre))
    }

    /// The next patch release; a prerelease becomes its release.
    #[must_use]
    pub fn inc_patch(&self) -> Self {
        let patch = if self.pre.is_empty() { self.patch.saturating_add(1) } else { self.patch };
        self.next(self.major, self.minor, patch)
    }

    #[must_use]
    pub fn inc_minor(&self) -> Self {
        self.next(self.major, self.minor.saturating_add(1), 0)
    }

    #[must_use]
    pub fn inc_major(&self) -> Self {
        self.next(self.major.saturating_add(1), 0, 0)
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        let mark = if self.original.starts_with('v') { "v" } else { "" };
        let original = format!("{mark}{major}.{minor}.{patch}");
        Self { major, minor, patch, pre: String::new(), metadata: String::new(), original }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(out, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(out, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Precedence of two prerelease texts; none is higher than any.
pub(crate) fn compare_prerelease(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut left = left.split('.');
    let mut right = right.split('.');
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        if a == b {
            continue;
        }
        return match (a.parse::<u64>(), b.parse::<u64>()) {
            (Err(_), Err(_)) => a.cmp(b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Ok(a), Ok(b)) => a.cmp(&b),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_versions_are_read() {
        for (given, want) in [
            ("1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("1.2", "1.2.0"),
            ("1", "1.0.0"),
            ("1.2.3-beta.1+b.5", "1.2.3-beta.1+b.5"),
            ("1-rc", "1.0.0-rc"),
            ("01.02.3", "1.2.3"),
        ] {
            assert_eq!(Version::parse(given).unwrap().to_string(), want, "{given}");
        }
        for given in
            ["", "a", "1.2.3.4", "1.", "1.2.beta", "foo1", "1.2.3-", "1.2.3+", "V1", "99999999999999999999"]
        {
            assert!(Version::parse(given).is_err(), "{given}");
        }
        assert_eq!(Version::parse("1.2.3-01"), Err(VersionError::SegmentStartsZero));
    }

    #[test]
    fn strict_versions_are_complete() {
        assert!(Version::parse_strict("1.2.3-a.1+x").is_ok());
        for given in ["", "1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.x"] {
            assert!(Version::parse_strict(given).is_err(), "{given}");
        }
    }

    #[test]
    fn precedence_follows_semver() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.1",
        ];
        for pair in ascending.windows(2) {
            let (a, b) = (Version::parse(pair[0]).unwrap(), Version::parse(pair[1]).unwrap());
            assert_eq!(a.compare(&b), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn increments_drop_the_rest() {
        let version = Version::parse("v1.2.3-rc+x").unwrap();
        assert_eq!(version.inc_patch().original(), "v1.2.3");
        assert_eq!(version.inc_minor().to_string(), "1.3.0");
        assert_eq!(version.inc_major().to_string(), "2.0.0");
    }
}
