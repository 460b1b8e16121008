//! The two small servers of a controller: metrics, and whether it is alive.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Connections at once to one of the servers.
const CONNECTIONS: usize = 64;
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// What a server answers with.
#[derive(Clone)]
pub enum Answers {
    Metrics(Metrics),
    Health,
}

impl Answers {
    fn to(&self, path: &str) -> (StatusCode, &'static str, String) {
        const TEXT: &str = "text/plain; charset=utf-8";
        const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        match (self, path) {
            (Self::Metrics(metrics), "/metrics") => (StatusCode::OK, METRICS, metrics.text()),
            (Self::Health, "/healthz" | "/readyz") => (StatusCode::OK, TEXT, "ok".to_owned()),
            _ => (StatusCode::NOT_FOUND, TEXT, "404 page not found\n".to_owned()),
        }
    }
}

/// Binds an address as Go writes it: `:8080` is every interface; `0` is no server.
pub async fn bind(address: &str) -> std::io::Result<Option<TcpListener>> {
    if address == "0" {
        return Ok(None);
    }
    let address = if address.starts_with(':') { format!("[::]{address}") } else { address.to_owned() };
    match TcpListener::bind(&address).await {
        Ok(listener) => Ok(Some(listener)),
        // A machine without IPv6 still has every interface of the other kind.
        Err(_) if address.starts_with("[::]") => {
            TcpListener::bind(address.replacen("[::]", "0.0.0.0", 1)).await.map(Some)
        }
        Err(error) => Err(error),
    }
}

/// Serves until `stop`.
pub async fn serve(listener: Option<TcpListener>, answers: Answers, stop: CancellationToken) {
    let Some(listener) = listener else {
        stop.cancelled().await;
        return;
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let (answers, stop) = (answers.clone(), stop.clone());
        crate::task::background("serve", async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = respond(&answers, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
            drop(place);
        });
    }
}

fn respond(answers: &Answers, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, text) = answers.to(request.uri().path());
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
    response
}
