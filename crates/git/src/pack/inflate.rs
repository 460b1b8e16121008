//! Inflating one entry of a pack, with one decompressor for all of them.

use flate2::{Decompress, FlushDecompress, Status};

use super::PackError;
use super::spool::{Cursor, Spool};

/// A decompressor that is used again and again.
pub struct Inflater {
    state: Decompress,
    chunk: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { state: Decompress::new(true), chunk: vec![0; 32 * 1024] }
    }
}

impl Inflater {
    /// Inflates the stream at the cursor, which must give exactly `size` bytes, and leaves the cursor behind it.
    pub fn each(
        &mut self,
        cursor: &mut Cursor<'_>,
        size: u64,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), PackError> {
        self.state.reset(true);
        let mut made = 0;
        loop {
            let input = cursor.peek()?;
            let at_end = input.is_empty();
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(input, &mut self.chunk, FlushDecompress::None)
                .map_err(|_| PackError::Malformed("zlib stream"))?;
            let taken = (self.state.total_in() - before_in) as usize;
            let given = (self.state.total_out() - before_out) as usize;
            cursor.advance(taken);
            made += given as u64;
            if made > size {
                return Err(PackError::Malformed("object longer than said"));
            }
            sink(&self.chunk[..given]);
            if status == Status::StreamEnd {
                break;
            }
            if at_end || (taken == 0 && given == 0) {
                return Err(PackError::Malformed("truncated object"));
            }
        }
        if made == size { Ok(()) } else { Err(PackError::Malformed("object shorter than said")) }
    }

    /// Inflates the stream at a place into memory.
    pub fn whole(&mut self, spool: &Spool, start: u64, size: u64) -> Result<Vec<u8>, PackError> {
        let mut cursor = Cursor::new(spool, start, spool.len());
        let mut content = Vec::with_capacity(size.min(1 << 20) as usize);
        self.each(&mut cursor, size, |bytes| content.extend_from_slice(bytes))?;
        Ok(content)
    }
}
