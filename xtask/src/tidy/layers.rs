//! Layers: a crate depends only on crates of its own layer or of lower ones. The table is ARCHITECTURE.md's.

use std::process::Command;

use serde_json::Value;

use super::Problem;
use crate::program;

/// Crates by layer; a crate that is in no row is a fault, so that nobody forgets to think about its place.
const LAYERS: &[&[&str]] = &[
    &["budget", "yaml", "gotmpl", "version", "fields", "expression", "threads"],
    &["api", "object", "tree"],
    &["kustomize", "helm", "sops", "health", "manifests"],
    &["net", "git", "bases", "oci", "bucket", "artifact", "cluster"],
    &["runtime", "simulate", "dev"],
    &[
        "source-controller",
        "kustomize-controller",
        "helm-controller",
        "notification-controller",
        "image-reflector-controller",
        "image-automation-controller",
        "source-watcher",
        "flagger",
        "apiserver",
    ],
    &["cli"],
];

/// Controllers meet at API objects and artifact URLs, never in code; the embedded server shares nothing above its languages.
const ALONE: usize = 5;

/// Packages that only tests and tasks use; they may depend on anything, and nothing of the product on them.
const DEVELOPMENT: &[&str] = &["testkit", "e2e", "fuzz", "dist", "xtask"];

/// `cargo metadata`, of our own packages only.
pub fn metadata() -> Result<Value, String> {
    let text = program::output(
        Command::new(program::cargo_program())
            .args(["metadata", "--format-version=1", "--no-deps"])
            .current_dir(program::workspace()),
    )?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

pub fn check(metadata: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let Some(name) = folder(package["name"].as_str().unwrap_or_default()) else { continue };
        if DEVELOPMENT.contains(&name) {
            continue;
        }
        let Some(own) = layer(name) else {
            problems.push(Problem::fault(format!(
                "{name}: a crate in no layer; give it its place in xtask/src/tidy/layers.rs"
            )));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"] == "dev" {
                continue;
            }
            let Some(other) = folder(dependency["name"].as_str().unwrap_or_default()) else { continue };
            problems.extend(refused(name, own, other).map(Problem::fault));
        }
    }
    problems
}

fn refused(name: &str, own: usize, other: &str) -> Option<String> {
    if DEVELOPMENT.contains(&other) {
        return Some(format!("{name} depends on {other}, which is for tests only"));
    }
    let theirs = layer(other)?;
    if theirs > own {
        return Some(format!("{name} (layer {own}) depends on {other} (layer {theirs})"));
    }
    (theirs == ALONE && own == ALONE)
        .then(|| format!("{name} depends on {other}: controllers never depend on each other"))
}

/// The folder of one of our packages.
fn folder(package: &str) -> Option<&str> {
    if package == "xtask" { Some(package) } else { package.strip_prefix("sluice-") }
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(name: &str, dependency: Value) -> Vec<String> {
        let metadata = json!({"packages": [{"name": name, "dependencies": [dependency]}]});
        check(&metadata).into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn a_crate_depends_downwards_only() {
        assert!(faults("sluice-object", json!({"name": "sluice-yaml", "kind": null})).is_empty());
        assert!(faults("sluice-object", json!({"name": "sluice-tree", "kind": null})).is_empty());
        assert_eq!(
            faults("sluice-yaml", json!({"name": "sluice-object", "kind": null})),
            ["yaml (layer 0) depends on object (layer 1)"]
        );
        assert!(faults("sluice-yaml", json!({"name": "sluice-testkit", "kind": "dev"})).is_empty());
        assert_eq!(faults("sluice-cli", json!({"name": "sluice-testkit", "kind": null})).len(), 1);
        assert_eq!(
            faults("sluice-helm-controller", json!({"name": "sluice-source-controller", "kind": null})).len(),
            1
        );
        assert_eq!(faults("sluice-novelty", json!({"name": "serde", "kind": null})).len(), 1);
    }
}
