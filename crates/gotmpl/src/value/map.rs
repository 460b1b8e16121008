//! Maps: shared, changed through any holder, and known to outlive a template or not.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Value, dismantle, is_container};
use crate::text::{Key, Text, Wanted};

/// What a map is called and holds, by its Go type. Keys are always strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Strings,
    /// A named type over `map[string]interface {}`, such as `common.Values`.
    Named(&'static str),
}

/// A map; a clone is the same map. Two handles of one map may have other types, as after a conversion in Go.
#[derive(Clone)]
pub struct Map {
    body: Rc<MapBody>,
    map_type: MapType,
}

struct MapBody {
    is_nil: bool,
    entries: RefCell<BTreeMap<Text, Value>>,
    /// Makes the entries when somebody looks first.
    unfilled: Cell<Option<Fill>>,
    /// Whether the map was there before the templates, and is there for all of them.
    is_lasting: Cell<bool>,
}

thread_local! {
    /// Whether a lasting map was changed on this thread.
    static CHANGED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a lasting map was changed on this thread since this was asked last.
pub fn take_lasting_change() -> bool {
    CHANGED.replace(false)
}

type Fill = Box<dyn FnOnce() -> BTreeMap<Text, Value>>;

impl MapBody {
    fn new(is_nil: bool, entries: BTreeMap<Text, Value>) -> Rc<Self> {
        let entries = RefCell::new(entries);
        Rc::new(Self { is_nil, entries, unfilled: Cell::new(None), is_lasting: Cell::new(false) })
    }

    fn entries(&self) -> &RefCell<BTreeMap<Text, Value>> {
        if let Some(fill) = self.unfilled.take() {
            *self.entries.borrow_mut() = fill();
        }
        &self.entries
    }

    /// The entries, to be changed.
    fn changing(&self) -> RefMut<'_, BTreeMap<Text, Value>> {
        if self.is_lasting.get() {
            CHANGED.set(true);
        }
        self.entries().borrow_mut()
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    pub fn new() -> Self {
        Self::of(MapType::Any, BTreeMap::new())
    }

    pub fn of(map_type: MapType, entries: BTreeMap<Text, Value>) -> Self {
        Self { body: MapBody::new(false, entries), map_type }
    }

    /// A nil map: empty, null in JSON, and writing to it fails.
    pub fn nil() -> Self {
        Self::nil_of(MapType::Any)
    }

    /// A nil map of another type.
    pub fn nil_of(map_type: MapType) -> Self {
        Self { body: MapBody::new(true, BTreeMap::new()), map_type }
    }

    /// A map whose entries are made when somebody looks first. It is lasting.
    pub fn filled_later(fill: impl FnOnce() -> BTreeMap<Text, Value> + 'static) -> Self {
        let map = Self::new();
        map.body.unfilled.set(Some(Box::new(fill)));
        map.body.is_lasting.set(true);
        map
    }

    /// Makes this map a lasting one, and all that are in it.
    pub fn make_lasting(&self) {
        // What is not filled yet comes from lasting values.
        if self.body.is_lasting.replace(true) {
            return;
        }
        let mut values: Vec<Value> =
            self.borrow().values().filter(|value| is_container(value)).cloned().collect();
        while let Some(value) = values.pop() {
            match value {
                Value::Map(map) => map.make_lasting(),
                Value::List(list) => {
                    values.extend(list.items().iter().filter(|value| is_container(value)).cloned());
                }
                _ => {}
            }
        }
    }

    /// The same map, seen as another type.
    #[must_use]
    pub fn with_type(mut self, map_type: MapType) -> Self {
        self.map_type = map_type;
        self
    }

    pub fn map_type(&self) -> MapType {
        self.map_type
    }

    /// The same map, seen as another type.
    #[must_use]
    pub fn seen_as(mut self, map_type: MapType) -> Self {
        self.map_type = map_type;
        self
    }

    /// The same map, seen as the plain type.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.map_type = MapType::Any;
        self
    }

    pub fn is_nil(&self) -> bool {
        self.body.is_nil
    }

    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.body.entries().borrow().get(&Wanted(key) as &dyn Key).cloned()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.body.entries().borrow().contains_key(&Wanted(key) as &dyn Key)
    }

    pub fn insert(&self, key: impl Into<Text>, value: Value) {
        // What was there is dropped after the borrow ends: its drop may reach this map.
        let old = self.body.changing().insert(key.into(), value);
        drop(old);
    }

    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.body.changing().remove(&Wanted(key) as &dyn Key)
    }

    pub fn len(&self) -> usize {
        self.body.entries().borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries as they are now, in key order; later changes do not show.
    pub fn entries(&self) -> Vec<(Text, Value)> {
        self.body.entries().borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// A look at the entries; the map must not be changed meanwhile.
    pub fn borrow(&self) -> Ref<'_, BTreeMap<Text, Value>> {
        self.body.entries().borrow()
    }

    /// The entries to change; nothing else may look meanwhile.
    pub fn borrow_mut(&self) -> RefMut<'_, BTreeMap<Text, Value>> {
        self.body.changing()
    }

    /// What tells this map from all others that live.
    pub(crate) fn address(&self) -> *const () {
        Rc::as_ptr(&self.body).cast()
    }

    /// Whether both are the very same map.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.body, &other.body)
    }

    /// What is in it, where nobody else has the map.
    pub(super) fn taken_apart(self) -> BTreeMap<Text, Value> {
        Rc::try_unwrap(self.body)
            .map(|body| std::mem::take(&mut *body.entries.borrow_mut()))
            .unwrap_or_default()
    }
}

impl Drop for MapBody {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(is_container) {
            dismantle(std::mem::take(entries).into_values().collect());
        }
    }
}
