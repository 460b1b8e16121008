//! Hostile input: each is bounded, is answered as the real server answers it where it does, and others are served on.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_apiserver::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Target;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PROMPT: Duration = Duration::from_secs(20);

async fn server() -> (Target, String, tokio::task::JoinHandle<()>) {
    let server = Server::bind(0, Arc::new(jiff::Timestamp::now)).await.unwrap();
    let target = Target::new(&server.url(), server.authority(), server.token());
    let address = server.url().trim_start_matches("https://").to_owned();
    (target, address, tokio::spawn(server.run()))
}

impl Target {
    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// Others are served on.
    async fn is_well(&self) {
        let asked = tokio::time::timeout(PROMPT, self.send("GET", MAPS, Vec::new()));
        assert_eq!(asked.await.expect("an answer comes in time").0, 200);
    }
}

fn map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_too_large_too_deep_or_no_text_are_refused() {
    let (target, _, running) = server().await;
    let large = [b"{\"a\":\"".to_vec(), vec![b'x'; (3 << 20) + 1], b"\"}".to_vec()].concat();
    assert_eq!(target.send("POST", MAPS, large).await.0, 413);
    for bomb in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert_eq!(target.send("POST", MAPS, bomb.into_bytes()).await.0, 400);
    }
    let mut broken = map("broken");
    broken["data"] = json!({ "a": "?" });
    let broken = broken.to_string().into_bytes();
    let broken: Vec<u8> = broken.into_iter().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    assert_eq!(target.send("POST", MAPS, broken).await.0, 400);
    for scalar in ["+", "[]", "a: b: c", "- a", "null"] {
        let request = target.client.post(format!("{}{MAPS}", target.url)).bearer_auth(&target.token);
        let answer = request.header("content-type", "application/yaml").body(scalar).send().await.unwrap();
        assert!((400..500).contains(&answer.status().as_u16()), "{scalar}");
    }
    let twice =
        br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}"#;
    let strict = target.send("POST", &format!("{MAPS}?fieldValidation=Strict"), twice.to_vec()).await;
    assert_eq!((strict.0, strict.1["reason"].as_str()), (400, Some("BadRequest")));
    target.is_well().await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn selectors_rules_and_patterns_that_would_cost_much_do_not() {
    let (target, _, running) = server().await;
    let long = "a,".repeat(20_000);
    assert!(target.send("GET", &format!("{MAPS}?labelSelector={long}"), Vec::new()).await.0 >= 400);
    let schema = json!({ "type": "object", "properties": {
        "l": { "type": "array", "items": { "type": "integer" }, "x-kubernetes-validations": [
            { "rule": "self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d > 0))))" },
        ] },
        "p": { "type": "string", "pattern": "^((a{0,1000}){0,1000}){0,1000}$" },
    } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "bombs.example.com" },
        "spec": { "group": "example.com", "scope": "Namespaced", "names": { "plural": "bombs", "kind": "Bomb" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(target.send("POST", path, definition.to_string().into_bytes()).await.0, 201);
    let bombs = "/apis/example.com/v1/namespaces/default/bombs";
    let bomb = |field: &str, value: Value| {
        let mut bomb = json!({ "apiVersion": "example.com/v1", "kind": "Bomb", "metadata": { "name": "b" } });
        bomb[field] = value;
        bomb.to_string().into_bytes()
    };
    let list: Vec<i64> = (1..300).collect();
    for body in [bomb("l", json!(list)), bomb("p", json!("a".repeat(10_000)))] {
        let asked = tokio::time::timeout(PROMPT, target.send("POST", bombs, body));
        assert_eq!(asked.await.expect("an answer comes in time").0, 422);
    }
    target.is_well().await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_little_or_nonsense_harm_nobody() {
    let (target, address, running) = server().await;
    // Half-open: a connection that never speaks TLS.
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut garbage = TcpStream::connect(&address).await.unwrap();
    let _ = garbage.write_all(&b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n".repeat(1000)).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PROMPT, garbage.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "what is no TLS is closed");
    target.is_well().await;
    drop(silent);
    running.abort();
}
