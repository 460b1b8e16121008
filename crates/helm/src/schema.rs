//! `values.schema.json` of a chart and the charts within, held against their values; errors in Helm's words.
//!
//! Nothing is fetched: a reference to another document is an error, but for `urn:`, which Helm lets pass.

mod contains;
mod format;
mod words;

use words::{describe, describe_name};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::{Number, Value};

use crate::family::{Family, MemberId};
use crate::values::graph::{Node, Table, get};

/// Values that do not fit, chart by chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(pub String);

/// The largest schema that is read.
const MAX_BYTES: usize = 5 << 20;
/// The most errors that are told.
const MAX_ERRORS: usize = 1_000;

/// Checks the values of all charts that have a schema.
pub fn validate(family: &Family<'_>, values: &Table) -> Result<(), SchemaError> {
    let mut text = String::new();
    check(family, Family::ROOT, values, &mut text);
    if text.is_empty() { Ok(()) } else { Err(SchemaError(text)) }
}

fn check(family: &Family<'_>, id: MemberId, values: &Table, text: &mut String) {
    if let Some(schema) = family.schema(id)
        && let Err(SchemaError(error)) = validate_one(&Node::Table(values.clone()).to_value(), schema)
    {
        text.push_str(&format!("{}:\n{error}", family.name(id)));
    }
    for inner in family.within(id) {
        let name = family.name(*inner);
        match get(values, &name) {
            None | Some(Node::Null) => {}
            Some(Node::Table(table)) => check(family, *inner, &table, text),
            Some(other) => {
                let kind = other.go_type();
                text.push_str(&format!(
                    "{name}:\ninvalid type for values: expected object (map), got {kind}\n"
                ));
            }
        }
    }
}

/// Checks values against one schema.
pub fn validate_one(values: &Value, schema: &[u8]) -> Result<(), SchemaError> {
    if schema.len() > MAX_BYTES {
        return Err(SchemaError(format!("the schema is larger than {MAX_BYTES} bytes")));
    }
    let schema: Value = serde_json::from_slice(schema).map_err(|error| {
        SchemaError(if error.is_eof() { "unexpected EOF".to_owned() } else { error.to_string() })
    })?;
    refuse_cycles(&schema)?;
    let validator = compile(&schema)?;
    let mut values = values.clone();
    whole_numbers(&mut values);
    if validator.is_valid(&values) {
        return Ok(());
    }
    let mut problems: Vec<Problem> = Vec::new();
    for error in validator.iter_errors(&values).take(MAX_ERRORS) {
        Told { schema: &schema, values: &values }.add(&mut problems, &error);
    }
    let mut text = String::new();
    for problem in &problems {
        problem.show(&mut text, 1);
    }
    Err(SchemaError(format!("{}\n", text.trim_start_matches('\n'))))
}

fn compile(schema: &Value) -> Result<Validator, SchemaError> {
    let mut options =
        jsonschema::options().with_pattern_options(PatternOptions::regex()).with_retriever(Offline);
    for (name, check) in format::FORMATS {
        options = options.with_format(*name, move |text: &str| check(text).is_ok());
    }
    options.build(schema).map_err(|error| match error.kind() {
        ValidationErrorKind::Referencing(jsonschema::ReferencingError::PointerToNowhere { pointer }) => {
            SchemaError(format!("json-pointer in \"file:///values.schema.json#{pointer}\" not found"))
        }
        _ => SchemaError(error.to_string()),
    })
}

struct Offline;

impl Retrieve for Offline {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.scheme().as_str() == "urn" {
            return Ok(Value::Bool(true));
        }
        Err(format!("failing loading {:?}: references to other documents are not followed", uri.as_str())
            .into())
    }
}

