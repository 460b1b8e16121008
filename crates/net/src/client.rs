//! HTTP clients by their settings: one pool for each set, kept for the next request, at most a few dozen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, Identity, Response, Url};
use sha2::{Digest as _, Sha256};

/// Most pools kept at once.
const MOST_CLIENTS: usize = 32;

/// PEM texts; empty where not given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tls {
    pub ca: Bytes,
    pub certificate: Bytes,
    pub key: Bytes,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls(ca: {}, certificate: {})", !self.ca.is_empty(), !self.certificate.is_empty())
    }
}

/// A proxy; its URL has no login in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub url: Url,
    pub login: Option<(String, String)>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

/// What makes one pool different from another.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    pub tls: Tls,
    pub proxy: Option<Proxy>,
}

/// Why no client could be made of the settings.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("failed to parse CA certificate")]
    Ca(#[source] Option<reqwest::Error>),
    #[error("failed to parse TLS certificate and key")]
    Certificate(#[source] reqwest::Error),
    #[error("found certificate but missing private key")]
    MissingKey,
    #[error("found private key but missing certificate")]
    MissingCertificate,
    #[error("configure the proxy")]
    Proxy(#[source] reqwest::Error),
    #[error("configure the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// The pools of this process.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// A client under the fingerprint of its settings.
type Kept = ([u8; 32], Client);

impl Clients {
    /// The client with these settings, made if there is none.
    pub fn client(&self, settings: &Settings) -> Result<Client, BuildError> {
        let key = fingerprint(settings);
        if let Some(client) = self.take(&key) {
            return Ok(client);
        }
        let client = build(settings)?;
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= MOST_CLIENTS {
            kept.remove(0);
        }
        kept.push((key, client.clone()));
        Ok(client)
    }

    /// The kept client, moved to the end: the first is the one unused for longest.
    fn take(&self, key: &[u8; 32]) -> Option<Client> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = kept.iter().position(|(its, _)| its == key)?;
        let entry = kept.remove(at);
        let client = entry.1.clone();
        kept.push(entry);
        Some(client)
    }
}

fn fingerprint(settings: &Settings) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut add = |part: &[u8]| {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    };
    add(&settings.tls.ca);
    add(&settings.tls.certificate);
    add(&settings.tls.key);
    if let Some(proxy) = &settings.proxy {
        add(proxy.url.as_str().as_bytes());
        if let Some((username, password)) = &proxy.login {
            add(username.as_bytes());
            add(password.as_bytes());
        }
    }
    hasher.finalize().into()
}

fn build(settings: &Settings) -> Result<Client, BuildError> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_gzip()
        .user_agent(concat!("git/2 (sluice ", env!("CARGO_PKG_VERSION"), ")"))
        .connect_timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_max_idle_per_host(4);
    let tls = &settings.tls;
    if !tls.ca.is_empty() {
        let bundle = Certificate::from_pem_bundle(&tls.ca).map_err(|error| BuildError::Ca(Some(error)))?;
        if bundle.is_empty() {
            return Err(BuildError::Ca(None));
        }
        builder = builder.tls_certs_merge(bundle);
    }
    match (tls.certificate.is_empty(), tls.key.is_empty()) {
        (true, true) => {}
        (false, true) => return Err(BuildError::MissingKey),
        (true, false) => return Err(BuildError::MissingCertificate),
        (false, false) => {
            let pem = [&tls.certificate[..], b"\n", &tls.key[..]].concat();
            builder = builder.identity(Identity::from_pem(&pem).map_err(BuildError::Certificate)?);
        }
    }
    if let Some(proxy) = &settings.proxy {
        let mut made = reqwest::Proxy::all(proxy.url.clone()).map_err(BuildError::Proxy)?;
        if let Some((username, password)) = &proxy.login {
            made = made.basic_auth(username, password);
        }
        builder = builder.no_proxy().proxy(made);
    }
    builder.build().map_err(BuildError::Client)
}

/// Why a body could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("read the answer")]
    Read(#[source] reqwest::Error),
}

/// A whole body, if it is not larger than `limit`.
pub async fn read_bounded(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Read)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// At most the first `limit` bytes of a body; a broken body ends early.
pub async fn read_start(mut response: Response, limit: usize) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < limit
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(limit);
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_kept_by_settings_and_bounded() {
        let clients = Clients::default();
        for port in 1..=MOST_CLIENTS as u16 + 5 {
            let url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
            let settings = Settings { proxy: Some(Proxy { url, login: None }), ..Settings::default() };
            clients.client(&settings).unwrap();
            clients.client(&settings).unwrap();
        }
        assert_eq!(clients.kept.lock().unwrap().len(), MOST_CLIENTS);
    }

    #[test]
    fn broken_tls_settings_are_errors() {
        let with = |ca: &'static str, certificate: &'static str, key: &'static str| {
            let tls = Tls { ca: ca.into(), certificate: certificate.into(), key: key.into() };
            Clients::default().client(&Settings { tls, proxy: None }).unwrap_err().to_string()
        };
        assert_eq!(with("nothing", "", ""), "failed to parse CA certificate");
        assert_eq!(with("", "a", ""), "found certificate but missing private key");
        assert_eq!(with("", "", "a"), "found private key but missing certificate");
        assert_eq!(with("", "a", "b"), "failed to parse TLS certificate and key");
    }
}
