//! Posts events to notification-controller, where `--events-addr` names one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sluice_api::event::Event;
use sluice_api::meta::Time;
use tokio::sync::mpsc;

use crate::event::Happening;

const QUEUE: usize = 4_096;
const WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 4;
/// A hostile receiver's answer is not read further.
const MAX_ANSWER: usize = 64 << 10;

/// Takes events for one address and returns at once.
#[derive(Clone)]
pub struct Poster {
    queue: mpsc::Sender<Event>,
    controller: &'static str,
    instance: Arc<str>,
}

impl Poster {
    /// `address` is a URL; one without a scheme is taken as `http://`.
    pub fn start(address: &str, controller: &'static str, instance: &str) -> Self {
        let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let (queue, receiver) = mpsc::channel(QUEUE);
        crate::task::background("post", post_all(url, receiver));
        Self { queue, controller, instance: instance.into() }
    }

    pub(crate) fn post(&self, happening: &Happening) {
        let event = Event {
            involved_object: happening.about.clone(),
            severity: happening.severity,
            timestamp: Time::new(happening.at),
            message: happening.message.clone(),
            reason: happening.reason.clone(),
            metadata: happening.metadata.clone(),
            reporting_controller: self.controller.into(),
            reporting_instance: self.instance.to_string(),
        };
        if self.queue.try_send(event).is_err() {
            tracing::warn!(reason = happening.reason, "too many events wait to be posted: one was dropped");
        }
    }
}

async fn post_all(url: String, mut queue: mpsc::Receiver<Event>) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    while let Some(event) = queue.recv().await {
        let Ok(body) = serde_json::to_vec(&event) else { continue };
        let body = Bytes::from(body);
        for attempt in 0..TRIES {
            match tokio::time::timeout(WITHIN, post(&client, &url, body.clone())).await {
                // 429 says that the receiver has seen the event already.
                Ok(Ok(status)) if status < 500 => break,
                Ok(Ok(status)) => tracing::debug!(url, status, "an event was refused"),
                Ok(Err(error)) => tracing::debug!(url, %error, "an event was not posted"),
                Err(_) => tracing::debug!(url, "an event was not posted in time"),
            }
            tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
        }
    }
}

async fn post(client: &Client<HttpConnector, Full<Bytes>>, url: &str, body: Bytes) -> Result<u16, String> {
    let request = Request::post(url)
        .header("content-type", "application/json")
        .body(Full::new(body))
        .map_err(|e| e.to_string())?;
    let response = client.request(request).await.map_err(|e| e.to_string())?;
    let status = response.status().as_u16();
    // The connection is used again only when its answer was read.
    let _ = http_body_util::Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    Ok(status)
}
