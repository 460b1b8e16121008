//! Bytes from outside: whatever they are, a build ends, with an error where it must, and never panics.

use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Outcome};
use sluice_tree::Memory;

fn build(files: &[(&str, Vec<u8>)]) -> Result<String, String> {
    let mut tree = Memory::default();
    for (path, content) in files {
        tree.insert(path, content.clone()).map_err(|error| error.to_string())?;
    }
    let budget = Budget::new(2_000_000, 32 << 20, 512);
    let options = Options { remote: false, ..Options::default() };
    match sluice_kustomize::build(&tree, "", &options, &Answers::default(), &budget) {
        Ok(Outcome::Done(built)) => built.to_yaml(1).map_err(|error| error.to_string()),
        Ok(Outcome::Need(_)) => Ok(String::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn fails(kustomization: &str, resource: &str) -> String {
    build(&[("kustomization.yaml", kustomization.into()), ("r.yaml", resource.into())])
        .err()
        .unwrap_or_default()
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

#[test]
fn bombs_end_in_errors() {
    let mut bomb =
        "apiVersion: v1\nkind: X\nmetadata: {name: a}\na0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 8].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(!fails("resources: [r.yaml]\n", &bomb).is_empty());
    let deep = format!("{OBJECT}x: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!fails("resources: [r.yaml]\n", &deep).is_empty());
    let expression = "resources: [r.yaml]\npatches:\n- target: {name: '((a{1000}){1000}){1000}'}\n  patch: |\n    - {op: add, path: /a, value: b}\n";
    assert!(fails(expression, OBJECT).contains("error parsing regexp"));
    let path = format!(
        "resources: [r.yaml]\nreplacements:\n- sourceValue: x\n  targets:\n  - select: {{kind: ConfigMap}}\n    fieldPaths: ['{}']\n    options: {{create: true}}\n",
        vec!["a"; 100_000].join(".")
    );
    assert!(fails(&path, OBJECT).contains("more than 256 parts"));
    let copies =
        "    - {op: copy, from: /data, path: /data/n}\n    - {op: copy, from: /data, path: /data/m}\n"
            .repeat(64);
    let copies = format!("resources: [r.yaml]\npatches:\n- target: {{name: a}}\n  patch: |\n{copies}");
    assert!(!fails(&copies, OBJECT).is_empty());
    let grow = "- source: {kind: ConfigMap, fieldPath: data}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.n, data.m]\n    options: {create: true}\n".repeat(64);
    assert!(!fails(&format!("resources: [r.yaml]\nreplacements:\n{grow}"), OBJECT).is_empty());
}

#[test]
fn circles_and_roads_out_are_refused() {
    assert!(fails("resources: [.]\n", "").contains("cycle detected"));
    assert!(fails("resources: [../../etc/passwd]\n", "").contains("not in or below"));
    assert!(fails("configMapGenerator:\n- {name: a, files: [/etc/passwd]}\n", "").contains("passwd"));
    assert!(fails("resources: ['https://example.com/x.yaml']\n", "").contains("not allowed"));
}

#[test]
fn links_lead_out_of_nothing() {
    let mut tree = Memory::default();
    tree.insert("in/kustomization.yaml", "resources: [r.yaml]\n").unwrap();
    tree.insert("secret.yaml", OBJECT).unwrap();
    tree.insert_link("in/r.yaml", "../secret.yaml").unwrap();
    let attempt = |unrestricted| {
        let options = Options { remote: false, unrestricted, ..Options::default() };
        let budget = Budget::generous();
        sluice_kustomize::build(&tree, "in", &options, &Answers::default(), &budget)
            .map_err(|error| error.to_string())
    };
    assert!(attempt(false).unwrap_err().contains("is not in or below"), "{:?}", attempt(false));
    assert!(matches!(attempt(true), Ok(Outcome::Done(_))));
}

#[test]
fn large_input_ends_in_time() {
    // A file of 100 MB, as a resource, a generator's file and the kustomization itself.
    let large = format!("{OBJECT}# {}\n", "x".repeat(100 << 20));
    assert!(!fails("resources: [r.yaml]\n", &large).is_empty());
    assert!(!fails("configMapGenerator:\n- {name: a, files: [r.yaml]}\n", &large).is_empty());
    assert!(!fails(&format!("resources: []\n# {large}"), "").is_empty());
    // A patch of a million lines.
    let mut patch = OBJECT.to_owned();
    patch.push_str("spec:\n");
    for line in 0..1_000_000 {
        patch.push_str(&format!("  k{line}: v\n"));
    }
    let files = [
        ("kustomization.yaml", b"resources: [r.yaml]\npatches: [{path: p.yaml}]\n".to_vec()),
        ("r.yaml", OBJECT.into()),
        ("p.yaml", patch.into_bytes()),
    ];
    assert!(build(&files).is_err());
}

/// A small generator: the same bytes on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

#[test]
fn changed_bytes_never_panic() {
    let kustomization =
        include_bytes!("corpus/semantics/replacements-of-all-kinds/in/kustomization.yaml").to_vec();
    let resource = include_bytes!("corpus/semantics/replacements-of-all-kinds/in/r.yaml").to_vec();
    let more = include_bytes!("corpus/semantics/replacements-of-all-kinds/in/more.yaml").to_vec();
    let mut dice = Dice(88_172_645_463_325_252);
    let interesting = b"{}[]:-&*!|>'\"#%@`~?,\n\t $\\\0\xff\xef<=.()";
    for _ in 0..400 {
        let mut files = [kustomization.clone(), resource.clone(), more.clone()];
        for _ in 0..=dice.roll(4) {
            let file = dice.roll(3);
            let at = dice.roll(files[file].len());
            match dice.roll(4) {
                0 => files[file][at] = interesting[dice.roll(interesting.len())],
                1 => files[file].insert(at, interesting[dice.roll(interesting.len())]),
                2 => {
                    files[file].remove(at);
                }
                _ => files[file].truncate(at.max(1)),
            }
        }
        let [kustomization, resource, more] = files;
        let _ = build(&[("kustomization.yaml", kustomization), ("r.yaml", resource), ("more.yaml", more)]);
    }
}

/// Every file below a folder, by its path in it.
fn files_below(folder: &std::path::Path, prefix: &str, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            files_below(&path, &format!("{name}/"), found);
        } else if let Ok(content) = std::fs::read(&path) {
            found.push((name, content));
        }
    }
}

#[test]
fn changed_inputs_of_the_corpus_never_panic() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    for area in ["composed", "semantics"] {
        let mut folders: Vec<_> =
            std::fs::read_dir(corpus.join(area)).unwrap().flatten().map(|entry| entry.path()).collect();
        folders.sort();
        for folder in folders {
            let mut files = Vec::new();
            files_below(&folder.join("in"), "", &mut files);
            let command = std::fs::read_to_string(folder.join("from.toml")).unwrap_or_default();
            let run = command.split('"').nth(5).unwrap_or(".").trim_start_matches('.').to_owned();
            if !files.is_empty() {
                cases.push((run, files));
            }
        }
    }
    assert!(cases.len() >= 100);
    let interesting = b"{}[]:-&*!|>'\"#%@`~?,\n\t $\\\0\xff\xef<=.()0";
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..1_500 {
        let (run, mut files) = cases[dice.roll(cases.len())].clone();
        for _ in 0..=dice.roll(5) {
            let file = dice.roll(files.len());
            let other = dice.roll(files.len());
            let piece = files[other].1.clone();
            let content = &mut files[file].1;
            let at = dice.roll(content.len() + 1);
            match dice.roll(5) {
                0 if at < content.len() => content[at] = interesting[dice.roll(interesting.len())],
                1 if at < content.len() => {
                    content.remove(at);
                }
                2 => content.truncate(at),
                3 if !piece.is_empty() => {
                    // A piece of another file, which is the likeliest to mean something.
                    let from = dice.roll(piece.len());
                    let length = dice.roll(40).min(piece.len() - from);
                    content.splice(at..at, piece[from..from + length].iter().copied());
                }
                _ => content.insert(at, interesting[dice.roll(interesting.len())]),
            }
        }
        let mut tree = Memory::default();
        for (path, content) in files {
            let _ = tree.insert(&path, content);
        }
        let budget = Budget::new(2_000_000, 32 << 20, 512);
        let options = Options { remote: false, ..Options::default() };
        if let Ok(Outcome::Done(built)) =
            sluice_kustomize::build(&tree, &run, &options, &Answers::default(), &budget)
        {
            let _ = built.to_yaml(1);
        }
    }
}
