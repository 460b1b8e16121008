//! Flux's own controllers, as Git may still name them: none of those whose work this process does comes back beside it.

use sluice_api::event::Severity;
use sluice_api::{Kustomization, kustomize};
use sluice_object::Object;
use sluice_runtime::Draft;

use crate::Kustomize;

const SKIPPED: &str = "Skipped";

impl Kustomize {
    /// Marks Deployments of the controllers that this process stands for as not to be applied, and says so once a revision.
    pub(super) fn skip_replaced(&self, objects: &mut [Object], draft: &Draft<Kustomization>) {
        let mut skipped = Vec::new();
        for object in objects.iter_mut().filter(|object| self.is_replaced(object)) {
            object.set_annotation(&format!("{}/reconcile", kustomize::GROUP), "disabled");
            skipped.push(object.id().to_string());
        }
        let status = draft.status();
        if !skipped.is_empty() && status.last_applied_revision != status.last_attempted_revision {
            let text = format!(
                "{} left as it is: Sluice does its work; 'sluice check' names the lines to commit",
                skipped.join(", ")
            );
            draft.event(Severity::Info, SKIPPED, text);
        }
    }

    /// A Deployment in our own namespace, of a controller whose work we do, and with upstream's image.
    fn is_replaced(&self, object: &Object) -> bool {
        object.group() == "apps"
            && object.kind() == "Deployment"
            && object.namespace() == self.common.runtime_namespace
            && self.stands_for.iter().any(|name| name == object.name())
            && has_image_of_its_name(object)
    }
}

/// `ghcr.io/fluxcd/source-controller:v1.9.3` is the image of source-controller, wherever it was mirrored to.
fn has_image_of_its_name(deployment: &Object) -> bool {
    let containers = deployment.at(&["spec", "template", "spec", "containers"]);
    let mut images = containers
        .and_then(|containers| containers.as_array())
        .into_iter()
        .flatten()
        .filter_map(|container| container["image"].as_str());
    images.any(|image| {
        let last = image.rsplit('/').next().unwrap_or(image);
        last.split([':', '@']).next() == Some(deployment.name())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_image_says_whose_program_a_deployment_runs() {
        let deployment = |image: &str| {
            Object::try_from(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "source-controller", "namespace": "flux-system"},
                "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
            }))
            .unwrap()
        };
        for of_upstream in [
            "ghcr.io/fluxcd/source-controller:v1.9.3",
            "registry.example.com:5000/mirror/source-controller@sha256:0f",
            "source-controller",
        ] {
            assert!(has_image_of_its_name(&deployment(of_upstream)), "{of_upstream}");
        }
        for other in ["registry.example.com/sluice:v1", "ghcr.io/fluxcd/source-controller/x", ""] {
            assert!(!has_image_of_its_name(&deployment(other)), "{other}");
        }
    }
}
