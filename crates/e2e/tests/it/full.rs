//! The story of an artifact store whose disk is full: what does not fit is said, the last artifact stays, others go on,
//! and when there is room again all is well.
//!
//! The disk is a small one in memory, which the controllers mount over their own folder, where no other process sees it.

use std::process::Command;

use serde_json::{Value, json};
use sluice_testkit::peers;
use sluice_testkit::plane::{Options as PlaneOptions, Plane};
use sluice_testkit::proxy::scramble;
use sluice_testkit::subject::{Kind, Options, Subject};
use sluice_testkit::trace::replay::Stage;

use crate::story::{Story, condition, config_map};

/// Mounts a disk of 512 KiB where artifacts are to be stored, and becomes the controllers.
const SCRIPT: &str = r#"for word; do
  case $word in --storage-path=*) mount -t tmpfs -o size=512k none "${word#*=}" || exit 1;; esac
done
exec "$@""#;
const UNSHARE: &[&str] = &["--mount", "--map-root-user"];

fn may_mount() -> bool {
    let mount = ["sh", "-c", "mount -t tmpfs none /mnt"];
    Command::new("unshare").args(UNSHARE).args(mount).output().is_ok_and(|tried| tried.status.success())
}

/// Text that no compression makes small.
fn noise(length: u64) -> String {
    (0..length / 16).map(|number| format!("{:016x}", scramble(number))).collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_keeps_the_last_artifact() {
    let test = "a_full_disk_keeps_the_last_artifact";
    let Some(Kind::Program { program, arguments }) = Kind::sluice().filter(Kind::is_built) else {
        return peers::skip(test, "sluice is not built");
    };
    if !may_mount() {
        return peers::skip(test, "a disk cannot be mounted in a namespace of one's own (unshare --mount)");
    }
    let words = UNSHARE.iter().copied().chain(["sh", "-c", SCRIPT, "sh"]).map(str::to_owned);
    let words = words.chain([program.display().to_string()]).chain(arguments);
    let kind = Kind::Program { program: "/usr/bin/unshare".into(), arguments: words.collect() };
    let plane = tokio::task::block_in_place(|| Plane::start(&PlaneOptions::default())).unwrap();
    Stage::prepare(&plane, &kind).await.unwrap();
    let mut subject = Subject::start(&kind, &plane, &Options::default()).unwrap();
    let mut story = Story::on(&plane, test).await;
    let first = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    let second_source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "small"},
        "spec": {
            "interval": "10m", "url": format!("{}/app.git", story.server.url()), "ref": {"branch": "main"},
            "secretRef": {"name": "login"}, "ignore": "/large",
        },
    });
    story.apply(second_source).await;
    story.ready("GitRepository", "small").await;
    story.kustomization("app", json!({})).await;
    story.applied("app", &first).await;

    let large = noise(2 << 20);
    let second =
        story.commit(&[("large/noise.txt", Some(&large)), ("app/a.yaml", Some(&config_map("one", "2")))]);
    story.reconcile("GitRepository", "app").await;
    let full = story.failed("GitRepository", "app", "ArchiveOperationFailed").await;
    let said = condition(&full, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains("unable to archive artifact to storage") && said.contains("No space left on device"),
        "{said}"
    );
    assert_eq!(condition(&full, "StorageOperationFailed")["status"], "True");
    assert_eq!(full["status"]["artifact"]["revision"], first.as_str(), "the last artifact stays");
    story.event("app", "ArchiveOperationFailed", "No space left on device").await;

    // It is still served, and whole: what was deleted comes back from it.
    story.api.delete(&story.path("ConfigMap", "one")).await.unwrap();
    story.reconcile("Kustomization", "app").await;
    story.until("ConfigMap", "one", |object| object["data"]["key"] == "1").await;
    // What fits is stored on the same disk: nothing of what did not is in its way.
    story.reconcile("GitRepository", "small").await;
    story.until("GitRepository", "small", |source| source["status"]["artifact"]["revision"] == second).await;

    let third = story.commit(&[("large/noise.txt", None)]);
    story.reconcile("GitRepository", "app").await;
    let source = story.ready("GitRepository", "app").await;
    assert_eq!(condition(&source, "StorageOperationFailed"), &Value::Null);
    story.applied("app", &third).await;
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "2");
    assert_eq!(subject.ended(), None);
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}
