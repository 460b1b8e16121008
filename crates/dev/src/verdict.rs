//! A cluster's verdict on a folder: the end of all that is going on, and what it came to.
//!
//! Where all is Ready, a list that shows nothing new ends it. Where something has failed, everything that failed is asked
//! to try once more, until a round brings nothing new: what it waited for is not going to come.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_cluster::{ApiError, At, Cluster, PatchKind};

use crate::repository::Repository;
use crate::tree::{Member, is_assumed};
use crate::view::{KINDS, Key, Said, View};

/// Workloads that have not moved for so long will not.
const STILL: Duration = Duration::from_secs(3);
/// What has just become Ready wakes its users within this; only then is their failure the last word.
const SETTLED: Duration = Duration::from_millis(500);
/// Rounds of trying again.
const ROUNDS: usize = 32;
const MANAGER: &str = "sluice-dev";

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ready,
    Failed,
}

enum Standing {
    Ready,
    /// Somebody is at work.
    Working,
    /// Somebody waits for health, everybody else is done.
    Waiting,
    /// All attempts are over and some have failed.
    Failed,
}

fn standing(view: &View) -> Standing {
    if !view.is_complete() {
        return Standing::Working;
    }
    if view.is_all_ready() {
        return Standing::Ready;
    }
    let open: Vec<&Said> = view.said().map(|(_, said)| said).filter(|said| !said.is_ready()).collect();
    let is_done = |said: &&Said| said.is_stalled || said.ready == "False" && !said.is_working;
    if open.is_empty() {
        Standing::Working
    } else if open.iter().all(is_done) {
        Standing::Failed
    } else if open.iter().all(|said| is_done(said) || waits(said)) {
        Standing::Waiting
    } else {
        Standing::Working
    }
}

fn waits(said: &Said) -> bool {
    said.progress.to_lowercase().contains("health check")
}

/// Watches until nothing can change any more.
pub async fn once(view: &mut View) -> Verdict {
    let mut last: Option<BTreeMap<Key, String>> = None;
    let mut rounds = 0;
    loop {
        match standing(view) {
            Standing::Ready if view.is_current().await => return Verdict::Ready,
            Standing::Ready | Standing::Working => view.advance().await,
            Standing::Waiting => {
                let changed = view.last_change();
                tokio::select! {
                    () = view.advance() => continue,
                    () = tokio::time::sleep_until(changed + SETTLED) => {}
                }
                if !awaits_somebody(view).await {
                    return Verdict::Failed;
                }
                tokio::select! {
                    () = view.advance() => {}
                    () = tokio::time::sleep_until(changed + STILL) => return Verdict::Failed,
                }
            }
            Standing::Failed => {
                let now: BTreeMap<Key, String> = view
                    .said()
                    .map(|(key, said)| (key.clone(), format!("{}{}", said.ready, said.message)))
                    .collect();
                rounds += 1;
                if last.as_ref() == Some(&now) || rounds > ROUNDS {
                    let settled = view.last_change() + SETTLED;
                    tokio::select! {
                        () = view.advance() => continue,
                        () = tokio::time::sleep_until(settled) => return Verdict::Failed,
                    }
                }
                last = Some(now);
                ask_again(view, rounds).await;
            }
        }
    }
}

/// Whether a wait for health can still end well: with something that somebody here looks after and that is not as wanted.
async fn awaits_somebody(view: &View) -> bool {
    for (_, object, _) in view.objects_that(|said| !said.is_ready() && waits(said)) {
        for check in object["spec"]["healthChecks"].as_array().into_iter().flatten() {
            // Nobody is at work who could still make one that is not there.
            if look_at(view, &named(check, &object)).await == Look::Moving {
                return true;
            }
        }
        for entry in object["status"]["inventory"]["entries"].as_array().into_iter().flatten() {
            let Some(member) = Member::of(entry) else { return true };
            if look_at(view, &member).await != Look::Still {
                return true;
            }
        }
    }
    false
}

/// What can be expected of an object that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It is as wanted, or nobody here makes it so.
    Still,
    /// Somebody here looks after it.
    Moving,
    Absent,
}

