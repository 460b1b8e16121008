//! Values as Go holds them: maps and lists that may be shared, so that a change through one name shows through the other.
//!
//! Helm's merging shares maps between a chart and the charts within, and its results depend on it.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Number, Value};

/// What is in a map.
pub type Entries = BTreeMap<Rc<str>, Node>;

/// A shared map: cloning shares it. A copy of a map that never changes again is made level by level, as far as somebody
/// looks.
#[derive(Debug, Clone, Default)]
pub struct Table(Rc<Body>);

#[derive(Debug, Default)]
struct Body {
    entries: RefCell<Entries>,
    /// What this is a copy of, as long as nobody has looked.
    source: RefCell<Option<Table>>,
    /// Whether there is a null in it, once asked; kept for sources alone.
    nulls: Cell<Option<bool>>,
}

impl Table {
    pub fn of(entries: Entries) -> Self {
        Self(Rc::new(Body { entries: RefCell::new(entries), ..Body::default() }))
    }

    /// A copy of a map that does not change any more, nor the maps and lists in it.
    pub fn copy_of_fixed(fixed: &Table) -> Self {
        let source = fixed.source().unwrap_or_else(|| fixed.clone());
        Self(Rc::new(Body { source: RefCell::new(Some(source)), ..Body::default() }))
    }

    /// What this is an untouched copy of.
    pub fn source(&self) -> Option<Table> {
        self.0.source.borrow().clone()
    }

    pub fn borrow(&self) -> Ref<'_, Entries> {
        self.fill();
        self.0.entries.borrow()
    }

    pub fn borrow_mut(&self) -> RefMut<'_, Entries> {
        self.fill();
        self.0.entries.borrow_mut()
    }

    /// What tells this map from all others that live.
    pub fn address(&self) -> *const () {
        Rc::as_ptr(&self.0).cast()
    }

    fn fill(&self) {
        let Some(source) = self.0.source.take() else { return };
        let mut entries = source.borrow().clone();
        for node in entries.values_mut() {
            node.copy_fixed();
        }
        *self.0.entries.borrow_mut() = entries;
    }

    /// Whether it is known, as of an untouched copy, that no null is in it or in the maps in it; lists do not count.
    pub fn is_free_of_nulls(&self) -> bool {
        self.source().is_some_and(|source| !source.holds_null())
    }

    /// Of a map that does not change any more.
    fn holds_null(&self) -> bool {
        if let Some(source) = self.source() {
            return source.holds_null();
        }
        if let Some(known) = self.0.nulls.get() {
            return known;
        }
        let found = self.0.entries.borrow().values().any(|node| match node {
            Node::Null => true,
            Node::Table(inner) => inner.holds_null(),
            _ => false,
        });
        self.0.nulls.set(Some(found));
        found
    }
}
/// A shared list.
pub type List = Rc<RefCell<Vec<Node>>>;

/// One value. Cloning shares maps and lists.
#[derive(Debug, Clone)]
pub enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    List(List),
    Table(Table),
}

impl Node {
    pub fn table(&self) -> Option<&Table> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A copy that shares nothing.
    pub fn deep_copy(&self) -> Self {
        match self {
            Self::List(list) => {
                Self::List(Rc::new(RefCell::new(list.borrow().iter().map(Self::deep_copy).collect())))
            }
            Self::Table(table) => Self::Table(deep_copy(table)),
            plain => plain.clone(),
        }
    }

    /// Puts a copy in the place of what does not change any more.
    fn copy_fixed(&mut self) {
        match self {
            Self::Table(table) => *table = Table::copy_of_fixed(table),
            Self::List(list) => {
                let mut items = list.borrow().clone();
                items.iter_mut().for_each(Self::copy_fixed);
                *list = Rc::new(RefCell::new(items));
            }
            _ => {}
        }
    }

    pub fn from_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(items) => {
                Self::List(Rc::new(RefCell::new(items.iter().map(Self::from_value).collect())))
            }
            Value::Object(map) => Self::Table(from_map(map)),
        }
    }

    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.to_string()),
            Self::List(list) => Value::Array(list.borrow().iter().map(Self::to_value).collect()),
            Self::Table(table) => Value::Object(to_map(table)),
        }
    }

    /// The name of the value's type in Go.
    pub fn go_type(&self) -> &'static str {
        match self {
            Self::Null => "nil",
            Self::Bool(_) => "bool",
            Self::Number(number) if number.is_f64() => "float64",
            Self::Number(_) => "int64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Table(_) => "map[string]interface {}",
        }
    }
}

/// An empty map.
pub fn new_table() -> Table {
    Table::default()
}

pub fn from_map(map: &Map<String, Value>) -> Table {
    Table::of(map.iter().map(|(key, value)| (key.as_str().into(), Node::from_value(value))).collect())
}

pub fn to_map(table: &Table) -> Map<String, Value> {
    if let Some(source) = table.source() {
        return to_map(&source);
    }
    table.borrow().iter().map(|(key, node)| (key.to_string(), node.to_value())).collect()
}

/// A copy that shares nothing.
pub fn deep_copy(table: &Table) -> Table {
    if let Some(source) = table.source() {
        return Table::copy_of_fixed(&source);
    }
    // A clone of the whole map costs far less than putting its entries into a new one.
    let mut copy = table.borrow().clone();
    for node in copy.values_mut().filter(|node| matches!(node, Node::List(_) | Node::Table(_))) {
        *node = node.deep_copy();
    }
    Table::of(copy)
}

/// A new map with the same values.
pub fn shallow_copy(table: &Table) -> Table {
    Table::of(table.borrow().clone())
}

/// A value of a map, shared.
pub fn get(table: &Table, key: &str) -> Option<Node> {
    table.borrow().get(key).cloned()
}

pub fn put(table: &Table, key: &str, node: Node) {
    table.borrow_mut().insert(key.into(), node);
}

/// The keys of a map, in order, so that the map can change while they are gone through.
pub fn keys(table: &Table) -> Vec<Rc<str>> {
    table.borrow().keys().cloned().collect()
}

/// A map below a dotted path.
pub fn table_at(table: &Table, path: &str) -> Option<Table> {
    let mut current = table.clone();
    for part in path.split('.') {
        let next = current.borrow().get(part).and_then(|node| node.table().cloned())?;
        current = next;
    }
    Some(current)
}

/// A value below a dotted path that is no map.
pub fn plain_at(table: &Table, path: &str) -> Option<Node> {
    let (folder, last) = match path.rsplit_once('.') {
        Some((folder, last)) => (table_at(table, folder)?, last),
        None => (table.clone(), path),
    };
    get(&folder, last).filter(|node| node.table().is_none())
}

/// `a` with `b` over it: a new map at every level where both have maps, everything else shared.
pub fn merge(a: &Table, b: &Table) -> Table {
    let out = shallow_copy(a);
    for (key, value) in b.borrow().iter() {
        let merged = match (out.borrow().get(key), value) {
            (Some(Node::Table(below)), Node::Table(above)) => Some(Node::Table(merge(below, above))),
            _ => None,
        };
        out.borrow_mut().insert(key.clone(), merged.unwrap_or_else(|| value.clone()));
    }
    out
}
