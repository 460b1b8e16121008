//! The tree of sources, Kustomizations and their objects, as text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sluice_testkit::api::Api;

use super::view::{Key, Said};

/// Objects are asked for one by one; a tree larger than this shows names only.
const ASKED_MOST: usize = 500;

/// `is_whole` shows every object; otherwise only those of Kustomizations that are not Ready.
pub async fn render(
    api: &Api,
    objects: &BTreeMap<Key, Value>,
    said: &BTreeMap<Key, Said>,
    is_whole: bool,
) -> String {
    let mut text = String::new();
    let (kustomizations, sources): (Vec<_>, Vec<_>) =
        objects.iter().partition(|(key, _)| key.0 == "Kustomization");
    for (key, object) in sources {
        text.push_str(&line("", key, object, &said[key]));
    }
    let mut asked = 0;
    for (key, object) in kustomizations {
        text.push_str(&line("", key, object, &said[key]));
        if !is_whole && said[key].is_ready() {
            continue;
        }
        for entry in object["status"]["inventory"]["entries"].as_array().into_iter().flatten() {
            asked += 1;
            text.push_str(&member(api, entry, asked <= ASKED_MOST).await);
        }
    }
    text
}

fn line(indent: &str, key: &Key, object: &Value, said: &Said) -> String {
    let mark = match said.ready.as_str() {
        "True" if said.is_current => "✔",
        "False" => "✗",
        "Suspended" => "⏸",
        _ => "◎",
    };
    let age = age(object);
    let message = said.message.lines().next().unwrap_or_default();
    format!("{indent}{mark} {} {}/{}  {age}  {message}\n", key.0, key.1, key.2)
}

/// One object of an inventory: `ns_name_group_Kind`.
async fn member(api: &Api, entry: &Value, is_asked: bool) -> String {
    let id: Vec<&str> = entry["id"].as_str().unwrap_or_default().split('_').collect();
    let [ns, name, group, kind] = id[..] else { return String::new() };
    let name = name.replace("__", ":");
    let place = if ns.is_empty() { name.clone() } else { format!("{ns}/{name}") };
    let version = entry["v"].as_str().unwrap_or_default();
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut state = String::new();
    if is_asked && let Ok(resource) = api.resource(&version, kind).await {
        state = match api.get(&resource.path(Some(ns), Some(&name))).await {
            Ok(object) => format!("{}  {}", age(&object), health(&object)),
            Err(error) => error.to_string(),
        };
    }
    format!("  └ {kind} {place}  {state}\n")
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

fn age(object: &Value) -> String {
    let created =
        object["metadata"]["creationTimestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(created) = created else { return String::new() };
    let seconds = Timestamp::now().duration_since(created).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}
