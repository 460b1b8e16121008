//! `sluice uninstall`: the controllers and their kinds go; what they have applied stays.

use serde_json::{Value, json};

use super::version::PART_OF;
use crate::cluster::{ClusterError, Resource, Selection};
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::KINDS;
use crate::object::{list, name, namespace, text};

/// Uninstall Flux and its custom resource definitions
///
/// The uninstall command removes the Flux components and the toolkit.fluxcd.io resources from the cluster.
#[derive(Debug, clap::Args)]
pub struct UninstallArgs {
    /// Skip namespace deletion
    #[arg(long)]
    keep_namespace: bool,
    /// Only print the objects that would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Delete components without asking for confirmation
    #[arg(long, short)]
    silent: bool,
}

pub async fn run(cx: &Cx, args: UninstallArgs) -> CliResult {
    let question = "Are you sure you want to delete Flux and its custom resource definitions";
    if !args.dry_run && !args.silent && !cx.ui.confirm(question)? {
        return Err(CliError::new("aborting"));
    }
    let mut removal = Removal { cx, is_dry: args.dry_run, failures: Vec::new() };
    cx.ui.action(&format!("deleting components in {} namespace", cx.namespace));
    for resource in components() {
        removal.delete_all(&resource).await?;
    }
    // Before their definitions go: with a finalizer left on it an object, and its definition with it, would never be gone.
    cx.ui.action("deleting toolkit.fluxcd.io finalizers in all namespaces");
    for kind in KINDS {
        removal.free_all(&kind.resource()).await?;
    }
    cx.ui.action("deleting toolkit.fluxcd.io custom resource definitions");
    removal.delete_all(&definitions()).await?;
    if !args.keep_namespace {
        removal.delete(&Resource::core("Namespace", "namespaces").cluster_wide(), "", &cx.namespace).await?;
    }
    if !removal.failures.is_empty() {
        return Err(CliError::new(removal.failures.join("; ")));
    }
    cx.ui.success("uninstall finished");
    Ok(())
}

fn components() -> [Resource; 8] {
    let rbac = |kind, plural| Resource::of("rbac.authorization.k8s.io", "v1", kind, plural);
    [
        Resource::of("apps", "v1", "Deployment", "deployments"),
        Resource::core("Service", "services"),
        Resource::of("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
        Resource::core("ServiceAccount", "serviceaccounts"),
        rbac("Role", "roles"),
        rbac("RoleBinding", "rolebindings"),
        rbac("ClusterRole", "clusterroles").cluster_wide(),
        rbac("ClusterRoleBinding", "clusterrolebindings").cluster_wide(),
    ]
}

fn definitions() -> Resource {
    Resource::of("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
        .cluster_wide()
}

struct Removal<'a> {
    cx: &'a Cx,
    is_dry: bool,
    failures: Vec<String>,
}

impl Removal<'_> {
    /// Deletes what carries the label of the installation: in its namespace, or in the whole cluster.
    async fn delete_all(&mut self, resource: &Resource) -> CliResult {
        let place = if resource.namespaced {
            Selection::in_namespace(&self.cx.namespace)
        } else {
            Selection::default()
        };
        for found in self.list(resource, &place.labelled(PART_OF)).await? {
            self.delete(resource, namespace(&found), name(&found)).await?;
        }
        Ok(())
    }

    async fn delete(&mut self, resource: &Resource, namespace: &str, name: &str) -> CliResult {
        let deleted = if self.is_dry {
            Ok(())
        } else {
            self.cx.cluster().await?.delete(resource, namespace, name).await
        };
        let what = shown(resource, namespace, name);
        self.tell(deleted, &format!("{what} deleted"), &format!("{what} deletion failed"));
        Ok(())
    }

    /// Takes the finalizers of the controllers off: nobody is left who would.
    async fn free_all(&mut self, resource: &Resource) -> CliResult {
        for found in self.list(resource, &Selection::default()).await? {
            let (namespace, name) = (namespace(&found), name(&found));
            let kept: Vec<&Value> =
                list(&found, "/metadata/finalizers").filter(|one| !is_ours(one)).collect();
            let patch = json!({"metadata": {"finalizers": kept, "resourceVersion": text(&found, "/metadata/resourceVersion")}});
            let freed = if self.is_dry {
                Ok(())
            } else {
                self.cx.cluster().await?.merge(resource, namespace, name, &patch).await.map(drop)
            };
            let what = shown(resource, namespace, name);
            self.tell(
                freed,
                &format!("{what} finalizers deleted"),
                &format!("{what} removing finalizers failed"),
            );
        }
        Ok(())
    }

    /// What there is; of a kind that the cluster does not know there is nothing.
    async fn list(&self, resource: &Resource, selection: &Selection<'_>) -> CliResult<Vec<Value>> {
        match self.cx.cluster().await?.list(resource, selection).await {
            Err(error) if error.is_no_such_kind() || error.is_not_found() => Ok(Vec::new()),
            found => Ok(found?),
        }
    }

    fn tell(&mut self, done: Result<(), ClusterError>, well: &str, badly: &str) {
        match done {
            Err(error) if !error.is_not_found() => {
                self.cx.ui.failure(&format!("{badly}: {error}"));
                self.failures.push(error.to_string());
            }
            _ => self.cx.ui.success(&format!("{well} {}", if self.is_dry { "(dry run)" } else { "" })),
        }
    }
}

/// Somebody else's finalizer is somebody else's business.
fn is_ours(finalizer: &Value) -> bool {
    finalizer.as_str().is_some_and(|finalizer| finalizer.contains("fluxcd.io"))
}

fn shown(resource: &Resource, namespace: &str, name: &str) -> String {
    match namespace {
        "" => format!("{}/{name}", resource.kind),
        _ => format!("{}/{namespace}/{name}", resource.kind),
    }
}
