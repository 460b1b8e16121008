//! Stories of careful deletion: what is too much waits for a person, what another wants is left to it.

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;

use crate::story::{Story, condition, config_map};

const CARE: &str = "kustomize.toolkit.fluxcd.io/prune-approved";

/// Controllers that are careful, on a plane of their own.
async fn careful(test: &str) -> Option<(Plane, Subject)> {
    let Some(kind) = crate::story::kind().filter(|kind| kind.is_built() && *kind != Kind::Flux) else {
        peers::skip(test, "the controllers are not built, or do not know these flags");
        return None;
    };
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let flags = ["--prune-guard=50%", "--prune-release"].map(str::to_owned).to_vec();
    let subject = Subject::start(&kind, &plane, &Options { flags, ..Options::default() }).unwrap();
    Some((plane, subject))
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_are_careful_where_flags_say_so() {
    let test = "deletions_are_careful";
    let Some((plane, mut subject)) = careful(test).await else { return };
    let mut story = Story::on(&plane, test).await;
    let of = |name: &str| config_map(name, "1");
    let revision = story.commit(&[
        ("app/a.yaml", Some(&of("one"))),
        ("app/b.yaml", Some(&of("two"))),
        ("app/c.yaml", Some(&of("three"))),
        ("app/d.yaml", Some(&of("four"))),
        ("other/x.yaml", Some(&of("own"))),
        ("other/y.yaml", Some(&of("another"))),
    ]);
    story.source().await;
    story.kustomization("app", json!({})).await;
    story.kustomization("other", json!({"dependsOn": [{"name": "app"}]})).await;
    story.applied("app", &revision).await;
    story.applied("other", &revision).await;

    // Half may go; more than that waits, and nothing of it is deleted or forgotten.
    let revision = story.push(&[("app/a.yaml", None), ("app/b.yaml", None)]).await;
    story.applied("app", &revision).await;
    assert!(story.get("ConfigMap", "one").await.is_null());
    let revision =
        story.push(&[("app/c.yaml", None), ("app/d.yaml", None), ("app/e.yaml", Some(&of("five")))]).await;
    let ks = story.failed("Kustomization", "app", "PruneFailed").await;
    let message = condition(&ks, "Ready")["message"].as_str().unwrap();
    let wanted = format!(
        "2 of 3 objects would be deleted, more than --prune-guard=50% allows: ConfigMap/{}/",
        story.ns
    );
    assert!(message.starts_with(&wanted) && message.contains(&format!("{CARE}={revision}")), "{message}");
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), 3);
    story.event("app", "PruneFailed", "more than --prune-guard=50% allows").await;
    assert_eq!(story.get("ConfigMap", "three").await["data"]["key"], "1");
    let approved = json!({"metadata": {"annotations": {CARE: revision}}});
    story.api.merge_patch(&story.path("Kustomization", "app"), &approved).await.unwrap();
    story.applied("app", &revision).await;
    assert!(
        story.get("ConfigMap", "three").await.is_null() && story.get("ConfigMap", "four").await.is_null()
    );

    // What moves to another Kustomization is never gone in between.
    let before = uid(&story.get("ConfigMap", "own").await);
    let revision = story.push(&[("other/x.yaml", None), ("app/x.yaml", Some(&of("own")))]).await;
    story.applied("app", &revision).await;
    story.applied("other", &revision).await;
    let before_back = uid(&story.get("ConfigMap", "five").await);
    let revision = story.push(&[("app/e.yaml", None), ("other/e.yaml", Some(&of("five")))]).await;
    let app = story.applied("app", &revision).await;
    let other = story.applied("other", &revision).await;
    story.event("app", "Progressing", "/five released to Kustomization/").await;
    assert_eq!(uid(&story.get("ConfigMap", "own").await), before);
    let five = story.get("ConfigMap", "five").await;
    assert_eq!(uid(&five), before_back, "it is the same object, and has not been away");
    assert_eq!(five["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "other");
    let entries = |ks: &Value| ks["status"]["inventory"]["entries"].to_string();
    assert!(!entries(&app).contains("five") && entries(&other).contains("five"));

    // One that cannot be built holds a deletion up: nobody can tell what it wants.
    story
        .push(&[("other/e.yaml", Some("kind: [\n")), ("app/x.yaml", None), ("app/z.yaml", Some(&of("six")))])
        .await;
    let ks = story.failed("Kustomization", "app", "PruneFailed").await;
    let message = condition(&ks, "Ready")["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("Kustomization/{}/other cannot say what it wants", story.ns)),
        "{message}"
    );
    assert_eq!(uid(&story.get("ConfigMap", "own").await), before);
    let revision =
        story.push(&[("other/e.yaml", Some(&of("five"))), ("app/w.yaml", Some(&of("seven")))]).await;
    story.applied("app", &revision).await;
    story.until("ConfigMap", "own", Value::is_null).await;

    assert_eq!(subject.ended(), None);
    story.end().await;
}
