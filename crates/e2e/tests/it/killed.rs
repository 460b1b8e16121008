//! The story of a controller that is killed in the middle of an apply: nothing is lost, nothing is orphaned.
//!
//! The writes of one clean run are counted; then, for each of them, the controllers are killed before the server hears of
//! it, and again after. While they are dead Git drops one object; when they are back it has to be gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::{self, Plane};
use sluice_testkit::proxy::{Fate, Proxy};
use sluice_testkit::subject::{Kind, Subject};
use sluice_testkit::trace::replay::Stage;

use crate::story::{Story, config_map, through};

/// Objects of the Kustomization; the last one leaves Git while the controllers are dead.
const OBJECTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_write() {
    let test = "killed_at_every_write";
    let Some(kind) = crate::story::kind().filter(Kind::is_built) else {
        return peers::skip(test, "the controllers are not built");
    };
    if kind == Kind::Flux {
        return peers::skip(test, "Flux records what it applied afterwards, and would leave orphans");
    }
    let plane = tokio::task::block_in_place(|| Plane::start(&plane::Options::default())).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let proxy = Proxy::start(&plane).unwrap();
    let options = through(&proxy, &plane);
    let mut subject = Subject::start(&kind, &plane, &options).unwrap();
    let mut story = Story::on(&plane, test).await;
    put_all(&mut story);
    story.source().await;

    let before = proxy.writes();
    apply_and_check(&mut story).await;
    let writes = proxy.writes() - before;
    assert!(writes >= OBJECTS as u64, "{writes} writes cannot be all");
    take_away(&story).await;

    let mut reached = 0;
    for write in 1..=writes {
        for fate in [Fate::CutBefore, Fate::CutAfter] {
            let begun = AtomicBool::new(false);
            let killed = Arc::new(tokio::sync::Notify::new());
            let (base, notify) = (proxy.writes(), Arc::clone(&killed));
            proxy.set_plan(move |asked| {
                if asked.write < base + write || asked.write == 0 {
                    return Fate::Pass;
                }
                // The one, and whatever is still tried until the process is dead.
                if begun.swap(true, Ordering::SeqCst) {
                    return Fate::CutBefore;
                }
                notify.notify_one();
                fate
            });
            story.kustomization("app", json!({})).await;
            // A clean run may need a write less than the first one did; then there is nothing to kill at.
            let was_reached = tokio::time::timeout(Duration::from_secs(10), killed.notified()).await.is_ok();
            reached += u64::from(was_reached);
            subject.kill();
            proxy.set_plan(|_| Fate::Pass);
            let revision = story.commit(&[(&file(OBJECTS), None)]);
            subject.launch(&plane, &options).unwrap();
            let ks = story.applied("app", &revision).await;
            let place = format!("killed at write {write} of {writes}, {fate:?}, reached: {was_reached}");
            let last = story.until("ConfigMap", &name(OBJECTS), Value::is_null).await;
            assert!(last.is_null(), "{place}: orphaned");
            let entries = ks["status"]["inventory"]["entries"].as_array().unwrap().len();
            assert_eq!(entries, OBJECTS - 1, "{place}: the inventory");
            for number in 1..OBJECTS {
                assert_eq!(story.get("ConfigMap", &name(number)).await["data"]["key"], "1", "{place}: lost");
            }
            take_away(&story).await;
            put_all(&mut story);
            story.reconcile("GitRepository", "app").await;
        }
    }
    assert!(reached + 4 >= 2 * writes, "only {reached} kills at {writes} writes");
    let log = subject.log();
    story.look_for_canary(&log, &subject.storage()).await;
}

fn name(number: usize) -> String {
    format!("object-{number}")
}

fn file(number: usize) -> String {
    format!("app/{number}.yaml")
}

fn put_all(story: &mut Story) {
    let files: Vec<(String, String)> =
        (1..=OBJECTS).map(|number| (file(number), config_map(&name(number), "1"))).collect();
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    story.commit(&files);
}

async fn apply_and_check(story: &mut Story) {
    story.kustomization("app", json!({})).await;
    let ks = story.ready("Kustomization", "app").await;
    assert_eq!(ks["status"]["inventory"]["entries"].as_array().unwrap().len(), OBJECTS);
    story.event("app", "ReconciliationSucceeded", "next run").await;
}

/// Deletes the Kustomization; all that it made has to go with it.
async fn take_away(story: &Story) {
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
    for number in 1..=OBJECTS {
        assert!(story.get("ConfigMap", &name(number)).await.is_null(), "orphaned by a deletion");
    }
}
