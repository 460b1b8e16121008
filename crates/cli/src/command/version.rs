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

/// What is installed, by the labels of one of its definitions.
#[derive(Default)]
pub struct Installation {
    /// Empty where nothing is installed, or by hand.
    pub distribution: String,
    /// Whether a Kustomization of its own keeps it as it is.
    pub is_bootstrapped: bool,
}

pub async fn installation(cx: &Cx) -> CliResult<Installation> {
    let crds =
        Resource::of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let name = "gitrepositories.source.toolkit.fluxcd.io";
    let Some(found) = cx.cluster().await?.find(&crds.cluster_wide(), "", name).await? else {
        return Ok(Installation::default());
    };
    let label = |name| text(&found, &format!("/metadata/labels/{name}"));
    let distribution = match (label("app.kubernetes.io~1part-of"), label("app.kubernetes.io~1version")) {
        ("", version) => version.to_owned(),
        (part_of, version) => format!("{part_of}-{version}"),
    };
    let is_bootstrapped = !label("kustomize.toolkit.fluxcd.io~1namespace").is_empty();
    Ok(Installation { distribution, is_bootstrapped })
}

/// The distribution, where one is installed, then each controller's tag.
async fn in_cluster(cx: &Cx) -> CliResult<Vec<(String, String)>> {
    let mut versions = Vec::new();
    let distribution = installation(cx).await?.distribution;
    if !distribution.is_empty() {
        versions.push(("distribution".to_owned(), distribution));
    }
    let deployments = Resource::of("apps", "v1", "Deployment", "deployments");
    let selection = Selection::in_namespace(&cx.namespace).labelled(PART_OF);
    let installed = cx.cluster().await?.list(&deployments, &selection).await?;
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
