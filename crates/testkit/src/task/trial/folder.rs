//! The served copy of a folder: its files in a repository, with what would start a second Flux taken out.
//!
//! For Flux as the subject, sources that point at the folder's own remotes are edited to point at us; Sluice is told by a
//! flag instead and sees what Git says.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sluice_dev::bootstrap::{SYNC, Sources, is_bootstraps, is_folder};
use sluice_dev::repository::remotes;
use sluice_testkit::git::Repository;
use sluice_testkit::yaml;

use super::pretended::Kinds;

/// The name of the served repository.
pub const NAME: &str = "folder";

/// The branch that is served.
pub const BRANCH: &str = "main";

const COMPONENTS: &str = "gotk-components.yaml";
const LARGEST: u64 = 16 << 20;

/// What is served, and what was found on the way.
#[derive(Default)]
pub struct Served {
    notes: Vec<String>,
    sources: Sources,
    /// Branches and tags that sources ask for, as whole references.
    references: Vec<String>,
    kinds: Kinds,
}

impl Served {
    /// Copies the folder into a repository below `root` and commits it.
    pub fn make(folder: &Path, root: &Path, url: &str, is_edited: bool) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        let repository = Repository::create(root, NAME).map_err(failed)?;
        let remotes = remotes(folder);
        let mut served = Self::default();
        for path in files(folder)? {
            let from = folder.join(&path);
            let metadata = from.symlink_metadata().map_err(|error| format!("{}: {error}", from.display()))?;
            let to = repository.work().join(&path);
            std::fs::create_dir_all(to.parent().unwrap_or(repository.work())).map_err(failed)?;
            if metadata.is_symlink() {
                let target = std::fs::read_link(&from).map_err(failed)?;
                std::os::unix::fs::symlink(target, &to).map_err(failed)?;
            } else if metadata.is_file() && metadata.len() <= LARGEST {
                let bytes = std::fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
                let bytes = served.prepare(&path, bytes, &remotes, is_edited.then_some(url));
                std::fs::write(&to, bytes).map_err(failed)?;
            }
        }
        repository.commit_all("the folder").map_err(failed)?;
        repository.push().map_err(failed)?;
        for reference in &served.references {
            repository.push_as(reference).map_err(failed)?;
        }
        served.sources.rewrites.sort();
        served.sources.rewrites.dedup();
        Ok(served)
    }

    /// What a person should know about the served copy.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What the folder says about its own sources, in the served copy.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The kinds that the folder uses.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn prepare(&mut self, path: &Path, bytes: Vec<u8>, remotes: &[String], edited: Option<&str>) -> Vec<u8> {
        let is_yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let Ok(text) = String::from_utf8(bytes.clone()) else { return bytes };
        if !is_yaml {
            return bytes;
        }
        if path.file_name().is_some_and(|name| name == COMPONENTS) {
            self.notes.push(format!("{}: reduced to its Namespace and CRDs", path.display()));
            return reduce(&text).into_bytes();
        }
        let Ok(documents) = yaml::documents(&text) else { return bytes };
        for document in &documents {
            self.kinds.note(document);
        }
        let mut text = text;
        for source in documents.iter().filter(|document| document["kind"] == "GitRepository") {
            let Some(from) = source["spec"]["url"].as_str() else { continue };
            if !is_folder(source, remotes) {
                continue;
            }
            self.sources.rewrites.push(from.to_owned());
            for (key, place) in [("branch", "heads"), ("tag", "tags")] {
                if let Some(name) = source["spec"]["ref"][key].as_str() {
                    self.references.push(format!("refs/{place}/{name}"));
                }
            }
            if let Some(url) = edited {
                self.notes.push(format!("{}: {from} is {url} in the served copy", path.display()));
                text = edit(&text, from, url);
            }
            if is_bootstraps(source) && path.ends_with(SYNC) {
                self.sources.bootstrapped = yaml::documents(&text).unwrap_or_default();
            }
        }
        text.into_bytes()
    }
}

/// Points a document at another URL, without credentials and on the branch that is served.
fn edit(text: &str, from: &str, to: &str) -> String {
    let mut documents = Vec::new();
    for document in text.split("\n---") {
        let is_it = document.contains("GitRepository") && document.contains(from);
        if !is_it {
            documents.push(document.to_owned());
            continue;
        }
        let Ok(mut source) = yaml::document(document) else {
            documents.push(document.to_owned());
            continue;
        };
        point(&mut source, to);
        documents.push(format!("\n{source:#}\n"));
    }
    documents.join("\n---")
}

/// The object that fetches the served copy instead.
pub fn point(source: &mut Value, url: &str) {
    source["spec"]["url"] = url.into();
    source["spec"]["ref"] = serde_json::json!({"branch": BRANCH});
    if let Some(spec) = source["spec"].as_object_mut() {
        for key in ["secretRef", "verify", "provider", "proxySecretRef"] {
            spec.remove(key);
        }
    }
}

/// Only the Namespace and the definitions; the controllers are the subject's.
fn reduce(text: &str) -> String {
    let kept = text.split("\n---").filter(|document| {
        document
            .lines()
            .any(|line| matches!(line.trim_end(), "kind: Namespace" | "kind: CustomResourceDefinition"))
    });
    kept.map(|document| format!("---{document}\n")).collect::<Vec<_>>().concat()
}

/// What git would commit, or all files where there is no git.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = Command::new("git")
        .args(["-c", "core.quotePath=false", "ls-files", "-co", "--exclude-standard", "-z"])
        .current_dir(folder)
        .output();
    if let Ok(listed) = listed
        && listed.status.success()
    {
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let mut paths: Vec<PathBuf> =
            names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        paths.retain(|path| folder.join(path).symlink_metadata().is_ok());
        paths.sort();
        paths.dedup();
        return Ok(paths);
    }
    let mut paths = Vec::new();
    walk(folder, Path::new(""), &mut paths)?;
    Ok(paths)
}

fn walk(folder: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let here = folder.join(below);
    let entries = std::fs::read_dir(&here).map_err(|error| format!("{}: {error}", here.display()))?;
    let mut names: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.into_iter().filter(|name| name != ".git") {
        let path = below.join(name);
        if folder.join(&path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            walk(folder, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_keep_namespace_and_definitions() {
        let text = "---\nkind: Namespace\n---\nkind: Deployment\n---\nkind: CustomResourceDefinition\n";
        let reduced = reduce(text);
        assert!(
            reduced.contains("Namespace")
                && reduced.contains("Definition")
                && !reduced.contains("Deployment")
        );
    }

    #[test]
    fn an_edited_source_points_at_us_without_credentials() {
        let text = "# x\nkind: Kustomization\n---\nkind: GitRepository\nspec:\n  url: ssh://git@h/a\n  secretRef: {name: s}\n";
        let documents = yaml::documents(&edit(text, "ssh://git@h/a", "http://us")).unwrap();
        assert_eq!(documents[1]["spec"], serde_json::json!({"url": "http://us", "ref": {"branch": "main"}}));
        assert_eq!(documents[0]["kind"], "Kustomization");
    }
}
