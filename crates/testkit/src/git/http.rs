//! A Git server over HTTP: `git http-backend` behind a small server that can ask for a password and misbehave.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use tokio::io::AsyncWriteExt;

use crate::server::{Body, Server, SyncStream, full, text};

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    Anyone,
    Basic { username: String, password: String },
    Bearer(String),
}

/// What a bad server does instead of answering well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Takes the request and never answers.
    Stall,
    /// Sends so many bytes of the answer and cuts the connection.
    Truncate(usize),
    /// Sends bytes without end.
    Flood,
    /// Sends everyone to another address.
    Redirect(String),
    /// Answers with this status and nothing else.
    Status(u16),
}

/// A running server of all `*.git` below its root.
#[derive(Debug)]
pub struct GitServer {
    server: Server,
    fault: Arc<Mutex<Option<Fault>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl GitServer {
    pub fn start(root: &Path, login: Login) -> std::io::Result<Self> {
        let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (root, shared, seen) = (root.to_owned(), Arc::clone(&fault), Arc::clone(&requests));
        let server = Server::start(move |request| {
            let fault = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let line = format!("{} {}", request.method(), request.uri());
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            answer(root.clone(), login.clone(), fault, request)
        })?;
        Ok(Self { server, fault, requests })
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn host(&self) -> String {
        self.server.host()
    }

    /// From now on the server misbehaves so, or no longer.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// `METHOD path?query` of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(
    root: PathBuf,
    login: Login,
    fault: Option<Fault>,
    request: Request<Incoming>,
) -> std::io::Result<Response<Body>> {
    match &fault {
        Some(Fault::Stall) => std::future::pending().await,
        Some(Fault::Redirect(to)) => {
            let mut answer = text(StatusCode::FOUND, "");
            let place = format!("{to}{}", request.uri());
            answer.headers_mut().insert("location", place.parse().map_err(std::io::Error::other)?);
            return Ok(answer);
        }
        Some(Fault::Status(code)) => {
            return Ok(text(StatusCode::from_u16(*code).map_err(std::io::Error::other)?, ""));
        }
        _ => {}
    }
    if !is_allowed(&login, &request) {
        let mut answer = text(StatusCode::UNAUTHORIZED, "");
        answer
            .headers_mut()
            .insert("www-authenticate", "Basic realm=\"git\"".parse().map_err(std::io::Error::other)?);
        return Ok(answer);
    }
    let answer = backend(&root, request).await?;
    Ok(match fault {
        Some(Fault::Truncate(most)) => answer.map(|body| cut(body, most)),
        Some(Fault::Flood) => answer.map(|_| flood()),
        _ => answer,
    })
}

fn is_allowed(login: &Login, request: &Request<Incoming>) -> bool {
    let given =
        request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match login {
        Login::Anyone => true,
        Login::Basic { username, password } => {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
            given == format!("Basic {pair}")
        }
        Login::Bearer(token) => given == format!("Bearer {token}"),
    }
}

/// One request through the CGI program.
async fn backend(root: &Path, request: Request<Incoming>) -> std::io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env_remove("GIT_DIR")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "ada")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut input = child.stdin.take().expect("stdin is piped");
    let write = async {
        let _ = input.write_all(&body).await; // it may end before it has read everything
        drop(input);
    };
    let ((), output) = tokio::join!(write, child.wait_with_output());
    Ok(parse(&output?.stdout))
}

/// Headers, an empty line, the body.
fn parse(output: &[u8]) -> Response<Body> {
    let at = output.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(at) = at else { return text(StatusCode::INTERNAL_SERVER_ERROR, "") };
    let mut answer = Response::new(full(Bytes::copy_from_slice(&output[at + 4..])));
    for line in String::from_utf8_lossy(&output[..at]).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            let code = value.trim().get(..3).and_then(|digits| digits.parse().ok());
            *answer.status_mut() =
                code.and_then(|code: u16| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
        } else if let (Ok(name), Ok(value)) =
            (hyper::header::HeaderName::from_bytes(name.as_bytes()), value.trim().parse())
        {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn cut(body: Body, most: usize) -> Body {
    let mut left = most;
    let frames = body.into_data_stream().map(move |chunk| {
        let mut chunk = chunk?;
        if left == 0 {
            return Err(std::io::Error::other("cut"));
        }
        chunk.truncate(left);
        left -= chunk.len();
        Ok(Frame::data(chunk))
    });
    let end = futures::stream::once(async { Err(std::io::Error::other("cut")) });
    BodyExt::boxed(StreamBody::new(SyncStream::from(frames.chain(end).boxed())))
}

/// A well-formed greeting that never ends.
fn flood() -> Body {
    let begin = Bytes::from_static(b"001e# service=git-upload-pack\n0000000eversion 2\n");
    let chunk = Bytes::from(b"000cflood=1\n".repeat(4096));
    let endless = futures::stream::repeat(chunk);
    let frames = futures::stream::once(async { begin }).chain(endless).map(|chunk| Ok(Frame::data(chunk)));
    BodyExt::boxed(StreamBody::new(SyncStream::from(frames.boxed())))
}
