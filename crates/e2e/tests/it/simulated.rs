//! Workloads on a plane without nodes come to life when `simulate` runs.

use std::time::Duration;

use serde_json::json;
use sluice_cluster::Cluster;
use sluice_testkit::plane::{Options, Plane};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workloads_run_claims_are_bound_and_addresses_are_given() {
    // A plane of its own: stories beside it count on workloads that never run.
    let plane = tokio::task::block_in_place(|| Plane::start(&Options::default())).unwrap();
    let api = plane.api();
    let ns = "simulated";
    api.create_namespace(ns).await.unwrap();
    api.wait_until(&format!("/api/v1/namespaces/{ns}/serviceaccounts/default"), PATIENCE, |o| !o.is_null())
        .await
        .unwrap();
    let cluster = Cluster::from_kubeconfig(&plane.kubeconfig(), None).await.unwrap();
    let life = tokio::spawn(sluice_simulate::workloads(cluster, jiff::Timestamp::now));

    let template = |restart: &str| {
        json!({
            "metadata": {"labels": {"app": "a"}},
            "spec": {"restartPolicy": restart, "containers": [{"name": "c", "image": "example.com/c:1"}]},
        })
    };
    let objects = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": template("Always")}}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {"template": template("Never")}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"type": "LoadBalancer", "selector": {"app": "a"}, "ports": [{"port": 80}]}}),
    ];
    for object in &objects {
        api.apply("person", ns, object).await.unwrap();
    }
    let at = |group: &str, plural: &str| format!("/{group}/namespaces/{ns}/{plural}");
    let deployment = at("apis/apps/v1", "deployments") + "/a";
    api.wait_until(&deployment, PATIENCE, |o| o["status"]["readyReplicas"] == 2).await.unwrap();
    let job = at("apis/batch/v1", "jobs") + "/a";
    api.wait_until(&job, PATIENCE, |o| o["status"]["succeeded"] == 1).await.unwrap();
    let claim = at("api/v1", "persistentvolumeclaims") + "/a";
    api.wait_until(&claim, PATIENCE, |o| o["status"]["phase"] == "Bound").await.unwrap();
    let service = at("api/v1", "services") + "/a";
    let given = |o: &serde_json::Value| o.pointer("/status/loadBalancer/ingress/0/ip").is_some();
    api.wait_until(&service, PATIENCE, given).await.unwrap();

    // A deleted Deployment takes its Pods along, which a node would have to end.
    api.delete(&deployment).await.unwrap();
    let pods = api.get(&at("api/v1", "pods")).await.unwrap();
    for pod in pods["items"].as_array().unwrap().iter().filter(|pod| pod["status"]["phase"] == "Running") {
        let path = format!("{}/{}", at("api/v1", "pods"), pod["metadata"]["name"].as_str().unwrap());
        api.wait_until(&path, PATIENCE, serde_json::Value::is_null).await.unwrap();
    }
    life.abort();
}
