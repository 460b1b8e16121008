//! The story of a control plane that goes away in the middle of an apply: first its API server dies, then etcd stands
//! still for longer than the API server is patient. What Git says is there in the end, and nothing else is.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::{Options as PlaneOptions, Plane, Sort};
use sluice_testkit::proxy::{Fate, Proxy};
use sluice_testkit::subject::{Kind, Subject};
use sluice_testkit::trace::replay::Stage;
use tokio::sync::Notify;

use crate::story::{PATIENCE, Story, config_map, through};

const OBJECTS: usize = 30;
/// Objects that have been written when it happens.
const WRITTEN: u64 = 10;
/// Answers of the server, that it cannot answer, until etcd goes on.
const REFUSALS: usize = 2;

/// Sends a signal to a program of the plane at the write of an object in the middle; tells when that was.
fn signal_in_the_middle(proxy: &Proxy, signal: &'static str, program: u32) -> Arc<Notify> {
    let (reached, seen, is_done) = (Arc::new(Notify::new()), AtomicU64::new(0), AtomicBool::new(false));
    let told = Arc::clone(&reached);
    proxy.set_plan(move |asked| {
        let is_object = asked.write > 0 && asked.path.contains("/configmaps/object-");
        if is_object
            && seen.fetch_add(1, Ordering::SeqCst) >= WRITTEN
            && !is_done.swap(true, Ordering::SeqCst)
        {
            Command::new("kill").args([signal, &program.to_string()]).status().unwrap();
            told.notify_one();
        }
        Fate::Pass
    });
    reached
}

async fn is_told(reached: &Notify) {
    tokio::time::timeout(PATIENCE, reached.notified()).await.expect("the apply comes to its middle");
}

/// All objects with a value, but for the last ones.
fn put(story: &mut Story, value: &str, without: usize) -> String {
    let file = |number: usize| {
        let text = (number < OBJECTS - without).then(|| config_map(&format!("object-{number}"), value));
        (format!("app/{number}.yaml"), text)
    };
    let files: Vec<_> = (0..OBJECTS).map(file).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_deref())).collect();
    story.commit(&files)
}

/// The values of all that is there.
async fn values(story: &Story) -> Vec<String> {
    let list = story.api.get(story.path("ConfigMap", "").trim_end_matches('/')).await.unwrap();
    let ours = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("object-")));
    ours.map(|item| item["data"]["key"].as_str().unwrap().to_owned()).collect()
}

fn entries(ks: &Value) -> usize {
    ks["status"]["inventory"]["entries"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_plane_goes_away_in_the_middle_of_an_apply() {
    let test = "a_control_plane_goes_away";
    let Some(kind) = Kind::sluice().filter(Kind::is_built) else {
        return peers::skip(test, "sluice is not built");
    };
    if Sort::chosen() == Sort::Embedded {
        return peers::skip(test, "the embedded plane has no programs that could go away");
    }
    // What the API server would wait a minute for.
    let flags = vec!["--request-timeout=5s".to_owned()];
    let options = PlaneOptions { apiserver_flags: flags, ..PlaneOptions::default() };
    let mut plane = tokio::task::block_in_place(|| Plane::start(&options)).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let proxy = Proxy::start(&plane).unwrap();
    let mut subject = Subject::start(&kind, &plane, &through(&proxy, &plane)).unwrap();
    let mut story = Story::on(&plane, test).await;

    let first = put(&mut story, "1", 0);
    story.source().await;
    let server = plane.program("kube-apiserver").unwrap().id();
    let reached = signal_in_the_middle(&proxy, "-KILL", server);
    story.kustomization("app", json!({})).await;
    is_told(&reached).await;
    tokio::task::block_in_place(|| plane.start_again("kube-apiserver")).unwrap();
    assert_eq!(entries(&story.applied("app", &first).await), OBJECTS);
    assert_eq!(values(&story).await, vec!["1"; OBJECTS]);

    // The next revision changes all of them, and drops some.
    let second = put(&mut story, "2", 5);
    let storage = plane.program("etcd").unwrap().id();
    let reached = signal_in_the_middle(&proxy, "-STOP", storage);
    story.reconcile("GitRepository", "app").await;
    is_told(&reached).await;
    let path = story.path("Kustomization", "app");
    let mut refusals = 0;
    while refusals < REFUSALS {
        refusals += usize::from(story.api.get(&path).await.is_err_and(|error| error.code() >= 500));
    }
    plane.program("etcd").unwrap().resume();
    assert_eq!(entries(&story.applied("app", &second).await), OBJECTS - 5);
    assert_eq!(values(&story).await, vec!["2"; OBJECTS - 5]);

    // What is deleted goes, with all that it made.
    story.api.delete(&path).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    assert!(values(&story).await.is_empty());
    assert_eq!(subject.ended(), None);
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}
