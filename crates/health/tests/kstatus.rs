//! Health against kstatus, set up as kustomize-controller sets it up (`peers/ask/kstatus` records it).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sluice_health::{Child, Health, Status, child_kind, health, selector, with_children};
use sluice_object::Object;

/// Between the creation times in the record.
const NOW: &str = "2026-11-22T00:00:00Z";

fn judge(object: &Object, cluster: &[Object], now: Timestamp) -> Health {
    let own = health(object, now);
    let Some((group, kind)) = child_kind(object.group(), object.kind()) else { return own };
    let children = cluster
        .iter()
        .filter(|child| (child.group(), child.kind()) == (group, kind) && child.label("app") == Some("x"));
    let children: Vec<Child> = children.map(|child| Child::new(child, &judge(child, cluster, now))).collect();
    with_children(own, &children)
}

#[test]
fn objects_are_judged_as_kstatus_judges_them() {
    let now: Timestamp = NOW.parse().unwrap();
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<Status, usize> = BTreeMap::new();
    for line in include_str!("corpus/kstatus/recorded.jsonl").lines() {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let object = Object::try_from(case["object"].take()).unwrap();
        let children: Vec<Object> = serde_json::from_value(case["children"].take()).unwrap_or_default();
        let got = judge(&object, &children, now);
        let want_text = case["error"].as_str().or(case["message"].as_str()).unwrap_or_default();
        if got.status.as_str() != case["status"] || got.message != want_text {
            wrong.push(format!("{line}\n  got {}: {}", got.status, got.message));
        }
        *seen.entry(got.status).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    for status in [Status::Current, Status::InProgress, Status::Failed, Status::Terminating, Status::Unknown]
    {
        assert!(seen.get(&status).is_some_and(|count| *count > 2), "{seen:?}");
    }
}

#[test]
fn an_unschedulable_pod_is_looked_at_again_when_its_window_ends() {
    let pod = Object::try_from(serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "2026-11-22T00:00:00Z"},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    }))
    .unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let waiting = health(&pod, at("2026-11-22T00:00:14.9Z"));
    assert_eq!((waiting.status, waiting.revisit_at), (Status::InProgress, Some(at("2026-11-22T00:00:15Z"))));
    let later = health(&pod, at("2026-11-22T00:00:15Z"));
    assert_eq!((later.status, later.revisit_at), (Status::Failed, None));
}

#[test]
fn a_selector_is_written_as_the_server_reads_it() {
    let object = |selector: Value| {
        Object::try_from(serde_json::json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"selector": selector}}))
            .unwrap()
    };
    let given = serde_json::json!({"matchLabels": {"b": "1", "a": "x"}, "matchExpressions": [
        {"key": "c", "operator": "In", "values": ["d", "e"]}, {"key": "f", "operator": "NotIn", "values": ["g"]},
        {"key": "h", "operator": "Exists"}, {"key": "i", "operator": "DoesNotExist"}]});
    assert_eq!(selector(&object(given)).as_deref(), Some("a=x,b=1,c in (d,e),f notin (g),h,!i"));
    assert_eq!(selector(&object(serde_json::json!("x"))), None);
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), out));
        }
        _ => {}
    }
}

#[test]
fn whatever_stands_anywhere_nothing_panics() {
    let now: Timestamp = NOW.parse().unwrap();
    let numbers = serde_json::json!([i64::MIN, i64::MAX, -1, 2.5, null, "é", [{}], {"": null}]);
    let strange = numbers.as_array().unwrap();
    for line in include_str!("corpus/kstatus/recorded.jsonl").lines().step_by(3) {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let object = case["object"].take();
        let mut all = Vec::new();
        places(&object, "", &mut all);
        for place in all.iter().skip(1) {
            for value in strange {
                let mut changed = object.clone();
                *changed.pointer_mut(place).unwrap() = value.clone();
                let object = Object::try_from(changed).unwrap();
                let _ = (judge(&object, &[], now), selector(&object));
            }
        }
    }
}
