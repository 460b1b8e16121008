//! `x-kubernetes-validations`: what a CRD asks of its objects in CEL, beyond their shape.
//!
//! What an expression may cost is bounded before it runs, and so is what all rules of one object may report.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use serde_json::Value;
use sluice_expression::{Answer, Expression, TOO_MUCH, Term};

use crate::schema::{ListKind, Schema, Shape};
use crate::status::Cause;

/// Failures that one object may have.
const CAUSES_LIMIT: usize = 100;
/// Words that a field of an object cannot be named by in an expression.
const KEYWORDS: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What the engine says of what a check of types would have found when the rule was made.
const LIMITS: &[&str] = &["no such attribute(s)", "ndeclared", "nsupported", "nexpected type"];
/// How it begins when a call does not fit, which only values of an open type can bring about.
const OVERLOADS: &[&str] = &["no such overload", "found no matching overload"];

/// One rule of a schema.
#[derive(Debug)]
pub struct Rule {
    text: String,
    message: String,
    message_expression: String,
    reason: String,
    field_path: String,
    optional_old: bool,
    compiled: OnceLock<Result<Expression, String>>,
}

impl Rule {
    /// The rules of a schema as written; they are compiled when they are first needed.
    pub fn all(written: &Value) -> Vec<Arc<Rule>> {
        let rules = written["x-kubernetes-validations"].as_array().into_iter().flatten();
        let rules = rules.map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            Arc::new(Rule {
                text: text("rule"),
                message: text("message"),
                message_expression: text("messageExpression"),
                reason: text("reason"),
                field_path: text("fieldPath"),
                optional_old: one["optionalOldSelf"] == true,
                compiled: OnceLock::new(),
            })
        });
        rules.collect()
    }

    fn compiled(&self) -> Result<&Expression, &str> {
        let compile = || {
            let expression = match Expression::compile(&self.text, &["self", "oldSelf"]) {
                // What a field holds is known when it is asked.
                Err(why) if why.ends_with("got dyn") => Expression::parse(&self.text)?,
                compiled => compiled?,
            };
            if !self.message_expression.is_empty() {
                Expression::parse(&self.message_expression)?;
            }
            Ok(expression)
        };
        self.compiled.get_or_init(compile).as_ref().map_err(String::as_str)
    }

    /// How messages name it.
    fn shown(&self) -> &str {
        if self.message.is_empty() { self.text.trim() } else { self.message.trim() }
    }

    fn failure(&self, variables: &BTreeMap<String, Term>) -> String {
        let said =
            Expression::parse(&self.message_expression).ok().filter(|_| !self.message_expression.is_empty());
        match said.and_then(|expression| expression.answer(variables).ok()) {
            Some(Answer::Text(text)) if !text.trim().is_empty() && !text.contains('\n') => {
                text.trim().to_owned()
            }
            _ if self.message.is_empty() => format!("failed rule: {}", self.text.trim()),
            _ => self.message.trim().to_owned(),
        }
    }
}

/// What is wrong with the rules of a CRD's schema themselves: paths below it, with words.
pub fn faults(written: &Value, path: &str, out: &mut Vec<Cause>) {
    for (index, (rule, one)) in Rule::all(written)
        .iter()
        .zip(written["x-kubernetes-validations"].as_array().into_iter().flatten())
        .enumerate()
    {
        let at = format!("{path}.x-kubernetes-validations[{index}].rule");
        words(&format!("{path}.x-kubernetes-validations[{index}]"), rule, one, written, out);
        if rule.text.trim().is_empty() {
            out.push(Cause::required(&at, "rule is not specified"));
        } else if rule.text.trim().contains('\n') && rule.message.is_empty() {
            let at = format!("{path}.x-kubernetes-validations[{index}].message");
            out.push(Cause::required(&at, "message must be specified if rule contains line breaks"));
        } else if let Err(why) = rule.compiled() {
            let shown = |key: &str| one.get(key).filter(|value| !value.is_null()).cloned();
            let text = |key: &str| shown(key).unwrap_or_else(|| "".into());
            let other = |key: &str| shown(key).unwrap_or(Value::Null);
            let value = format!(
                "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
                text("rule"),
                text("message"),
                text("messageExpression"),
                other("reason"),
                text("fieldPath"),
                other("optionalOldSelf"),
            );
            let value = value.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            let why = if why.contains("output type mismatch") {
                "cel expression must evaluate to a bool".to_owned()
            } else {
                let told = format!("failed to parse the CEL expression '{}': ", rule.text);
                format!("compilation failed: {}", why.strip_prefix(&told).unwrap_or(why))
            };
            out.push(Cause::new("FieldValueInvalid", &at, format!("Invalid value: {value}: {why}")));
        }
    }
    for (name, below) in written["properties"].as_object().into_iter().flatten() {
        faults(below, &format!("{path}.properties[{name}]"), out);
    }
    for key in ["items", "additionalProperties"] {
        if written[key].is_object() {
            faults(&written[key], &format!("{path}.{key}"), out);
        }
    }
}

