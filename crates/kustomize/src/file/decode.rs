//! Values into records by the rules and with the messages of Go's encoding/json: names match without regard to
//! case, null leaves a field alone, the first mistake is reported, unknown names are mistakes where asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Result};

/// What decoding has found so far.
#[derive(Debug, Default)]
pub struct Found {
    strict: bool,
    first: Option<String>,
    /// The names from the top to here.
    path: Vec<String>,
    /// The Go names of the records around us.
    records: Vec<&'static str>,
}

impl Found {
    pub fn mistake(&mut self, value: &Value, wanted: &str) {
        if self.first.is_some() {
            return;
        }
        let got = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let got = match value {
            Value::Number(number) if matches!(wanted, "int" | "int64") => format!("number {number}"),
            _ => got.to_owned(),
        };
        self.first = Some(match self.records.last() {
            None => format!("json: cannot unmarshal {got} into Go value of type {wanted}"),
            Some(record) => {
                let record = record.rsplit('.').next().unwrap_or(record);
                format!(
                    "json: cannot unmarshal {got} into Go struct field {record}.{} of type {wanted}",
                    self.path.join(".")
                )
            }
        });
    }

    /// Names a field that no record has.
    pub fn unknown(&mut self, name: &str) {
        if self.strict && self.first.is_none() {
            self.first = Some(format!("json: unknown field {}", crate::text::quote(name)));
        }
    }

    pub fn enter_record(&mut self, name: &'static str) {
        self.records.push(name);
    }

    pub fn leave_record(&mut self) {
        self.records.pop();
    }

    /// Goes into a field of a record. Go names the structs that a field is embedded through as well.
    pub fn enter(&mut self, record: &str, name: &str) {
        let through = match (record, name) {
            ("types.Selector" | "types.SourceSelector", "group" | "version" | "kind") => "ResId.Gvk.",
            ("types.Selector" | "types.SourceSelector", "name" | "namespace") => "ResId.",
            (
                "types.FieldSpec" | "types.Target" | "builtinconfig.NameBackReferences",
                "group" | "version" | "kind",
            ) => "Gvk.",
            ("types.ReplacementField", "source" | "targets" | "sourceValue") => "Replacement.",
            ("types.ConfigMapArgs" | "types.SecretArgs", "literals" | "files" | "envs" | "env") => {
                "GeneratorArgs.KvPairSources."
            }
            ("types.ConfigMapArgs" | "types.SecretArgs", "namespace" | "name" | "behavior" | "options") => {
                "GeneratorArgs."
            }
            ("types.Kustomization", "kind" | "apiVersion") => "TypeMeta.",
            _ => "",
        };
        self.path.push(format!("{through}{name}"));
    }

    pub fn leave(&mut self) {
        self.path.pop();
    }
}

/// A value made from JSON. `go` is Go's name of the type.
pub trait Decode: Default {
    fn go() -> String;
    fn decode(&mut self, value: Value, found: &mut Found);
}

impl Decode for String {
    fn go() -> String {
        "string".to_owned()
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        match value {
            Value::Null => {}
            Value::String(text) => *self = text,
            other => found.mistake(&other, "string"),
        }
    }
}

impl Decode for bool {
    fn go() -> String {
        "bool".to_owned()
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => *self = flag,
            other => found.mistake(&other, "bool"),
        }
    }
}

impl Decode for i64 {
    fn go() -> String {
        "int64".to_owned()
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        match &value {
            Value::Null => {}
            Value::Number(number) => match number.as_i64() {
                Some(number) => *self = number,
                None => found.mistake(&value, "int64"),
            },
            other => found.mistake(other, "int64"),
        }
    }
}

impl Decode for Value {
    fn go() -> String {
        "interface {}".to_owned()
    }

    fn decode(&mut self, value: Value, _found: &mut Found) {
        *self = value;
    }
}

