//! What functions and methods take, and what they may use while they run.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use sluice_budget::Budget;

use crate::error::Error;
use crate::set::{Scope, Tree};
use crate::trace::Tracer;
use crate::value::{Elements, List, Map, MapType, Value};

/// A parameter's Go type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `reflect.Value`: whatever comes, interfaces kept.
    Reflect,
    Bool,
    Int,
    Int64,
    Uint32,
    Float,
    String,
    List,
    Strings,
    Map,
    Time,
    /// A type of an object, by its Go name.
    Object(&'static str),
}

impl Type {
    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Reflect | Self::List | Self::Strings | Self::Map)
    }

    /// Whether a value of a concrete type can be given for it.
    pub(crate) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any | Self::Reflect, _) => true,
            (Self::Bool, Value::Bool(_)) | (Self::Float, Value::Float(_)) | (Self::String, Value::Str(_)) => {
                true
            }
            (Self::Int, Value::Int(kind, _)) => *kind == crate::value::IntKind::Int,
            (Self::Int64, Value::Int(kind, _)) => *kind == crate::value::IntKind::Int64,
            (Self::Uint32, Value::Uint(kind, _)) => *kind == crate::value::UintKind::Uint32,
            (Self::List, Value::List(list)) => list.elements() == Elements::Any,
            (Self::Strings, Value::List(list)) => list.elements() == Elements::Strings,
            (Self::Map, Value::Map(map)) => map.map_type() != MapType::Strings,
            (Self::Time, Value::Object(object)) => object.type_name() == "time.Time",
            (Self::Object(name), Value::Object(object)) => object.type_name() == name,
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::String => "string",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Map => "map[string]interface {}",
            Self::Time => "time.Time",
            Self::Object(name) => name,
        })
    }
}

/// Parameters; when variadic, the last may come any number of times.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    pub parameters: &'static [Type],
    pub variadic: bool,
}

/// A value, and whether it stands in an interface; a nil in one differs from nothing at all.
#[derive(Clone, Default)]
pub struct Slot {
    pub value: Value,
    pub boxed: bool,
}

impl Slot {
    pub fn invalid() -> Self {
        Self::default()
    }

    pub fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    pub fn boxed(value: Value) -> Self {
        Self { value, boxed: true }
    }

    pub fn is_valid(&self) -> bool {
        self.boxed || !self.value.is_nil()
    }
}

/// Checked arguments of one call.
pub struct Arguments(pub Vec<Slot>);

impl Arguments {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Argument `index`, moved out.
    pub fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map(|slot| std::mem::take(&mut slot.value)).unwrap_or_default()
    }

    pub fn value(&self, index: usize) -> &Value {
        self.0.get(index).map_or(&Value::Nil, |slot| &slot.value)
    }

    pub fn slot(&self, index: usize) -> &Slot {
        const NOTHING: &Slot = &Slot { value: Value::Nil, boxed: false };
        self.0.get(index).unwrap_or(NOTHING)
    }

    /// The bytes of a string argument.
    pub fn bytes(&self, index: usize) -> &[u8] {
        match self.value(index) {
            Value::Str(text) => text,
            _ => b"",
        }
    }

    pub fn lossy(&self, index: usize) -> std::borrow::Cow<'_, str> {
        crate::text::to_lossy(self.bytes(index))
    }

    pub fn integer(&self, index: usize) -> i64 {
        match self.value(index) {
            Value::Int(_, value) => *value,
            _ => 0,
        }
    }

    pub fn boolean(&self, index: usize) -> bool {
        matches!(self.value(index), Value::Bool(true))
    }

    /// A map argument; nil becomes a nil map.
    pub fn map(&self, index: usize) -> Map {
        match self.value(index) {
            Value::Map(map) => map.clone().plain(),
            _ => Map::nil(),
        }
    }

    /// A list argument; nil becomes a nil list.
    pub fn list(&self, index: usize) -> List {
        match self.value(index) {
            Value::List(list) => list.clone(),
            _ => List::nil(Elements::Any),
        }
    }

    /// The values from `index` on.
    pub fn rest(&mut self, index: usize) -> Vec<Value> {
        self.0.drain(index.min(self.0.len())..).map(|slot| slot.value).collect()
    }
}

