//! One version: parsing (strict and coerced), comparison, printing, increments.

use std::cmp::Ordering;
use std::fmt;

use crate::scan::{Mode, scan_version};

/// The longest version text that is read.
pub const MAX_VERSION_LEN: usize = 256;

/// Why a text is no version. The texts are those that users know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("invalid semantic version")]
    InvalidSemVer,
    #[error("version string empty")]
    EmptyString,
    #[error("invalid characters in version")]
    InvalidCharacters,
    #[error("version segment starts with 0")]
    SegmentStartsZero,
    #[error("invalid metadata string")]
    InvalidMetadata,
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    #[error("version string is too long (max {MAX_VERSION_LEN} bytes)")]
    TooLong,
    #[error("error parsing version segment: strconv.ParseUint: parsing {0:?}: value out of range")]
    Segment(String),
    #[error("strconv.ParseUint: parsing {0:?}: {1}")]
    Number(String, &'static str),
}

/// A version as it was written, and what it means.
#[derive(Debug, Clone, Default)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: String,
    metadata: String,
    original: String,
}

impl Version {
    /// Reads `1`, `v1.2`, `1.2.3-rc.1+build` and the like; missing parts are 0, leading zeros are tolerated in numbers.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_LEN {
            return Err(VersionError::TooLong);
        }
        let (parts, rest) = scan_version(text, Mode::Digits).ok_or(VersionError::InvalidSemVer)?;
        if !rest.is_empty() {
            return Err(VersionError::InvalidSemVer);
        }
        let version = Self {
            major: segment(parts.major)?,
            minor: segment(parts.minor.unwrap_or("0"))?,
            patch: segment(parts.patch.unwrap_or("0"))?,
            pre: parts.pre.unwrap_or_default().to_owned(),
            metadata: parts.metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        if !version.pre.is_empty() {
            check_prerelease(&version.pre)?;
        }
        if !version.metadata.is_empty() {
            check_metadata(&version.metadata)?;
        }
        Ok(version)
    }

    /// Reads only what the SemVer 2 text allows: three numbers, no `v`, no leading zeros.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::EmptyString);
        }
        if text.len() > MAX_VERSION_LEN {
            return Err(VersionError::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VersionError::InvalidSemVer);
        };
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => {
                check_metadata(metadata)?;
                (rest, metadata)
            }
            None => (rest, ""),
        };
        let (patch, pre) = match rest.split_once('-') {
            Some((patch, pre)) => {
                check_prerelease(pre)?;
                (patch, pre)
            }
            None => (rest, ""),
        };
        for part in [major, minor, patch] {
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(VersionError::InvalidCharacters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::SegmentStartsZero);
            }
        }
        let number = |part: &str| {
            if part.is_empty() {
                return Err(VersionError::Number(String::new(), "invalid syntax"));
            }
            part.parse::<u64>().map_err(|_| VersionError::Number(part.to_owned(), "value out of range"))
        };
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    pub fn major(&self) -> u64 {
        self.major
    }

    pub fn minor(&self) -> u64 {
        self.minor
    }

    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// The text after `-`, empty when there is none.
    pub fn prerelease(&self) -> &str {
        &self.pre
    }

    /// The text after `+`, empty when there is none.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text that was parsed.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch version; of a prerelease the version that it leads to.
    pub fn increment_patch(&self) -> Self {
        let patch = if self.pre.is_empty() { self.patch.saturating_add(1) } else { self.patch };
        self.next(self.major, self.minor, patch)
    }

    pub fn increment_minor(&self) -> Self {
        self.next(self.major, self.minor.saturating_add(1), 0)
    }

    pub fn increment_major(&self) -> Self {
        self.next(self.major.saturating_add(1), 0, 0)
    }

    /// The same version with another prerelease text (without its hyphen).
    pub fn with_prerelease(&self, pre: &str) -> Result<Self, VersionError> {
        if !pre.is_empty() {
            check_prerelease(pre)?;
        }
        let mut version = self.clone();
        pre.clone_into(&mut version.pre);
        version.original = version.prefixed();
        Ok(version)
    }

    /// The same version with another metadata text (without its plus sign).
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, VersionError> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        let mut version = self.clone();
        metadata.clone_into(&mut version.metadata);
        version.original = version.prefixed();
        Ok(version)
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        let mut version = Self {
            major,
            minor,
            patch,
            pre: String::new(),
            metadata: String::new(),
            original: self.original.clone(),
        };
        version.original = version.prefixed();
        version
    }

    fn prefixed(&self) -> String {
        if self.original.starts_with('v') { format!("v{self}") } else { self.to_string() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Metadata does not count, so two versions may be equal and print differently.
impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(
            || match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prerelease(&self.pre, &other.pre),
            },
        )
    }
}

/// A tag as Flux reads it: three dot-separated parts, then the coerced reading.
pub fn parse_dotted(text: &str) -> Result<Version, VersionError> {
    if text.splitn(3, '.').count() != 3 {
        return Err(VersionError::InvalidSemVer);
    }
    Version::parse(text)
}

fn segment(text: &str) -> Result<u64, VersionError> {
    text.parse().map_err(|_| VersionError::Segment(text.to_owned()))
}

/// Compares the texts after the hyphen, identifier by identifier.
pub(crate) fn compare_prerelease(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            return Ordering::Equal;
        }
        let order = compare_identifier(a.unwrap_or_default(), b.unwrap_or_default());
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_identifier(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    if left.is_empty() {
        return Ordering::Less;
    }
    if right.is_empty() {
        return Ordering::Greater;
    }
    // Identifiers hold no sign, so this is what a Go ParseUint accepts.
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Err(_), Err(_)) => {
            if left > right {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Ok(a), Ok(b)) => {
            if a > b {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn check_prerelease(text: &str) -> Result<(), VersionError> {
    for part in text.split('.') {
        if part.is_empty() {
            return Err(VersionError::InvalidPrerelease);
        }
        if part.bytes().all(|b| b.is_ascii_digit()) {
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::SegmentStartsZero);
            }
        } else if !is_identifier(part) {
            return Err(VersionError::InvalidPrerelease);
        }
    }
    Ok(())
}

fn check_metadata(text: &str) -> Result<(), VersionError> {
    if text.split('.').all(|part| !part.is_empty() && is_identifier(part)) {
        Ok(())
    } else {
        Err(VersionError::InvalidMetadata)
    }
}
