//! Changes to a kustomization file as text: what `edit set|add|remove|fix` and `create` do. Order and comments stay.
//!
//! Pure: which files exist is the caller's business.

use sluice_yaml::{Document, Limits, Node, SequenceIndent};

use crate::error::{Error, Result, fail};
use crate::file::Image;
use crate::nodes;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Sets a top-level text: `namespace`, `namePrefix`, `nameSuffix`. An empty one takes the field away.
    Set { field: &'static str, text: String },
    /// Puts paths at the end of a list (`resources`, `components`, ...), those that stand there already left out.
    Add { field: &'static str, items: Vec<String> },
    /// Takes paths out of a list.
    Remove { field: &'static str, items: Vec<String> },
    /// Puts entries into a map (`commonAnnotations`, ...), over those of the same name.
    SetEntries { field: &'static str, entries: Vec<(String, String)> },
    /// Takes entries out of a map.
    RemoveEntries { field: &'static str, names: Vec<String> },
    /// Puts labels as an entry of `labels` without selectors.
    AddLabels { pairs: Vec<(String, String)>, selectors: bool },
    /// Sets name, tag or digest of one image; the list is kept in order of names.
    SetImage(Image),
    /// Takes an image's entry out.
    RemoveImage(String),
    /// Sets the count of one workload.
    SetReplicas { name: String, count: i64 },
    /// Moves deprecated spellings to their successors.
    Fix,
}

/// A new kustomization file.
pub fn create(resources: &[String], namespace: &str, prefix: &str, suffix: &str) -> String {
    let mut file = Node::mapping(vec![
        (Node::string("apiVersion"), Node::string(crate::file::KUSTOMIZATION_VERSION)),
        (Node::string("kind"), Node::string("Kustomization")),
    ]);
    if !resources.is_empty() {
        let items = resources.iter().map(|path| Node::string(path.as_str())).collect();
        file.set("resources", Node::sequence(items));
    }
    for (field, text) in [("namespace", namespace), ("namePrefix", prefix), ("nameSuffix", suffix)] {
        if !text.is_empty() {
            file.set(field, Node::string(text));
        }
    }
    sluice_yaml::emit(&file)
}

/// Applies changes to a file's text.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String> {
    let mut documents = sluice_yaml::parse_documents(text, Limits::default())
        .map_err(|error| Error::new(error.to_string()))?;
    if documents.len() > 1 {
        fail!("a kustomization file is one document");
    }
    if documents.first().is_none_or(|document| document.root.is_null()) {
        let (head, foot) = documents.pop().map(|document| (document.head, document.foot)).unwrap_or_default();
        documents = vec![Document { root: Node::mapping(Vec::new()), head, foot }];
    }
    let root = &mut documents[0].root;
    if !root.is_map() {
        fail!("a kustomization file is a mapping");
    }
    for edit in edits {
        one(root, edit)?;
    }
    let indent = if text.contains(":\n  - ") { SequenceIndent::Wide } else { SequenceIndent::Compact };
    Ok(sluice_yaml::emit_documents(&documents, indent))
}

fn one(root: &mut Node, edit: &Edit) -> Result<()> {
    match edit {
        Edit::Set { field, text } if text.is_empty() => {
            root.remove(field);
        }
        Edit::Set { field, text } => set(root, field, Node::string(text.as_str())),
        Edit::Add { field, items } => {
            let list = list(root, field)?;
            for item in items {
                if !list.iter().any(|known| known.as_str() == Some(item)) {
                    list.push(Node::string(item.as_str()));
                }
            }
        }
        Edit::Remove { field, items } => {
            list(root, field)?.retain(|known| !items.iter().any(|item| known.as_str() == Some(item)));
            drop_empty(root, field);
        }
        Edit::SetEntries { field, entries } => {
            let map = map(root, field)?;
            for (name, text) in entries {
                set(map, name, Node::string(text.as_str()));
            }
        }
        Edit::RemoveEntries { field, names } => {
            for name in names {
                if map(root, field)?.remove(name).is_none() {
                    fail!("{field} {name} is not defined in kustomization file");
                }
            }
            drop_empty(root, field);
        }
        Edit::AddLabels { pairs, selectors } => {
            let entries = pairs
                .iter()
                .map(|(name, text)| (Node::string(name.as_str()), Node::string(text.as_str())))
                .collect();
            let mut label = Node::mapping(Vec::new());
            if *selectors {
                label.set("includeSelectors", Node::bool(true));
            }
            label.set("pairs", Node::mapping(entries));
            list(root, "labels")?.push(label);
        }
        Edit::SetImage(image) => set_image(list(root, "images")?, image),
        Edit::RemoveImage(name) => {
            list(root, "images")?.retain(|known| known.get_str("name") != Some(name));
            drop_empty(root, "images");
        }
        Edit::SetReplicas { name, count } => {
            let list = list(root, "replicas")?;
            match list.iter_mut().find(|known| known.get_str("name") == Some(name)) {
                Some(known) => set(known, "count", Node::int(*count)),
                None => list.push(Node::mapping(vec![
                    (Node::string("count"), Node::int(*count)),
                    (Node::string("name"), Node::string(name.as_str())),
                ])),
            }
        }
        Edit::Fix => fix(root)?,
    }
    Ok(())
}

/// Puts a value in place, with the comments and quotes of the one before.
fn set(map: &mut Node, field: &str, value: Node) {
    match map.get_mut(field) {
        Some(place) if place.is_scalar() && value.is_scalar() => {
            place.kind = value.kind;
            place.tag = value.tag;
            place.tagged = false;
        }
        _ => {
            map.set(field, value);
        }
    }
}

fn list<'a>(root: &'a mut Node, field: &str) -> Result<&'a mut Vec<Node>> {
    if root.get(field).is_none_or(Node::is_null) {
        root.set(field, Node::sequence(Vec::new()));
    }
    root.get_mut(field).and_then(Node::items_mut).ok_or_else(|| Error::new(format!("{field} is not a list")))
}

fn map<'a>(root: &'a mut Node, field: &str) -> Result<&'a mut Node> {
    if root.get(field).is_none_or(Node::is_null) {
        root.set(field, Node::mapping(Vec::new()));
    }
    root.get_mut(field).filter(|map| map.is_map()).ok_or_else(|| Error::new(format!("{field} is not a map")))
}

