//! Watching a build: after each transformer, which values are other ones, and the file and line that say so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sluice_yaml::{Kind, Limits, Node, Style};
use smol_str::SmolStr;

use super::Touch;
use super::trace::{Step, Trace, follow};
use crate::nodes;
use crate::resmap::ResMap;
use crate::resource::Resource;

/// Why values change, and where the lines are found.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub file: String,
    pub line: u32,
    pub what: String,
    pub lines: Lines,
}

/// Where the line of one value is looked up.
#[derive(Debug, Clone)]
pub(crate) enum Lines {
    /// One line for all.
    Same,
    /// At the same place in one of these documents.
    Documents(Rc<Vec<Node>>),
    /// The operation whose path leads there.
    Operations(Rc<Vec<Node>>),
    /// The entry of the field's name.
    Entries(Rc<Node>),
    /// By the key below `data`: file and line.
    Keys(Rc<BTreeMap<String, (String, u32)>>),
}

impl Cause {
    fn place(&self, steps: &[Step], value: &Node) -> (String, u32) {
        let line = match &self.lines {
            Lines::Same => None,
            Lines::Documents(documents) => line_in(documents, steps, value),
            Lines::Operations(documents) => documents.iter().find_map(|list| operation(list, steps)),
            Lines::Entries(entries) => match steps.last() {
                Some(Step::Field(name)) => nodes::get(entries, name).map(|node| node.line),
                _ => None,
            },
            Lines::Keys(keys) => {
                if let [Step::Field(_), Step::Field(key)] = steps
                    && let Some((file, line)) = keys.get(key.as_str())
                {
                    return (file.clone(), *line);
                }
                None
            }
        };
        (self.file.clone(), line.filter(|line| *line > 0).unwrap_or(self.line))
    }
}

/// The line of a value in the document that has it; else how far a document leads.
fn line_in(documents: &[Node], steps: &[Step], value: &Node) -> Option<u32> {
    let found: Vec<(&Node, bool)> = documents.iter().map(|document| follow(document, steps)).collect();
    let exact = found.iter().find(|(node, is_end)| *is_end && nodes::text(node) == nodes::text(value));
    let whole = exact.or_else(|| found.iter().find(|(_, is_end)| *is_end));
    whole.or_else(|| found.iter().max_by_key(|(node, _)| node.line)).map(|(node, _)| node.line)
}

/// The line in the operation that writes where the steps lead; the last such operation wins.
fn operation(list: &Node, steps: &[Step]) -> Option<u32> {
    nodes::items(list).iter().rev().find_map(|operation| {
        let pointer = nodes::text(nodes::get(operation, "path")?);
        let parts: Vec<String> =
            pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        let leads = parts.len() <= steps.len()
            && parts.iter().zip(steps).all(|(part, step)| match step {
                Step::Field(name) => part == name.as_str(),
                Step::Item(at, _) => part == "-" || *part == at.to_string(),
            });
        if !leads {
            return None;
        }
        let value = nodes::get(operation, "value").map(|value| follow(value, &steps[parts.len()..]).0.line);
        Some(value.unwrap_or(operation.line).max(operation.line))
    })
}

/// The documents of a text with the lines of the file that holds it, which begins `above` lines before it.
pub(crate) fn documents(text: &[u8], above: u32) -> Rc<Vec<Node>> {
    let parsed = sluice_yaml::parse_documents(text, Limits::default()).unwrap_or_default();
    let roots = parsed.into_iter().map(|document| {
        let mut root = document.root;
        // What cannot be expanded is refused by the build itself.
        let _ = sluice_yaml::expand_aliases(&mut root, Limits::default());
        shift(&mut root, above);
        root
    });
    Rc::new(roots.collect())
}

fn shift(node: &mut Node, lines: u32) {
    if node.line > 0 {
        node.line += lines;
    }
    match &mut node.kind {
        Kind::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| shift(value, lines)),
        Kind::Sequence(items) => items.iter_mut().for_each(|item| shift(item, lines)),
        _ => {}
    }
}

/// The documents of a text that stands in a field.
pub(crate) fn inline(field: &Node) -> Rc<Vec<Node>> {
    let begins = matches!(field.style, Style::Literal | Style::Folded);
    let above = if begins { field.line } else { field.line.saturating_sub(1) };
    documents(nodes::text(field).as_bytes(), above)
}

/// The watcher of one build.
#[derive(Default)]
pub(crate) struct Observer {
    touches: RefCell<Vec<Touch>>,
    numbers: RefCell<BTreeMap<Touch, u32>>,
    /// Where vars are written.
    pub vars: RefCell<BTreeMap<String, (String, u32)>>,
}

impl Observer {
    /// An object at its end, and what touched its values.
    pub(crate) fn explained(&self, resource: &mut Resource, cause: &Cause) -> Option<super::Explained> {
        self.look(resource, cause);
        super::finish(resource, &self.touches.borrow())
    }

    fn number(&self, file: &str, line: u32, what: &str) -> u32 {
        let touch = Touch { file: file.to_owned(), line, what: what.to_owned() };
        let mut touches = self.touches.borrow_mut();
        *self.numbers.borrow_mut().entry(touch).or_insert_with_key(|touch| {
            touches.push(touch.clone());
            touches.len() as u32 - 1
        })
    }

