//! Fetching an artifact: retried while the server is not there, checked against its digest before anything looks into
//! it, then unpacked within bounds.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use sluice_net::{Client, Response, StatusCode, Url};
use sluice_tree::digest::{Digest, Hasher, ParseError};
use sluice_tree::unpack::{Limits, UnpackError, Unpacked, unpack_into, unpack_memory};
use sluice_tree::view::Memory;

/// Why an artifact could not be fetched. Texts are upstream's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source will say when it is there: waiting, not failing.
    #[error("artifact not found")]
    NotFound,
    #[error("invalid artifact URL '{0}'")]
    Url(String),
    #[error("failed to download archive: GET {url} giving up after {attempts} attempt(s): {text}")]
    GaveUp { url: String, attempts: u32, text: String },
    #[error("failed to download archive from {url} (status: {status})")]
    Status { url: String, status: StatusCode },
    #[error("artifact is greater than the max download size of {0} bytes")]
    TooLarge(u64),
    #[error("failed to copy temp contents")]
    Keep(#[source] io::Error),
    #[error("failed to verify archive: empty digest")]
    NoDigest,
    #[error("failed to verify archive: failed to parse digest '{digest}'")]
    Digest { digest: String, source: ParseError },
    #[error(
        "failed to verify archive: computed digest doesn't match provided '{0}' (check whether file size exceeds max download size)"
    )]
    Mismatch(Digest),
    #[error("failed to extract archive (check whether file size exceeds max download size)")]
    Unpack(#[from] UnpackError),
}

/// Fetches artifacts.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pub client: Client,
    /// Tries beyond the first.
    pub retries: u32,
    pub wait_first: Duration,
    pub wait_most: Duration,
    pub download_bytes: u64,
    /// Put in the place of every URL's host, for a controller outside the cluster.
    pub host: Option<String>,
}

impl Fetcher {
    /// As upstream's controllers fetch.
    pub fn new(client: Client, retries: u32) -> Self {
        Self {
            client,
            retries,
            wait_first: Duration::from_secs(5),
            wait_most: Duration::from_secs(30),
            download_bytes: 1 << 30,
            host: None,
        }
    }

    /// Downloads an artifact and checks its digest.
    pub async fn download(&self, url: &str, digest: &str) -> Result<Downloaded, FetchError> {
        let want = parse(digest)?;
        let url = self.address(url)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failed = match self.try_once(&url, &want).await? {
                Tried::Done(downloaded) => return Ok(downloaded),
                Tried::Failed(text) => text,
            };
            if attempt > self.retries {
                return Err(FetchError::GaveUp { url: url.to_string(), attempts: attempt, text: failed });
            }
            tracing::debug!(%url, attempt, error = failed, "an artifact could not be downloaded yet");
            let wait = self.wait_first.saturating_mul(1 << (attempt - 1).min(10)).min(self.wait_most);
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_once(&self, url: &Url, want: &Digest) -> Result<Tried, FetchError> {
        let response = match self.client.get(url.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Ok(Tried::Failed(sluice_net::describe("Get", url, &error).await)),
        };
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(FetchError::NotFound),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Ok(Tried::Failed(format!("unexpected HTTP status {status}")));
            }
            status => return Err(FetchError::Status { url: url.to_string(), status }),
        }
        self.keep(response, want).await
    }

    async fn keep(&self, mut response: Response, want: &Digest) -> Result<Tried, FetchError> {
        let mut hasher = Hasher::new(want.algorithm());
        let mut file = tempfile::tempfile().map_err(FetchError::Keep)?;
        let mut size = 0;
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(_) => return Ok(Tried::Failed("unexpected EOF".to_owned())),
            };
            size += chunk.len() as u64;
            if size > self.download_bytes {
                return Err(FetchError::TooLarge(self.download_bytes));
            }
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(FetchError::Keep)?;
        }
        if hasher.finish() != *want {
            return Err(FetchError::Mismatch(want.clone()));
        }
        file.rewind().map_err(FetchError::Keep)?;
        Ok(Tried::Done(Downloaded { file, size }))
    }

    fn address(&self, url: &str) -> Result<Url, FetchError> {
        let bad = || FetchError::Url(url.to_owned());
        let mut parsed = Url::parse(url).map_err(|_| bad())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad());
        }
        if let Some(host) = &self.host {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) => (name, Some(port.parse::<u16>().map_err(|_| bad())?)),
                None => (host.as_str(), None),
            };
            parsed.set_host(Some(name)).map_err(|_| bad())?;
            parsed.set_port(port).map_err(|()| bad())?;
        }
        Ok(parsed)
    }
}

enum Tried {
    Done(Downloaded),
    /// Worth another try.
    Failed(String),
}

/// A bare number is SHA-256.
fn parse(digest: &str) -> Result<Digest, FetchError> {
    if digest.is_empty() {
        return Err(FetchError::NoDigest);
    }
    let whole = if digest.contains(':') { digest.to_owned() } else { format!("sha256:{digest}") };
    whole.parse().map_err(|source| FetchError::Digest { digest: whole, source })
}

/// An artifact with the digest that was promised.
#[derive(Debug)]
pub struct Downloaded {
    file: File,
    /// Bytes of the archive.
    pub size: u64,
}

impl Downloaded {
    /// Unpacks into memory. Needs a processor: not for the async threads.
    pub fn into_memory(self, limits: Limits) -> Result<(Memory, Unpacked), FetchError> {
        Ok(unpack_memory(io::BufReader::new(self.file), limits)?)
    }

