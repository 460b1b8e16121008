//! Health as people write it down: expressions for a kind, or for every kind of a group.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_object::Object;
use sluice_object::id::split_api_version;

use crate::{Expression, Health, Status};

/// How objects of a kind are told, as it is written. Without a kind it holds for the whole group.
#[derive(Debug, Clone, Copy, Default)]
pub struct Check<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    pub current: &'a str,
    pub in_progress: &'a str,
    pub failed: &'a str,
}

/// Parsed checks by group and kind; an empty kind is the whole group.
#[derive(Debug, Default)]
pub struct Checks {
    by_kind: BTreeMap<(String, String), Expressions>,
}

#[derive(Debug)]
struct Expressions {
    /// In the order in which they are asked.
    asked: Vec<(Status, Expression)>,
}

impl Checks {
    /// Parses; the texts of errors are upstream's.
    pub fn parse<'a>(checks: impl Iterator<Item = Check<'a>>) -> Result<Self, String> {
        let mut by_kind = BTreeMap::new();
        for (at, check) in checks.enumerate() {
            let (group, _) = split_api_version(check.api_version);
            let key = (group.to_owned(), check.kind.to_owned());
            if by_kind.contains_key(&key) {
                let name =
                    if group.is_empty() { check.kind.to_owned() } else { format!("{}.{group}", check.kind) };
                return Err(format!(
                    "duplicate custom health check for GroupKind {name} at healthchecks[{at}]"
                ));
            }
            let parsed = Expressions::parse(&check).map_err(|why| {
                format!("failed to create custom status evaluator for healthchecks[{at}]: {why}")
            })?;
            by_kind.insert(key, parsed);
        }
        Ok(Self { by_kind })
    }

    /// Whether objects of this kind are judged by expressions.
    pub fn cover(&self, group: &str, kind: &str) -> bool {
        self.find(group, kind).is_some()
    }

    /// How an object is by its expressions, if there are any for it.
    pub fn health(&self, object: &Object) -> Option<Health> {
        let expressions = self.find(object.group(), object.kind())?;
        Some(expressions.judge(object).unwrap_or_else(|why| Health::new(Status::Unknown, why)))
    }

    fn find(&self, group: &str, kind: &str) -> Option<&Expressions> {
        // Jobs have rules of their own, which come first.
        if self.by_kind.is_empty() || (group, kind) == ("batch", "Job") {
            return None;
        }
        let of = |kind: &str| self.by_kind.get(&(group.to_owned(), kind.to_owned()));
        of(kind).or_else(|| of(""))
    }
}

impl Expressions {
    fn parse(check: &Check<'_>) -> Result<Self, String> {
        if check.current.is_empty() {
            return Err("expression Current not specified".to_owned());
        }
        let parse = |name: &str, text: &str| {
            Expression::parse(text).map_err(|why| format!("failed to parse the expression {name}: {why}"))
        };
        let current = parse("Current", check.current)?;
        let optional = |name: &str, text: &str| {
            if text.is_empty() { Ok(None) } else { parse(name, text).map(Some) }
        };
        let failed = optional("Failed", check.failed)?;
        let in_progress = optional("InProgress", check.in_progress)?;
        let asked =
            [(Status::InProgress, in_progress), (Status::Failed, failed), (Status::Current, Some(current))];
        let asked =
            asked.into_iter().filter_map(|(status, expression)| Some((status, expression?))).collect();
        Ok(Self { asked })
    }

    fn judge(&self, object: &Object) -> Result<Health, String> {
        let number = |path: &[&str]| object.at(path).and_then(Value::as_i64);
        let seen = number(&["status", "observedGeneration"]);
        let wanted = number(&["metadata", "generation"]);
        if seen.is_some() && wanted.is_some() && seen != wanted {
            return Ok(Health::in_progress(""));
        }
        for (status, expression) in &self.asked {
            if expression.is_true(object.fields())? {
                return Ok(Health::new(*status, ""));
            }
        }
        Ok(Health::in_progress(""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn widgets<'a>() -> Check<'a> {
        Check {
            api_version: "example.com/v1",
            kind: "Widget",
            current: "status.phase == 'ok'",
            in_progress: "has(metadata.wait)",
            failed: "status.phase == 'bad'",
        }
    }

    fn judge(checks: &Checks, value: Value) -> Option<(Status, String)> {
        let health = checks.health(&Object::try_from(value).unwrap())?;
        Some((health.status, health.message))
    }

    #[test]
    fn expressions_decide_in_order() {
        let group = Check { api_version: "example.com/v2", current: "true", ..Check::default() };
        let checks = Checks::parse([widgets(), group].into_iter()).unwrap();
        let widget = |metadata: Value, status: Value| {
            let value = json!({
                "apiVersion": "example.com/v9", "kind": "Widget", "metadata": metadata, "status": status,
            });
            judge(&checks, value).unwrap()
        };
        let named = json!({"name": "w", "generation": 2});
        assert_eq!(widget(named.clone(), json!({"phase": "ok"})).0, Status::Current);
        assert_eq!(widget(named.clone(), json!({"phase": "bad"})).0, Status::Failed);
        assert_eq!(widget(named.clone(), json!({"phase": "new"})).0, Status::InProgress);
        assert_eq!(widget(json!({"name": "w", "wait": 1}), json!({"phase": "bad"})).0, Status::InProgress);
        let stale = json!({"phase": "ok", "observedGeneration": 1});
        assert_eq!(widget(named.clone(), stale).0, Status::InProgress);
        let text = json!({"phase": "ok", "observedGeneration": "1"});
        assert_eq!(widget(named.clone(), text).0, Status::Current);
        let why = "failed to evaluate the CEL expression 'status.phase == 'bad'': no such key: phase";
        assert_eq!(widget(named, json!({})), (Status::Unknown, why.to_owned()));

        let other = json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}});
        assert_eq!(judge(&checks, other).unwrap().0, Status::Current);
        let foreign = json!({"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "g"}});
        assert_eq!(judge(&checks, foreign), None);
    }

    #[test]
    fn what_cannot_be_parsed_is_told_as_upstream_does() {
        let parse = |checks: &[Check<'_>]| Checks::parse(checks.iter().copied()).map(|_| ()).unwrap_err();
        assert_eq!(
            parse(&[widgets(), Check { api_version: "example.com/v2", ..widgets() }]),
            "duplicate custom health check for GroupKind Widget.example.com at healthchecks[1]"
        );
        let start = "failed to create custom status evaluator for healthchecks[0]:";
        assert_eq!(
            parse(&[Check { current: "", ..widgets() }]),
            format!("{start} expression Current not specified")
        );
        let broken = parse(&[Check { failed: "status.", ..widgets() }]);
        let text = "failed to parse the expression Failed: failed to parse the CEL expression 'status.': ERROR: <input>:1:";
        assert!(broken.starts_with(&format!("{start} {text}")), "{broken}");
    }
}
