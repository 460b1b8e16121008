//! Remote roots: which strings kustomize takes for a Git repository, and how it reads them.

/// A repository, a path in it and what to check out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoSpec {
    /// The whole string as it was written.
    pub raw: String,
    /// Scheme, user, host and separator.
    pub host: String,
    pub repo_path: String,
    /// The folder inside the repository.
    pub root_path: String,
    pub reference: String,
    pub submodules: bool,
    pub timeout_seconds: u64,
}

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];

impl RepoSpec {
    /// Reads a string; `None` when it names no repository.
    pub fn parse(raw: &str) -> Option<RepoSpec> {
        if raw.starts_with('/') {
            return None;
        }
        let (text, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (reference, timeout_seconds, submodules) = read_query(query);
        let (host, rest) = split_host(text)?;
        let all = host.starts_with("file://");
        let (repo_path, root_path) = split_path(&rest, all)?;
        if repo_path.is_empty() || leaves_repository(&root_path) {
            return None;
        }
        let root_path = root_path.strip_prefix('/').unwrap_or(&root_path).to_owned();
        Some(RepoSpec {
            raw: raw.to_owned(),
            host,
            repo_path,
            root_path,
            reference,
            submodules,
            timeout_seconds,
        })
    }

    /// What a Git client clones.
    pub fn clone_spec(&self) -> String {
        format!("{}{}", self.host, self.repo_path)
    }
}

fn split_path(text: &str, all: bool) -> Option<(String, String)> {
    if let Some(at) = text.find("_git/") {
        let (head, tail) = text.split_at(at + "_git/".len());
        let (name, rest) = tail.split_once('/').unwrap_or((tail, ""));
        return Some((format!("{head}{name}"), rest.to_owned()));
    }
    if let Some((head, tail)) = text.split_once("//") {
        return Some((head.to_owned(), tail.to_owned()));
    }
    if let Some(at) = text.find(".git") {
        let (head, tail) = text.split_at(at + ".git".len());
        return Some((head.to_owned(), tail.to_owned()));
    }
    if all {
        return Some((text.to_owned(), String::new()));
    }
    let parts: Vec<&str> = text.split('/').collect();
    (parts.len() >= 2).then(|| (parts[..2].join("/"), parts[2..].join("/")))
}

fn leaves_repository(path: &str) -> bool {
    let clean = crate::origin::clean(path.strip_prefix('/').unwrap_or(path));
    clean == ".." || clean.starts_with("../")
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn split_host(text: &str) -> Option<(String, String)> {
    let text = strip_prefix_ignoring_case(text, "git::").unwrap_or(text);
    let (mut scheme, text) = SCHEMES
        .iter()
        .find_map(|scheme| strip_prefix_ignoring_case(text, scheme).map(|rest| (*scheme, rest)))
        .unwrap_or(("", text));
    let user_length = user(text);
    let (mut user, text) = text.split_at(user_length);
    let lower = text.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return None;
    }
    if scheme == "file://" {
        return Some((scheme.to_owned(), format!("{user}{text}")));
    }
    let mut separator = text.find('/');
    if scp {
        let colon = text.find(':');
        separator = match (separator, colon) {
            (None, colon) => colon,
            (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
            (slash, _) => slash,
        };
    }
    let (mut host, rest) = match separator {
        Some(at) => text.split_at(at + 1),
        None => (text, ""),
    };
    if github {
        if scheme == "ssh://" || !user.is_empty() {
            (scheme, host) = ("", "github.com:");
        } else {
            (scheme, user, host) = ("https://", "", "github.com/");
        }
    }
    if host.is_empty() {
        return None;
    }
    Some((format!("{scheme}{user}{host}"), rest.to_owned()))
}

/// The length of a leading `name@`.
fn user(text: &str) -> usize {
    let Some(at) = text.find('@') else { return 0 };
    let name = &text.as_bytes()[..at];
    let fits = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    if fits { at + 1 } else { 0 }
}

fn read_query(query: &str) -> (String, u64, bool) {
    let (mut reference, mut version, mut timeout, mut submodules) = (String::new(), String::new(), 27, true);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = unescape(value);
        match name {
            "ref" if reference.is_empty() => reference = value,
            "version" if version.is_empty() => version = value,
            "timeout" => {
                if let Some(seconds) = seconds(&value) {
                    timeout = seconds;
                }
            }
            "submodules" => match value.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => submodules = true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => submodules = false,
                _ => {}
            },
            _ => {}
        }
    }
    (if reference.is_empty() { version } else { reference }, timeout, submodules)
}

fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then_some(seconds);
    }
    let (mut total, mut number) = (0_f64, String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() || first == '.' {
            number.push(first);
            rest = &rest[1..];
            continue;
        }
        let (unit, length) = match rest {
            rest if rest.starts_with("ms") => (0.001, 2),
            rest if rest.starts_with('h') => (3600.0, 1),
            rest if rest.starts_with('m') => (60.0, 1),
            rest if rest.starts_with('s') => (1.0, 1),
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        number.clear();
        rest = &rest[length..];
    }
    (number.is_empty() && total > 0.0).then(|| total.ceil() as u64)
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0));
                rest = after;
                continue;
            }
            _ => bytes.push(first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// True for what is fetched as one file.
pub(crate) fn is_web_address(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_forms_are_read() {
        let cases = [
            ("github.com/org/repo", "https://github.com/", "org/repo", "", ""),
            ("https://github.com/org/repo/a/b?ref=v1", "https://github.com/", "org/repo", "a/b", "v1"),
            ("git@github.com:org/repo.git//a?ref=main", "git@github.com:", "org/repo.git", "a", "main"),
            ("ssh://git@example.com/x/y.git/z", "ssh://git@example.com/", "x/y.git", "z", ""),
            ("https://example.com/a/b/c//d", "https://example.com/", "a/b/c", "d", ""),
            (
                "https://dev.example.com/o/p/_git/r/sub?version=x",
                "https://dev.example.com/",
                "o/p/_git/r",
                "sub",
                "x",
            ),
            ("file:///a/b.git/c", "file://", "/a/b.git", "c", ""),
        ];
        for (raw, host, repo, root, reference) in cases {
            let spec = RepoSpec::parse(raw).unwrap_or_else(|| panic!("{raw}"));
            assert_eq!(
                (
                    spec.host.as_str(),
                    spec.repo_path.as_str(),
                    spec.root_path.as_str(),
                    spec.reference.as_str()
                ),
                (host, repo, root, reference),
                "{raw}"
            );
        }
        for raw in ["../base", "base", "/abs", "deployment.yaml", "a/b/c", "https://github.com/org"] {
            assert_eq!(RepoSpec::parse(raw), None, "{raw}");
        }
    }
}
