//! What holds whatever is written: an apply twice is an apply once, managers that do not conflict may come in any order,
//! and the events of a watch, replayed, give the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_apiserver::Server;

use super::Target;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const ROUNDS: u64 = 150;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

async fn server() -> (Target, tokio::task::JoinHandle<()>) {
    // The clock stands: what differs does not differ by time.
    let now = jiff::Timestamp::now();
    let server = Server::bind(0, Arc::new(move || now)).await.unwrap();
    let target = Target::new(&server.url(), server.authority(), server.token());
    (target, tokio::spawn(server.run()))
}

impl Target {
    async fn apply(&self, path: &str, manager: &str, config: &Value) -> Value {
        let step = json!({
            "method": "PATCH", "path": format!("{path}?fieldManager={manager}&force=true"),
            "type": "application/apply-patch+yaml", "body": config,
        });
        let answer = self.answer(&step, &super::mask::Seen::default()).await;
        assert!(answer["status"] == 200 || answer["status"] == 201, "{answer}");
        answer["body"].clone()
    }

    async fn plain(&self, method: &str, path: &str, body: &Value) -> Value {
        let step = json!({ "method": method, "path": path, "body": body });
        self.answer(&step, &super::mask::Seen::default()).await
    }
}

/// A configuration of some containers, each with some environment, and some labels. None is empty: an empty map is
/// not kept, and who applied it first has applied nothing.
fn deployment(numbers: &mut Numbers, name: &str, own: &str) -> Value {
    let mut containers = Vec::new();
    for index in 0..=numbers.below(3) {
        let env: Vec<Value> = (0..=numbers.below(3))
            .map(|at| json!({ "name": format!("{own}{at}"), "value": numbers.below(3).to_string() }))
            .collect();
        containers.push(json!({ "name": format!("{own}{index}"), "image": "example.com/i", "env": env }));
    }
    let mut labels = json!({});
    for index in 0..=numbers.below(3) {
        labels[format!("{own}{index}")] = numbers.below(3).to_string().into();
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "labels": labels },
        "spec": {
            "selector": { "matchLabels": { "app": "x" } },
            "template": { "metadata": { "labels": { "app": "x" } }, "spec": { "containers": containers } },
        },
    })
}

/// Without what is made anew each time, and with lists that have keys in order.
fn told(object: &Value) -> Value {
    let mut object = super::mask::masked(object.clone());
    object["metadata"]["name"] = Value::Null;
    object["metadata"]["generation"] = Value::Null;
    let containers = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if let Some(env) = container["env"].as_array_mut() {
            env.sort_by_key(|one| one["name"].to_string());
        }
    }
    if let Some(list) = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut) {
        list.sort_by_key(|one| one["name"].to_string());
    }
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_twice_is_an_apply_once() {
    let (target, running) = server().await;
    let mut numbers = Numbers(1);
    for round in 0..ROUNDS {
        let name = format!("d{}", round % 7);
        let config = deployment(&mut numbers, &name, "a");
        let path = format!("{DEPLOYMENTS}/{name}");
        let once = target.apply(&path, "one", &config).await;
        let twice = target.apply(&path, "one", &config).await;
        assert_eq!(once, twice, "round {round}");
    }
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_that_changed_nothing_is_looked_into_once_something_has_changed() {
    let (target, running) = server().await;
    let path = format!("{MAPS}/again");
    let config = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "again" }, "data": { "a": value } });
    for _ in 0..3 {
        target.apply(&path, "one", &config("1")).await;
    }
    let by_hand = target.plain("PUT", &path, &config("2")).await;
    assert_eq!(by_hand["body"]["data"]["a"], "2");
    let back = target.apply(&path, "one", &config("1")).await;
    assert_eq!(back["data"]["a"], "1", "a drift is put back");
    let shared = target.apply(&path, "other", &config("1")).await;
    let managers = shared["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|entry| entry["manager"] == "other"), "another manager is another request");
    target.plain("DELETE", &path, &Value::Null).await;
    let anew = target.apply(&path, "one", &config("1")).await;
    assert_ne!(anew["metadata"]["uid"], back["metadata"]["uid"], "what is gone is made");
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managers_that_do_not_conflict_commute() {
    let (target, running) = server().await;
    let mut numbers = Numbers(2);
    for round in 0..ROUNDS / 3 {
        let (ab, ba) = (format!("ab{round}"), format!("ba{round}"));
        let (one, other) = (deployment(&mut numbers, "", "a"), deployment(&mut numbers, "", "b"));
        let mut ends = Vec::new();
        for (name, order) in
            [(&ab, [("one", &one), ("other", &other)]), (&ba, [("other", &other), ("one", &one)])]
        {
            let path = format!("{DEPLOYMENTS}/{name}");
            let mut last = Value::Null;
            for (manager, config) in order {
                let mut config = config.clone();
                config["metadata"]["name"] = name.as_str().into();
                last = target.apply(&path, manager, &config).await;
            }
            ends.push(told(&last));
        }
        assert_eq!(ends[0], ends[1], "round {round}");
    }
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_a_watch_replayed_give_the_list() {
    let (target, running) = server().await;
    let first = target.plain("GET", MAPS, &Value::Null).await;
    let from = first["body"]["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let url = format!("{}{MAPS}?watch=true&resourceVersion={from}", target.url);
    let mut watch = target.client.get(url).bearer_auth(&target.token).send().await.unwrap();
    let mut numbers = Numbers(3);
    let mut last = 0_u64;
    for round in 0..ROUNDS {
        let name = format!("m{}", numbers.below(12));
        let path = format!("{MAPS}/{name}");
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "a": round.to_string() },
        });
        let answer = match numbers.below(3) {
            0 => target.plain("POST", MAPS, &body).await,
            1 => target.plain("PUT", &path, &body).await,
            _ => target.plain("DELETE", &path, &Value::Null).await,
        };
        let _ = answer;
    }
    let list = target.plain("GET", MAPS, &Value::Null).await["body"].clone();
    let until: u64 = list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    // The last write is told too, and then one more that ends the reading.
    target
        .plain(
            "POST",
            MAPS,
            &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "end" } }),
        )
        .await;
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut text = Vec::new();
    'read: while let Some(chunk) = watch.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
        while let Some(at) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=at).collect();
            let event: Value = serde_json::from_slice(&line).unwrap();
            let object = event["object"].clone();
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            if name == "end" {
                break 'read;
            }
            let revision: u64 = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
            assert!(revision > last, "revisions grow");
            last = revision;
            if event["type"] == "DELETED" {
                assert!(known.remove(&name).is_some(), "{name} was there");
            } else {
                assert_eq!(known.insert(name, object).is_some(), event["type"] == "MODIFIED");
            }
        }
    }
    assert!(last <= until);
    let mut listed = BTreeMap::new();
    for item in list["items"].as_array().unwrap() {
        let mut item = item.clone();
        item["kind"] = "ConfigMap".into();
        item["apiVersion"] = "v1".into();
        listed.insert(item["metadata"]["name"].as_str().unwrap().to_owned(), item);
    }
    assert_eq!(known, listed);
    running.abort();
}
