//! The story of bombs in Git: what would take all memory, the whole stack or all day fails by itself and says why, while
//! a hundred others beside it are applied.

use serde_json::{Value, json};
use sluice_testkit::subject::{Options, Subject};

use crate::story::{Story, condition, config_map, own_plane};

const OTHERS: usize = 100;
/// Resident memory that no bomb may push the controllers beyond. One build may make 256 MiB of values.
const MOST_MIB: f64 = 1500.0;

struct Bomb {
    name: &'static str,
    files: Vec<(String, String)>,
    /// What is merged into the Kustomization's spec.
    spec: Value,
    /// What its condition says; nothing where it is harmless after all.
    says: &'static str,
}

fn bomb(name: &'static str, says: &'static str, files: &[(&str, String)]) -> Bomb {
    let files = files.iter().map(|(file, text)| (format!("{name}/{file}"), text.clone())).collect();
    // A bomb goes off once.
    Bomb { name, files, spec: json!({"retryInterval": "10m"}), says }
}

/// A kustomization of one ConfigMap and more lines.
fn with(name: &'static str, says: &'static str, more: &str) -> Bomb {
    let text = format!("resources: [a.yaml]\n{more}");
    bomb(name, says, &[("kustomization.yaml", text), ("a.yaml", config_map(name, "x"))])
}

/// Each level takes the next one twice, under other names.
fn doubled_bases(levels: usize) -> Bomb {
    let mut files = vec![("kustomization.yaml".to_owned(), "resources: [l0-a, l0-b]\n".to_owned())];
    for level in 0..levels {
        for side in ["a", "b"] {
            let resources = if level + 1 == levels {
                "../leaf".to_owned()
            } else {
                format!("../l{0}-a, ../l{0}-b", level + 1)
            };
            let text = format!("namePrefix: {side}\nresources: [{resources}]\n");
            files.push((format!("l{level}-{side}/kustomization.yaml"), text));
        }
    }
    files.push(("leaf/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".to_owned()));
    files.push(("leaf/a.yaml".to_owned(), config_map("leaf", "x")));
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    bomb("doubled-bases", "limit of", &files)
}

/// Each base is the next one's.
fn chained_bases(levels: usize) -> Bomb {
    let mut files = vec![("kustomization.yaml".to_owned(), "resources: [l0]\n".to_owned())];
    for level in 0..levels {
        let text = if level + 1 == levels {
            "resources: [../a.yaml]\n".to_owned()
        } else {
            format!("resources: [../l{}]\n", level + 1)
        };
        files.push((format!("l{level}/kustomization.yaml"), text));
    }
    files.push(("a.yaml".to_owned(), config_map("chained", "x")));
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    bomb("chained-bases", "accumulation", &files)
}

fn copies() -> Bomb {
    let copy = |number: usize| format!("      - {{op: copy, from: /data, path: /data/c{number}}}\n");
    let operations: String = (0..40).map(copy).collect();
    with("copies", "limit of", &format!("patches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n{operations}"))
}

fn replacements() -> Bomb {
    let one = "- source: {kind: ConfigMap, fieldPath: data.key}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: \
               [data.key]\n    options: {delimiter: ',', index: -1}\n";
    with("replacements", "limit of", &format!("replacements:\n{}", one.repeat(40)))
}

fn substitutions() -> Bomb {
    let uses = "${word}".repeat(20_000);
    let files = [("a.yaml", config_map("substitutions", &uses))];
    let spec = json!({"retryInterval": "10m", "postBuild": {"substitute": {"word": "x".repeat(200_000)}}});
    Bomb { spec, ..bomb("substitutions", "is larger than", &files) }
}

fn generated() -> Bomb {
    let one = |number: usize| format!("- {{name: made-{number}, files: [f={}]}}\n", "large.txt");
    let text = format!("configMapGenerator:\n{}", (0..4000).map(one).collect::<String>());
    bomb("generated", "limit of", &[("kustomization.yaml", text), ("large.txt", "x".repeat(1 << 20))])
}

fn document(name: &str) -> String {
    format!("---\n{}", config_map(name, "x"))
}

fn suffixes() -> Bomb {
    let objects: String = (0..4000).map(|number| document(&format!("o{number}"))).collect();
    let text = format!("resources: [a.yaml]\nnameSuffix: {}\n", "x".repeat(1 << 20));
    bomb("suffixes", "limit of", &[("kustomization.yaml", text), ("a.yaml", objects)])
}

fn bombs() -> Vec<Bomb> {
    let map =
        |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {value}\n");
    let loops = "resources: [../loops]\n".to_owned();
    vec![
        bomb("deep-list", "max depth", &[("a.yaml", map(&"[".repeat(200_000)))]),
        bomb("deep-map", "max depth", &[("a.yaml", map(&"{a: ".repeat(200_000)))]),
        bomb(
            "deep-blocks",
            "max depth",
            &[("a.yaml", (0..3000).map(|level| " ".repeat(level) + "a:\n").collect())],
        ),
        bomb("itself", "contains itself", &[("a.yaml", map("&a {b: *a}"))]),
        bomb("loops", "cycle detected", &[("kustomization.yaml", loops)]),
        bomb("zero", "control characters", &[("a.yaml", "\0".repeat(1000))]),
        bomb("number", "", &[("a.yaml", map(&format!("{{key: {}}}", "9".repeat(500_000))))]),
        with(
            "far",
            "missing path",
            "patches:\n- target: {kind: ConfigMap}\n  patch: |-\n      - {op: add, path: /data/9999999999999999999999/0, value: 1}\n",
        ),
        with(
            "pattern",
            "size limit",
            "patches:\n- target: {name: '((a{1,1000}){1,1000}){1,1000}'}\n  patch: |-\n      - {op: remove, path: /data}\n",
        ),
        copies(),
        replacements(),
        doubled_bases(30),
        chained_bases(3000),
        substitutions(),
        generated(),
        suffixes(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_hurt_nobody_else() {
    let test = "bombs_hurt_nobody_else";
    let Some((kind, plane)) = own_plane(test).await else { return };
    let mut subject = Subject::start(&kind, &plane, &Options::default()).unwrap();
    let mut story = Story::on(&plane, test).await;
    let bombs = bombs();
    for (path, text) in bombs.iter().flat_map(|bomb| &bomb.files) {
        story.write(path, text);
    }
    let others: Vec<String> = (0..OTHERS).map(|number| format!("other-{number}")).collect();
    for name in &others {
        story.write(&format!("{name}/a.yaml"), &config_map(name, "1"));
    }
    let revision = story.commit(&[]);
    story.source().await;
    for bomb in &bombs {
        story.kustomization(bomb.name, bomb.spec.clone()).await;
    }
    for name in &others {
        story.kustomization(name, json!({})).await;
    }
    for name in &others {
        story.applied(name, &revision).await;
    }
    for bomb in &bombs {
        if bomb.says.is_empty() {
            story.applied(bomb.name, &revision).await;
            continue;
        }
        let failed = story.failed("Kustomization", bomb.name, "BuildFailed").await;
        let said = condition(&failed, "Ready")["message"].as_str().unwrap();
        assert!(said.contains(bomb.says), "{}: {said:.300}", bomb.name);
        story.event(bomb.name, "BuildFailed", bomb.says).await;
    }
    assert_eq!(subject.ended(), None);
    let peak = subject.usage().peak_memory_mib;
    assert!(peak < MOST_MIB, "{peak} MiB");
    story.look_for_canary(&subject.log(), &subject.storage()).await;
}
