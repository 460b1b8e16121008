//! The tree of sources, Kustomizations and their objects, as text.

use jiff::Timestamp;
use serde_json::Value;
use sluice_cluster::At;

use crate::view::{Key, Said, View};

/// Objects are asked for one by one; a tree larger than this shows names only.
const ASKED_MOST: usize = 500;

/// `is_whole` shows every object; otherwise only those of Kustomizations that are not Ready.
pub async fn render(view: &View, is_whole: bool, now: Timestamp) -> String {
    let mut text = String::new();
    let (kustomizations, sources): (Vec<_>, Vec<_>) =
        view.objects().partition(|(key, ..)| key.0 == "Kustomization");
    for (key, object, said) in sources {
        text.push_str(&line(key, &object, said, now));
    }
    let mut asked = 0;
    for (key, object, said) in kustomizations {
        text.push_str(&line(key, &object, said, now));
        if !is_whole && said.is_ready() {
            continue;
        }
        for entry in object["status"]["inventory"]["entries"].as_array().into_iter().flatten() {
            asked += 1;
            text.push_str(&member(view, entry, asked <= ASKED_MOST, now).await);
        }
    }
    text
}

fn line(key: &Key, object: &Value, said: &Said, now: Timestamp) -> String {
    let mark = match said.ready.as_str() {
        _ if said.is_assumed => "◌",
        "True" if said.is_current => "✔",
        "False" => "✗",
        "Suspended" => "⏸",
        _ => "◎",
    };
    let age = age(object, now);
    let message = if said.is_assumed {
        "assumed: its controller does not run here"
    } else {
        said.message.lines().next().unwrap_or_default()
    };
    format!("{mark} {} {}/{}  {age}  {message}\n", key.0, key.1, key.2)
}

/// One object of an inventory: `ns_name_group_Kind`.
async fn member(view: &View, entry: &Value, is_asked: bool, now: Timestamp) -> String {
    let Some(Member { ns, name, version, kind }) = Member::of(entry) else { return String::new() };
    let place = if ns.is_empty() { name.clone() } else { format!("{ns}/{name}") };
    let mut state = String::new();
    if is_asked && let Ok(found) = view.cluster().kind(&version, &kind).await {
        state = match view.cluster().get(At::new(&found, &ns, &name)).await {
            Ok(_) if view.assumes(&version, &kind) => "assumed: its controller does not run here".to_owned(),
            Ok(object) => format!("{}  {}", age(&object, now), health(&object)),
            Err(error) => error.to_string(),
        };
    }
    format!("  └ {kind} {place}  {state}\n")
}

/// An entry of an inventory.
pub struct Member {
    pub ns: String,
    pub name: String,
    pub version: String,
    pub kind: String,
}

impl Member {
    pub fn of(entry: &Value) -> Option<Self> {
        let id: Vec<&str> = entry["id"].as_str()?.split('_').collect();
        // Colons of names are written as two underscores.
        let (ns, rest) = id.split_first()?;
        let [name @ .., group, kind] = rest else { return None };
        let version = entry["v"].as_str().unwrap_or_default();
        let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let name = name.join("_").replace("__", ":");
        Some(Self { ns: (*ns).to_owned(), name, version, kind: (*kind).to_owned() })
    }
}

/// Kinds whose controllers run here, beside those that are built into Kubernetes.
const RUNNING: &[&str] = &["GitRepository", "Kustomization"];

/// Whether nobody here makes anything of such an object.
pub fn is_assumed(version: &str, kind: &str) -> bool {
    let group = version.split_once('/').map(|(group, _)| group).unwrap_or_default();
    let is_built_in = !group.contains('.') || group.ends_with(".k8s.io");
    let is_ours = group.ends_with(".toolkit.fluxcd.io") && RUNNING.contains(&kind);
    // What only configures a controller that runs, or is data for one, has no state of its own.
    !is_built_in && !is_ours
}

/// What the object itself says about its state.
fn health(object: &Value) -> String {
    let status = &object["status"];
    let conditions = status["conditions"].as_array();
    let condition = ["Ready", "Available", "Complete", "Established"]
        .into_iter()
        .find_map(|kind| conditions.into_iter().flatten().find(|condition| condition["type"] == kind));
    if let (Some(ready), Some(wanted)) =
        (status["readyReplicas"].as_i64(), object["spec"]["replicas"].as_i64())
    {
        return format!("{ready}/{wanted} ready");
    }
    match condition {
        Some(condition) if condition["status"] == "True" => {
            condition["type"].as_str().unwrap_or_default().to_owned()
        }
        Some(condition) => condition["message"].as_str().unwrap_or("not ready").to_owned(),
        None => status["phase"].as_str().unwrap_or("there").to_owned(),
    }
}

fn age(object: &Value, now: Timestamp) -> String {
    let created =
        object["metadata"]["creationTimestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(created) = created else { return String::new() };
    let seconds = now.duration_since(created).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_an_inventory_is_read() {
        let entry = serde_json::json!({"id": "ns_a__b_apps_Deployment", "v": "v1"});
        let member = Member::of(&entry).unwrap();
        assert_eq!(
            (member.ns.as_str(), member.name.as_str(), member.version.as_str()),
            ("ns", "a:b", "apps/v1")
        );
    }

    #[test]
    fn only_what_nobody_here_looks_after_is_assumed() {
        for (version, kind, want) in [
            ("v1", "ConfigMap", false),
            ("apps/v1", "Deployment", false),
            ("networking.k8s.io/v1", "Ingress", false),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", false),
            ("helm.toolkit.fluxcd.io/v2", "HelmRelease", true),
            ("cert-manager.io/v1", "Certificate", true),
        ] {
            assert_eq!(is_assumed(version, kind), want, "{kind}");
        }
    }
}
