//! A plain client of an API server: paths and JSON values, nothing known about kinds but what discovery says.
//!
//! It is the tests' own eye on the cluster, so it deliberately shares no code with the product's client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt};
use serde_json::{Value, json};

/// An answer that is not a success, or none at all.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{code}: {message}")]
    Status { code: u16, message: String, status: Value },
    #[error("no answer: {0}")]
    Transport(String),
    #[error("the server has no kind {kind} in {version}")]
    UnknownKind { version: String, kind: String },
}

impl ApiError {
    pub fn code(&self) -> u16 {
        if let Self::Status { code, .. } = self { *code } else { 0 }
    }
}

/// A young server says for a moment that it is not ready to take something.
const LATER_MOST: Duration = Duration::from_secs(15);

/// Where a kind is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub is_namespaced: bool,
}

impl Resource {
    /// The path of the collection, or of one object.
    pub fn path(&self, ns: Option<&str>, name: Option<&str>) -> String {
        let root = if self.version.contains('/') { "/apis" } else { "/api" };
        let mut path = format!("{root}/{}", self.version);
        if let (true, Some(ns)) = (self.is_namespaced, ns) {
            path.push_str(&format!("/namespaces/{ns}"));
        }
        path.push_str(&format!("/{}", self.plural));
        if let Some(name) = name {
            path.push_str(&format!("/{name}"));
        }
        path
    }
}

/// A client with one identity.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
    known: Arc<Mutex<BTreeMap<(String, String), Resource>>>,
}

/// One line of a watch.
#[derive(Debug, Clone)]
pub struct WatchEvent {
    /// ADDED, MODIFIED, DELETED, BOOKMARK, ERROR.
    pub change: String,
    pub object: Value,
}

