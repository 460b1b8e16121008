//! Building again gives what building as a whole gives: random folders, random edits, every step compared.
//! `SLUICE_SEEDS` asks for more folders than the usual ones.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::collections::BTreeMap;

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Incremental, Options, Outcome, Reorder};
use sluice_tree::Memory;

/// A small generator of numbers, so that a failing seed can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

type Files = BTreeMap<String, String>;

const LAYERS: [&str; 4] = ["base", "other", "part", "top"];
const NAMES: [&str; 4] = ["web", "api", "job", "db"];

fn object(dice: &mut Dice, name: &str) -> String {
    let labels = if dice.one_in(2) { "  labels: {role: front}\n" } else { "" };
    let notes = match dice.roll(12) {
        0 => "  annotations: {config.kubernetes.io/local-config: \"true\"}\n",
        1 => "  annotations: {team: a}\n",
        _ => "",
    };
    let space = if dice.one_in(8) { "  namespace: own\n" } else { "" };
    let head = |api: &str, kind: &str| {
        format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n{space}{labels}{notes}")
    };
    let number = dice.roll(90);
    match dice.roll(5) {
        0 => format!("{}data:\n  n: \"{number}\"\n", head("v1", "ConfigMap")),
        1 => format!(
            "{}spec:\n  selector: {{app: {name}}}\n  ports: [{{port: {number}}}]\n",
            head("v1", "Service")
        ),
        2 => format!(
            "{}roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\nsubjects:\n- {{kind: \
             ServiceAccount, name: {}, namespace: {}}}\n",
            head("rbac.authorization.k8s.io/v1", "RoleBinding"),
            dice.pick(&["default", "web", "api"]),
            dice.pick(&["default", "own"]),
        ),
        _ => format!(
            "{}spec:\n  replicas: {number}\n  template:\n    spec:\n      containers:\n      - name: main\n        image: \
             app:{number}\n        envFrom:\n        - configMapRef: {{name: {}}}\n",
            head("apps/v1", "Deployment"),
            dice.pick(&["settings", "web", "api", "none"]),
        ),
    }
}

fn file(dice: &mut Dice, name: &str) -> String {
    let mut text = object(dice, name);
    if dice.one_in(4) {
        text.push_str("---\n");
        text.push_str(&object(dice, &format!("{name}-b")));
    }
    if dice.one_in(40) {
        text.push_str(dice.pick(&["\tbad: [", "---\na: b\n", "---\n"]));
    }
    text
}

fn patch(dice: &mut Dice) -> String {
    let target = match dice.roll(4) {
        0 => "kind: Deployment",
        1 => "labelSelector: role=front",
        2 => "kind: Deployment\n    name: .*web",
        _ => "annotationSelector: team=a",
    };
    let body = match dice.roll(6) {
        0 => {
            "apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: x}\n    spec: {minReadySeconds: 9}"
        }
        1 => "apiVersion: v1\n    kind: X\n    metadata: {name: x, annotations: {extra: yes-it-is}}",
        2 => "- {op: add, path: /metadata/annotations, value: {by: patch}}",
        3 => "- {op: replace, path: /metadata/name, value: same}",
        4 => "apiVersion: v1\n    kind: X\n    metadata: {name: x}\n    $patch: delete",
        _ => "- {op: copy, from: /metadata/name, path: /metadata/namespace}",
    };
    let options = if dice.one_in(6) { "\n  options: {allowNameChange: true}" } else { "" };
    format!("- target:\n    {target}\n  patch: |-\n    {body}{options}\n")
}