async fn look_at(view: &View, member: &Member) -> Look {
    let Member { ns, name, version, kind } = member;
    // What is shown itself has come to its end, or waits as well.
    let is_shown = KINDS.iter().any(|(_, known)| known == kind);
    if is_shown || view.assumes(version, kind) {
        return Look::Still;
    }
    let found = match view.cluster().kind(version, kind).await {
        Ok(found) => found,
        Err(ApiError::NoKind { .. }) => return Look::Absent,
        Err(_) => return Look::Moving,
    };
    match view.cluster().get(At::new(&found, ns, name)).await {
        Ok(Value::Object(live)) => {
            let health = sluice_health::health(&live.into(), view.now());
            if health.status == sluice_health::Status::Current { Look::Still } else { Look::Moving }
        }
        Err(error) if error.is_not_found() => Look::Absent,
        Ok(_) | Err(_) => Look::Moving,
    }
}

/// The object that an entry of `spec.healthChecks` names.
fn named(check: &Value, of: &Value) -> Member {
    let text = |key: &str| check[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Member {
        ns: text("namespace")
            .unwrap_or_else(|| of["metadata"]["namespace"].as_str().unwrap_or_default().to_owned()),
        name: text("name").unwrap_or_default(),
        version: text("apiVersion").unwrap_or_else(|| "apps/v1".to_owned()),
        kind: text("kind").unwrap_or_default(),
    }
}

/// Asks all that have failed to try once more, and waits until they have heard.
async fn ask_again(view: &mut View, round: usize) {
    let failed: Vec<Key> = view
        .said()
        .filter(|(_, said)| !said.is_ready() && !said.is_stalled)
        .map(|(key, _)| key.clone())
        .collect();
    let token = format!("sluice-dev-{round}");
    for key in &failed {
        let Some((version, name)) = KINDS.iter().find(|(_, kind)| *kind == key.0) else { continue };
        let Ok(kind) = view.cluster().kind(version, name).await else { continue };
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        let at = At::new(&kind, &key.1, &key.2);
        if let Err(error) = view.cluster().patch(at, "", PatchKind::Merge, &patch, MANAGER).await {
            tracing::debug!(%error, name = key.2, "not asked again");
        }
    }
    let has_heard = |view: &View| {
        view.objects().filter(|(key, ..)| failed.contains(key)).all(|(_, object, _)| {
            object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] == token.as_str()
        })
    };
    while !has_heard(view) {
        view.advance().await;
    }
}

/// What does not run here, told once: webhooks, conversions and APIs that are served from inside the cluster.
pub async fn not_run(cluster: &Cluster) -> Vec<String> {
    let mut lines = Vec::new();
    for (version, kind) in [
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ] {
        let Ok(found) = cluster.kind(version, kind).await else { continue };
        let Ok(list) = cluster.list(&found, "", "").await else { continue };
        for object in list["items"].as_array().into_iter().flatten() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let what = match kind {
                "CustomResourceDefinition" if object["spec"]["conversion"]["strategy"] == "Webhook" => {
                    "conversion of "
                }
                "CustomResourceDefinition" => continue,
                "APIService" if object["spec"]["service"].is_null() => continue,
                _ => "",
            };
            lines.push(format!("not run: {what}{kind} {name}"));
        }
    }
    lines
}

/// Objects whose controllers do not run here.
pub fn assumed(view: &View) -> Vec<String> {
    let mut lines: Vec<String> = view
        .objects()
        .flat_map(|(_, object, _)| {
            let entries = object["status"]["inventory"]["entries"].as_array();
            entries.into_iter().flatten().filter_map(Member::of).collect::<Vec<_>>()
        })
        .filter(|member| is_assumed(&member.version, &member.kind))
        .map(|member| format!("assumed: {} {}/{}", member.kind, member.ns, member.name))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// References of what has failed that nothing provides, with the file and line that want them.
pub async fn missing(view: &View, repository: &Repository) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, object, _) in view.objects_that(|said| !said.is_ready()) {
        for (version, kind, ns, name) in references(&object) {
            let Ok(found) = view.cluster().kind(&version, &kind).await else { continue };
            let absent = view
                .cluster()
                .get(At::new(&found, &ns, &name))
                .await
                .is_err_and(|error| error.is_not_found());
            if absent {
                let place = place_of(repository, key, &name);
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                lines.push(format!(
                    "{place}{} {}/{} wants {kind} {ns}/{name}, which nothing provides",
                    key.0, key.1, key.2
                ));
            }
        }
    }
    lines
}