/// A `$ref` that leads to itself without a step into the value would never end.
fn refuse_cycles(schema: &Value) -> Result<(), SchemaError> {
    let mut pending = vec![schema];
    while let Some(value) = pending.pop() {
        match value {
            Value::Array(items) => pending.extend(items),
            Value::Object(map) => {
                if map.get("$ref").is_some_and(Value::is_string) && leads_to_itself(schema, value) {
                    let target = map["$ref"].as_str().unwrap_or_default();
                    return Err(SchemaError(format!("the reference {target:?} leads back to itself\n")));
                }
                pending.extend(map.values());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Keywords whose schemas hold for the same value.
const IN_PLACE: &[&str] = &["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

fn leads_to_itself(root: &Value, start: &Value) -> bool {
    let mut seen: Vec<*const Value> = Vec::new();
    let mut pending = next_in_place(root, start);
    while let Some(value) = pending.pop() {
        if std::ptr::eq(value, start) {
            return true;
        }
        if !seen.contains(&std::ptr::from_ref(value)) && seen.len() < 10_000 {
            seen.push(value);
            pending.extend(next_in_place(root, value));
        }
    }
    false
}

fn next_in_place<'v>(root: &'v Value, value: &'v Value) -> Vec<&'v Value> {
    let Value::Object(map) = value else { return Vec::new() };
    let mut next = Vec::new();
    if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'))
    {
        next.extend(root.pointer(target));
    }
    for keyword in IN_PLACE {
        match map.get(*keyword) {
            Some(Value::Array(items)) => next.extend(items),
            Some(schema @ Value::Object(_)) => next.push(schema),
            _ => {}
        }
    }
    next
}

/// Floats that are whole become integers: a schema's integer takes both.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15) {
                *number = Number::from(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// One line of the answer, with those below it.
#[derive(Debug, Default)]
struct Problem {
    at: String,
    text: String,
    below: Vec<Problem>,
    /// Properties that are missing here; told together.
    missing: Vec<String>,
    /// The property that needs the missing ones.
    needed_by: String,
    schema: String,
}

impl Problem {
    fn move_to_root(&mut self) {
        self.at.clear();
        self.below.iter_mut().for_each(Self::move_to_root);
    }

    fn move_below(&mut self, at: &str) {
        self.at.insert_str(0, at);
        self.below.iter_mut().for_each(|problem| problem.move_below(at));
    }

    fn show(&self, out: &mut String, depth: usize) {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth - 1));
        let at = quote(&self.at);
        let text = match self.missing.as_slice() {
            [] => self.text.clone(),
            missing if !self.needed_by.is_empty() => {
                format!("properties {} required, if {} exists", join(missing), quote(&self.needed_by))
            }
            [one] => format!("missing property {}", quote(one)),
            several => format!("missing properties {}", join(several)),
        };
        out.push_str(&format!("- at {at}: {text}"));
        for below in &self.below {
            below.show(out, depth + 1);
        }
    }
}

fn quote(text: &str) -> String {
    let quoted = format!("{text:?}");
    let inner = quoted[1..quoted.len() - 1].replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{inner}'")
}

fn join(items: &[String]) -> String {
    items.iter().map(|item| quote(item)).collect::<Vec<_>>().join(", ")
}

/// What an error is about: the schema and the values.
struct Told<'a> {
    schema: &'a Value,
    values: &'a Value,
}

impl Told<'_> {
    /// The property whose presence needs the missing one, where the keyword is about that.
    fn needed_by(&self, keyword: &str, at: &str, missing: &str) -> Option<String> {
        if !keyword.ends_with("/dependencies") && !keyword.ends_with("/dependentRequired") {
            return None;
        }
        let needs = self.schema.pointer(keyword)?.as_object()?;
        let present = self.values.pointer(at)?.as_object()?;
        let names_it =
            |list: &Value| list.as_array().is_some_and(|list| list.iter().any(|name| name == missing));
        needs
            .iter()
            .find(|(name, list)| present.contains_key(*name) && names_it(list))
            .map(|(name, _)| name.clone())
    }

    /// Adds an error, below the `allOf` that it belongs to, and a missing property to its likes.
    fn add(&self, problems: &mut Vec<Problem>, error: &ValidationError<'_>) {
        let schema = error.schema_path().to_string();
        let at = error.instance_path().to_string();
        let mut target = problems;
        let mut from = 0;
        while let Some(found) = schema[from..].find("/allOf/") {
            let end = from + found + "/allOf".len();
            let group = &schema[..end];
            let place = match target.iter().position(|known| known.schema == group) {
                Some(place) => place,
                None => {
                    let text = "'allOf' failed".to_owned();
                    target.push(Problem {
                        at: at.clone(),
                        text,
                        schema: group.to_owned(),
                        ..Problem::default()
                    });
                    target.len() - 1
                }
            };
            target = &mut target[place].below;
            from = end;
        }
        if let ValidationErrorKind::Required { property } = error.kind() {
            let name = property.as_str().unwrap_or_default().to_owned();
            let keyword = schema.clone();
            if let Some(known) = target.iter_mut().find(|known| known.schema == keyword && known.at == at) {
                known.missing.push(name);
            } else {
                let needed_by = self.needed_by(&keyword, &at, &name).unwrap_or_default();
                target.push(Problem {
                    at,
                    missing: vec![name],
                    needed_by,
                    schema: keyword,
                    ..Problem::default()
                });
            }
            return;
        }
        if let ValidationErrorKind::PropertyNames { error } = error.kind() {
            // The name is a value of its own, and so at the root.
            let mut below = Vec::new();
            self.add(&mut below, error);
            below.iter_mut().for_each(Problem::move_to_root);
            let text = describe_name(error);
            target.push(Problem { text, below, schema, ..Problem::default() });
            return;
        }
        let mut below = Vec::new();
        if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
            error.kind()
        {
            for branch in context {
                let mut inner = Vec::new();
                for error in branch {
                    self.add(&mut inner, error);
                }
                below.append(&mut inner);
            }
        }
        if matches!(error.kind(), ValidationErrorKind::Contains) {
            let (text, below) = contains::told(self, &schema, &at);
            target.push(Problem { at, text, below, schema, ..Problem::default() });
            return;
        }
        if matches!(error.kind(), ValidationErrorKind::FalseSchema)
            && schema.ends_with("/additionalProperties")
        {
            // No property is named in the schema, so none may be there.
            let names: Vec<String> = match self.values.pointer(&at) {
                Some(Value::Object(map)) => map.keys().cloned().collect(),
                _ => Vec::new(),
            };
            if !target.iter().any(|known| known.at == at && known.schema == schema) {
                let text = format!("additional properties {} not allowed", join(&names));
                target.push(Problem { at, text, schema, ..Problem::default() });
            }
            return;
        }
        let text = describe(error);
        target.push(Problem { at, text, below, schema, ..Problem::default() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(schema: Value, values: Value) -> String {
        validate_one(&values, schema.to_string().as_bytes()).unwrap_err().0
    }

    #[test]
    fn errors_are_told_in_helms_words() {
        for (schema, values, want) in [
            (
                json!({"properties": {"a": {"type": "integer"}}}),
                json!({"a": "x"}),
                "- at '/a': got string, want integer\n",
            ),
            (json!({"required": ["a", "b"]}), json!({}), "- at '': missing properties 'a', 'b'\n"),
            (
                json!({"properties": {"a": {"enum": ["x", 1]}}}),
                json!({"a": "y"}),
                "- at '/a': value must be one of 'x', 1\n",
            ),
            (
                json!({"additionalProperties": false}),
                json!({"a": 1}),
                "- at '': additional properties 'a' not allowed\n",
            ),
            (
                json!({"properties": {"a": {"minimum": 1024}}}),
                json!({"a": 1.0}),
                "- at '/a': minimum: got 1, want 1,024\n",
            ),
            (
                json!({"properties": {"a": {"pattern": "^b"}}}),
                json!({"a": "c"}),
                "- at '/a': 'c' does not match pattern '^b'\n",
            ),
            (
                json!({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}),
                json!({"a": 1.5}),
                "- at '/a': 'anyOf' failed\n  - at '/a': got number, want string\n  - at '/a': got number, want null\n",
            ),
        ] {
            assert_eq!(error(schema, values), want);
        }
    }

    #[test]
    fn values_that_fit_pass() {
        let schema = json!({"properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/b"}, "u": {"$ref": "urn:x:y"}}, "$defs": {"b": {"type": "string"}}});
        assert_eq!(validate_one(&json!({"a": 1.0, "b": "x", "u": 5}), schema.to_string().as_bytes()), Ok(()));
        let tree = json!({"properties": {"a": {"$ref": "#"}}, "type": "object"});
        assert_eq!(validate_one(&json!({"a": {"a": {}}}), tree.to_string().as_bytes()), Ok(()));
    }

    #[test]
    fn hostile_schemas_end_in_errors() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": "nonsense"}),
            json!({"properties": {"a": {"pattern": "("}}}),
        ] {
            assert!(validate_one(&json!({"a": "b"}), schema.to_string().as_bytes()).is_err(), "{schema}");
        }
        assert!(validate_one(&json!({}), b"{").is_err());
        let deep = "{\"not\":".repeat(5000) + "true" + &"}".repeat(5000);
        assert!(validate_one(&json!({}), deep.as_bytes()).is_err());
    }
}
