//! JSON patches (RFC 6902).

use serde_json::Value;

use crate::status::Failure;

/// As many operations as the real server takes.
const OPERATIONS_LIMIT: usize = 10_000;

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    verb: String,
    path: Vec<String>,
    from: Option<Vec<String>>,
    value: Option<Value>,
}

/// Reads the operations.
pub fn parse(patch: &Value) -> Result<Vec<Operation>, Failure> {
    let Some(operations) = patch.as_array() else {
        let found = crate::text::kind(patch);
        return Err(Failure::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
        )));
    };
    if operations.len() > OPERATIONS_LIMIT {
        return Err(Failure::too_large());
    }
    operations
        .iter()
        .map(|operation| {
            let text = |key: &str| operation[key].as_str();
            let (Some(verb), Some(path)) = (text("op"), text("path")) else { return Err(rejected()) };
            if !path.is_empty() && !path.starts_with('/') {
                return Err(rejected());
            }
            Ok(Operation {
                verb: verb.to_owned(),
                path: pointer(path),
                from: text("from").map(pointer),
                value: operation.get("value").cloned(),
            })
        })
        .collect()
}

/// The real server says no more.
fn rejected() -> Failure {
    Failure::unprocessable("the server rejected our request due to an error in our request".to_owned())
}

fn pointer(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Applies them, one after another.
pub fn apply(operations: &[Operation], live: &Value) -> Result<Value, Failure> {
    let mut object = live.clone();
    for operation in operations {
        let value = || operation.value.clone().unwrap_or(Value::Null);
        let from = || operation.from.as_ref().ok_or_else(rejected);
        let done = match operation.verb.as_str() {
            "add" => add(&mut object, &operation.path, value()),
            "remove" => remove(&mut object, &operation.path).map(drop),
            "replace" => find(&mut object, &operation.path).map(|found| *found = value()),
            "test" => find(&mut object, &operation.path)
                .filter(|found| Some(&**found) == operation.value.as_ref())
                .map(drop),
            "move" => {
                let value = remove(&mut object, from()?);
                value.and_then(|value| add(&mut object, &operation.path, value))
            }
            "copy" => {
                let value = find(&mut object, from()?).cloned();
                value.and_then(|value| add(&mut object, &operation.path, value))
            }
            _ => return Err(rejected()),
        };
        done.ok_or_else(rejected)?;
    }
    Ok(object)
}

fn find<'a>(object: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |at, part| match at {
        Value::Object(fields) => fields.get_mut(part),
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}

fn add(object: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parents)) = path.split_last() else {
        *object = value;
        return Some(());
    };
    match find(object, parents)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    match find(object, parents)? {
        Value::Object(fields) => fields.remove(last),
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}
