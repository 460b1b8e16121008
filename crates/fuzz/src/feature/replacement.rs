//! Replacements: every option of sources and targets.

use super::{Feature, How};
use crate::draft::{Draft, Known, indent};

pub fn features() -> Vec<Feature> {
    let mut features =
        vec![Feature::does("replacements", inline), Feature::does("replacements.path", in_file)];
    features.extend(
        [
            "replacements.sourceValue",
            "replacements.source-fieldPath",
            "replacements.source-group-version",
            "replacements.source-namespace",
            "replacements.source-delimiter",
            "replacements.source-object",
            "replacements.target-many",
            "replacements.target-reject",
            "replacements.target-create",
            "replacements.target-delimiter",
            "replacements.target-delimiter-edge",
            "replacements.target-list-selector",
            "replacements.target-wildcard",
            "replacements.target-index",
            "replacements.target-append",
            "replacements.target-escaped-dot",
            "replacements.target-name",
            "replacements.two-targets",
            "replacements.target-by-selector",
        ]
        .into_iter()
        .map(|name| Feature {
            name,
            how: match name {
                "replacements.source-object" | "replacements.target-list-selector" => How::Of("object.odd"),
                "replacements.source-namespace" => How::Of("object.namespace"),
                _ => How::Of("replacements"),
            },
        }),
    );
    features
}

fn inline(draft: &mut Draft) -> bool {
    let mut is_done = false;
    for _ in 0..=draft.dice.below(3) {
        let Some((layer, entry)) = replacement(draft) else { continue };
        draft.push(layer, "replacements", entry);
        is_done = true;
    }
    is_done
}

fn in_file(draft: &mut Draft) -> bool {
    let Some((layer, entry)) = replacement(draft) else { return false };
    let text = if draft.dice.chance(50) {
        entry
    } else {
        let list = format!("- {}", crate::draft::hang(&entry, 2));
        let Some((other, more)) = replacement(draft) else { return false };
        if other == layer { format!("{list}- {}", crate::draft::hang(&more, 2)) } else { list }
    };
    let file = draft.file(layer, "replacement", "yaml", text);
    draft.push(layer, "replacements", format!("path: {file}\n"));
    true
}

/// One replacement, and the layer whose objects it is about.
pub fn replacement(draft: &mut Draft) -> Option<(usize, String)> {
    let is_odd = draft.wants("replacements.source-object") && draft.dice.chance(70);
    let is_spaced = draft.wants("replacements.source-namespace") && draft.dice.chance(70);
    let (layer, source) = draft
        .find_clear(|object| {
            (!is_odd || object.kind == "Thing") && (!is_spaced || object.namespace.is_some())
        })
        .or_else(|| draft.find_clear(|_| true))?;
    let mut is_object = false;
    let mut text = if draft.rarely("replacements.sourceValue") {
        format!("sourceValue: {}\n", draft.dice.pick(&["given", "\"5\"", "a:b:c", "\"true\""]))
    } else {
        let mut text = format!("kind: {}\nname: {}\n", source.kind, source.name);
        if draft.rarely("replacements.source-group-version") {
            if !source.group().is_empty() {
                text.push_str(&format!("group: {}\n", source.group()));
            }
            text.push_str(&format!("version: {}\n", source.version()));
        }
        if let Some(namespace) = source.namespace
            && draft.rarely("replacements.source-namespace")
        {
            text.push_str(&format!("namespace: {namespace}\n"));
        }
        let is_whole = is_odd && source.kind == "Thing";
        if !is_whole && draft.option("replacements.source-fieldPath") {
            let path = match (source.pod, source.kind) {
                (Some(path), _) => format!("{path}.containers.0.image"),
                (_, "Thing") => {
                    draft.dice.pick(&["spec.items.[name=two].name", "spec.replicas", "spec.image"]).to_owned()
                }
                (_, "Service") => "spec.ports.0.port".to_owned(),
                _ => "metadata.name".to_owned(),
            };
            text.push_str(&format!("fieldPath: {path}\n"));
        } else if draft.wants("replacements.source-object") && source.kind == "Thing" {
            draft.mark("replacements.source-object");
            text.push_str("fieldPath: spec.items\n");
            is_object = true;
        }
        if !is_object && draft.rarely("replacements.source-delimiter") {
            text.push_str(&format!(
                "options:\n  delimiter: \"{}\"\n  index: 0\n",
                draft.dice.pick(&["-", ":", "/", "."])
            ));
        }
        format!("source:\n{}", indent(&text, 2))
    };
    text.push_str("targets:\n");
    let count = if draft.option("replacements.two-targets") { 2 } else { 1 };
    for _ in 0..count {
        let is_pod = draft.dice.chance(50);
        let object =
            match draft.find(layer, |object| !is_pod || object.pod.is_some() || object.kind == "Thing") {
                Some(object) => object,
                None => draft.find(layer, |_| true)?,
            };
        let entry = target(draft, &object, is_object);
        text.push_str(&format!("- {}", crate::draft::hang(&entry, 2)));
    }
    Some((layer, text))
}

