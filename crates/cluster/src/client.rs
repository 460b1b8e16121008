//! The verbs of the Kubernetes API on objects without a type, in one identity.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::error::ApiError;
use crate::guard::Guard;
use crate::kinds::{Kinds, ResourceKind, escape};
use crate::transport::{Call, Identity, RequestCounts, Transport};

/// One API server, spoken to in one identity. Cheap to clone; clones in other identities share connections and discovery.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) transport: Arc<Transport>,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) identity: Identity,
    pub(crate) guard: Option<Guard>,
}

/// Which object a verb is about. The namespace does not count where the kind is outside of namespaces.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub kind: &'a ResourceKind,
    pub namespace: &'a str,
    pub name: &'a str,
}

/// What every write asks for. The server's answer to fields that it does not know would be a warning that nobody
/// here reads (it refuses them in an apply all the same), and it would parse each body twice to find them.
const WRITE: &str = "fieldValidation=Ignore&fieldManager";

impl<'a> At<'a> {
    pub fn new(kind: &'a ResourceKind, namespace: &'a str, name: &'a str) -> Self {
        Self { kind, namespace, name }
    }
}

/// How a patch is to be read by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    Merge,
    Json,
}

/// What a server-side apply answered.
#[derive(Debug)]
pub struct Applied {
    /// The object did not exist (201).
    pub is_new: bool,
    pub object: Value,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

impl Cluster {
    /// Connects by a kubeconfig: `KUBECONFIG`, the default file, or the ServiceAccount of the Pod.
    pub async fn infer() -> Result<Self, ApiError> {
        let config = kube::Config::infer().await.map_err(|e| ApiError::Config(e.to_string()))?;
        Self::connect(config)
    }

    /// Connects by a kubeconfig file and, where given, one of its contexts.
    pub async fn from_kubeconfig(path: &std::path::Path, context: Option<&str>) -> Result<Self, ApiError> {
        let broken = |e: kube::config::KubeconfigError| ApiError::Config(e.to_string());
        let file = kube::config::Kubeconfig::read_from(path).map_err(broken)?;
        let options =
            kube::config::KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
        let config = kube::Config::from_custom_kubeconfig(file, &options).await.map_err(broken)?;
        Self::connect(config)
    }

    pub fn connect(config: kube::Config) -> Result<Self, ApiError> {
        Ok(Self {
            transport: Arc::new(Transport::new(config)?),
            kinds: Arc::default(),
            identity: Identity::default(),
            guard: None,
        })
    }

    /// The same API server, spoken to as another user.
    pub fn impersonate(&self, user: &str) -> Self {
        Self { identity: Identity { user: user.to_owned() }, ..self.clone() }
    }

    /// The user whom this client impersonates; empty where it speaks for itself.
    pub fn user(&self) -> &str {
        &self.identity.user
    }

    pub fn default_namespace(&self) -> &str {
        &self.transport.namespace
    }

    pub fn url(&self) -> &str {
        &self.transport.url
    }

    pub fn request_counts(&self) -> RequestCounts {
        self.transport.counts()
    }

    /// The same client, whose writes ask the guard of a lease.
    pub fn guarded(&self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self.clone() }
    }

    /// The same client, whose writes ask the guard that another's do.
    pub fn guarded_like(self, other: &Self) -> Self {
        Self { guard: other.guard.clone(), ..self }
    }

    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Arc<ResourceKind>, ApiError> {
        self.kinds.find(self, api_version, kind).await
    }

