//! The wire: TLS, HTTP, limits on what comes in.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::auth::User;
use crate::call::{Answer, Call};
use crate::connection::{self, Limits};
use crate::core::{Clock, Core};
use crate::openapi;
use crate::path;
use crate::status::Failure;

/// As the real server.
const BODY_LIMIT: usize = 3 << 20;
/// How often what has a time to live is looked through.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// What can keep a server from starting.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("listening")]
    Listen(#[from] std::io::Error),
    #[error("making certificates")]
    Certificates(#[from] rcgen::Error),
    #[error("configuring TLS")]
    Tls(#[from] rustls::Error),
    #[error("trusting the server's own authority")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// A server that listens.
pub struct Server {
    core: Arc<Core>,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    authority: String,
    address: SocketAddr,
    limits: Arc<Limits>,
}

impl Server {
    /// Binds to a loopback port (0: any that is free).
    pub async fn bind(port: u16, clock: Clock) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let (tls, authority, issuer) = tls()?;
        let mut core = Core::new(clock, address.to_string());
        core.issuer = Some(issuer);
        let (acceptor, limits) = (TlsAcceptor::from(tls), Arc::new(Limits::default()));
        Ok(Server { core: Arc::new(core), listener, acceptor, authority, address, limits })
    }

    /// Lets connections do more or less.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = Arc::new(limits);
    }

    /// Publishes the descriptions of a document that a person has; the error says why it is none.
    pub fn describe(&mut self, document: &[u8]) -> Result<(), String> {
        let published = openapi::Published::read(document)?;
        let core = Arc::get_mut(&mut self.core).ok_or("the server runs already")?;
        core.published = published;
        Ok(())
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        &self.core.token
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// An administrator's kubeconfig, as JSON, which every reader of a kubeconfig takes.
    pub fn kubeconfig(&self) -> String {
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "sluice", "cluster": {
                "server": self.url(),
                "certificate-authority-data": base64::engine::general_purpose::STANDARD.encode(&self.authority),
            } }],
            "users": [{ "name": "admin", "user": { "token": self.core.token } }],
            "contexts": [{ "name": "sluice", "context": { "cluster": "sluice", "user": "admin" } }],
            "current-context": "sluice",
        });
        format!("{config:#}\n")
    }

    /// Answers a request that did not come over the wire. Watches end at once, with nothing.
    pub fn ask(&self, request: Request<Bytes>) -> (u16, Bytes) {
        let (parts, body) = request.into_parts();
        match asked(&self.core, parts, body, None).0 {
            Answer::Json { code, body, .. } => (code, body),
            Answer::Text(code, text) => (code, text.into()),
            Answer::Watch(_) => (200, Bytes::new()),
        }
    }

    /// Serves until dropped; connections end with it.
    pub async fn run(self) {
        raise_open_files();
        let mut connections = tokio::task::JoinSet::new();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = sweep.tick() => {
                    crate::life::forget_events(&self.core);
                    continue;
                }
            };
            let Ok(place) = place else { return };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) if is_of_one_connection(&error) => continue,
                // No file is left: one comes free when a connection ends.
                Err(_) => {
                    let ended = async {
                        if connections.join_next().await.is_none() {
                            std::future::pending::<()>().await;
                        }
                    };
                    let _ = tokio::time::timeout(BREATH, ended).await;
                    continue;
                }
            };
            let (core, acceptor) = (Arc::clone(&self.core), self.acceptor.clone());
            let limits = Arc::clone(&self.limits);
            connections.spawn(async move {
                let _place = place;
                let patience = limits.body;
                let serve = move |request, caller| {
                    let core = Arc::clone(&core);
                    async move { answer(&core, request, caller, patience).await }
                };
                connection::serve(stream, acceptor, &limits, serve).await;
            });
        }
    }
}

/// How long to wait for a file that comes free.
const BREATH: Duration = Duration::from_millis(100);

/// Whether what was not accepted ended before it began; the next may come.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// As many connections as the system allows: what a process may open is low by custom, not by need.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
        if current.is_some_and(|current| current < wanted) {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        }
    }
}

