//! Pkt-lines: four hex digits of length, then that many bytes. What comes is bounded; what goes is ours.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Line(Vec<u8>),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer.
    ResponseEnd,
}

/// Why a packet could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PktError {
    #[error("unexpected EOF")]
    Ended,
    #[error("invalid pkt-len found")]
    Length,
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    #[error("{0}")]
    Remote(String),
    #[error("read the answer")]
    Read(#[from] std::io::Error),
}

/// Reads packets; everything that passes is counted.
pub struct PacketReader {
    inner: std::pin::Pin<Box<dyn AsyncRead + Send>>,
    left: u64,
    limit: u64,
}

impl std::fmt::Debug for PacketReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PacketReader({} bytes left)", self.left)
    }
}

impl PacketReader {
    pub fn new(inner: impl AsyncRead + Send + 'static, limit: u64) -> Self {
        Self { inner: Box::pin(inner), left: limit, limit }
    }

    /// The next packet; none where the stream ends between packets.
    pub async fn next(&mut self) -> Result<Option<Packet>, PktError> {
        let mut head = [0; 4];
        let mut filled = 0;
        while filled < 4 {
            match self.inner.read(&mut head[filled..]).await? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(PktError::Ended),
                n => filled += n,
            }
        }
        let text = std::str::from_utf8(&head).map_err(|_| PktError::Length)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PktError::Length);
        }
        let length = usize::from_str_radix(text, 16).map_err(|_| PktError::Length)?;
        self.charge(4)?;
        match length {
            0 => Ok(Some(Packet::Flush)),
            1 => Ok(Some(Packet::Delimiter)),
            2 => Ok(Some(Packet::ResponseEnd)),
            3 => Err(PktError::Length),
            length => {
                self.charge(length as u64 - 4)?;
                let mut line = vec![0; length - 4];
                match self.inner.read_exact(&mut line).await {
                    Ok(_) => Ok(Some(Packet::Line(line))),
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(PktError::Ended),
                    Err(error) => Err(PktError::Read(error)),
                }
            }
        }
    }

    /// The next packet; the end of the stream and the server's own error are errors.
    pub async fn expect(&mut self) -> Result<Packet, PktError> {
        let packet = self.next().await?.ok_or(PktError::Ended)?;
        if let Packet::Line(line) = &packet
            && let Some(text) = line.strip_prefix(b"ERR ")
        {
            return Err(PktError::Remote(remote_text(text)));
        }
        Ok(packet)
    }

    /// Bytes that are no packets: what follows in protocol 0 without side bands.
    pub async fn raw(&mut self, buffer: &mut [u8]) -> Result<usize, PktError> {
        let count = self.inner.read(buffer).await?;
        self.charge(count as u64)?;
        Ok(count)
    }

    fn charge(&mut self, bytes: u64) -> Result<(), PktError> {
        self.left = self.left.checked_sub(bytes).ok_or(PktError::TooLarge(self.limit))?;
        Ok(())
    }
}

/// What a server says about its failure: one short printable line.
pub fn remote_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Adds a line.
pub fn put_line(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend_from_slice(line.as_bytes());
}

/// Adds the end of a message.
pub fn put_flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Adds the end of a section.
pub fn put_delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// A line as text, its line feed taken off.
pub fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &'static [u8], limit: u64) -> Result<Vec<Packet>, PktError> {
        let mut reader = PacketReader::new(bytes, limit);
        let mut packets = Vec::new();
        while let Some(packet) = reader.next().await? {
            packets.push(packet);
        }
        Ok(packets)
    }

    #[tokio::test]
    async fn packets_are_read() {
        let got = all(b"0009hello000000010002", 100).await.unwrap();
        let want = [Packet::Line(b"hello".to_vec()), Packet::Flush, Packet::Delimiter, Packet::ResponseEnd];
        assert_eq!(got, want);
    }

    #[tokio::test]
    async fn broken_and_endless_streams_are_errors() {
        assert!(matches!(all(b"000", 100).await, Err(PktError::Ended)));
        assert!(matches!(all(b"0009hel", 100).await, Err(PktError::Ended)));
        assert!(matches!(all(b"0003", 100).await, Err(PktError::Length)));
        assert!(matches!(all(b"<htm", 100).await, Err(PktError::Length)));
        assert!(matches!(all(b"+0a1", 100).await, Err(PktError::Length)));
        assert!(matches!(all(b"0009hello0009hello", 15).await, Err(PktError::TooLarge(15))));
        let mut reader = PacketReader::new(&b"0012ERR no\x1b access"[..], 100);
        assert_eq!(reader.expect().await.unwrap_err().to_string(), "no  access");
    }
}
