//! `sluice install`: one process with every controller, as manifests or straight into the cluster.

mod manifests;

use serde_json::Value;

use super::version::installation;
use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::object::{id, is_true, list, name, namespace, number, text};
use crate::print;
use manifests::Wanted;

pub use manifests::COMPONENTS;

/// Install Sluice in the cluster
///
/// The install command deploys the controllers in the specified namespace, as one process. If a previous version is
/// installed, then an in-place upgrade will be performed.
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    /// Write the install manifests to stdout and exit
    #[arg(long)]
    export: bool,
    /// The image of Sluice to run, by digest or by tag
    #[arg(long, value_name = "REFERENCE")]
    image: Option<String>,
    /// List of components, accepts comma-separated values
    #[arg(long, value_delimiter = ',', default_values = manifests::COMPONENTS)]
    components: Vec<String>,
    /// List of components in addition to those supplied or defaulted
    #[arg(long, value_delimiter = ',')]
    components_extra: Vec<String>,
    /// Kubernetes secret name used for pulling the image from a private registry
    #[arg(long, value_name = "NAME")]
    image_pull_secret: Option<String>,
    /// Watch for custom resources in all namespaces, if set to false it will only watch the namespace where the
    /// controllers are installed
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    watch_all_namespaces: bool,
    /// Log level
    #[arg(long, default_value = "info", value_parser = ["debug", "info", "error"])]
    log_level: String,
    /// Deny ingress access to the controllers from other namespaces using network policies
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    network_policy: bool,
    /// Internal cluster domain
    #[arg(long, default_value = "cluster.local", value_name = "DOMAIN")]
    cluster_domain: String,
    /// List of toleration keys used to schedule the Pod onto nodes with matching taints
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    toleration_keys: Vec<String>,
    /// Give the controllers no more rights than they need by themselves: what a Kustomization applies is up to the rights of
    /// its service account, or of the account 'default' in its namespace
    #[arg(long)]
    least_privilege: bool,
    /// Override an existing installation of Flux, which another tool may manage
    #[arg(long)]
    force: bool,
}

pub async fn run(cx: &Cx, args: InstallArgs) -> CliResult {
    let components: Vec<&str> =
        args.components.iter().chain(&args.components_extra).map(String::as_str).collect();
    manifests::check_components(&components)?;
    let image = args.image.as_deref().filter(|image| !image.is_empty()).ok_or_else(|| {
        CliError::new(
            "--image is required: no image of Sluice is published yet; push the one that 'cargo xtask dist' makes to a \
             registry of yours, and name it",
        )
    })?;
    let objects = manifests::build(&Wanted {
        namespace: &cx.namespace,
        image,
        components: &components,
        image_pull_secret: args.image_pull_secret.as_deref(),
        watch_all_namespaces: args.watch_all_namespaces,
        log_level: &args.log_level,
        network_policy: args.network_policy,
        cluster_domain: &args.cluster_domain,
        toleration_keys: &args.toleration_keys,
        least_privilege: args.least_privilege,
    })?;
    if args.export {
        let documents: String = objects.iter().map(print::yaml::document).collect();
        return cx.ui.print(&format!("{}{documents}", manifests::header(&components)));
    }
    cx.ui.success("manifests build completed");
    cx.ui.action(&format!("installing components in {} namespace", cx.namespace));
    check_cluster(cx, args.force).await?;
    for object in &objects {
        apply(cx, object).await?;
    }
    if args.least_privilege {
        take_back(cx).await?;
    }
    cx.ui.waiting("verifying installation");
    let deployments = Resource::of("apps", "v1", "Deployment", "deployments");
    let deployed = cx.cluster().await?.wait_for(&deployments, &cx.namespace, manifests::NAME, is_rolled_out);
    cx.in_time(deployed).await.map_err(|error| {
        let what = format!("Deployment/{}/{}", cx.namespace, manifests::NAME);
        CliError::new(format!("install failed: {what}: {}", error.error))
    })?;
    cx.ui.success(&format!("{}: deployment ready", manifests::NAME));
    cx.ui.success("install finished");
    Ok(())
}

/// What Git keeps is changed in Git, and what another tool installed is not overwritten unasked.
async fn check_cluster(cx: &Cx, force: bool) -> CliResult {
    let installed = installation(cx).await?;
    if installed.is_bootstrapped {
        return Err(CliError::new(format!(
            "this cluster has already been bootstrapped with {}: write what 'sluice install --export' prints to \
             flux-system/gotk-components.yaml in its repository and commit it",
            installed.distribution
        )));
    }
    if !installed.distribution.is_empty() && !force {
        let question =
            format!("{} is installed. Are you sure you want to override it", installed.distribution);
        if !cx.ui.confirm(&question)? {
            return Err(CliError::new("installation cancelled"));
        }
    }
    Ok(())
}

/// Takes our accounts out of the bindings to the whole cluster that an earlier installation has left.
async fn take_back(cx: &Cx) -> CliResult {
    let cluster = cx.cluster().await?;
    let bindings =
        Resource::of("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings");
    let bindings = bindings.cluster_wide();
    for wide in manifests::wide_bindings(&cx.namespace) {
        let Some(binding) = cluster.find(&bindings, "", &wide).await? else { continue };
        let is_ours = |subject: &&Value| {
            text(subject, "/namespace") == cx.namespace
                && manifests::ACCOUNTS.contains(&text(subject, "/name"))
        };
        let subjects: Vec<&Value> = list(&binding, "/subjects").collect();
        let others: Vec<&Value> = subjects.iter().copied().filter(|subject| !is_ours(subject)).collect();
        if others.is_empty() {
            cluster.delete(&bindings, "", &wide).await?;
            cx.ui.println(&format!("{} deleted", id(&binding)))?;
        } else if others.len() < subjects.len() {
            let patch = serde_json::json!({"subjects": others});
            cluster.merge(&bindings, "", &wide, &patch).await?;
            cx.ui.println(&format!("{} configured", id(&binding)))?;
        }
    }
    Ok(())
}

/// Applies one object; a definition is served when this ends, so that what follows may use it.
async fn apply(cx: &Cx, object: &Value) -> CliResult {
    let failed = |error: CliError| CliError::new(format!("install failed: {}: {}", id(object), error.error));
    let cluster = cx.cluster().await?;
    let kind = text(object, "/kind");
    let resource =
        cluster.kind(text(object, "/apiVersion"), kind).await.map_err(|error| failed(error.into()))?;
    let before = cluster
        .find(&resource, namespace(object), name(object))
        .await
        .map_err(|error| failed(error.into()))?;
    let after =
        cluster.apply(&resource, namespace(object), object).await.map_err(|error| failed(error.into()))?;
    let version = |object: &Value| text(object, "/metadata/resourceVersion").to_owned();
    let action = match before {
        None => "created",
        Some(before) if version(&before) == version(&after) => "unchanged",
        Some(_) => "configured",
    };
    cx.ui.println(&format!("{} {action}", id(object)))?;
    if kind == "CustomResourceDefinition" {
        let established = cluster.wait_for(&resource, "", name(object), is_established);
        cx.in_time(established).await.map_err(failed)?;
    }
    Ok(())
}

fn is_established(definition: &Value) -> CliResult<bool> {
    Ok(is_true(definition, "Established"))
}

fn is_rolled_out(deployment: &Value) -> CliResult<bool> {
    let number = |path| number(deployment, path);
    let is_seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let are_new = number("/status/updatedReplicas") >= number("/spec/replicas");
    Ok(is_seen && are_new && is_true(deployment, "Available"))
}
