//! ConfigMaps and Secrets from files, literals and environments.

use super::{Feature, How};
use crate::draft::{Draft, indent};

pub fn features() -> Vec<Feature> {
    let mut features = vec![
        Feature::does("configMapGenerator", |draft| add(draft, "configMapGenerator")),
        Feature::does("secretGenerator", |draft| add(draft, "secretGenerator")),
        Feature::of("secretGenerator", "generator.type"),
        Feature::does("generator.second", |draft| add(draft, "configMapGenerator")),
        Feature::does("generator.merge", |draft| behave(draft, "merge")),
        Feature::does("generator.replace", |draft| behave(draft, "replace")),
        Feature::does("generatorOptions.labels", |draft| {
            global(draft, "labels:\n  from: options\n  app: gen\n")
        }),
        Feature::does("generatorOptions.annotations", |draft| {
            global(draft, "annotations:\n  made: \"1\"\n  note: gen\n")
        }),
        Feature::does("generatorOptions.disableNameSuffixHash", |draft| {
            global(draft, "disableNameSuffixHash: true\n")
        }),
        Feature::does("generatorOptions.immutable", |draft| global(draft, "immutable: true\n")),
    ];
    features.extend(
        [
            "generator.literals",
            "generator.literals-odd",
            "generator.files",
            "generator.files-key",
            "generator.files-binary",
            "generator.envs",
            "generator.env",
            "generator.namespace",
            "generator.behavior-create",
            "generator.options.labels",
            "generator.options.annotations",
            "generator.options.disableNameSuffixHash",
            "generator.options.enableNameSuffixHash",
            "generator.options.immutable",
        ]
        .into_iter()
        .map(|name| Feature { name, how: How::Of("configMapGenerator") }),
    );
    features
}

const ENVIRONMENT: &str = "# comment\nA=1\n\nB=two words\nC=\"quoted\"\nD=\nE=a=b\n  F=lead\n";

fn global(draft: &mut Draft, entry: &str) -> bool {
    let layer = draft.layer();
    let old = match draft.layers[layer].fields.get("generatorOptions") {
        Some(crate::draft::Content::Block(text)) => text.clone(),
        _ => String::new(),
    };
    draft.set_block(layer, "generatorOptions", old + entry);
    true
}

fn add(draft: &mut Draft, field: &'static str) -> bool {
    let is_secret = field == "secretGenerator";
    let layer = draft.layer();
    let pool: &[&str] = if is_secret { &["sec1", "sec2"] } else { &["cfg1", "cfg2", "cfg3"] };
    let kind = if is_secret { "Secret" } else { "ConfigMap" };
    let free: Vec<&str> = pool
        .iter()
        .copied()
        .filter(|name| !draft.objects.iter().any(|object| object.kind == kind && object.name == *name))
        .collect();
    if free.is_empty() {
        return false;
    }
    let name = draft.dice.pick(&free).to_owned();
    let namespace = draft.rarely("generator.namespace").then(|| draft.dice.pick(&["ns1", "default"]));
    let mut entry = format!("name: {name}\n");
    if let Some(namespace) = namespace {
        entry.push_str(&format!("namespace: {namespace}\n"));
    }
    if draft.rarely("generator.behavior-create") {
        entry.push_str("behavior: create\n");
    }
    if is_secret && draft.option("generator.type") {
        entry.push_str(draft.dice.pick(&["type: kubernetes.io/tls\n", "type: Opaque\n", "type: \"\"\n"]));
    }
    entry.push_str(&sources(draft, layer));
    entry.push_str(&options(draft));
    draft.push(layer, field, entry);
    // What is generated has a hash in its name from here on, so only some features may refer to it.
    draft.objects.push(crate::draft::Known { layer, api_version: "v1", kind, name, namespace, pod: None });
    true
}

