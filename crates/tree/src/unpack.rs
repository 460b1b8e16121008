//! Unpacking an artifact: bounded in bytes, files and depth, and unable to write outside the folder it is given.
//!
//! Names that are empty, absolute, have a backslash or climb with `..` are refused; links are dropped; other special
//! files are refused. Nothing is ever written through a link, because none is made.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::changed::Fingerprints;
use crate::ustar::{self, Header, Kind};
use crate::view::{self, Memory};

/// Bounds of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Everything after decompression, headers counted.
    pub bytes: u64,
    pub file_bytes: u64,
    pub entries: usize,
    pub path_bytes: usize,
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, file_bytes: 256 << 20, entries: 200_000, path_bytes: 4096, depth: 255 }
    }
}

/// A long name or extended header larger than this is refused.
const LARGEST_EXTENSION: u64 = 1 << 20;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("requires gzip-compressed body")]
    Read(#[source] io::Error),
    #[error("tar error: {0}")]
    Header(#[from] ustar::Invalid),
    #[error("tar error: unexpected EOF")]
    Truncated,
    #[error("tar contained invalid name error {0:?}")]
    Name(String),
    #[error("tar {name:?} is bigger than max archive size of {limit} bytes")]
    TooLarge { name: String, limit: u64 },
    #[error("tar holds more than {0} files")]
    TooMany(usize),
    #[error("tar file entry {name} contained unsupported file type {kind}")]
    Kind { name: String, kind: char },
    #[error("write {name}")]
    Write { name: String, source: io::Error },
    #[error(transparent)]
    Place(#[from] view::ReadError),
}

/// What an archive held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub files: usize,
    pub bytes: u64,
    pub fingerprints: Fingerprints,
}

/// Unpacks a gzipped archive into a folder that exists, is empty and is the caller's alone.
pub fn unpack_into(archive: impl Read, folder: &Path, limits: Limits) -> Result<Unpacked, UnpackError> {
    each(archive, limits, |entry| match entry {
        Item::Folder { path } => {
            let full = folder.join(path);
            fs::create_dir_all(full).map_err(|source| UnpackError::Write { name: path.to_owned(), source })
        }
        Item::File { path, executable, bytes } => write_file(&folder.join(path), executable, &bytes)
            .map_err(|source| UnpackError::Write { name: path.to_owned(), source }),
    })
}

/// Unpacks a gzipped archive into memory.
pub fn unpack_memory(archive: impl Read, limits: Limits) -> Result<(Memory, Unpacked), UnpackError> {
    let view = view::Limits { file_bytes: limits.file_bytes, folder_entries: limits.entries };
    let mut memory = Memory::new(view);
    let unpacked = each(archive, limits, |entry| match entry {
        Item::Folder { path } => Ok(memory.insert_folder(path)?),
        Item::File { path, bytes, .. } => Ok(memory.insert(path, bytes)?),
    })?;
    Ok((memory, unpacked))
}

/// One entry of an archive, its path checked and clean.
pub enum Item<'a> {
    Folder { path: &'a str },
    File { path: &'a str, executable: bool, bytes: Bytes },
}

/// Gives each entry of a gzipped archive to `visit`.
pub fn each(
    archive: impl Read,
    limits: Limits,
    mut visit: impl FnMut(Item<'_>) -> Result<(), UnpackError>,
) -> Result<Unpacked, UnpackError> {
    let mut reader = Reader { inner: MultiGzDecoder::new(archive), left: limits.bytes, limits };
    let mut unpacked = Unpacked::default();
    let mut entries = 0;
    let mut long_name: Option<Vec<u8>> = None;
    let mut long_size: Option<u64> = None;
    loop {
        let mut block = [0; 512];
        if !reader.fill(&mut block, "")? {
            return Err(UnpackError::Truncated);
        }
        let Some(mut header) = ustar::read(&block)? else { return Ok(unpacked) };
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooMany(limits.entries));
        }
        match header.kind {
            Kind::Extended => {
                (long_name, long_size) = ustar::records(&reader.extension(&header)?)?;
                continue;
            }
            Kind::LongName => {
                let mut name = reader.extension(&header)?;
                while name.last() == Some(&0) {
                    name.pop();
                }
                long_name = Some(name);
                continue;
            }
            Kind::Global | Kind::LongLink => {
                reader.extension(&header)?;
                continue;
            }
            _ => {}
        }
        if let Some(name) = long_name.take() {
            header.name = name;
        }
        if let Some(size) = long_size.take() {
            header.size = size;
        }
        if header.kind == Kind::File && header.name.ends_with(b"/") {
            header.kind = Kind::Folder;
        }
        let shown = String::from_utf8_lossy(&header.name).into_owned();
        let path = clean(&header.name, limits).ok_or_else(|| UnpackError::Name(shown.clone()))?;
        match header.kind {
            Kind::Folder => {
                reader.skip(header.size, &shown)?;
                if !path.is_empty() {
                    visit(Item::Folder { path: &path })?;
                }
            }
            Kind::File => {
                if path.is_empty() {
                    return Err(UnpackError::Name(shown));
                }
                let bytes = reader.content(&header, &shown)?;
                unpacked.files += 1;
                unpacked.bytes += bytes.len() as u64;
                unpacked.fingerprints.add(&path, header.executable, &bytes);
                visit(Item::File { path: &path, executable: header.executable, bytes })?;
            }
            Kind::Link => reader.skip(header.size, &shown)?,
            Kind::Other(kind) => {
                return Err(UnpackError::Kind { name: shown, kind: char::from(kind) });
            }
            Kind::Extended | Kind::Global | Kind::LongName | Kind::LongLink => {}
        }
    }
}

/// The path of a name: relative, without `.`; none when it must be refused.
fn clean(name: &[u8], limits: Limits) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if name.is_empty() || name.len() > limits.path_bytes || name.starts_with('/') {
        return None;
    }
    if name.contains(['\\', '\0']) {
        return None;
    }
    let mut segments = Vec::new();
    for segment in name.split('/') {
        match segment {
            "" | "." => {}
            ".." => return None,
            _ => segments.push(segment),
        }
    }
    (segments.len() <= limits.depth).then(|| segments.join("/"))
}

