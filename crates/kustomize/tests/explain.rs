//! Explanations: over all cases of the corpus every value has an origin, and the line that is named says the value;
//! then some whose answer is known.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use sluice_budget::Budget;
use sluice_kustomize::explain::{Explained, Explanation, explain, find};
use sluice_kustomize::{Answers, Options, Outcome};
use sluice_tree::{Folder, Limits, Memory, Tree};
use sluice_yaml::{Kind, Node};

fn explained(tree: &dyn Tree, folder: &str) -> Result<Vec<Explained>, String> {
    let options = Options { unrestricted: true, remote: false, ..Options::default() };
    match explain(tree, folder, &options, &Answers::default(), &Budget::generous()) {
        Ok(Explanation::Done(objects)) => Ok(objects),
        Ok(Explanation::Need(asks)) => Err(format!("{asks:?}")),
        Err(error) => Err(error.to_string()),
    }
}

fn leaves(node: &Node) -> usize {
    match &node.kind {
        Kind::Mapping(entries) if !entries.is_empty() => entries.iter().map(|(_, value)| leaves(value)).sum(),
        Kind::Sequence(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// The folder that a case builds.
fn folder_of(case: &Path) -> Option<String> {
    let text = std::fs::read_to_string(case.join("from.toml")).ok()?;
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.split(" #").next().unwrap_or(value).trim().to_owned())
        })
    };
    let folder = match value("command") {
        Some(command) => command.trim_matches(['[', ']']).split(", ").nth(1)?.to_owned(),
        None => value("run")?,
    };
    let folder = folder.trim_matches('"').to_owned();
    Some(if folder == "." { String::new() } else { folder })
}

#[derive(Debug, Default)]
struct Counts {
    cases: usize,
    values: usize,
    with_line: usize,
    read: usize,
    read_and_said: usize,
    wrong: Vec<String>,
}

fn check(case: &Path, counts: &mut Counts) {
    let Some(folder) = folder_of(case) else { return };
    let Ok(tree) = Folder::open(&case.join("in"), Limits::default()) else { return };
    let options = Options { unrestricted: true, remote: false, ..Options::default() };
    let built = sluice_kustomize::build(&tree, &folder, &options, &Answers::default(), &Budget::generous());
    let Ok(Outcome::Done(built)) = built else { return };
    let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let objects = explained(&tree, &folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(objects.len(), built.objects.len(), "{name}");
    counts.cases += 1;
    for (object, built) in objects.iter().zip(&built.objects) {
        assert_eq!(object.fields.len(), leaves(built.node()), "{name}: {}/{}", object.kind, object.name);
        for field in &object.fields {
            counts.values += 1;
            assert!(!field.touches.is_empty(), "{name}: {} has no origin", field.path());
            let origin = field.origin();
            if origin.file.is_empty() || origin.line == 0 {
                counts.wrong.push(format!("{name}: {} {}: no place: {origin}", object.name, field.path()));
                continue;
            }
            counts.with_line += 1;
            if origin.what.is_empty() {
                counts.read += 1;
                let text = tree.read(&origin.file).unwrap_or_else(|error| panic!("{name}: {error}"));
                let text = String::from_utf8_lossy(&text).into_owned();
                let line = text.lines().nth(origin.line as usize - 1).unwrap_or_default();
                let value = field.value.trim_matches('"');
                let begin: String = value.chars().take_while(|letter| letter.is_alphanumeric()).collect();
                if line.contains(&begin)
                    || line.trim_end().ends_with(['|', '-', '>', '+'])
                    || line.contains('*')
                {
                    counts.read_and_said += 1;
                } else {
                    counts.wrong.push(format!("{name}: {} = {value}: {origin}: {line}", field.path()));
                }
            }
        }
    }
}

fn cases(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    folders.sort();
    folders
}

#[test]
fn every_value_of_the_corpus_has_an_origin_that_says_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut counts = Counts::default();
    let shared = here.join("../../../shared/corpus/kustomize");
    if !shared.is_dir() {
        println!("skipped 153 shared cases: they are not beside this checkout");
    }
    for root in [shared, here.join("tests/corpus/semantics"), here.join("tests/corpus/composed")] {
        for case in &cases(&root) {
            check(case, &mut counts);
        }
    }
    println!(
        "{} cases, {} values, {} with file and line, {} as read, {} of them said by their line\n{}",
        counts.cases,
        counts.values,
        counts.with_line,
        counts.read,
        counts.read_and_said,
        counts.wrong.join("\n")
    );
    assert!(counts.cases > 0);
    assert!(counts.with_line * 1000 >= counts.values * 995, "too many values have no line");
    assert!(counts.read_and_said * 1000 >= counts.read * 995, "too many lines do not say their value");
}

