//! `sluice check`: whether the cluster can be used, and what of Flux is in it.

mod beside;

use serde_json::Value;
use sluice_version::{Constraint, Version};

use super::version::{PART_OF, installation};
use crate::cluster::{Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::KINDS;
use crate::object::{is_true, list, name, text};

/// The Kubernetes versions that are supported.
const KUBERNETES: &str = ">=1.33.0-0";

/// Check requirements and installation
///
/// The check command will perform a series of checks to validate that the local environment is configured correctly
/// and if the installed components are healthy.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Only run pre-installation checks
    #[arg(long)]
    pre: bool,
}

pub async fn run(cx: &Cx, args: CheckArgs) -> CliResult {
    cx.ui.action("checking prerequisites");
    let mut is_well = is_supported(cx).await?;
    is_well &= is_migrated(cx).await;
    if args.pre {
        if !is_well {
            return Err(CliError::new("prerequisites checks failed"));
        }
        cx.ui.success("prerequisites checks passed");
        return Ok(());
    }
    cx.ui.action("checking version in cluster");
    let installed = installation(cx).await?;
    if !installed.distribution.is_empty() {
        cx.ui.success(&format!("distribution: {}", installed.distribution));
    }
    cx.ui.success(&format!("bootstrapped: {}", installed.is_bootstrapped));
    cx.ui.action("checking controllers");
    is_well &= controllers(cx).await?;
    cx.ui.action("checking crds");
    is_well &= definitions(cx).await?;
    if !is_well {
        return Err(CliError::new("check failed"));
    }
    cx.ui.success("all checks passed");
    Ok(())
}

async fn is_supported(cx: &Cx) -> CliResult<bool> {
    let told = match cx.cluster().await?.read("/version").await {
        Ok(told) => told,
        Err(error) => {
            cx.ui.failure(&format!("Kubernetes API call failed: {error}"));
            return Ok(false);
        }
    };
    let told = text(&told, "/gitVersion").trim_start_matches('v');
    let Ok(version) = Version::parse(told) else {
        cx.ui.failure("Kubernetes version can't be determined");
        return Ok(false);
    };
    let supported = Constraint::parse(KUBERNETES).is_ok_and(|range| range.check(&version));
    if supported {
        cx.ui.success(&format!("Kubernetes {told} {KUBERNETES}"));
    } else {
        cx.ui.failure(&format!("Kubernetes version {told} does not match {KUBERNETES}"));
    }
    Ok(supported)
}

/// Whether every object of the kinds is stored in a version that is still served: new definitions are refused otherwise.
async fn is_migrated(cx: &Cx) -> bool {
    let resource =
        Resource::of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
            .cluster_wide();
    let mut is_well = true;
    for current in KINDS.iter().map(|kind| kind.resource()) {
        let Ok(cluster) = cx.cluster().await else { return false };
        let definition = format!("{}.{}", current.plural, current.group);
        // Without a definition there is nothing stored; who may not read it is told so by the checks that follow.
        let Ok(Some(found)) = cluster.find(&resource, "", &definition).await else { continue };
        let stored = list(&found, "/status/storedVersions").filter_map(Value::as_str);
        let old: Vec<&str> = stored.filter(|version| *version != current.version).collect();
        if !old.is_empty() {
            is_well = false;
            cx.ui.failure(&format!(
                "{definition} may hold objects stored as {}, which is no longer served: run 'flux migrate' (2.7 or \
                 later) before you go on",
                old.join(", ")
            ));
        }
    }
    is_well
}

/// Each controller's Deployment, whether it is rolled out, and its images.
async fn controllers(cx: &Cx) -> CliResult<bool> {
    let selection = Selection::in_namespace(&cx.namespace).labelled(PART_OF);
    let deployments = Resource::of("apps", "v1", "Deployment", "deployments");
    let found = cx.cluster().await?.list(&deployments, &selection).await?;
    if found.is_empty() {
        let place = &cx.namespace;
        let text =
            format!("no controllers found in the '{place}' namespace with the label selector '{PART_OF}'");
        cx.ui.failure(&text);
        return Ok(false);
    }
    let mut is_well = true;
    for deployment in &found {
        if is_true(deployment, "Available") {
            cx.ui.success(&format!("{}: deployment ready", name(deployment)));
        } else {
            is_well = false;
            cx.ui.failure(&format!("{}: deployment not ready", name(deployment)));
        }
        for container in list(deployment, "/spec/template/spec/containers") {
            cx.ui.action(text(container, "/image"));
        }
    }
    for line in beside::advice(&found) {
        cx.ui.note(&line);
    }
    Ok(is_well)
}

async fn definitions(cx: &Cx) -> CliResult<bool> {
    let crds =
        Resource::of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let selection = Selection::default().labelled(PART_OF);
    let found = cx.cluster().await?.list(&crds.cluster_wide(), &selection).await?;
    if found.is_empty() {
        cx.ui.failure(&format!("no crds found with the label selector '{PART_OF}'"));
        return Ok(false);
    }
    let mut is_well = true;
    for definition in &found {
        match list(definition, "/status/storedVersions").filter_map(Value::as_str).last() {
            Some(version) => cx.ui.success(&format!("{}/{version}", name(definition))),
            None => {
                is_well = false;
                cx.ui.failure(&format!("no stored versions for {}", name(definition)));
            }
        }
    }
    Ok(is_well)
}
