//! A story of controllers that run with other flags, on a plane of their own.

use serde_json::{Value, json};
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::peers;
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;

use crate::story::{Story, condition, config_map, deployment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_bases_are_refused_and_expressions_come_on_top() {
    let test = "remote_bases_are_refused";
    let Some(kind) = crate::story::kind().filter(Kind::is_built) else {
        return peers::skip(test, "the controllers are not built");
    };
    if kind == Kind::Flux {
        return peers::skip(test, "Flux's source-controller does not know these flags");
    }
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let flags = [
        "--no-remote-bases=true",
        "--feature-gates=AdditiveCELDependencyCheck=true,ObjectLevelWorkloadIdentity=true",
        "--feature-gates=CancelHealthCheckOnNewRevision=true,DirectSourceFetch=true,MigrateAPIVersion=true",
    ];
    let flags = flags.map(str::to_owned).to_vec();
    let mut subject = Subject::start(&kind, &plane, &Options { flags, ..Options::default() }).unwrap();
    let mut story = Story::on(&plane, test).await;

    let root = tempfile::tempdir().unwrap();
    let mut base = Repository::create(root.path(), "base").unwrap();
    base.commit(&[("config/a.yaml", Some(&config_map("based", "1")))]).unwrap();
    let bases = GitServer::start(root.path(), Login::Anyone).unwrap();
    let remote = format!("resources: ['{}/base.git//config?ref=main']\n", bases.url());
    let revision = story.commit(&[
        ("remote/kustomization.yaml", Some(&remote)),
        ("first/a.yaml", Some(&config_map("one", "1"))),
        ("second/a.yaml", Some(&config_map("two", "1"))),
    ]);
    story.source().await;
    story.kustomization("remote", json!({})).await;
    let failed = story.failed("Kustomization", "remote", "BuildFailed").await;
    let message = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("base.git"), "{message}");
    assert!(failed["status"]["inventory"].is_null(), "{failed:#}");

    // The expression is true from the start, but with the gate it is not enough.
    story.kustomization("first", json!({"path": "./nowhere"})).await;
    story.failed("Kustomization", "first", "ArtifactFailed").await;
    let on = json!({"dependsOn": [{"name": "first", "readyExpr": "dep.metadata.name == 'first'"}]});
    story.kustomization("second", on).await;
    let second = story.failed("Kustomization", "second", "DependencyNotReady").await;
    let message = condition(&second, "Ready")["message"].as_str().unwrap();
    assert_eq!(message, format!("dependency '{}/first' is not ready", story.ns));
    story.kustomization("first", json!({})).await;
    story.applied("second", &revision).await;

    // An account of this cluster gets into another by a token: here into this one by its address.
    let issuers = ["https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"];
    story
        .apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there"},
            "data": {
                "provider": "generic", "address": plane.url(), "ca.crt": plane.authority(),
                "serviceAccountName": "traveller", "audiences": issuers.join("\n"),
            },
        }))
        .await;
    story
        .kustomization("third", json!({"kubeConfig": {"configMapRef": {"name": "there"}}, "path": "./first"}))
        .await;
    let failed = story.failed("Kustomization", "third", "ReconciliationFailed").await;
    let message = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("serviceaccounts \"traveller\" not found"), "{message}");
    story
        .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "traveller"}}))
        .await;
    let account = format!("system:serviceaccount:{}:traveller", story.ns);
    story
        .until("Kustomization", "third", |ks| {
            condition(ks, "Ready")["message"].as_str().is_some_and(|text| text.contains(&account))
        })
        .await;

    what_is_overtaken_is_not_waited_for(&mut story).await;
    managed_fields_speak_of_the_version_that_is_applied(&mut story).await;
    assert_eq!(subject.ended(), None);
    story.end().await;
}

/// A Deployment that never becomes healthy is waited for until there is a revision that mends it.
async fn what_is_overtaken_is_not_waited_for(story: &mut Story) {
    story.push(&[("web/a.yaml", Some(&deployment("web", 1)))]).await;
    story.kustomization("web", json!({"wait": true, "timeout": "10m"})).await;
    let is_waiting = |ks: &Value| {
        let message = condition(ks, "Reconciling")["message"].as_str();
        message.is_some_and(|text| text.starts_with("Running health checks"))
    };
    story.until("Kustomization", "web", is_waiting).await;
    let revision = story.push(&[("web/a.yaml", Some(&deployment("web", 0)))]).await;
    story.applied("web", &revision).await;
    let by = format!("new reconciliation triggered by GitRepository/{}/app", story.ns);
    story.event("web", "HealthCheckCanceled", &by).await;
}

async fn managed_fields_speak_of_the_version_that_is_applied(story: &mut Story) {
    let scaler = |version: &str| {
        json!({
            "apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3},
        })
    };
    story.apply(scaler("autoscaling/v1")).await;
    let revision = story.push(&[("scaler/a.yaml", Some(&scaler("autoscaling/v2").to_string()))]).await;
    story.kustomization("scaler", json!({})).await;
    story.applied("scaler", &revision).await;
    let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/web", story.ns);
    let live = story.api.get(&path).await.unwrap();
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    let theirs = entries.iter().find(|entry| entry["manager"] == "person").unwrap();
    assert_eq!(theirs["apiVersion"], "autoscaling/v2", "{entries:#?}");
}
