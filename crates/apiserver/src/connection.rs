//! One connection: how long it may take to say what it wants, to be idle, and to take what it is given.
//!
//! A connection that has no request is closed after a while, one that stops in the middle of something sooner; who is
//! silent for good is asked (over HTTP/2) whether it is still there.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::auth::User;
use crate::certificate;
use crate::repoll::Repoll;

/// Requests of one HTTP/2 connection at a time.
const STREAMS_LIMIT: u32 = 1000;

/// What a server lets its connections do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; more wait.
    pub connections: usize,
    /// Until the end of the TLS handshake.
    pub handshake: Duration,
    /// Until the first request, and until the end of a request's headers.
    pub headers: Duration,
    /// Until the end of a request's body.
    pub body: Duration,
    /// Without a request.
    pub idle: Duration,
    /// Without taking anything of an answer, and without telling that it is there.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(30),
            body: Duration::from_mins(1),
            idle: Duration::from_secs(90),
            stall: Duration::from_mins(1),
        }
    }
}

type Body = BoxBody<Bytes, Infallible>;

/// Requests that are being answered, and how many there have been.
#[derive(Debug, Default)]
struct Load {
    open: AtomicUsize,
    begun: AtomicUsize,
}

/// One request that is being answered, until its answer has been taken.
struct Answering(Arc<Load>);

impl Answering {
    fn new(load: &Arc<Load>) -> Self {
        load.open.fetch_add(1, Ordering::Relaxed);
        load.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that counts as long as it has not been taken.
struct Held {
    body: Body,
    _answering: Answering,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves a connection until one of both sides ends it.
pub async fn serve<A, F>(stream: TcpStream, acceptor: TlsAcceptor, limits: &Limits, answer: A)
where
    A: Fn(Request<Incoming>, Option<User>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send,
{
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(limits.handshake, acceptor.accept(stream)).await else { return };
    let caller = certificate::user(stream.get_ref().1.peer_certificates());
    let load = Arc::new(Load::default());
    let seen = Arc::clone(&load);
    let service = service_fn(move |request| {
        let (answer, caller, answering) = (answer.clone(), caller.clone(), Answering::new(&load));
        async move {
            let answer = answer(request, caller).await;
            Ok::<_, Infallible>(answer.map(|body| Held { body, _answering: answering }))
        }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_LIMIT)
        .keep_alive_interval(limits.stall)
        .keep_alive_timeout(limits.stall);
    let stream = Watched { stream, limit: limits.stall, stalled: None };
    let mut connection = Repoll::new(builder.serve_connection(TokioIo::new(stream), service));
    // Looked at now and then, so that a request costs nothing: what is idle ends within twice its time.
    let mut begun = 0;
    loop {
        let patience = if begun == 0 { limits.headers.min(limits.idle) } else { limits.idle };
        if timeout(patience, &mut connection).await.is_ok() {
            return;
        }
        let before = std::mem::replace(&mut begun, seen.begun.load(Ordering::Relaxed));
        if seen.open.load(Ordering::Relaxed) == 0 && begun == before {
            break;
        }
    }
    connection.inner().graceful_shutdown();
    let _ = timeout(limits.handshake, connection).await;
}

/// A stream that ends when the other side takes nothing for too long.
struct Watched<S> {
    stream: S,
    limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// What came of a write: waiting is counted, all else ends the count.
    fn noted<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let limit = self.limit;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.noted(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.noted(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(cx);
        this.noted(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.noted(cx, outcome)
    }
}
