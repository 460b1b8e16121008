//! The headers of tar archives: written as Go's `archive/tar` writes them, byte for byte; read with bounds.
//!
//! Only what artifacts hold: folders and plain files. Owner, group and times are always zero.

const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;

/// What a header is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// Extended attributes of the next entry.
    Extended,
    /// Extended attributes of all entries that follow.
    Global,
    /// GNU: the next entry's name.
    LongName,
    /// GNU: the next entry's link target.
    LongLink,
    Other(u8),
}

/// A header's block, preceded by an extended one where the name does not fit. The name has no NUL.
pub fn header(name: &str, mode: u32, kind: Kind, size: u64) -> Vec<u8> {
    let fits = name.is_ascii() && (name.len() <= NAME || split(name).is_some());
    let (letter, size) = match kind {
        Kind::Folder => (b'5', 0),
        _ => (b'0', size),
    };
    let size_fits = size < 1 << 33;
    if fits && size_fits {
        let (prefix, rest) = if name.len() <= NAME { ("", name) } else { split(name).expect("it fits") };
        return block(rest, prefix, mode, letter, size).to_vec();
    }
    let mut records = Vec::new();
    if !fits {
        records.extend_from_slice(record("path", name).as_bytes());
    }
    if !size_fits {
        records.extend_from_slice(record("size", &size.to_string()).as_bytes());
    }
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let beside = if folder.is_empty() {
        format!("PaxHeaders.0/{file}")
    } else {
        format!("{folder}/PaxHeaders.0/{file}")
    };
    let beside = ascii(&beside);
    let beside = beside[..beside.len().min(NAME)].trim_end_matches('/');
    let mut bytes = block(beside, "", 0, b'x', records.len() as u64).to_vec();
    bytes.extend_from_slice(&records);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    let plain = ascii(name);
    let shown = if size_fits { size } else { 0 };
    bytes.extend_from_slice(&block(&plain[..plain.len().min(NAME)], "", mode, letter, shown));
    bytes
}

/// One record of an extended header: its length counts itself.
fn record(key: &str, value: &str) -> String {
    let bare = key.len() + value.len() + 3;
    let mut length = bare + bare.to_string().len();
    if bare + length.to_string().len() != length {
        length = bare + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

/// Splits a long name into prefix and rest at a slash, when both parts fit.
fn split(name: &str) -> Option<(&str, &str)> {
    let mut length = name.len();
    if length > PREFIX + 1 {
        length = PREFIX + 1;
    } else if name.ends_with('/') {
        length -= 1;
    }
    let at = name[..length].rfind('/')?;
    let rest = name.len() - at - 1;
    (at > 0 && rest > 0 && rest <= NAME && at <= PREFIX).then(|| (&name[..at], &name[at + 1..]))
}

fn block(name: &str, prefix: &str, mode: u32, letter: u8, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    put_octal(&mut block[100..108], u64::from(mode));
    put_octal(&mut block[108..116], 0);
    put_octal(&mut block[116..124], 0);
    put_octal(&mut block[124..136], size);
    put_octal(&mut block[136..148], 0);
    block[156] = letter;
    block[257..265].copy_from_slice(b"ustar\x0000");
    if letter != b'x' {
        put_octal(&mut block[329..337], 0);
        put_octal(&mut block[337..345], 0);
    }
    block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    let sum = checksum(&block);
    put_octal(&mut block[148..155], sum);
    block[155] = b' ';
    block
}

fn put_octal(field: &mut [u8], mut value: u64) {
    let digits = field.len() - 1;
    for digit in field[..digits].iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

/// The sum of a header's bytes with the sum's own field taken as blanks.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let all: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    all - own + 8 * u64::from(b' ')
}

/// What a block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: Vec<u8>,
    pub kind: Kind,
    pub size: u64,
    pub executable: bool,
}

/// Why a block is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid tar header")]
pub struct Invalid;

/// Reads a block. `None` for a block of zeros, which ends an archive.
pub fn read(block: &[u8; BLOCK]) -> Result<Option<Header>, Invalid> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if number(&block[148..156])? != checksum(block) {
        return Err(Invalid);
    }
    let mut name = text(&block[..100]).to_vec();
    let magic = &block[257..263];
    if magic == b"ustar\0" {
        let prefix = text(&block[345..500]);
        if !prefix.is_empty() {
            let mut whole = prefix.to_vec();
            whole.push(b'/');
            whole.append(&mut name);
            name = whole;
        }
    }
    let kind = match block[156] {
        b'0' | b'7' | 0 => Kind::File,
        b'5' => Kind::Folder,
        b'1' | b'2' => Kind::Link,
        b'x' => Kind::Extended,
        b'g' => Kind::Global,
        b'L' => Kind::LongName,
        b'K' => Kind::LongLink,
        other => Kind::Other(other),
    };
    let mode = number(&block[100..108])?;
    Ok(Some(Header { name, kind, size: number(&block[124..136])?, executable: mode & 0o111 != 0 }))
}

/// The `path` and `size` of an extended header's records.
pub fn records(bytes: &[u8]) -> Result<(Option<Vec<u8>>, Option<u64>), Invalid> {
    let (mut path, mut size) = (None, None);
    let mut rest = bytes;
    while !rest.is_empty() {
        let blank = rest.iter().take(20).position(|byte| *byte == b' ').ok_or(Invalid)?;
        let length: usize =
            std::str::from_utf8(&rest[..blank]).ok().and_then(|digits| digits.parse().ok()).ok_or(Invalid)?;
        if length < blank + 3 || length > rest.len() || rest[length - 1] != b'\n' {
            return Err(Invalid);
        }
        let line = &rest[blank + 1..length - 1];
        let equals = line.iter().position(|byte| *byte == b'=').ok_or(Invalid)?;
        let (key, value) = (&line[..equals], &line[equals + 1..]);
        if key == b"path" {
            path = Some(value.to_vec());
        } else if key == b"size" {
            size = Some(std::str::from_utf8(value).ok().and_then(|v| v.parse().ok()).ok_or(Invalid)?);
        } else if key.starts_with(b"GNU.sparse") {
            return Err(Invalid);
        }
        rest = &rest[length..];
    }
    Ok((path, size))
}

fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// An octal number, or GNU's base 256.
fn number(field: &[u8]) -> Result<u64, Invalid> {
    if field[0] & 0x80 != 0 {
        let mut value = u64::from(field[0] & 0x7f);
        for byte in &field[1..] {
            if value >> 55 != 0 {
                return Err(Invalid);
            }
            value = value << 8 | u64::from(*byte);
        }
        return Ok(value);
    }
    let digits = text(field).trim_ascii();
    let mut value: u64 = 0;
    for digit in digits {
        if !(b'0'..=b'7').contains(digit) || value >> 60 != 0 {
            return Err(Invalid);
        }
        value = value << 3 | u64::from(digit - b'0');
    }
    Ok(value)
}
