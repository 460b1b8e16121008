//! The ground itself: the control plane that all other tests stand on.

use serde_json::json;
use sluice_testkit::api::Api;
use sluice_testkit::plane::Plane;
use sluice_testkit::proxy::{Fate, Proxy};

#[tokio::test]
async fn the_plane_takes_an_object_and_shows_it() {
    let plane = Plane::shared();
    let api = plane.api();
    api.create_namespace("ground").await.unwrap();
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "1"}});
    let answer = api.apply("person", "ground", &object).await.unwrap();
    assert_eq!(answer["data"]["key"], "1");
    assert_eq!(answer["metadata"]["managedFields"][0]["manager"], "person");
}

#[tokio::test]
async fn the_plane_runs_the_controllers_of_kubernetes() {
    let plane = Plane::shared();
    let api = plane.api();
    api.create_namespace("ground-controllers").await.unwrap();
    // The default service account of a new namespace is made by kube-controller-manager.
    let path = "/api/v1/namespaces/ground-controllers/serviceaccounts";
    let list = api.get(path).await.unwrap();
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    if list["items"].as_array().unwrap().is_empty() {
        let mut watch = api.watch(path, version).await.unwrap();
        let event = futures::StreamExt::next(&mut watch).await.unwrap().unwrap();
        assert_eq!(event.object["metadata"]["name"], "default");
    }
}

#[tokio::test]
async fn the_proxy_counts_writes_and_refuses_the_one_it_is_told() {
    let plane = Plane::shared();
    let proxy = Proxy::start(plane).unwrap();
    let api = Api::new(&proxy.url(), &[], plane.token());
    api.create_namespace("ground-proxy").await.unwrap();
    proxy.set_plan(|asked| if asked.write == 2 { Fate::Refuse(500) } else { Fate::Pass });
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let refused = api.apply("person", "ground-proxy", &object).await.unwrap_err();
    assert_eq!(refused.code(), 500);
    api.apply("person", "ground-proxy", &object).await.unwrap();
    assert_eq!(proxy.writes(), 3);
    proxy.set_plan(|asked| if asked.write == 4 { Fate::CutAfter } else { Fate::Pass });
    let changed =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "1"}});
    assert_eq!(api.apply("person", "ground-proxy", &changed).await.unwrap_err().code(), 0);
    let seen = api.get("/api/v1/namespaces/ground-proxy/configmaps/a").await.unwrap();
    assert_eq!(seen["data"]["key"], "1", "the server heard of the write whose answer was cut");
}
