//! Any bytes as a kustomization, as the objects that it builds, and as a patch of them: output or an error.
//!
//! The input is cut at zero bytes into the files of a base and of an overlay.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Outcome};
use sluice_tree::Memory;

const KUSTOMIZATION: &[u8] = b"resources: [../base]\n\
    namePrefix: p-\n\
    namespace: n\n\
    labels: [{pairs: {l: v}, includeSelectors: true}]\n\
    commonAnnotations: {a: v}\n\
    images: [{name: i, newTag: t}]\n\
    replicas: [{name: x, count: 2}]\n\
    configMapGenerator: [{name: c, files: [data]}]\n\
    patches: [{path: patch.yaml}, {path: patch.yaml, target: {kind: .*}}]\n\
    replacements: [{source: {kind: X, name: x}, targets: [{select: {kind: .*}, fieldPaths: [spec.a.b]}]}]\n";
const OBJECT: &[u8] =
    b"apiVersion: v1\nkind: X\nmetadata: {name: x}\nspec: {a: {b: [1, {name: c, image: i}]}}\n";

fn build(files: &[(&str, &[u8])]) {
    let mut tree = Memory::default();
    for (path, content) in files {
        tree.insert(path, content.to_vec()).expect("the paths are good");
    }
    let options = Options { remote: false, ..Options::default() };
    let budget = Budget::new(200_000, 16 << 20, 100);
    if let Ok(Outcome::Done(built)) =
        sluice_kustomize::build(&tree, "over", &options, &Answers::default(), &budget)
    {
        let _ = built.to_yaml();
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let first = parts.next().unwrap_or_default();
    let second = parts.next().unwrap_or(OBJECT);
    let third = parts.next().unwrap_or(OBJECT);
    let base = ("base/kustomization.yaml", &b"resources: [x.yaml]\n"[..]);
    // The bytes say what is built.
    build(&[
        base,
        ("base/x.yaml", second),
        ("over/kustomization.yaml", first),
        ("over/patch.yaml", third),
        ("over/data", third),
    ]);
    // The bytes are what is built.
    build(&[
        base,
        ("base/x.yaml", first),
        ("over/kustomization.yaml", KUSTOMIZATION),
        ("over/patch.yaml", second),
        ("over/data", third),
    ]);
});
