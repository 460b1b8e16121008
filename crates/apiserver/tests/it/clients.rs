//! Clients that we did not write: the controllers of Kubernetes, speaking JSON, and Helm.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_apiserver::Server;
use sluice_testkit::peers;
use sluice_testkit::reaper::Process;

use super::Target;

/// Longer than any controller of an idle machine takes.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);

/// A server, an administrator of it and a kubeconfig in a folder.
async fn server(folder: &Path) -> (Target, tokio::task::JoinHandle<()>) {
    let server = Server::bind(0, Arc::new(jiff::Timestamp::now)).await.unwrap();
    std::fs::write(folder.join("kubeconfig"), server.kubeconfig()).unwrap();
    let target = Target::new(&server.url(), server.authority(), server.token());
    (target, tokio::spawn(server.run()))
}

impl Target {
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let step = json!({ "method": method, "path": path, "body": body });
        self.answer(&step, &super::mask::Seen::default()).await
    }

    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let answer = self.ask("GET", path, &Value::Null).await;
                if is_so(&answer) {
                    return answer;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let answer = tokio::time::timeout(PATIENCE, wait).await;
        answer.map_err(|_| format!("{path} is not so yet")).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controllers_of_kubernetes_make_pods_of_a_deployment() {
    let Some(program) = peers::find("kube-controller-manager") else {
        peers::skip("the controllers of Kubernetes", "kube-controller-manager is not built");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (target, running) = server(folder.path()).await;
    let mut command = Command::new(program);
    command
        .arg(format!("--kubeconfig={}", folder.path().join("kubeconfig").display()))
        .args(["--kube-api-content-type=application/json", "--leader-elect=false", "--secure-port=0"])
        .args(["--use-service-account-credentials=false", "--kube-api-qps=1000", "--kube-api-burst=2000"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap());
    let controllers = Process::start("kube-controller-manager", &mut command).unwrap();

    const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
    const PODS: &str = "/api/v1/namespaces/default/pods";
    let made = target
        .ask(
            "POST",
            DEPLOYMENTS,
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
                "spec": {
                    "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
                    "template": {
                        "metadata": { "labels": { "app": "web" } },
                        "spec": { "containers": [{ "name": "web", "image": "example.com/web:1" }] },
                    },
                },
            }),
        )
        .await;
    assert_eq!(made["status"], 201, "{made}");
    let count = |wanted: usize| {
        move |answer: &Value| answer["body"]["items"].as_array().is_some_and(|items| items.len() == wanted)
    };
    let pods = target.until(PODS, count(2)).await;
    assert_eq!(pods["body"]["items"][0]["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    target
        .until(&format!("{DEPLOYMENTS}/web"), |answer| answer["body"]["status"]["updatedReplicas"] == 2)
        .await;

    let scale = json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": { "name": "web" }, "spec": { "replicas": 1 },
    });
    assert_eq!(target.ask("PUT", &format!("{DEPLOYMENTS}/web/scale"), &scale).await["status"], 200);
    target.until(PODS, count(1)).await;
    let path = format!("{DEPLOYMENTS}/web?propagationPolicy=Foreground");
    assert_eq!(target.ask("DELETE", &path, &Value::Null).await["status"], 200);
    target.until(&format!("{DEPLOYMENTS}/web"), |answer| answer["status"] == 404).await;
    target.until(PODS, count(0)).await;
    drop(controllers);
    running.abort();
}

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("values.yaml", "text: one\n"),
    (
        "templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text }}\n\
         {{ if eq .Values.text \"one\" }}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n\
         spec:\n  ports:\n    - port: 80\n{{ end }}",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations:\n    helm.sh/hook: pre-upgrade\n",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_installs_upgrades_rolls_back_and_uninstalls() {
    let Some(helm) = peers::find("helm") else {
        peers::skip("Helm on the embedded server", "helm is not built");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (target, running) = server(folder.path()).await;
    for (name, text) in CHART {
        let path = folder.path().join("web").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let run = |words: &[&str]| {
        let output = Command::new(&helm)
            .args(words)
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .env("KUBECONFIG", folder.path().join("kubeconfig"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "helm {words:?}: {said}{error}");
        said
    };
    let text = async || {
        let answer = target.ask("GET", "/api/v1/namespaces/default/configmaps/web", &Value::Null).await;
        answer["body"]["data"]["text"].as_str().unwrap_or_default().to_owned()
    };
    let service = async || {
        target.ask("GET", "/api/v1/namespaces/default/services/web", &Value::Null).await["status"].clone()
    };
    run(&["install", "web", "./web"]);
    assert_eq!((text().await.as_str(), service().await), ("one", 200.into()));
    run(&["upgrade", "web", "./web", "--set", "text=two"]);
    assert_eq!((text().await.as_str(), service().await), ("two", 404.into()));
    assert!(run(&["history", "web"]).contains("superseded"));
    run(&["rollback", "web", "1"]);
    assert_eq!((text().await.as_str(), service().await), ("one", 200.into()));
    assert!(run(&["list"]).contains("deployed"));
    run(&["uninstall", "web"]);
    assert_eq!((text().await.as_str(), service().await), ("", 404.into()));
    assert!(!run(&["list"]).contains("deployed"));
    running.abort();
}
