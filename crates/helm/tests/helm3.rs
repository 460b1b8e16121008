//! A history that Helm 3.19.0 wrote is read, and stored again as Helm 4.2.4 would store it.
//!
//! `helm3/secrets.jsonl` are the Secrets of two releases: one installed with labels, upgraded, upgraded in vain and rolled
//! back; one uninstalled and kept. `cd peers/ask/helm && go run . releases <secrets.jsonl >again.jsonl` recorded what
//! Helm 4 makes of them.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it must be")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_helm::release::storage::{self, Driver, Stamp};
use sluice_helm::release::{Release, Status, codec};

const SECRETS: &str = include_str!("helm3/secrets.jsonl");
const AGAIN: &str = include_str!("helm3/again.jsonl");

fn secrets() -> Vec<Value> {
    SECRETS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn releases() -> Vec<Release> {
    secrets().iter().map(|secret| storage::read(secret).unwrap()).collect()
}

#[test]
fn a_history_of_helm_3_is_told() {
    let told: Vec<(String, i64, Status, String)> = releases()
        .iter()
        .map(|release| {
            (release.name.clone(), release.version, release.info.status, release.info.description.clone())
        })
        .collect();
    let row = |name: &str, version, status, text: &str| (name.to_owned(), version, status, text.to_owned());
    assert_eq!(
        told,
        [
            row("app", 1, Status::Superseded, "Install complete"),
            row("app", 2, Status::Superseded, "Upgrade complete"),
            row(
                "app",
                3,
                Status::Failed,
                "Upgrade \"app\" failed: cannot patch \"app\" with kind ConfigMap: <refused>"
            ),
            row("app", 4, Status::Deployed, "Rollback to 1"),
            row("gone", 1, Status::Uninstalled, "no longer wanted"),
        ]
    );
    let second = &releases()[1];
    assert_eq!(
        Value::Object(second.config.clone()),
        json!({"color": "blue", "nested": {"count": 5.0, "list": [1.0, "x", null, true]}, "big": 12345678901234.0, "html": "<a>&"})
    );
    assert_eq!(
        second.labels,
        BTreeMap::from([("team".to_owned(), "web".to_owned()), ("stage".to_owned(), "late".to_owned())])
    );
    assert!(releases()[4].info.deleted.is_some());
}

#[test]
fn what_helm_3_wrote_is_stored_again_as_helm_4_does() {
    let mut count = 0;
    for (release, want) in releases().iter().zip(AGAIN.lines()) {
        assert_eq!(codec::to_json(release), want, "{}", release.key());
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn a_stored_revision_goes_back_under_its_own_name_and_labels() {
    for (secret, release) in secrets().iter().zip(releases()) {
        let stamp = secret["metadata"]["labels"]["modifiedAt"].as_str().unwrap().parse().unwrap();
        let mut ours = storage::object(&release, Driver::Secret, "helm-three", Stamp::Modified(stamp));
        // Helm leaves it to the client to say where.
        ours["metadata"].as_object_mut().unwrap().remove("namespace");
        for part in ["kind", "apiVersion", "metadata", "type"] {
            assert_eq!(ours[part], secret[part], "{part} of {}", release.key());
        }
        assert_eq!(codec::to_json(&storage::read(&ours).unwrap()), codec::to_json(&release));
    }
}
