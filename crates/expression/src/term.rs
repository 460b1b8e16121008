//! Values that expressions are about: JSON, and what a schema says that a text is.

use std::collections::HashMap;

use cel::Env;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelUInt,
};
use cel::common::value::{CowVal, Val};
use serde_json::Value as Json;

/// A value as expressions see it.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    Null,
    Truth(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A moment, as RFC 3339 has it.
    Time(String),
    /// A length of time, as Go writes it.
    Span(String),
    List(Vec<Term>),
    Map(Vec<(String, Term)>),
    Optional(Option<Box<Term>>),
}

/// What is whole is an `int`, as long as it fits.
impl From<&Json> for Term {
    fn from(value: &Json) -> Self {
        match value {
            Json::Null => Term::Null,
            Json::Bool(truth) => Term::Truth(*truth),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Term::Int(number),
                (None, Some(number)) => Term::UInt(number),
                _ => Term::Float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Term::Text(text.clone()),
            Json::Array(items) => Term::List(items.iter().map(Term::from).collect()),
            Json::Object(fields) => {
                Term::Map(fields.iter().map(|(key, value)| (key.clone(), Term::from(value))).collect())
            }
        }
    }
}

impl Term {
    /// The value of the interpreter; a time that it cannot tell stays a text.
    pub(super) fn into_val(self, env: &Env) -> Box<dyn Val> {
        match self {
            Term::Null => Box::new(CelNull),
            Term::Truth(truth) => Box::new(CelBool::from(truth)),
            Term::Int(number) => Box::new(CelInt::from(number)),
            Term::UInt(number) => Box::new(CelUInt::from(number)),
            Term::Float(number) => Box::new(CelDouble::from(number)),
            Term::Text(text) => Box::new(CelString::from(text)),
            Term::Bytes(bytes) => Box::new(CelBytes::from(bytes)),
            Term::Time(text) => converted(env, "timestamp", text),
            Term::Span(text) => converted(env, "duration", text),
            Term::List(items) => {
                Box::new(CelList::from(items.into_iter().map(|item| item.into_val(env)).collect::<Vec<_>>()))
            }
            Term::Map(fields) => {
                let entry = |(key, value): (String, Term)| (CelMapKey::from(key), value.into_val(env));
                Box::new(CelMap::from(fields.into_iter().map(entry).collect::<HashMap<_, _>>()))
            }
            Term::Optional(value) => {
                Box::new(value.map_or_else(CelOptional::none, |value| CelOptional::of(value.into_val(env))))
            }
        }
    }
}

/// A text through one of CEL's own conversions.
fn converted(env: &Env, conversion: &str, text: String) -> Box<dyn Val> {
    let argument = vec![CowVal::owned(CelString::from(text.clone()))];
    let convert = env.find_overload(conversion, &argument);
    let value = convert.and_then(|convert| convert(argument).ok());
    value.map_or_else(|| Box::new(CelString::from(text)) as Box<dyn Val>, |value| value.into_owned())
}
