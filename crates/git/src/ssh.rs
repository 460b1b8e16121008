//! Git over SSH: a key, the host keys that are known, and `git-upload-pack` at the other end. No agent, no shell, no files.

pub mod known_hosts;
mod socks;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use russh::client::{self, Handle};
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use sluice_net::Proxy;
use tokio::net::TcpStream;
use tokio_util::io::StreamReader;

use crate::pkt::{PacketReader, PktError, remote_text};
use crate::refs::ListError;
use crate::remote::RemoteError;
use known_hosts::{Distrust, KnownHosts};

/// What is kept of the other side's complaints.
const STDERR: usize = 4096;

/// Algorithms that a flag asks for; empty lists leave the library's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    pub key_exchange: Vec<String>,
    pub host_key: Vec<String>,
}

/// Who connects where, and whom it trusts.
#[derive(Clone)]
pub struct SshSettings {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub path: String,
    pub key: Arc<PrivateKey>,
    pub known_hosts: Arc<KnownHosts>,
    pub algorithms: Algorithms,
    pub proxy: Option<Proxy>,
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("ssh: this private key is passphrase protected")]
    Encrypted,
    #[error("unable to parse private key: {0}")]
    Unusable(String),
}

/// Reads a private key; an empty passphrase is none.
pub fn read_key(identity: &[u8], passphrase: &str) -> Result<PrivateKey, KeyError> {
    let text = std::str::from_utf8(identity).map_err(|_| KeyError::Unusable("not text".to_owned()))?;
    let text: String = text.lines().map(str::trim_end).flat_map(|line| [line, "\n"]).collect();
    let passphrase = (!passphrase.is_empty()).then_some(passphrase);
    match decode_secret_key(&text, passphrase) {
        Ok(key) if key.is_encrypted() => Err(KeyError::Encrypted),
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(KeyError::Encrypted),
        Err(error) => Err(KeyError::Unusable(error.to_string())),
    }
}

/// A connection to one repository.
pub struct Ssh {
    settings: SshSettings,
    handle: Option<Handle<Checker>>,
    writer: Option<ChannelWriteHalf<client::Msg>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

struct Checker {
    host: String,
    port: u16,
    known: Arc<KnownHosts>,
    distrust: Arc<Mutex<Option<Distrust>>>,
}

impl client::Handler for Checker {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let verdict = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => match key.to_bytes() {
                Ok(bytes) => self.known.check(&self.host, self.port, &bytes),
                Err(_) => Err(Distrust::Unknown),
            },
            PublicKeyOrCertificate::Certificate(_) => Err(Distrust::Unknown),
        };
        if let Err(distrust) = verdict {
            *self.distrust.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(distrust);
        }
        Ok(verdict.is_ok())
    }
}

impl Ssh {
    pub fn new(settings: SshSettings) -> Self {
        Self { settings, handle: None, writer: None, stderr: Arc::default() }
    }

    /// Starts the service; what it says is read from the answer.
    pub async fn start(&mut self, limit: u64) -> Result<PacketReader, RemoteError> {
        if self.handle.is_none() {
            self.handle = Some(self.connect().await?);
        }
        let handle = self.handle.as_ref().ok_or(RemoteError::Malformed)?;
        let said = |error: russh::Error| RemoteError::Ssh(format!("ssh: {error}"));
        let channel = handle.channel_open_session().await.map_err(said)?;
        // A server may refuse it; the older protocol serves as well.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(said)?;
        let command = format!("git-upload-pack {}", quoted(&self.settings.path));
        channel.exec(true, command).await.map_err(said)?;
        let (reader, writer) = channel.split();
        self.writer = Some(writer);
        self.stderr.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        let stream = futures::stream::unfold((reader, Arc::clone(&self.stderr)), next_bytes);
        Ok(PacketReader::new(StreamReader::new(Box::pin(stream)), limit))
    }

    /// Sends a command.
    pub async fn send(&mut self, body: Vec<u8>) -> Result<(), RemoteError> {
        let writer = self.writer.as_ref().ok_or(RemoteError::Malformed)?;
        writer.data_bytes(body).await.map_err(|error| RemoteError::Ssh(format!("ssh: {error}")))
    }

    /// What the other side complained about, where its answer ended before it began.
    pub fn explain(&self, error: ListError) -> RemoteError {
        let stderr = self.stderr.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let words = remote_text(&stderr);
        if !matches!(error, ListError::Packet(PktError::Ended | PktError::Remote(_)) | ListError::NotGit) {
            return RemoteError::List(error);
        }
        let said = if let ListError::Packet(PktError::Remote(text)) = &error { text } else { &words };
        if said.is_empty() {
            RemoteError::List(error)
        } else if is_not_found(said) {
            RemoteError::NoRepository
        } else {
            RemoteError::Ssh(format!("unknown error: {said}"))
        }
    }