fn write_file(path: &Path, executable: bool, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if executable { 0o700 } else { 0o600 };
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(bytes)
}

struct Reader<R: Read> {
    inner: MultiGzDecoder<R>,
    left: u64,
    limits: Limits,
}

impl<R: Read> Reader<R> {
    fn charge(&mut self, bytes: u64, name: &str) -> Result<(), UnpackError> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| UnpackError::TooLarge { name: name.to_owned(), limit: self.limits.bytes })?;
        Ok(())
    }

    /// Fills the buffer; false when the archive had ended before its first byte.
    fn fill(&mut self, buffer: &mut [u8], name: &str) -> Result<bool, UnpackError> {
        self.charge(buffer.len() as u64, name)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(UnpackError::Truncated),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(UnpackError::Truncated);
                }
                Err(error) => return Err(UnpackError::Read(error)),
            }
        }
        Ok(true)
    }

    fn content(&mut self, header: &Header, name: &str) -> Result<Bytes, UnpackError> {
        if header.size > self.limits.file_bytes {
            return Err(UnpackError::TooLarge { name: name.to_owned(), limit: self.limits.file_bytes });
        }
        let padded = header.size.next_multiple_of(512);
        if padded > self.left {
            return Err(UnpackError::TooLarge { name: name.to_owned(), limit: self.limits.bytes });
        }
        // Grows with what really comes: a header that lies costs nothing.
        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        let mut left = padded as usize;
        while left > 0 {
            let part = left.min(chunk.len());
            if !self.fill(&mut chunk[..part], name)? {
                return Err(UnpackError::Truncated);
            }
            bytes.extend_from_slice(&chunk[..part]);
            left -= part;
        }
        bytes.truncate(header.size as usize);
        bytes.shrink_to_fit();
        Ok(Bytes::from(bytes))
    }

    fn extension(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        if header.size > LARGEST_EXTENSION {
            return Err(UnpackError::Header(ustar::Invalid));
        }
        self.content(header, "").map(Vec::from)
    }

    fn skip(&mut self, size: u64, name: &str) -> Result<(), UnpackError> {
        let mut chunk = [0; 16 * 1024];
        let mut left = size.next_multiple_of(512);
        while left > 0 {
            let part = left.min(chunk.len() as u64) as usize;
            if !self.fill(&mut chunk[..part], name)? {
                return Err(UnpackError::Truncated);
            }
            left -= part as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::view::Tree;

    fn gzip(parts: &[&[u8]]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for part in parts {
            encoder.write_all(part).unwrap();
        }
        encoder.finish().unwrap()
    }

    fn file(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = ustar::header(name, 0o644, Kind::File, content.len() as u64);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    /// A header of any kind, its sum put right.
    fn raw(name: &str, letter: u8, size: &str) -> Vec<u8> {
        let mut block = ustar::header(name, 0o644, Kind::File, 0);
        block[156] = letter;
        block[124..136].fill(0);
        block[124..124 + size.len()].copy_from_slice(size.as_bytes());
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    const END: &[u8] = &[0; 1024];

    fn unpack(parts: &[&[u8]]) -> Result<(Memory, Unpacked), UnpackError> {
        unpack_memory(&gzip(parts)[..], Limits::default())
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        let long = format!("{}file", "ü/".repeat(100));
        let folder = ustar::header("d", 0o750, Kind::Folder, 0);
        let archive = gzip(&[&file("a", b"one"), &folder, &file(&long, b"two"), END]);
        let (memory, unpacked) = unpack_memory(&archive[..], Limits::default()).unwrap();
        assert_eq!(memory.read("a").unwrap(), "one");
        assert_eq!(memory.read(&long).unwrap(), "two");
        assert_eq!((unpacked.files, unpacked.bytes), (2, 6));
        let home = tempfile::tempdir().unwrap();
        assert_eq!(unpack_into(&archive[..], home.path(), Limits::default()).unwrap(), unpacked);
        assert_eq!(fs::read(home.path().join(&long)).unwrap(), b"two");
        assert!(home.path().join("d").is_dir());
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for name in ["/etc/passwd", "../x", "a/../../x", "a/..", "a\\b", ".."] {
            let result = unpack(&[&file(name, b"x"), END]);
            assert!(matches!(result, Err(UnpackError::Name(_))), "{name}");
        }
        let error = unpack(&[&file("../x", b""), END]).unwrap_err();
        assert_eq!(error.to_string(), r#"tar contained invalid name error "../x""#);
    }

    #[test]
    fn links_are_dropped_and_devices_refused() {
        let (memory, _) =
            unpack(&[&raw("l", b'2', "0"), &raw("h", b'1', "0"), &file("l/x", b"1"), END]).unwrap();
        assert_eq!(memory.list("").unwrap().len(), 1);
        assert_eq!(memory.read("l/x").unwrap(), "1");
        assert!(matches!(unpack(&[&raw("d", b'3', "0"), END]), Err(UnpackError::Kind { kind: '3', .. })));
    }

    #[test]
    fn bounds_hold() {
        let limits = Limits { bytes: 3300, file_bytes: 1000, entries: 2, path_bytes: 10, depth: 2 };
        let refused = |parts: &[&[u8]]| unpack_memory(&gzip(parts)[..], limits).unwrap_err().to_string();
        assert_eq!(
            refused(&[&file("a", &[0; 1001])]),
            r#"tar "a" is bigger than max archive size of 1000 bytes"#
        );
        assert_eq!(
            refused(&[&file("a", &[0; 999]), &file("b", &[0; 999]), &[1; 2048]]),
            r#"tar "" is bigger than max archive size of 3300 bytes"#
        );
        assert_eq!(
            refused(&[&file("a", b""), &file("b", b""), &file("c", b"")]),
            "tar holds more than 2 files"
        );
        assert!(refused(&[&file("a/b/c", b"")]).contains("invalid name"));
        assert!(refused(&[&file("0123456789a", b"")]).contains("invalid name"));
        // A header that promises 8 GiB and brings nothing.
        assert!(refused(&[&raw("a", b'0', "77777777777")]).contains("bigger"));
        assert!(refused(&[&raw("a", b'x', "77777777777")]).contains("invalid tar header"));
    }

    #[test]
    fn damaged_archives_are_errors() {
        assert!(matches!(
            unpack_memory(&b"this is not gzip"[..], Limits::default()),
            Err(UnpackError::Read(_))
        ));
        assert!(matches!(unpack(&[]), Err(UnpackError::Truncated)));
        assert!(matches!(unpack(&[&file("a", b"x")]), Err(UnpackError::Truncated)));
        assert!(matches!(unpack(&[&file("a", &[1; 600])[..700]]), Err(UnpackError::Truncated)));
        assert!(matches!(unpack(&[&[7; 512]]), Err(UnpackError::Header(_))));
        let good = gzip(&[&file("a", b"hello"), END]);
        for end in 0..good.len() {
            let _ = unpack_memory(&good[..end], Limits::default());
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            let _ = unpack_memory(&bad[..], Limits::default());
        }
    }
}
