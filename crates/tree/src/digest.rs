//! Digests of files: `sha256:9f86…`, made while bytes pass and compared with what was promised.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use sha2::Digest as _;

/// The algorithms that an artifact's digest may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Algorithm {
    Sha1,
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or(ParseError::Unsupported)
    }
}

/// Why a text is no digest. The words are those of the library that upstream parses with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("invalid checksum digest format")]
    Format,
    #[error("unsupported digest algorithm")]
    Unsupported,
    #[error("invalid checksum digest length")]
    Length,
}

/// A digest: algorithm and lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

impl Digest {
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The digest of bytes in memory.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (name, hex) = text.split_once(':').ok_or(ParseError::Format)?;
        if name.is_empty() || hex.is_empty() {
            return Err(ParseError::Format);
        }
        let algorithm: Algorithm = name.parse()?;
        if hex.len() != algorithm.digits() {
            return Err(ParseError::Length);
        }
        if !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Err(ParseError::Format);
        }
        Ok(Self { algorithm, hex: hex.to_owned() })
    }
}

/// Takes bytes, gives a digest.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::default()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::default()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::default()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::default()),
        };
        Self { algorithm, state }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    pub fn finish(self) -> Digest {
        let hex = match self.state {
            State::Sha1(state) => to_hex(&state.finalize()),
            State::Sha256(state) => to_hex(&state.finalize()),
            State::Sha384(state) => to_hex(&state.finalize()),
            State::Sha512(state) => to_hex(&state.finalize()),
        };
        Digest { algorithm: self.algorithm, hex }
    }
}

/// Passes bytes on, counts them and makes their digest.
pub struct Digesting<W> {
    inner: W,
    hasher: Hasher,
    written: u64,
}

impl<W: Write> Digesting<W> {
    pub fn new(algorithm: Algorithm, inner: W) -> Self {
        Self { inner, hasher: Hasher::new(algorithm), written: 0 }
    }

    /// The writer, the digest of what went through and how much that was.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.written)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read() {
        let digest = Digest::of(Algorithm::Sha256, b"");
        assert_eq!(
            digest.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("e3b0".parse::<Digest>(), Err(ParseError::Format));
        assert_eq!("md5:e3b0".parse::<Digest>(), Err(ParseError::Unsupported));
        assert_eq!("sha256:e3b0".parse::<Digest>(), Err(ParseError::Length));
        assert_eq!(format!("sha1:{}", "G".repeat(40)).parse::<Digest>(), Err(ParseError::Format));
    }
}
