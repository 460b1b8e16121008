//! A watch that never ends by itself: list, then events, resumed where it broke, listed again where it is too old.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures::stream::{self, Stream};
use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Cluster;
use crate::error::ApiError;
use crate::kinds::{ResourceKind, escape};
use crate::transport::Call;

/// The server closes a watch after this long, and it is resumed.
const WATCH_FOR: Duration = Duration::from_secs(290);
/// One event may not be larger: an object of etcd is at most 1.5 MiB, with room for the frame.
const MAX_EVENT: usize = 16 << 20;
const PAGE: usize = 500;

/// What a watch tells.
#[derive(Debug)]
pub enum Change {
    /// A list begins: what is not applied before `Listed` is gone.
    Restarted,
    Applied(Value),
    Deleted(Value),
    /// The list is complete; what follows are events.
    Listed,
    /// The watch could not be opened or broke. It goes on by itself; the text is for logs and for waiters that fall back.
    Broken(ApiError),
}

/// What to watch.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Empty for all namespaces.
    pub namespace: String,
    pub labels: String,
    pub fields: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

enum State {
    List { token: Option<String>, begun: bool },
    Open { version: String },
    Read { version: String, body: Incoming, buffer: BytesMut },
}

struct Watch {
    cluster: Cluster,
    kind: std::sync::Arc<ResourceKind>,
    selection: Selection,
    state: State,
    pending: std::collections::VecDeque<Change>,
    failures: u32,
}

impl Cluster {
    /// Watches a kind for ever. The stream is endless; drop it to stop.
    pub fn watch(
        &self,
        kind: std::sync::Arc<ResourceKind>,
        selection: Selection,
    ) -> impl Stream<Item = Change> + Send + use<> {
        let watch = Watch {
            cluster: self.clone(),
            kind,
            selection,
            state: State::List { token: None, begun: false },
            pending: std::collections::VecDeque::new(),
            failures: 0,
        };
        stream::unfold(watch, |mut watch| async move {
            let change = watch.next().await;
            Some((change, watch))
        })
    }
}

impl Watch {
    async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return change;
            }
            if let Err(error) = self.step().await {
                if error.is_gone() {
                    self.state = State::List { token: None, begun: false };
                    continue;
                }
                self.failures = (self.failures + 1).min(7);
                let pause = Duration::from_millis(125 << self.failures);
                if !matches!(error, ApiError::Transport { .. }) {
                    self.state = State::List { token: None, begun: false };
                }
                self.pending.push_back(Change::Broken(error));
                if self.failures > 1 {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn path(&self, more: &str) -> String {
        let mut path = format!("{}?{more}", self.kind.path(&self.selection.namespace, ""));
        for (name, value) in
            [("labelSelector", &self.selection.labels), ("fieldSelector", &self.selection.fields)]
        {
            if !value.is_empty() {
                path.push_str(&format!("&{name}={}", escape(value)));
            }
        }
        path
    }

    async fn step(&mut self) -> Result<(), ApiError> {
        match &mut self.state {
            State::List { .. } => self.list().await,
            State::Open { version } => {
                let version = version.clone();
                let body = self.open(&version).await?;
                self.state = State::Read { version, body, buffer: BytesMut::new() };
                Ok(())
            }
            State::Read { .. } => self.read().await,
        }
    }

    async fn list(&mut self) -> Result<(), ApiError> {
        let State::List { token, begun } = &self.state else { return Ok(()) };
        let begun = *begun;
        let more = match token {
            Some(token) => format!("limit={PAGE}&continue={}", escape(token)),
            // Version 0 is answered from the server's cache: fresh enough, and etcd is not asked.
            None => "resourceVersion=0".to_owned(),
        };
        let label = format!("LIST {}", self.kind.plural);
        let body = self.cluster.get_raw(&self.path(&more), &label).await?;
        let mut list: Value = crate::client::decode(&body)?;
        drop(body);
        if !begun {
            self.pending.push_back(Change::Restarted);
        }
        let (api_version, kind) = (self.kind.api_version(), self.kind.kind.clone());
        if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
            for mut item in items {
                // Items of a list do not repeat their kind.
                item["apiVersion"] = Value::String(api_version.clone());
                item["kind"] = Value::String(kind.clone());
                self.pending.push_back(Change::Applied(item));
            }
        }
        let text = |key: &str| list["metadata"][key].as_str().unwrap_or_default().to_owned();
        let token = text("continue");
        if token.is_empty() {
            self.pending.push_back(Change::Listed);
            self.state = State::Open { version: text("resourceVersion") };
        } else {
            self.state = State::List { token: Some(token), begun: true };
        }
        Ok(())
    }

    async fn open(&self, version: &str) -> Result<Incoming, ApiError> {
        let path = self.path(&format!(
            "watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
            WATCH_FOR.as_secs(),
            escape(version)
        ));
        let label = format!("WATCH {}", self.kind.plural);
        let call = Call {
            method: Method::GET,
            path: &path,
            content_type: None,
            body: bytes::Bytes::new(),
            identity: &self.cluster.identity,
            guard: None,
            dry_run: false,
            label: &label,
        };
        self.cluster.transport.stream(&call).await
    }

    async fn read(&mut self) -> Result<(), ApiError> {
        let State::Read { version, body, buffer } = &mut self.state else { return Ok(()) };
        // A watch whose connection died silently is noticed: the server closes it after WATCH_FOR at the latest.
        let frame = match tokio::time::timeout(WATCH_FOR + Duration::from_secs(30), body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => {
                self.state = State::Open { version: version.clone() };
                return Ok(());
            }
            Ok(Some(Err(_))) | Err(_) => {
                // Broken in the middle: go on from the last event seen. A server that is gone shows at the next opening.
                self.state = State::Open { version: version.clone() };
                return Ok(());
            }
        };
        if let Some(part) = frame.data_ref() {
            if buffer.len() + part.len() > MAX_EVENT {
                return Err(ApiError::Decode("an event of the watch is larger than 16 MiB".into()));
            }
            buffer.extend_from_slice(part);
        }
        while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
            let line = buffer.split_to(end);
            buffer.advance(1);
            if line.is_empty() {
                continue;
            }
            let event: Event =
                serde_json::from_slice(&line).map_err(|e| ApiError::Decode(format!("a watch event: {e}")))?;
            if event.kind == "ERROR" {
                let code = event.object["code"].as_u64().unwrap_or(500) as u16;
                return Err(ApiError::from_answer(code, &line_of(&event.object)));
            }
            self.failures = 0;
            if let Some(seen) = event.object["metadata"]["resourceVersion"].as_str() {
                seen.clone_into(version);
            }
            match event.kind.as_str() {
                "ADDED" | "MODIFIED" => self.pending.push_back(Change::Applied(event.object)),
                "DELETED" => self.pending.push_back(Change::Deleted(event.object)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn line_of(status: &Value) -> Vec<u8> {
    serde_json::to_vec(status).expect("a JSON value can always be written")
}