fn drop_empty(root: &mut Node, field: &str) {
    if root.get(field).is_some_and(nodes::is_empty) {
        root.remove(field);
    }
}

fn set_image(list: &mut Vec<Node>, image: &Image) {
    let at = match list.iter().position(|known| known.get_str("name") == Some(&image.name)) {
        Some(at) => at,
        None => {
            list.push(Node::mapping(vec![(Node::string("name"), Node::string(image.name.as_str()))]));
            list.len() - 1
        }
    };
    let known = &mut list[at];
    for (field, text) in [("newName", &image.new_name), ("newTag", &image.new_tag), ("digest", &image.digest)]
    {
        if !text.is_empty() {
            set(known, field, Node::string(text.as_str()));
        }
    }
    // A tag and a digest stand in each other's way unless both are asked for.
    if !image.new_tag.is_empty() && image.digest.is_empty() {
        known.remove("digest");
    }
    if !image.digest.is_empty() && image.new_tag.is_empty() {
        known.remove("newTag");
    }
    list.sort_by(|a, b| a.get_str("name").cmp(&b.get_str("name")));
}

fn fix(root: &mut Node) -> Result<()> {
    for (old, new) in [("bases", "resources"), ("imageTags", "images"), ("patchesJson6902", "patches")] {
        if let Some(moved) = root.remove(old) {
            let mut items = moved.items().map(<[Node]>::to_vec).unwrap_or_default();
            list(root, new)?.append(&mut items);
            drop_empty(root, new);
        }
    }
    if let Some(merges) = root.remove("patchesStrategicMerge") {
        for merge in merges.items().unwrap_or_default() {
            // A patch that is written out has lines; everything else is a path.
            let field = if merge.as_str().is_some_and(|text| text.contains('\n')) { "patch" } else { "path" };
            list(root, "patches")?.push(Node::mapping(vec![(Node::string(field), merge.clone())]));
        }
    }
    if let Some(labels) = root.remove("commonLabels") {
        let pairs: Vec<&str> =
            labels.map().unwrap_or_default().iter().filter_map(|(name, _)| name.as_str()).collect();
        for label in root.get("labels").and_then(Node::items).unwrap_or_default() {
            if let Some(name) = pairs.iter().find(|name| label.at(&["pairs", name]).is_some()) {
                fail!("label name '{name}' exists in both commonLabels and labels");
            }
        }
        let label = Node::mapping(vec![
            (Node::string("includeSelectors"), Node::bool(true)),
            (Node::string("pairs"), labels),
        ]);
        list(root, "labels")?.push(label);
    }
    for (field, text) in [("kind", "Kustomization"), ("apiVersion", crate::file::KUSTOMIZATION_VERSION)] {
        if root.get(field).is_none() {
            root.insert(0, field, Node::string(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# all\nresources:\n- a.yaml # first\n- b.yaml\nnamespace: old # ns\nimages:\n- name: z\n  newTag: \"1\"\n";

    #[test]
    fn order_and_comments_stay() {
        let edits = [
            Edit::Set { field: "namespace", text: "new".to_owned() },
            Edit::Add { field: "resources", items: vec!["c.yaml".to_owned(), "a.yaml".to_owned()] },
            Edit::Remove { field: "resources", items: vec!["b.yaml".to_owned()] },
            Edit::SetImage(Image { name: "a".to_owned(), new_tag: "2".to_owned(), ..Image::default() }),
            Edit::SetReplicas { name: "web".to_owned(), count: 3 },
        ];
        assert_eq!(
            apply(FILE, &edits).unwrap(),
            "# all\nresources:\n- a.yaml # first\n- c.yaml\nnamespace: new # ns\nimages:\n- name: a\n  newTag: \"2\"\n- \
             name: z\n  newTag: \"1\"\nreplicas:\n- count: 3\n  name: web\n"
        );
    }

    #[test]
    fn deprecated_fields_are_moved() {
        let old = "bases: [../b]\ncommonLabels:\n  a: b\npatchesStrategicMerge:\n- p.yaml\n";
        assert_eq!(
            apply(old, &[Edit::Fix]).unwrap(),
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- ../b\npatches:\n- path: \
             p.yaml\nlabels:\n- includeSelectors: true\n  pairs:\n    a: b\n"
        );
        let both = "commonLabels: {a: b}\nlabels:\n- pairs: {a: c}\n";
        assert!(apply(both, &[Edit::Fix]).is_err());
    }

    #[test]
    fn a_new_file_says_what_it_is() {
        assert_eq!(
            create(&["a.yaml".to_owned()], "ns", "", ""),
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\nnamespace: ns\n"
        );
    }
}
