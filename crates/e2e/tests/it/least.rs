//! The story of an installation with the least privilege: the roles of `install --least-privilege` are all that the
//! controllers have, and tenants get what their accounts may do, and nothing else.

use std::process::Command;

use serde_json::{Value, json};
use sluice_testkit::api::Api;
use sluice_testkit::peers;
use sluice_testkit::plane::{Options as PlaneOptions, Plane, Sort};
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::yaml;

use crate::story::{Story, condition, config_map, deployment, own_plane};

const RBAC: &str = "rbac.authorization.k8s.io";
const SYSTEM: &str = "flux-system";

/// Runs `sluice install --export --least-privilege`.
fn manifests(kind: &Kind, kubeconfig: &std::path::Path) -> Vec<Value> {
    let Kind::Program { program, .. } = kind else { panic!("a story of our own program") };
    let words = ["install", "--export", "--least-privilege", "--image=example.com/sluice:v1"];
    let made = Command::new(program).args(words).env("KUBECONFIG", kubeconfig).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    yaml::documents(&String::from_utf8(made.stdout).unwrap()).unwrap()
}

/// Gives an account of the story's namespace rights in it.
async fn allow(story: &Story, account: &str, rules: Value) {
    for object in [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}),
        json!({"apiVersion": format!("{RBAC}/v1"), "kind": "Role", "metadata": {"name": account}, "rules": rules}),
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding", "metadata": {"name": account},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": story.ns}],
        }),
    ] {
        story.apply(object).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_with_the_least_privilege_do_what_tenants_may() {
    let test = "controllers_with_the_least_privilege";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let api = plane.api();
    api.create_namespace(SYSTEM).await.unwrap();
    let mut arguments = Vec::new();
    for object in manifests(&kind, &plane.kubeconfig()) {
        assert_ne!(object["roleRef"]["name"], "cluster-admin");
        match object["kind"].as_str().unwrap() {
            "ServiceAccount" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => {
                api.apply("person", SYSTEM, &object).await.unwrap();
            }
            "Deployment" => {
                let given =
                    object.pointer("/spec/template/spec/containers/0/args").unwrap().as_array().unwrap();
                arguments = given.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
            }
            _ => {}
        }
    }
    let is_about_rights =
        |word: &String| word.contains("service-account") || word.contains("gates") || word.contains("leader");
    let flags: Vec<String> = arguments.into_iter().filter(is_about_rights).collect();
    assert_eq!(flags.len(), 3, "{flags:?}");
    let path = format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts/sluice/token");
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = api.create(&path, &request).await.unwrap()["status"]["token"].as_str().unwrap().to_owned();
    let kubeconfig = plane.folder().join("kubeconfig-least");
    std::fs::write(&kubeconfig, plane.kubeconfig_for(plane.url(), Some(&token))).unwrap();
    let options = Options { kubeconfig: Some(kubeconfig), flags, ..Options::default() };
    let mut subject = Subject::start(&kind, &plane, &options).unwrap();

    // The account `default` may do what `app` needs; `reader` may look at maps; nobody else may do anything.
    let mut story = Story::on(&plane, test).await;
    let all =
        |group: &str, resource: &str| json!({"apiGroups": [group], "resources": [resource], "verbs": ["*"]});
    allow(&story, "default", json!([all("", "configmaps"), all("apps", "deployments")])).await;
    let read = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]});
    allow(&story, "reader", json!([read])).await;
    let role = format!("apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata:\n  name: too-much\n");
    let revision = story.commit(&[
        ("app/a.yaml", Some(&config_map("one", "${word}"))),
        ("app/b.yaml", Some(&deployment("web", 0))),
        ("app/c.yaml", Some(&config_map("two", "1"))),
        ("reader/a.yaml", Some(&config_map("three", "1"))),
        ("wide/a.yaml", Some(&role)),
    ]);
    story.source().await;
    story.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"word": "said"}})).await;
    let words =
        json!({"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "words"}]}, "wait": true});
    story.kustomization("app", words).await;
    story.kustomization("reader", json!({"serviceAccountName": "reader"})).await;
    story.kustomization("wide", json!({})).await;
    let ks = story.applied("app", &revision).await;
    assert_eq!(condition(&ks, "Healthy")["status"], "True");
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "said");
    story.event("app", "ReconciliationSucceeded", "next run").await;
    for (name, account, says) in [
        ("reader", "reader", "cannot patch resource \"configmaps\""),
        ("wide", "default", "cannot patch resource \"clusterroles\""),
    ] {
        let failed = story.failed("Kustomization", name, "ReconciliationFailed").await;
        let said = condition(&failed, "Ready")["message"].as_str().unwrap();
        let account = format!("system:serviceaccount:{}:{account}", story.ns);
        assert!(said.contains(&account) && said.contains(says), "{said}");
    }
    let revision = story.push(&[("app/c.yaml", None)]).await;
    story.applied("app", &revision).await;
    assert!(story.get("ConfigMap", "two").await.is_null());
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    assert!(story.get("ConfigMap", "one").await.is_null());

    are_refused(&api.with_token(&token), &story.ns).await;
    assert_eq!(subject.ended(), None);
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}

