//! One repository at a reference, as a tree whose files are read from the pack when they are asked for.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sluice_git::reference::ChooseError;
use sluice_git::{Auth, Blob, Checkout, FetchError, Fetcher, Outcome, Reference, Request};
use sluice_kustomize::RepoSpec;
use sluice_net::{SecretData, Url};
use sluice_tree::{Entry, EntryKind, Limits, Memory, Node, ReadError, Tree};

use crate::Files;
use crate::web::shown;

/// Fetches what a string of a kustomization names; the folder in it is the engine's business.
pub(crate) async fn fetch(fetcher: &Fetcher, ssh: &SecretData, spec: &RepoSpec, longest: Duration) -> Files {
    let from = address(spec)?;
    let none = SecretData::default();
    let auth = match from.scheme() {
        "ssh" if ssh.text("identity").is_empty() => {
            return Err(format!("'{from}' is reached over SSH, and there is no key for it; use https"));
        }
        "ssh" => Auth::read(&from, ssh),
        _ => Auth::read(&from, &none),
    };
    let url = shown(from.as_str());
    let mut request = Request {
        auth: auth.map_err(|error| error.to_string())?,
        from,
        url,
        proxy: None,
        reference: Reference::default(),
        sparse: Vec::new(),
        recurse_submodules: spec.submodules,
        observed: None,
        timeout: Duration::from_secs(spec.timeout_seconds).min(longest),
    };
    let wanted = references(&spec.reference);
    let mut refusal = None;
    for reference in wanted {
        request.reference = reference;
        match fetcher.fetch(&request).await {
            Ok(Outcome::Fetched(checkout)) => return Ok(Arc::new(Repository::new(*checkout)?)),
            Ok(Outcome::Empty | Outcome::Unchanged { .. }) => {
                return Err(format!("'{}' is an empty repository", request.url));
            }
            Err(FetchError::Choose(ChooseError::Unresolved(_))) => {
                let name = if spec.reference.is_empty() { "HEAD" } else { &spec.reference };
                refusal = Some(format!("couldn't find remote ref {name} in '{}'", request.url));
            }
            Err(error) => return Err(chain(&error)),
        }
    }
    Err(refusal.unwrap_or_else(|| format!("'{}' has no such reference", request.url)))
}

/// Where a repository is, with scp's form made an URL.
fn address(spec: &RepoSpec) -> Result<Url, String> {
    let clone = spec.clone_spec();
    let text = match spec.host.as_str() {
        "file://" => {
            return Err(format!("'{clone}': repositories on the disk are not read; name the folder itself"));
        }
        host if host.contains("://") => clone.clone(),
        host if host.ends_with(':') => {
            let host = host.trim_end_matches(':');
            let user = if host.contains('@') { "" } else { "git@" };
            format!("ssh://{user}{host}/{}", spec.repo_path.trim_start_matches('/'))
        }
        host => format!("ssh://{host}{}", spec.repo_path),
    };
    Url::parse(&text).map_err(|error| format!("'{}' names no repository: {error}", shown(&clone)))
}

/// What `git fetch` tries for a name, in its order.
fn references(name: &str) -> Vec<Reference> {
    let named = |name: String| Reference { name, ..Reference::default() };
    if name.is_empty() || name == "HEAD" {
        return vec![named("HEAD".to_owned())];
    }
    if matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return vec![Reference { commit: name.to_ascii_lowercase(), ..Reference::default() }];
    }
    let mut wanted = vec![named(format!("refs/tags/{name}")), named(format!("refs/heads/{name}"))];
    if name.starts_with("refs/") {
        wanted.insert(0, named(name.to_owned()));
    } else if name.contains('/') {
        wanted.insert(0, named(format!("refs/{name}")));
    }
    wanted
}

fn chain(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

/// A fetched commit. Names and folders are in memory, contents in the pack.
struct Repository {
    /// Every file, without its content.
    names: Memory,
    blobs: BTreeMap<String, Blob>,
    checkout: Mutex<Checkout>,
}

impl Repository {
    fn new(mut checkout: Checkout) -> Result<Self, String> {
        let mut names = Memory::new(Limits::default());
        let mut blobs = BTreeMap::new();
        for (path, node) in checkout.take_layout().iter() {
            let put = match node {
                Node::Folder => names.insert_folder(&path),
                Node::File { content, .. } => {
                    blobs.insert(path.clone(), *content);
                    names.insert(&path, Bytes::new())
                }
            };
            put.map_err(|error| error.to_string())?;
        }
        Ok(Self { names, blobs, checkout: Mutex::new(checkout) })
    }
}

impl Tree for Repository {
    fn resolve(&self, path: &str) -> Result<(String, EntryKind), ReadError> {
        self.names.resolve(path)
    }

    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let (real, _) = self.names.resolve(path)?;
        let blob = self.blobs.get(&real).ok_or_else(|| ReadError::IsFolder(path.to_owned()))?;
        let mut checkout = self.checkout.lock().unwrap_or_else(PoisonError::into_inner);
        checkout.read(blob).map_err(|error| ReadError::Io { path: path.to_owned(), text: error.to_string() })
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.names.list(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_become_addresses() {
        for (raw, want) in [
            ("github.com/org/repo//a?ref=x", "https://github.com/org/repo"),
            ("git@github.com:org/repo.git//a", "ssh://git@github.com/org/repo.git"),
            ("ssh://git@example.com:2222/x/y.git/z", "ssh://git@example.com:2222/x/y.git"),
            ("https://me:secret@example.com/x/y.git", "https://me:secret@example.com/x/y.git"),
        ] {
            let spec = RepoSpec::parse(raw).unwrap();
            assert_eq!(address(&spec).unwrap().as_str(), want, "{raw}");
        }
        let local = RepoSpec::parse("file:///srv/x.git//a").unwrap();
        assert!(address(&local).unwrap_err().contains("name the folder itself"));
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://me:canary@example.com/x"), "https://me:xxxxx@example.com/x");
    }

    #[test]
    fn names_are_tried_in_gits_order() {
        let names = |text: &str| -> Vec<String> {
            references(text).into_iter().map(|reference| reference.name + &reference.commit).collect()
        };
        assert_eq!(names(""), ["HEAD"]);
        assert_eq!(names("v1"), ["refs/tags/v1", "refs/heads/v1"]);
        assert_eq!(names("heads/a"), ["refs/heads/a", "refs/tags/heads/a", "refs/heads/heads/a"]);
        assert_eq!(names(&"A".repeat(40)), ["a".repeat(40)]);
    }
}
