//! Objects as users write them are read, and written back as they were.

use serde_json::json;
use sluice_api::meta::{
    Condition, ConditionStatus, Duration, Snapshot, Time, condition_type, reason, set_condition, upsert,
};
use sluice_api::{GitRepository, Kind, Kustomization, parse};

#[test]
fn an_object_is_written_as_it_was_read() {
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 2,
            "creationTimestamp": "2026-11-22T05:00:00Z", "labels": {"a": "b"}},
        "spec": {"interval": "10m0s", "prune": true, "path": "./apps", "deletionPolicy": "Orphan",
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
            "postBuild": {"substitute": {"cluster": "one"}, "substituteStrategy": "Always"}},
        "status": {"observedGeneration": 2, "inventory": {"entries": [{"id": "default_web_apps_Deployment", "v": "v1"}]},
            "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2,
                "lastTransitionTime": "2026-11-22T05:00:01Z", "reason": "ReconciliationSucceeded", "message": "ok"}]}
    });
    let ks: Kustomization = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(ks.qualified_name(), "flux-system/apps");
    assert_eq!(ks.spec.timeout(), Duration::from_secs(570));
    assert_eq!(serde_json::to_value(&ks).unwrap(), object);
}

#[test]
fn an_object_of_another_kind_is_refused() {
    let other =
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket", "metadata": {"name": "x"}});
    let error = serde_json::from_value::<GitRepository>(other).unwrap_err();
    assert_eq!(error.to_string(), "kind is Bucket, not GitRepository");
    let other = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"});
    let error = serde_json::from_value::<Kustomization>(other).unwrap_err();
    assert_eq!(error.to_string(), "API group is 'kustomize.config.k8s.io', not kustomize.toolkit.fluxcd.io");
}

#[test]
fn nulls_in_a_file_count_as_absent() {
    let file = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "status": null,
        "metadata": {"name": "x", "creationTimestamp": null, "labels": null},
        "spec": {"url": "https://example.com/x", "interval": "1m", "ref": {"branch": "main", "tag": null}, "ignore": null}});
    let repository: GitRepository = parse(file).unwrap();
    assert_eq!(repository.spec.reference.unwrap().branch, "main");
    assert_eq!(GitRepository::api_version(), "source.toolkit.fluxcd.io/v1");
}

#[test]
fn a_condition_keeps_its_time_until_it_says_something_else() {
    let (first, second): (Time, Time) =
        ("2026-11-22T05:00:00Z".parse().unwrap(), "2026-11-22T06:00:00Z".parse().unwrap());
    let ready =
        |status, message: &str| Condition::new(condition_type::READY, status, reason::SUCCEEDED, message);
    let mut conditions = Vec::new();
    set_condition(&mut conditions, ready(ConditionStatus::True, "one"), 1, first);
    set_condition(&mut conditions, ready(ConditionStatus::True, "one"), 2, second);
    assert_eq!((conditions[0].observed_generation, conditions[0].last_transition_time), (2, first));
    set_condition(&mut conditions, ready(ConditionStatus::True, "two"), 2, second);
    assert_eq!(conditions[0].last_transition_time, second);
    set_condition(&mut conditions, Condition::new("Healthy", ConditionStatus::True, "R", ""), 1, first);
    set_condition(&mut conditions, Condition::new("Drifted", ConditionStatus::True, "R", ""), 1, first);
    set_condition(&mut conditions, Condition::new("Zulu", ConditionStatus::True, "R", ""), 2, first);
    set_condition(
        &mut conditions,
        Condition::new("Stalled", ConditionStatus::True, "R", "x".repeat(40_000)),
        1,
        first,
    );
    let order: Vec<&str> = conditions.iter().map(|condition| condition.kind.as_str()).collect();
    assert_eq!(order, ["Stalled", "Ready", "Zulu", "Drifted", "Healthy"]);
    assert_eq!(conditions[0].message.len(), 32_768);
    assert!(conditions[0].message.ends_with("x..."));
}

#[test]
fn history_counts_the_same_build_and_keeps_five() {
    let mut history: Vec<Snapshot> = Vec::new();
    for second in 0..7 {
        let at = format!("2026-11-22T05:00:0{second}Z").parse().unwrap();
        upsert(
            &mut history,
            &format!("sha256:{second}"),
            at,
            Duration::from_millis(1500),
            "Succeeded",
            Default::default(),
        );
    }
    let at: Time = "2026-11-22T05:01:00Z".parse().unwrap();
    upsert(&mut history, "sha256:4", at, Duration::from_secs(2), "Succeeded", Default::default());
    let digests: Vec<&str> = history.iter().map(|snapshot| snapshot.digest.as_str()).collect();
    assert_eq!(digests, ["sha256:4", "sha256:6", "sha256:5", "sha256:3", "sha256:2"]);
    assert_eq!((history[0].total_reconciliations, history[1].total_reconciliations), (2, 1));
    assert_eq!(history[1].last_reconciled_duration.to_string(), "1.5s");
}
