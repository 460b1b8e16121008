//! How files are written down: names, order, comments, quotes, line ends. None of it may change what is built.

use std::collections::BTreeMap;

use super::{Feature, fault};
use crate::draft::{Content, Draft, hang, indent};

pub fn features() -> Vec<Feature> {
    [
        "file.kustomization-yml",
        "file.kustomization-bare",
        "file.header",
        "file.metadata",
        "file.document-start",
        "file.comments",
        "file.crlf",
        "file.byte-order-mark",
        "file.flow-lists",
        "file.quoted-keys",
        "file.indented-lists",
        "file.null-fields",
        "file.empty-lists",
        "file.field-case",
        "file.anchors",
        "objects.multi-document",
        "objects.list-kind",
        "objects.typed-list",
        "objects.empty-documents",
        "objects.document-end",
        "objects.crlf",
        "objects.byte-order-mark",
    ]
    .into_iter()
    .map(
        |name| if name == "file.anchors" { Feature::of("nameSuffix", name) } else { Feature::anywhere(name) },
    )
    .collect()
}

/// The draft as files.
pub fn files(draft: &mut Draft, fault: Option<&fault::Fault>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for layer in 0..draft.layers.len() {
        write_objects(draft, layer);
        name_bases(draft, layer);
    }
    if let Some(fault) = fault {
        (fault.put)(draft);
    }
    for layer in 0..draft.layers.len() {
        let text = kustomization(draft, layer);
        let name = if draft.rarely("file.kustomization-yml") {
            "kustomization.yml"
        } else if draft.rarely("file.kustomization-bare") {
            "Kustomization"
        } else {
            "kustomization.yaml"
        };
        let folder = draft.layers[layer].folder.clone();
        files.insert(format!("{folder}/{name}"), text);
        for (name, content) in std::mem::take(&mut draft.layers[layer].files) {
            files.insert(join(&folder, &name), content);
        }
    }
    files
}

fn join(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    let mut rest = name;
    while let Some(above) = rest.strip_prefix("../") {
        parts.pop();
        rest = above;
    }
    parts.push(rest);
    parts.join("/")
}

/// The way from one folder to another, both below the same root.
fn way(from: &str, to: &str) -> String {
    if let Some(inner) = to.strip_prefix(&format!("{from}/")) {
        return format!("./{inner}");
    }
    format!("{}{to}", "../".repeat(from.split('/').count()))
}

fn name_bases(draft: &mut Draft, layer: usize) {
    for at in 0..draft.layers.len() {
        if !draft.layers[at].parents.contains(&layer) {
            continue;
        }
        let way = way(&draft.layers[layer].folder, &draft.layers[at].folder);
        let field = if draft.layers[at].is_component {
            "components"
        } else if draft.option("layout.bases-field") {
            "bases"
        } else {
            "resources"
        };
        draft.push(layer, field, way);
    }
}

fn write_objects(draft: &mut Draft, layer: usize) {
    let documents = std::mem::take(&mut draft.layers[layer].documents);
    let mut at = 0;
    while at < documents.len() {
        let count = if draft.rarely("objects.multi-document") { 1 + draft.dice.below(3) } else { 1 };
        let end = (at + count).min(documents.len());
        let text = one_file(draft, &documents[at..end]);
        at = end;
        let name = draft.file(layer, "r", "yaml", text);
        draft.push(layer, "resources", name);
    }
}

fn one_file(draft: &mut Draft, documents: &[String]) -> Vec<u8> {
    let kind_of =
        |text: &str| text.lines().nth(1).unwrap_or_default().trim_start_matches("kind: ").to_owned();
    let api_of = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let items = |documents: &[String]| -> String {
        documents.iter().flat_map(|text| ["- ".to_owned(), hang(text, 2)]).collect()
    };
    let same = documents
        .iter()
        .all(|text| kind_of(text) == kind_of(&documents[0]) && api_of(text) == api_of(&documents[0]));
    let has_anchor = documents.iter().any(|text| text.contains(": &"));
    let mut text = if !has_anchor && draft.rarely("objects.list-kind") {
        format!("apiVersion: v1\nkind: List\nitems:\n{}", items(documents))
    } else if same && !has_anchor && draft.rarely("objects.typed-list") {
        format!(
            "{}\nkind: {}List\nitems:\n{}",
            api_of(&documents[0]),
            kind_of(&documents[0]),
            items(documents)
        )
    } else {
        let between = if draft.rarely("objects.empty-documents") { "---\n# nothing\n---\n" } else { "---\n" };
        documents.join(between)
    };
    if draft.rarely("object.comments") {
        text = commented(draft, &text);
    }
    if draft.rarely("objects.document-end") {
        text.push_str("...\n");
    }
    if draft.rarely("objects.empty-documents") {
        text = format!("---\n---\n{text}---\n");
    }
    if draft.rarely("objects.crlf") {
        text = text.replace('\n', "\r\n");
    }
    if draft.rarely("objects.byte-order-mark") {
        text.insert(0, '\u{feff}');
    }
    text.into_bytes()
}

