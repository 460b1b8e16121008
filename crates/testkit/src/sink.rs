//! A web server that keeps what it is sent: for webhooks, notifications and metrics pushed somewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::StatusCode;

use crate::server::{Server, text};

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// Answers every request with `status`.
    pub fn start(status: u16) -> std::io::Result<Self> {
        let status = StatusCode::from_u16(status).map_err(std::io::Error::other)?;
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&received);
        let server = Server::start(move |request| {
            let kept = Arc::clone(&kept);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
                let headers = head.headers.iter().map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                });
                let received = Received {
                    method: head.method.to_string(),
                    path: head.uri.to_string(),
                    headers: headers.collect(),
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(received);
                Ok(text(status, ""))
            }
        })?;
        Ok(Self { server, received })
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What has come so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` requests have come; false if they have not after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> bool {
        let begun = std::time::Instant::now();
        while self.received().len() < count {
            if begun.elapsed() > patience {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}
