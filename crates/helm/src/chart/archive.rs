//! A packed chart: gzip around tar, unpacked into memory within bounds. Links become empty files, as in Helm; nothing is
//! ever written, so nothing can leave.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use tar::EntryType;

use super::{File, Limits};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Why an archive was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("gzip: invalid header")]
    NotGzip,
    #[error("file '{name}' seems to be a YAML file, but expected a gzipped archive")]
    LooksLikeYaml { name: String },
    #[error("file '{name}' does not appear to be a gzipped archive; got '{kind}'")]
    WrongContent { name: String, kind: &'static str },
    #[error("{0}")]
    Corrupt(String),
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    #[error("chart illegally contains content outside the base directory: {0:?}")]
    OutsideBase(String),
    #[error("chart illegally references parent directory")]
    ParentReference,
    #[error("chart contains illegally named files")]
    IllegalName,
    #[error("chart yaml not in base directory")]
    ChartfileOutside,
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    #[error("decompressed chart file {name:?} is larger than the maximum file size {limit}")]
    FileTooLarge { name: String, limit: u64 },
    #[error("chart archive holds more than {0} entries")]
    TooMany(usize),
    #[error("no files in chart archive")]
    Empty,
}

/// Checks the first bytes, for an error that helps more than gzip's own.
pub fn check_content(name: &str, data: &[u8]) -> Result<(), ArchiveError> {
    if data.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(());
    }
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        return Err(ArchiveError::LooksLikeYaml { name: name.to_owned() });
    }
    Err(ArchiveError::WrongContent { name: name.to_owned(), kind: sniff(data) })
}

/// A little of Go's content sniffing, over 512 bytes padded with zeros.
fn sniff(data: &[u8]) -> &'static str {
    let head = &data[..data.len().min(512)];
    if head.starts_with(b"PK\x03\x04") {
        return "application/zip";
    }
    if head.starts_with(b"%PDF-") {
        return "application/pdf";
    }
    let trimmed = head.trim_ascii_start();
    if trimmed.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if trimmed.len() >= 15 && trimmed[..15].eq_ignore_ascii_case(b"<!DOCTYPE HTML ") {
        return "text/html; charset=utf-8";
    }
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if head.len() < 512 || head.iter().any(binary) {
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    }
}

/// Unpacks an archive. The first folder of every name is dropped.
pub fn unpack(data: &[u8], limits: &Limits) -> Result<Vec<File>, ArchiveError> {
    if data.len() < 10 || !data.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Err(ArchiveError::NotGzip);
    }
    // A tar of nothing but headers must not run for ever: the reader itself is bounded too.
    let allowed = limits.archive_bytes.saturating_add(limits.files as u64 * 2048);
    let mut archive = tar::Archive::new(MultiGzDecoder::new(data).take(allowed));
    let mut files = Vec::new();
    let mut remaining = limits.archive_bytes;
    let corrupt = |error: io::Error| ArchiveError::Corrupt(error.to_string());
    for (count, entry) in archive.entries().map_err(corrupt)?.enumerate() {
        if count >= limits.files {
            return Err(ArchiveError::TooMany(limits.files));
        }
        let mut entry = entry.map_err(corrupt)?;
        let kind = entry.header().entry_type();
        let full = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || full.ends_with('/') {
            continue;
        }
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            continue;
        }
        let name = inner_name(&full)?;
        let size = if kind.is_symlink() || kind.is_hard_link() { 0 } else { entry.size() };
        if size > remaining {
            return Err(ArchiveError::TooLarge(limits.archive_bytes));
        }
        if size > limits.file_bytes {
            return Err(ArchiveError::FileTooLarge { name: full, limit: limits.file_bytes });
        }
        let mut content = Vec::with_capacity(size as usize);
        (&mut entry).take(size).read_to_end(&mut content).map_err(corrupt)?;
        remaining -= content.len() as u64;
        if (content.len() as u64) < size {
            return Err(ArchiveError::Corrupt("unexpected EOF".to_owned()));
        }
        if remaining == 0 {
            return Err(ArchiveError::TooLarge(limits.archive_bytes));
        }
        let seconds = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
        let modified = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        files.push(File { name, data: without_mark(Bytes::from(content)), modified });
    }
    if files.is_empty() {
        return Err(ArchiveError::Empty);
    }
    Ok(files)
}

