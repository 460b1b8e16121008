//! `sluice version`.

use serde_json::{Map, Value, json};

use crate::args::NAME;
use crate::cluster::{Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::object::{list, text};

/// The label that everything which belongs to an installation of Flux carries.
pub const PART_OF: &str = "app.kubernetes.io/part-of=flux";

/// Print the client and server-side components version information
///
/// Print the client and server-side components version information for the current context.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Print only client version
    #[arg(long)]
    client: bool,
    /// The format in which the information should be printed. can be 'json' or 'yaml'
    #[arg(long, short, default_value = "yaml")]
    output: String,
}

pub async fn run(cx: &Cx, args: VersionArgs) -> CliResult {
    if !matches!(args.output.as_str(), "yaml" | "json") {
        return Err(CliError::new(format!("--output must be json or yaml, not {}", args.output)));
    }
    let mut versions = vec![(NAME.to_owned(), concat!("v", env!("CARGO_PKG_VERSION")).to_owned())];
    if !args.client {
        versions.extend(in_cluster(cx).await?);
    }
    if args.output == "json" {
        let versions: Map<String, Value> =
            versions.into_iter().map(|(key, value)| (key, json!(value))).collect();
        return cx.ui.println(&serde_json::to_string_pretty(&versions)?);
    }
    // Ours comes first, so this is not a map; none of these values needs quotes.
    let lines: Vec<String> = versions.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    cx.ui.println(&lines.join("\n"))
}

/// The distribution, where one is installed, then each controller's tag.
async fn in_cluster(cx: &Cx) -> CliResult<Vec<(String, String)>> {
    let cluster = cx.cluster().await?;
    let mut versions = Vec::new();
    let crds =
        Resource::of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let found = cluster.find(&crds.cluster_wide(), "", "gitrepositories.source.toolkit.fluxcd.io").await?;
    let label = |name| found.as_ref().map_or("", |crd| text(crd, &format!("/metadata/labels/{name}")));
    let distribution = match (label("app.kubernetes.io~1part-of"), label("app.kubernetes.io~1version")) {
        ("", version) => version.to_owned(),
        (part_of, version) => format!("{part_of}-{version}"),
    };
    if !distribution.is_empty() {
        versions.push(("distribution".to_owned(), distribution));
    }
    let deployments = Resource::of("apps", "v1", "Deployment", "deployments");
    let selection = Selection::in_namespace(&cx.namespace).labelled(PART_OF);
    let installed = cluster.list(&deployments, &selection).await?;
    if installed.is_empty() {
        return Err(CliError::new(format!("no deployments found in {} namespace", cx.namespace)));
    }
    let mut tags = std::collections::BTreeMap::new();
    for container in installed.iter().flat_map(|found| list(found, "/spec/template/spec/containers")) {
        let image = text(container, "/image");
        let (name, tag) = name_and_tag(image)
            .ok_or_else(|| CliError::new(format!("missing image tag in image {image}")))?;
        tags.insert(name.to_owned(), tag.to_owned());
    }
    versions.extend(tags);
    Ok(versions)
}

/// `ghcr.io/fluxcd/source-controller:v1.9.3@sha256:...` is source-controller at all that follows the colon.
fn name_and_tag(image: &str) -> Option<(&str, &str)> {
    let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
    let path = match image.split_once('/') {
        Some((registry, path)) if is_registry(registry) => path,
        _ => image,
    };
    let (path, tag) = path.split_once(':')?;
    Some((path.rsplit('/').next().unwrap_or(path), tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_split_at_its_tag() {
        let image = "ghcr.io/fluxcd/source-controller:v1.9.3";
        assert_eq!(name_and_tag(image), Some(("source-controller", "v1.9.3")));
        assert_eq!(name_and_tag("localhost:5000/a/b:c@sha256:d"), Some(("b", "c@sha256:d")));
        assert_eq!(name_and_tag("localhost:5000/a/b"), None);
    }
}
