//! The Kubernetes API as the commands use it: JSON objects in, JSON objects out, errors as the server words them.

use std::time::Duration;

use futures::{AsyncBufRead, Stream, StreamExt};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use crate::object::{list, name, text};

/// How many objects one page of a list holds.
const PAGE: usize = 500;
/// How many pages are read before a list is refused.
const PAGES: usize = 2_000;
/// How long to wait before a watch that ended is opened again.
const REOPEN: Duration = Duration::from_secs(1);

/// Where a kind of object lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub kind: String,
    pub namespaced: bool,
}

impl Resource {
    pub fn core(kind: &str, plural: &str) -> Self {
        Self::of("", "v1", kind, plural)
    }

    pub fn of(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            namespaced: true,
        }
    }

    pub fn cluster_wide(mut self) -> Self {
        self.namespaced = false;
        self
    }

    fn group_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = if self.group.is_empty() { "/api/".to_owned() } else { "/apis/".to_owned() };
        path += &self.group_version();
        if let Some(namespace) = namespace.filter(|_| self.namespaced) {
            path += &format!("/namespaces/{}", escape(namespace));
        }
        path += &format!("/{}", self.plural);
        if let Some(name) = name {
            path += &format!("/{}", escape(name));
        }
        path
    }
}

/// What a list or a watch is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Selection<'a> {
    pub namespace: Option<&'a str>,
    pub labels: String,
    pub fields: String,
}

impl<'a> Selection<'a> {
    pub fn in_namespace(namespace: &'a str) -> Self {
        Self { namespace: Some(namespace), ..Self::default() }
    }

    pub fn named(mut self, name: &str) -> Self {
        self.fields = format!("metadata.name={name}");
        self
    }

    pub fn labelled(mut self, labels: impl Into<String>) -> Self {
        self.labels = labels.into();
        self
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let pairs = [("labelSelector", self.labels.clone()), ("fieldSelector", self.fields.clone())];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The server refused; its words.
    #[error("{}", .0.message)]
    Refused(Box<kube::core::Status>),
    #[error("no matches for kind {kind:?} in version {group_version:?}")]
    NoSuchKind { kind: String, group_version: String },
    #[error("kubernetes configuration load failed: {0}")]
    Configuration(String),
    #[error("a list of {0} is longer than can be read")]
    TooLong(String),
    #[error("{0}")]
    Transport(String),
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

impl ClusterError {
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 404)
    }

    /// The server's word for why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(status) => Some(status.reason.as_str()).filter(|reason| !reason.is_empty()),
            _ => None,
        }
    }

    pub fn is_no_such_kind(&self) -> bool {
        matches!(self, Self::NoSuchKind { .. })
    }
}

type Answer<T> = Result<T, ClusterError>;

/// What a watch saw.
#[derive(Debug, Clone)]
pub enum Change {
    Put(Value),
    Deleted(Value),
}

pub struct Cluster {
    client: Client,
}

impl Cluster {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    pub async fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Answer<Value> {
        let path = resource.path(Some(namespace), Some(name));
        self.send(resource, Method::GET, &path, &[], None).await
    }

    /// The object, or nothing where there is none.
    pub async fn find(&self, resource: &Resource, namespace: &str, name: &str) -> Answer<Option<Value>> {
        match self.get(resource, namespace, name).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of the selection, each with its `apiVersion` and `kind`.
    pub async fn list(&self, resource: &Resource, selection: &Selection<'_>) -> Answer<Vec<Value>> {
        let path = resource.path(selection.namespace, None);
        let mut objects = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES {
            let mut query = selection.query();
            query.push(("limit", PAGE.to_string()));
            if !after.is_empty() {
                query.push(("continue", after.clone()));
            }
            let mut page = self.send(resource, Method::GET, &path, &query, None).await?;
            text(&page, "/metadata/continue").clone_into(&mut after);
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                objects.extend(items.into_iter().map(|mut object| {
                    object["apiVersion"] = json!(resource.group_version());
                    object["kind"] = json!(resource.kind);
                    object
                }));
            }
            if after.is_empty() {
                return Ok(objects);
            }
        }
        Err(ClusterError::TooLong(resource.plural.clone()))
    }

