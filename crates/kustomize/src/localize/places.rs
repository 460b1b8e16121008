//! Where copies go: beside each other as the originals are, remote ones below one folder by host and path.

use crate::error::{Result, fail};
use crate::origin::{clean, join};
use crate::remote::RepoSpec;

/// The folder for what is remote.
pub(super) const FOLDER: &str = "localized-files";
/// In it, repositories that are on a disk.
const FILES: &str = "file-schemed";

/// True when `path` is `folder` or lies below it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The way from one folder of a tree to another place in it.
pub(super) fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let mut way: Vec<&str> = vec![".."; from.len() - common];
    way.extend(to[common..].iter().map(String::as_str));
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

/// Where a file from the web goes.
pub(super) fn of_file(address: &str) -> Result<String> {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host(authority);
    let path = clean(&format!("/{path}"));
    if host.is_empty() || path == "/" {
        fail!("file {address:?} has no place in a copy");
    }
    Ok(join(&join(FOLDER, host), path.trim_start_matches('/')))
}

/// Where a root of a repository goes.
pub(super) fn of_root(spec: &RepoSpec, root: &str) -> String {
    let host = match spec.host.split_once("://") {
        Some(("file", _)) => FILES,
        Some((_, authority)) => host(authority),
        None => host(&spec.host),
    };
    let repository = spec.repo_path.strip_suffix(".git").unwrap_or(&spec.repo_path);
    let repository = clean(&format!("/{repository}"));
    let place = join(&join(FOLDER, host), repository.trim_start_matches('/'));
    join(&join(&place, &spec.reference), root)
}

/// The name of a host, without user and port.
fn host(authority: &str) -> &str {
    let authority = authority.trim_end_matches(['/', ':']);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_places() {
        let root = |raw: &str, root: &str| of_root(&RepoSpec::parse(raw).unwrap(), root);
        assert_eq!(
            root("https://github.com/org/repo//a/b?ref=v1", "a/b"),
            "localized-files/github.com/org/repo/v1/a/b"
        );
        assert_eq!(
            root("git@example.com:org/repo.git//a?ref=x/y", "a"),
            "localized-files/example.com/org/repo/x/y/a"
        );
        assert_eq!(
            of_file("https://me@host:8443/a/../b/c.yaml?x=y").unwrap(),
            "localized-files/host/b/c.yaml"
        );
        assert!(of_file("https://host/").is_err());
        assert_eq!(relative("a/b", "a/c/d"), "../c/d");
        assert_eq!(relative("a", "a"), ".");
        assert_eq!(relative("", "a"), "a");
    }
}