    /// Looks at objects that have been read from a file.
    pub(crate) fn read(&self, list: &mut [Resource], file: &str, content: &[u8]) {
        let documents = documents(content, 0);
        let mut candidates: Vec<&Node> = Vec::new();
        for document in documents.iter() {
            collect(document, &mut candidates);
        }
        let mut taken = vec![false; candidates.len()];
        for resource in list {
            let name = name_of(resource.tree());
            let place = (0..candidates.len()).find(|&at| !taken[at] && name_of(candidates[at]) == name);
            let document = place.map_or_else(Node::null, |at| {
                taken[at] = true;
                candidates[at].clone()
            });
            let cause = Cause {
                file: file.to_owned(),
                line: document.line,
                what: String::new(),
                lines: Lines::Documents(Rc::new(vec![document])),
            };
            self.look(resource, &cause);
        }
    }

    /// Looks at all objects after something has worked on them.
    pub(crate) fn after(&self, map: &mut ResMap, cause: &Cause) {
        for at in 0..map.len() {
            self.look(map.get_keeping_name(at), cause);
        }
    }

    /// Looks at objects that are in no map yet.
    pub(crate) fn look_at(&self, list: &mut [Resource], cause: &Cause) {
        for resource in list {
            self.look(resource, cause);
        }
    }

    fn look(&self, resource: &mut Resource, cause: &Cause) {
        Self::look_with(resource, &mut |steps, value, _| {
            let (file, line) = cause.place(steps, value);
            self.number(&file, line, &cause.what)
        });
    }

    fn look_with(resource: &mut Resource, touching: &mut super::trace::Touching<'_>) {
        let Some(node) = &resource.node else { return };
        let trace = Trace::after(resource.trace.as_deref(), node, touching);
        resource.trace = Some(Box::new(trace));
    }

    /// Looks at all objects after hashes were put to names: the file is that of the name so far.
    pub(crate) fn after_hashes(&self, map: &mut ResMap) {
        for at in 0..map.len() {
            Self::look_with(map.get_keeping_name(at), &mut |_, _, old| {
                let before = old.and_then(|(_, chain)| self.touch(*chain.first()?));
                let place = before.unwrap_or_default();
                self.number(&place.file, place.line, "hash of the content")
            });
        }
    }

    pub(crate) fn touch(&self, number: u32) -> Option<Touch> {
        self.touches.borrow().get(number as usize).cloned()
    }

    /// Looks at all objects after references followed the names that they refer to.
    pub(crate) fn after_names(&self, map: &mut ResMap) {
        let field = |name: &str| Step::Field(SmolStr::from(name));
        let known: Vec<Known> = map
            .list()
            .iter()
            .map(|resource| {
                let last = |name: &str| {
                    let trace = resource.trace.as_ref()?;
                    self.touch(trace.chain(&[field("metadata"), field(name)])?.last().copied()?)
                };
                Known {
                    kind: resource.kind().to_owned(),
                    name: resource.name(),
                    namespace: resource.namespace(),
                    former: resource.memory.former.iter().map(|former| former.name.clone()).collect(),
                    named: last("name"),
                    placed: last("namespace"),
                }
            })
            .collect();
        for at in 0..map.len() {
            Self::look_with(map.get_keeping_name(at), &mut |_, value, old| {
                let (new, before) = (nodes::text(value), old.map_or("", |(node, _)| nodes::text(node)));
                let named = known
                    .iter()
                    .find(|known| known.name == new && known.former.iter().any(|name| name == before));
                let (touch, what) = match named {
                    Some(known) => (&known.named, format!("follows the name of {} {new}", known.kind)),
                    None => match known.iter().find(|known| known.namespace == new) {
                        Some(known) => {
                            (&known.placed, format!("follows the namespace of {} {}", known.kind, known.name))
                        }
                        None => (&None, "name reference".to_owned()),
                    },
                };
                let place = touch.clone().unwrap_or_default();
                self.number(&place.file, place.line, &what)
            });
        }
    }

    /// Looks at all objects after vars were put in.
    pub(crate) fn after_vars(&self, map: &mut ResMap) {
        for at in 0..map.len() {
            Self::look_with(map.get_keeping_name(at), &mut |_, _, old| {
                let before = old.map_or("", |(node, _)| nodes::text(node));
                let vars = self.vars.borrow();
                let used = vars.iter().find(|(name, _)| before.contains(&format!("$({name})")));
                match used {
                    Some((name, (file, line))) => self.number(file, *line, &format!("var {name}")),
                    None => self.number("", 0, "var"),
                }
            });
        }
    }
}

/// What others refer to.
struct Known {
    kind: String,
    name: SmolStr,
    namespace: SmolStr,
    former: Vec<SmolStr>,
    named: Option<Touch>,
    placed: Option<Touch>,
}

/// A document, or the items of a list.
fn collect<'a>(document: &'a Node, into: &mut Vec<&'a Node>) {
    let is_list = nodes::get(document, "kind").is_some_and(|kind| nodes::text(kind).ends_with("List"));
    match nodes::get(document, "items") {
        Some(items) if is_list => nodes::items(items).iter().for_each(|item| collect(item, into)),
        _ => into.push(document),
    }
}

fn name_of(node: &Node) -> [&str; 3] {
    let text = |path: &[&str]| nodes::at(node, path).map_or("", nodes::text);
    [text(&["kind"]), text(&["metadata", "name"]), text(&["metadata", "namespace"])]
}
