//! A repository elsewhere: list what it has, fetch what is wanted. Protocol 2, and the older one for servers without it.

use crate::http::Http;
use crate::object::ObjectId;
use crate::pack::Spool;
use crate::pkt::{Packet, PacketReader, PktError, put_delimiter, put_flush, put_line, remote_text};
use crate::refs::{Advertisement, ListError, Refs, read_advertisement, read_refs};
use crate::ssh::Ssh;

/// Largest list of references.
const LIST_BYTES: u64 = 64 << 20;
/// What an answer may hold beside the pack.
const AROUND_PACK: u64 = 64 << 20;
const AGENT: &str = concat!("agent=git/2-sluice-", env!("CARGO_PKG_VERSION"));

/// Why a remote did not give what was asked. Texts are upstream's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("{0}")]
    Request(String),
    #[error("authentication required: {0}")]
    AuthenticationRequired(String),
    #[error("authorization failed: {0}")]
    Forbidden(String),
    #[error("repository not found: {0}")]
    NotFound(String),
    #[error("repository not found")]
    NoRepository,
    #[error("unexpected client error: unexpected requesting {url:?} status code: {code}")]
    Status { url: String, code: u16 },
    #[error("http redirect: {0}")]
    Redirect(String),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Packet(#[from] PktError),
    #[error("{0}")]
    Ssh(String),
    #[error("malformed answer to a fetch")]
    Malformed,
    #[error("the pack is larger than {0} bytes")]
    PackTooLarge(u64),
    #[error("keep the pack")]
    Spool(#[source] std::io::Error),
    #[error("context deadline exceeded")]
    Deadline,
}

/// How the bytes travel.
pub enum Transport {
    Http(Box<Http>),
    Ssh(Box<Ssh>),
}

/// How much history is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The commit alone.
    One,
    /// Everything.
    Whole,
    /// All commits, none of their files. Only where the server can filter.
    Commits,
}

/// An open connection.
pub struct Remote {
    transport: Transport,
    advertisement: Advertisement,
    /// What an SSH connection has still to say; with HTTP every command has its own answer.
    reader: Option<PacketReader>,
    /// Whether the older protocol has had its one fetch on this connection.
    spent: bool,
    pack_limit: u64,
}

impl Remote {
    /// Connects and hears what the server can do.
    pub async fn open(transport: Transport, pack_limit: u64) -> Result<Self, RemoteError> {
        let advertisement = Advertisement::default();
        let mut remote = Self { transport, advertisement, reader: None, spent: false, pack_limit };
        remote.advertise().await?;
        Ok(remote)
    }

    async fn advertise(&mut self) -> Result<(), RemoteError> {
        self.spent = false;
        match &mut self.transport {
            Transport::Http(http) => {
                let mut reader = http.advertise(LIST_BYTES).await?;
                self.advertisement = read_advertisement(&mut reader, true).await?;
            }
            Transport::Ssh(ssh) => {
                let mut reader = ssh.start(LIST_BYTES + self.pack_limit + AROUND_PACK).await?;
                self.advertisement = match read_advertisement(&mut reader, false).await {
                    Ok(found) => found,
                    Err(error) => return Err(ssh.explain(error)),
                };
                self.reader = Some(reader);
            }
        }
        Ok(())
    }

    /// Whether commits can be had without their files.
    pub fn can_filter(&self) -> bool {
        self.advertisement.capabilities.v2 && self.advertisement.capabilities.command_has("fetch", "filter")
    }

    /// Lists names that begin with one of the prefixes; with none, all. An older server lists more than asked.
    pub async fn list(&mut self, prefixes: &[String]) -> Result<Refs, RemoteError> {
        if let Some(refs) = &self.advertisement.refs {
            return Ok(refs.clone());
        }
        let mut body = Vec::new();
        put_line(&mut body, "command=ls-refs\n");
        put_line(&mut body, &format!("{AGENT}\n"));
        put_line(&mut body, "object-format=sha1\n");
        put_delimiter(&mut body);
        put_line(&mut body, "peel\n");
        put_line(&mut body, "symrefs\n");
        for prefix in prefixes {
            put_line(&mut body, &format!("ref-prefix {prefix}\n"));
        }
        put_flush(&mut body);
        let mut reader = self.command(body, LIST_BYTES).await?;
        let refs = read_refs(&mut reader).await?;
        self.keep(reader);
        Ok(refs)
    }

    /// Fetches commits and tags, and what they need, as one pack.
    pub async fn fetch(&mut self, wants: &[ObjectId], depth: Depth) -> Result<Spool, RemoteError> {
        if self.advertisement.capabilities.v2 {
            let body = self.fetch_body(wants, depth);
            let mut reader = self.command(body, self.pack_limit + AROUND_PACK).await?;
            let spool = read_fetch(&mut reader, self.pack_limit).await?;
            self.keep(reader);
            return Ok(spool);
        }
        if self.spent {
            self.advertise().await?;
        }
        self.spent = matches!(self.transport, Transport::Ssh(_));
        let can_shallow = self.advertisement.capabilities.has("shallow");
        let shallow = depth == Depth::One && can_shallow;
        let body = self.older_body(wants, shallow);
        let mut reader = self.command(body, self.pack_limit + AROUND_PACK).await?;
        let bands = self.advertisement.capabilities.has("side-band-64k");
        read_older(&mut reader, self.pack_limit, shallow, bands).await
    }

