//! What a request's path and query ask for.

use std::collections::BTreeMap;

/// A path, resolved as far as its text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/version`, `/api`, and all else that is no resource.
    Plain(Vec<String>),
    /// `/api/v1` and `/apis/GROUP/VERSION`.
    Version { group: String, version: String },
    /// A collection or an object.
    Resource(Target),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub group: String,
    pub version: String,
    pub ns: Option<String>,
    pub resource: String,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

/// Reads a path.
pub fn place(path: &str) -> Place {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let words: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match words.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Place::Plain(parts),
    };
    let (group, version) = (group.to_owned(), version.to_owned());
    // `namespaces/x/status` and `namespaces/x/finalize` are about the namespace, `namespaces/x/pods` is inside.
    let (ns, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", ns, inside @ ..] if !inside.is_empty() => (Some((*ns).to_owned()), inside),
        _ => (None, rest),
    };
    let text = |at: usize| rest.get(at).map(|part| (*part).to_owned());
    match rest {
        [] => Place::Version { group, version },
        [resource, ..] => Place::Resource(Target {
            group,
            version,
            ns,
            resource: (*resource).to_owned(),
            name: text(1),
            subresource: (rest.len() > 2).then(|| rest[2..].join("/")),
        }),
    }
}

/// The parameters of a query; of several with one name the first.
pub fn query(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()).take(256) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        out.entry(decoded(&name.replace('+', " "))).or_insert_with(|| decoded(&value.replace('+', " ")));
    }
    out
}

pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
