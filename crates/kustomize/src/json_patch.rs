//! RFC 6902 patches as kustomize's library applies them: lenient in places, its messages kept. The document is a tree
//! that has been through JSON (`text::through_json`), and so are the values put into it.

use std::sync::LazyLock;

use serde_json::Value;
use sluice_budget::Budget;
use sluice_yaml::{Kind, Node, Tag, json};

use crate::error::{Error, Result, fail};
use crate::{nodes, text};

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    op: String,
    path: Option<String>,
    from: Option<String>,
    /// Null where there is none.
    value: Node,
}

/// Reads a patch: a JSON array, or YAML that is one.
pub(crate) fn parse(text: &str) -> Result<Vec<Operation>> {
    if text.is_empty() {
        fail!("empty json patch operations");
    }
    let value: Value = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|error| Error::new(format!("invalid JSON patch: {error}")))?
    } else {
        crate::text::yaml_to_value(text.as_bytes())?
    };
    decode(value)
}

fn decode(value: Value) -> Result<Vec<Operation>> {
    let items = match value {
        Value::Array(items) => items,
        Value::Null => return Ok(Vec::new()),
        other => {
            let got = match other {
                Value::Object(_) => "object",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            fail!("json: cannot unmarshal {got} into Go value of type jsonpatch.Patch");
        }
    };
    items
        .into_iter()
        .map(|item| {
            let Value::Object(mut fields) = item else {
                fail!("json: cannot unmarshal into Go value of type jsonpatch.Operation");
            };
            let mut field = |name: &str| match fields.remove(name) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            let (op, path, from) = (field("op"), field("path"), field("from"));
            let value = text::from_map(&fields.remove("value").unwrap_or_default());
            Ok(Operation { op: op.unwrap_or_else(|| "unknown".to_owned()), path, from, value })
        })
        .collect()
}

/// True where a patch can make a document grow without end.
pub(crate) fn has_copies(patch: &[Operation]) -> bool {
    patch.iter().any(|operation| operation.op == "copy")
}

/// Applies a patch. What it copies is charged; one without copies needs no budget.
pub(crate) fn apply(document: &mut Node, patch: &[Operation], budget: Option<&Budget>) -> Result<()> {
    for operation in patch {
        let op = operation.op.as_str();
        let place = |what: &str, place: &Option<String>| match place {
            Some(place) => Ok(place.clone()),
            None if op == "add" => fail!("add operation failed to decode path: missing value"),
            None => {
                fail!("{op} operation failed to decode {what}: operation missing {what} field: missing value")
            }
        };
        match op {
            "add" => {
                let path = place("path", &operation.path)?;
                add(document, &path, operation.value.clone(), op, "path")?;
            }
            "remove" => {
                let path = place("path", &operation.path)?;
                remove(document, &path, op, "path")?;
            }
            "replace" => replace(document, &place("path", &operation.path)?, operation)?,
            "move" => {
                let from = place("from", &operation.from)?;
                let value = remove(document, &from, op, "from path")?;
                let path = place("path", &operation.path)?;
                add(document, &path, value, op, "destination path")?;
            }
            "copy" => {
                let from = place("from", &operation.from)?;
                let Some((target, key)) = container(document, &from) else {
                    fail!("copy operation does not apply: doc is missing from path: {from}: missing value");
                };
                let value = get(target, &key)
                    .map_err(|error| error.within(format_args!("error in copy for from: '{from}'")))?
                    .clone();
                // Copies of a part into itself grow without end.
                if let Some(budget) = budget {
                    let size = nodes::count(&value);
                    budget.charge(size)?;
                    budget.charge_bytes(size * 100)?;
                }
                if nodes::depth(&value) > MAX_PARTS {
                    fail!("the copied value is nested too deeply");
                }
                let path = place("path", &operation.path)?;
                add(document, &path, value, op, "destination path")?;
            }
            "test" => test(document, &place("path", &operation.path)?, operation)?,
            other => fail!("Unexpected kind: {other}"),
        }
    }
    Ok(())
}

/// How many parts a pointer may have; deeper ones count as missing.
const MAX_PARTS: usize = 512;

/// The container at the end of a path and the last key.
fn container<'a>(document: &'a mut Node, path: &str) -> Option<(&'a mut Node, String)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() < 2 {
        return None;
    }
    if parts.len() > MAX_PARTS {
        return None;
    }
    let last = unescape(parts.pop()?);
    let mut at = document;
    for part in &parts[1..] {
        let name = unescape(part);
        at = match &mut at.kind {
            Kind::Mapping(fields) => field_mut(fields, &name)?,
            Kind::Sequence(items) => {
                let index: i64 = name.parse().ok()?;
                let length = items.len() as i64;
                let index = if index < 0 { index + length } else { index };
                items.get_mut(usize::try_from(index).ok()?)?
            }
            _ => return None,
        };
        if at.is_null() {
            return None;
        }
    }
    matches!(at.kind, Kind::Mapping(_) | Kind::Sequence(_)).then_some((at, last))
}

