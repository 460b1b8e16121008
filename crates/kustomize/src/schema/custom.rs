//! An OpenAPI file that a kustomization brings: definitions with merge keys, and paths that tell scopes.

use std::collections::HashMap;

use serde_json::Value;

use super::{FACTS, PLAIN, Schema, Shape};
use crate::error::{Error, Result};

/// Reads a swagger document in JSON or YAML. `beside` keeps the built-in kinds, which then win.
pub(super) fn parse(text: &[u8], beside: bool) -> Result<Schema> {
    let value: Value = if text.first() == Some(&b'{') {
        serde_json::from_slice(text).map_err(|error| Error::new(format!("invalid schema file: {error}")))?
    } else {
        crate::text::yaml_to_value(text).map_err(|error| error.within("invalid schema file"))?
    };
    let mut reader =
        Reader { schema: Schema::default(), depth: 0, definitions: HashMap::new(), source: &value };
    if beside {
        reader.schema = Schema::from_facts(FACTS);
    } else {
        reader.schema.add(Shape { closed: true, ..Shape::default() });
    }
    let built_in = reader.schema.kinds.clone();
    if let Some(definitions) = value.get("definitions").and_then(Value::as_object) {
        for (name, definition) in definitions {
            let shape = reader.definition(name, definition);
            for kind in definition
                .get("x-kubernetes-group-version-kind")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if let Some(key) = type_meta(kind) {
                    reader.schema.kinds.insert(key, shape);
                }
            }
        }
    }
    let mut schema = reader.schema;
    schema.kinds.extend(built_in);
    for (path, item) in value.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let Some(key) = item.pointer("/get/x-kubernetes-group-version-kind").and_then(type_meta) else {
            continue;
        };
        if path.contains("namespaces/{namespace}") {
            schema.scopes.insert(key, true);
        } else {
            schema.scopes.entry(key).or_insert(false);
        }
    }
    Ok(schema)
}

fn type_meta(value: &Value) -> Option<(String, String)> {
    let version = value.get("version")?.as_str()?;
    let kind = value.get("kind")?.as_str()?;
    let api_version = match value.get("group").and_then(Value::as_str) {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Some((api_version, kind.to_owned()))
}

struct Reader<'a> {
    schema: Schema,
    /// Definitions being read at once.
    depth: u32,
    /// Shapes of definitions already begun, so that a definition may name itself.
    definitions: HashMap<String, u32>,
    source: &'a Value,
}

impl Reader<'_> {
    /// The built-in definition of this name, where the built-in ones are kept.
    fn built_in(&self, name: &str) -> Option<u32> {
        let prefixes = ["io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s."];
        let short = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        self.schema.names.get(short).copied()
    }

    fn definition(&mut self, name: &str, definition: &Value) -> u32 {
        if let Some(shape) = self.definitions.get(name) {
            return *shape;
        }
        if self.depth > 100 {
            return PLAIN;
        }
        let shape = self.schema.add(Shape::default());
        self.definitions.insert(name.to_owned(), shape);
        self.depth += 1;
        let made = self.shape(definition, 0);
        self.depth -= 1;
        self.schema.shapes[shape as usize] = made;
        shape
    }

    fn place(&mut self, value: &Value, depth: u32) -> u32 {
        if depth > 64 {
            return PLAIN;
        }
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            let Some(name) = name.strip_prefix("#/definitions/") else { return PLAIN };
            let name = name.replace("~1", "/").replace("~0", "~");
            if let Some(shape) = self.built_in(&name) {
                return shape;
            }
            let Some(definition) = self.source.get("definitions").and_then(|all| all.get(&name)) else {
                return PLAIN;
            };
            return self.definition(&name, definition);
        }
        let shape = self.shape(value, depth + 1);
        self.schema.add(shape)
    }

    fn shape(&mut self, value: &Value, depth: u32) -> Shape {
        let mut shape = Shape::default();
        for (name, property) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let place = self.place(property, depth + 1);
            shape.fields.insert(name.clone(), place);
        }
        if let Some(rest) = value.get("additionalProperties").filter(|rest| rest.is_object()) {
            shape.rest = Some(self.place(rest, depth + 1));
        }
        if let Some(items) = value.get("items").filter(|_| value.get("type") == Some(&Value::from("array"))) {
            shape.elements = Some(self.place(items, depth + 1));
        }
        if let Some(strategy) = value.get("x-kubernetes-patch-strategy").and_then(Value::as_str) {
            shape.merges = strategy.split(',').any(|word| word == "merge");
            if let Some(keys) = value.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
                shape.keys = keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            } else if let Some(key) = value.get("x-kubernetes-patch-merge-key").and_then(Value::as_str) {
                shape.keys = vec![key.to_owned()];
            }
        }
        shape
    }
}