    async fn command(&mut self, body: Vec<u8>, limit: u64) -> Result<PacketReader, RemoteError> {
        let v2 = self.advertisement.capabilities.v2;
        match &mut self.transport {
            Transport::Http(http) => http.command(body, v2, limit).await,
            Transport::Ssh(ssh) => {
                let reader = self.reader.take().ok_or(RemoteError::Malformed)?;
                ssh.send(body).await?;
                Ok(reader)
            }
        }
    }

    fn keep(&mut self, reader: PacketReader) {
        if matches!(self.transport, Transport::Ssh(_)) {
            self.reader = Some(reader);
        }
    }

    fn fetch_body(&self, wants: &[ObjectId], depth: Depth) -> Vec<u8> {
        let mut body = Vec::new();
        put_line(&mut body, "command=fetch\n");
        put_line(&mut body, &format!("{AGENT}\n"));
        put_line(&mut body, "object-format=sha1\n");
        put_delimiter(&mut body);
        put_line(&mut body, "ofs-delta\n");
        put_line(&mut body, "no-progress\n");
        match depth {
            Depth::One if self.advertisement.capabilities.command_has("fetch", "shallow") => {
                put_line(&mut body, "deepen 1\n");
            }
            Depth::Commits => put_line(&mut body, "filter tree:0\n"),
            Depth::One | Depth::Whole => {}
        }
        for id in wants {
            put_line(&mut body, &format!("want {id}\n"));
        }
        put_line(&mut body, "done\n");
        put_flush(&mut body);
        body
    }

    fn older_body(&self, wants: &[ObjectId], shallow: bool) -> Vec<u8> {
        let mut asked = String::new();
        // Some hosts answer only those that name the acknowledgements of Git's own client.
        for capability in ["multi_ack_detailed", "side-band-64k", "ofs-delta", "no-progress"] {
            if self.advertisement.capabilities.has(capability) {
                asked.push(' ');
                asked.push_str(capability);
            }
        }
        if shallow {
            asked.push_str(" shallow");
        }
        asked.push(' ');
        asked.push_str(AGENT);
        let mut body = Vec::new();
        for (i, id) in wants.iter().enumerate() {
            let asked = if i == 0 { asked.as_str() } else { "" };
            put_line(&mut body, &format!("want {id}{asked}\n"));
        }
        if shallow {
            put_line(&mut body, "deepen 1\n");
        }
        put_flush(&mut body);
        put_line(&mut body, "done\n");
        body
    }
}

async fn read_fetch(reader: &mut PacketReader, limit: u64) -> Result<Spool, RemoteError> {
    loop {
        let Packet::Line(line) = reader.expect().await? else { return Err(RemoteError::Malformed) };
        if line.strip_suffix(b"\n").unwrap_or(&line) == b"packfile" {
            return read_bands(reader, limit).await;
        }
        // A section that says nothing we need: shallow-info and the like.
        loop {
            match reader.expect().await? {
                Packet::Line(_) => {}
                Packet::Delimiter => break,
                Packet::Flush | Packet::ResponseEnd => return Err(RemoteError::Malformed),
            }
        }
    }
}

async fn read_older(
    reader: &mut PacketReader,
    limit: u64,
    shallow: bool,
    bands: bool,
) -> Result<Spool, RemoteError> {
    if shallow {
        while let Packet::Line(line) = reader.expect().await? {
            if !line.starts_with(b"shallow ") && !line.starts_with(b"unshallow ") {
                return Err(RemoteError::Malformed);
            }
        }
    }
    match reader.expect().await? {
        Packet::Line(line) if line.starts_with(b"NAK") || line.starts_with(b"ACK") => {}
        _ => return Err(RemoteError::Malformed),
    }
    if bands {
        return read_bands(reader, limit).await;
    }
    let mut spool = Spool::default();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let count = reader.raw(&mut buffer).await?;
        if count == 0 {
            return Ok(spool);
        }
        push(&mut spool, &buffer[..count], limit)?;
    }
}

/// Reads the side bands: one carries the pack, one what is said to people, one the server's failure.
async fn read_bands(reader: &mut PacketReader, limit: u64) -> Result<Spool, RemoteError> {
    let mut spool = Spool::default();
    loop {
        match reader.next().await?.ok_or(PktError::Ended)? {
            Packet::Line(line) => match line.split_first() {
                Some((1, bytes)) => push(&mut spool, bytes, limit)?,
                Some((2, _)) | None => {}
                Some((3, bytes)) => return Err(PktError::Remote(remote_text(bytes)).into()),
                Some(_) => return Err(RemoteError::Malformed),
            },
            Packet::Flush | Packet::ResponseEnd => return Ok(spool),
            Packet::Delimiter => return Err(RemoteError::Malformed),
        }
    }
}

fn push(spool: &mut Spool, bytes: &[u8], limit: u64) -> Result<(), RemoteError> {
    if spool.len() + bytes.len() as u64 > limit {
        return Err(RemoteError::PackTooLarge(limit));
    }
    spool.push(bytes).map_err(RemoteError::Spool)
}
