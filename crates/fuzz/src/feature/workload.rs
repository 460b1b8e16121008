//! Objects that run pods.

use super::object::{identity, metadata, place};
use super::{Feature, pod};
use crate::draft::{Draft, indent};

pub fn features() -> Vec<Feature> {
    vec![
        Feature::does("object.deployment", deployment),
        Feature::does("object.statefulset", |draft| set(draft, "StatefulSet")),
        Feature::does("object.daemonset", |draft| set(draft, "DaemonSet")),
        Feature::does("object.replicaset", |draft| set(draft, "ReplicaSet")),
        Feature::does("object.old-deployment", |draft| {
            with_template(draft, "extensions/v1beta1", "Deployment", "  replicas: 3\n")
        }),
        Feature::does("object.pod", bare_pod),
        Feature::does("object.job", |draft| with_template(draft, "batch/v1", "Job", "  backoffLimit: 2\n")),
        Feature::does("object.cronjob", cron_job),
    ]
}

pub fn deployment(draft: &mut Draft) -> bool {
    set(draft, "Deployment")
}

fn set(draft: &mut Draft, kind: &'static str) -> bool {
    let mut spec = String::new();
    if kind != "DaemonSet" && draft.dice.chance(70) {
        spec.push_str(&format!("  replicas: {}\n", draft.dice.below(4)));
    }
    if draft.dice.chance(60) {
        spec.push_str("  selector:\n    matchLabels:\n      app: web\n");
    }
    if kind == "StatefulSet" {
        let service = draft.name_of("Service", &["web", "none"]);
        spec.push_str(&format!("  serviceName: {service}\n"));
        if draft.dice.chance(50) {
            spec.push_str("  volumeClaimTemplates:\n  - metadata:\n      name: store\n    spec:\n      storageClassName: fast\n      resources: {requests: {storage: 1Gi}}\n");
        }
    }
    with_template(draft, "apps/v1", kind, &spec)
}

fn template(draft: &mut Draft) -> String {
    let mut text = "template:\n  metadata:\n    labels:\n      app: web\n".to_owned();
    if draft.dice.chance(25) {
        text.push_str("    annotations:\n      note: pod\n");
    }
    text.push_str("  spec:\n");
    text.push_str(&indent(&pod::spec(draft), 4));
    text
}

fn with_template(draft: &mut Draft, api_version: &'static str, kind: &'static str, spec: &str) -> bool {
    let layer = draft.layer();
    let named = identity(draft, kind);
    let metadata = metadata(draft, &named.0, named.1);
    let body = format!("spec:\n{spec}{}", indent(&template(draft), 2));
    place(draft, layer, (api_version, kind, Some("spec.template.spec")), named, &metadata, &body);
    true
}

fn bare_pod(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let named = identity(draft, "Pod");
    let metadata = metadata(draft, &named.0, named.1);
    let body = format!("spec:\n{}", indent(&pod::spec(draft), 2));
    place(draft, layer, ("v1", "Pod", Some("spec")), named, &metadata, &body);
    true
}

fn cron_job(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let named = identity(draft, "CronJob");
    let metadata = metadata(draft, &named.0, named.1);
    let body = format!(
        "spec:\n  schedule: \"* * * * *\"\n  jobTemplate:\n    spec:\n{}",
        indent(&template(draft), 6)
    );
    let pod = Some("spec.jobTemplate.spec.template.spec");
    place(draft, layer, ("batch/v1", "CronJob", pod), named, &metadata, &body);
    true
}