fn field_mut<'a>(fields: &'a mut [(Node, Node)], name: &str) -> Option<&'a mut Node> {
    fields.iter_mut().find(|(key, _)| nodes::text(key) == name).map(|(_, value)| value)
}

/// Sets a field. Fields stay in order.
fn set_field(fields: &mut Vec<(Node, Node)>, name: String, value: Node) {
    match field_mut(fields, &name) {
        Some(field) => *field = value,
        None => {
            let behind = fields
                .iter()
                .position(|(key, _)| json::natural_order(&name, nodes::text(key)).is_lt())
                .unwrap_or(fields.len());
            fields.insert(behind, (Node::string(name), value));
        }
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn no_path(path: &str, op: &str, what: &str) -> Error {
    let path = if matches!(op, "add" | "remove") { format!("\"{path}\"") } else { path.to_owned() };
    Error::new(format!("{op} operation does not apply: doc is missing {what}: {path}: missing value"))
}

fn add(document: &mut Node, path: &str, value: Node, op: &str, what: &str) -> Result<()> {
    let Some((target, key)) = container(document, path) else { return Err(no_path(path, op, what)) };
    put(target, key, value).map_err(|error| {
        if op == "copy" {
            error.within("error while adding value during copy")
        } else {
            error.within(format_args!("error in {op} for path: '{path}'"))
        }
    })
}

fn put(target: &mut Node, key: String, value: Node) -> Result<()> {
    match &mut target.kind {
        Kind::Mapping(fields) => set_field(fields, key, value),
        Kind::Sequence(items) if key == "-" => items.push(value),
        Kind::Sequence(items) => {
            let at = index(&key, items.len() + 1).map_err(|error| {
                if error.text().starts_with("strconv") {
                    error.within(format_args!("value was not a proper array index: '{key}'"))
                } else {
                    error
                }
            })?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

/// A place in an array of this length; negative ones count from its end.
fn index(key: &str, length: usize) -> Result<usize> {
    let Ok(index) = key.parse::<i64>() else {
        fail!("strconv.Atoi: parsing {}: invalid syntax", crate::text::quote(key));
    };
    let length = length as i64;
    if index >= length || index < -length {
        fail!("Unable to access invalid index: {index}: invalid index referenced");
    }
    Ok((if index < 0 { index + length } else { index }) as usize)
}

/// A member or element. A member that is missing is as good as one that is null: so kustomize's library has it.
fn get<'a>(target: &'a Node, key: &str) -> Result<&'a Node> {
    static NOTHING: LazyLock<Node> = LazyLock::new(Node::null);
    match &target.kind {
        Kind::Mapping(_) => Ok(nodes::get(target, key).unwrap_or(&NOTHING)),
        Kind::Sequence(items) => index(key, items.len()).map(|at| &items[at]),
        _ => Ok(&NOTHING),
    }
}

fn remove(document: &mut Node, path: &str, op: &str, what: &str) -> Result<Node> {
    let Some((target, key)) = container(document, path) else { return Err(no_path(path, op, what)) };
    let removed = match &mut target.kind {
        Kind::Mapping(_) => nodes::clear(target, &key)
            .ok_or_else(|| Error::new(format!("Unable to remove nonexistent key: {key}: missing value"))),
        Kind::Sequence(items) => index(&key, items.len()).map(|at| items.remove(at)),
        _ => return Err(no_path(path, op, what)),
    };
    removed.map_err(|error| error.within(format_args!("error in {op} for path: '{path}'")))
}

fn replace(document: &mut Node, path: &str, operation: &Operation) -> Result<()> {
    let value = operation.value.clone();
    if path.is_empty() {
        if value.is_scalar() {
            fail!("replace operation value must be object or array: %!w(<nil>)");
        }
        *document = value;
        return Ok(());
    }
    let Some((target, key)) = container(document, path) else { return Err(no_path(path, "replace", "path")) };
    if get(target, &key).is_err() {
        fail!("replace operation does not apply: doc is missing key: {path}: missing value");
    }
    match &mut target.kind {
        Kind::Mapping(fields) => set_field(fields, key, value),
        Kind::Sequence(items) => {
            let at = index(&key, items.len())?;
            items[at] = value;
        }
        _ => {}
    }
    Ok(())
}

fn test(document: &mut Node, path: &str, operation: &Operation) -> Result<()> {
    let wanted = &operation.value;
    if path.is_empty() {
        if equal(document, wanted) {
            return Ok(());
        }
        fail!("testing value {path} failed: test failed");
    }
    let Some((target, key)) = container(document, path) else {
        fail!("test operation does not apply: is missing path: {path}: missing value");
    };
    let found =
        get(target, &key).map_err(|error| error.within(format_args!("error in test for path: '{path}'")))?;
    if equal(found, wanted) { Ok(()) } else { fail!("testing value {path} failed: test failed") }
}

/// Equality by value: 1 and 1.0 are one number.
fn equal(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Sequence(a), Kind::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Kind::Mapping(ours), Kind::Mapping(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, a)| nodes::get(b, nodes::text(key)).is_some_and(|b| equal(a, b)))
        }
        (Kind::Scalar(left), Kind::Scalar(right)) => {
            let number = |node: &Node, text: &str| match node.tag {
                Tag::Int | Tag::Float => text.parse::<f64>().ok().map(json::format_float),
                _ => None,
            };
            match (number(a, left), number(b, right)) {
                (Some(a), Some(b)) => a == b,
                _ => a.tag == b.tag && left == right,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(document: Value, patch: Value) -> Result<Value> {
        let mut document = text::from_map(&document);
        apply(&mut document, &decode(patch)?, Some(&Budget::generous()))?;
        text::to_value(&document)
    }

    #[test]
    fn operations_apply() {
        let patch = json!([
            {"op": "add", "path": "/a/-", "value": 3},
            {"op": "remove", "path": "/b"},
            {"op": "replace", "path": "/a/0", "value": 9},
            {"op": "copy", "from": "/a/0", "path": "/c"},
            {"op": "move", "from": "/c", "path": "/d~1e"},
            {"op": "test", "path": "/a/1", "value": 2.0}
        ]);
        assert_eq!(run(json!({"a": [1, 2], "b": 1}), patch).unwrap(), json!({"a": [9, 2, 3], "d/e": 9}));
    }

    #[test]
    fn what_does_not_apply_says_so() {
        let fails = |patch: Value| run(json!({"a": {}}), patch).unwrap_err().to_string();
        assert_eq!(
            run(json!({}), json!([{"op": "replace", "path": "/b", "value": 1}])).unwrap(),
            json!({"b": 1}),
            "a member that is missing can be replaced"
        );
        assert_eq!(
            fails(json!([{"op": "replace", "path": "/a/b/c", "value": 1}])),
            "replace operation does not apply: doc is missing path: /a/b/c: missing value"
        );
        assert_eq!(
            fails(json!([{"op": "add", "path": "/x/b", "value": 1}])),
            "add operation does not apply: doc is missing path: \"/x/b\": missing value"
        );
        assert_eq!(
            fails(json!([{"op": "remove", "path": "/b"}])),
            "error in remove for path: '/b': Unable to remove nonexistent key: b: missing value"
        );
    }
}
