//! Where an object came from: the file, the generator or transformer and the file that configures it. Printed into
//! annotations when `buildMetadata` asks for it.

use serde_json::Value;
use sluice_yaml::Node;

use crate::error::{Error, Result};
use crate::remote::RepoSpec;

/// One origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    pub path: String,
    pub repo: String,
    pub reference: String,
    pub configured_in: String,
    pub configured_by: Configurer,
}

/// The object that configures a generator or transformer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Configurer {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl Origin {
    /// The origin of something named by `path` in a kustomization of this origin.
    pub(crate) fn append(&self, path: &str) -> Origin {
        let mut origin = self.clone();
        let mut path = path.to_owned();
        if let Some(spec) = RepoSpec::parse(&path) {
            origin.repo = spec.clone_spec();
            path.clone_from(&spec.root_path);
            origin.path = String::new();
            origin.reference.clone_from(&spec.reference);
        }
        origin.path = join(&origin.path, &path);
        origin
    }

    /// What stands in the annotation.
    pub(crate) fn to_text(&self) -> String {
        sluice_yaml::emit(&self.to_node())
    }

    /// One item of the transformations' list.
    pub(crate) fn to_item(&self) -> String {
        sluice_yaml::emit(&Node::sequence(vec![self.to_node()]))
    }

    fn to_node(&self) -> Node {
        let fields = |list: &[(&str, &str)]| -> Vec<(Node, Node)> {
            let filled = list.iter().filter(|(_, text)| !text.is_empty());
            filled.map(|(name, text)| (Node::string(*name), Node::string(*text))).collect()
        };
        let mut entries = fields(&[
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ]);
        let by = &self.configured_by;
        let by = fields(&[
            ("apiVersion", &by.api_version),
            ("kind", &by.kind),
            ("name", &by.name),
            ("namespace", &by.namespace),
        ]);
        if !by.is_empty() {
            entries.push((Node::string("configuredBy"), Node::mapping(by)));
        }
        Node::mapping(entries)
    }

    pub(crate) fn parse(text: &str) -> Result<Origin> {
        let value = crate::text::yaml_to_value(text.as_bytes())?;
        let part = |value: &Value, name: &str| -> Result<String> {
            match value.get(name) {
                None | Some(Value::Null) => Ok(String::new()),
                Some(Value::String(text)) => Ok(text.clone()),
                Some(_) => {
                    Err(Error::new(format!("error unmarshaling JSON: field Origin.{name} is not a string")))
                }
            }
        };
        let by = value.get("configuredBy").cloned().unwrap_or_default();
        Ok(Origin {
            path: part(&value, "path")?,
            repo: part(&value, "repo")?,
            reference: part(&value, "ref")?,
            configured_in: part(&value, "configuredIn")?,
            configured_by: Configurer {
                api_version: part(&by, "apiVersion")?,
                kind: part(&by, "kind")?,
                name: part(&by, "name")?,
                namespace: part(&by, "namespace")?,
            },
        })
    }
}

/// Go's filepath.Join of two parts.
pub(crate) fn join(base: &str, path: &str) -> String {
    match (base.is_empty(), path.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(path),
        (false, true) => clean(base),
        (false, false) => clean(&format!("{base}/{path}")),
    }
}

/// Go's path.Clean.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (given, want) in [
            ("a/../b", "b"),
            ("../a/..", ".."),
            ("/../a", "/a"),
            ("", "."),
            ("a//b/./c", "a/b/c"),
            ("a/..", "."),
        ] {
            assert_eq!(clean(given), want, "{given}");
        }
        assert_eq!(join("", "x/../y"), "y");
    }
}