/// Drops a byte order mark.
pub(crate) fn without_mark(data: Bytes) -> Bytes {
    if data.starts_with(BYTE_ORDER_MARK) { data.slice(BYTE_ORDER_MARK.len()..) } else { data }
}

/// The name within the chart, or why it is not one.
fn inner_name(full: &str) -> Result<String, ArchiveError> {
    let delimiter = if full.contains('\\') { '\\' } else { '/' };
    let (first, rest) = full.split_once(delimiter).unwrap_or((full, ""));
    let name = rest.replace(delimiter, "/");
    if name.starts_with('/') {
        return Err(ArchiveError::AbsolutePath);
    }
    let name = clean_path(&name);
    if name == "." {
        return Err(ArchiveError::OutsideBase(full.to_owned()));
    }
    if name.starts_with("..") {
        return Err(ArchiveError::ParentReference);
    }
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'/' {
        return Err(ArchiveError::IllegalName);
    }
    if first == "Chart.yaml" {
        return Err(ArchiveError::ChartfileOutside);
    }
    Ok(name)
}

/// Go's `path.Clean`.
pub(crate) fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                None if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, kind, data) in entries {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name_literal("/etc/passwd").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn bad_archives_are_refused_in_helms_words() {
        let regular = EntryType::Regular;
        let limits = Limits { archive_bytes: 100, file_bytes: 50, files: 3, ..Limits::default() };
        for (entries, want) in [
            (vec![("a//etc/x", regular, &b"x"[..])], "chart illegally contains absolute paths"),
            (vec![("a/../../x", regular, b"x")], "chart illegally references parent directory"),
            (
                vec![("x", regular, b"x")],
                "chart illegally contains content outside the base directory: \"x\"",
            ),
            (vec![("a/c:/x", regular, b"x")], "chart contains illegally named files"),
            (vec![("Chart.yaml/x", regular, b"x")], "chart yaml not in base directory"),
            (
                vec![("a/x", regular, &[b'x'; 51][..])],
                "decompressed chart file \"a/x\" is larger than the maximum file size 50",
            ),
            (
                vec![("a/x", regular, &[b'x'; 50][..]), ("a/y", regular, &[b'x'; 50][..])],
                "decompressed chart is larger than the maximum size 100",
            ),
            (vec![("a/", EntryType::Directory, b"")], "no files in chart archive"),
            (vec![("a/b", regular, b""); 4], "chart archive holds more than 3 entries"),
        ] {
            assert_eq!(unpack(&packed(&entries), &limits).unwrap_err().to_string(), want);
        }
        assert_eq!(unpack(b"hello", &limits), Err(ArchiveError::NotGzip));
        let whole = packed(&[("a/x", regular, b"hello")]);
        assert!(matches!(unpack(&whole[..whole.len() / 2], &limits), Err(ArchiveError::Corrupt(_))));
    }

    #[test]
    fn links_are_empty_files() {
        let data = packed(&[
            ("a/l", EntryType::Symlink, b""),
            ("a/h", EntryType::Link, b""),
            ("a\\w\\x", EntryType::Regular, b"\xef\xbb\xbfw"),
        ]);
        let files = unpack(&data, &Limits::default()).unwrap();
        let shown: Vec<_> = files.iter().map(|file| (file.name.as_str(), &file.data[..])).collect();
        assert_eq!(shown, [("l", &b""[..]), ("h", b""), ("w/x", b"w")]);
    }

    #[test]
    fn content_is_guessed_as_in_go() {
        let kind = |data: &[u8]| check_content("x.tgz", data).unwrap_err().to_string();
        assert!(kind(b"hello").ends_with("got 'application/octet-stream'"));
        assert!(kind(&[b'a'; 600]).ends_with("got 'text/plain; charset=utf-8'"));
        assert!(
            check_content("x.yaml", b"a: b").unwrap_err().to_string().contains("seems to be a YAML file")
        );
    }
}