/// Comments above and behind lines, but not inside of block scalars.
fn commented(draft: &mut Draft, text: &str) -> String {
    let mut shown = String::new();
    let mut scalar: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let depth = line.len() - line.trim_start_matches([' ', '-']).len();
        if let Some(outer) = scalar {
            if line.trim().is_empty() || line.len() - line.trim_start_matches(' ').len() > outer {
                shown.push_str(line);
                continue;
            }
            scalar = None;
        }
        let bare = line.trim_end();
        let opens =
            [": |", ": >", ": |-", ": >-", ": |+", ": >+", ": |2"].iter().any(|end| bare.ends_with(end));
        if draft.dice.chance(12) && !bare.starts_with("---") {
            shown.push_str(&format!("{}# above\n", " ".repeat(depth)));
        }
        if !opens
            && draft.dice.chance(12)
            && bare.contains(": ")
            && !bare.contains(['"', '\'', '#', '|', '>'])
        {
            shown.push_str(&format!("{bare} # behind\n"));
        } else {
            shown.push_str(line);
        }
        if opens {
            scalar = Some(line.len() - line.trim_start_matches(' ').len());
        }
    }
    if draft.dice.chance(30) && text.ends_with('\n') && scalar.is_none() {
        shown.push_str("# at the end\n");
    }
    shown
}

const EMPTY: &[&str] =
    &["patches", "resources", "images", "replicas", "components", "crds", "vars", "configMapGenerator"];

fn kustomization(draft: &mut Draft, layer: usize) -> Vec<u8> {
    let fields = std::mem::take(&mut draft.layers[layer].fields);
    let mut parts = Vec::new();
    if draft.layers[layer].is_component {
        parts.push("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n".to_owned());
    } else if draft.rarely("file.header") {
        parts.push("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n".to_owned());
    }
    if draft.rarely("file.metadata") {
        parts.push("metadata:\n  name: this\n  annotations: {a: b}\n".to_owned());
    }
    if fields.is_empty() && !draft.layers[layer].is_component {
        parts.push("commonAnnotations: {alone: x}\n".to_owned());
    }
    for empty in EMPTY {
        if fields.contains_key(empty) {
            continue;
        }
        if draft.dice.chance(20) && draft.rarely("file.null-fields") {
            parts.push(format!("{empty}:\n"));
        } else if draft.dice.chance(20) && draft.rarely("file.empty-lists") {
            parts.push(format!("{empty}: []\n"));
        }
    }
    let mut has_anchor = false;
    for (name, content) in &fields {
        let key = key(draft, name);
        let text = match content {
            Content::Inline(value) => {
                if !has_anchor
                    && matches!(*name, "nameSuffix" | "namePrefix" | "namespace")
                    && draft.rarely("file.anchors")
                {
                    has_anchor = true;
                    format!("{key}: &n {value}\n")
                } else {
                    format!("{key}: {value}\n")
                }
            }
            Content::Block(text) => format!("{key}:\n{}", indent(text, 2)),
            Content::List(entries) => list(draft, &key, entries),
        };
        parts.push(text);
    }
    draft.dice.shuffle(&mut parts);
    if has_anchor {
        // What an alias names comes first.
        parts.sort_by_key(|part| !part.contains(": &n "));
        parts.push("metadata:\n  name: *n\n".to_owned());
        if parts.iter().filter(|part| part.starts_with("metadata:")).count() > 1 {
            parts.pop();
        }
    }
    let mut text = parts.concat();
    if draft.rarely("file.comments") {
        text = commented(draft, &text);
    }
    if draft.rarely("file.document-start") {
        text.insert_str(0, "---\n");
    }
    if draft.rarely("file.crlf") {
        text = text.replace('\n', "\r\n");
    }
    if draft.rarely("file.byte-order-mark") {
        text.insert(0, '\u{feff}');
    }
    text.into_bytes()
}

fn key(draft: &mut Draft, name: &str) -> String {
    if draft.dice.chance(25) && draft.rarely("file.quoted-keys") {
        return format!("\"{name}\"");
    }
    if draft.dice.chance(25) && draft.rarely("file.field-case") {
        return name.to_uppercase();
    }
    name.to_owned()
}

fn list(draft: &mut Draft, key: &str, entries: &[String]) -> String {
    let is_plain = entries.iter().all(|entry| !entry.contains(['\n', '|', '{', '"']));
    if is_plain && draft.rarely("file.flow-lists") {
        return format!("{key}: [{}]\n", entries.join(", "));
    }
    let depth = if draft.rarely("file.indented-lists") { 2 } else { 0 };
    let mut text = format!("{key}:\n");
    for entry in entries {
        let item =
            if entry.starts_with('|') { format!("- {entry}") } else { format!("- {}", hang(entry, 2)) };
        let item = if item.ends_with('\n') { item } else { format!("{item}\n") };
        text.push_str(&indent(&item, depth));
    }
    text
}
