//! `sluice tree`: what an object made, and what that made in turn.

mod release;

use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use sluice_object::ObjectId;

use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::kinds::{ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT, HELM_RELEASE, KUSTOMIZATION, Kind};
use crate::object::{list, name, namespace, text};
use crate::print::tree::Tree;

/// Print the resources reconciled by Flux
///
/// The tree command shows the list of resources reconciled by a Flux object.
#[derive(Debug, clap::Args)]
pub struct TreeArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the resource inventory of a Kustomization
    #[command(visible_alias = "ks")]
    Kustomization {
        name: Option<String>,
        /// List Flux resources only
        #[arg(long)]
        compact: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print the inventory of the artifacts' makers
    #[command(subcommand)]
    Artifact(ArtifactKind),
}

#[derive(Debug, clap::Subcommand)]
enum ArtifactKind {
    /// Print the inventory of an ArtifactGenerator
    Generator {
        name: Option<String>,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, clap::Args)]
struct OutputArgs {
    /// The format in which the tree should be printed. can be 'json' or 'yaml'
    #[arg(long, short)]
    output: Option<String>,
}

pub async fn run(cx: &Cx, args: TreeArgs) -> CliResult {
    let (kind, name, output, is_compact) = match args.what {
        What::Kustomization { name, compact, output } => (&KUSTOMIZATION, name, output, compact),
        What::Artifact(ArtifactKind::Generator { name, output }) => {
            (&ARTIFACT_GENERATOR, name, output, false)
        }
    };
    let name = name.ok_or_else(|| CliError::new(format!("{} name is required", kind.noun)))?;
    let object = cx.cluster().await?.get(&kind.resource(), &cx.namespace, &name).await?;
    let mut tree = Tree::new(id(kind, &object));
    if kind.kind == KUSTOMIZATION.kind {
        tree.children = made_by_kustomization(cx, &object, is_compact, 0).await?;
    } else {
        let artifacts = list(&object, "/status/inventory");
        tree.children.extend(artifacts.map(|artifact| {
            Tree::new(ObjectId {
                namespace: text(artifact, "/namespace").to_owned(),
                name: text(artifact, "/name").to_owned(),
                group: EXTERNAL_ARTIFACT.group.to_owned(),
                kind: EXTERNAL_ARTIFACT.kind.to_owned(),
            })
        }));
    }
    match output.output.as_deref() {
        Some("json") => cx.ui.println(&serde_json::to_string_pretty(&tree)?),
        Some("yaml") => cx.ui.println(&crate::print::yaml::of(&serde_json::to_value(&tree)?)),
        _ => cx.ui.println(&tree.render()),
    }
}

fn id(kind: &Kind, object: &Value) -> ObjectId {
    ObjectId {
        namespace: namespace(object).to_owned(),
        name: name(object).to_owned(),
        group: kind.group.to_owned(),
        kind: kind.kind.to_owned(),
    }
}

fn is_a(id: &ObjectId, kind: &Kind) -> bool {
    id.group == kind.group && id.kind == kind.kind
}

/// How deep Kustomizations may lie in Kustomizations: they can name each other in a circle.
const MAX_DEPTH: usize = 32;

/// The inventory of a Kustomization, with that of every Kustomization and HelmRelease in it.
fn made_by_kustomization<'a>(
    cx: &'a Cx,
    object: &'a Value,
    is_compact: bool,
    depth: usize,
) -> BoxFuture<'a, CliResult<Vec<Tree>>> {
    async move {
        if depth == MAX_DEPTH {
            return Err(CliError::new(format!(
                "Kustomizations lie more than {MAX_DEPTH} deep in each other"
            )));
        }
        let itself = id(&KUSTOMIZATION, object);
        let is_remote = object.pointer("/spec/kubeConfig").is_some();
        let mut children = Vec::new();
        for entry in list(object, "/status/inventory/entries") {
            let id = ObjectId::from_inventory(text(entry, "/id"))
                .map_err(|error| CliError::new(error.to_string()))?;
            if !is_listed(&id, is_compact) || id == itself {
                continue;
            }
            let mut child = Tree::new(id.clone());
            if is_a(&id, &HELM_RELEASE) {
                let inner = release::inventory(cx, &id).await?;
                child
                    .children
                    .extend(inner.into_iter().filter(|id| is_listed(id, is_compact)).map(Tree::new));
            }
            if is_a(&id, &KUSTOMIZATION) && !is_remote {
                let found = cx.cluster().await?.get(&KUSTOMIZATION.resource(), &id.namespace, &id.name).await;
                let inner = found.map_err(|error| {
                    CliError::new(format!("failed to find object: {}", CliError::from(error).error))
                })?;
                child.children = made_by_kustomization(cx, &inner, is_compact, depth + 1).await?;
            }
            children.push(child);
        }
        Ok(children)
    }
    .boxed()
}

fn is_listed(id: &ObjectId, is_compact: bool) -> bool {
    !is_compact || id.group.contains("toolkit.fluxcd.io")
}
