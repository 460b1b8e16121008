//! A build on several threads comes to the same as on one: the objects, what was read, and which mistake is told.

#![allow(clippy::unwrap_used)]

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Built, Options, Outcome, build};
use sluice_tree::{Memory, Tree as _};

/// A hundred files, some of them put by the test, and a base among them.
fn tree(put: &[(usize, &str)]) -> Memory {
    let mut tree = Memory::default();
    let mut resources = String::from("resources:\n");
    for number in 0..100 {
        resources.push_str(&format!("- file-{number}.yaml\n"));
        let given = put.iter().find(|(at, _)| *at == number).map(|(_, text)| (*text).to_owned());
        let text = given.unwrap_or_else(|| {
            format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{name: c{number}}}\n---\n{{}}\n")
        });
        if text != "missing" {
            tree.insert(&format!("app/file-{number}.yaml"), text).unwrap();
        }
    }
    resources.push_str("- ../base\nnamePrefix: x-\n");
    tree.insert("app/kustomization.yaml", resources).unwrap();
    tree.insert("base/kustomization.yaml", "resources: [a.yaml]\n").unwrap();
    tree.insert("base/a.yaml", "kind: A\napiVersion: v1\nmetadata: {name: a}\n").unwrap();
    tree
}

fn on(threads: usize, tree: &Memory) -> Result<Built, String> {
    let options = Options { threads, ..Options::default() };
    match build(tree, "app", &options, &Answers::default(), &Budget::generous()) {
        Ok(Outcome::Done(built)) => Ok(built),
        Ok(Outcome::Need(asks)) => Err(format!("{asks:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn threads_change_nothing() {
    let anchors = "kind: ConfigMap\napiVersion: v1\nmetadata: &m {name: own, labels: {a: b}}\ndata: *m\n";
    let cases: [&[(usize, &str)]; 7] = [
        &[],
        &[(3, anchors)],
        &[(50, "a: [")],
        &[(40, "missing")],
        &[(90, "missing"), (70, "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c1}\n")],
        &[(20, "\u{feff}kind: B\r\napiVersion: v1\r\nmetadata: {name: b}\r\n")],
        &[(99, "--- bad separator\na: b\n---x\n")],
    ];
    for put in cases {
        let tree = tree(put);
        let one = on(1, &tree);
        for threads in [2, 3, 16] {
            match (&one, on(threads, &tree)) {
                (Ok(one), Ok(many)) => {
                    assert_eq!(one.objects, many.objects, "{put:?}");
                    assert_eq!(one.reads, many.reads, "{put:?}");
                    assert_eq!(one.to_yaml(1).unwrap(), many.to_yaml(threads).unwrap(), "{put:?}");
                }
                (one, many) => assert_eq!(one.as_ref().err(), many.as_ref().err(), "{put:?}"),
            }
        }
        assert_eq!(one.is_err(), put.iter().any(|(_, text)| !text.contains("kind") || text.contains("c1}")));
    }
}

const PATCHES: &str = "patches:
- target: {kind: ConfigMap}
  patch: |
    kind: ConfigMap
    apiVersion: v1
    metadata: {name: any, labels: {a: b}}
    data: {added: 'yes'}
- target: {kind: ConfigMap}
  patch: |
    - {op: add, path: /data/more, value: 1.50}
    - {op: remove, path: /data/added}
";

#[test]
fn patches_on_many_objects_change_nothing_either() {
    let broken = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: odd}\ndata: {a: b}\n---\nkind: ConfigMap\n\
                  apiVersion: v1\nmetadata: {name: odder}\ndata: [1]\n";
    for (put, fails) in [(&[][..], false), (&[(60, broken), (80, broken)][..], true)] {
        let mut tree = tree(put);
        let resources = tree.read("app/kustomization.yaml").unwrap();
        let file = String::from_utf8_lossy(&resources).into_owned() + PATCHES;
        tree.insert("app/kustomization.yaml", file).unwrap();
        let shown = |threads| on(threads, &tree).map(|built| built.to_yaml(threads).unwrap());
        let one = shown(1);
        assert_eq!(one.is_err(), fails, "{one:?}");
        assert_eq!(one, shown(2));
        assert_eq!(one, shown(7));
    }
}
