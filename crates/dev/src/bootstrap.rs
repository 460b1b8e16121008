//! What `flux bootstrap` leaves in a cluster: definitions, the namespace, the source and the Kustomization `flux-system`.

use std::path::Path;

use serde_json::{Value, json};
use sluice_cluster::{ApiError, At, Cluster};
use sluice_yaml::json::{from_yaml, split_documents};

use crate::repository::{Repository, normalise, remotes};

const NS: &str = "flux-system";
const MANAGER: &str = "flux";
/// Where bootstrap writes the source and the Kustomization.
pub const SYNC: &str = "gotk-sync.yaml";
/// Files larger than this hold no sources.
const LARGEST: u64 = 1 << 20;

/// What a folder says about its own sources.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// URLs, as they stand in the folder, that mean the folder itself.
    pub rewrites: Vec<String>,
    /// The objects of `gotk-sync.yaml`, if bootstrap left that.
    pub bootstrapped: Vec<Value>,
}

impl Sources {
    /// Looks through the files of the last snapshot.
    pub fn find(repository: &Repository) -> Self {
        let mut found = Self::default();
        let remotes = remotes(repository.root());
        for path in repository.paths().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml")) {
            let full = repository.root().join(path);
            if full.metadata().is_ok_and(|metadata| metadata.len() > LARGEST) {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&full) else { continue };
            if text.contains("GitRepository") {
                found.look(path, &text, &remotes);
            }
        }
        found.rewrites.sort();
        found.rewrites.dedup();
        found
    }

    fn look(&mut self, path: &str, text: &str, remotes: &[String]) {
        let documents = documents(text);
        for source in documents.iter().filter(|document| document["kind"] == "GitRepository") {
            let Some(url) = source["spec"]["url"].as_str() else { continue };
            if is_folder(source, remotes) {
                self.rewrites.push(url.to_owned());
            }
            if is_bootstraps(source) && path.ends_with(SYNC) {
                self.bootstrapped.clone_from(&documents);
            }
        }
    }
}

/// Whether a GitRepository is what bootstrap made.
pub fn is_bootstraps(source: &Value) -> bool {
    let metadata = &source["metadata"];
    metadata["name"] == NS && metadata["namespace"].as_str().is_none_or(|ns| ns == NS)
}

/// Whether a GitRepository means the folder itself: bootstrap's, or one whose address is a remote of the folder.
pub fn is_folder(source: &Value, remotes: &[String]) -> bool {
    let url = source["spec"]["url"].as_str();
    is_bootstraps(source) || url.is_some_and(|url| remotes.contains(&normalise(url)))
}

/// The documents of a text; what cannot be read is none.
pub fn documents(text: &str) -> Vec<Value> {
    let parts = split_documents(text).unwrap_or_default();
    let values = parts.iter().filter_map(|part| from_yaml(part.as_bytes()).ok());
    values.filter(|value| value.is_object()).collect()
}

/// Where bootstrap left its files, else the only cluster, else the whole folder.
pub fn default_path(folder: &Path) -> String {
    let mut clusters: Vec<String> = std::fs::read_dir(folder.join("clusters"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|name| format!("clusters/{name}"))
        .collect();
    clusters.sort();
    let bootstrapped =
        clusters.iter().find(|path| folder.join(path).join("flux-system/gotk-sync.yaml").is_file());
    bootstrapped.or(clusters.first()).cloned().unwrap_or_default()
}

/// The definitions and the namespace: what has to be there before controllers start.
pub async fn prepare(cluster: &Cluster, definitions: &[&str]) -> Result<(), ApiError> {
    for text in definitions {
        for definition in documents(text) {
            apply(cluster, &definition, NS).await?;
        }
    }
    apply(cluster, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}), NS).await
}

/// The source and the Kustomization: those of the folder where it has them, else our own.
pub async fn begin(
    cluster: &Cluster,
    sources: &Sources,
    path: &str,
    url: &str,
    branch: &str,
) -> Result<(), ApiError> {
    let mut objects = sources.bootstrapped.clone();
    if objects.is_empty() {
        objects = vec![
            json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "metadata": {"name": NS, "namespace": NS},
                "spec": {"interval": "1m", "url": url, "ref": {"branch": branch}},
            }),
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": {"name": NS, "namespace": NS},
                "spec": {
                    "interval": "10m",
                    "path": format!("./{path}"),
                    "prune": true,
                    "sourceRef": {"kind": "GitRepository", "name": NS},
                },
            }),
        ];
    }
    for object in &objects {
        apply(cluster, object, NS).await?;
    }
    Ok(())
}

/// Applies one object of any kind that is served.
pub async fn apply(cluster: &Cluster, object: &Value, ns: &str) -> Result<(), ApiError> {
    let word = |key: &str| object[key].as_str().unwrap_or_default();
    let kind = cluster.kind(word("apiVersion"), word("kind")).await?;
    let ns = object["metadata"]["namespace"].as_str().unwrap_or(ns);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    cluster.apply(At::new(&kind, ns, name), object, MANAGER, false).await.map(|_| ())
}
