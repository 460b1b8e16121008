//! Packing a layout into the bytes of an artifact: gzipped tar, the same bytes for the same tree on every machine.
//!
//! The archive before compression is the one that upstream writes, byte for byte; the compressor is another, so digests
//! differ from upstream's. Folders are 0750, files 0600, executables 0700, everything else that tells of a machine is zero.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};

use crate::digest::{Algorithm, Digest, Digesting};
use crate::ignore::{self, Ignore};
use crate::layout::{Layout, Node};
use crate::ustar::{self, Kind};

/// Why packing failed. `E` is why a file's content could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PackError<E: std::error::Error + 'static> {
    #[error("read {path}")]
    Content { path: String, source: E },
    #[error("write the archive")]
    Write(#[source] io::Error),
    #[error("the files of the archive are larger than {0} bytes")]
    TooLarge(u64),
    #[error(transparent)]
    Ignore(#[from] ignore::TooMany),
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    pub digest: Digest,
    /// Bytes of the archive.
    pub size: u64,
    /// Bytes of the files in it.
    pub unpacked: u64,
    pub files: usize,
}

/// The patterns of all `.sourceignore` files of a layout, parents before children.
pub fn ignore_files<C, E: std::error::Error + 'static>(
    layout: &Layout<C>,
    mut read: impl FnMut(&C) -> Result<Bytes, E>,
) -> Result<Vec<ignore::Pattern>, PackError<E>> {
    let mut found = Vec::new();
    for (path, node) in layout.iter() {
        let Node::File { content, .. } = node else { continue };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let in_git = folder.split('/').any(|segment| segment == ".git");
        if name == ignore::FILE_NAME && !in_git {
            found.push((folder.split('/').map(str::to_owned).collect::<Vec<_>>(), path.clone(), content));
        }
    }
    found.sort_by(|a, b| (a.0.as_slice() != [""], &a.0).cmp(&(b.0.as_slice() != [""], &b.0)));
    let mut patterns = Vec::new();
    for (_, path, content) in found {
        let text = read(content).map_err(|source| PackError::Content { path: path.clone(), source })?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        ignore::read_patterns(&text, folder, &mut patterns)?;
    }
    Ok(patterns)
}

/// How an archive is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// Of the digest.
    pub algorithm: Algorithm,
    /// How hard it is compressed, 0 to 9. The digest tells of it.
    pub effort: u32,
    /// Bytes of files before compression, at most.
    pub limit: u64,
}

/// How hard an artifact is compressed that others may have fetched already.
pub const EFFORT: u32 = 6;

impl Writing {
    /// With the compression of every artifact that is kept.
    pub fn new(algorithm: Algorithm, limit: u64) -> Self {
        Self { algorithm, effort: EFFORT, limit }
    }
}

/// Packs what `ignore` lets through into `out`.
pub fn pack<C, W: Write, E: std::error::Error + 'static>(
    layout: &Layout<C>,
    ignore: &Ignore,
    mut read: impl FnMut(&C) -> Result<Bytes, E>,
    writing: Writing,
    out: W,
) -> Result<(W, Packed), PackError<E>> {
    let mut archive = Archive::new(writing, out);
    let (mut unpacked, mut files) = (0_u64, 0);
    archive.folder(".").map_err(PackError::Write)?;
    for (path, node) in layout.iter() {
        match node {
            Node::Folder if ignore.excludes(&path, true) => {}
            Node::Folder => archive.folder(&path).map_err(PackError::Write)?,
            Node::File { .. } if ignore.excludes(&path, false) => {}
            Node::File { executable, content } => {
                let bytes =
                    read(content).map_err(|source| PackError::Content { path: path.clone(), source })?;
                unpacked += bytes.len() as u64;
                if unpacked > writing.limit {
                    return Err(PackError::TooLarge(writing.limit));
                }
                files += 1;
                archive.file(&path, *executable, &bytes).map_err(PackError::Write)?;
            }
        }
    }
    let (out, digest, size) = archive.finish().map_err(PackError::Write)?;
    Ok((out, Packed { digest, size, unpacked, files }))
}

struct Archive<W: Write> {
    gzip: GzEncoder<Digesting<W>>,
}

