//! The fields of an object that is being made: what is empty is left out.

use serde_json::{Map, Value, json};
use sluice_api::meta::Duration;

#[derive(Debug, Clone, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// A value, where there is one.
    pub fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    pub fn text(self, key: &str, text: impl AsRef<str>) -> Self {
        self.maybe(key, Some(text.as_ref()).filter(|text| !text.is_empty()))
    }

    pub fn some_text(self, key: &str, text: Option<&String>) -> Self {
        self.text(key, text.map_or("", String::as_str))
    }

    pub fn flag(self, key: &str, flag: bool) -> Self {
        self.maybe(key, flag.then_some(true))
    }

    pub fn list(self, key: &str, items: Vec<Value>) -> Self {
        self.maybe(key, Some(items).filter(|items| !items.is_empty()))
    }

    pub fn texts(self, key: &str, texts: &[String]) -> Self {
        self.list(key, texts.iter().map(|text| json!(text)).collect())
    }

    /// Several texts as the lines of one.
    pub fn lines(self, key: &str, texts: &[String]) -> Self {
        self.text(key, texts.join("\n"))
    }

    pub fn duration(self, key: &str, duration: Option<Duration>) -> Self {
        let duration = duration.filter(|duration| !duration.is_zero());
        self.maybe(key, duration.map(|duration| duration.to_string()))
    }

    /// A reference to a Secret or another object by its name alone.
    pub fn named(self, key: &str, name: Option<&String>) -> Self {
        self.maybe(key, name.filter(|name| !name.is_empty()).map(|name| json!({"name": name})))
    }

    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        fields.into_value()
    }
}
