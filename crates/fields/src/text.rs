//! `FieldsV1`: nested JSON whose keys are the steps; `.` below a step says that the step itself is in the set.

use serde_json::{Map, Value};

use crate::set::Node;
use crate::{FieldSet, PathElement, Scalar};

/// How deep field paths may be.
const DEPTH_LIMIT: usize = 256;

/// Text or JSON that is no set of fields.
#[derive(Debug, thiserror::Error)]
pub enum FieldsError {
    /// Not JSON.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// Something else than a map where a map must be.
    #[error("fields are written as maps")]
    NotAMap,
    /// A key that is no step.
    #[error("'{0}' is not an element of a field path")]
    Element(String),
    /// Too many steps.
    #[error("a field path has more than {DEPTH_LIMIT} elements")]
    TooDeep,
}

impl FieldSet {
    /// Reads `FieldsV1` out of text.
    pub fn parse(text: &str) -> Result<Self, FieldsError> {
        FieldSet::from_value(&serde_json::from_str(text)?)
    }

    /// Reads `FieldsV1` out of JSON. Kinds of steps that are not known are left out, with what is below them.
    pub fn from_value(value: &Value) -> Result<Self, FieldsError> {
        read(value, 0).map(|node| node.children)
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        let fields = self.nodes().iter().map(|(element, node)| {
            let mut below = node.children.to_value();
            if let (true, Some(below)) = (node.is_member && !node.children.is_empty(), below.as_object_mut())
            {
                below.insert(".".into(), Value::Object(Map::new()));
            }
            (element_text(element), below)
        });
        Value::Object(fields.collect())
    }

    /// As text, in the order in which servers write it.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write(self, false, &mut out);
        out
    }
}

fn read(value: &Value, depth: usize) -> Result<Node, FieldsError> {
    if depth > DEPTH_LIMIT {
        return Err(FieldsError::TooDeep);
    }
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Null => &Map::new(),
        _ => return Err(FieldsError::NotAMap),
    };
    let mut is_member = false;
    let mut children = Vec::with_capacity(fields.len());
    for (key, below) in fields {
        if key == "." {
            is_member = true;
        } else if let Some(element) = parse_element(key)? {
            children.push((element, read(below, depth + 1)?));
        }
    }
    let children = FieldSet::of_any(children);
    Ok(Node { is_member: is_member || children.is_empty(), children })
}

/// `None` if the kind of step is not known.
fn parse_element(text: &str) -> Result<Option<PathElement>, FieldsError> {
    let error = || FieldsError::Element(text.chars().take(256).collect());
    let rest = match text.as_bytes() {
        [kind, b':', ..] if kind.is_ascii() => &text[2..],
        _ => return Err(error()),
    };
    Ok(Some(match text.as_bytes()[0] {
        b'f' => PathElement::Field(rest.to_owned()),
        b'v' => PathElement::Value(Scalar(serde_json::from_str(rest).map_err(|_| error())?)),
        b'i' => PathElement::Index(rest.parse().map_err(|_| error())?),
        b'k' => {
            // A map sorts its keys, as a path must.
            let fields: Map<String, Value> = serde_json::from_str(rest).map_err(|_| error())?;
            PathElement::Key(fields.into_iter().map(|(name, value)| (name, Scalar(value))).collect())
        }
        _ => return Ok(None),
    }))
}

fn element_text(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Value(value) => format!("v:{}", escape_html(&value.0.to_string())),
        PathElement::Index(index) => format!("i:{index}"),
        PathElement::Key(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| {
                    format!("{}:{}", Value::from(name.as_str()), escape_html(&value.0.to_string()))
                })
                .collect();
            format!("k:{{{}}}", fields.join(","))
        }
    }
}

/// Go's JSON does so inside values.
fn escape_html(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn write(set: &FieldSet, includes_itself: bool, out: &mut String) {
    out.push('{');
    if includes_itself {
        out.push_str("\".\":{}");
    }
    for (index, (element, node)) in set.nodes().iter().enumerate() {
        if index > 0 || includes_itself {
            out.push(',');
        }
        out.push_str(&Value::from(element_text(element)).to_string());
        out.push(':');
        write(&node.children, node.is_member && !node.children.is_empty(), out);
    }
    out.push('}');
}
