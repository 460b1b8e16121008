//! Stories of admission webhooks: what refuses or hangs is told in the server's words and stops nobody else; what changes
//! each object that passes is lived with, and not fought.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use hyper::Response;
use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::Sort;
use sluice_testkit::server::{Server, full};

use crate::story::{Story, condition, config_map};

/// A webhook server: its path says what becomes of an object. Counts what `/counts` is asked.
fn webhooks(asked: Arc<AtomicU64>) -> Server {
    Server::start_tls(move |request| {
        let asked = Arc::clone(&asked);
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
            let review: Value = serde_json::from_slice(&body).map_err(std::io::Error::other)?;
            let mut answer = json!({"uid": review["request"]["uid"], "allowed": path != "/refuses"});
            let set = match path.as_str() {
                "/refuses" => {
                    answer["status"] = json!({"code": 403, "message": "maps need an owner"});
                    None
                }
                "/hangs" => std::future::pending().await,
                "/marks" => Some("the same".to_owned()),
                _ => Some(format!("number {}", asked.fetch_add(1, Ordering::SeqCst))),
            };
            if let Some(value) = set {
                let patch = json!([{"op": "add", "path": "/data/stamp", "value": value}]).to_string();
                answer["patchType"] = json!("JSONPatch");
                answer["patch"] = json!(STANDARD.encode(patch));
            }
            let review =
                json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer});
            let mut answer = Response::new(full(review.to_string()));
            answer
                .headers_mut()
                .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
            Ok(answer)
        }
    })
    .unwrap()
}

/// Has the API server ask a path about the ConfigMaps of the story with a label.
async fn register(story: &Story, server: &Server, kind: &str, name: &str) {
    let hook = json!({
        "name": format!("{name}.example.com"),
        "clientConfig": {"url": format!("{}/{name}", server.url()), "caBundle": STANDARD.encode(server.authority())},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": story.ns}},
        "objectSelector": {"matchLabels": {"asks": name}},
        "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
    });
    story
        .apply(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("{}-{name}", story.ns)}, "webhooks": [hook],
        }))
        .await;
    // It holds as soon as the API server has seen it, which only shows when it is asked.
    let probe = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "labels": {"asks": name}}, "data": {},
    });
    let path = format!("/api/v1/namespaces/{}/configmaps?dryRun=All", story.ns);
    let begun = std::time::Instant::now();
    loop {
        let answer = story.api.create(&path, &probe).await;
        if answer.is_err() || answer.is_ok_and(|object| !object["data"]["stamp"].is_null()) {
            return;
        }
        assert!(begun.elapsed() < crate::story::PATIENCE, "{name} is never asked");
    }
}

/// A ConfigMap that a webhook is asked about.
fn asking(name: &str, value: &str) -> String {
    config_map(name, value).replace("metadata:\n", &format!("metadata:\n  labels: {{asks: {name}}}\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_refuse_hang_or_change_objects() {
    let test = "webhooks_that_refuse_hang_or_change";
    if Sort::chosen() == Sort::Embedded {
        return peers::skip(test, "the embedded server asks no webhooks");
    }
    let Some(mut story) = Story::begin("webhooks").await else { return };
    let asked = Arc::new(AtomicU64::new(0));
    let server = webhooks(Arc::clone(&asked));
    let hooks = [
        ("ValidatingWebhookConfiguration", "refuses"),
        ("ValidatingWebhookConfiguration", "hangs"),
        ("MutatingWebhookConfiguration", "marks"),
        ("MutatingWebhookConfiguration", "counts"),
    ];
    for (kind, name) in hooks {
        register(&story, &server, kind, name).await;
        story.write(&format!("{name}/a.yaml"), &asking(name, "1"));
        // Nothing of a stage is written where one object is refused.
        story.write(&format!("{name}/b.yaml"), &config_map(&format!("beside-{name}"), "1"));
    }
    let revision = story.commit(&[("good/a.yaml", Some(&config_map("good", "1")))]);
    story.source().await;
    for (_, name) in hooks {
        story.kustomization(name, json!({"retryInterval": "10m"})).await;
    }
    story.kustomization("good", json!({})).await;
    story.applied("good", &revision).await;

    for (name, says) in [
        ("refuses", "admission webhook \"refuses.example.com\" denied the request: maps need an owner"),
        ("hangs", "failed calling webhook \"hangs.example.com\""),
    ] {
        let failed = story.failed("Kustomization", name, "ReconciliationFailed").await;
        let said = condition(&failed, "Ready")["message"].as_str().unwrap().to_owned();
        assert!(
            said.starts_with(&format!("ConfigMap/{}/{name} dry-run failed", story.ns)) && said.contains(says),
            "{said}"
        );
        story.event(name, "ReconciliationFailed", says).await;
        assert!(story.get("ConfigMap", &format!("beside-{name}")).await.is_null());
    }

    // What is the same each time is no change; what is another each time is written once for each reconcile.
    let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    for name in ["marks", "counts"] {
        story.applied(name, &revision).await;
    }
    let (marked, counted) = (story.get("ConfigMap", "marks").await, story.get("ConfigMap", "counts").await);
    assert_eq!(marked["data"]["stamp"], "the same");
    let before = asked.load(Ordering::SeqCst);
    for name in ["marks", "counts"] {
        story.reconcile("Kustomization", name).await;
        story.applied(name, &revision).await;
    }
    assert_eq!(version(&story.get("ConfigMap", "marks").await), version(&marked), "nothing to write");
    let again = story.get("ConfigMap", "counts").await;
    assert_ne!(again["data"]["stamp"], counted["data"]["stamp"]);
    assert_eq!(again["data"]["key"], "1");
    let more = asked.load(Ordering::SeqCst) - before;
    assert!(more <= 3, "one dry run and one write, not {more}");

    // Without the webhook all is well, by itself.
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    for name in ["refuses", "hangs"] {
        story.api.delete(&format!("{path}/{}-{name}", story.ns)).await.unwrap();
        story.kustomization(name, json!({"retryInterval": "1s"})).await;
        story.applied(name, &revision).await;
    }
    let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    for name in ["marks", "counts"] {
        story.api.delete(&format!("{path}/{}-{name}", story.ns)).await.unwrap();
    }
    story.end().await;
}