/// What the process may not do by itself.
async fn are_refused(process: &Api, ns: &str) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"}});
    let binding = json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "own"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "sluice", "namespace": SYSTEM}],
    });
    let refused = [
        process.get("/api/v1/secrets").await,
        process.get("/api/v1/nodes").await,
        process.get(&format!("/apis/apps/v1/namespaces/{ns}/deployments")).await,
        process.create(&format!("/api/v1/namespaces/{ns}/configmaps"), &map).await,
        process.create(&format!("/apis/{RBAC}/v1/clusterrolebindings"), &binding).await,
        process.delete(&format!("/api/v1/namespaces/{ns}/secrets/login")).await,
        process.delete(&format!("/api/v1/namespaces/{ns}")).await,
    ];
    for answer in refused {
        assert_eq!(answer.unwrap_err().code(), 403);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_gives_its_rights_back() {
    let test = "an_installation_gives_its_rights_back";
    let Some(kind) = Kind::sluice().filter(Kind::is_built) else {
        return peers::skip(test, "sluice is not built");
    };
    let Kind::Program { program, .. } = &kind else { return };
    let options = PlaneOptions { sort: Some(Sort::Embedded), ..PlaneOptions::default() };
    let plane = tokio::task::block_in_place(|| Plane::start(&options)).unwrap();
    let cluster = sluice_cluster::Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap();
    let life = tokio::spawn(sluice_simulate::workloads(cluster, jiff::Timestamp::now));
    let install = |more: &[&str]| {
        let words = ["install", "--image=example.com/sluice:v1", "--force"];
        let mut command = Command::new(program);
        command.args(words).args(more).env("KUBECONFIG", plane.kubeconfig());
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        String::from_utf8(said).unwrap()
    };
    let api = plane.api();
    let path = |name: &str| format!("/apis/{RBAC}/v1/clusterrolebindings/{name}-{SYSTEM}");
    install(&[]);
    let wide = api.get(&path("cluster-reconciler")).await.unwrap();
    assert_eq!(wide["roleRef"]["name"], "cluster-admin");

    // Ours are taken out of it; what Flux's other controllers have they keep.
    let said = install(&["--least-privilege"]);
    assert!(said.contains(&format!("ClusterRoleBinding/cluster-reconciler-{SYSTEM} configured")), "{said}");
    let wide = api.get(&path("cluster-reconciler")).await.unwrap();
    let names: Vec<&Value> = wide["subjects"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["helm-controller"]);
    let patch = json!({"subjects": [{"kind": "ServiceAccount", "name": "sluice", "namespace": SYSTEM}]});
    api.merge_patch(&path("cluster-reconciler"), &patch).await.unwrap();
    let said = install(&["--least-privilege"]);
    assert!(said.contains(&format!("ClusterRoleBinding/cluster-reconciler-{SYSTEM} deleted")), "{said}");
    assert_eq!(api.get(&path("cluster-reconciler")).await.unwrap_err().code(), 404);
    assert!(api.get(&path("sluice-kustomize-controller")).await.is_ok());
    life.abort();
}
