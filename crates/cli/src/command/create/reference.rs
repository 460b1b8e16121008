//! References on the command line: `[Kind/]name[.namespace]`.

use serde_json::Value;

use super::fields::Fields;

/// A reference as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl Typed {
    /// Splits at the slash and the last dot; what is not there is empty.
    pub fn split(text: &str) -> Self {
        let (kind, name) = split_kind(text);
        let (name, namespace) = name.rsplit_once('.').unwrap_or((name, ""));
        Self { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.to_owned() }
    }

    pub fn into_value(self) -> Value {
        Fields::default()
            .text("kind", &self.kind)
            .text("name", &self.name)
            .text("namespace", &self.namespace)
            .into_value()
    }
}

/// `Kind/name`; more than one slash is part of a name.
pub fn split_kind(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((kind, name)) if !name.contains('/') => (kind, name),
        _ => ("", text),
    }
}

const KUSTOMIZATION_SOURCES: [&str; 3] = ["OCIRepository", "GitRepository", "Bucket"];
const CHART_SOURCES: [&str; 3] = ["HelmRepository", "GitRepository", "Bucket"];

fn known_kind(kind: &str, kinds: &[&'static str]) -> Result<String, String> {
    let known = kinds.iter().find(|known| known.eq_ignore_ascii_case(kind));
    known
        .map(|&known| known.to_owned())
        .ok_or_else(|| format!("source kind '{kind}' is not supported, must be one of: {}", kinds.join(", ")))
}

/// The source of a Kustomization; without a kind it is a GitRepository.
pub fn kustomization_source(text: &str) -> Result<Typed, String> {
    let mut typed = Typed::split(text);
    if typed.name.is_empty() {
        return Err(format!("no name given for source of kind '{}'", typed.kind));
    }
    if typed.kind.is_empty() {
        if KUSTOMIZATION_SOURCES.contains(&typed.name.as_str()) {
            return Err(format!("no kind specified for source '{}'", typed.name));
        }
        "GitRepository".clone_into(&mut typed.kind);
    }
    typed.kind = known_kind(&typed.kind, &KUSTOMIZATION_SOURCES)?;
    Ok(typed)
}

/// The source of a chart.
pub fn chart_source(text: &str) -> Result<Typed, String> {
    let mut typed = Typed::split(text);
    if typed.kind.is_empty() || typed.name.is_empty() {
        return Err(format!("invalid helm chart source '{text}', must be in format <kind>/<name>"));
    }
    typed.kind = known_kind(&typed.kind, &CHART_SOURCES)?;
    Ok(typed)
}

/// The source of a chart in the object's own namespace: dots belong to its name.
pub fn local_chart_source(text: &str) -> Result<Typed, String> {
    let (kind, name) = split_kind(text);
    if kind.is_empty() || name.is_empty() {
        return Err(format!("invalid helm chart source '{text}', must be in format <kind>/<name>"));
    }
    let kind = known_kind(kind, &CHART_SOURCES)?;
    Ok(Typed { kind, name: name.to_owned(), namespace: String::new() })
}

/// What must be ready first: `name` or `namespace/name`.
pub fn depends_on(names: &[String]) -> Vec<Value> {
    let split = |text: &String| {
        let (namespace, name) = text.split_once('/').unwrap_or(("", text));
        Fields::default().text("name", name).text("namespace", namespace).into_value()
    };
    names.iter().map(split).collect()
}

/// One of some words.
pub fn one_of(text: &str, what: &str, words: &[&str]) -> Result<String, String> {
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("{what} '{text}' is not supported, must be one of: {}", words.join("|")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let source = |kind: &str, name: &str, namespace: &str| Typed {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        };
        assert_eq!(kustomization_source("app"), Ok(source("GitRepository", "app", "")));
        assert_eq!(kustomization_source("bucket/a.b.ns"), Ok(source("Bucket", "a.b", "ns")));
        assert_eq!(
            kustomization_source("Nope/app"),
            Err("source kind 'Nope' is not supported, must be one of: OCIRepository, GitRepository, Bucket"
                .into())
        );
        assert!(chart_source("app").is_err());
    }
}
