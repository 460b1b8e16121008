//! Our CRDs against our types, and against upstream's CRDs where Go's module cache holds them.

#[path = "../src/bin/crds/generate.rs"]
#[allow(dead_code, reason = "shared with the binary")]
mod generate;
#[path = "../src/bin/crds/rust_types.rs"]
mod rust_types;
#[path = "../src/bin/crds/yaml.rs"]
mod yaml;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sluice_api::Kind;
use sluice_api::crds::ALL;

/// The releases whose CRDs ours were recorded from; two of them cannot be had as Go modules.
const UPSTREAM: &[&str] = &[
    "helm-controller@v1.6.3",
    "kustomize-controller@v1.9.4",
    "notification-controller@v1.9.3",
    "source-controller@v1.9.3",
];

#[test]
fn the_crds_are_those_that_the_generator_writes() {
    let generated = generate::all(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut names: Vec<&str> = generated.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, text) in generated {
        let (_, ours) = ALL.iter().find(|(ours, _)| *ours == name).unwrap();
        assert!(text == *ours, "{name}: run `cargo xtask codegen`");
    }
}

#[test]
fn the_crds_have_the_structure_of_upstreams() {
    let modules = module_cache().join("github.com/fluxcd");
    let (mut compared, mut skipped) = (0, Vec::new());
    for (name, ours) in ALL {
        let upstream = UPSTREAM.iter().map(|module| modules.join(module).join("config/crd/bases").join(name));
        let Some(upstream) = upstream.map(std::fs::read_to_string).find_map(Result::ok) else {
            skipped.push(*name);
            continue;
        };
        let (_, ours) = generate::structure_of(ours).unwrap();
        let (_, upstream) = generate::structure_of(&upstream).unwrap();
        assert_eq!(ours, upstream, "{name}");
        compared += 1;
    }
    println!(
        "{compared} CRDs compared with upstream's, {} skipped because they are absent: {skipped:?}",
        skipped.len()
    );
}

#[test]
fn every_field_of_a_schema_is_read_and_written() {
    fn check<K: Kind>() {
        let (_, text) =
            ALL.iter().find(|(name, _)| *name == format!("{}_{}.yaml", K::GROUP, K::PLURAL)).unwrap();
        let crd = yaml::read(text).unwrap().remove(0);
        let version = crd.pointer("/spec/versions/0").unwrap();
        assert_eq!(version["name"], K::VERSION);
        assert_eq!(crd["spec"]["names"]["kind"], K::KIND);
        assert_eq!(crd["spec"]["scope"] == "Namespaced", K::NAMESPACED);
        let mut given = sample(version.pointer("/schema/openAPIV3Schema").unwrap());
        given["apiVersion"] = K::api_version().into();
        given["kind"] = K::KIND.into();
        given["metadata"] = serde_json::json!({"name": "x", "namespace": "y"});
        let object: K = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(&object).unwrap(), given, "{}", K::KIND);
    }
    check::<sluice_api::Alert>();
    check::<sluice_api::ArtifactGenerator>();
    check::<sluice_api::Bucket>();
    check::<sluice_api::ExternalArtifact>();
    check::<sluice_api::GitRepository>();
    check::<sluice_api::HelmChart>();
    check::<sluice_api::HelmRelease>();
    check::<sluice_api::HelmRepository>();
    check::<sluice_api::ImagePolicy>();
    check::<sluice_api::ImageRepository>();
    check::<sluice_api::ImageUpdateAutomation>();
    check::<sluice_api::Kustomization>();
    check::<sluice_api::OCIRepository>();
    check::<sluice_api::Provider>();
    check::<sluice_api::Receiver>();
}

/// A value that has every field of a schema.
fn sample(schema: &Value) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    match schema["type"].as_str() {
        // Both a text and a duration.
        Some("string") if schema["format"] != "date-time" => "1m0s".into(),
        Some("string") => "2026-01-02T03:04:05Z".into(),
        Some("integer") => 7.into(),
        Some("boolean") => true.into(),
        Some("array") => Value::Array(vec![sample(&schema["items"])]),
        Some("object") if schema["additionalProperties"].is_object() => {
            Value::Object(Map::from_iter([("k".to_owned(), sample(&schema["additionalProperties"]))]))
        }
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(properties.map(|(name, property)| (name.clone(), sample(property))).collect())
        }
        _ => serde_json::json!({"any": [1]}),
    }
}

fn module_cache() -> PathBuf {
    let named = std::env::var_os("GOMODCACHE").map(PathBuf::from);
    let home = || std::env::home_dir().unwrap_or_default();
    named
        .or_else(|| std::env::var_os("GOPATH").map(|path| PathBuf::from(path).join("pkg/mod")))
        .unwrap_or_else(|| home().join("go/pkg/mod"))
}
