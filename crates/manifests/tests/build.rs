//! A Kustomization's build: plain folders, the Kustomization's fields on top, substitution, the texts of failures.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_budget::Budget;
use sluice_manifests::{Answers, Manifests, Outcome, Settings, build};
use sluice_tree::Memory;

fn run(files: &[(&str, &str)], spec: &Value, variables: &[(&str, &str)]) -> Result<Manifests, String> {
    let mut tree = Memory::default();
    for (path, text) in files {
        tree.insert(path, text.as_bytes().to_vec()).map_err(|error| error.to_string())?;
    }
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let answers = Answers::default();
    let settings = Settings {
        variables: &variables,
        missing: None,
        strict: true,
        shown_root: "/tmp/kustomization",
        remote_bases: false,
        answers: &answers,
    };
    match build(&tree, spec, &settings, &Budget::generous()) {
        Ok(Outcome::Done(manifests)) => Ok(manifests),
        Ok(Outcome::Need(asks)) => Err(format!("{asks:?}")),
        Err(error) => Err(error.to_string()),
    }
}

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}

#[test]
fn a_plain_folder_is_built_whole() {
    let (one, two, three) = (config_map("one", "1a"), config_map("two", "x"), config_map("three", "x"));
    let files = [
        ("app/a.yaml", one.as_str()),
        ("app/sub/b.yml", two.as_str()),
        ("app/own/c.yaml", three.as_str()),
        ("app/own/kustomization.yaml", "resources: [c.yaml]\nnamePrefix: own-\n"),
        ("app/notes.txt", "no manifest"),
    ];
    let spec = json!({"path": "./app", "targetNamespace": "apps", "namePrefix": "p-", "commonMetadata": {}});
    let built = run(&files, &spec, &[]).unwrap();
    let names: Vec<&str> =
        built.objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["p-one", "p-own-three", "p-two"]);
    assert!(built.objects.iter().all(|object| object["metadata"]["namespace"] == "apps"));
    assert!(built.reads.folders.contains("app") && built.reads.files.contains("app/own/c.yaml"));
    assert!(built.reads.missing.contains("app/kustomization.yaml"));
}

#[test]
fn nothing_is_an_empty_build() {
    let built = run(&[("app/notes.txt", "")], &json!({"path": "app"}), &[]).unwrap();
    assert!(built.objects.is_empty());
    assert_eq!(built.digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn variables_are_substituted_and_typed_again() {
    let files = [(
        "app/a.yaml",
        "apiVersion: v1\nkind: Thing\nmetadata:\n  name: one\nspec:\n  n: ${n}\n  s: \"${n}\"\n",
    )];
    let spec = json!({"path": "app", "postBuild": {}});
    let built = run(&files, &spec, &[("n", "5")]).unwrap();
    assert_eq!(
        built.objects[0]["spec"],
        json!({"n": 5, "s": 5}),
        "quotes that kustomize does not need are gone before"
    );
    let error = run(&[("app/a.yaml", &config_map("one", "${missing}"))], &spec, &[("n", "5")]).unwrap_err();
    assert_eq!(
        error,
        "post build failed for 'ConfigMap.v1.[noGrp]/one': envsubst error: variable substitution failed: variable not \
         set (strict mode): \"missing\""
    );
}

#[test]
fn failures_read_as_upstream() {
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n bad: x\n";
    let error = run(&[("app/a.yaml", broken)], &json!({"path": "app"}), &[]).unwrap_err();
    assert!(
        error.starts_with(
            "failed to decode Kubernetes YAML from /tmp/kustomization/app/a.yaml: MalformedYAMLError: yaml: "
        ),
        "{error}"
    );
    let error =
        run(&[("app/kustomization.yaml", "resources: [missing.yaml]\n")], &json!({"path": "app"}), &[])
            .unwrap_err();
    let path = "/tmp/kustomization/app/missing.yaml";
    assert_eq!(
        error,
        format!(
            "kustomize build failed: accumulating resources: accumulation err='accumulating resources from \
             'missing.yaml': open {path}: no such file or directory': must build at directory: not a valid directory: \
             evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
        )
    );
}

#[test]
fn building_again_gives_the_objects_and_the_digest_of_a_whole_build() {
    let variables = BTreeMap::from([("level".to_owned(), "debug".to_owned())]);
    let answers = Answers::default();
    let settings = Settings {
        variables: &variables,
        missing: None,
        strict: false,
        shown_root: "",
        remote_bases: false,
        answers: &answers,
    };
    let spec = json!({"path": "app", "namePrefix": "p-", "postBuild": {"substitute": {"level": "debug"}}});
    let budget = Budget::generous();
    let mut tree = Memory::default();
    let put =
        |tree: &mut Memory, path: &str, text: &str| tree.insert(path, text.as_bytes().to_vec()).unwrap();
    for name in ["a", "b", "c"] {
        put(&mut tree, &format!("app/{name}.yaml"), &config_map(name, "${level}"));
    }
    put(&mut tree, "app/notes.txt", "");
    let mut incremental = sluice_manifests::Incremental::default();
    let Outcome::Done(mut manifests) = incremental.whole(&tree, &spec, &settings, &budget).unwrap() else {
        panic!("asks for something");
    };
    // (changed file, its text, whether a part is enough)
    let steps = [
        ("app/b.yaml", config_map("b", "other"), true),
        ("app/b.yaml", config_map("b", "${level}-${level}"), true),
        ("app/notes.txt", "more".to_owned(), false),
        ("app/c.yaml", config_map("d", "renamed"), false),
        ("app/a.yaml", config_map("a", "last"), true),
        ("app/new.yaml", config_map("new", "x"), false),
        ("elsewhere", String::new(), true),
    ];
    for (path, text, in_part) in steps {
        put(&mut tree, path, &text);
        match incremental.again(&tree, &[path], &spec, &settings, &budget).unwrap() {
            Some(changes) => {
                assert!(in_part, "{path}");
                for change in changes {
                    manifests.objects.splice(change.at, change.objects);
                }
            }
            None => {
                assert!(!in_part, "{path}");
                let Outcome::Done(built) = incremental.whole(&tree, &spec, &settings, &budget).unwrap()
                else {
                    panic!("asks for something");
                };
                manifests = built;
            }
        }
        let Outcome::Done(want) = build(&tree, &spec, &settings, &budget).unwrap() else { panic!("asks") };
        assert_eq!(manifests.objects, want.objects, "{path}");
        assert_eq!(incremental.digest(), want.digest, "{path}");
    }
    let other = json!({"path": "app", "namePrefix": "q-"});
    assert!(incremental.again(&tree, &["app/a.yaml"], &other, &settings, &budget).unwrap().is_none());
    assert!(incremental.held_bytes() > 0);
}
