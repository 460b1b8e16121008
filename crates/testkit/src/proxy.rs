//! A proxy before an API server that counts, delays, refuses and cuts, by a plan or by a seed.
//!
//! It speaks plain HTTP to the controllers (give them `kubeconfig`) and passes everything else through, watches too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};

use crate::plane::Plane;
use crate::server::{Body, Server, text};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// Passed on after a while.
    Delay(Duration),
    /// Passed on; the answer is held back until the proxy is told to release it.
    Hold,
    /// Passed on; the answer, a watch, ends after a while.
    EndAfter(Duration),
    /// Answered here, never passed on.
    Refuse(u16),
    /// The connection is cut before the server hears of it.
    CutBefore,
    /// The server hears of it and answers; the client never sees the answer.
    CutAfter,
}

/// One request, as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Which write it is, from 1; 0 for a read or a dry run.
    pub write: u64,
}

type Plan = Arc<dyn Fn(&Asked) -> Fate + Send + Sync>;

/// A running proxy.
pub struct Proxy {
    server: Server,
    kubeconfig: String,
    state: Arc<State>,
}

struct State {
    url: String,
    client: reqwest::Client,
    plan: Mutex<Plan>,
    writes: AtomicU64,
    requests: AtomicU64,
    log: Mutex<Vec<Asked>>,
    gate: tokio::sync::Notify,
}

impl Proxy {
    /// Passes everything, until told otherwise.
    pub fn start(plane: &Plane) -> std::io::Result<Self> {
        let certificate =
            reqwest::Certificate::from_pem(plane.authority().as_bytes()).map_err(std::io::Error::other)?;
        let client = reqwest::Client::builder()
            .tls_certs_only([certificate])
            .no_proxy()
            .no_gzip()
            .http1_only()
            .build()
            .map_err(std::io::Error::other)?;
        let state = Arc::new(State {
            url: plane.url().to_owned(),
            client,
            plan: Mutex::new(Arc::new(|_: &Asked| Fate::Pass)),
            writes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            log: Mutex::default(),
            gate: tokio::sync::Notify::new(),
        });
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| Arc::clone(&shared).answer(request))?;
        let kubeconfig = plane.kubeconfig_for(&server.url(), None);
        Ok(Self { server, kubeconfig, state })
    }

    /// The text of a kubeconfig that leads through this proxy.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// From now on there are so many connections at once, and no more.
    pub fn allow_connections(&self, most: usize) {
        self.server.allow_connections(most);
    }

    /// Connections that were closed because there were too many.
    pub fn refused_connections(&self) -> usize {
        self.server.refused_connections()
    }

    /// From now on the fate of each request is asked here.
    pub fn set_plan(&self, plan: impl Fn(&Asked) -> Fate + Send + Sync + 'static) {
        *self.state.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
    }

    /// Lets one answer go that is held back, or that will be.
    pub fn release(&self) {
        self.state.gate.notify_one();
    }

    /// Writes so far, dry runs not counted.
    pub fn writes(&self) -> u64 {
        self.state.writes.load(Ordering::SeqCst)
    }

    /// All requests so far.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// What was asked, in order; the last 100,000.
    pub fn log(&self) -> Vec<Asked> {
        self.state.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const LOG_MOST: usize = 100_000;

impl State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> std::io::Result<Response<Body>> {
        let path = request.uri().to_string();
        let method = request.method().to_string();
        let is_write = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") && !path.contains("dryRun=All");
        let write = if is_write { self.writes.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        self.requests.fetch_add(1, Ordering::SeqCst);
        let asked = Asked { method, path, write };
        {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.len() < LOG_MOST {
                log.push(asked.clone());
            }
        }
        let plan = Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner));
        let cut = || std::io::Error::other("cut");
        match plan(&asked) {
            Fate::Pass => self.forward(request, None).await,
            Fate::Delay(time) => {
                tokio::time::sleep(time).await;
                self.forward(request, None).await
            }
            Fate::Hold => {
                let answer = self.forward(request, None).await?;
                self.gate.notified().await;
                Ok(answer)
            }
            Fate::EndAfter(time) => self.forward(request, Some(time)).await,
            Fate::Refuse(code) => Ok(refusal(code)),
            Fate::CutBefore => Err(cut()),
            Fate::CutAfter => {
                let answer = self.forward(request, None).await?;
                let _ = answer.into_body().collect().await;
                Err(cut())
            }
        }
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
        end_after: Option<Duration>,
    ) -> std::io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let url = format!("{}{}", self.url, head.uri);
        let mut headers = head.headers;
        for hop in ["host", "connection", "content-length", "transfer-encoding"] {
            headers.remove(hop);
        }
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let sent = self.client.request(head.method, url).headers(headers).body(body).send().await;
        let answer = sent.map_err(std::io::Error::other)?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
                response = response.header(name, value);
            }
        }
        let end = async move {
            match end_after {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        let chunks = answer.bytes_stream().take_until(Box::pin(end));
        let frames = chunks.map(|chunk| chunk.map(Frame::data).map_err(std::io::Error::other));
        let body = BodyExt::boxed(StreamBody::new(crate::server::SyncStream::from(frames.boxed())));
        response.body(body).map_err(std::io::Error::other)
    }
}

fn refusal(code: u16) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = match code {
        429 => "TooManyRequests",
        410 => "Expired",
        _ => "InternalError",
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code,
        "message": "the proxy says no", "details": {"retryAfterSeconds": 1},
    });
    let mut answer = text(status, &body.to_string());
    let headers = answer.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    if code == 429 {
        headers.insert("retry-after", hyper::header::HeaderValue::from_static("1"));
    }
    answer
}

/// A well-mixed number from a counter.
pub fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
