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
        Ok(Outcome::Done(built)) => built.to_yaml().map_err(|error| error.to_string()),
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