fn target(draft: &mut Draft, object: &Known, is_object: bool) -> String {
    let mut select = String::new();
    if draft.rarely("replacements.target-by-selector") {
        select.push_str("labelSelector: app=web\n");
        if draft.dice.chance(50) {
            select.push_str("annotationSelector: note\n");
        }
    }
    if draft.rarely("replacements.target-many") {
        select.push_str(&format!("kind: {}\n", object.kind));
    } else {
        select.push_str(&format!("kind: {}\nname: {}\n", object.kind, object.name));
    }
    let mut text = format!("select:\n{}", indent(&select, 2));
    if draft.rarely("replacements.target-reject") {
        text.push_str(draft.dice.pick(&[
            "reject:\n- name: nobody\n",
            "reject:\n- kind: Thing\n- name: web1\n",
            "reject:\n- labelSelector: app=db\n",
        ]));
    }
    let (path, options) = path(draft, object, is_object);
    text.push_str(&format!("fieldPaths:\n- {path}\n"));
    if !options.is_empty() {
        text.push_str(&format!("options:\n{}", indent(&options, 2)));
    }
    text
}

fn path(draft: &mut Draft, object: &Known, is_object: bool) -> (String, String) {
    let create = "create: true\n".to_owned();
    if is_object {
        draft.mark("replacements.target-create");
        return ("spec.copied".to_owned(), create);
    }
    if let Some(pod) = object.pod {
        if draft.rarely("replacements.target-wildcard") {
            return (format!("{pod}.containers.*.image"), delimiter(draft));
        }
        if draft.rarely("replacements.target-index") {
            return (format!("{pod}.containers.0.image"), delimiter(draft));
        }
        if draft.rarely("replacements.target-append") {
            return (format!("{pod}.containers.[name=main].command.-"), create);
        }
        if draft.rarely("replacements.target-list-selector") {
            if draft.dice.chance(50) {
                return (format!("{pod}.containers.[name=main].env.[name=R].value"), create);
            }
            return (format!("{pod}.containers.[name=main].image"), delimiter(draft));
        }
    }
    if object.kind == "Thing" && draft.rarely("replacements.target-list-selector") {
        return ("spec.items.[name=one].v".to_owned(), String::new());
    }
    if object.kind == "Thing" && draft.rarely("replacements.target-wildcard") {
        return ("spec.items.*.name".to_owned(), delimiter(draft));
    }
    if draft.rarely("replacements.target-escaped-dot") {
        return (r"metadata.annotations.example\.com/a\.b".to_owned(), create);
    }
    if draft.rarely("replacements.target-name") {
        return ("metadata.name".to_owned(), delimiter(draft));
    }
    draft.mark("replacements.target-create");
    (
        draft
            .dice
            .pick(&["metadata.annotations.replaced", "spec.fresh.deep", "metadata.labels.replaced"])
            .to_owned(),
        create,
    )
}

fn delimiter(draft: &mut Draft) -> String {
    if draft.rarely("replacements.target-delimiter-edge") {
        return format!("delimiter: \":\"\nindex: {}\n", draft.dice.pick(&["-1", "2", "100"]));
    }
    if draft.rarely("replacements.target-delimiter") {
        return format!("delimiter: \"{}\"\nindex: 0\n", draft.dice.pick(&[":", "-", "/"]));
    }
    String::new()
}
