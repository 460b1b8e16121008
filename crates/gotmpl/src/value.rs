//! Go values as a template sees them: their kinds are kept, maps are shared and can be changed through any holder.
//!
//! Lists never change once made, but for texts that are put in order. Values belong to one thread, as one run does;
//! templates are what threads share.

mod map;

use std::any::Any;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use crate::call::{Arguments, Run, Signature};
use crate::error::Error;
use crate::octets::Octets;
use crate::text::Text;

pub use map::{Map, MapType, take_lasting_change};

/// How deep a value may nest before walking it is refused.
pub const MAX_DEPTH: u32 = 1000;

/// Signed integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntKind {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Unsigned integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UintKind {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// A Go value.
#[derive(Clone, Default)]
pub enum Value {
    /// The untyped nil.
    #[default]
    Nil,
    Bool(bool),
    Int(IntKind, i64),
    Uint(UintKind, u64),
    Float(f64),
    Complex(Box<(f64, f64)>),
    Str(Text),
    /// `[]uint8`
    Bytes(Octets),
    List(List),
    Map(Map),
    /// Anything with methods or fields: `.Files`, `.Capabilities`, a time.
    Object(Rc<dyn Object>),
}

/// A struct, pointer or named type with methods.
pub trait Object: Any {
    /// The Go type as `%T` prints it.
    fn type_name(&self) -> Cow<'static, str>;
    /// The Go kind: `ptr`, `struct`, `map`, `slice`.
    fn kind(&self) -> &'static str;
    fn as_any(&self) -> &dyn Any;
    /// An exported field.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }
    /// What a method takes, when there is one of that name.
    fn method(&self, _name: &str) -> Option<Signature> {
        None
    }
    fn call(&self, _run: &Run<'_>, name: &str, _arguments: &mut Arguments) -> Result<Value, Error> {
        Err(Error::new(format!("no method {name}")))
    }
    /// The text of a Stringer.
    fn text(&self) -> Option<String> {
        None
    }
    /// The map or list that it is underneath.
    fn underlying(&self) -> Option<Value> {
        None
    }
    /// Fields in order of declaration, for `%v` and for marshalling (by JSON name).
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// What a deep copy makes of it, where that is something else.
    fn deep_copied(&self) -> Option<Value> {
        None
    }
    /// What JSON and YAML are made of instead of the fields.
    fn marshal(&self) -> Option<Value> {
        None
    }
    /// Why there is no JSON of it, nor YAML that is made of JSON.
    fn json_refusal(&self) -> Option<&'static str> {
        None
    }
}

/// What a list holds, by its Go type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    Any,
    Strings,
    Ints,
    Lists,
    Maps,
}

impl Elements {
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::Strings => "[]string",
            Self::Ints => "[]int",
            Self::Lists => "[][]interface {}",
            Self::Maps => "[]map[string]interface {}",
        }
    }
}

/// A slice; a clone shares the items.
#[derive(Clone)]
pub struct List(Rc<ListBody>);

struct ListBody {
    elements: Elements,
    is_nil: bool,
    items: Vec<Value>,
    /// The same texts in order, once somebody sorted them in place.
    sorted: OnceCell<Vec<Value>>,
}

impl List {
    pub fn new(elements: Elements, items: Vec<Value>) -> Self {
        Self(Rc::new(ListBody { elements, is_nil: false, items, sorted: OnceCell::new() }))
    }

    /// A nil slice: empty, and null in JSON.
    pub fn nil(elements: Elements) -> Self {
        Self(Rc::new(ListBody { elements, is_nil: true, items: Vec::new(), sorted: OnceCell::new() }))
    }

    pub fn elements(&self) -> Elements {
        self.0.elements
    }

    pub fn is_nil(&self) -> bool {
        self.0.is_nil
    }

    pub fn items(&self) -> &[Value] {
        self.0.sorted.get().unwrap_or(&self.0.items)
    }

    /// Puts texts in order, for everyone who has the list.
    pub(crate) fn sort_texts(&self) {
        self.0.sorted.get_or_init(|| {
            let mut items = self.0.items.clone();
            items.sort_by(|a, b| match (a, b) {
                (Value::Str(a), Value::Str(b)) => a.cmp(b),
                _ => Ordering::Equal,
            });
            items
        });
    }