    /// Unpacks into an empty folder. Needs a processor: not for the async threads.
    pub fn into_folder(self, folder: &Path, limits: Limits) -> Result<Unpacked, FetchError> {
        Ok(unpack_into(io::BufReader::new(self.file), folder, limits)?)
    }

    /// The bytes themselves.
    pub fn into_file(self) -> File {
        self.file
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use sluice_tree::pack::{Writing, pack};
    use sluice_tree::{Algorithm, Ignore, Layout, Tree as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each request with the next text; the last one again and again.
    async fn server(answers: Vec<Vec<u8>>) -> (String, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a.tar.gz", listener.local_addr().unwrap());
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::Relaxed) as usize;
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(&answers[number.min(answers.len() - 1)]).await;
            }
        });
        (url, count)
    }

    fn say(status: &str, body: &[u8]) -> Vec<u8> {
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    fn fetcher(retries: u32) -> Fetcher {
        let client = sluice_net::Clients::default().client(&sluice_net::Settings::default()).unwrap();
        let wait = Duration::from_millis(1);
        Fetcher { wait_first: wait, wait_most: wait, ..Fetcher::new(client, retries) }
    }

    fn archive() -> (Vec<u8>, String) {
        let mut layout = Layout::default();
        layout.add_file("a/b.yaml", false, bytes::Bytes::from("b: 1\n")).unwrap();
        let read = |bytes: &bytes::Bytes| Ok::<_, std::convert::Infallible>(bytes.clone());
        let (bytes, packed) =
            pack(&layout, &Ignore::nothing(), read, Writing::new(Algorithm::Sha256, 1 << 20), Vec::new())
                .unwrap();
        (bytes, packed.digest.to_string())
    }

    #[tokio::test]
    async fn an_artifact_comes_after_retries_and_is_unpacked() {
        let (bytes, digest) = archive();
        let cut = say("200 OK", &bytes)[..80].to_vec();
        let answers =
            vec![say("503 Service Unavailable", b""), say("500 Oops", b""), cut, say("200 OK", &bytes)];
        let (url, count) = server(answers).await;
        let downloaded = fetcher(9).download(&url, &digest).await.unwrap();
        assert_eq!((downloaded.size, count.load(Ordering::Relaxed)), (bytes.len() as u64, 4));
        let (memory, unpacked) = downloaded.into_memory(Limits::default()).unwrap();
        assert_eq!((memory.read("a/b.yaml").unwrap(), unpacked.files), ("b: 1\n".into(), 1));
        // A bare number is SHA-256.
        let bare = digest.strip_prefix("sha256:").unwrap();
        let home = tempfile::tempdir().unwrap();
        let downloaded = fetcher(0).download(&url, bare).await.unwrap();
        downloaded.into_folder(home.path(), Limits::default()).unwrap();
        assert_eq!(std::fs::read(home.path().join("a/b.yaml")).unwrap(), b"b: 1\n");
    }

    #[tokio::test]
    async fn what_is_not_there_or_not_right_is_an_error() {
        let (bytes, digest) = archive();
        let (url, count) = server(vec![say("404 Not Found", b"")]).await;
        assert!(matches!(fetcher(9).download(&url, &digest).await, Err(FetchError::NotFound)));
        assert_eq!(count.load(Ordering::Relaxed), 1, "what is not there is not asked for again");
        let (url, _) = server(vec![say("200 OK", b"other")]).await;
        assert!(matches!(fetcher(9).download(&url, &digest).await, Err(FetchError::Mismatch(_))));
        let (url, _) = server(vec![say("403 Forbidden", b"")]).await;
        assert_eq!(
            fetcher(9).download(&url, &digest).await.unwrap_err().to_string(),
            format!("failed to download archive from {url} (status: 403 Forbidden)")
        );
        let (url, count) = server(vec![say("502 Bad Gateway", b"")]).await;
        assert_eq!(
            fetcher(2).download(&url, &digest).await.unwrap_err().to_string(),
            format!(
                "failed to download archive: GET {url} giving up after 3 attempt(s): unexpected HTTP status 502 Bad Gateway"
            )
        );
        assert_eq!(count.load(Ordering::Relaxed), 3);
        let (url, _) = server(vec![say("200 OK", &bytes)]).await;
        let small = Fetcher { download_bytes: 10, ..fetcher(0) };
        assert!(matches!(small.download(&url, &digest).await, Err(FetchError::TooLarge(10))));
        assert!(matches!(fetcher(0).download(&url, "").await, Err(FetchError::NoDigest)));
        assert!(matches!(fetcher(0).download(&url, "sha256:1").await, Err(FetchError::Digest { .. })));
        assert!(matches!(fetcher(0).download("file:///x", &digest).await, Err(FetchError::Url(_))));
        let gone = fetcher(1).download("http://127.0.0.1:1/x", &digest).await.unwrap_err().to_string();
        assert!(gone.ends_with("dial tcp 127.0.0.1:1: connect: connection refused"), "{gone}");
    }

    #[tokio::test]
    async fn the_host_can_be_replaced() {
        let (bytes, digest) = archive();
        let (url, _) = server(vec![say("200 OK", &bytes)]).await;
        let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let outside = Fetcher { host: Some(host), ..fetcher(0) };
        outside
            .download("http://source-controller.flux-system.svc.cluster.local./a.tar.gz", &digest)
            .await
            .unwrap();
    }
}