    /// A kind in a version, else in another version of its group that is served.
    pub(crate) async fn kind_in_any_version(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Arc<ResourceKind>>, ApiError> {
        match self.kind(api_version, kind).await {
            Err(ApiError::NoKind { .. }) => {
                let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
                self.kinds.find_in_group(self, group, kind).await
            }
            found => found.map(Some),
        }
    }

    /// The next look-up of a kind in this group version asks the server again.
    pub fn forget_kinds(&self, api_version: &str) {
        self.kinds.forget(api_version);
    }

    /// The next look-up of a kind in this group asks the server again.
    pub fn forget_group(&self, group: &str) {
        self.kinds.forget_group(group);
    }

    pub async fn get_raw(&self, path: &str, label: &str) -> Result<Bytes, ApiError> {
        Ok(self.call(Method::GET, path, None, Bytes::new(), false, label).await?.1)
    }

    pub async fn get(&self, at: At<'_>) -> Result<Value, ApiError> {
        let path = at.kind.path(at.namespace, at.name);
        let (_, body) =
            self.call(Method::GET, &path, None, Bytes::new(), false, &label("GET", at.kind)).await?;
        decode(&body)
    }

    /// Lists a kind, in one namespace or in all (empty). Returns the whole list object.
    pub async fn list(
        &self,
        kind: &ResourceKind,
        namespace: &str,
        selector: &str,
    ) -> Result<Value, ApiError> {
        let mut path = kind.path(namespace, "");
        if !selector.is_empty() {
            path = format!("{path}?labelSelector={}", escape(selector));
        }
        decode(&self.get_raw(&path, &label("LIST", kind)).await?)
    }

    /// Applies an object by server-side apply, as `manager`, taking conflicting fields over.
    pub async fn apply(
        &self,
        at: At<'_>,
        object: &Value,
        manager: &str,
        dry_run: bool,
    ) -> Result<Applied, ApiError> {
        let mut path =
            format!("{}?{WRITE}={}&force=true", at.kind.path(at.namespace, at.name), escape(manager));
        if dry_run {
            path.push_str("&dryRun=All");
        }
        let name = label(if dry_run { "DRYRUN" } else { "APPLY" }, at.kind);
        let body = encode_for_yaml(object);
        let (status, body) = self
            .call(Method::PATCH, &path, Some("application/apply-patch+yaml"), body, dry_run, &name)
            .await?;
        Ok(Applied { is_new: status == 201, object: decode(&body)? })
    }

    /// Patches an object or one of its subresources (empty: the object itself).
    pub async fn patch(
        &self,
        at: At<'_>,
        subresource: &str,
        kind: PatchKind,
        patch: &Value,
        manager: &str,
    ) -> Result<Value, ApiError> {
        let slash = if subresource.is_empty() { "" } else { "/" };
        let path = format!(
            "{}{slash}{subresource}?{WRITE}={}",
            at.kind.path(at.namespace, at.name),
            escape(manager)
        );
        let content_type = match kind {
            PatchKind::Merge => "application/merge-patch+json",
            PatchKind::Json => "application/json-patch+json",
        };
        let name = format!("{}{slash}{subresource}", label("PATCH", at.kind));
        let (_, body) =
            self.call(Method::PATCH, &path, Some(content_type), encode(patch), false, &name).await?;
        decode(&body)
    }

    pub async fn create(
        &self,
        kind: &ResourceKind,
        namespace: &str,
        object: &Value,
        manager: &str,
    ) -> Result<Value, ApiError> {
        let path = format!("{}?{WRITE}={}", kind.path(namespace, ""), escape(manager));
        self.write(Method::POST, &path, object, &label("CREATE", kind)).await
    }

    /// Creates something under an object, such as the `token` of a service account.
    pub async fn create_under(
        &self,
        at: At<'_>,
        subresource: &str,
        object: &Value,
        manager: &str,
    ) -> Result<Value, ApiError> {
        let path =
            format!("{}/{subresource}?{WRITE}={}", at.kind.path(at.namespace, at.name), escape(manager));
        let name = format!("{}/{subresource}", label("CREATE", at.kind));
        self.write(Method::POST, &path, object, &name).await
    }

    /// Replaces an object or one of its subresources.
    pub async fn replace(
        &self,
        at: At<'_>,
        subresource: &str,
        object: &Value,
        manager: &str,
    ) -> Result<Value, ApiError> {
        let slash = if subresource.is_empty() { "" } else { "/" };
        let path = format!(
            "{}{slash}{subresource}?{WRITE}={}",
            at.kind.path(at.namespace, at.name),
            escape(manager)
        );
        let name = format!("{}{slash}{subresource}", label("UPDATE", at.kind));
        self.write(Method::PUT, &path, object, &name).await
    }

    /// Deletes an object, only if it still has the uid that was seen (empty: whatever has the name).
    pub async fn delete(&self, at: At<'_>, uid: &str, propagation: Propagation) -> Result<(), ApiError> {
        let mut options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": format!("{propagation:?}"),
        });
        if !uid.is_empty() {
            options["preconditions"] = serde_json::json!({ "uid": uid });
        }
        self.delete_with(at, &options).await
    }

    /// Deletes an object by DeleteOptions of the caller's own.
    pub async fn delete_with(&self, at: At<'_>, options: &Value) -> Result<(), ApiError> {
        let path = at.kind.path(at.namespace, at.name);
        self.call(
            Method::DELETE,
            &path,
            Some("application/json"),
            encode(options),
            false,
            &label("DELETE", at.kind),
        )
        .await?;
        Ok(())
    }

    /// Sends a whole object, and gives what the server made of it.
    async fn write(
        &self,
        method: Method,
        path: &str,
        object: &Value,
        label: &str,
    ) -> Result<Value, ApiError> {
        let body = encode(object);
        let (_, answer) = self.call(method, path, Some("application/json"), body, false, label).await?;
        decode(&answer)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Bytes,
        dry_run: bool,
        label: &str,
    ) -> Result<(u16, Bytes), ApiError> {
        let (identity, guard) = (&self.identity, self.guard.as_ref());
        let call = Call { method, path, content_type, body, identity, guard, dry_run, label };
        self.transport.send(&call).await
    }
}

fn label(verb: &str, kind: &ResourceKind) -> String {
    format!("{verb} {}", kind.plural)
}

fn encode(value: &Value) -> Bytes {
    Bytes::from(serde_json::to_vec(value).expect("a JSON value can always be written"))
}

/// JSON whose every member begins a line. The server reads what is applied as YAML, where all that stands on one line
/// may turn out to be a key: on a single line it would hold every token of the object before it believes the first.
fn encode_for_yaml(value: &Value) -> Bytes {
    let mut text = Vec::new();
    let lines = serde_json::ser::PrettyFormatter::with_indent(b"");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, lines);
    serde::Serialize::serialize(value, &mut writer).expect("a JSON value can always be written");
    Bytes::from(text)
}

pub(crate) fn decode(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|e| ApiError::Decode(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_applied_has_a_line_for_each_member() {
        let object = serde_json::json!({ "kind": "ConfigMap", "data": { "a": "b\nc" } });
        let text = encode_for_yaml(&object);
        assert_eq!(&text[..], b"{\n\"data\": {\n\"a\": \"b\\nc\"\n},\n\"kind\": \"ConfigMap\"\n}");
        assert_eq!(decode(&text).ok(), Some(object));
    }
}
