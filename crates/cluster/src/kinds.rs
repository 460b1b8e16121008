//! Which kinds the API server serves: group, version and kind to resource name and scope.
//!
//! Asked for a group version at a time and only when it is needed; a kind that is not there is asked for again,
//! at most once a second, because its CRD may just have been made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::client::Cluster;
use crate::error::ApiError;

const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A kind as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKind {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
}

impl ResourceKind {
    pub fn new(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Arc<Self> {
        Arc::new(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
        })
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of one object, or of the collection when `name` is empty.
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(&escape(namespace));
        }
        path.push('/');
        path.push_str(&self.plural);
        if !name.is_empty() {
            path.push('/');
            path.push_str(&escape(name));
        }
        path
    }
}

/// Percent-encodes what may not stand in one path segment or query value.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Served>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    versions: Vec<GroupVersionName>,
}

#[derive(Deserialize)]
struct GroupVersionName {
    #[serde(rename = "groupVersion")]
    group_version: String,
}

#[derive(Deserialize)]
struct Served {
    name: String,
    kind: String,
    namespaced: bool,
}

struct GroupVersion {
    kinds: HashMap<String, Arc<ResourceKind>>,
    asked: Instant,
}

/// The kinds of one API server. Shared by all its identities.
#[derive(Default)]
pub(crate) struct Kinds {
    known: Mutex<HashMap<String, GroupVersion>>,
    asking: tokio::sync::Mutex<()>,
}

impl Kinds {
    fn look_up(&self, api_version: &str, kind: &str) -> (Option<Arc<ResourceKind>>, bool) {
        let known = self.known.lock().expect("no panic while looking up");
        match known.get(api_version) {
            Some(group) => (group.kinds.get(kind).cloned(), group.asked.elapsed() >= ASK_AGAIN_AFTER),
            None => (None, true),
        }
    }

    /// Finds a kind, asking the server where it is not known yet.
    pub(crate) async fn find(
        &self,
        cluster: &Cluster,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<ResourceKind>, ApiError> {
        let missing = || ApiError::NoKind { kind: kind.to_owned(), api_version: api_version.to_owned() };
        if let (Some(found), _) = self.look_up(api_version, kind) {
            return Ok(found);
        }
        let _one_asks = self.asking.lock().await;
        match self.look_up(api_version, kind) {
            (Some(found), _) => return Ok(found),
            (None, false) => return Err(missing()),
            (None, true) => {}
        }
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let path = if group.is_empty() {
            format!("/api/{}", escape(version))
        } else {
            format!("/apis/{}/{}", escape(group), escape(version))
        };
        let resources = match cluster.get_raw(&path, "GET discovery").await {
            Ok(body) => {
                serde_json::from_slice::<ResourceList>(&body)
                    .map_err(|e| ApiError::Decode(format!("discovery of {api_version}: {e}")))?
                    .resources
            }
            Err(error) if error.is_not_found() => Vec::new(),
            Err(ApiError::Status { code: 500.., message, .. }) => {
                return Err(ApiError::Discovery { api_version: api_version.to_owned(), message });
            }
            Err(error) => return Err(error),
        };
        let kinds: HashMap<_, _> = resources
            .into_iter()
            .filter(|r| !r.name.contains('/'))
            .map(|r| (r.kind.clone(), ResourceKind::new(group, version, &r.kind, &r.name, r.namespaced)))
            .collect();
        let found = kinds.get(kind).cloned();
        self.known
            .lock()
            .expect("no panic while looking up")
            .insert(api_version.to_owned(), GroupVersion { kinds, asked: Instant::now() });
        found.ok_or_else(missing)
    }

    /// Finds a kind in whatever version of its group serves it, in the server's own order.
    pub(crate) async fn find_in_group(
        &self,
        cluster: &Cluster,
        group: &str,
        kind: &str,
    ) -> Result<Option<Arc<ResourceKind>>, ApiError> {
        if group.is_empty() {
            return Ok(None);
        }
        let body = match cluster.get_raw(&format!("/apis/{}", escape(group)), "GET discovery").await {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let served: Group = serde_json::from_slice(&body)
            .map_err(|error| ApiError::Decode(format!("discovery of {group}: {error}")))?;
        for version in served.versions {
            match self.find(cluster, &version.group_version, kind).await {
                Err(ApiError::NoKind { .. }) => {}
                found => return found.map(Some),
            }
        }
        Ok(None)
    }

    /// Forgets a group version, so that the next look-up asks the server: a CRD in it was just applied.
    pub(crate) fn forget(&self, api_version: &str) {
        self.known.lock().expect("no panic while looking up").remove(api_version);
    }

    /// Forgets every version of a group.
    pub(crate) fn forget_group(&self, group: &str) {
        let prefix = format!("{group}/");
        self.known.lock().expect("no panic while looking up").retain(|key, _| !key.starts_with(&prefix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api_server() {
        let core = ResourceKind::new("", "v1", "ConfigMap", "configmaps", true);
        assert_eq!(core.path("ns", "one"), "/api/v1/namespaces/ns/configmaps/one");
        assert_eq!(core.path("", ""), "/api/v1/configmaps");
        let role = ResourceKind::new("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false);
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa";
        assert_eq!(role.path("", "system:a"), path);
        assert_eq!(role.path("ns", "system:a"), path);
    }
}
