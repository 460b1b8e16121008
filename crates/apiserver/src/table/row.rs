//! An object that becomes a row: its fields as cells show them.

use jiff::Timestamp;
use serde_json::Value;

use crate::act::selector_text;
use crate::time;

/// One object, at one time.
pub struct Row<'a> {
    pub object: &'a Value,
    pub now: Timestamp,
}

impl<'a> Row<'a> {
    /// A field by its JSON pointer.
    pub fn at(&self, pointer: &str) -> &'a Value {
        self.object.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub fn name(&self) -> Value {
        self.text("/metadata/name").into()
    }

    pub fn text(&self, pointer: &str) -> &'a str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// A text, or other words where it is empty.
    pub fn text_or(&self, pointer: &str, otherwise: &str) -> Value {
        let text = self.text(pointer);
        if text.is_empty() { otherwise.into() } else { text.into() }
    }

    pub fn count(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap_or(0)
    }

    pub fn items(&self, pointer: &str) -> &'a [Value] {
        self.at(pointer).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// How many fields an object has, or items a list.
    pub fn length(&self, pointer: &str) -> usize {
        let value = self.at(pointer);
        value.as_object().map_or_else(|| value.as_array().map_or(0, Vec::len), serde_json::Map::len)
    }

    /// The time since a field's.
    pub fn since(&self, pointer: &str) -> String {
        since(self.at(pointer), self.now)
    }

    pub fn age(&self) -> Value {
        self.since("/metadata/creationTimestamp").into()
    }

    /// A truth, `false` where it is absent.
    pub fn truth(&self, pointer: &str) -> Value {
        (self.at(pointer) == &Value::Bool(true)).into()
    }

    pub fn labels(&self, pointer: &str) -> Value {
        labels(self.at(pointer)).into()
    }

    /// A label selector, `<none>` where it selects nothing in particular.
    pub fn selector(&self, pointer: &str) -> Value {
        let text = selector_text(self.at(pointer));
        if text.is_empty() { "<none>".into() } else { text.into() }
    }

    /// Names and images of the containers of a Pod's spec.
    pub fn containers(&self, pointer: &str) -> [Value; 2] {
        let containers = self.items(&format!("{pointer}/containers"));
        ["name", "image"].map(|key| {
            let texts: Vec<&str> =
                containers.iter().map(|one| one[key].as_str().unwrap_or_default()).collect();
            texts.join(",").into()
        })
    }
}

/// `a=b,c=d`, or `<none>`.
pub fn labels(map: &Value) -> String {
    let pairs = map.as_object().into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// The time since one that is written, as people read it.
pub fn since(written: &Value, now: Timestamp) -> String {
    match instant(written) {
        Some(then) => time::age(now.as_second() - then.as_second()),
        None => "<unknown>".to_owned(),
    }
}

pub fn instant(written: &Value) -> Option<Timestamp> {
    written.as_str()?.parse().ok()
}

/// Texts joined, at most so many, with a word about the others.
pub fn shortened(texts: &[String], most: usize) -> String {
    let shown = texts[..texts.len().min(most)].join(",");
    if texts.len() > most { format!("{shown} + {} more...", texts.len() - most) } else { shown }
}

/// An int-or-string or a quantity as it is written.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
