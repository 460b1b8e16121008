//! Stories of bad content in Git: each says what is wrong and where, leaves what was applied last, and stops nobody else.

use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::peers;

use crate::story::{Story, condition, config_map};

/// A case: the folder, the files that break it, and what its condition and event have to say.
struct Case {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    reason: &'static str,
    says: &'static [&'static str],
}

/// Nine levels of nine: 3 GB of text when expanded.
fn bomb() -> String {
    let mut text = config_map("bomb", "1");
    text.push_str("  a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("  a{level}: &a{level} [{alias}]\n"));
    }
    text
}

fn cases() -> Vec<Case> {
    let built =
        |name, files: Vec<(&'static str, String)>, says| Case { name, files, reason: "BuildFailed", says };
    vec![
        built(
            "broken",
            vec![("a.yaml", "kind: ConfigMap\nmetadata: {name: [\n".into())],
            &["a.yaml", "line"],
        ),
        built("bomb", vec![("a.yaml", bomb())], &["a.yaml", "limit"]),
        built(
            "upwards",
            vec![("kustomization.yaml", "resources: [a.yaml, ../../../../etc/passwd]\n".into())],
            &["etc/passwd"],
        ),
        built(
            "absolute",
            vec![("kustomization.yaml", "resources: [a.yaml, /etc/passwd]\n".into())],
            &["/etc/passwd"],
        ),
        built(
            "linked",
            vec![("kustomization.yaml", "resources: [a.yaml, link.yaml]\n".into())],
            &["link.yaml"],
        ),
        built("twice", vec![("b.yaml", config_map("twice", "2"))], &["ConfigMap", "twice"]),
        Case {
            name: "unknown",
            files: vec![(
                "b.yaml",
                "apiVersion: example.com/v1\nkind: Nonsense\nmetadata: {name: n}\n".into(),
            )],
            reason: "ReconciliationFailed",
            says: &["Nonsense", "example.com/v1"],
        },
        Case {
            name: "field",
            files: vec![(
                "a.yaml",
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: field}\nspec: {replicas: many}\n"
                    .into(),
            )],
            reason: "ReconciliationFailed",
            says: &["Deployment/", "replicas"],
        },
        Case {
            name: "schema",
            files: vec![(
                "b.yaml",
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: child}\n\
                 spec: {interval: often, prune: true, sourceRef: {kind: GitRepository, name: app}}\n"
                    .into(),
            )],
            reason: "ReconciliationFailed",
            says: &["Kustomization/", "spec.interval"],
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_content_is_named_and_changes_nothing() {
    let Some(mut story) = Story::begin("bad_content").await else { return };
    let cases = cases();
    for case in &cases {
        story.write(&format!("{}/a.yaml", case.name), &config_map(case.name, "1"));
    }
    story.write("good/a.yaml", &config_map("good", "1"));
    let first = story.commit(&[]);
    story.source().await;
    for name in cases.iter().map(|case| case.name).chain(["good"]) {
        story.kustomization(name, json!({})).await;
    }
    for name in cases.iter().map(|case| case.name).chain(["good"]) {
        story.applied(name, &first).await;
    }

    for case in &cases {
        for (file, text) in &case.files {
            story.write(&format!("{}/{file}", case.name), text);
        }
    }
    symlink("../../../../../../etc/passwd", story.repository.work().join("linked/link.yaml")).unwrap();
    let second = story.push(&[("good/a.yaml", Some(&config_map("good", "2")))]).await;
    story.applied("good", &second).await;
    for case in &cases {
        let name = case.name;
        let failed = story.failed("Kustomization", name, case.reason).await;
        let message = condition(&failed, "Ready")["message"].as_str().unwrap().to_owned();
        for word in case.says {
            assert!(message.contains(word), "{name}: {word:?} is not in {message}");
        }
        assert!(!message.contains("root:"), "{name} shows a file of the machine: {message}");
        assert_eq!(failed["status"]["lastAppliedRevision"], first.as_str(), "{name}");
        assert_eq!(failed["status"]["lastAttemptedRevision"], second.as_str(), "{name}");
        story.event(name, case.reason, case.says[0]).await;
        assert_eq!(story.get("ConfigMap", name).await["data"]["key"], "1", "{name}");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_references_wait_and_are_named() {
    let Some(mut story) = Story::begin("bad_references").await else { return };
    let text = config_map("one", "1");
    let revision = story.commit(&[("good/a.yaml", Some(&text)), ("one/a.yaml", Some(&text))]);
    story.source().await;
    let on = |name: &str| json!({"path": "./one", "dependsOn": [{"name": name}]});
    story.kustomization("chicken", on("egg")).await;
    story.kustomization("egg", on("chicken")).await;
    story.kustomization("self", on("self")).await;
    story
        .kustomization("sourceless", json!({"sourceRef": {"kind": "GitRepository", "name": "nobody"}}))
        .await;
    story.kustomization("pathless", json!({"path": "./nowhere"})).await;
    story.kustomization("upwards", json!({"path": "./../../../../etc"})).await;
    story.kustomization("good", json!({})).await;
    story.applied("good", &revision).await;
    for (name, reason, says) in [
        ("chicken", "DependencyNotReady", "/egg' is not ready"),
        ("egg", "DependencyNotReady", "/chicken' is not ready"),
        ("self", "DependencyNotReady", "/self' is not ready"),
        ("sourceless", "ArtifactFailed", "nobody"),
        ("pathless", "ArtifactFailed", "nowhere"),
        ("upwards", "ArtifactFailed", "etc"),
    ] {
        let failed = story.failed("Kustomization", name, reason).await;
        let message = condition(&failed, "Ready")["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says), "{name}: {message}");
        // As upstream: a source that is not there yet is no event, and that of a dependency does not say which.
        match name {
            "sourceless" => {}
            "pathless" | "upwards" => _ = story.event(name, reason, says).await,
            _ => _ = story.event(name, reason, "Dependencies do not meet ready condition").await,
        }
        assert!(failed["status"]["inventory"].is_null(), "{name} has applied something");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_warns_of_an_unknown_field() {
    let test = "kubectl_warns_of_an_unknown_field";
    let Some(story) = Story::begin("unknown_field").await else { return };
    let Some(kubectl) = peers::find("kubectl") else { return peers::skip(test, "kubectl is not built") };
    let file = story.repository.work().join("ks.yaml");
    let text = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: a, namespace: {}}}\nspec: \
         {{interval: 1h, prune: true, prun: true, sourceRef: {{kind: GitRepository, name: app}}}}\n",
        story.ns
    );
    std::fs::write(&file, text).unwrap();
    let said = tokio::process::Command::new(kubectl)
        .args(["apply", "--validate=warn", "-f"])
        .arg(&file)
        .env("KUBECONFIG", story.kubeconfig())
        .env("HOME", story.repository.work())
        .output();
    let said = tokio::time::timeout(Duration::from_mins(1), said).await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(errors.contains("Warning: unknown field \"spec.prun\""), "{errors}");
    assert_ne!(story.get("Kustomization", "a").await, Value::Null);
    story.end().await;
}