impl<W: Write> Archive<W> {
    fn new(writing: Writing, out: W) -> Self {
        let gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Digesting::new(writing.algorithm, out), Compression::new(writing.effort));
        Self { gzip }
    }

    fn folder(&mut self, path: &str) -> io::Result<()> {
        self.gzip.write_all(&ustar::header(path, 0o750, Kind::Folder, 0))
    }

    fn file(&mut self, path: &str, executable: bool, bytes: &[u8]) -> io::Result<()> {
        let mode = if executable { 0o700 } else { 0o600 };
        self.gzip.write_all(&ustar::header(path, mode, Kind::File, bytes.len() as u64))?;
        self.gzip.write_all(bytes)?;
        let rest = bytes.len().next_multiple_of(512) - bytes.len();
        self.gzip.write_all(&[0; 512][..rest])
    }

    fn finish(mut self) -> io::Result<(W, Digest, u64)> {
        self.gzip.write_all(&[0; 1024])?;
        let mut out = self.gzip.finish()?;
        out.flush()?;
        Ok(out.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Read;

    use super::*;

    fn layout(names: &[&str]) -> Layout<Bytes> {
        let mut layout = Layout::default();
        for name in names {
            if let Some(folder) = name.strip_suffix('/') {
                layout.add_folder(folder).unwrap();
            } else if let Some(file) = name.strip_suffix('*') {
                layout.add_file(file, true, Bytes::from(file.to_owned())).unwrap();
            } else {
                layout.add_file(name, false, Bytes::from((*name).to_owned())).unwrap();
            }
        }
        layout
    }

    fn packed(layout: &Layout<Bytes>, ignore: &Ignore) -> (Vec<u8>, Packed) {
        let read = |bytes: &Bytes| Ok::<_, Infallible>(bytes.clone());
        pack(layout, ignore, read, Writing::new(Algorithm::Sha256, 1 << 20), Vec::new()).unwrap()
    }

    fn plain(gzip: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(gzip).read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Digests of archives written by Go's `archive/tar`.
    #[test]
    fn the_archive_is_the_one_that_go_writes() {
        let mut cases = 0;
        for line in include_str!("../tests/corpus/tar.txt").lines() {
            let (names, want) = line.split_once('\t').unwrap();
            let names: Vec<&str> = names.split('|').filter(|name| !name.is_empty()).collect();
            let mut out = ustar::header(".", 0o750, Kind::Folder, 0);
            for name in &names {
                let (path, mode, kind) = match (name.strip_suffix('/'), name.strip_suffix('*')) {
                    (Some(folder), _) => (folder, 0o750, Kind::Folder),
                    (_, Some(file)) => (file, 0o700, Kind::File),
                    _ => (*name, 0o600, Kind::File),
                };
                let content = if kind == Kind::File { path } else { "" };
                out.extend(ustar::header(path, mode, kind, content.len() as u64));
                out.extend_from_slice(content.as_bytes());
                out.resize(out.len().next_multiple_of(512), 0);
            }
            out.resize(out.len() + 1024, 0);
            assert_eq!(Digest::of(Algorithm::Sha256, &out).hex(), want, "{names:?}");
            // Where the list is complete and in order, packing gives the same.
            let layout = layout(&names);
            if layout.len() == names.len() {
                let mut from_layout = layout.iter().map(|(path, _)| path);
                if names.iter().all(|n| from_layout.next().as_deref() == Some(n.trim_end_matches(['/', '*'])))
                {
                    let (gzip, _) = packed(&layout, &Ignore::nothing());
                    assert_eq!(Digest::of(Algorithm::Sha256, &plain(&gzip)).hex(), want, "{names:?}");
                    cases += 1;
                }
            }
        }
        assert!(cases > 5, "{cases} cases went through packing");
    }

    /// The digest is in `status.artifact` of every source: should it change, every artifact of every user changes.
    #[test]
    fn the_digest_of_a_tree_is_fixed() {
        let (gzip, got) =
            packed(&layout(&["a.yaml", "deep/er/c.yaml", "docs/b.md", "run.sh*"]), &Ignore::nothing());
        assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        assert_eq!(got.digest, Digest::of(Algorithm::Sha256, &gzip));
        assert_eq!((got.size, got.files), (gzip.len() as u64, 4));
        assert_eq!(
            got.digest.to_string(),
            "sha256:ba4827b49a023505121b44cf224c8c2c3401209ad72a675608f0c5aba1f8f89d"
        );
    }

    #[test]
    fn a_folder_left_out_loses_its_entry_and_files_named_again_stay() {
        let layout = layout(&["a.yaml", "deep/er/c.yaml", "deep/x", ".sourceignore"]);
        let mut patterns = Vec::new();
        ignore::read_patterns(b"/deep\n!/deep/er/c.yaml\n", "", &mut patterns).unwrap();
        let (gzip, got) = packed(&layout, &Ignore::of_source(patterns));
        let text = String::from_utf8_lossy(&plain(&gzip)).into_owned();
        assert!(text.contains("deep/er/c.yaml") && !text.contains("deep/x"));
        assert_eq!(got.files, 3);
    }

    #[test]
    fn ignore_files_are_read_parents_first() {
        let mut layout: Layout<Bytes> = Layout::default();
        for (path, text) in [
            ("a/.sourceignore", "x"),
            (".sourceignore", "*.md"),
            ("a/b/.sourceignore", "!y"),
            (".git/.sourceignore", "no"),
            ("a-/.sourceignore", "z"),
        ] {
            layout.add_file(path, false, Bytes::from(text)).unwrap();
        }
        let got = ignore_files(&layout, |bytes| Ok::<_, Infallible>(bytes.clone())).unwrap();
        let mut want = Vec::new();
        for (folder, text) in [("", "*.md"), ("a", "x"), ("a/b", "!y"), ("a-", "z")] {
            ignore::read_patterns(text.as_bytes(), folder, &mut want).unwrap();
        }
        assert_eq!(got, want);
    }

    #[test]
    fn too_large_a_tree_is_refused() {
        let read = |bytes: &Bytes| Ok::<_, Infallible>(bytes.clone());
        let writing = Writing::new(Algorithm::Sha256, 3);
        let result = pack(&layout(&["aa", "bb"]), &Ignore::nothing(), read, writing, io::sink());
        assert!(matches!(result, Err(PackError::TooLarge(3))));
    }
}
