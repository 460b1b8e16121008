//! What differs from run to run: made names, times, revisions, uids, addresses.

use serde_json::Value;

/// Fields whose values are never the same twice.
const MASKED: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "lastTransitionTime",
    "lastPhaseTransitionTime",
    "time",
    "clusterIP",
    "serverAddress",
    "continue",
    "storageVersionHash",
];
/// Ports that are given out by chance.
const PORTS: &[&str] = &["nodePort", "healthCheckNodePort"];

/// Names that scripts let the server make.
const MADE: &[&str] = &["gen-", "Bad_"];

/// Values that later requests of a script name: `$uid`, `$revision`, `$name`.
#[derive(Default)]
pub struct Seen {
    uid: String,
    revision: String,
    name: String,
}

impl Seen {
    pub fn note(&mut self, body: &Value) {
        let metadata = &body["metadata"];
        if let (Some(uid), Some(name)) = (metadata["uid"].as_str(), metadata["name"].as_str()) {
            uid.clone_into(&mut self.uid);
            name.clone_into(&mut self.name);
            metadata["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut self.revision);
        }
    }

    pub fn filled(&self, text: &str) -> String {
        text.replace("$uid", &self.uid).replace("$revision", &self.revision).replace("$name", &self.name)
    }
}

/// The value with what changes from run to run taken out.
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let generated = fields.get("generateName").and_then(Value::as_str).map(str::to_owned);
            let mask = |(key, value): (String, Value)| {
                let is_made = key == "name"
                    && generated.as_ref().is_some_and(|prefix| {
                        value.as_str().is_some_and(|name| {
                            name.len() == prefix.len() + 5 && name.starts_with(prefix.as_str())
                        })
                    });
                if key == "cells" {
                    return (key, cells(value));
                }
                let is_masked = is_made
                    || key == "clusterIPs"
                    || (PORTS.contains(&key.as_str()) && value.as_i64() > Some(30_000))
                    || (MASKED.contains(&key.as_str()) && value.is_string());
                let value = if is_masked {
                    Value::from("<masked>")
                } else if key == "message" {
                    Value::from(without_numbers(&without_uids(value.as_str().unwrap_or_default())))
                } else {
                    masked(value)
                };
                (key, value)
            };
            // The hash of a stored version is not one of our facts.
            let is_column = fields.contains_key("priority") && fields.contains_key("format");
            let fields = fields
                .into_iter()
                .filter(|(key, _)| key != "storageVersionHash" && !(is_column && key == "description"));
            // Keys of sets of fields hold uids too.
            let named = |(key, value): (String, Value)| (without_uids(&key), value);
            Value::Object(fields.map(mask).map(named).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        Value::String(text) if MADE.iter().any(|prefix| text.starts_with(prefix)) && text.len() == 9 => {
            "<masked>".into()
        }
        Value::String(text) if text.starts_with("apiVersion: ") => yaml(&text).into(),
        Value::String(text) if without_uids(&text) == "<uid>" => "<masked>".into(),
        other => other,
    }
}

/// Ages and times of a row.
fn cells(value: Value) -> Value {
    // `4s`, `3m20s`, `326d`: what a script dates itself grows older every day.
    let is_age = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.ends_with(['s', 'm', 'h', 'd', 'y'])
            && text.bytes().all(|b| b.is_ascii_digit() || b"smhdy".contains(&b))
    };
    let is_time = |text: &str| text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    let is_address = |text: &str| text.starts_with("10.0.");
    let mask = |cell: Value| match cell.as_str() {
        Some(text) if is_age(text) || is_time(text) || is_address(text) => "<masked>".into(),
        Some(text) => without_uids(text).into(),
        _ => cell,
    };
    Value::Array(value.as_array().cloned().unwrap_or_default().into_iter().map(mask).collect())
}

/// An answer in YAML.
fn yaml(text: &str) -> String {
    let mask = |line: &str| {
        let (before, key) = line.split_at(line.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0));
        match key.split_once(": ") {
            Some((name, _)) if MASKED.contains(&name) => format!("{before}{name}: <masked>\n"),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(mask).collect()
}

/// Revisions and made names inside of a message.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, mark)) =
        ["in record (", "Bad_"].iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min()
    {
        let after = at + mark.len();
        out.push_str(&rest[..after]);
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let end = rest[after..].find(|c| !is_part(c)).map_or(rest.len(), |length| after + length);
        if end - after == 5 || mark.ends_with('(') {
            out.push_str("<masked>");
        } else {
            out.push_str(&rest[after..end]);
        }
        rest = &rest[end..];
    }
    out + rest
}

/// Words that are UUIDs are masked.
fn without_uids(text: &str) -> String {
    let is_uid = |word: &str| {
        word.len() == 36
            && word
                .chars()
                .enumerate()
                .all(|(at, c)| if [8, 13, 18, 23].contains(&at) { c == '-' } else { c.is_ascii_hexdigit() })
    };
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !(c.is_ascii_hexdigit() || c == '-')) {
        let core = word.trim_end_matches(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
        if is_uid(core) {
            out.push_str("<uid>");
            out.push_str(&word[core.len()..]);
        } else {
            out.push_str(word);
        }
    }
    out
}
