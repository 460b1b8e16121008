//! Kinds whose health looks at what they own: ReplicaSets and StatefulSets at their Pods (Deployments do not).

use serde_json::Value;
use sluice_object::Object;

use crate::{Health, Status, field, kind};

/// The group and kind of what an object of this kind owns and is judged by.
pub fn child_kind(group: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    match (group, kind) {
        ("apps", "ReplicaSet" | "StatefulSet") => Some(("", "Pod")),
        _ => None,
    }
}

/// One of what an object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    counts_as_failed: bool,
}

impl Child {
    /// A child and its own health. Children that are being deleted or wait for a node do not count as failed.
    pub fn new(object: &Object, health: &Health) -> Self {
        let is_deleting = field::text(object.fields(), "metadata.deletionTimestamp").is_some();
        let is_passing = is_deleting || kind::is_unschedulable(object);
        Child { counts_as_failed: health.status == Status::Failed && !is_passing }
    }
}

/// The health of an object that is on its way, in the light of what it owns: it has failed if a child has.
pub fn with_children(health: Health, children: &[Child]) -> Health {
    let failed = children.iter().filter(|child| child.counts_as_failed).count();
    if health.status != Status::InProgress || failed == 0 {
        return health;
    }
    Health::failed(format!("{failed} pods have failed"))
}

/// `spec.selector` as the text of a label selector, which finds what an object owns in its namespace.
pub fn selector(object: &Object) -> Option<String> {
    let selector = object.at(&["spec", "selector"])?.as_object()?;
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<String> =
        labels.map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect::<Option<_>>()?;
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key")?.as_str()?;
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<&str> = values.filter_map(Value::as_str).collect();
        parts.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(","))
}
