//! Schemas: what a field may hold, how lists merge, what is set when absent. One shape for built-in kinds and CRDs.
//!
//! Built-in schemas refer to each other by name; a reference is followed where it is used, since some are circular.

mod fields;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

pub use self::fields::Fields;
use crate::facts::facts;
use crate::rules::Rule;

/// How deep a schema may be.
const DEPTH_LIMIT: usize = 128;
/// A pattern larger than this once compiled is refused.
const PATTERN_LIMIT: usize = 1 << 20;

/// What one field may hold.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    pub shape: Shape,
    pub default: Option<Value>,
    pub list: ListKind,
    /// A map that is set as a whole.
    pub is_atomic: bool,
    pub is_nullable: bool,
    /// Unknown fields stay.
    pub preserves_unknown: bool,
    /// An object with apiVersion, kind and metadata of its own.
    pub is_embedded: bool,
    /// Strategic merge patches find items by this field.
    pub merge_key: Option<String>,
    /// Strategic merge patches merge this list, or keep only named keys.
    pub strategies: Vec<String>,
    pub required: Vec<String>,
    /// The fields that have a default.
    pub with_default: Vec<String>,
    pub values: Vec<Value>,
    /// What only CRDs say (bounds, patterns, combinations), as written.
    pub limits: Option<Box<Value>>,
    /// Combinations of further schemas, which only bind values.
    pub combined: Option<Box<Combined>>,
    pub pattern: Option<Arc<Pattern>>,
    /// What only CRDs ask in CEL.
    pub rules: Vec<Arc<Rule>>,
    /// Whether there are rules here or below.
    pub has_rules: bool,
    /// The name under which a built-in schema is known.
    pub name: String,
    pub format: String,
}

/// allOf, anyOf, oneOf and not.
#[derive(Debug, Clone, Default)]
pub struct Combined {
    pub all: Vec<Schema>,
    pub any: Vec<Schema>,
    pub one: Vec<Schema>,
    pub not: Option<Schema>,
}

/// The type of a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Shape {
    /// Anything; what it is follows from the value.
    #[default]
    Any,
    /// The built-in schema of a name.
    Reference(Reference),
    String,
    Integer,
    Number,
    Boolean,
    IntOrString,
    Array(Box<Schema>),
    Object {
        fields: Fields,
        others: Option<Box<Schema>>,
    },
}

/// A built-in schema by its name, which is looked up once.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub name: String,
    found: OnceLock<&'static Schema>,
}

impl Reference {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), found: OnceLock::new() }
    }

    fn schema(&self) -> &'static Schema {
        self.found.get_or_init(|| facts().schema(&self.name).unwrap_or(&ANY))
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.list == other.list && self.is_atomic == other.is_atomic
    }
}

impl Shape {
    fn has_rules(&self) -> bool {
        match self {
            Shape::Object { fields, others } => {
                fields.iter().any(|(_, field)| field.has_rules)
                    || others.as_ref().is_some_and(|others| others.has_rules)
            }
            Shape::Array(items) => items.has_rules,
            _ => false,
        }
    }
}

