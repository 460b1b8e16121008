//! The way to one API server: one bounded pool of connections, credentials of the kubeconfig, one retry layer.
//!
//! 429 and 503 are retried by Retry-After. A write whose answer was lost is never repeated here: its caller reads first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use crate::error::ApiError;
use crate::guard::Guard;

/// No answer but a list may be larger.
const MAX_ANSWER: usize = 512 << 20;
/// Requests under way at once to one API server.
const IN_FLIGHT: usize = 48;
/// Watches of waits open at once to one API server: each is a connection of its own, and a server allows so many.
const EYES: usize = 24;
const MAX_TRIES: u32 = 8;
const ANSWER_WITHIN: Duration = Duration::from_secs(70);

type Http = BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, BoxError>;

/// Who speaks. Empty fields are the identity of the kubeconfig itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    pub user: String,
}

/// Requests by `VERB resource`, for metrics and benches.
pub type RequestCounts = BTreeMap<String, u64>;

pub(crate) struct Transport {
    requests: Http,
    watches: Http,
    permits: Semaphore,
    eyes: Arc<Semaphore>,
    counts: Mutex<RequestCounts>,
    pub(crate) url: String,
    pub(crate) namespace: String,
}

fn service(config: &kube::Config) -> Result<Http, ApiError> {
    let broken = |error: &dyn std::fmt::Display| ApiError::Config(error.to_string());
    let https = config.rustls_https_connector().map_err(|e| broken(&e))?;
    let client = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_max_idle_per_host(IN_FLIGHT)
        .build(https);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(|e| broken(&e))?)
        .map_err(BoxError::from)
        .service(client);
    Ok(BoxCloneSyncService::new(service))
}

impl Transport {
    pub(crate) fn new(config: kube::Config) -> Result<Self, ApiError> {
        Ok(Self {
            requests: service(&config)?,
            watches: service(&config)?,
            permits: Semaphore::new(IN_FLIGHT),
            eyes: Arc::new(Semaphore::new(EYES)),
            counts: Mutex::default(),
            url: config.cluster_url.to_string(),
            namespace: config.default_namespace.clone(),
        })
    }

    /// The right to one more watch of a wait; none while there are enough.
    pub(crate) fn eye(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.eyes).try_acquire_owned().ok()
    }

    pub(crate) fn counts(&self) -> RequestCounts {
        self.counts.lock().expect("no panic while counting").clone()
    }

    fn count(&self, label: &str) {
        let mut counts = self.counts.lock().expect("no panic while counting");
        match counts.get_mut(label) {
            Some(count) => *count += 1,
            None => {
                counts.insert(label.to_owned(), 1);
            }
        }
    }

    /// Sends a request and collects its answer. Returns the status and the body of a success.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<(u16, Bytes), ApiError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let permit = self.permits.acquire().await.expect("the semaphore is never closed");
            if call.method != Method::GET
                && !call.dry_run
                && call.guard.is_some_and(|guard| !guard.may_write())
            {
                return Err(ApiError::NotLeader);
            }
            self.count(call.label);
            let answer = tokio::time::timeout(ANSWER_WITHIN, self.once(call)).await;
            drop(permit);
            let (status, retry_after, body) = match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    // A connection that the server closed while it was idle says nothing about the request where it only reads.
                    if call.repeatable() && tries < 4 {
                        tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                        continue;
                    }
                    return Err(error);
                }
                Err(_) => return Err(call.failed("no answer within 70s")),
            };
            if (200..300).contains(&status) {
                return Ok((status, body));
            }
            if (status == 429 || status == 503) && retry_after.is_some() && tries < MAX_TRIES {
                let wait = retry_after.unwrap_or(1).clamp(0, 30);
                tokio::time::sleep(Duration::from_secs(wait).max(Duration::from_millis(100))).await;
                continue;
            }
            return Err(ApiError::from_answer(status, &body));
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<(u16, Option<u64>, Bytes), ApiError> {
        let response = self.open(&self.requests, call).await?;
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let mut body = response.into_body();
        let mut collected = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| call.failed(&chain(&e)))?;
            if let Some(part) = frame.data_ref() {
                if collected.len() + part.len() > MAX_ANSWER {
                    return Err(ApiError::Decode("the answer is larger than 512 MiB".into()));
                }
                collected.extend_from_slice(part);
            }
        }
        Ok((status, retry_after, collected.freeze()))
    }

    /// Opens a watch: the body is read by the caller, on a connection of its own.
    pub(crate) async fn stream(&self, call: &Call<'_>) -> Result<Incoming, ApiError> {
        self.count(call.label);
        let opened = tokio::time::timeout(ANSWER_WITHIN, self.open(&self.watches, call)).await;
        let response = opened.map_err(|_| call.failed("no answer within 70s"))??;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response.into_body());
        }
        let body = response.into_body().collect().await.map_err(|e| call.failed(&chain(&e)))?;
        Err(ApiError::from_answer(status, &body.to_bytes()))
    }

    async fn open(&self, through: &Http, call: &Call<'_>) -> Result<Response<Incoming>, ApiError> {
        let mut request = Request::builder().method(call.method.clone()).uri(call.path);
        let headers = request.headers_mut().expect("a path of ours is a valid URI");
        headers.insert("accept", HeaderValue::from_static("application/json"));
        if let Some(kind) = call.content_type {
            headers.insert("content-type", HeaderValue::from_static(kind));
        }
        if !call.identity.user.is_empty() {
            let user = HeaderValue::from_str(&call.identity.user)
                .map_err(|_| ApiError::Config("the name to impersonate is not a valid header".into()))?;
            headers.insert("impersonate-user", user);
        }
        let request = request
            .body(Full::new(call.body.clone()))
            .map_err(|e| ApiError::Config(format!("{}: {e}", call.path)))?;
        let mut service = through.clone();
        service
            .ready()
            .await
            .map_err(|e| call.failed(&chain(e.as_ref())))?
            .call(request)
            .await
            .map_err(|e| call.failed(&chain(e.as_ref())))
    }
}

/// One request before it is sent.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
    pub(crate) identity: &'a Identity,
    /// Asked just before a write; none where no lease is held.
    pub(crate) guard: Option<&'a Guard>,
    pub(crate) dry_run: bool,
    /// `VERB resource`, for counting.
    pub(crate) label: &'a str,
}

impl Call<'_> {
    fn repeatable(&self) -> bool {
        self.method == Method::GET || self.dry_run
    }

    fn failed(&self, text: &str) -> ApiError {
        let url = self.path.split('?').next().unwrap_or_default().to_owned();
        ApiError::Transport { method: self.method.to_string(), url, text: text.to_owned() }
    }
}

/// The whole chain of an error on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}
