//! What the program is made of: every crate that is linked into it, with version, licence and checksum, as an SPDX document.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Outcome, VERSION, sums};

const PROGRAM: &str = "sluice-cli";

/// The document, by what cargo says of this workspace.
pub fn document(created: Timestamp) -> Outcome<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform=x86_64-unknown-linux-musl",
    ]);
    let output = command.output().map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let lock = format!("{root}/Cargo.lock");
    let lock = std::fs::read_to_string(&lock).map_err(|error| format!("{lock}: {error}"))?;
    Ok(format!("{:#}\n", of(&metadata, &checksums(&lock), created)))
}

fn of(metadata: &Value, checksums: &BTreeMap<(String, String), String>, created: Timestamp) -> Value {
    let linked = linked(metadata);
    let mut packages = Vec::new();
    let mut relations = Vec::new();
    for package in list(&metadata["packages"]).filter(|package| linked.contains(text(&package["id"]))) {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let id = identifier(name, version);
        let mut told = json!({
            "SPDXID": id,
            "name": name,
            "versionInfo": version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseDeclared": package["license"].as_str().unwrap_or("NOASSERTION").replace('/', " OR "),
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": format!("pkg:cargo/{name}@{version}"),
            }],
        });
        if let Some(checksum) = checksums.get(&(name.to_owned(), version.to_owned())) {
            told["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": checksum}]);
        }
        if name == PROGRAM {
            relations.push(relation("SPDXRef-DOCUMENT", "DESCRIBES", &id));
        } else {
            relations.push(relation(&identifier(PROGRAM, VERSION), "DEPENDS_ON", &id));
        }
        packages.push(told);
    }
    packages.sort_by_key(|package| text(&package["SPDXID"]).to_owned());
    relations.sort_by_key(Value::to_string);
    let content = sums::digest(Value::from(packages.clone()).to_string().as_bytes());
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("sluice-{VERSION}"),
        "documentNamespace": format!("urn:sluice:{VERSION}:{}", content.trim_start_matches("sha256:")),
        "creationInfo": {"created": created.to_string(), "creators": ["Tool: cargo xtask dist"]},
        "packages": packages,
        "relationships": relations,
    })
}

/// The ids of what is linked: what the program depends on, without what only builds or tests it.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let program = list(&metadata["packages"]).find(|package| package["name"] == PROGRAM);
    let mut waiting: Vec<&str> = program.map(|package| text(&package["id"])).into_iter().collect();
    let mut linked = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let Some(node) = nodes.get(id) else { continue };
        if linked.insert(id) {
            let normal = list(&node["deps"])
                .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            waiting.extend(normal.map(|dependency| text(&dependency["pkg"])));
        }
    }
    linked
}

/// Checksums by name and version, out of Cargo.lock.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            package.lines().find_map(|line| Some(line.strip_prefix(&start)?.strip_suffix('"')?.to_owned()))
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (field("name"), field("version"), field("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

/// SPDX allows letters, digits, dots and dashes.
fn identifier(name: &str, version: &str) -> String {
    let plain =
        |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "-");
    format!("SPDXRef-{}-{}", plain(name), plain(version))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_builds_or_tests_the_program_is_no_part_of_it() {
        let package =
            |name: &str| json!({"id": name, "name": name, "version": VERSION, "license": "MIT/Apache-2.0"});
        let dependency = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package(PROGRAM), package("a_b"), package("c"), package("d")],
            "resolve": {"nodes": [
                {"id": PROGRAM, "deps": [dependency("a_b", Value::Null), dependency("c", json!("dev"))]},
                {"id": "a_b", "deps": [dependency("d", json!("build")), dependency(PROGRAM, Value::Null)]},
                {"id": "c", "deps": []}, {"id": "d", "deps": []},
            ]},
        });
        let lock = format!(
            "[[package]]\nname = \"a_b\"\nversion = \"{VERSION}\"\nsource = \"x\"\nchecksum = \"0f\"\n"
        );
        let document = of(&metadata, &checksums(&lock), Timestamp::UNIX_EPOCH);
        let names: Vec<&str> = list(&document["packages"]).map(|package| text(&package["name"])).collect();
        assert_eq!(names, ["a_b", PROGRAM]);
        let part = &document["packages"][0];
        assert_eq!(part["SPDXID"], format!("SPDXRef-a-b-{VERSION}"));
        assert_eq!(part["licenseDeclared"], "MIT OR Apache-2.0");
        assert_eq!(part["checksums"][0]["checksumValue"], "0f");
        assert_eq!(document["relationships"].as_array().unwrap().len(), 2);
    }
}