    /// Whether both are the very same list.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Values nest as deep as a template makes them, so they are taken apart without recursion.
fn dismantle(mut stack: Vec<Value>) {
    while let Some(value) = stack.pop() {
        match value {
            Value::List(List(rc)) => {
                if let Ok(mut body) = Rc::try_unwrap(rc) {
                    stack.append(&mut body.items);
                }
            }
            Value::Map(map) => stack.extend(map.taken_apart().into_values()),
            _ => {}
        }
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

impl Drop for ListBody {
    fn drop(&mut self) {
        if self.items.iter().any(is_container) {
            dismantle(std::mem::take(&mut self.items));
        }
    }
}

impl Value {
    pub fn int(value: i64) -> Self {
        Self::Int(IntKind::Int, value)
    }

    pub fn int64(value: i64) -> Self {
        Self::Int(IntKind::Int64, value)
    }

    pub fn text(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    /// `[]interface {}`
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(List::new(Elements::Any, items))
    }

    /// `[]string`
    pub fn strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::new(Elements::Strings, items.into_iter().map(Self::text).collect()))
    }

    /// `map[string]interface {}`
    pub fn map<T: Into<Text>>(entries: impl IntoIterator<Item = (T, Value)>) -> Self {
        Self::Map(Map::of(
            MapType::Any,
            entries.into_iter().map(|(key, value)| (key.into(), value)).collect(),
        ))
    }

    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The Go type as `%T` prints it.
    pub fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(kind, _) => match kind {
                IntKind::Int => "int",
                IntKind::Int8 => "int8",
                IntKind::Int16 => "int16",
                IntKind::Int32 => "int32",
                IntKind::Int64 => "int64",
            },
            Self::Uint(kind, _) => match kind {
                UintKind::Uint => "uint",
                UintKind::Uint8 => "uint8",
                UintKind::Uint16 => "uint16",
                UintKind::Uint32 => "uint32",
                UintKind::Uint64 => "uint64",
            },
            Self::Float(_) => "float64",
            Self::Complex(_) => "complex128",
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.elements().type_name(),
            Self::Map(map) => match map.map_type() {
                MapType::Any => "map[string]interface {}",
                MapType::Strings => "map[string]string",
                MapType::Named(name) => name,
            },
            Self::Object(object) => return object.type_name(),
        })
    }

    /// The Go kind as `kindOf` prints it.
    pub fn kind_name(&self) -> Cow<'static, str> {
        match self {
            Self::Nil => "invalid".into(),
            Self::Bytes(_) | Self::List(_) => "slice".into(),
            Self::Map(_) => "map".into(),
            Self::Object(object) => object.kind().into(),
            _ => self.type_name(),
        }
    }

    /// Go's truth: false are nil, zero, and what is empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(_, value) => *value != 0,
            Self::Uint(_, value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(value) => value.0 != 0.0 || value.1 != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.underlying().is_none_or(|value| value.truth()),
        }
    }

    /// The map behind the value, a named or wrapped one too.
    pub fn as_map(&self) -> Option<Map> {
        match self {
            Self::Map(map) => Some(map.clone()),
            Self::Object(object) => object.underlying()?.as_map(),
            _ => None,
        }
    }

    /// What an object is underneath; every other value is itself.
    pub fn base(&self) -> Value {
        match self {
            Self::Object(object) => object.underlying().unwrap_or_else(|| self.clone()),
            _ => self.clone(),
        }
    }

    /// Values as Helm has them after reading YAML or JSON: every number a float64.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => {
                Self::map(entries.iter().map(|(key, value)| (key.as_str(), Self::from_json(value))))
            }
        }
    }

    /// The value as JSON holds it; numbers that are whole become integers, bytes base64. Nothing when it nests too deep
    /// or holds what JSON cannot.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        self.to_json_at(0)
    }

    fn to_json_at(&self, depth: u32) -> Option<serde_json::Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self {
            Self::Nil => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(_, value) => (*value).into(),
            Self::Uint(_, value) => (*value).into(),
            Self::Float(value) => {
                if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
                    (*value as i64).into()
                } else {
                    serde_json::Number::from_f64(*value)?.into()
                }
            }
            Self::Complex(_) => return None,
            Self::Str(text) => text.to_lossy().into(),
            Self::Bytes(bytes) if bytes.is_nil() => serde_json::Value::Null,
            Self::Bytes(bytes) => crate::encode::base64(bytes).into(),
            Self::List(list) if list.is_nil() => serde_json::Value::Null,
            Self::List(list) => {
                list.items().iter().map(|item| item.to_json_at(depth + 1)).collect::<Option<Vec<_>>>()?.into()
            }
            Self::Map(map) if map.is_nil() => serde_json::Value::Null,
            Self::Map(map) => serde_json::Value::Object(
                map.borrow()
                    .iter()
                    .map(|(key, value)| Some((key.to_lossy().into_owned(), value.to_json_at(depth + 1)?)))
                    .collect::<Option<_>>()?,
            ),
            Self::Object(object) => marshalled(&**object).to_json_at(depth + 1)?,
        })
    }
}

/// What an object is marshalled as.
pub fn marshalled(object: &dyn Object) -> Value {
    object.marshal().or_else(|| object.underlying()).unwrap_or_else(|| Value::map(object.fields()))
}

/// What JSON is made of, or why there is none.
pub(crate) fn marshalled_in_json(object: &dyn Object) -> Result<Value, Error> {
    match object.json_refusal() {
        Some(why) => {
            let name = object.type_name();
            Err(Error::new(format!("json: error calling MarshalJSON for type {name}: {why}")))
        }
        None => Ok(marshalled(object)),
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::to_lossy(&crate::print::print_go_syntax(self)))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
