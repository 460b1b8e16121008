//! `.gitmodules`: which path is which repository, and where that is relative to the one it is in.

use std::collections::BTreeMap;

use sluice_net::Url;

const MOST_MODULES: usize = 1000;
const LARGEST_FILE: usize = 1 << 20;

/// The URL of each submodule by its path.
pub fn parse(text: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if text.len() > LARGEST_FILE {
        return found;
    }
    let text = String::from_utf8_lossy(text);
    let (mut path, mut url, mut inside) = (None, None, false);
    let mut close = |path: &mut Option<String>, url: &mut Option<String>| {
        if let (Some(path), Some(url)) = (path.take(), url.take())
            && found.len() < MOST_MODULES
        {
            found.insert(path.trim_end_matches('/').to_owned(), url);
        }
        (*path, *url) = (None, None);
    };
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            close(&mut path, &mut url);
            inside = line.starts_with("[submodule ");
            continue;
        }
        if !inside {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"').to_owned();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => path = Some(value),
                "url" => url = Some(value),
                _ => {}
            }
        }
    }
    close(&mut path, &mut url);
    found
}

/// The address of a submodule, seen from the repository at `parent`. None for what cannot be fetched: a local path,
/// another protocol.
pub fn resolve(parent: &Url, url: &str) -> Option<Url> {
    let found = if url.starts_with("./") || url.starts_with("../") {
        let mut base = parent.clone();
        let mut segments: Vec<&str> = parent.path().trim_matches('/').split('/').collect();
        for part in url.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    segments.pop()?;
                }
                name => segments.push(name),
            }
        }
        base.set_path(&segments.join("/"));
        base
    } else if let Ok(url) = Url::parse(url) {
        url
    } else {
        // git@host:path
        let (login, path) = url.split_once(':')?;
        Url::parse(&format!("ssh://{login}/{}", path.trim_start_matches('/'))).ok()?
    };
    matches!(found.scheme(), "http" | "https" | "ssh").then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read() {
        let text = b"# x\n[submodule \"a\"]\n\tpath = libs/a\n\turl = ../a.git\n[other]\npath = no\n\
            [submodule \"b\"]\n  url = https://h/b.git\n  path = b/\n  branch = x\n[submodule \"c\"]\n path = c\n";
        let got = parse(text);
        let want = [("b", "https://h/b.git"), ("libs/a", "../a.git")];
        assert_eq!(got, want.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    }

    #[test]
    fn addresses_are_resolved() {
        let parent = Url::parse("https://h:1/org/app.git").unwrap();
        let resolved = |url: &str| resolve(&parent, url).map(String::from);
        assert_eq!(resolved("../lib.git").unwrap(), "https://h:1/org/lib.git");
        assert_eq!(resolved("../../x/lib.git").unwrap(), "https://h:1/x/lib.git");
        assert_eq!(resolved("./lib").unwrap(), "https://h:1/org/app.git/lib");
        assert_eq!(resolved("git@host:org/lib.git").unwrap(), "ssh://git@host/org/lib.git");
        assert_eq!(resolved("https://x/y").unwrap(), "https://x/y");
        for bad in ["../../../../x", "/etc/passwd", "file:///etc", "ext::sh -c x", "x"] {
            assert_eq!(resolved(bad), None, "{bad}");
        }
    }
}
