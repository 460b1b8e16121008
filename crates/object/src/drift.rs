//! Whether an apply would change an object, judged by what its dry run gave back.

use serde_json::{Map, Value};

use crate::Object;

/// Whether the dry run's result differs from the live object: in labels, in annotations, or in anything outside
/// `metadata` and `status`. A dry run without a resource version would create the object.
pub fn has_drifted(live: &Object, dry_run: &Object) -> bool {
    dry_run.resource_version().is_empty()
        || dry_run.labels() != live.labels()
        || dry_run.annotations() != live.annotations()
        || body_differs(live, dry_run)
}

fn body_differs(live: &Object, dry_run: &Object) -> bool {
    let body = |object: &Object| -> Map<String, Value> {
        let fields = object.fields().iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
        fields.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    if live.kind() == "HorizontalPodAutoscaler" || dry_run.kind() == "HorizontalPodAutoscaler" {
        let (mut live, mut dry_run) = (body(live), body(dry_run));
        without_repeated_metrics(&mut live);
        without_repeated_metrics(&mut dry_run);
        return live != dry_run;
    }
    let mut live = live.fields().iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
    let mut dry_run =
        dry_run.fields().iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
    !live.by_ref().eq(dry_run.by_ref())
}

/// Servers before 1.27 answer a dry run of a HorizontalPodAutoscaler with the first metric twice and an empty one.
fn without_repeated_metrics(body: &mut Map<String, Value>) {
    let Some(metrics) =
        body.get_mut("spec").and_then(|spec| spec.get_mut("metrics")).and_then(Value::as_array_mut)
    else {
        return;
    };
    let mut kept: Vec<Value> = Vec::new();
    for metric in metrics.drain(..) {
        let has_type = metric.get("type").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        if has_type && !kept.contains(&metric) {
            kept.push(metric);
        }
    }
    *metrics = kept;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        Object::try_from(value).unwrap()
    }

    #[test]
    fn drift_is_in_labels_annotations_and_all_but_metadata_and_status() {
        let live = json!({"kind": "ConfigMap", "metadata": {"resourceVersion": "1", "labels": {"a": "b"}, "annotations": {}},
            "data": {"k": "v"}, "status": {"x": 1}});
        let with = |pointer: &str, value: Value| {
            let mut changed = live.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            has_drifted(&object(live.clone()), &object(changed))
        };
        assert!(!with("/metadata/resourceVersion", json!("2")));
        assert!(!with("/status/x", json!(2)));
        assert!(!with("/metadata/annotations", json!(null)));
        assert!(with("/metadata/resourceVersion", json!("")));
        assert!(with("/metadata/labels/a", json!("c")));
        assert!(with("/metadata/annotations", json!({"x": "y"})));
        assert!(with("/data/k", json!("w")));
        assert!(with("/data", json!(null)));
    }

    #[test]
    fn a_repeated_metric_is_no_drift() {
        let hpa = |metrics: Value| {
            object(
                json!({"kind": "HorizontalPodAutoscaler", "metadata": {"resourceVersion": "1"}, "spec": {"metrics": metrics}}),
            )
        };
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu"}});
        assert!(!has_drifted(&hpa(json!([cpu])), &hpa(json!([cpu, cpu, {"type": ""}]))));
        assert!(has_drifted(&hpa(json!([cpu])), &hpa(json!([]))));
    }
}
