//! Where a pack's bytes lie while they are used: in memory while they are few, else in an unnamed file.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

/// What stays in memory.
const IN_MEMORY: usize = 4 << 20;

/// Bytes that are first written, then read at any place.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    length: u64,
}

impl Spool {
    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// What lies in memory between two places.
    fn memory_between(&self, start: u64, end: u64) -> &[u8] {
        let end = usize::try_from(end).map_or(self.memory.len(), |end| end.min(self.memory.len()));
        usize::try_from(start).ok().and_then(|start| self.memory.get(start..end)).unwrap_or_default()
    }

    /// Reads some bytes at a place; none at the end.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(file) = &self.file {
            return file.read_at(buffer, at);
        }
        let Some(rest) = usize::try_from(at).ok().and_then(|at| self.memory.get(at..)) else { return Ok(0) };
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        Ok(taken)
    }
}

/// Reads a spool from a place on, with a buffer.
pub struct Cursor<'a> {
    spool: &'a Spool,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl<'a> Cursor<'a> {
    /// From `position` to `end`.
    pub fn new(spool: &'a Spool, position: u64, end: u64) -> Self {
        Self { spool, position, end, buffer: Vec::new(), start: 0 }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes, at least one unless the end is reached.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        if self.spool.file.is_none() {
            return Ok(self.spool.memory_between(self.position, self.end));
        }
        if self.start == self.buffer.len() {
            let want = (self.end.saturating_sub(self.position)).min(32 * 1024) as usize;
            self.buffer.resize(want, 0);
            let got = self.spool.read_at(self.position, &mut self.buffer)?;
            self.buffer.truncate(got);
            self.start = 0;
        }
        Ok(&self.buffer[self.start..])
    }

    /// Moves on over bytes that were peeked at.
    pub fn advance(&mut self, count: usize) {
        self.start += count;
        self.position += count as u64;
    }

    pub fn byte(&mut self) -> io::Result<Option<u8>> {
        let first = self.peek()?.first().copied();
        if first.is_some() {
            self.advance(1);
        }
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_read_alike() {
        for size in [10, IN_MEMORY + 10] {
            let mut spool = Spool::default();
            let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
            for chunk in bytes.chunks(70_000) {
                spool.push(chunk).unwrap();
            }
            assert_eq!(spool.file.is_some(), size > IN_MEMORY);
            let mut buffer = [0; 4];
            assert_eq!(spool.read_at(size as u64 - 2, &mut buffer).unwrap(), 2);
            assert_eq!(buffer[..2], bytes[size - 2..]);
            let mut cursor = Cursor::new(&spool, 0, spool.len());
            let mut read = Vec::new();
            while let Some(byte) = cursor.byte().unwrap() {
                read.push(byte);
            }
            assert!(read == bytes);
        }
    }
}
