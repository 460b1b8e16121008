//! What kustomize wrote is a fixed point of both ways through here. The files live beside the checkout, if at all.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sluice_yaml::json::{from_yaml, node_to_yaml, split_documents, to_yaml};
use sluice_yaml::{Limits, parse_first, parse_first_uncommented};

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/kustomize");
    folder.is_dir().then_some(folder)
}

#[test]
fn results_of_kustomize_come_back_as_they_are() {
    let Some(folder) = folder() else {
        println!("skipped: no shared corpus beside the checkout");
        return;
    };
    let mut count = 0;
    let mut failures = Vec::new();
    for case in std::fs::read_dir(folder).unwrap() {
        let path = case.unwrap().path().join("want.yaml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for document in split_documents(&text).unwrap() {
            if document.trim().is_empty() {
                continue;
            }
            count += 1;
            let node = parse_first(&*document, Limits::default()).unwrap().unwrap().root;
            let bare = parse_first_uncommented(&*document, Limits::default()).unwrap().unwrap();
            let by_tree = node_to_yaml(&node).unwrap();
            let by_value = to_yaml(&from_yaml(&*document).unwrap());
            if by_tree != document || by_value != document || !node.same_value(&bare) {
                failures.push(format!(
                    "{}\n{document}\nby tree\n{by_tree}\nby value\n{by_value}",
                    path.display()
                ));
            }
        }
    }
    println!("{count} documents");
    assert!(failures.is_empty(), "{} of {count} differ\n{}", failures.len(), failures.join("\n"));
}