    pub async fn create(&self, resource: &Resource, namespace: &str, object: &Value) -> Answer<Value> {
        let path = resource.path(Some(namespace), None);
        self.send(resource, Method::POST, &path, &manager(), Some(("application/json", object))).await
    }

    /// Writes the whole object; its resourceVersion must still be the one read.
    pub async fn replace(&self, resource: &Resource, namespace: &str, object: &Value) -> Answer<Value> {
        let path = resource.path(Some(namespace), Some(name(object)));
        self.send(resource, Method::PUT, &path, &manager(), Some(("application/json", object))).await
    }

    pub async fn merge(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Answer<Value> {
        let path = resource.path(Some(namespace), Some(name));
        let body = Some(("application/merge-patch+json", patch));
        self.send(resource, Method::PATCH, &path, &manager(), body).await
    }

    /// What a server-side apply by the controller would make of the object; nothing is written.
    pub async fn dry_run(&self, resource: &Resource, namespace: &str, object: &Value) -> Answer<Value> {
        let query = [("fieldManager", "kustomize-controller".to_owned()), ("dryRun", "All".to_owned())];
        self.apply_with(resource, namespace, object, &query).await
    }

    /// Applies an object as the command line's own.
    pub async fn apply(&self, resource: &Resource, namespace: &str, object: &Value) -> Answer<Value> {
        self.apply_with(resource, namespace, object, &manager()).await
    }

    async fn apply_with(
        &self,
        resource: &Resource,
        namespace: &str,
        object: &Value,
        query: &[(&'static str, String)],
    ) -> Answer<Value> {
        let path = resource.path(Some(namespace), Some(name(object)));
        let query = [query, &[("force", "true".to_owned())]].concat();
        self.send(resource, Method::PATCH, &path, &query, Some(("application/apply-patch+yaml", object)))
            .await
    }

    pub async fn delete(&self, resource: &Resource, namespace: &str, name: &str) -> Answer<()> {
        let path = resource.path(Some(namespace), Some(name));
        self.send(resource, Method::DELETE, &path, &[], None).await.map(|_| ())
    }

    /// Changes from a resource version on, or, without one, from now on and after what is there.
    pub async fn watch(
        &self,
        resource: &Resource,
        selection: &Selection<'_>,
        from: Option<&str>,
    ) -> Answer<impl Stream<Item = Answer<Change>> + use<>> {
        let mut query = selection.query();
        query.push(("watch", "true".to_owned()));
        if let Some(version) = from {
            query.push(("resourceVersion", version.to_owned()));
        }
        let path = resource.path(selection.namespace, None);
        let request = build(Method::GET, &path, &query, None)?;
        let refused = refusal(resource);
        let events = self.client.request_events::<Value>(request).await.map_err(&refused)?;
        Ok(events.filter_map(move |event| {
            let change = match event {
                Ok(kube::core::WatchEvent::Added(object) | kube::core::WatchEvent::Modified(object)) => {
                    Some(Ok(Change::Put(object)))
                }
                Ok(kube::core::WatchEvent::Deleted(object)) => Some(Ok(Change::Deleted(object))),
                Ok(kube::core::WatchEvent::Bookmark(_)) => None,
                Ok(kube::core::WatchEvent::Error(status)) => Some(Err(ClusterError::Refused(status))),
                Err(error) => Some(Err(refused(error))),
            };
            futures::future::ready(change)
        }))
    }

    /// Waits until the object is as wanted and returns it. The wait ends with the caller's timeout, with the
    /// object's deletion, or when `wanted` says that it never will be.
    pub async fn wait_for<E: From<ClusterError>>(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        mut wanted: impl FnMut(&Value) -> Result<bool, E>,
    ) -> Result<Value, E> {
        let selection = Selection::in_namespace(namespace).named(name);
        loop {
            let object = self.get(resource, namespace, name).await?;
            if wanted(&object)? {
                return Ok(object);
            }
            let version = text(&object, "/metadata/resourceVersion").to_owned();
            if let Ok(changes) = self.watch(resource, &selection, Some(&version)).await {
                let mut changes = std::pin::pin!(changes);
                while let Some(Ok(Change::Put(object))) = changes.next().await {
                    if wanted(&object)? {
                        return Ok(object);
                    }
                }
            }
            // The watch ended: the object is read again, which also tells whether it is gone.
            tokio::time::sleep(REOPEN).await;
        }
    }

    /// The lines of a Pod's log.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        query: &[(&'static str, String)],
    ) -> Answer<impl AsyncBufRead + use<>> {
        let pods = Resource::core("Pod", "pods");
        let path = format!("{}/log", pods.path(Some(namespace), Some(pod)));
        let request = build(Method::GET, &path, query, None)?;
        self.client.request_stream(request).await.map_err(refusal(&pods))
    }

    /// Where a kind lives, as the server says.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Answer<Resource> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let path = if group.is_empty() { "/api" } else { "/apis" };
        let missing =
            || ClusterError::NoSuchKind { kind: kind.to_owned(), group_version: api_version.to_owned() };
        let served = match self.read(&format!("{path}/{api_version}")).await {
            Err(error) if error.is_not_found() => return Err(missing()),
            served => served?,
        };
        let is_it = |one: &&Value| text(one, "/kind") == kind && !text(one, "/name").contains('/');
        let found = list(&served, "/resources").find(is_it).ok_or_else(missing)?;
        let mut resource = Resource::of(group, version, kind, text(found, "/name"));
        resource.namespaced = found.pointer("/namespaced") == Some(&Value::Bool(true));
        Ok(resource)
    }

    /// Reads a path that is not an object's: `/version`, `/apis/apps/v1`.
    pub async fn read(&self, path: &str) -> Answer<Value> {
        let request = build(Method::GET, path, &[], None)?;
        self.client.request(request).await.map_err(|error| match error {
            kube::Error::Api(status) => ClusterError::Refused(status),
            other => ClusterError::Transport(crate::error::chain(&other)),
        })
    }

    async fn send(
        &self,
        resource: &Resource,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
        body: Option<(&str, &Value)>,
    ) -> Answer<Value> {
        let request = build(method, path, query, body)?;
        self.client.request(request).await.map_err(refusal(resource))
    }
}

fn manager() -> [(&'static str, String); 1] {
    [("fieldManager", "flux".to_owned())]
}

fn build(
    method: Method,
    path: &str,
    query: &[(&'static str, String)],
    body: Option<(&str, &Value)>,
) -> Answer<Request<Vec<u8>>> {
    let mut uri = path.to_owned();
    for (index, (key, value)) in query.iter().enumerate() {
        uri.push(if index == 0 { '?' } else { '&' });
        uri += &format!("{key}={}", escape(value));
    }
    let mut request = Request::builder().method(method).uri(uri);
    let mut bytes = Vec::new();
    if let Some((content_type, object)) = body {
        request = request.header(http::header::CONTENT_TYPE, content_type);
        bytes = serde_json::to_vec(object)?;
    }
    request.body(bytes).map_err(|error| ClusterError::Transport(error.to_string()))
}

/// Percent-encodes all but what a path or a query may hold plainly.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

/// A 404 that names no object means that the server does not know the kind.
fn refusal(resource: &Resource) -> impl Fn(kube::Error) -> ClusterError + use<> {
    let resource = resource.clone();
    move |error| match error {
        kube::Error::Api(status) if status.code == 404 && !names_something(&status) => {
            ClusterError::NoSuchKind { kind: resource.kind.clone(), group_version: resource.group_version() }
        }
        kube::Error::Api(status) => ClusterError::Refused(status),
        other => ClusterError::Transport(crate::error::chain(&other)),
    }
}

fn names_something(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}
