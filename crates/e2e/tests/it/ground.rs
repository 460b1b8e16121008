//! The ground itself: the control plane that all other tests stand on.

use serde_json::json;
use sluice_testkit::plane::Plane;

#[tokio::test]
async fn the_plane_takes_an_object_and_shows_it() {
    let Some(plane) = Plane::shared("the_plane_takes_an_object_and_shows_it") else { return };
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
    let Some(plane) = Plane::shared("the_plane_runs_the_controllers_of_kubernetes") else { return };
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
