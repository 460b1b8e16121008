//! What is to be done to the cluster, as data.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::text;

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    Create {
        kind: &'static str,
        object: Value,
    },
    /// A merge patch of the object or of its `subresource`.
    Patch {
        kind: &'static str,
        ns: String,
        name: String,
        subresource: &'static str,
        patch: Value,
    },
    Delete {
        kind: &'static str,
        ns: String,
        name: String,
        uid: String,
    },
}

impl Deed {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { kind, .. } | Self::Patch { kind, .. } | Self::Delete { kind, .. } => kind,
        }
    }

    pub fn delete(kind: &'static str, object: &Value) -> Self {
        Self::Delete {
            kind,
            ns: text(object, "/metadata/namespace").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
            uid: text(object, "/metadata/uid").to_owned(),
        }
    }

    pub fn patch(kind: &'static str, object: &Value, subresource: &'static str, patch: Value) -> Self {
        Self::Patch {
            kind,
            ns: text(object, "/metadata/namespace").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
            subresource,
            patch,
        }
    }
}

/// All that an object asks for now, and when to ask again.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub deeds: Vec<Deed>,
    pub revisit: Option<Timestamp>,
}

impl Plan {
    /// Writes the status where it is not as `wanted` says: a merge, so `null` takes a field away.
    pub fn status(&mut self, kind: &'static str, object: &Value, wanted: Value) {
        let status = &object["status"];
        let differs = |(key, value): (&String, &Value)| status.get(key).unwrap_or(&Value::Null) != value;
        if wanted.as_object().is_some_and(|wanted| wanted.iter().any(differs)) {
            self.deeds.push(Deed::patch(kind, object, "status", json!({ "status": wanted })));
        }
    }

    /// Leaves the status for the next plan, where this one makes something that the status counts: it would be told again
    /// at once.
    pub fn tell_afterwards(&mut self) {
        if self.deeds.iter().any(|deed| matches!(deed, Deed::Create { .. })) {
            self.deeds.retain(|deed| !matches!(deed, Deed::Patch { subresource: "status", .. }));
        }
    }

    /// Look again at this time, or earlier if something else says so.
    pub fn revisit_at(&mut self, at: Timestamp) {
        self.revisit = Some(self.revisit.map_or(at, |known| known.min(at)));
    }
}

/// A number that is left out when it is zero, as most of the API's counts are.
pub(super) fn count(number: i64) -> Value {
    if number == 0 { Value::Null } else { number.into() }
}

/// The conditions with one of them set; its times change only when it does.
pub(super) fn with_condition(
    known: &Value,
    now: Timestamp,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Vec<Value> {
    let mut conditions = known.as_array().cloned().unwrap_or_default();
    let time = seconds(now);
    let old = conditions.iter().position(|one| one["type"] == kind);
    let is_same =
        |one: &Value| one["status"] == status && one["reason"] == reason && one["message"] == message;
    if old.is_some_and(|at| is_same(&conditions[at])) {
        return conditions;
    }
    let turned = old
        .map(|at| &conditions[at])
        .filter(|one| one["status"] == status)
        .and_then(|one| one["lastTransitionTime"].as_str())
        .map_or_else(|| time.clone(), str::to_owned);
    let condition = json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": turned,
    });
    match old {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
    conditions
}

/// Times of the Kubernetes API are whole seconds.
pub(super) fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

pub(super) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// `25%` of a whole, or a number.
pub(super) fn share(value: &Value, whole: i64, rounds_up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let product = percent.clamp(0, 1_000_000).saturating_mul(whole);
    Some(if rounds_up { (product + 99).div_euclid(100) } else { product.div_euclid(100) })
}

/// A reference to the object that controls another.
pub(super) fn controlled_by(version: &str, kind: &str, owner: &Value) -> Value {
    json!([{
        "apiVersion": version, "kind": kind, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The short hash of a template that names carry.
pub(super) fn hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let hash = crate::address::hash(&template.to_string()).to_string();
    hash.bytes().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

pub(super) fn is_deleted(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}
