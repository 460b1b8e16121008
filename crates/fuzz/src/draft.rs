//! A tree while it is composed: its layers, their kustomization files field by field, and the objects known so far.

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;
use crate::feature;
use crate::tree::Reorder;

pub struct Draft {
    pub dice: Dice,
    /// The first is the one that is built.
    pub layers: Vec<Layer>,
    pub objects: Vec<Known>,
    pub reorder: Reorder,
    pub unrestricted: bool,
    wanted: BTreeSet<usize>,
    used: BTreeSet<usize>,
    counter: usize,
}

/// One kustomization.
#[derive(Default)]
pub struct Layer {
    pub folder: String,
    /// Whose resources it is among.
    pub parents: Vec<usize>,
    pub is_component: bool,
    pub fields: BTreeMap<&'static str, Content>,
    /// Its own objects, each a document.
    pub documents: Vec<String>,
    pub files: Vec<(String, Vec<u8>)>,
}

/// What stands behind a field's name.
pub enum Content {
    /// On the same line.
    Inline(String),
    /// Below, indented.
    Block(String),
    List(Vec<String>),
}

/// An object that later features may refer to.
#[derive(Debug, Clone)]
pub struct Known {
    pub layer: usize,
    pub api_version: &'static str,
    pub kind: &'static str,
    pub name: String,
    pub namespace: Option<&'static str>,
    /// Where its pod template is, for those that have one.
    pub pod: Option<&'static str>,
}

impl Known {
    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub fn version(&self) -> &'static str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }
}

impl Draft {
    pub fn new(dice: Dice, wanted: BTreeSet<usize>) -> Self {
        let top = Layer { folder: "top".to_owned(), ..Layer::default() };
        Self {
            dice,
            layers: vec![top],
            objects: Vec::new(),
            reorder: Reorder::Unspecified,
            unrestricted: false,
            wanted,
            used: BTreeSet::new(),
            counter: 0,
        }
    }

    pub fn used(self) -> BTreeSet<usize> {
        self.used
    }

    pub fn wants(&self, name: &str) -> bool {
        self.wanted.contains(&feature::index(name))
    }

    pub fn mark(&mut self, name: &str) {
        self.used.insert(feature::index(name));
    }

    pub fn mark_index(&mut self, index: usize) {
        self.used.insert(index);
    }

    /// Whether to do what is wanted, here; if so it counts as done.
    pub fn option(&mut self, name: &str) -> bool {
        let is_done = self.wants(name) && self.dice.chance(90);
        if is_done {
            self.mark(name);
        }
        is_done
    }

    /// As `option`, for what many places offer: each takes it now and then.
    pub fn rarely(&mut self, name: &str) -> bool {
        let is_done = self.wants(name) && self.dice.chance(60);
        if is_done {
            self.mark(name);
        }
        is_done
    }

    pub fn number(&mut self) -> usize {
        self.counter += 1;
        self.counter
    }

    pub fn layer(&mut self) -> usize {
        self.dice.below(self.layers.len())
    }

    pub fn add_layer(&mut self, folder: &str, parent: usize, is_component: bool) -> usize {
        let folder = folder.to_owned();
        self.layers.push(Layer { folder, parents: vec![parent], is_component, ..Layer::default() });
        self.layers.len() - 1
    }

    /// A layer in which a field has not been set.
    pub fn layer_without(&mut self, field: &str) -> Option<usize> {
        let free: Vec<usize> =
            (0..self.layers.len()).filter(|&at| !self.layers[at].fields.contains_key(field)).collect();
        (!free.is_empty()).then(|| free[self.dice.below(free.len())])
    }

    pub fn set(&mut self, layer: usize, field: &'static str, text: impl Into<String>) {
        self.layers[layer].fields.insert(field, Content::Inline(text.into()));
    }

    pub fn set_block(&mut self, layer: usize, field: &'static str, text: impl Into<String>) {
        self.layers[layer].fields.insert(field, Content::Block(text.into()));
    }