fn kustomization(dice: &mut Dice, layer: &str, files: &Files) -> String {
    let mut text = String::new();
    if layer == "part" {
        text.push_str("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n");
    }
    let own: Vec<&str> = files
        .keys()
        .filter_map(|path| path.strip_prefix(layer)?.strip_prefix("/"))
        .filter(|name| name.ends_with(".yaml") && *name != "kustomization.yaml" && !name.starts_with("patch"))
        .collect();
    let mut resources: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
    if layer == "top" {
        resources.push("../base".to_owned());
        if !dice.one_in(3) {
            resources.push("../other".to_owned());
        }
        if !dice.one_in(3) {
            text.push_str("components: [../part]\n");
        }
    }
    if layer == "other" && dice.one_in(4) {
        resources.push("../base".to_owned());
    }
    text.push_str(&format!("resources: [{}]\n", resources.join(", ")));
    if dice.one_in(2) || layer == "other" {
        text.push_str(&format!("namePrefix: {layer}-\n"));
    }
    if dice.one_in(4) {
        text.push_str("nameSuffix: -x\n");
    }
    if dice.one_in(3) {
        text.push_str("namespace: prod\n");
    }
    if dice.one_in(3) {
        text.push_str("labels: [{pairs: {tier: a}, includeSelectors: true}]\n");
    }
    if dice.one_in(3) {
        text.push_str("commonAnnotations: {team: a}\n");
    }
    if dice.one_in(2) {
        text.push_str("images: [{name: app, newTag: \"9\"}]\n");
    }
    if dice.one_in(2) {
        let behavior = if layer == "top" && dice.one_in(3) { ", behavior: merge" } else { "" };
        let name = dice.pick(&["settings", "settings", "web"]);
        text.push_str(&format!(
            "configMapGenerator: [{{name: {name}, literals: [a={}]{behavior}}}]\n",
            dice.roll(3)
        ));
    }
    if dice.one_in(6) {
        text.push_str(&format!("replicas: [{{name: web-{layer}, count: 3}}]\n"));
    }
    if dice.one_in(2) {
        text.push_str("patches:\n");
        for _ in 0..=dice.roll(2) {
            text.push_str(&patch(dice));
        }
        if dice.one_in(2) && files.contains_key(&format!("{layer}/patch.yaml")) {
            text.push_str("- path: patch.yaml\n");
        }
    }
    if layer == "top" && dice.one_in(12) {
        text.push_str(dice.pick(&[
            "buildMetadata: [originAnnotations]\n",
            "sortOptions: {order: legacy}\n",
            "replacements:\n- source: {kind: Deployment, fieldPath: spec.replicas}\n  targets: [{select: {kind: \
             Deployment}, fieldPaths: [spec.minReadySeconds], options: {create: true}}]\n",
        ]));
    }
    text
}

fn folders(dice: &mut Dice) -> Files {
    let mut files = Files::new();
    for layer in LAYERS {
        let count = if layer == "top" { 1 } else { 1 + dice.roll(3) };
        for name in NAMES.iter().take(count) {
            // Names differ between layers, mostly.
            let name = if dice.one_in(8) { (*name).to_owned() } else { format!("{name}-{layer}") };
            files.insert(format!("{layer}/{name}.yaml"), file(dice, &name));
        }
        let first = files.iter().find(|(path, _)| path.starts_with(layer));
        if let Some((_, text)) = first {
            let head: Vec<&str> = text.lines().take(4).filter(|line| !line.contains("labels")).collect();
            let patch = format!("{}\n  annotations: {{patched: so}}\n", head.join("\n"));
            let patch =
                if patch.matches("annotations").count() == 1 { patch } else { head.join("\n") + "\n" };
            let patch = patch.lines().filter(|line| !line.starts_with("spec") && !line.starts_with("data"));
            let patch: Vec<&str> = patch.collect();
            files.insert(format!("{layer}/patch.yaml"), patch.join("\n") + "\n");
        }
        let text = kustomization(dice, layer, &files);
        files.insert(format!("{layer}/kustomization.yaml"), text);
    }
    files
}

