//! A repository made by `git`, and an HTTP server whose every answer is a test's own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_git::fetch::{Fetcher, Request};
use sluice_git::{Auth, FetchError, Outcome, Reference};
use sluice_net::{Clients, SecretData, Url};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A work tree with Ada's commits, one second apart.
pub struct Repository {
    pub home: tempfile::TempDir,
    commits: std::cell::Cell<u32>,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self { home: tempfile::tempdir().unwrap(), commits: std::cell::Cell::new(0) };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let date = format!("2026-01-01T00:00:{:02}Z", self.commits.get());
        let output = Command::new("git")
            .current_dir(self.home.path())
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let full = self.home.path().join(path);
            std::fs::create_dir_all(full.parent().unwrap()).unwrap();
            std::fs::write(full, text).unwrap();
        }
    }

    /// Writes files and commits everything; the commit's id.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        self.write(files);
        self.commits.set(self.commits.get() + 1);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", &format!("commit {}", self.commits.get())]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The three files of the recorded traces.
    pub fn traced(&self) -> String {
        self.commit(&[("a.yaml", "a: 1\n"), ("docs/b.md", "text\n"), ("deep/er/c.yaml", "c: 1\n")])
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub line: String,
    pub authorization: Option<String>,
    pub protocol: Option<String>,
    pub body: Vec<u8>,
}

/// What is answered.
pub enum Answer {
    /// Status line after the version, headers with line ends, body.
    Say(&'static str, String, Vec<u8>),
    /// Exactly these bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// A proper head, then these bytes again and again.
    Flood(Vec<u8>),
    /// Nothing, ever.
    Stall,
}

/// A server on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    /// The same behind TLS.
    pub async fn start_with(
        tls: Option<tokio_rustls::TlsAcceptor>,
        answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&seen), Arc::new(answer));
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                match tls.clone() {
                    None => open.spawn(converse(stream, kept, answer)),
                    Some(tls) => open.spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, kept, answer).await;
                        }
                    }),
                };
            }
        });
        Self { address, seen, task }
    }

    /// Serves one repository as `git` does.
    pub async fn of(repository: &Repository) -> Self {
        let path = repository.home.path().to_owned();
        Self::start(move |seen| git_answer(&path, seen)).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/app.git", self.address)
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    kept: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Answer>,
) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut seen = Seen { line: text.lines().next().unwrap_or_default().to_owned(), ..Seen::default() };
    let mut length = 0;
    for line in text.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => seen.authorization = Some(value.to_owned()),
            "git-protocol" => seen.protocol = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    seen.body = bytes.split_off(head + 4);
    kept.lock().unwrap().push(seen.clone());
    match answer(&seen) {
        Answer::Say(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        }
        Answer::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Flood(bytes) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            while stream.write_all(&bytes).await.is_ok() {}
        }
        Answer::Stall => std::future::pending().await,
    }
    let _ = stream.shutdown().await;
}

/// What `git upload-pack` answers.
pub fn git_answer(path: &PathBuf, seen: &Seen) -> Answer {
    let mut command = Command::new("git");
    // As the large hosts are set up; `/strict` gives only what a name points to.
    let any = format!("uploadpack.allowAnySHA1InWant={}", !seen.line.contains("/strict"));
    command.args(["-c", "uploadpack.allowFilter=true", "-c", &any, "upload-pack", "--stateless-rpc"]);
    let advertise = seen.line.starts_with("GET ");
    if advertise {
        command.arg("--http-backend-info-refs");
    }
    if let Some(protocol) = &seen.protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    let mut child =
        command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let body = seen.body.clone();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().unwrap();
    let _ = feeder.join();
    let mut bytes = Vec::new();
    if advertise {
        bytes.extend_from_slice(b"001e# service=git-upload-pack\n0000");
    }
    bytes.extend_from_slice(&output.stdout);
    Answer::Say("200 OK", String::new(), bytes)
}

pub fn fetcher() -> Fetcher {
    Fetcher {
        clients: Clients::default(),
        algorithms: sluice_git::ssh::Algorithms::default(),
        limits: sluice_git::pack::Limits::default(),
        permits: Arc::new(Semaphore::new(2)),
    }
}

pub fn request(url: &str, reference: Reference) -> Request {
    let from = Url::parse(url).unwrap();
    Request {
        url: url.to_owned(),
        auth: Auth::read(&from, &SecretData::default()).unwrap(),
        from,
        proxy: None,
        reference,
        sparse: Vec::new(),
        recurse_submodules: false,
        observed: None,
        timeout: Duration::from_secs(20),
    }
}

pub fn branch(name: &str) -> Reference {
    Reference { branch: name.to_owned(), ..Reference::default() }
}

pub async fn fetch(request: &Request) -> Result<Outcome, FetchError> {
    fetcher().fetch(request).await
}

/// The error and its causes, as a status shows them.
pub fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