/// A function that templates call by name.
pub struct Function {
    pub name: &'static str,
    pub signature: Signature,
    pub run: fn(&Run<'_>, &mut Arguments) -> Result<Value, Error>,
}

/// What the caller answers while a template runs. The defaults answer as Helm does without a cluster.
pub trait Hooks {
    /// Helm's `lookup`: apiVersion, kind, namespace, name.
    fn lookup(&self, _api_version: &str, _kind: &str, _namespace: &str, _name: &str) -> Result<Value, Error> {
        Ok(Value::Map(Map::new()))
    }

    /// `getHostByName`; nothing unless the caller allows name resolution.
    fn host_by_name(&self, _name: &str) -> String {
        String::new()
    }

    /// A message of a lint run, where `required` and `fail` do not end it.
    fn lint(&self, _message: &str) {}

    /// A time zone by its IANA name.
    fn zone(&self, _name: &str) -> Option<jiff::tz::TimeZone> {
        None
    }
}

/// The hooks of a caller who answers nothing.
pub struct NoHooks;

impl Hooks for NoHooks {}

/// What one execution may use: limits, time, randomness, answers.
pub struct Context<'a> {
    pub budget: &'a Budget,
    /// The time that `now` gives.
    pub now: jiff::Zoned,
    /// Fills bytes with randomness; a seeded source makes a build repeatable.
    pub random: &'a dyn Fn(&mut [u8]),
    pub hooks: &'a dyn Hooks,
    /// `required` and `fail` only report.
    pub lint: bool,
}

/// A running execution, as functions see it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub cx: &'a Context<'a>,
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) shared: &'a Shared,
    /// Nesting of templates, for the depth limit.
    pub(crate) depth: u32,
}

/// Parsed templates by name.
pub(crate) type Trees = Arc<BTreeMap<String, Arc<Tree>>>;

/// Compiled patterns by their text; a clone of a pattern would begin with empty caches.
pub(crate) type Patterns = HashMap<crate::text::Text, Arc<regex::bytes::Regex>>;

/// What all templates of one execution share.
#[derive(Default)]
pub struct Shared {
    pub(crate) included: RefCell<BTreeMap<String, u32>>,
    /// Parsed texts of `tpl`, which charts call with the same text over and over.
    pub(crate) parsed: RefCell<HashMap<crate::text::Text, Trees>>,
    pub(crate) parsed_bytes: Cell<usize>,
    /// Compiled patterns.
    pub(crate) patterns: RefCell<Patterns>,
    /// Where pieces of the output are told, when somebody asks.
    pub(crate) tracer: Option<Tracer>,
}

/// What executions leave for later ones: parsed texts and compiled patterns.
#[derive(Default)]
pub struct Kept {
    parsed: HashMap<crate::text::Text, Trees>,
    parsed_bytes: usize,
    patterns: Patterns,
}

/// The most patterns that are kept from one execution to the next.
const MAX_KEPT_PATTERNS: usize = 256;

impl Shared {
    /// For executions that go on from what earlier ones left.
    pub fn with(kept: Kept) -> Self {
        Self {
            parsed: RefCell::new(kept.parsed),
            parsed_bytes: Cell::new(kept.parsed_bytes),
            patterns: RefCell::new(kept.patterns),
            ..Self::default()
        }
    }

    pub fn into_kept(self) -> Kept {
        let mut patterns = self.patterns.into_inner();
        if patterns.len() > MAX_KEPT_PATTERNS {
            patterns.clear();
        }
        Kept { parsed: self.parsed.into_inner(), parsed_bytes: self.parsed_bytes.get(), patterns }
    }

    /// For executions whose output is to be explained.
    pub fn traced(tracer: Tracer) -> Self {
        Self { tracer: Some(tracer), ..Self::default() }
    }

    pub fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref()
    }
}

impl Run<'_> {
    pub fn charge(&self, steps: usize) -> Result<(), Error> {
        Ok(self.cx.budget.charge(steps as u64)?)
    }

    pub fn charge_bytes(&self, bytes: usize) -> Result<(), Error> {
        Ok(self.cx.budget.charge_bytes(bytes as u64)?)
    }
}