    pub fn push(&mut self, layer: usize, field: &'static str, entry: impl Into<String>) {
        let content = self.layers[layer].fields.entry(field).or_insert_with(|| Content::List(Vec::new()));
        if let Content::List(entries) = content {
            entries.push(entry.into());
        }
    }

    /// Puts a file into a layer's folder and gives the name by which the kustomization calls it.
    pub fn file(&mut self, layer: usize, stem: &str, extension: &str, content: impl Into<Vec<u8>>) -> String {
        let name = format!("{stem}{}.{extension}", self.number());
        let content = content.into();
        if self.rarely("layout.file-outside") {
            // Beside the folder, which only an unrestricted build may read.
            self.unrestricted = true;
            let outside = format!("../outside-{name}");
            self.layers[layer].files.push((outside.clone(), content));
            return outside;
        }
        if self.rarely("layout.file-in-subfolder") {
            let inside = format!("parts/{name}");
            self.layers[layer].files.push((inside.clone(), content));
            return if self.dice.chance(50) { format!("./{inside}") } else { inside };
        }
        self.layers[layer].files.push((name.clone(), content));
        name
    }

    /// Every layer from which this one's transformers receive objects.
    pub fn below(&self, layer: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([layer]);
        loop {
            let before = found.len();
            for (at, other) in self.layers.iter().enumerate() {
                if other.parents.iter().any(|parent| found.contains(parent)) {
                    found.insert(at);
                }
            }
            // A component works on what its parent has gathered.
            for at in found.clone() {
                if self.layers[at].is_component {
                    found.extend(self.layers[at].parents.iter().copied());
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// Is the same base reached twice?
    pub fn is_ambiguous(&self, layer: usize) -> bool {
        self.below(layer).iter().any(|&at| self.layers[at].parents.len() > 1)
            && self.layers.iter().enumerate().any(|(at, other)| other.parents.len() > 1 && at != layer)
            && !self.layers[layer].folder.starts_with("left")
            && !self.layers[layer].folder.starts_with("right")
    }

    /// An object that a layer's transformers see and that fits.
    pub fn find(&mut self, layer: usize, fits: impl Fn(&Known) -> bool) -> Option<Known> {
        let below = self.below(layer);
        let found: Vec<usize> = (0..self.objects.len())
            .filter(|&at| below.contains(&self.objects[at].layer) && fits(&self.objects[at]))
            .collect();
        (!found.is_empty()).then(|| self.objects[found[self.dice.below(found.len())]].clone())
    }

    /// A layer and an object that it sees, without doubt which is meant.
    pub fn find_clear(&mut self, fits: impl Fn(&Known) -> bool) -> Option<(usize, Known)> {
        for _ in 0..6 {
            let layer = self.layer();
            if self.is_ambiguous(layer) {
                continue;
            }
            if let Some(object) = self.find(layer, &fits) {
                return Some((layer, object));
            }
        }
        None
    }

    /// The name of an object of a kind, or one that nobody has.
    pub fn name_of(&mut self, kind: &str, otherwise: &[&str]) -> String {
        let names: Vec<String> = self
            .objects
            .iter()
            .filter(|object| object.kind == kind)
            .map(|object| object.name.clone())
            .collect();
        if !names.is_empty() && self.dice.chance(70) {
            return names[self.dice.below(names.len())].clone();
        }
        self.dice.pick(otherwise).to_owned()
    }
}

/// A text, every line of it but the empty ones moved to the right.
pub fn indent(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.split_inclusive('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{space}{line}") })
        .collect()
}

/// As `indent`, without the first line: what stands behind `- `.
pub fn hang(text: &str, by: usize) -> String {
    let moved = indent(text, by);
    moved.trim_start_matches(' ').to_owned()
}

/// A text as a block scalar's lines: `|` and below.
pub fn literal(text: &str, by: usize) -> String {
    format!("|{}\n{}", if text.ends_with('\n') { "" } else { "-" }, indent(text, by))
}