/// A regular expression, compiled when it is first needed and then kept as long as a schema has it.
#[derive(Debug)]
pub struct Pattern {
    pub text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The same text is the same pattern wherever it stands: all CRDs with conditions have the same few.
    fn shared(text: &str) -> Arc<Self> {
        static KNOWN: Mutex<BTreeMap<String, Weak<Pattern>>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pattern) = known.get(text).and_then(Weak::upgrade) {
            return pattern;
        }
        known.retain(|_, pattern| pattern.strong_count() > 0);
        let pattern = Arc::new(Self { text: text.to_owned(), compiled: OnceLock::new() });
        known.insert(text.to_owned(), Arc::downgrade(&pattern));
        pattern
    }

    /// Whether a text fits. A pattern that is too large or none at all fits nothing.
    pub fn takes(&self, text: &str) -> bool {
        let compile = || RegexBuilder::new(&self.text).size_limit(PATTERN_LIMIT).build().ok();
        self.compiled.get_or_init(compile).as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

/// How a list merges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListKind {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// Any value, deduced.
pub static ANY: Schema = Schema {
    shape: Shape::Any,
    default: None,
    list: ListKind::Atomic,
    is_atomic: false,
    is_nullable: true,
    preserves_unknown: true,
    is_embedded: false,
    merge_key: None,
    strategies: Vec::new(),
    required: Vec::new(),
    with_default: Vec::new(),
    values: Vec::new(),
    limits: None,
    combined: None,
    pattern: None,
    rules: Vec::new(),
    has_rules: false,
    name: String::new(),
    format: String::new(),
};

const LIMITS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// A part of a combination, which need not say of what type it is: what it names tells.
fn described(written: &Value) -> Value {
    let mut out = written.clone();
    if out["type"].is_null() {
        let is_object =
            ["properties", "required", "additionalProperties"].iter().any(|key| !out[*key].is_null());
        if is_object {
            out["type"] = "object".into();
        } else if !out["items"].is_null() {
            out["type"] = "array".into();
        }
    }
    out
}

impl Schema {
    /// Of a built-in kind, as recorded.
    pub fn built_in(name: &str, written: &Value) -> Self {
        Schema { name: name.to_owned(), ..Self::read(written, true, 0) }
    }

    /// Of a CRD's version.
    pub fn structural(written: &Value) -> Self {
        Self::read(written, false, 0)
    }

    fn read(written: &Value, is_built_in: bool, depth: usize) -> Self {
        if depth > DEPTH_LIMIT {
            return ANY.clone();
        }
        let text = |key: &str| written[key].as_str().unwrap_or_default();
        let texts = |key: &str| -> Vec<String> {
            let items = written[key].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let below = |schema: &Value| Self::read(schema, is_built_in, depth + 1);
        let reference = written["$ref"].as_str().or_else(|| written["allOf"][0]["$ref"].as_str());
        let preserves_unknown = written["x-kubernetes-preserve-unknown-fields"] == true;
        let is_int_or_string = written["x-kubernetes-int-or-string"] == true
            || text("format") == "int-or-string"
            || (is_built_in && written["oneOf"][0]["type"] == "string");
        let shape = match (reference, text("type")) {
            (Some(name), _) => Shape::Reference(Reference::new(name)),
            _ if is_int_or_string => Shape::IntOrString,
            (_, "string") => Shape::String,
            (_, "integer") => Shape::Integer,
            (_, "number") => Shape::Number,
            (_, "boolean") => Shape::Boolean,
            (_, "array") => Shape::Array(Box::new(below(&written["items"]))),
            (_, "object") => {
                let fields = written["properties"].as_object();
                let others = written.get("additionalProperties");
                if is_built_in && fields.is_none() && others.is_none() {
                    Shape::Any
                } else {
                    let fields = fields.into_iter().flatten();
                    let others = match others {
                        Some(Value::Bool(true)) => Some(Box::new(ANY.clone())),
                        Some(Value::Object(_)) => Some(Box::new(below(&written["additionalProperties"]))),
                        _ => None,
                    };
                    Shape::Object {
                        fields: fields.map(|(name, schema)| (name.as_str(), below(schema))).collect(),
                        others,
                    }
                }
            }
            _ => Shape::Any,
        };
        let list = match text("x-kubernetes-list-type") {
            "set" => ListKind::Set,
            "map" => ListKind::Map(texts("x-kubernetes-list-map-keys")),
            _ => ListKind::Atomic,
        };
        let limits: serde_json::Map<String, Value> = LIMITS
            .iter()
            .filter(|_| !is_built_in)
            .filter_map(|key| Some(((*key).to_owned(), written.get(key)?.clone())))
            .collect();
        let each = |key: &str| -> Vec<Schema> {
            written[key].as_array().into_iter().flatten().map(|one| below(&described(one))).collect()
        };
        let has_more = ["allOf", "anyOf", "oneOf", "not"].iter().any(|key| !written[*key].is_null());
        let combined = (!is_built_in && has_more).then(|| {
            let not = Some(&written["not"]).filter(|not| not.is_object()).map(|not| below(&described(not)));
            Box::new(Combined { all: each("allOf"), any: each("anyOf"), one: each("oneOf"), not })
        });
        let rules = if is_built_in { Vec::new() } else { Rule::all(written) };
        let with_default = match &shape {
            Shape::Object { fields, .. } => {
                let fields = fields.iter().filter(|(_, field)| field.default.is_some());
                fields.map(|(name, _)| name.to_owned()).collect()
            }
            _ => Vec::new(),
        };
        Schema {
            combined,
            with_default,
            default: written.get("default").cloned(),
            list,
            is_atomic: written["x-kubernetes-map-type"] == "atomic",
            is_nullable: written["nullable"] == true,
            preserves_unknown,
            is_embedded: written["x-kubernetes-embedded-resource"] == true,
            merge_key: written["x-kubernetes-patch-merge-key"].as_str().map(str::to_owned),
            strategies: text("x-kubernetes-patch-strategy")
                .split(',')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            required: texts("required"),
            values: written["enum"].as_array().cloned().unwrap_or_default(),
            name: String::new(),
            format: text("format").to_owned(),
            has_rules: !rules.is_empty() || shape.has_rules(),
            rules,
            pattern: limits.get("pattern").and_then(Value::as_str).map(Pattern::shared),
            limits: (!limits.is_empty()).then(|| Box::new(Value::Object(limits))),
            shape,
        }
    }

    /// The schema itself, or what it refers to.
    pub fn resolved(&self) -> &Schema {
        match &self.shape {
            Shape::Reference(reference) => reference.schema(),
            _ => self,
        }
    }

    /// The schema of a field, and whether it is declared by name.
    pub fn field(&self, name: &str) -> Option<(&Schema, bool)> {
        let schema = self.resolved();
        match &schema.shape {
            Shape::Any => Some((&ANY, false)),
            Shape::Object { fields, others } => match (fields.get(name), others) {
                (Some(field), _) => Some((field, true)),
                (None, Some(others)) => Some((others, false)),
                (None, None) => schema.preserves_unknown.then_some((&ANY, false)),
            },
            _ => None,
        }
    }

    /// The schema of items.
    pub fn items(&self) -> &Schema {
        match &self.resolved().shape {
            Shape::Array(items) => items,
            _ => &ANY,
        }
    }
}
