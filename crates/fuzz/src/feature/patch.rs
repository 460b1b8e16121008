//! Patches: strategic merges with every directive, operations, targets, and the old spellings.

mod body;

pub use body::{merge, operations};

use super::settings::below;
use super::{Feature, How};
use crate::draft::{Draft, Known, literal};

pub fn features() -> Vec<Feature> {
    let mut features = vec![
        Feature::does("patches.merge", inline_merge),
        Feature::does("patches.merge-path", merge_path),
        Feature::does("patches.merge-two-documents", two_documents),
        Feature::does("patches.merge-targeted", merge_targeted),
        Feature::does("patches.operations", inline_operations),
        Feature::does("patches.operations-path", operations_path),
        Feature::does("patchesStrategicMerge", legacy_merge),
        Feature::of("patchesStrategicMerge", "patchesStrategicMerge.inline"),
        Feature::does("patchesJson6902", legacy_operations),
        Feature::of("patchesJson6902", "patchesJson6902.path"),
        Feature::of("patches.merge-targeted", "patches.options.allowNameChange"),
        Feature::of("patches.merge-targeted", "patches.options.allowKindChange"),
    ];
    for name in TARGETS {
        features.push(Feature { name, how: How::Of("patches.operations") });
    }
    for name in body::MERGES {
        features.push(Feature { name, how: How::Of("patches.merge") });
    }
    for name in body::OPERATIONS {
        features.push(Feature { name, how: How::Of("patches.operations") });
    }
    features
}

const TARGETS: &[&str] = &[
    "target.kind",
    "target.name-expression",
    "target.group",
    "target.version",
    "target.namespace",
    "target.labelSelector",
    "target.annotationSelector",
];

/// Who is meant: the object itself, or many by expressions and selectors.
pub fn target(draft: &mut Draft, object: &Known) -> String {
    let mut text = String::new();
    if draft.rarely("target.group") {
        text.push_str(&format!(
            "group: {}\n",
            if object.group().is_empty() { "\"\"" } else { object.group() }
        ));
    }
    if draft.rarely("target.version") {
        text.push_str(&format!("version: {}\n", object.version()));
    }
    if draft.option("target.kind") {
        let kind = match draft.dice.below(3) {
            0 => object.kind.to_owned(),
            1 => format!("{}|Nothing", object.kind),
            _ => format!("{}.*", &object.kind[..3]),
        };
        text.push_str(&format!("kind: {kind}\n"));
    } else {
        text.push_str(&format!("kind: {}\n", object.kind));
    }
    if draft.rarely("target.name-expression") {
        text.push_str(draft.dice.pick(&[
            "name: .*\n",
            "name: \"[wd].*\"\n",
            "name: web.*|db.*|cfg1\n",
            "name: ^api-\\d+$\n",
        ]));
    } else {
        text.push_str(&format!("name: {}\n", object.name));
    }
    if draft.rarely("target.namespace") {
        text.push_str(&format!("namespace: {}\n", object.namespace.unwrap_or("default")));
    }
    if draft.rarely("target.labelSelector") {
        text.push_str(draft.dice.pick(&[
            "labelSelector: app=web\n",
            "labelSelector: \"app,tier!=front\"\n",
            "labelSelector: app in (web, db)\n",
        ]));
    }
    if draft.rarely("target.annotationSelector") {
        text.push_str(draft.dice.pick(&[
            "annotationSelector: note\n",
            "annotationSelector: note=n1\n",
            "annotationSelector: \"!none\"\n",
        ]));
    }
    text
}

/// Up to three patches, so that directives for pods and those for other objects come about.
fn inline_merge(draft: &mut Draft) -> bool {
    let fits: [fn(&Known) -> bool; 3] = [
        |_| true,
        |object| object.pod.is_some(),
        |object| matches!(object.kind, "Thing" | "Service" | "ConfigMap"),
    ];
    let mut is_done = false;
    for fits in fits {
        if is_done && draft.dice.chance(40) {
            continue;
        }
        let Some((layer, object)) = draft.find_clear(fits) else { continue };
        let body = merge(draft, &object);
        draft.push(layer, "patches", format!("patch: {}", literal(&body, 2)));
        is_done = true;
    }
    is_done
}

