//! Post-build substitution of one object: rendered, substituted, read again.

use std::fmt;

use serde_json::Value;
use sluice_yaml::{Node, json};

use crate::{Settings, envsubst};

/// What switches substitution off, as a label or an annotation.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// One object as text and as a value.
pub(crate) struct Document {
    pub yaml: String,
    pub value: Value,
}

impl Document {
    pub(crate) fn of(node: &Node, yaml: String) -> Result<Self, String> {
        let value = json::from_node(node).map_err(|error| error.to_string())?;
        Ok(Self { yaml, value })
    }
}

/// Kind and name, as messages show them.
pub(crate) struct Id {
    api_version: String,
    kind: String,
    name: String,
}

impl Id {
    pub(crate) fn of(node: &Node) -> Self {
        let text = |node: Option<&Node>| node.and_then(Node::as_str).unwrap_or_default().to_owned();
        Self {
            api_version: text(node.get("apiVersion")),
            kind: text(node.get("kind")),
            name: text(node.get("metadata").and_then(|metadata| metadata.get("name"))),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        !self.api_version.is_empty() && !self.kind.is_empty() && !self.name.is_empty()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gvk = sluice_kustomize::ids::Gvk::new(&self.api_version, &self.kind);
        write!(f, "{gvk}/{}", self.name)
    }
}

/// Substitutes in one object; nothing when it stays as it is.
pub(crate) fn object(
    yaml: &str,
    node: &Node,
    post_build: &Value,
    settings: &Settings<'_>,
) -> Result<Option<Document>, String> {
    let metadata = node.get("metadata");
    let switched_off = ["labels", "annotations"].iter().any(|field| {
        let map = metadata.and_then(|metadata| metadata.get(field));
        map.and_then(|map| map.get_str(SWITCH)) == Some("disabled")
    });
    if switched_off {
        return Ok(None);
    }
    if let Some(missing) = settings.missing {
        return Err(missing.to_owned());
    }
    let always = post_build.get("substituteStrategy").and_then(Value::as_str) == Some("Always");
    let variables = settings.variables;
    if variables.is_empty() && !always {
        return Ok(None);
    }
    if let Some(name) = variables.keys().find(|name| !is_name(name)) {
        return Err(format!(
            "envsubst error: '{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
        ));
    }
    let replaced = envsubst::substitute(yaml, &|name| match variables.get(name) {
        Some(text) => Some(text.replace('\n', "")),
        None if settings.strict => None,
        None => Some(String::new()),
    })
    .map_err(|error| format!("envsubst error: variable substitution failed: {error}"))?;
    let value = json::from_yaml(&replaced).map_err(|error| format!("envsubst error: YAMLToJSON: {error}"))?;
    if !value.is_object() {
        return Err(
            "UnmarshalJSON: json: cannot unmarshal into Go value of type map[string]interface {}".to_owned()
        );
    }
    let node = sluice_kustomize::from_map(&value);
    let yaml = json::node_to_yaml(&node).map_err(|error| error.to_string())?;
    Document::of(&node, yaml).map(Some)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}
