//! The variables of a Kustomization: from ConfigMaps and Secrets in order, then its own.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_api::Kustomization;
use sluice_api::kustomize::SubstituteReference;
use sluice_cluster::{At, ResourceKind};

use crate::Kustomize;

/// What the build is given besides the tree.
#[derive(Debug, Clone, Default, Hash)]
pub(super) struct Inputs {
    pub(super) variables: BTreeMap<String, String>,
    /// Why variables could not be had; told with the first object of the build, as upstream does.
    pub(super) missing: Option<String>,
}

impl Kustomize {
    pub(super) async fn inputs(&self, ks: &Kustomization) -> Inputs {
        let Some(post_build) = &ks.spec.post_build else { return Inputs::default() };
        let mut variables = BTreeMap::new();
        for reference in &post_build.substitute_from {
            match self.read_variables(&ks.metadata.namespace, reference).await {
                Ok(more) => variables.extend(more),
                Err(text) => {
                    let text =
                        format!("substitute from '{}/{}' error: {text}", reference.kind, reference.name);
                    return Inputs { variables: BTreeMap::new(), missing: Some(text) };
                }
            }
        }
        // Newlines never reach a manifest: a value cannot add lines to it.
        let own = post_build.substitute.iter().map(|(name, value)| (name.clone(), without_newlines(value)));
        variables.extend(own);
        Inputs { variables, missing: None }
    }

    async fn read_variables(
        &self,
        namespace: &str,
        reference: &SubstituteReference,
    ) -> Result<BTreeMap<String, String>, String> {
        let plural = if reference.kind == "Secret" { "secrets" } else { "configmaps" };
        let kind = ResourceKind::new("", "v1", &reference.kind, plural, true);
        let object = match self.cluster.get(At::new(&kind, namespace, &reference.name)).await {
            Ok(object) => object,
            Err(error) if error.is_not_found() && reference.optional => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.to_string()),
        };
        let fields = object["data"].as_object().into_iter().flatten();
        let mut variables = BTreeMap::new();
        for (name, value) in fields {
            let text = value.as_str().unwrap_or_default();
            let text = if reference.kind == "Secret" { decoded(text) } else { text.to_owned() };
            variables.insert(name.clone(), without_newlines(&text));
        }
        Ok(variables)
    }
}

fn decoded(text: &str) -> String {
    STANDARD.decode(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn without_newlines(text: &str) -> String {
    text.replace('\n', "")
}
