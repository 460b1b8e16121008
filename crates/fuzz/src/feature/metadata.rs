//! The fields that change every object: names, namespaces, labels, annotations, images, replicas.

use super::Feature;
use crate::draft::Draft;

pub fn features() -> Vec<Feature> {
    vec![
        Feature::does("namePrefix", |draft| once(draft, "namePrefix", &["pre-", "a-", "\"1-\""])),
        Feature::does("nameSuffix", |draft| once(draft, "nameSuffix", &["-suf", "-z", "\".v2\""])),
        Feature::does("namespace", |draft| once(draft, "namespace", &["target", "ns1", "default"])),
        Feature::does("commonLabels", common_labels),
        Feature::does("commonAnnotations", common_annotations),
        Feature::does("labels", labels),
        Feature::of("labels", "labels.includeSelectors"),
        Feature::of("labels", "labels.includeTemplates"),
        Feature::of("labels", "labels.fields"),
        Feature::of("labels", "labels.two-entries"),
        Feature::does("images", images),
        Feature::of("images", "images.newName"),
        Feature::of("images", "images.newTag"),
        Feature::of("images", "images.digest"),
        Feature::of("images", "images.tagSuffix"),
        Feature::of("images", "images.newName-with-tag"),
        Feature::of("images", "images.name-with-registry"),
        Feature::does("imageTags", image_tags),
        Feature::does("replicas", replicas),
        Feature::of("replicas", "replicas.two-entries"),
        Feature::of("commonAnnotations", "metadata.odd-values"),
    ]
}

fn once(draft: &mut Draft, field: &'static str, values: &[&str]) -> bool {
    let Some(layer) = draft.layer_without(field) else { return false };
    let value = draft.dice.pick(values).to_owned();
    draft.set(layer, field, value);
    true
}

fn entries(draft: &mut Draft, keys: &[&str]) -> String {
    let mut text = String::new();
    for key in keys {
        let value = if draft.rarely("metadata.odd-values") {
            draft.dice.pick(&[
                "\"1\"",
                "\"true\"",
                "'a b'",
                "\"\"",
                "\"1e3\"",
                "'it''s'",
                "2020-01-01",
                "\"null\"",
            ])
        } else {
            draft.dice.pick(&["x", "web", "v1.2"])
        };
        text.push_str(&format!("{key}: {value}\n"));
        if draft.dice.chance(40) {
            break;
        }
    }
    text
}

fn common_labels(draft: &mut Draft) -> bool {
    let Some(layer) = draft.layer_without("commonLabels") else { return false };
    let text = entries(draft, &["app", "example.com/team", "new"]);
    draft.set_block(layer, "commonLabels", text);
    true
}

fn common_annotations(draft: &mut Draft) -> bool {
    let Some(layer) = draft.layer_without("commonAnnotations") else { return false };
    let text = entries(draft, &["note", "example.com/a", "z"]);
    draft.set_block(layer, "commonAnnotations", text);
    true
}

fn labels(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let count = if draft.option("labels.two-entries") { 2 } else { 1 };
    for round in 0..count {
        let pairs = entries(draft, if round == 0 { &["tier", "app", "l"] } else { &["second", "m"] });
        let mut entry = format!("pairs:\n{}", crate::draft::indent(&pairs, 2));
        if draft.option("labels.includeSelectors") {
            entry.push_str("includeSelectors: true\n");
        } else if draft.option("labels.includeTemplates") {
            entry.push_str("includeTemplates: true\n");
        }
        if draft.option("labels.fields") {
            entry.push_str(draft.dice.pick(&[
                "fields:\n- path: spec/labels\n  kind: Thing\n  create: true\n",
                "fields:\n- path: metadata/annotations\n  create: true\n",
                "fields:\n- path: spec/more/labels\n  group: example.com\n  version: v1\n  kind: Thing\n",
                "fields:\n- path: spec/volumeClaimTemplates[]/metadata/labels\n  kind: StatefulSet\n  create: true\n",
            ]));
        }
        draft.push(layer, "labels", entry);
    }
    true
}

fn image_entry(draft: &mut Draft) -> String {
    let name = if draft.rarely("images.name-with-registry") {
        draft.dice.pick(&["host:5000/x/y", "example.com/nginx", "localhost/app", "example.com:443/app"])
    } else {
        draft.dice.pick(&["nginx", "app", "busybox", "quoted", "'*'"])
    };
    let mut entry = format!("name: {name}\n");
    if draft.rarely("images.newName-with-tag") {
        entry.push_str("newName: other:5000/it\n");
    } else if draft.option("images.newName") {
        entry.push_str(draft.dice.pick(&["newName: my/nginx\n", "newName: registry.example.com/a/b\n"]));
    }
    if draft.option("images.newTag") {
        entry.push_str(draft.dice.pick(&[
            "newTag: v2\n",
            "newTag: \"1.30\"\n",
            "newTag: \"7\"\n",
            "newTag: \"\"\n",
        ]));
    } else if draft.option("images.tagSuffix") {
        entry.push_str("tagSuffix: -alpine\n");
    }
    if draft.rarely("images.digest") {
        entry.push_str("digest: sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3\n");
    }
    entry
}

fn images(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    for _ in 0..=draft.dice.below(2) {
        let entry = image_entry(draft);
        draft.push(layer, "images", entry);
    }
    true
}

fn image_tags(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let entry = image_entry(draft);
    draft.push(layer, "imageTags", entry);
    true
}

fn replicas(draft: &mut Draft) -> bool {
    let count = if draft.option("replicas.two-entries") { 2 } else { 1 };
    let mut is_done = false;
    for _ in 0..count {
        let found = draft.find_clear(|object| {
            object.api_version == "apps/v1"
                && matches!(object.kind, "Deployment" | "StatefulSet" | "ReplicaSet")
        });
        let Some((layer, object)) = found else { return is_done };
        let count = draft.dice.below(6);
        draft.push(layer, "replicas", format!("name: {}\ncount: {count}\n", object.name));
        is_done = true;
    }
    is_done
}
