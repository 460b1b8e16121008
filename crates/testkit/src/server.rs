//! A small HTTP server, with TLS or without, on a thread of its own, so that it serves blocking and asynchronous tests alike.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What is sent back; an error in it cuts the connection.
pub type Body = BoxBody<Bytes, std::io::Error>;

/// How many connections there may be at once, and how many were one too many: those are closed at once.
#[derive(Debug)]
struct Connections {
    most: AtomicUsize,
    refused: AtomicUsize,
}

/// A running server; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// PEM; none where there is no TLS.
    authority: Option<String>,
    connections: Arc<Connections>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a free loopback port. An `Err` from `answer` closes the connection without an answer.
    pub fn start<F, Fut>(answer: F) -> std::io::Result<Self>
    where
        F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::io::Result<Response<Body>>> + Send + 'static,
    {
        Self::start_with(answer, None)
    }

    /// The same over TLS, by a certificate for 127.0.0.1 and localhost of an authority of its own.
    pub fn start_tls<F, Fut>(answer: F) -> std::io::Result<Self>
    where
        F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::io::Result<Response<Body>>> + Send + 'static,
    {
        let (acceptor, authority) = acceptor().map_err(std::io::Error::other)?;
        Self::start_with(answer, Some((acceptor, authority)))
    }

    fn start_with<F, Fut>(answer: F, tls: Option<(TlsAcceptor, String)>) -> std::io::Result<Self>
    where
        F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::io::Result<Response<Body>>> + Send + 'static,
    {
        let (tls, authority) = tls.unzip();
        let connections =
            Arc::new(Connections { most: AtomicUsize::new(usize::MAX), refused: AtomicUsize::new(0) });
        let counted = Arc::clone(&connections);
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, tls, counted, Arc::new(answer)) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Self { address, authority, connections, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of the authority that signed the server's, as PEM; empty without TLS.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
    }

    /// From now on there are so many connections at once, and no more.
    pub fn allow_connections(&self, most: usize) {
        self.connections.most.store(most, Ordering::SeqCst);
    }

    /// Connections that were closed because there were too many.
    pub fn refused_connections(&self) -> usize {
        self.connections.refused.load(Ordering::SeqCst)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn acceptor() -> Result<(TlsAcceptor, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = ["127.0.0.1", "localhost"].map(str::to_owned);
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}

async fn accept<F, Fut>(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    counted: Arc<Connections>,
    answer: Arc<F>,
) where
    F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::io::Result<Response<Body>>> + Send + 'static,
{
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        if connections.len() >= counted.most.load(Ordering::SeqCst) {
            counted.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (answer, tls) = (Arc::clone(&answer), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, answer).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, answer).await;
                    }
                }
            }
        });
    }
}

async fn serve<S, F, Fut>(stream: S, answer: Arc<F>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::io::Result<Response<Body>>> + Send + 'static,
{
    let service = service_fn(move |request| answer(request));
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// A whole body at once.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// A short text answer.
pub fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut answer = Response::new(full(text.to_owned()));
    *answer.status_mut() = status;
    answer
}

/// A boxed body has to be `Sync`; the lock is never contended.
pub(crate) struct SyncStream<T>(std::sync::Mutex<futures::stream::BoxStream<'static, T>>);

impl<T> From<futures::stream::BoxStream<'static, T>> for SyncStream<T> {
    fn from(stream: futures::stream::BoxStream<'static, T>) -> Self {
        Self(std::sync::Mutex::new(stream))
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
