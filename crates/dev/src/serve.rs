//! The folder by Git over HTTP, on loopback: protocol 2, `ls-refs` and a fetch of one commit without its history.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::repository::{Id, Snapshot, pack};

/// The name of the served repository.
pub const NAME: &str = "folder";
const BODY_LIMIT: usize = 1 << 20;
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A packet of a side band holds so much.
const BAND: usize = 65_515;

/// What is served just now.
#[derive(Clone)]
pub struct Served(Arc<RwLock<Arc<Snapshot>>>);

impl Served {
    pub fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(snapshot))))
    }

    pub fn set(&self, snapshot: Snapshot) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    served: Served,
}

impl Server {
    /// Takes a free port.
    pub async fn bind(served: Served) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, served })
    }

    /// `http://127.0.0.1:PORT/folder.git`.
    pub fn url(&self) -> String {
        format!("http://{}/{NAME}.git", self.address)
    }

    /// Serves until dropped.
    pub async fn run(self) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = self.listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let served = self.served.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let served = served.clone();
                    async move { Ok::<_, Infallible>(answer(&served, request).await) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIME)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }
}

async fn answer(served: &Served, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix(&format!("/{NAME}.git/")) else {
        return told(StatusCode::NOT_FOUND, "text/plain", b"there is one repository here\n".to_vec());
    };
    match (request.method(), path) {
        (&Method::GET, "info/refs") => {
            let mut body = Vec::new();
            line(&mut body, "# service=git-upload-pack\n");
            body.extend_from_slice(b"0000");
            for one in
                ["version 2\n", "agent=sluice\n", "ls-refs\n", "fetch=shallow\n", "object-format=sha1\n"]
            {
                line(&mut body, one);
            }
            body.extend_from_slice(b"0000");
            told(StatusCode::OK, "application/x-git-upload-pack-advertisement", body)
        }
        (&Method::POST, "git-upload-pack") => {
            let Ok(body) = Limited::new(request.into_body(), BODY_LIMIT).collect().await else {
                return told(StatusCode::BAD_REQUEST, "text/plain", b"the body is too large\n".to_vec());
            };
            let body = command(&served.now(), &lines(&body.to_bytes()));
            told(StatusCode::OK, "application/x-git-upload-pack-result", body)
        }
        _ => told(StatusCode::NOT_FOUND, "text/plain", b"not found\n".to_vec()),
    }
}

fn told(code: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static(kind));
    headers.insert("cache-control", http::HeaderValue::from_static("no-cache"));
    response
}

/// The text lines of a request; what divides them does not matter here.
fn lines(mut body: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(head) = body.get(..4) {
        let length = std::str::from_utf8(head).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let length = length.unwrap_or(0).max(4);
        let Some(text) = body.get(4..length) else { break };
        lines.push(String::from_utf8_lossy(text).trim_end().to_owned());
        body = &body[length..];
    }
    lines
}

fn command(snapshot: &Snapshot, lines: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    match lines.first().map(String::as_str) {
        Some("command=ls-refs") => list(snapshot, lines, &mut out),
        Some("command=fetch") => fetch(snapshot, lines, &mut out),
        _ => line(&mut out, "ERR this command is not known here\n"),
    }
    out
}

fn list(snapshot: &Snapshot, lines: &[String], out: &mut Vec<u8>) {
    let mut names = snapshot.refs.clone();
    let prefixes: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("ref-prefix ")).collect();
    if snapshot.is_plain {
        // Without Git there are no branches, so any that is asked for is the folder.
        for name in prefixes.iter().filter(|name| name.starts_with("refs/heads/") && !name.ends_with('/')) {
            names.insert((*name).to_owned(), snapshot.commit);
        }
    }
    names.insert("HEAD".to_owned(), snapshot.commit);
    for (name, id) in names {
        if !prefixes.is_empty() && !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let mut text = format!("{id} {name}");
        if name == "HEAD" {
            text.push_str(&format!(" symref-target:refs/heads/{}", snapshot.branch));
        }
        if name.starts_with("refs/tags/")
            && let Some(peeled) = snapshot.peeled(&id)
        {
            text.push_str(&format!(" peeled:{peeled}"));
        }
        line(out, &format!("{text}\n"));
    }
    out.extend_from_slice(b"0000");
}

fn fetch(snapshot: &Snapshot, lines: &[String], out: &mut Vec<u8>) {
    let wants: Vec<Id> = lines.iter().filter_map(|line| Id::parse(line.strip_prefix("want ")?)).collect();
    let mut objects = Vec::new();
    for id in &wants {
        let Some(found) = snapshot.objects_of(id) else {
            return line(out, &format!("ERR upload-pack: not our ref {id}\n"));
        };
        objects.extend(found);
    }
    objects.sort_by_key(|object| object.id());
    objects.dedup_by_key(|object| object.id());
    if lines.iter().any(|line| line.starts_with("deepen ")) {
        line(out, "shallow-info\n");
        for id in &wants {
            line(out, &format!("shallow {id}\n"));
        }
        out.extend_from_slice(b"0001");
    }
    line(out, "packfile\n");
    for part in pack(&objects).chunks(BAND) {
        out.extend_from_slice(format!("{:04x}", part.len() + 5).as_bytes());
        out.push(1);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"0000");
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}", text.len() + 4).as_bytes());
    out.extend_from_slice(text.as_bytes());
}