fn tree(files: &[(&str, &str)]) -> Memory {
    let mut tree = Memory::default();
    for (path, text) in files {
        tree.insert(path, text.as_bytes().to_vec()).unwrap();
    }
    tree
}

fn scene() -> Memory {
    tree(&[
        (
            "base/app.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n    spec:\n      \
             containers:\n      - name: side\n        image: side:1\n      - name: main\n        image: app:1\n        \
             envFrom:\n        - configMapRef: {name: settings}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n\
             spec:\n  type: ClusterIP\n",
        ),
        ("base/more.env", "# notes\nLEVEL=info\n"),
        (
            "base/kustomization.yaml",
            "resources: [app.yaml]\nconfigMapGenerator:\n- name: settings\n  literals:\n  - mode=test\n  envs: [more.env]\n",
        ),
        (
            "top/patch.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      \
             - name: main\n        command: [run]\n        image: app:2\n",
        ),
        (
            "top/kustomization.yaml",
            "resources: [../base]\nnamePrefix: p-\nnamespace: prod\nlabels:\n- pairs:\n    tier: a\nimages:\n- name: side\n  \
             newTag: \"9\"\nreplicas:\n- name: web\n  count: 4\npatches:\n- path: patch.yaml\n- target: {kind: Service}\n  patch: \
             |-\n    - op: replace\n      path: /spec/type\n      value: NodePort\n- patch: |-\n    apiVersion: v1\n    kind: \
             Service\n    metadata:\n      name: web\n    spec:\n      clusterIP: None\n",
        ),
    ])
}

#[test]
fn origins_are_those_that_a_reader_finds() {
    let objects = explained(&scene(), "top").unwrap();
    let one = |wanted: &str| -> String {
        let (_, fields) = find(&objects, wanted).unwrap();
        let [field] = fields[..] else { panic!("{wanted} is {} fields", fields.len()) };
        let touches: Vec<String> = field.touches.iter().map(ToString::to_string).collect();
        format!("{} < {}", field.value, touches.into_iter().rev().collect::<Vec<_>>().join(" < "))
    };
    for (wanted, want) in [
        ("Deployment/p-web.spec.replicas", "4 < top/kustomization.yaml:12 replicas[0] < base/app.yaml:6"),
        ("deployment/web.metadata.name", "p-web < top/kustomization.yaml:2 namePrefix < base/app.yaml:4"),
        ("Deployment/p-web.metadata.namespace", "prod < top/kustomization.yaml:3 namespace"),
        ("Deployment/p-web.metadata.labels.tier", "a < top/kustomization.yaml:6 labels[0]"),
        (
            "Deployment/p-web.spec.template.spec.containers.[name=main].image",
            "app:2 < top/patch.yaml:10 patches[0] < base/app.yaml:13",
        ),
        (
            "Deployment/p-web.spec.template.spec.containers.[name=main].command",
            "run < top/patch.yaml:9 patches[0]",
        ),
        (
            "Deployment/p-web.spec.template.spec.containers.[name=side].image",
            "side:9 < top/kustomization.yaml:8 images[0] < base/app.yaml:11",
        ),
        ("Service/p-web.spec.type", "NodePort < top/kustomization.yaml:19 patches[1] < base/app.yaml:22"),
        ("Service/p-web.spec.clusterIP", "None < top/kustomization.yaml:26 patches[2]"),
        ("ConfigMap/settings.data.mode", "test < base/kustomization.yaml:5 configMapGenerator[0]"),
        ("ConfigMap/settings.data.LEVEL", "info < base/more.env:2 configMapGenerator[0]"),
    ] {
        assert_eq!(one(wanted), want, "{wanted}");
    }
    let name = one("Deployment/p-web.spec.template.spec.containers.[name=main].envFrom.0.configMapRef.name");
    assert!(name.contains("follows the name of ConfigMap p-settings-"), "{name}");
    assert!(name.ends_with("< base/app.yaml:15"), "{name}");
}

#[test]
fn objects_are_found_by_their_names_now_and_before() {
    let objects = explained(&scene(), "top").unwrap();
    assert_eq!(find(&objects, "Service/prod/p-web").unwrap().0.kind, "Service");
    assert_eq!(find(&objects, "service/web.spec").unwrap().1.len(), 2);
    let missing = find(&objects, "Service/nope").unwrap_err().to_string();
    assert!(missing.starts_with("no object is called Service/nope"), "{missing}");
    let field = find(&objects, "Service/web.spec.nope").unwrap_err().to_string();
    assert_eq!(field, "Service/p-web has no field spec.nope");
}
