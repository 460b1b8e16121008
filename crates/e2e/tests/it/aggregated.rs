//! Stories of aggregated APIs: one that nobody serves, and one that serves objects and no watch. Others go on, and what is
//! waited for is looked at again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt as _;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::Sort;
use sluice_testkit::server::{Body, Server, full};

use crate::gadgets::gadget;
use crate::story::{PATIENCE, Story, condition, config_map};

const GROUP: &str = "nowatch.example.com";

/// Objects by their path, and what was asked of which method.
#[derive(Default)]
struct Gadgets {
    objects: Mutex<BTreeMap<String, Value>>,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Gadgets {
    fn answer(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> (StatusCode, Value) {
        let is_watch = query.contains("watch=");
        let name = if is_watch { "WATCH".to_owned() } else { method.to_string() };
        *self.asked.lock().unwrap().entry(name).or_default() += 1;
        let status = |code: StatusCode, reason: &str| {
            let message = format!("the gadget server says {reason}");
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code.as_u16(),
                "message": message,
            });
            (code, status)
        };
        let version = format!("/apis/{GROUP}/v1");
        if path == version {
            let resource = json!({
                "name": "gadgets", "singularName": "gadget", "namespaced": true, "kind": "Gadget",
                "verbs": ["get", "patch", "delete", "create", "update"],
            });
            let list = json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/v1"), "resources": [resource],
            });
            return (StatusCode::OK, list);
        }
        if !path.contains("/gadgets/") {
            return status(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
        }
        let mut objects = self.objects.lock().unwrap();
        match method.as_str() {
            "GET" => match objects.get(path) {
                Some(object) => (StatusCode::OK, object.clone()),
                None => status(StatusCode::NOT_FOUND, "NotFound"),
            },
            "PATCH" => {
                let mut object: Value = serde_json::from_slice(body).unwrap();
                let known = objects.get(path).cloned();
                let number = known.as_ref().map_or(1, |known| {
                    known["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
                });
                object["metadata"]["uid"] = json!("8d0a2c3e-0000-4000-8000-000000000001");
                object["metadata"]["resourceVersion"] = json!(number.to_string());
                object["metadata"]["generation"] = json!(1);
                object["status"] = known.as_ref().map_or_else(
                    || json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Building", "message": "not yet"}]}),
                    |known| known["status"].clone(),
                );
                if !query.contains("dryRun") {
                    objects.insert(path.to_owned(), object.clone());
                }
                (if known.is_none() { StatusCode::CREATED } else { StatusCode::OK }, object)
            }
            "DELETE" => match objects.remove(path) {
                Some(object) => (StatusCode::OK, object),
                None => status(StatusCode::NOT_FOUND, "NotFound"),
            },
            _ => status(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }

    fn serve(self: &Arc<Self>) -> Server {
        let this = Arc::clone(self);
        Server::start_tls(move |request| {
            let this = Arc::clone(&this);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
                let query = head.uri.query().unwrap_or_default();
                let (code, value) = this.answer(&head.method, head.uri.path(), query, &body);
                let mut answer: Response<Body> = Response::new(full(value.to_string()));
                *answer.status_mut() = code;
                let kind = hyper::header::HeaderValue::from_static("application/json");
                answer.headers_mut().insert("content-type", kind);
                Ok(answer)
            }
        })
        .unwrap()
    }
}

/// Has the API server ask `service` of the story's namespace for a group.
async fn register(story: &Story, group: &str, service: &str, server: &Server) {
    story
        .apply(json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": format!("v1.{group}")},
            "spec": {
                "group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "insecureSkipTLSVerify": true,
                "service": {"name": service, "namespace": story.ns, "port": server.port()},
            },
        }))
        .await;
}

async fn is_available(story: &Story, group: &str, wanted: &str) {
    let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/v1.{group}");
    let is_so = |service: &Value| condition(service, "Available")["status"] == wanted;
    story.api.wait_until(&path, PATIENCE, is_so).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aggregated_api_without_a_watch_or_without_a_server() {
    let test = "an_aggregated_api";
    if Sort::chosen() == Sort::Embedded {
        return peers::skip(test, "the embedded server aggregates no APIs");
    }
    let Some(mut story) = Story::begin(test).await else { return };
    let gadgets = Arc::new(Gadgets::default());
    let server = gadgets.serve();
    // Services have no nodes to lead to here: one that is another name for this machine does.
    story
        .apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "gadgets"},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }))
        .await;
    register(&story, GROUP, "gadgets", &server).await;
    register(&story, "noserver.example.com", "nobody", &server).await;
    is_available(&story, GROUP, "True").await;
    is_available(&story, "noserver.example.com", "False").await;

    let revision = story.commit(&[
        ("app/a.yaml", Some(&gadget("nowatch.example.com/v1", 1))),
        ("nobody/a.yaml", Some(&gadget("noserver.example.com/v1", 1))),
        ("good/a.yaml", Some(&config_map("good", "1"))),
    ]);
    story.source().await;
    story.kustomization("app", json!({"wait": true, "timeout": "80s"})).await;
    story.kustomization("nobody", json!({"retryInterval": "10m"})).await;
    story.kustomization("good", json!({"wait": true})).await;
    story.applied("good", &revision).await;
    let failed = story.failed("Kustomization", "nobody", "ReconciliationFailed").await;
    let said = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(said.contains("Gadget/") && said.contains("unable to handle the request"), "{said}");
    story.event("nobody", "ReconciliationFailed", "Gadget/").await;

    // It is waited for by looking, and nothing else: what cannot be watched is not asked for a watch all the time.
    let path = format!("/apis/{GROUP}/v1/namespaces/{}/gadgets/small", story.ns);
    let waits = |ks: &Value| condition(ks, "Healthy")["status"] == "Unknown";
    story.until("Kustomization", "app", waits).await;
    {
        let mut objects = gadgets.objects.lock().unwrap();
        let object = objects.get_mut(&path).unwrap();
        object["status"]["conditions"][0]["status"] = json!("True");
        object["metadata"]["resourceVersion"] = json!("2");
    }
    story.applied("app", &revision).await;
    let asked = gadgets.asked.lock().unwrap().clone();
    assert!(asked.values().sum::<usize>() < 200, "{asked:?}");

    // What leaves Git goes.
    let revision = story.push(&[("app/a.yaml", None), ("app/b.yaml", Some(&config_map("one", "1")))]).await;
    story.applied("app", &revision).await;
    assert!(gadgets.objects.lock().unwrap().is_empty());
    for group in [GROUP, "noserver.example.com"] {
        let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/v1.{group}");
        story.api.delete(&path).await.unwrap();
    }
    story.end().await;
}