/// The lines that say where the data comes from; also for the plugins.
pub fn sources(draft: &mut Draft, layer: usize) -> String {
    let mut text = String::new();
    let mut literals = Vec::new();
    if draft.option("generator.literals") {
        literals.extend(["a=1", "\"b=two words\"", "c='quoted'", "d=x=y", "e="]);
    }
    if draft.rarely("generator.literals-odd") {
        literals.extend([
            "f=\"é\"",
            "'g=\"in quotes\"'",
            "h=true",
            "'i= lead'",
            "\"j=two\\nlines\\n\"",
            "k.l-m_n=1",
        ]);
    }
    if !literals.is_empty() {
        let count = 1 + draft.dice.below(literals.len());
        draft.dice.shuffle(&mut literals);
        literals.truncate(count);
        text.push_str("literals:\n");
        for literal in literals {
            text.push_str(&format!("- {literal}\n"));
        }
    }
    let mut files = Vec::new();
    if draft.rarely("generator.files") {
        let content = draft.dice.pick(&[
            "one\ntwo\n",
            "",
            "no newline",
            "trail  \n\ttab\n",
            "---\na: b\n",
            "é\r\nb\r\n",
        ]);
        files.push(draft.file(layer, "f", "txt", content));
    }
    if draft.rarely("generator.files-key") {
        let file = draft.file(layer, "g", "conf", "key = value\n");
        files.push(format!("renamed.conf={file}"));
    }
    if draft.rarely("generator.files-binary") {
        let mut bytes = vec![0, 0xff, 0xfe, b'a', b'\n'];
        bytes.extend((0..draft.dice.below(90)).map(|at| (at * 7) as u8 | 0x80));
        files.push(draft.file(layer, "b", "bin", bytes));
    }
    if !files.is_empty() {
        text.push_str("files:\n");
        for file in files {
            text.push_str(&format!("- {file}\n"));
        }
    }
    if draft.rarely("generator.envs") {
        let file = draft.file(layer, "e", "env", ENVIRONMENT);
        text.push_str(&format!("envs:\n- {file}\n"));
    } else if draft.rarely("generator.env") {
        let file = draft.file(layer, "e", "env", "G=1\nH=2\n");
        text.push_str(&format!("env: {file}\n"));
    }
    text
}

fn options(draft: &mut Draft) -> String {
    let mut text = String::new();
    if draft.rarely("generator.options.labels") {
        text.push_str("labels:\n  own: label\n  from: own\n");
    }
    if draft.rarely("generator.options.annotations") {
        text.push_str("annotations:\n  own: note\n  note: mine\n");
    }
    if draft.rarely("generator.options.disableNameSuffixHash") {
        text.push_str("disableNameSuffixHash: true\n");
    } else if draft.rarely("generator.options.enableNameSuffixHash") {
        text.push_str("disableNameSuffixHash: false\n");
    }
    if draft.rarely("generator.options.immutable") {
        text.push_str("immutable: true\n");
    }
    if text.is_empty() { text } else { format!("options:\n{}", indent(&text, 2)) }
}

/// A generator in a layer above that merges into or replaces what one below has made; that one is made here as well.
fn behave(draft: &mut Draft, behavior: &str) -> bool {
    let pairs: Vec<(usize, usize)> = (0..draft.layers.len())
        .filter(|&at| !draft.layers[at].is_component && draft.layers[at].parents.len() == 1)
        .map(|at| (at, draft.layers[at].parents[0]))
        .collect();
    let (below, above) =
        if pairs.is_empty() { (draft.add_layer("below", 0, false), 0) } else { draft.dice.pick(&pairs) };
    let is_secret = draft.dice.chance(40);
    let (field, kind) =
        if is_secret { ("secretGenerator", "Secret") } else { ("configMapGenerator", "ConfigMap") };
    let name = format!("{behavior}d{}", draft.number());
    let namespace = draft.rarely("generator.namespace").then(|| draft.dice.pick(&["ns1", "default"]));
    let mut head = format!("name: {name}\n");
    if let Some(namespace) = namespace {
        head.push_str(&format!("namespace: {namespace}\n"));
    }
    let made = format!("{head}{}{}", sources(draft, below), options(draft));
    draft.push(below, field, made);
    let mut entry = format!("{head}behavior: {behavior}\n{}", sources(draft, above));
    if !entry.contains("literals:") && draft.dice.chance(60) {
        entry.push_str("literals:\n- a=merged\n- z=new\n");
    }
    entry.push_str(&options(draft));
    draft.push(above, field, entry);
    draft.objects.push(crate::draft::Known {
        layer: below,
        api_version: "v1",
        kind,
        name,
        namespace,
        pod: None,
    });
    true
}
