//! Ids, order, stages, masks, CA bundles and marks against upstream's (`peers/ask/object` records them).

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_object::order::{self, Stage};
use sluice_object::{Object, ObjectId, ca_bundle, redaction};

fn object(value: &Value) -> Option<Object> {
    Object::try_from(value.clone()).ok()
}

fn check(case: &Value) -> Result<(), String> {
    let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let id = || ObjectId {
        namespace: text("namespace"),
        name: text("name"),
        group: text("group"),
        kind: text("kind"),
    };
    let same = |got: String, want: &Value| {
        if got == want.as_str().unwrap_or_default() { Ok(()) } else { Err(format!("{got} but {want}")) }
    };
    match case["ask"].as_str().unwrap_or_default() {
        "id" => {
            same(id().to_inventory(), &case["inventory"])?;
            same(id().to_string(), &case["people"])
        }
        "parse" => match ObjectId::from_inventory(&text("text")) {
            Ok(got) if case["error"].is_null() && got == id() => Ok(()),
            Ok(got) => Err(format!("{got:?}")),
            Err(error) => same(error.to_string(), &case["error"]),
        },
        "stage" => {
            let object = object(&case["object"]).ok_or("no object")?;
            if object.is_secret() != case["isSecret"].as_bool().unwrap_or_default() {
                return Err("a Secret or not".into());
            }
            same(
                format!("{:?}", Stage::of(&object, &order::parse_group_kinds(&text("custom")))),
                &case["stage"],
            )
        }
        "order" => {
            let read = |list: &Value| -> Vec<ObjectId> {
                let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
                texts.filter_map(|text| ObjectId::from_inventory(text).ok()).collect()
            };
            let (mut given, want) = (read(&case["given"]), read(&case["sorted"]));
            given.sort();
            if given == want && want.len() > 200 { Ok(()) } else { Err(format!("{given:?}")) }
        }
        "mask" => {
            let (mut old, mut new) = (object(&case["old"]), object(&case["new"]));
            redaction::mask(old.as_mut(), new.as_mut());
            let (old, new) =
                (old.map(Value::from).unwrap_or_default(), new.map(Value::from).unwrap_or_default());
            if old == case["maskedOld"] && new == case["maskedNew"] {
                Ok(())
            } else {
                Err(format!("{old} {new}"))
            }
        }
        "bundle" => {
            let mut crd = object(&serde_json::json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": case["text"]}}}}
            }))
            .ok_or("no object")?;
            let removed = ca_bundle::remove_invalid(&mut crd);
            if case["kept"] == !removed { Ok(()) } else { Err(format!("removed: {removed}")) }
        }
        "mark" => {
            let marked = object(&case["object"]).is_some_and(|object| object.is_marked("k", "disabled"));
            if case["marked"] == marked { Ok(()) } else { Err(format!("marked: {marked}")) }
        }
        other => Err(format!("nobody asks {other}")),
    }
}

#[test]
fn objects_are_what_upstream_says_they_are() {
    let mut wrong = Vec::new();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for line in include_str!("corpus/object/recorded.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        *asked.entry(case["ask"].to_string()).or_default() += 1;
        if let Err(error) = check(&case) {
            wrong.push(format!("{line}\n  {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(asked.len(), 7, "{asked:?}");
}