/// Changes something and says which paths.
fn edit(dice: &mut Dice, files: &mut Files) -> Vec<String> {
    let paths: Vec<String> = files.keys().cloned().collect();
    let path = paths[dice.roll(paths.len())].clone();
    let (layer, name) = path.split_once('/').expect("every file is in a layer");
    let stem = name.trim_end_matches(".yaml");
    match dice.roll(12) {
        0 => {
            files.remove(&path);
            vec![path]
        }
        1 => {
            let new = format!("{layer}/new-{}.yaml", dice.roll(3));
            files.insert(new.clone(), file(dice, "new"));
            let text = kustomization(dice, layer, files);
            let settings = format!("{layer}/kustomization.yaml");
            files.insert(settings.clone(), text);
            vec![new, settings]
        }
        2 => {
            let Some(text) = files.remove(&path) else { return Vec::new() };
            let new = format!("{layer}/moved-{}.yaml", dice.roll(3));
            files.insert(new.clone(), text);
            vec![path, new]
        }
        3 => {
            let text = kustomization(dice, layer, files);
            let settings = format!("{layer}/kustomization.yaml");
            files.insert(settings.clone(), text);
            vec![settings]
        }
        4 => {
            // The documents of a file change places.
            let Some(text) = files.get_mut(&path) else { return Vec::new() };
            let mut documents: Vec<&str> = text.split("---\n").collect();
            documents.reverse();
            *text = documents.join("---\n");
            vec![path]
        }
        _ if name == "kustomization.yaml" => Vec::new(),
        5 => {
            files.insert(path.clone(), file(dice, stem));
            vec![path]
        }
        roll => {
            // A value inside of an object; its kind and name stay.
            let Some(text) = files.get_mut(&path) else { return Vec::new() };
            // A field that is there twice cannot be printed; once in a while is enough.
            *text = match roll {
                6 => text.replace("role: front", "role: back"),
                7 => text.replace("labels: {role: back}", "labels: {role: front}"),
                8 => text.replace("replicas: ", "paused: true\n  replicas: "),
                9 => text.replace("name: settings", "name: web"),
                _ => text.replace("app:", "app:1"),
            };
            vec![path]
        }
    }
}

fn tree_of(files: &Files) -> Memory {
    let mut tree = Memory::default();
    for (path, text) in files {
        tree.insert(path, text.clone().into_bytes()).unwrap();
    }
    tree
}

/// An object as text, or why it has none.
type Text = Result<String, String>;

fn text(object: &sluice_kustomize::Object) -> Text {
    object.to_yaml().map_err(|error| error.to_string())
}

fn texts(outcome: Result<Outcome, sluice_kustomize::Error>) -> Result<Vec<Text>, String> {
    match outcome {
        Ok(Outcome::Done(built)) => Ok(built.objects.iter().map(text).collect()),
        Ok(Outcome::Need(asks)) => Err(format!("{asks:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Steps that were built in part, and steps at all.
fn run(seed: u64, steps: usize) -> (usize, usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut files = folders(&mut dice);
    let reorder = if seed.is_multiple_of(2) { Reorder::Legacy } else { Reorder::None };
    let options =
        Options { reorder, managed_by: seed.is_multiple_of(3), remote: false, ..Options::default() };
    let mut incremental = Incremental::default();
    let mut shown: Result<Vec<Text>, String> = Err("nothing is built yet".to_owned());
    let mut changed: Vec<String> = Vec::new();
    let mut good: Option<Files> = None;
    let mut in_part = 0;
    for step in 0..steps {
        let tree = tree_of(&files);
        let paths: Vec<&str> = changed.iter().map(String::as_str).collect();
        let budget = Budget::generous();
        match incremental.again(&tree, &paths, &budget).unwrap() {
            Some(objects) => {
                if !objects.is_empty() {
                    in_part += 1;
                }
                let list = shown.as_mut().expect("only what was built is built again");
                for (place, object) in objects {
                    list[place] = text(&object);
                }
            }
            None => {
                shown = texts(incremental.whole(&tree, "top", &options, &Answers::default(), &budget));
            }
        }
        let want = texts(sluice_kustomize::build(&tree, "top", &options, &Answers::default(), &budget));
        assert_eq!(want, shown, "seed {seed}, step {step}, after a change of {changed:?}:\n{files:#?}");
        match &good {
            None if want.is_err() => files = folders(&mut dice),
            // The change is taken back.
            Some(good) if want.is_err() && !dice.one_in(4) => files.clone_from(good),
            _ => {
                if want.is_ok() {
                    good = Some(files.clone());
                }
                changed = edit(&mut dice, &mut files);
                continue;
            }
        }
        changed = LAYERS.iter().map(|layer| (*layer).to_owned()).collect();
    }
    (in_part, steps)
}

#[test]
fn building_again_is_building_as_a_whole() {
    let seeds: u64 = std::env::var("SLUICE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (mut in_part, mut steps) = (0, 0);
    for seed in 1..=seeds {
        let (part, all) = run(seed, 80);
        in_part += part;
        steps += all;
    }
    println!("{in_part} of {steps} steps were built in part");
    assert!(in_part * 20 > steps, "hardly anything was built in part: {in_part} of {steps}");
}

#[test]
fn an_incremental_build_can_be_kept_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Incremental>();
}
