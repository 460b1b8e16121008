//! A story of an installation: it is written down and made, does its work with the rights that it was given, leaves
//! Flux's own Deployments alone, and goes again.

use std::process::Stdio;

use serde_json::{Value, json};
use sluice_cluster::Cluster;
use sluice_testkit::peers;
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Options, Subject};

use crate::story::{PATIENCE, Story, config_map};

const IMAGE: &str =
    "registry.example.com/sluice@sha256:1f825aa2f0020ef7cf91dfa30da4668d791c5d4824fc8e41354b89ec05795ab3";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/flux-system/deployments";

/// Runs a command of ours on a plane: whether it ended well, its results, and what it told.
async fn sluice(program: &std::path::Path, plane: &Plane, words: &[&str]) -> (bool, String, String) {
    let mut command = tokio::process::Command::new(program);
    command.args(words).env("KUBECONFIG", plane.kubeconfig()).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn flux_source_controller() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "source-controller", "namespace": "flux-system", "labels": {"app.kubernetes.io/part-of": "flux"},
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "source-controller"}},
            "template": {
                "metadata": {"labels": {"app": "source-controller"}},
                "spec": {"containers": [{"name": "manager", "image": "ghcr.io/fluxcd/source-controller:v1.9.3"}]},
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_comes_works_with_its_own_rights_and_goes() {
    let test = "an_installation_comes";
    let Some(kind) = Kind::sluice().filter(Kind::is_built) else {
        return peers::skip(test, "sluice is not built");
    };
    let Kind::Program { program, .. } = &kind else { return };
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    let cluster = Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap();
    let life = tokio::spawn(sluice_simulate::workloads(cluster, jiff::Timestamp::now));

    let (is_well, _, told) = sluice(program, &plane, &["install", "--image", IMAGE]).await;
    assert!(is_well && told.contains("✔ sluice: deployment ready\n✔ install finished"), "{told}");
    let (is_well, results, told) = sluice(program, &plane, &["install", "--force", "--image", IMAGE]).await;
    assert!(is_well, "{told}");
    let changed = results.lines().find(|line| !line.ends_with(" unchanged"));
    assert_eq!(changed, None, "what is installed stays as it is");
    let (is_well, _, told) = sluice(program, &plane, &["check"]).await;
    assert!(is_well && told.contains(IMAGE) && !told.contains("commit"), "{told}");

    // The process works with the rights of its service account.
    let account = "/api/v1/namespaces/flux-system/serviceaccounts/sluice/token";
    let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = plane.api().create(account, &asked).await.unwrap();
    let token = token["status"]["token"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, plane.kubeconfig_for(plane.url(), Some(token))).unwrap();
    let options = Options {
        flags: vec!["--enable-leader-election".to_owned()],
        kubeconfig: Some(kubeconfig),
        ..Options::default()
    };
    let mut subject = Subject::start(&kind, &plane, &options).unwrap();
    let mut story = Story::on(&plane, test).await;
    let revision = story.commit(&[
        ("app/a.yaml", Some(&config_map("one", "1"))),
        ("flux/a.yaml", Some(&config_map("two", "1"))),
        ("flux/source-controller.yaml", Some(&flux_source_controller().to_string())),
    ]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;

    // Git brings Flux's Deployment: it is not made, and what there is of it stays as it is.
    let in_place = "resources: [a.yaml, source-controller.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    - \
                    {op: add, path: /metadata/namespace, value: NS}\n";
    story.write("flux/kustomization.yaml", &in_place.replace("NS", &story.ns));
    let revision = story.push(&[]).await;
    story.kustomization("flux", json!({"targetNamespace": null})).await;
    let ks = story.applied("flux", &revision).await;
    let path = format!("{DEPLOYMENTS}/source-controller");
    assert_eq!(story.api.get(&path).await.unwrap_err().code(), 404, "{ks:#}");
    story.event("flux", "Skipped", "Deployment/flux-system/source-controller left as it is").await;
    story.api.apply("flux", "flux-system", &flux_source_controller()).await.unwrap();
    let before = story.api.get(&path).await.unwrap();
    story.reconcile("Kustomization", "flux").await;
    assert_eq!(story.api.get(&path).await.unwrap()["metadata"]["labels"], before["metadata"]["labels"]);
    let (_, _, told) = sluice(program, &plane, &["check"]).await;
    assert!(
        told.contains("source-controller runs beside Sluice; commit to flux-system/kustomization.yaml"),
        "{told}"
    );
    assert!(told.contains("      metadata: {name: source-controller, namespace: flux-system}"), "{told}");
    assert!(subject.stop(std::time::Duration::from_secs(20)), "{}", subject.log());

    let (is_well, _, told) = sluice(program, &plane, &["uninstall", "--silent", "--keep-namespace"]).await;
    assert!(is_well && told.contains("ServiceAccount/flux-system/sluice deleted"), "{told}");
    let gone = story.api.wait_until(&format!("{DEPLOYMENTS}/sluice"), PATIENCE, Value::is_null).await;
    gone.unwrap();
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1", "what was applied stays");
    life.abort();
}