    async fn connect(&self) -> Result<Handle<Checker>, RemoteError> {
        let settings = &self.settings;
        let stream = self.dial().await?;
        let distrust = Arc::new(Mutex::new(None));
        let checker = Checker {
            host: settings.host.clone(),
            port: settings.port,
            known: Arc::clone(&settings.known_hosts),
            distrust: Arc::clone(&distrust),
        };
        let handshake = |error: russh::Error| {
            let why = *distrust.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let why = why.map_or_else(|| error.to_string(), |distrust| distrust.to_string());
            RemoteError::Ssh(format!("ssh: handshake failed: {why}"))
        };
        let mut handle =
            client::connect_stream(Arc::new(self.config()), stream, checker).await.map_err(handshake)?;
        let hash = if settings.key.algorithm().is_rsa() {
            handle.best_supported_rsa_hash().await.map_err(handshake)?.flatten()
        } else {
            None
        };
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&settings.key), hash);
        let answer = handle.authenticate_publickey(settings.user.clone(), key).await.map_err(handshake)?;
        if !answer.success() {
            return Err(RemoteError::Ssh(
                "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
                    .to_owned(),
            ));
        }
        Ok(handle)
    }

    async fn dial(&self) -> Result<TcpStream, RemoteError> {
        let (host, port) = (self.settings.host.trim_matches(['[', ']']), self.settings.port);
        if let Some(proxy) = &self.settings.proxy {
            return socks::connect(proxy, host, port).await.map_err(RemoteError::Ssh);
        }
        let mut shown = format!("{host}:{port}");
        if let Ok(mut found) = tokio::net::lookup_host((host, port)).await {
            if let Some(address) = found.next() {
                shown = address.to_string();
            }
        } else {
            return Err(RemoteError::Ssh(format!("dial tcp: lookup {host}: no such host")));
        }
        let stream = TcpStream::connect((host, port)).await.map_err(|error| {
            let words = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                _ => error.to_string(),
            };
            RemoteError::Ssh(format!("dial tcp {shown}: connect: {words}"))
        })?;
        // Only a hint to the kernel.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn config(&self) -> client::Config {
        let mut config =
            client::Config { inactivity_timeout: Some(Duration::from_mins(2)), ..client::Config::default() };
        let known = self.settings.known_hosts.key_types(&self.settings.host, self.settings.port);
        let mut keys: Vec<Algorithm> = Vec::new();
        if self.settings.algorithms.host_key.is_empty() {
            // Only such keys as the file has, so that a server with several shows the one that is known.
            let wanted = |algorithm: &Algorithm| {
                let name =
                    if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() };
                known.is_empty() || known.contains(&name)
            };
            keys.extend(config.preferred.key.iter().filter(|algorithm| wanted(algorithm)).cloned());
        } else {
            let asked = self.settings.algorithms.host_key.iter();
            keys.extend(asked.filter_map(|name| name.parse::<Algorithm>().ok()));
        }
        if !keys.is_empty() {
            config.preferred.key = Cow::Owned(keys);
        }
        let exchanges: Vec<russh::kex::Name> = self
            .settings
            .algorithms
            .key_exchange
            .iter()
            .filter_map(|name| russh::kex::Name::try_from(name.as_str()).ok())
            .collect();
        if !exchanges.is_empty() {
            config.preferred.kex = Cow::Owned(exchanges);
        }
        config
    }
}

type Reading = (ChannelReadHalf, Arc<Mutex<Vec<u8>>>);

async fn next_bytes((mut reader, stderr): Reading) -> Option<(std::io::Result<Bytes>, Reading)> {
    loop {
        match reader.wait().await? {
            ChannelMsg::Data { data } => return Some((Ok(data), (reader, stderr))),
            ChannelMsg::ExtendedData { data, ext: 1 } => {
                let mut kept = stderr.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let room = STDERR.saturating_sub(kept.len());
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
            ChannelMsg::Close | ChannelMsg::Failure => return None,
            _ => {}
        }
    }
}

fn quoted(path: &str) -> String {
    let path = path.strip_prefix('/').filter(|rest| rest.starts_with('~')).unwrap_or(path);
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// Whether a server's complaint means that there is no such repository.
fn is_not_found(text: &str) -> bool {
    [
        "Repository not found.",
        "repository does not exist.",
        "does not appear to be a git repository",
        "no such repository",
        "access denied",
        "Repository does not exist or you do not have access",
        "The project you were looking for could not be found",
    ]
    .iter()
    .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_leave_their_quotes() {
        assert_eq!(quoted("/org/app.git"), "'/org/app.git'");
        assert_eq!(quoted("/~ada/app"), "'~ada/app'");
        assert_eq!(quoted("/a'; rm -rf '/"), r"'/a'\''; rm -rf '\''/'");
    }

    #[test]
    fn unusable_keys_are_errors() {
        assert!(matches!(read_key(b"nonsense", ""), Err(KeyError::Unusable(_))));
        assert!(matches!(read_key(b"\xff", ""), Err(KeyError::Unusable(_))));
    }
}
