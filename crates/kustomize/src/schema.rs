//! What is known about kinds: which lists merge by which keys, and which kinds live outside of namespaces.
//!
//! The built-in part is a table of facts recorded from kustomize's own OpenAPI (`peers/ask/kustomize-schema`);
//! a kustomization may put an OpenAPI file of its own in its place (`schema::custom`).

pub(crate) mod custom;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::error::Result;

/// The recorded facts.
pub(crate) const FACTS: &str = include_str!("facts.txt");

/// A place in a schema. `None` where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    shape: u32,
}

#[derive(Debug, Default)]
struct Shape {
    /// Fields by name.
    fields: HashMap<String, u32>,
    /// What values of unnamed fields look like.
    rest: Option<u32>,
    /// Fields that are not named lead nowhere (instead of to something unknown).
    closed: bool,
    elements: Option<u32>,
    merges: bool,
    keys: Vec<String>,
}

/// One set of known kinds.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    shapes: Vec<Shape>,
    kinds: HashMap<(String, String), u32>,
    /// The built-in definitions, by their names as the facts have them.
    names: HashMap<String, u32>,
    /// Learned from the paths of a custom OpenAPI file.
    scopes: HashMap<(String, String), bool>,
}

/// The shape without content: known, and nothing in it merges.
const PLAIN: u32 = 0;

static BUILT_IN: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(Schema::from_facts(FACTS)));
static SCOPES: LazyLock<HashMap<(&'static str, &'static str), bool>> = LazyLock::new(|| {
    lines("scope ")
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(((words.next()?, words.next()?), words.next()? == "yes"))
        })
        .collect()
});

/// The facts that begin with a word.
pub(crate) fn lines(word: &'static str) -> impl Iterator<Item = &'static str> {
    FACTS.lines().filter_map(move |line| line.strip_prefix(word))
}

impl Schema {
    pub(crate) fn built_in() -> Arc<Schema> {
        Arc::clone(&BUILT_IN)
    }

    fn from_facts(facts: &str) -> Schema {
        let mut schema =
            Schema { shapes: vec![Shape { closed: true, ..Shape::default() }], ..Schema::default() };
        let mut names: HashMap<&str, u32> = HashMap::new();
        for name in facts.lines().filter_map(|line| line.strip_prefix("def ")) {
            names.insert(name, schema.add(Shape { closed: true, ..Shape::default() }));
        }
        let open = schema.add(Shape::default());
        let mut current = PLAIN;
        for line in facts.lines() {
            if let Some(name) = line.strip_prefix("def ") {
                current = names[name];
            } else if let Some(field) = line.strip_prefix("  ") {
                let words: Vec<&str> = field.split(' ').collect();
                let target = |name: &str| names.get(name).copied().unwrap_or(PLAIN);
                let shape = match words[1..] {
                    ["list", keys, name] => schema.add(Shape {
                        elements: Some(target(name)),
                        merges: true,
                        keys: if keys == "-" {
                            Vec::new()
                        } else {
                            keys.split(',').map(str::to_owned).collect()
                        },
                        ..Shape::default()
                    }),
                    ["map", name] => schema.add(Shape { rest: Some(target(name)), ..Shape::default() }),
                    ["object", name] => target(name),
                    _ => PLAIN,
                };
                schema.shapes[current as usize].fields.insert(words[0].to_owned(), shape);
            } else if let Some(kind) = line.strip_prefix("kind ") {
                let words: Vec<&str> = kind.split(' ').collect();
                let shape = match words[2] {
                    "-" => PLAIN,
                    "open" => open,
                    name => names[name],
                };
                schema.kinds.insert((words[0].to_owned(), words[1].to_owned()), shape);
            }
        }
        schema.names = names.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
        schema
    }

    fn add(&mut self, shape: Shape) -> u32 {
        self.shapes.push(shape);
        self.shapes.len() as u32 - 1
    }

    fn shape(&self, place: Place) -> &Shape {
        &self.shapes[place.shape as usize]
    }

    /// The schema of a kind.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Place> {
        // No allocation for the usual case would need a borrowed pair key; kinds are asked once a merge.
        self.kinds.get(&(api_version.to_owned(), kind.to_owned())).map(|&shape| Place { shape })
    }

    pub(crate) fn field(&self, place: Place, name: &str) -> Option<Place> {
        let shape = self.shape(place);
        match shape.fields.get(name).copied().or(shape.rest) {
            Some(shape) => Some(Place { shape }),
            None if shape.closed => Some(Place { shape: PLAIN }),
            None => None,
        }
    }

    pub(crate) fn elements(&self, place: Place) -> Option<Place> {
        self.shape(place).elements.map(|shape| Place { shape })
    }

    /// True for a list that merges element by element.
    pub(crate) fn merges(&self, place: Place) -> bool {
        self.shape(place).merges
    }

    /// The keys by which elements of a merging list are the same; empty for plain values.
    pub(crate) fn keys(&self, place: Place) -> &[String] {
        &self.shape(place).keys
    }
}

/// The schema in use during one build: the built-in one until a kustomization sets its own.
#[derive(Debug)]
pub(crate) struct Schemas {
    custom: Option<Arc<Schema>>,
    set: bool,
    /// A kind outside of the table was asked for while the built-in schema was in use. kustomize then keeps the
    /// built-in definitions beside a custom file that a base brings.
    delayed: std::cell::Cell<bool>,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        Self { custom: None, set: false, delayed: std::cell::Cell::new(false) }
    }

    /// What a kustomization's `openapi` field asks for. Only the first one counts, from the top downwards.
    pub(crate) fn set(&mut self, version: Option<&str>, file: Option<&[u8]>) -> Result<()> {
        if self.set {
            return Ok(());
        }
        if let Some(file) = file {
            if version.is_some() {
                crate::error::fail!("builtin version and custom schema provided, cannot use both");
            }
            self.set = true;
            self.custom = Some(Arc::new(custom::parse(file, self.delayed.get())?));
            return Ok(());
        }
        match version {
            None | Some("") => Ok(()),
            Some("v1.21.2") => {
                self.set = true;
                Ok(())
            }
            Some(_) => crate::error::fail!("the specified OpenAPI version is not built in"),
        }
    }

    /// True until a kustomization has brought a schema of its own.
    pub(crate) fn is_built_in(&self) -> bool {
        self.custom.is_none()
    }

    pub(crate) fn current(&self) -> Arc<Schema> {
        self.custom.clone().unwrap_or_else(Schema::built_in)
    }

    /// True when a kind is certainly cluster-scoped.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if let Some(namespaced) = SCOPES.get(&(api_version, kind)) {
            return !namespaced;
        }
        match &self.custom {
            Some(schema) => schema.scopes.get(&(api_version.to_owned(), kind.to_owned())) == Some(&false),
            None => {
                self.delayed.set(true);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_ports_merge_by_port_and_protocol() {
        let schema = Schema::built_in();
        let mut place = schema.kind("apps/v1", "Deployment").unwrap();
        for field in ["spec", "template", "spec", "containers"] {
            place = schema.field(place, field).unwrap();
        }
        assert_eq!(schema.keys(place), ["name"]);
        let ports = schema.field(schema.elements(place).unwrap(), "ports").unwrap();
        assert_eq!(schema.keys(ports), ["containerPort", "protocol"]);
    }

    #[test]
    fn scopes_are_known() {
        let schemas = Schemas::new();
        assert!(schemas.is_cluster_scoped("v1", "Namespace"));
        assert!(!schemas.is_cluster_scoped("v1", "Pod"));
        assert!(!schemas.is_cluster_scoped("example.com/v1", "Thing"));
    }
}
