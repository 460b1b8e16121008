//! Stories of a bad day: the API server refuses, cuts, dawdles and forgets. What Git says is there in the end, and nothing
//! else is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::proxy::{Fate, Proxy, scramble};
use sluice_testkit::subject::{Options, Subject};

use crate::story::{Story, config_map, own_plane, through};

const APPS: usize = 12;
const ROUNDS: usize = 3;
/// One request in so many meets with something.
const ONE_IN: u64 = 10;
const SEED: u64 = 20_261_122;

/// Watches end every second and every third one is told that it is too late; of the rest, one in ten is refused, cut
/// before or after it took effect, or late. The same draw for the same seed and order.
fn be_rough(proxy: &Proxy) {
    let (requests, watches) = (AtomicU64::new(0), AtomicU64::new(0));
    proxy.set_plan(move |asked| {
        if asked.path.contains("watch=") {
            let is_late = watches.fetch_add(1, Ordering::Relaxed) % 3 == 2;
            return if is_late { Fate::Refuse(410) } else { Fate::EndAfter(Duration::from_secs(1)) };
        }
        let drawn = scramble(SEED ^ requests.fetch_add(1, Ordering::Relaxed));
        if !drawn.is_multiple_of(ONE_IN) {
            return Fate::Pass;
        }
        match (drawn / ONE_IN) % 5 {
            0 => Fate::Refuse(429),
            1 => Fate::Refuse(500),
            2 => Fate::CutBefore,
            3 => Fate::CutAfter,
            _ => Fate::Delay(Duration::from_secs(1)),
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rough_api_server_changes_nothing_of_the_end() {
    let test = "a_rough_api_server";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let proxy = Proxy::start(&plane).unwrap();
    let flags = ["--enable-leader-election", "--max-retry-delay=2s"].map(str::to_owned).to_vec();
    let options = Options { flags, ..through(&proxy, &plane) };
    let mut subject = Subject::start(&kind, &plane, &options).unwrap();
    let mut story = Story::on(&plane, test).await;
    put(&mut story, 0);
    story.source().await;
    be_rough(&proxy);

    for app in 0..APPS {
        story.kustomization(&format!("app-{app}"), json!({"retryInterval": "1s"})).await;
    }
    let mut revision = String::new();
    for round in 1..=ROUNDS {
        revision = put(&mut story, round);
        story.reconcile("GitRepository", "app").await;
    }
    story.until("GitRepository", "app", |source| source["status"]["artifact"]["revision"] == revision).await;
    for app in 0..APPS {
        let ks = story.applied(&format!("app-{app}"), &revision).await;
        let entries = ks["status"]["inventory"]["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 2, "{ks:#}");
    }
    let expected: Vec<String> = (0..APPS).flat_map(|app| [name(app, 0), name(app, ROUNDS)]).collect();
    assert_eq!(there(&story).await, sorted(expected), "what Git says, and nothing else");

    // Half of them go, with all that they made.
    for app in 0..APPS / 2 {
        story.api.delete(&story.path("Kustomization", &format!("app-{app}"))).await.unwrap();
    }
    for app in 0..APPS / 2 {
        story.until("Kustomization", &format!("app-{app}"), Value::is_null).await;
    }
    let expected: Vec<String> = (APPS / 2..APPS).flat_map(|app| [name(app, 0), name(app, ROUNDS)]).collect();
    assert_eq!(there(&story).await, sorted(expected), "only what was theirs is gone");
    assert_eq!(subject.ended(), None);
    proxy.set_plan(|_| Fate::Pass);
    assert!(subject.stop(Duration::from_secs(20)), "{}", subject.log());
    let lease =
        "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases/kustomize-controller-leader-election";
    let lease = story.api.get(lease).await.unwrap();
    assert_eq!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default(), "", "no lock is left");
}

fn name(app: usize, round: usize) -> String {
    format!("object-{app}-{round}")
}

/// Each app has an object that stays and changes, and one that is another in each round.
fn put(story: &mut Story, round: usize) -> String {
    let mut files = Vec::new();
    for app in 0..APPS {
        files.push((format!("app-{app}/stays.yaml"), config_map(&name(app, 0), &round.to_string())));
        files.push((format!("app-{app}/goes.yaml"), config_map(&name(app, round.max(1)), "1")));
    }
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    story.commit(&files)
}

async fn there(story: &Story) -> Vec<String> {
    let path = story.path("ConfigMap", "");
    let list = story.api.get(path.trim_end_matches('/')).await.unwrap();
    let names =
        list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap());
    sorted(names.filter(|name| name.starts_with("object-")).map(str::to_owned).collect())
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