fn merge_path(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let body = merge(draft, &object);
    let file = draft.file(layer, "merge", "yaml", body);
    draft.push(layer, "patches", format!("path: {file}\n"));
    true
}

fn two_documents(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let Some(other) = draft.find(layer, |other| other.name != object.name) else { return false };
    let text = format!("{}---\n{}", merge(draft, &object), merge(draft, &other));
    if draft.dice.chance(50) {
        let file = draft.file(layer, "both", "yaml", text);
        draft.push(layer, "patches", format!("path: {file}\n"));
    } else {
        draft.push(layer, "patches", format!("patch: {}", literal(&text, 2)));
    }
    true
}

fn merge_targeted(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let Some(object) = draft.find(layer, |_| true) else { return false };
    let mut shown = object.clone();
    let mut options = String::new();
    if draft.option("patches.options.allowNameChange") {
        options.push_str("allowNameChange: true\n");
        shown.name = format!("renamed{}", draft.number());
    }
    if draft.option("patches.options.allowKindChange") {
        options.push_str("allowKindChange: true\n");
        // The hash of a generated object that changes its kind is one over kustomize's own memory of it.
        let is_generated =
            ["cfg", "sec", "merged", "replaced"].iter().any(|stem| object.name.starts_with(stem));
        if draft.dice.chance(50) && !is_generated {
            shown.kind = "Changed";
            shown.api_version = "example.com/v2";
        }
    }
    let is_change = !options.is_empty();
    let body = merge(draft, &shown);
    let chosen = if is_change {
        below("target", &format!("kind: {}\nname: {}\n", object.kind, object.name))
    } else {
        below("target", &target(draft, &object))
    };
    let mut entry = if draft.dice.chance(50) {
        format!("path: {}\n{chosen}", draft.file(layer, "targeted", "yaml", body))
    } else {
        format!("patch: {}{chosen}", literal(&body, 2))
    };
    if is_change {
        entry.push_str(&below("options", &options));
    }
    draft.push(layer, "patches", entry);
    true
}

fn inline_operations(draft: &mut Draft) -> bool {
    let mut is_done = false;
    for has_lists in [true, false] {
        let layer = draft.layer();
        let fits = |object: &Known| !has_lists || object.pod.is_some() || object.kind == "Thing";
        let Some(object) = draft.find(layer, fits) else { continue };
        let chosen = below("target", &target(draft, &object));
        let body = operations(draft, &object);
        draft.push(layer, "patches", format!("{chosen}patch: {}", literal(&body, 2)));
        is_done = true;
    }
    is_done
}

fn operations_path(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let Some(object) = draft.find(layer, |_| true) else { return false };
    let chosen = below("target", &target(draft, &object));
    let body = operations(draft, &object);
    let file = draft.file(layer, "operations", "yaml", body);
    draft.push(layer, "patches", format!("{chosen}path: {file}\n"));
    true
}

fn legacy_merge(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let body = merge(draft, &object);
    if draft.option("patchesStrategicMerge.inline") {
        draft.push(layer, "patchesStrategicMerge", literal(&body, 2));
    } else {
        let file = draft.file(layer, "legacy", "yaml", body);
        draft.push(layer, "patchesStrategicMerge", file);
    }
    true
}

fn legacy_operations(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let mut exact = String::new();
    if !object.group().is_empty() {
        exact.push_str(&format!("group: {}\n", object.group()));
    }
    exact.push_str(&format!("version: {}\nkind: {}\nname: {}\n", object.version(), object.kind, object.name));
    if let Some(namespace) = object.namespace {
        exact.push_str(&format!("namespace: {namespace}\n"));
    }
    let body = operations(draft, &object);
    let chosen = below("target", &exact);
    let entry = if draft.option("patchesJson6902.path") {
        format!("{chosen}path: {}\n", draft.file(layer, "operations", "yaml", body))
    } else {
        format!("{chosen}patch: {}", literal(&body, 2))
    };
    draft.push(layer, "patchesJson6902", entry);
    true
}