/// What is wrong with what a rule says besides its expression.
fn words(path: &str, rule: &Rule, one: &Value, schema: &Value, out: &mut Vec<Cause>) {
    const REASONS: [&str; 4] =
        ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    if one["message"].is_string() && rule.message.trim().is_empty() && !rule.message.is_empty() {
        out.push(Cause::invalid(
            &format!("{path}.message"),
            &one["message"],
            "must be non-empty if specified",
        ));
    } else if rule.message.trim().contains('\n') {
        out.push(Cause::invalid(&format!("{path}.message"), &one["message"], "must not contain line breaks"));
    }
    if !rule.reason.is_empty() && !REASONS.contains(&rule.reason.as_str()) {
        let known = REASONS.map(str::to_owned);
        out.push(Cause::unsupported(&format!("{path}.reason"), &one["reason"], &known));
    }
    // Names of fields alone; keys in brackets are taken as they are.
    if !rule.field_path.is_empty() && !rule.field_path.contains('[') {
        let parts = rule.field_path.strip_prefix('.').map(|parts| parts.split('.'));
        let found = parts.map(|mut parts| {
            parts.try_fold(schema, |schema, part| {
                let below = &schema["properties"][part];
                let others = &schema["additionalProperties"];
                if below.is_object() { Some(below) } else { Some(others).filter(|others| others.is_object()) }
            })
        });
        if found.flatten().is_none() {
            out.push(Cause::invalid(&format!("{path}.fieldPath"), &one["fieldPath"], "must be a valid path"));
        }
    }
}

/// Checks an object against the rules of its schema.
pub fn check(schema: &Schema, object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    walk(schema, object, old, "", causes);
}

