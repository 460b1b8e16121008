//! Many Kustomizations of several repositories, every other one large: what a memory budget is proved with.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};

use crate::git::{GitServer, Login, Repository};

/// A large one has so many objects.
const PARTS: usize = 3;

/// The repositories, served.
pub struct Mixed {
    _root: tempfile::TempDir,
    server: GitServer,
    groups: usize,
    each: usize,
}

impl Mixed {
    /// `groups` repositories of `each` folders; the objects of a large one have `large` bytes together.
    pub fn make(groups: usize, each: usize, large: usize) -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        for group in 0..groups {
            let repository = Repository::create(root.path(), &group_name(group))?;
            for at in 0..each {
                let name = name(group, at);
                let folder = repository.work().join(&name);
                std::fs::create_dir_all(&folder)?;
                let bytes = if at % 2 == 0 { large / PARTS } else { 100 };
                let documents: Vec<String> = (0..PARTS).map(|part| config_map(&name, part, bytes)).collect();
                std::fs::write(folder.join("app.yaml"), documents.join("---\n"))?;
            }
            repository.commit_all("applications")?;
            repository.push()?;
        }
        let server = GitServer::start(root.path(), Login::Anyone)?;
        Ok(Self { _root: root, server, groups, each })
    }

    pub fn names(&self) -> Vec<String> {
        (0..self.groups).flat_map(|group| (0..self.each).map(move |at| name(group, at))).collect()
    }

    pub fn sources(&self) -> Vec<Value> {
        let source = |group| {
            let name = group_name(group);
            json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": name},
                "spec": {
                    "interval": "10m", "url": format!("{}/{name}.git", self.server.url()), "ref": {"branch": "main"},
                },
            })
        };
        (0..self.groups).map(source).collect()
    }

    pub fn kustomizations(&self, ns: &str) -> Vec<Value> {
        let all = (0..self.groups).flat_map(|group| (0..self.each).map(move |at| (group, at)));
        let kustomization = |(group, at)| {
            let name = name(group, at);
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name},
                "spec": {
                    "interval": "10m", "timeout": "5m", "path": format!("./{name}"), "prune": true, "wait": true,
                    "targetNamespace": ns, "sourceRef": {"kind": "GitRepository", "name": group_name(group)},
                },
            })
        };
        all.map(kustomization).collect()
    }
}

fn group_name(group: usize) -> String {
    format!("group-{group:02}")
}

fn name(group: usize, at: usize) -> String {
    format!("{}-app-{at:03}", group_name(group))
}

/// Lines that are all different.
fn config_map(name: &str, part: usize, bytes: usize) -> String {
    let mut text =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}-{part}}}\ndata:\n  text: |\n");
    let mut state = name.bytes().fold(part as u64 + 1, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let most = text.len() + bytes;
    while text.len() < most {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Writing to a string does not fail.
        let _ = writeln!(text, "    setting_{:08x} = {:x}", state >> 40, state >> 20);
    }
    text
}