impl Api {
    pub fn new(url: &str, authority: &[u8], token: &str) -> Self {
        let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).no_proxy();
        if url.starts_with("https:") {
            let certificate =
                reqwest::Certificate::from_pem(authority).expect("the authority is a PEM certificate");
            builder = builder.tls_certs_only([certificate]);
        }
        let client = builder.build().expect("a client with one certificate can be built");
        Self { client, url: url.to_owned(), token: token.to_owned(), known: Arc::default() }
    }

    /// The same, with another bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Does the server say that it is ready?
    pub async fn is_ready(&self) -> bool {
        let asked = self
            .client
            .get(format!("{}/readyz", self.url))
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(2));
        asked.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// One request; `body` is sent as `content_type`.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Value, ApiError> {
        let text = self.request_text(method, path, body).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// One request whose answer is taken as it is. A server that asks to come again later (429) is asked again.
    pub async fn request_text(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<String, ApiError> {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.request_once(method, path, body.clone()).await;
            let is_later = answer.as_ref().is_err_and(|error| error.code() == 429);
            if !is_later || begun.elapsed() > LATER_MOST {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn request_once(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<String, ApiError> {
        let lost = |error: reqwest::Error| ApiError::Transport(chain(&error));
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method is a word");
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let answer = request.timeout(Duration::from_mins(1)).send().await.map_err(lost)?;
        let code = answer.status().as_u16();
        let text = answer.text().await.map_err(lost)?;
        if (200..300).contains(&code) {
            return Ok(text);
        }
        let status: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let message = status["message"].as_str().unwrap_or(&text).to_owned();
        Err(ApiError::Status { code, message, status })
    }

    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.request("GET", path, None).await
    }

    pub async fn create(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        self.request("POST", path, Some(("application/json", object.to_string()))).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.request("DELETE", path, None).await
    }

    pub async fn merge_patch(&self, path: &str, patch: &Value) -> Result<Value, ApiError> {
        self.request("PATCH", path, Some(("application/merge-patch+json", patch.to_string()))).await
    }

    /// Server-side apply, taking over what others hold.
    pub async fn apply(&self, manager: &str, ns: &str, object: &Value) -> Result<Value, ApiError> {
        let resource = self.resource_of(object).await?;
        let own = object["metadata"]["namespace"].as_str().unwrap_or(ns);
        let path = resource.path(Some(own), object["metadata"]["name"].as_str());
        let path = format!("{path}?fieldManager={manager}&force=true");
        self.request("PATCH", &path, Some(("application/apply-patch+yaml", object.to_string()))).await
    }

    /// Where an object's kind is served.
    pub async fn resource_of(&self, object: &Value) -> Result<Resource, ApiError> {
        let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        self.resource(&word("apiVersion"), &word("kind")).await
    }

    /// Where a kind is served; asked once.
    pub async fn resource(&self, version: &str, kind: &str) -> Result<Resource, ApiError> {
        let key = (version.to_owned(), kind.to_owned());
        if let Some(found) = self.known.lock().expect("no holder panics").get(&key) {
            return Ok(found.clone());
        }
        let root = if version.contains('/') { "/apis" } else { "/api" };
        let unknown = || ApiError::UnknownKind { version: version.to_owned(), kind: kind.to_owned() };
        let list = match self.get(&format!("{root}/{version}")).await {
            Err(error) if error.code() == 404 => return Err(unknown()),
            other => other?,
        };
        for entry in list["resources"].as_array().into_iter().flatten() {
            let plural = entry["name"].as_str().unwrap_or_default();
            if entry["kind"] == kind && !plural.contains('/') {
                let found = Resource {
                    version: version.to_owned(),
                    kind: kind.to_owned(),
                    plural: plural.to_owned(),
                    is_namespaced: entry["namespaced"] == true,
                };
                self.known.lock().expect("no holder panics").insert(key, found.clone());
                return Ok(found);
            }
        }
        Err(unknown())
    }

    /// Makes a namespace; one that is there already is fine.
    pub async fn create_namespace(&self, name: &str) -> Result<(), ApiError> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        match self.create("/api/v1/namespaces", &object).await {
            Err(error) if error.code() == 409 => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Waits, by a watch, until the object at `path` is as `is_so` wants it (`Null`: not there); gives it, or what it was last.
    pub async fn wait_until(
        &self,
        path: &str,
        patience: Duration,
        mut is_so: impl FnMut(&Value) -> bool,
    ) -> Result<Value, Value> {
        let (collection, name) = path.rsplit_once('/').expect("a path of an object");
        let selected = format!("{collection}?fieldSelector=metadata.name={name}");
        let mut last = Value::Null;
        let waited = tokio::time::timeout(patience, async {
            loop {
                let Ok(list) = self.get(&selected).await else {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                last = list["items"][0].clone();
                if is_so(&last) {
                    return;
                }
                let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                let Ok(mut events) = self.watch(&selected, version).await else { continue };
                while let Some(Ok(event)) = events.next().await {
                    last = if event.change == "DELETED" { Value::Null } else { event.object };
                    if is_so(&last) {
                        return;
                    }
                }
            }
        });
        match waited.await {
            Ok(()) => Ok(last),
            Err(_) => Err(last),
        }
    }

    /// What happens to a collection from `version` on; ends with an error when the server ends it.
    pub async fn watch(
        &self,
        path: &str,
        version: &str,
    ) -> Result<impl Stream<Item = Result<WatchEvent, ApiError>> + Send + Unpin + use<>, ApiError> {
        let lost = |error: reqwest::Error| ApiError::Transport(chain(&error));
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}{path}{joint}watch=1&resourceVersion={version}", self.url);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await.map_err(lost)?;
        let code = answer.status().as_u16();
        if code != 200 {
            let message = answer.text().await.map_err(lost)?;
            return Err(ApiError::Status { code, message, status: Value::Null });
        }
        let state = (answer.bytes_stream().boxed(), Vec::new());
        Ok(futures::stream::unfold(state, |(mut bytes, mut rest): (_, Vec<u8>)| async move {
            loop {
                if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    return Some((event(&line), (bytes, rest)));
                }
                match futures::StreamExt::next(&mut bytes).await? {
                    Ok(more) => rest.extend_from_slice(&more),
                    Err(error) => return Some((Err(ApiError::Transport(chain(&error))), (bytes, rest))),
                }
            }
        })
        .boxed())
    }
}

fn event(line: &[u8]) -> Result<WatchEvent, ApiError> {
    let mut value: Value =
        serde_json::from_slice(line).map_err(|error| ApiError::Transport(error.to_string()))?;
    let change = value["type"].as_str().unwrap_or_default().to_owned();
    Ok(WatchEvent { change, object: value["object"].take() })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}
