//! Tree to Manifests: pure inside, run on an engine thread.

use std::sync::Arc;

use sluice_api::Kustomization;
use sluice_api::meta::reason;
use sluice_object::Object;
use sluice_runtime::Failure;
use sluice_tree::Tree;

use super::inputs::Inputs;
use super::retried;
use crate::Kustomize;
use crate::trees::Unpacked;

/// What a build gives.
pub(super) struct Manifests {
    pub(super) objects: Vec<Object>,
    /// `sha256:…` of the built YAML.
    pub(super) digest: String,
}

impl Kustomize {
    pub(super) async fn build(
        &self,
        ks: &Kustomization,
        tree: Arc<Unpacked>,
        inputs: Inputs,
    ) -> Result<Manifests, Failure> {
        let _ = (inputs.missing, inputs.variables);
        let path = super::fetch::inside(&ks.spec.path);
        let mut objects = Vec::new();
        let mut text_all = String::new();
        for entry in tree.tree.list(&path).unwrap_or_default() {
            if !entry.name.ends_with(".yaml") {
                continue;
            }
            let full = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            let bytes =
                tree.tree.read(&full).map_err(|e| retried(ks, reason::BUILD_FAILED, e.to_string()))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for doc in text.split("---\n") {
                if doc.trim().is_empty() {
                    continue;
                }
                let value = sluice_yaml::json::from_yaml(doc)
                    .map_err(|e| retried(ks, reason::BUILD_FAILED, e.to_string()))?;
                let mut object = Object::try_from(value).unwrap();
                if !ks.spec.target_namespace.is_empty() && object.kind() != "Namespace" {
                    object.set_namespace(&ks.spec.target_namespace);
                }
                objects.push(object);
            }
            text_all.push_str(&text);
        }
        let digest = sluice_tree::Digest::of(sluice_tree::Algorithm::Sha256, text_all.as_bytes()).to_string();
        Ok(Manifests { objects, digest })
    }
}
