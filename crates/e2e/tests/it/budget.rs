//! The story of a memory budget: many items, half of them large, are all done within it, and one that can never fit says so.

use serde_json::json;
use sluice_testkit::mixed::Mixed;
use sluice_testkit::subject::{Options, Subject};

use crate::story::{Story, condition, config_map, own_plane};

const BUDGET_MIB: f64 = 128.0;
/// Trees of 4 MiB, of which few are in memory at a time.
const GROUPS: usize = 10;
const EACH: usize = 16;
const LARGE: usize = 512 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_small_are_all_done_within_the_memory_budget() {
    let test = "memory_budget";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let flags = vec![format!("--memory-budget={BUDGET_MIB}Mi")];
    let mut subject = Subject::start(&kind, &plane, &Options { flags, ..Options::default() }).unwrap();
    let mut story = Story::on(&plane, test).await;
    let mixed = tokio::task::block_in_place(|| Mixed::make(GROUPS, EACH, LARGE)).unwrap();
    // Half of the budget is not enough to build 24 MiB.
    for at in 0..24 {
        story.write(&format!("too-large/{at}.yaml"), &config_map(&format!("m{at}"), &"x".repeat(1 << 20)));
    }
    let revision = story.commit(&[("small/a.yaml", Some(&config_map("s", "1")))]);
    story.source().await;
    for object in mixed.sources().into_iter().chain(mixed.kustomizations(&story.ns)) {
        story.apply(object).await;
    }
    for name in ["too-large", "small"] {
        story.kustomization(name, json!({})).await;
    }
    for name in mixed.names() {
        story.ready("Kustomization", &name).await;
    }
    story.applied("small", &revision).await;

    let failed = story.failed("Kustomization", "too-large", "BuildFailed").await;
    let said = condition(&failed, "Ready")["message"].as_str().unwrap();
    assert!(said.contains("more than 64Mi") && said.contains("--memory-budget=128Mi"), "{said:.500}");
    assert_eq!(condition(&failed, "Stalled")["status"], "True", "only a change mends it");
    story.event("too-large", "BuildFailed", "--memory-budget=128Mi").await;

    assert_eq!(subject.ended(), None);
    let peak = subject.usage().peak_memory_mib;
    assert!(peak <= BUDGET_MIB * 1.3, "{peak} MiB");
    println!("peak {peak:.0} MiB with a budget of {BUDGET_MIB} MiB");
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}