/// What an object names: version, kind, namespace, name.
fn references(object: &Value) -> Vec<(String, String, String, String)> {
    let own = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |version: &str, kind: &str, reference: &Value| {
        if let Some(name) = reference["name"].as_str() {
            let ns = reference["namespace"].as_str().unwrap_or(own);
            found.push((version.to_owned(), kind.to_owned(), ns.to_owned(), name.to_owned()));
        }
    };
    let spec = &object["spec"];
    let of_kind = |kind: &str| KINDS.iter().find(|(_, known)| *known == kind).map(|(version, _)| *version);
    for reference in [&spec["sourceRef"], &spec["chartRef"]] {
        if let Some(kind) = reference["kind"].as_str()
            && let Some(version) = of_kind(kind)
        {
            add(version, kind, reference);
        }
    }
    let own_kind = object["kind"].as_str().unwrap_or_default();
    for reference in spec["dependsOn"].as_array().into_iter().flatten() {
        add(of_kind(own_kind).unwrap_or_default(), own_kind, reference);
    }
    for reference in spec["postBuild"]["substituteFrom"].as_array().into_iter().flatten() {
        if reference["optional"] != true {
            add("v1", reference["kind"].as_str().unwrap_or_default(), reference);
        }
    }
    for pointer in ["/secretRef", "/decryption/secretRef", "/verify/secretRef", "/kubeConfig/secretRef"] {
        add("v1", "Secret", spec.pointer(pointer).unwrap_or(&Value::Null));
    }
    found
}

/// The line of the folder on which an object names something.
fn place_of(repository: &Repository, key: &Key, name: &str) -> Option<String> {
    let paths = repository.paths().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"));
    paths.into_iter().find_map(|path| {
        let line = line_in(&std::fs::read_to_string(repository.root().join(path)).ok()?, key, name)?;
        Some(format!("{}:{line}", Path::new(path).display()))
    })
}

fn line_in(text: &str, key: &Key, name: &str) -> Option<usize> {
    let has = |line: &str, field: &str, value: &str| {
        let line = line.trim().trim_start_matches("- ").trim_start_matches('{');
        let mut fields = line.split(['{', '}', ',']).map(str::trim);
        fields.any(|part| {
            part.split_once(':').is_some_and(|(found, given)| {
                found.trim() == field && given.trim().trim_matches(['"', '\'']) == value
            })
        })
    };
    let mut first = 1;
    for document in text.split("\n---") {
        let lines: Vec<&str> = document.lines().collect();
        let is_it = lines.iter().any(|line| has(line, "kind", &key.0))
            && lines.iter().any(|line| has(line, "name", &key.2));
        if is_it && let Some(at) = lines.iter().rposition(|line| has(line, "name", name)) {
            return Some(first + at);
        }
        first += document.matches('\n').count() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_wants_something_is_found() {
        let text = "kind: Namespace\nmetadata:\n  name: a\n---\nkind: Kustomization\nmetadata:\n  name: app\nspec:\n  sourceRef:\n    kind: GitRepository\n    name: gone\n";
        let key = ("Kustomization".to_owned(), "ns".to_owned(), "app".to_owned());
        assert_eq!(line_in(text, &key, "gone"), Some(11));
        assert_eq!(line_in(text, &key, "other"), None);
        let flow = "kind: Kustomization\nmetadata: {name: app}\nspec:\n  sourceRef: {kind: GitRepository, name: gone}\n";
        assert_eq!(line_in(flow, &key, "gone"), Some(4));
    }
}
