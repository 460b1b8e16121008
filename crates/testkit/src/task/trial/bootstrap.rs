//! What `flux bootstrap` leaves in a cluster: the source and the Kustomization `flux-system`.

use serde_json::{Value, json};
use sluice_testkit::api::Api;

use super::folder::Served;

const NS: &str = "flux-system";

/// Applies the two objects: those of the folder where it has them, else our own.
pub async fn apply(api: &Api, served: &Served, path: &str, url: &str) -> Result<(), String> {
    let mut objects: Vec<Value> = served.bootstrapped().to_vec();
    if objects.is_empty() {
        objects = vec![
            json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "metadata": {"name": NS, "namespace": NS},
                "spec": {"interval": "1m", "url": url, "ref": {"branch": "main"}},
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
        api.apply("flux", NS, object).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
