//! The story of a leader that stands still for longer than its lease, at every place between two writes: another takes
//! over and applies something newer; when the first goes on, it writes nothing of what it was about to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::plane::Plane;
use sluice_testkit::proxy::{Asked, Fate, Proxy};
use sluice_testkit::subject::{Kind, Options, Subject};
use tokio::sync::Notify;

use crate::story::{PATIENCE, Story, config_map, own_plane};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases";
/// Looks at its Lease after which a controller that goes on knows that it leads no more, and has begun to wait.
const LOOKS: u64 = 3;
/// How often the leader may lose its Lease without being stopped.
const LOST_MOST: u32 = 5;

struct Replica {
    name: &'static str,
    subject: Subject,
    proxy: Proxy,
}

impl Replica {
    fn start(kind: &Kind, plane: &Plane, name: &'static str) -> Self {
        let proxy = Proxy::start(plane).unwrap();
        let kubeconfig = plane.folder().join(format!("kubeconfig-{name}"));
        std::fs::write(&kubeconfig, proxy.kubeconfig()).unwrap();
        let flags = [
            "--enable-leader-election",
            "--leader-election-lease-duration=4s",
            "--leader-election-renew-deadline=3s",
            "--leader-election-retry-period=300ms",
        ];
        let options = Options {
            flags: flags.map(str::to_owned).to_vec(),
            kubeconfig: Some(kubeconfig),
            environment: vec![("HOSTNAME".to_owned(), name.to_owned())],
            ..Options::default()
        };
        Self { name, subject: Subject::start(kind, plane, &options).unwrap(), proxy }
    }

    /// Waits until both Leases are its own.
    async fn leads(&self, story: &Story) {
        for controller in ["source-controller", "kustomize-controller"] {
            let path = format!("{LEASES}/{controller}-leader-election");
            let is_ours = |lease: &Value| {
                lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| holder.starts_with(self.name))
            };
            story.api.wait_until(&path, PATIENCE, is_ours).await.unwrap();
        }
    }

    /// Whether it is the one that reconciles now.
    async fn is_leading(&self, story: &Story) -> bool {
        let lease = story.api.get(&format!("{LEASES}/kustomize-controller-leader-election")).await.unwrap();
        lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| holder.starts_with(self.name))
    }

    /// Holds back the answer to a write of the Kustomization `app`, from 1. Tells when that is reached.
    fn hold_at(&self, number: u64) -> Arc<Notify> {
        let (reached, seen) = (Arc::new(Notify::new()), AtomicU64::new(0));
        let told = Arc::clone(&reached);
        self.proxy.set_plan(move |asked| {
            if is_of_app(asked) && seen.fetch_add(1, Ordering::SeqCst) + 1 == number {
                told.notify_one();
                return Fate::Hold;
            }
            Fate::Pass
        });
        reached
    }

    /// Tells when it has looked at its Lease some times.
    fn looks(&self) -> Arc<Notify> {
        let (looked, seen) = (Arc::new(Notify::new()), AtomicU64::new(0));
        let told = Arc::clone(&looked);
        self.proxy.set_plan(move |asked| {
            let is_look = asked.method == "GET" && asked.path.contains("/leases/kustomize-controller");
            if is_look && seen.fetch_add(1, Ordering::SeqCst) + 1 == LOOKS {
                told.notify_one();
            }
            Fate::Pass
        });
        looked
    }
}

fn is_of_app(asked: &Asked) -> bool {
    asked.write > 0
        && (asked.path.contains("/kustomizations/app") || asked.path.contains("/configmaps/object"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stood_still_writes_nothing_old() {
    let test = "a_leader_that_stood_still";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let mut story = Story::on(&plane, test).await;
    let mut leader = Replica::start(&kind, &plane, "first");
    leader.leads(&story).await;
    let mut other = Replica::start(&kind, &plane, "second");
    story.commit(&[("app/3.yaml", Some(&config_map("object-3", "newer")))]);
    put_old(&mut story);
    story.source().await;

    let (mut number, mut lost) = (1, 0);
    loop {
        let held = leader.hold_at(number);
        story.kustomization("app", json!({})).await;
        if tokio::time::timeout(Duration::from_secs(15), held.notified()).await.is_err() {
            // A busy machine may have cost the leader its Lease; else all its writes have passed, and no place is left.
            if lost == LOST_MOST || !other.is_leading(&story).await {
                break;
            }
            lost += 1;
            take_away(&story).await;
            std::mem::swap(&mut leader, &mut other);
            continue;
        }
        leader.subject.pause();
        leader.proxy.release();
        let place = format!("stopped after write {number}");
        let newer = story.commit(&[
            ("app/1.yaml", Some(&config_map("object-1", "newer"))),
            ("app/2.yaml", None),
            ("app/3.yaml", Some(&config_map("object-3", "newer"))),
        ]);
        other.leads(&story).await;
        story.reconcile("GitRepository", "app").await;
        story.applied("app", &newer).await;

        let looked = leader.looks();
        leader.subject.resume();
        tokio::time::timeout(PATIENCE, looked.notified()).await.expect("it looks at its Lease");
        let ks = story.applied("app", &newer).await;
        assert_eq!(
            ks["status"]["inventory"]["entries"].as_array().unwrap().len(),
            2,
            "{place}: the inventory"
        );
        for name in ["object-1", "object-3"] {
            assert_eq!(story.get("ConfigMap", name).await["data"]["key"], "newer", "{place}: {name}");
        }
        assert!(story.get("ConfigMap", "object-2").await.is_null(), "{place}: what left Git");

        take_away(&story).await;
        put_old(&mut story);
        story.reconcile("GitRepository", "app").await;
        std::mem::swap(&mut leader, &mut other);
        number += 1;
    }
    assert!(number > 5, "a run has more than {} writes", number - 1);
    assert_eq!((leader.subject.ended(), other.subject.ended()), (None, None));
}

async fn take_away(story: &Story) {
    story.api.delete(&story.path("Kustomization", "app")).await.unwrap();
    story.until("Kustomization", "app", Value::is_null).await;
}

/// What Git says when a run begins.
fn put_old(story: &mut Story) {
    let (one, two) = (config_map("object-1", "old"), config_map("object-2", "old"));
    story.commit(&[("app/1.yaml", Some(&one)), ("app/2.yaml", Some(&two)), ("app/3.yaml", None)]);
}
