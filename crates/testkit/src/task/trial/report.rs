//! What came of a folder, as JSON: every Flux object's state, and what was applied for each Kustomization.
//!
//! No Secret's value is in it, only a digest.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sluice_cluster::{At, Cluster};
use sluice_dev::tree::Member;
use sluice_dev::view::View;

use super::applied;

/// The manager that kustomize-controller applies as.
const MANAGER: &str = "kustomize-controller";

/// Which run a report is about.
pub struct Run<'a> {
    pub folder: &'a Path,
    pub path: &'a str,
    pub is_flux: bool,
    pub seconds: u64,
}

pub async fn write(run: &Run<'_>, view: &View) -> String {
    let mut rows = Vec::new();
    for (key, object, said) in view.objects() {
        let mut row = json!({
            "kind": key.0, "namespace": key.1, "name": key.2,
            "ready": said.is_ready(),
            "message": said.message,
            "digest": object["status"]["history"][0]["digest"],
        });
        if key.0 == "Kustomization" {
            row["objects"] = Value::Object(members(view.cluster(), &object).await);
        }
        rows.push(row);
    }
    let report = json!({
        "folder": run.folder.file_name().map(|name| name.to_string_lossy().into_owned()),
        "commit": commit(run.folder),
        "path": run.path,
        "subject": if run.is_flux { "flux" } else { "sluice" },
        "seconds": run.seconds,
        "rows": rows,
    });
    format!("{report:#}\n")
}

/// What was applied for a Kustomization, by id.
async fn members(cluster: &Cluster, kustomization: &Value) -> Map<String, Value> {
    let mut members = Map::new();
    for entry in kustomization["status"]["inventory"]["entries"].as_array().into_iter().flatten() {
        let Some(Member { ns, name, version, kind }) = Member::of(entry) else { continue };
        let found = async {
            let kind = cluster.kind(&version, &kind).await?;
            cluster.get(At::new(&kind, &ns, &name)).await
        };
        let content = match found.await {
            Ok(object) => content(&object),
            Err(error) => Value::String(error.to_string()),
        };
        members.insert(entry["id"].as_str().unwrap_or_default().to_owned(), content);
    }
    members
}

fn content(object: &Value) -> Value {
    let applied = applied::by(MANAGER, object).unwrap_or(Value::Null);
    if object["kind"] != "Secret" {
        return applied;
    }
    Value::String(format!("{:x}", Sha256::digest(applied.to_string())))
}

fn commit(folder: &Path) -> Option<String> {
    let said = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(folder).output().ok()?;
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