impl<T: Decode> Decode for Option<T> {
    fn go() -> String {
        T::go()
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        if !value.is_null() {
            self.get_or_insert_with(T::default).decode(value, found);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn go() -> String {
        format!("[]{}", T::go())
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                self.clear();
                for item in items {
                    let mut made = T::default();
                    made.decode(item, found);
                    self.push(made);
                }
            }
            other => found.mistake(&other, &Self::go()),
        }
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn go() -> String {
        format!("map[string]{}", T::go())
    }

    fn decode(&mut self, value: Value, found: &mut Found) {
        match value {
            Value::Null => {}
            Value::Object(entries) => {
                for (name, value) in entries {
                    let mut made = T::default();
                    // Go's path does not name the keys of maps.
                    made.decode(value, found);
                    self.insert(name, made);
                }
            }
            other => found.mistake(&other, &Self::go()),
        }
    }
}

/// Declares a struct with its JSON names and how it decodes.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident: $go:literal {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $json:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        $vis struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::file::decode::Decode for $name {
            fn go() -> String {
                $go.to_owned()
            }

            fn decode(&mut self, value: serde_json::Value, found: &mut $crate::file::decode::Found) {
                let entries = match value {
                    serde_json::Value::Null => return,
                    serde_json::Value::Object(entries) => entries,
                    other => return found.not_a_record(&other, $go),
                };
                found.enter_record($go);
                for (name, value) in entries {
                    match $crate::file::decode::exact(&name, &[$($json),*]) {
                        $(Some($json) => {
                            found.enter($go, $json);
                            $crate::file::decode::Decode::decode(&mut self.$field, value, found);
                            found.leave();
                        })*
                        _ => found.unknown(&name),
                    }
                }
                found.leave_record();
            }
        }

        impl $crate::file::encode::Encode for $name {
            fn encode(&self) -> serde_json::Value {
                let mut entries = serde_json::Map::new();
                $($crate::file::encode::put(&mut entries, $go, $json, &self.$field);)*
                serde_json::Value::Object(entries)
            }
        }
    };
}
pub(crate) use record;

impl Found {
    pub fn not_a_record(&mut self, value: &Value, go: &str) {
        self.mistake(value, go);
    }
}

/// The declared name that this one means: itself, else the same without regard to case.
pub fn exact(name: &str, declared: &[&'static str]) -> Option<&'static str> {
    declared
        .iter()
        .find(|candidate| **candidate == name)
        .or_else(|| declared.iter().find(|candidate| candidate.eq_ignore_ascii_case(name)))
        .copied()
}

fn run<T: Decode>(value: Value, strict: bool) -> Result<T> {
    let mut made = T::default();
    let mut found = Found { strict, ..Found::default() };
    made.decode(value, &mut found);
    match found.first {
        Some(text) => Err(Error::new(text)),
        None => Ok(made),
    }
}

/// Decodes and refuses unknown names.
pub fn strict<T: Decode>(value: Value) -> Result<T> {
    run(value, true)
}

/// Decodes as sigs.k8s.io/yaml does: unknown names are left out.
pub fn lenient<T: Decode>(value: Value) -> Result<T> {
    run(value, false).map_err(|error: Error| error.within("error unmarshaling JSON: while decoding JSON"))
}

/// As `lenient`, but unknown names are mistakes.
pub fn strict_record<T: Decode>(value: Value) -> Result<T> {
    run(value, true).map_err(|error: Error| error.within("error unmarshaling JSON: while decoding JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    record! {
        struct Sample: "types.Sample" {
            name: String = "name",
            list: Vec<String> = "list",
            inner: Option<Inner> = "inner",
        }
    }

    record! {
        struct Inner: "types.Inner" {
            count: i64 = "count",
        }
    }

    #[test]
    fn names_match_without_case_and_null_is_nothing() {
        let sample: Sample = strict(json!({"NAME": "a", "list": null, "inner": {"Count": 3}})).unwrap();
        assert_eq!(sample.name, "a");
        assert_eq!(sample.inner.unwrap().count, 3);
    }

    #[test]
    fn mistakes_read_as_in_go() {
        let text = |value| strict::<Sample>(value).unwrap_err().to_string();
        assert_eq!(text(json!({"nope": 1})), "json: unknown field \"nope\"");
        assert_eq!(
            text(json!({"list": "x"})),
            "json: cannot unmarshal string into Go struct field Sample.list of type []string"
        );
        assert_eq!(
            text(json!({"inner": {"count": "x"}})),
            "json: cannot unmarshal string into Go struct field Inner.inner.count of type int64"
        );
    }
}
