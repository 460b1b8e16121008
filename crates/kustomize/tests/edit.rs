//! Kustomization files that are changed as text: written and read again they stay the same, and no bytes end in a panic.

use std::collections::BTreeMap;

use sluice_budget::Budget;
use sluice_kustomize::Answers;
use sluice_kustomize::edit::{
    Entries, File, GeneratorKind, Paths, Sources, convert_vars, matches, read_images,
};
use sluice_kustomize::localize::{Localize, localize};
use sluice_tree::Memory;

const FILE: &str = "# head
resources:
# first
- a.yaml
- ../b   # why

namePrefix: p-
configMapGenerator:
- name: m
  files: [f.txt, k=g.txt]
  envs: [e.env]
patches:
- path: p.yaml
  target: {kind: Deployment}
images: [{name: a, newTag: '1'}]
vars:
- name: V
  objref: {kind: Service, name: s, apiVersion: v1}
generators:
- |-
  apiVersion: builtin
  kind: ConfigMapGenerator
  metadata: {name: x}
  files: [f.txt]
helmCharts:
- {name: c, valuesInline: {a: null, b: [1, 2.50]}}
commonLabels: {a: b}
# end
";

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn broken(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = FILE.as_bytes().to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        match chance.below(4) {
            0 => bytes[at] = chance.below(256) as u8,
            1 => bytes.truncate(at.max(1)),
            2 => {
                let part: Vec<u8> = bytes[at..].iter().take(30).copied().collect();
                let to = chance.below(bytes.len());
                bytes.splice(to..to, part);
            }
            _ => {
                let end = (at + chance.below(20)).min(bytes.len() - 1);
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'a');
        }
    }
    bytes
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let mut chance = Chance(7);
    let mut good = 0;
    for _ in 0..3_000 {
        let Ok(mut file) = File::read(&broken(&mut chance)) else { continue };
        good += 1;
        let text = file.write();
        let again = File::read(text.as_bytes()).expect("what was written can be read");
        assert_eq!(again.kustomization, file.kustomization);
        assert_eq!(again.write(), text);
        file.add_paths(Paths::Resources, vec!["x.yaml".to_owned()]);
        file.set_images(read_images(&["a:2".to_owned()]).expect("an image"));
        file.set_entries(Entries::Labels, BTreeMap::from([("x".to_owned(), "y".to_owned())]));
        file.add_generator(GeneratorKind::Secret, "s", "", Sources::default());
        // Some of these fail where the file says otherwise.
        let _ = file.fix(&|path| path == "p.yaml");
        let changed = file.write();
        assert!(File::read(changed.as_bytes()).is_ok(), "{changed}");
    }
    assert!(good > 300, "{good} files could be read");
}

#[test]
fn copies_and_conversions_of_any_bytes_end() {
    let mut chance = Chance(11);
    for _ in 0..1_500 {
        let mut tree = Memory::default();
        for (path, text) in [
            ("a.yaml", "apiVersion: v1\nkind: X\nmetadata: {name: $(V)}\n"),
            ("f.txt", "$(V)"),
            ("g.txt", ""),
            ("e.env", "A=$(V)"),
            ("p.yaml", "apiVersion: v1\nkind: Deployment\nmetadata: {name: a/$(V)/b}\n"),
            ("charts/c/values.yaml", "a: 1\n"),
        ] {
            tree.insert(&format!("o/{path}"), text).expect("a file");
        }
        tree.insert("b/kustomization.yaml", broken(&mut chance)).expect("a file");
        let content = broken(&mut chance);
        tree.insert("o/kustomization.yaml", content.clone()).expect("a file");
        let what = Localize { folder: "o", scope: "", shown_root: "", destination: Some("copy") };
        let budget = Budget::new(1_000_000, 32 << 20, 512);
        if let Ok(done) = localize(&tree, what, &Answers::default(), &budget) {
            let text = format!("{done:?}");
            assert!(!text.contains("\"../"), "{text}");
        }
        if let Ok(mut file) = File::read(&content) {
            let _ = convert_vars(&mut file, &tree, "o");
        }
    }
}

#[test]
fn a_pattern_of_stars_takes_no_time() {
    let pattern = "*a".repeat(2_000);
    assert_eq!(matches(&pattern, &"a".repeat(1_000)), Ok(false));
}