fn walk(schema: &Schema, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if !schema.has_rules || value.is_null() || causes.len() >= CAUSES_LIMIT {
        return;
    }
    if !schema.rules.is_empty() {
        let is_same = old == Some(value);
        let before = old.filter(|old| !old.is_null()).map(|old| seen(schema, old));
        let mut variables = BTreeMap::from([("self".to_owned(), seen(schema, value))]);
        variables.extend(before.clone().map(|old| ("oldSelf".to_owned(), old)));
        for rule in &schema.rules {
            let found = if rule.optional_old && rule.compiled().is_ok_and(|rule| rule.names("oldSelf")) {
                let mut variables = variables.clone();
                variables.insert("oldSelf".to_owned(), Term::Optional(before.clone().map(Box::new)));
                broken(rule, schema, value, &variables, is_same, path)
            } else {
                broken(rule, schema, value, &variables, is_same, path)
            };
            causes.extend(found);
            if has_run_out(causes) {
                return;
            }
        }
    }
    match (&schema.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            for (key, below) in map {
                let is_own = path.is_empty() && matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
                let field = fields.get(key);
                let Some(schema) = field.or(others.as_deref()).filter(|_| !is_own) else { continue };
                let at = match field {
                    Some(_) if path.is_empty() => key.clone(),
                    Some(_) => format!("{path}.{key}"),
                    None => format!("{path}[{key}]"),
                };
                walk(schema, below, old.and_then(|old| old.get(key)), &at, causes);
            }
        }
        (Shape::Array(items), Value::Array(list)) => {
            for (index, item) in list.iter().enumerate() {
                // Items of other lists than maps have no past.
                let before = match &schema.list {
                    ListKind::Map(keys) => old.and_then(Value::as_array).and_then(|old| {
                        old.iter().find(|before| keys.iter().all(|key| before[key] == item[key]))
                    }),
                    _ => None,
                };
                walk(items, item, before, &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}

/// Whether a rule has cost too much: then none is asked any more.
fn has_run_out(causes: &[Cause]) -> bool {
    causes.last().is_some_and(|cause| cause.message.contains(NO_MORE))
}

const NO_MORE: &str = "no further validation rules will be run due to call cost exceeds limit for rule: ";

fn broken(
    rule: &Rule,
    schema: &Schema,
    value: &Value,
    variables: &BTreeMap<String, Term>,
    is_same: bool,
    path: &str,
) -> Option<Cause> {
    let at = if path.is_empty() { "<nil>" } else { path };
    let kind = match &schema.resolved().shape {
        Shape::Object { .. } => "object",
        Shape::Array(_) => "array",
        Shape::String => "string",
        Shape::Boolean => "boolean",
        Shape::Number => "number",
        Shape::Integer => "integer",
        Shape::IntOrString | Shape::Any | Shape::Reference(_) => "",
    };
    let stuck = |why: &str| {
        let why = format!("{why} evaluating rule: {}", rule.shown());
        Cause::new("FieldValueInvalid", at, format!("Invalid value: {kind:?}: {why}"))
    };
    let expression = match rule.compiled() {
        Ok(expression) => expression,
        Err(why) => return Some(stuck(why)),
    };
    let compares = expression.names("oldSelf");
    if (compares && !rule.optional_old && !variables.contains_key("oldSelf")) || (is_same && !compares) {
        return None;
    }
    match expression.answer(variables) {
        Ok(Answer::Truth(true)) => return None,
        Ok(Answer::Truth(false)) => {}
        Ok(_) => return Some(stuck("the answer is not a truth value")),
        Err(why) if why == TOO_MUCH => {
            let why = format!("Invalid value: {kind:?}: '{why}': {NO_MORE}{}", rule.shown());
            return Some(Cause::new("FieldValueInvalid", at, why));
        }
        Err(why) if OVERLOADS.iter().any(|overload| why.starts_with(overload)) => {
            if !is_open(schema) {
                return None;
            }
            const UNLIKE: &str =
                "call arguments did not match a supported operator, function or macro signature for rule";
            let why = format!("Invalid value: {kind:?}: 'no such overload': {UNLIKE}: {}", rule.shown());
            return Some(Cause::new("FieldValueInvalid", at, why));
        }
        // Kubernetes has checked names and types beforehand: such an error is our engine's limit, not the object's fault.
        Err(why) if LIMITS.iter().any(|limit| why.contains(limit)) => return None,
        Err(why) => return Some(stuck(&why)),
    }
    let said = rule.failure(variables);
    let whole = path.trim_start_matches('.');
    let field = match rule.field_path.as_str() {
        "" => at.to_owned(),
        below if whole.is_empty() => below.trim_start_matches('.').to_owned(),
        below => format!("{whole}{below}"),
    };
    let (reason, message) = match rule.reason.as_str() {
        "FieldValueRequired" => ("FieldValueRequired", format!("Required value: {said}")),
        "FieldValueForbidden" => ("FieldValueForbidden", format!("Forbidden: {said}")),
        "FieldValueDuplicate" if value.is_object() || value.is_array() => {
            ("FieldValueDuplicate", "Duplicate value".to_owned())
        }
        "FieldValueDuplicate" => ("FieldValueDuplicate", format!("Duplicate value: {value}")),
        _ if value.is_object() || value.is_array() => ("FieldValueInvalid", format!("Invalid value: {said}")),
        _ => ("FieldValueInvalid", format!("Invalid value: {value}: {said}")),
    };
    Some(Cause::new(reason, &field, message))
}

/// Whether a value of more than one type fits: what is called with it is known when it is asked.
fn is_open(schema: &Schema) -> bool {
    match &schema.resolved().shape {
        Shape::Object { fields, others } => {
            fields.iter().any(|(_, field)| is_open(field)) || others.as_deref().is_some_and(is_open)
        }
        Shape::Array(items) => is_open(items),
        Shape::IntOrString | Shape::Any => true,
        _ => false,
    }
}

/// A value as expressions see it: fields under names that CEL can write, numbers and texts as their schema has them.
fn seen(schema: &Schema, value: &Value) -> Term {
    let schema = schema.resolved();
    match (&schema.shape, value) {
        (Shape::Object { fields, others }, Value::Object(map)) => {
            let each = map.iter().map(|(key, value)| match (fields.get(key), others) {
                (Some(field), _) => (escaped(key), seen(field, value)),
                (None, Some(others)) => (key.clone(), seen(others, value)),
                (None, None) => (key.clone(), Term::from(value)),
            });
            Term::Map(each.collect())
        }
        (Shape::Array(items), Value::Array(list)) => {
            Term::List(list.iter().map(|item| seen(items, item)).collect())
        }
        (Shape::Number, Value::Number(number)) => number.as_f64().map_or(Term::Null, Term::Float),
        (_, Value::String(text)) => match schema.format.as_str() {
            "date-time" => Term::Time(text.clone()),
            "date" => Term::Time(format!("{text}T00:00:00Z")),
            "duration" => Term::Span(text.clone()),
            "byte" => match base64::engine::general_purpose::STANDARD.decode(text) {
                Ok(bytes) => Term::Bytes(bytes),
                Err(_) => Term::Text(text.clone()),
            },
            _ => Term::Text(text.clone()),
        },
        _ => Term::from(value),
    }
}

/// `foo-bar` is `foo__dash__bar`.
fn escaped(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        return format!("__{name}__");
    }
    let text = name.replace("__", "__underscores__");
    text.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn causes(schema: &Value, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut causes = Vec::new();
        check(&Schema::structural(schema), object, old, &mut causes);
        causes.into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn rules_speak_as_the_real_server_does() {
        let schema = json!({ "type": "object", "properties": { "spec": {
            "type": "object",
            "x-kubernetes-validations": [
                { "rule": "self.min <= self.max" },
                { "rule": "self.min < 100", "message": "too high", "fieldPath": ".min", "reason": "FieldValueForbidden" },
                { "rule": "!has(self.word) || self.word != 'bad'", "messageExpression": "'word is ' + self.word" },
            ],
            "properties": {
                "min": { "type": "integer" }, "max": { "type": "integer" },
                "word": { "type": "string", "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": "fixed" }] },
                "ratio": { "type": "number", "x-kubernetes-validations": [{ "rule": "self < 1.5" }] },
                "a-b": { "type": "integer" },
            },
        } } });
        for (spec, want) in [
            (json!({ "min": 1, "max": 2, "word": "w", "ratio": 1 }), vec![]),
            (json!({ "min": 3, "max": 2 }), vec!["spec: Invalid value: failed rule: self.min <= self.max"]),
            (json!({ "min": 300, "max": 400 }), vec!["spec.min: Forbidden: too high"]),
            (json!({ "min": 1, "max": 2, "word": "bad" }), vec!["spec: Invalid value: word is bad"]),
            (
                json!({ "min": 1, "max": 2, "ratio": 2.5 }),
                vec!["spec.ratio: Invalid value: 2.5: failed rule: self < 1.5"],
            ),
            (
                json!({ "min": 1 }),
                vec![
                    "spec: Invalid value: \"object\": no such key: max evaluating rule: self.min <= self.max",
                ],
            ),
        ] {
            assert_eq!(causes(&schema, &json!({ "spec": spec }), None), want, "{spec}");
        }
        let old = json!({ "spec": { "min": 3, "max": 2, "word": "a" } });
        let new = json!({ "spec": { "min": 3, "max": 2, "word": "b" } });
        let want = [
            "spec: Invalid value: failed rule: self.min <= self.max",
            "spec.word: Invalid value: \"b\": fixed",
        ];
        assert_eq!(causes(&schema, &new, Some(&old)), want);
        assert!(causes(&schema, &old, Some(&old)).is_empty(), "what has not changed is not asked");
    }

    #[test]
    fn what_a_check_of_types_would_have_found_condemns_nothing() {
        for rule in ["self.all(x, x > 1)", "self.frob == 1"] {
            let schema = json!({ "type": "object", "properties": {
                "s": { "type": "string", "x-kubernetes-validations": [{ "rule": rule }] },
            } });
            assert!(causes(&schema, &json!({ "s": "b" }), None).is_empty(), "{rule}");
        }
    }

    #[test]
    fn a_rule_that_would_run_for_long_is_refused() {
        let schema = json!({ "type": "object", "properties": { "l": {
            "type": "array", "items": { "type": "integer" },
            "x-kubernetes-validations": [{ "rule": "self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d > 0))))" }],
        } } });
        let list: Vec<i64> = (1..200).collect();
        let found = causes(&schema, &json!({ "l": list }), None);
        assert!(found[0].contains("no further validation rules will be run"), "{found:?}");
    }
}
