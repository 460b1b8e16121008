//! Flux's Deployments beside Sluice's: which of them Sluice could do the work of, and what to commit for that.

use serde_json::Value;

use crate::command::install::COMPONENTS;
use crate::object::{list, name, text};

/// For each of Flux's controllers that Sluice leaves as it is: what it is, then the lines that let Sluice take over.
pub fn advice(deployments: &[Value]) -> Vec<String> {
    let is_fluxs = |deployment: &&Value| {
        COMPONENTS.contains(&name(deployment)) && image(deployment).0 == name(deployment)
    };
    let fluxs: Vec<&Value> = deployments.iter().filter(is_fluxs).collect();
    if deployments.iter().any(|deployment| name(deployment) == crate::args::NAME) {
        return fluxs.into_iter().flat_map(without).collect();
    }
    let ours = deployments.iter().find(|one| COMPONENTS.contains(&name(one)) && !is_fluxs(one));
    let Some(ours) = ours else { return Vec::new() };
    fluxs.into_iter().flat_map(|deployment| with_image_of(deployment, ours)).collect()
}

/// One process does it all: the Deployment is taken out of what Git says.
fn without(deployment: &Value) -> Vec<String> {
    let name = name(deployment);
    vec![
        format!("{name} runs beside Sluice; commit to flux-system/kustomization.yaml, to take it away:"),
        "patches:".to_owned(),
        "  - patch: |".to_owned(),
        "      $patch: delete".to_owned(),
        "      apiVersion: apps/v1".to_owned(),
        "      kind: Deployment".to_owned(),
        format!("      metadata: {{name: {name}, namespace: {}}}", crate::object::namespace(deployment)),
    ]
}

/// Sluice is another controller's image already: it can be this one's.
fn with_image_of(deployment: &Value, ours: &Value) -> Vec<String> {
    let (_, from) = image(deployment);
    let (_, to) = image(ours);
    let (new_name, version) = split(to);
    let mut lines = vec![
        format!(
            "{} is Flux's; commit to flux-system/kustomization.yaml, to make it Sluice:",
            name(deployment)
        ),
        "images:".to_owned(),
        format!("  - name: {}", split(from).0),
        format!("    newName: {new_name}"),
    ];
    lines.extend(version.map(|(field, value)| format!("    {field}: {value}")));
    lines
}

/// The last part of the name of a Deployment's image, and the image.
fn image(deployment: &Value) -> (&str, &str) {
    let containers = list(deployment, "/spec/template/spec/containers");
    let image = containers.map(|container| text(container, "/image")).next().unwrap_or_default();
    let (path, _) = split(image);
    (path.rsplit('/').next().unwrap_or(path), image)
}

/// `example.com:5000/a/b:v1` is `example.com:5000/a/b` with the field `newTag` at `v1`; a digest counts before a tag.
fn split(image: &str) -> (&str, Option<(&'static str, &str)>) {
    let (named, digest) = match image.split_once('@') {
        Some((named, digest)) => (named, Some(("digest", digest))),
        None => (image, None),
    };
    let host = named.rfind('/').map_or(0, |at| at + 1);
    match named[host..].split_once(':') {
        Some((path, tag)) => (&named[..host + path.len()], digest.or(Some(("newTag", tag)))),
        None => (named, digest),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(name: &str, image: &str) -> Value {
        json!({
            "metadata": {"name": name, "namespace": "flux-system"},
            "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
        })
    }

    #[test]
    fn what_to_commit_depends_on_how_sluice_runs() {
        let fluxs = deployment("source-controller", "ghcr.io/fluxcd/source-controller:v1.9.3");
        let helm = deployment("helm-controller", "ghcr.io/fluxcd/helm-controller:v1.6.3");
        assert!(advice(&[fluxs.clone(), helm.clone()]).is_empty(), "there is no Sluice");

        let alone = deployment("sluice", "example.com/sluice@sha256:0f");
        let lines = advice(&[alone, fluxs.clone(), helm.clone()]);
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[6], "      metadata: {name: source-controller, namespace: flux-system}");

        let other = deployment("kustomize-controller", "example.com:5000/sluice:v1@sha256:0f");
        let lines = advice(&[other, fluxs, helm]);
        assert_eq!(
            lines[1..],
            [
                "images:",
                "  - name: ghcr.io/fluxcd/source-controller",
                "    newName: example.com:5000/sluice",
                "    digest: sha256:0f",
            ]
        );
    }

    #[test]
    fn an_image_is_a_name_and_a_tag_or_a_digest() {
        assert_eq!(split("example.com:5000/a"), ("example.com:5000/a", None));
        assert_eq!(split("a:v1"), ("a", Some(("newTag", "v1"))));
        assert_eq!(split("b/a@sha256:0"), ("b/a", Some(("digest", "sha256:0"))));
    }
}