/// Files that a server of its size has use for.
#[cfg(unix)]
const OPEN_FILES: u64 = 65_536;

/// A certificate authority of this server alone, and a certificate from it.
fn tls() -> Result<(Arc<rustls::ServerConfig>, String, Issuer<'static, KeyPair>), ServeError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "sluice");
    let root = params.self_signed(&key)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.der().clone())?;
    let issuer = Issuer::new(params, key);
    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let server_key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.signed_by(&server_key, &issuer)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(server_key.serialize_der());
    // A client may show a certificate of this authority; who shows none has a token.
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], private.into())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), root.pem(), issuer))
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(
    core: &Arc<Core>,
    request: Request<Incoming>,
    caller: Option<User>,
    patience: Duration,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let collected = tokio::time::timeout(patience, Limited::new(body, BODY_LIMIT).collect()).await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return written(Failure::too_large().into(), false);
        }
        _ => return written(Failure::bad_request("the body did not arrive").into(), false),
    };
    let (answer, packs) = asked(core, parts, body, caller);
    written(answer, packs)
}

/// The answer to a whole request, and whether it may be packed.
fn asked(core: &Arc<Core>, parts: http::request::Parts, body: Bytes, caller: Option<User>) -> (Answer, bool) {
    let call = Call {
        place: path::place(parts.uri.path()),
        query: path::query(parts.uri.query().unwrap_or_default()),
        path: parts.uri.path().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
        certificate: caller,
        user: OnceLock::new(),
    };
    let packs = call.header("accept-encoding").split(',').any(|one| one.trim().starts_with("gzip"));
    (core.answer(&call), packs)
}

/// As the real server: what is short is not worth it.
const PACKED_FROM: usize = 128 << 10;

fn packed(body: &Bytes) -> Option<Bytes> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn written(answer: Answer, packs: bool) -> Response<Body> {
    let (code, kind, body) = match answer {
        Answer::Json { code, body, content_type, warnings } => {
            let small = Some(&body).filter(|body| packs && body.len() >= PACKED_FROM).and_then(packed);
            let is_packed = small.is_some();
            let mut response = with_headers(code, content_type, whole(small.unwrap_or(body)));
            if is_packed {
                response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
                response.headers_mut().insert("vary", HeaderValue::from_static("Accept-Encoding"));
            }
            for warning in warnings.iter().take(64) {
                let text = format!("299 - {warning:?}");
                if let Ok(value) = HeaderValue::from_str(&text) {
                    response.headers_mut().append("warning", value);
                }
            }
            return response;
        }
        Answer::Text(code, text) => {
            let mut response = with_headers(code, "text/plain; charset=utf-8", whole(text.into()));
            response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
            return response;
        }
        Answer::Watch(watch) => {
            // The watch runs inside of its own body: it ends when the connection does.
            let lines = futures::stream::unfold(watch, |mut watch| async move {
                let lines = watch.next().await?;
                Some((Ok::<_, Infallible>(Frame::data(lines)), watch))
            });
            (200, "application/json", BodyExt::boxed(StreamBody::new(SyncStream::new(lines))))
        }
    };
    with_headers(code, kind, body)
}

fn whole(bytes: Bytes) -> Body {
    BodyExt::boxed(Full::new(bytes))
}

fn with_headers(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    headers.insert("cache-control", HeaderValue::from_static("no-cache, private"));
    // Clients take these as the sign that the server limits flows itself.
    for name in ["x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"] {
        headers.insert(name, HeaderValue::from_static("00000000-0000-0000-0000-000000000000"));
    }
    response
}

/// A boxed body has to be `Sync`; the lock is never contended.
struct SyncStream<T>(std::sync::Mutex<futures::stream::BoxStream<'static, T>>);

impl<T> SyncStream<T> {
    fn new(stream: impl futures::Stream<Item = T> + Send + 'static) -> Self {
        Self(std::sync::Mutex::new(stream.boxed()))
    }
}

impl<T> futures::Stream for SyncStream<T> {
    type Item = T;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        let mut stream = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stream.as_mut().poll_next(cx)
    }
}
