//! Where printed text comes from: kept only when a caller asks for it, by `Shared::traced`.
//!
//! Every piece of output remembers its template and line, the maps' keys that were read for it, and the templates that
//! were included for it, with their own pieces.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::text::Text;
use crate::value::{Map, Value};

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file that was parsed.
    pub file: Rc<str>,
    /// The template in it.
    pub template: Rc<str>,
    pub line: usize,
}

/// `if`, `with` or `range` around a piece, and what it read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    pub place: Place,
    pub keys: Vec<String>,
}

/// Text that came of one node.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Where it ends in the output of its execution; it begins where the one before ends.
    pub end: usize,
    pub place: Place,
    /// Whether it stands in the template as it was printed.
    pub is_text: bool,
    /// Dotted paths of the keys that were read for it.
    pub keys: Vec<String>,
    pub guards: Vec<Guard>,
    /// The `template` actions that it was reached through, the outermost first.
    pub via: Vec<Place>,
    pub calls: Vec<Call>,
}

/// A template that was included for a piece.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: String,
    pub output: Text,
    pub pieces: Vec<Piece>,
}

#[derive(Default)]
struct Frame {
    pieces: Vec<Piece>,
    keys: Vec<String>,
    calls: Vec<Call>,
    guards: Vec<Guard>,
    via: Vec<Place>,
}

/// Collects pieces while templates run.
#[derive(Default)]
pub struct Tracer {
    /// The paths of known maps, by address; the maps are held, so that an address stays theirs.
    known: HashMap<*const (), String>,
    held: Vec<Map>,
    frames: RefCell<Vec<Frame>>,
    /// The pieces of the last whole execution.
    last: RefCell<Vec<Piece>>,
}

/// No map is known by a longer path.
const MAX_DEPTH: usize = 100;

impl Tracer {
    /// Names a map, and the maps in it, by a path.
    pub fn name(&mut self, map: &Map, path: &str) {
        self.name_at(map, path, 0);
    }

    fn name_at(&mut self, map: &Map, path: &str, depth: usize) {
        if depth > MAX_DEPTH || self.known.contains_key(&map.address()) {
            return;
        }
        self.known.insert(map.address(), path.to_owned());
        self.held.push(map.clone());
        for (key, value) in map.entries() {
            self.name_value(&value, &format!("{path}.{key}"), depth + 1);
        }
    }

    fn name_value(&mut self, value: &Value, path: &str, depth: usize) {
        match value {
            Value::Map(map) => self.name_at(map, path, depth),
            Value::List(list) if depth < MAX_DEPTH => {
                for (index, item) in list.items().iter().enumerate() {
                    self.name_value(item, &format!("{path}[{index}]"), depth + 1);
                }
            }
            _ => {}
        }
    }

    /// The pieces of what was executed last.
    pub fn take(&self) -> Vec<Piece> {
        self.last.take()
    }

    fn with<T>(&self, change: impl FnOnce(&mut Frame) -> T) -> Option<T> {
        self.frames.borrow_mut().last_mut().map(change)
    }

    pub(crate) fn begin(&self) {
        self.frames.borrow_mut().push(Frame::default());
    }

    /// Ends an execution; the outermost leaves its pieces behind.
    pub(crate) fn end(&self) -> Vec<Piece> {
        let mut frames = self.frames.borrow_mut();
        let pieces = frames.pop().map(|frame| frame.pieces).unwrap_or_default();
        if frames.is_empty() {
            self.last.replace(pieces);
            return Vec::new();
        }
        pieces
    }

    /// A key of a map is read.
    pub(crate) fn read(&self, map: &Map, key: &[u8]) {
        if let Some(path) = self.known.get(&map.address()) {
            let path = format!("{path}.{}", crate::text::to_lossy(key));
            self.with(|frame| {
                // `.Values.a.b` reads `.Values`, then `a`, then `b`: only the whole is told.
                if let Some(last) = frame.keys.last_mut().filter(|last| path.starts_with(&format!("{last}.")))
                {
                    *last = path;
                } else if !frame.keys.contains(&path) {
                    frame.keys.push(path);
                }
            });
        }
    }

    pub(crate) fn text(&self, place: Place, end: usize) {
        self.with(|frame| {
            let (guards, via) = (frame.guards.clone(), frame.via.clone());
            frame.pieces.push(Piece {
                end,
                place,
                is_text: true,
                keys: Vec::new(),
                guards,
                via,
                calls: Vec::new(),
            });
        });
    }

    pub(crate) fn action(&self, place: Place, end: usize) {
        self.with(|frame| {
            let (keys, calls) = (std::mem::take(&mut frame.keys), std::mem::take(&mut frame.calls));
            let (guards, via) = (frame.guards.clone(), frame.via.clone());
            frame.pieces.push(Piece { end, place, is_text: false, keys, guards, via, calls });
        });
    }

    /// What was read since the last piece decides about the nodes up to `leave`.
    pub(crate) fn enter(&self, place: Place) {
        self.with(|frame| {
            let keys = std::mem::take(&mut frame.keys);
            frame.calls.clear();
            frame.guards.push(Guard { place, keys });
        });
    }

    pub(crate) fn leave(&self) {
        self.with(|frame| frame.guards.pop());
    }

    pub(crate) fn enter_template(&self, place: Place) {
        self.with(|frame| frame.via.push(place));
    }

    pub(crate) fn leave_template(&self) {
        self.with(|frame| frame.via.pop());
    }

    pub(crate) fn called(&self, name: &str, output: &Text, pieces: Vec<Piece>) {
        self.with(|frame| frame.calls.push(Call { name: name.to_owned(), output: output.clone(), pieces }));
    }
}
