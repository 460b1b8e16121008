//! Objects by what people call their kinds: `deploy/web`, `pods a b`, `helmreleases.helm.toolkit.fluxcd.io/app`.

use serde_json::{Value, json};

use crate::cluster::Resource;
use crate::cx::Cx;
use crate::error::{CliError, CliResult};
use crate::object::{list, text};

/// The objects that the words name.
pub async fn objects(cx: &Cx, words: &[String]) -> CliResult<Vec<Value>> {
    let usage =
        || CliError::new("either `<resource>/<name>` or `<resource> <name>` is required as an argument");
    let first = words.first().ok_or_else(usage)?;
    let pairs: Vec<(&str, &str)> = if first.contains('/') {
        words.iter().map(|word| word.split_once('/')).collect::<Option<_>>().ok_or_else(usage)?
    } else {
        words[1..].iter().map(|name| (first.as_str(), name.as_str())).collect()
    };
    if pairs.is_empty() {
        return Err(usage());
    }
    let cluster = cx.cluster().await?;
    let served = served(cx).await?;
    let mut objects = Vec::new();
    for (called, name) in pairs {
        let resource = served
            .iter()
            .find(|one| one.is_called(called))
            .ok_or_else(|| CliError::new(format!("the server doesn't have a resource type {called:?}")))?;
        let mut object = cluster.get(&resource.resource, &cx.namespace, name).await?;
        object["kind"] = json!(resource.resource.kind);
        objects.push(object);
    }
    Ok(objects)
}

struct Served {
    resource: Resource,
    names: Vec<String>,
}

impl Served {
    /// By any of its names, with or without its group.
    fn is_called(&self, called: &str) -> bool {
        let called = called.to_lowercase();
        let (name, group) = called.split_once('.').unwrap_or((&called, ""));
        let is_group = group.is_empty() || group == self.resource.group;
        is_group && self.names.iter().any(|known| known == name)
    }
}

/// Everything that the server serves, the core group first, each group in its preferred version.
async fn served(cx: &Cx) -> CliResult<Vec<Served>> {
    let cluster = cx.cluster().await?;
    let groups = cluster.read("/apis").await?;
    let preferred = list(&groups, "/groups").map(|group| text(group, "/preferredVersion/groupVersion"));
    let mut served = Vec::new();
    for version in ["v1"].into_iter().chain(preferred) {
        let root = if version.contains('/') { "/apis" } else { "/api" };
        // An aggregated API that does not answer hides only its own kinds.
        let Ok(answer) = cluster.read(&format!("{root}/{version}")).await else { continue };
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        for one in list(&answer, "/resources").filter(|one| !text(one, "/name").contains('/')) {
            let mut resource = Resource::of(group, version, text(one, "/kind"), text(one, "/name"));
            resource.namespaced = one.pointer("/namespaced") == Some(&Value::Bool(true));
            let mut names = vec![resource.plural.clone(), resource.kind.to_lowercase()];
            names.push(text(one, "/singularName").to_owned());
            names.extend(list(one, "/shortNames").filter_map(Value::as_str).map(str::to_owned));
            served.push(Served { resource, names });
        }
    }
    Ok(served)
}
