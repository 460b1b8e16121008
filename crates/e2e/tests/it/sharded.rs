//! The story of two shards: a chain of dependencies that goes from one to the other and back, and Leases of their own.

use serde_json::json;
use sluice_testkit::subject::{Options, Subject};

use crate::story::{Story, condition, config_map, own_plane};

const SHARD: &str = "sharding.fluxcd.io/key";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_across_two_shards_converges() {
    let test = "a_chain_across_two_shards";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let start = |selector: &str| {
        let flags = vec!["--enable-leader-election".to_owned(), format!("--watch-label-selector={selector}")];
        Subject::start(&kind, &plane, &Options { flags, ..Options::default() }).unwrap()
    };
    let mut main = start(&format!("!{SHARD}"));
    let mut shard = start(&format!("{SHARD}=one"));
    let mut story = Story::on(&plane, test).await;
    let files = ["first", "second", "third"].map(|name| (format!("{name}/a.yaml"), config_map(name, "1")));
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let revision = story.commit(&files);

    story.source().await;
    story.kustomization("third", json!({"dependsOn": [{"name": "second"}]})).await;
    story.kustomization("second", json!({"dependsOn": [{"name": "first"}]})).await;
    story.failed("Kustomization", "third", "DependencyNotReady").await;
    story.failed("Kustomization", "second", "DependencyNotReady").await;
    // The second moves to the other shard, which goes on with it.
    let label = json!({"metadata": {"labels": {SHARD: "one"}}});
    story.api.merge_patch(&story.path("Kustomization", "second"), &label).await.unwrap();
    story.kustomization("first", json!({})).await;
    for name in ["first", "second", "third"] {
        let ks = story.applied(name, &revision).await;
        assert_eq!(condition(&ks, "Ready")["reason"], "ReconciliationSucceeded");
    }
    let leases = "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases";
    let leases = story.api.get(leases).await.unwrap();
    let names: Vec<&str> = leases["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lease| lease["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 4, "two controllers, two shards: {names:?}");
    assert_eq!((main.ended(), shard.ended()), (None, None));
    story.end().await;
}
