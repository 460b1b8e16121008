//! Where each value of a built object comes from: the file and line that says so last, and all that touched it before.
//!
//! The same build as ever, watched: after each transformer every object is held against what it was. A build that is
//! not watched does none of that.

pub(crate) mod observer;
pub(crate) mod trace;

use std::fmt;

use sluice_budget::Budget;
use sluice_tree::Tree;
use sluice_yaml::{Kind, Node};
use smol_str::SmolStr;

use crate::error::{Error, Result, fail};
use crate::resource::Resource;
use crate::{Answers, Ask, Options, Outcome, Watch, build_watched, nodes};
use observer::Observer;
use trace::{Mark, Trace};

/// One thing that gave or changed a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Touch {
    /// Below the tree's root; empty where no file says it.
    pub file: String,
    /// From 1; 0 where it is not known.
    pub line: u32,
    /// The field of a kustomization, or what else worked; empty for what was read as it stands.
    pub what: String,
}

impl fmt::Display for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = if self.file.is_empty() { "-" } else { &self.file };
        f.write_str(file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.what.is_empty() { Ok(()) } else { write!(f, " {}", self.what) }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    steps: Vec<String>,
    /// As it is printed, in one line.
    pub value: String,
    /// First one first; never empty.
    pub touches: Vec<Touch>,
}

impl Field {
    /// The path, as replacements write it.
    pub fn path(&self) -> String {
        self.steps.join(".")
    }

    /// What says this value.
    pub fn origin(&self) -> &Touch {
        self.touches.last().expect("every value was touched by what made it")
    }
}

/// One object and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub kind: String,
    pub name: String,
    pub namespace: String,
    /// Names that it had on the way.
    pub former_names: Vec<String>,
    pub fields: Vec<Field>,
}

/// What an explaining run came to.
#[derive(Debug, Clone)]
pub enum Explanation {
    Done(Vec<Explained>),
    /// Answer these and run again.
    Need(Vec<Ask>),
}

/// Builds a folder and says of every value of every object where it comes from.
pub fn explain(
    tree: &dyn Tree,
    folder: &str,
    options: &Options<'_>,
    answers: &Answers,
    budget: &Budget,
) -> Result<Explanation> {
    let watch = Watch::Explain(Observer::default());
    let (outcome, seen) = build_watched(tree, folder, options, answers, budget, watch)?;
    match outcome {
        Outcome::Need(asks) => Ok(Explanation::Need(asks)),
        Outcome::Done(_) => Ok(Explanation::Done(seen.explained)),
    }
}

/// One object at the end of a build.
pub(crate) fn finish(resource: &Resource, touches: &[Touch]) -> Option<Explained> {
    let trace = resource.trace.as_ref()?;
    let mut fields = Vec::new();
    flatten(trace, touches, &mut fields);
    let mut former_names: Vec<String> =
        resource.memory.former.iter().map(|former| former.name.to_string()).collect();
    former_names.dedup();
    Some(Explained {
        kind: resource.kind().to_owned(),
        name: resource.name().to_string(),
        namespace: resource.namespace().to_string(),
        former_names,
        fields,
    })
}

fn flatten(trace: &Trace, touches: &[Touch], fields: &mut Vec<Field>) {
    walk(&trace.node, &trace.mark, &mut Vec::new(), touches, fields);
}

fn walk(node: &Node, mark: &Mark, steps: &mut Vec<String>, touches: &[Touch], fields: &mut Vec<Field>) {
    match (mark, &node.kind) {
        (Mark::Map(marks), Kind::Mapping(entries)) => {
            for ((name, mark), (_, value)) in marks.iter().zip(entries) {
                steps.push(field_step(name));
                walk(value, mark, steps, touches, fields);
                steps.pop();
            }
        }
        (Mark::List(marks), Kind::Sequence(items)) => {
            for (at, (mark, item)) in marks.iter().zip(items).enumerate() {
                steps.push(item_step(items, at, item));
                walk(item, mark, steps, touches, fields);
                steps.pop();
            }
        }
        (Mark::Leaf(chain), _) => {
            let chain = chain.iter().filter_map(|number| touches.get(*number as usize).cloned());
            fields.push(Field { steps: steps.clone(), value: shown(node), touches: chain.collect() });
        }
        _ => {}
    }
}

fn field_step(name: &SmolStr) -> String {
    if name.contains('.') { format!("[{name}]") } else { name.to_string() }
}

/// `[name=x]` where that is one element, else the place.
fn item_step(items: &[Node], at: usize, item: &Node) -> String {
    let name = |item: &Node| nodes::get(item, "name").map(nodes::smol);
    match name(item).filter(|text| !text.is_empty()) {
        Some(text) if items.iter().filter(|item| name(item).as_ref() == Some(&text)).count() == 1 => {
            format!("[name={text}]")
        }
        _ => at.to_string(),
    }
}

fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(_) => {
            let text = nodes::text(node);
            if text.contains('\n') { crate::text::quote(text) } else { text.to_owned() }
        }
        Kind::Mapping(_) => "{}".to_owned(),
        _ => "[]".to_owned(),
    }
}

/// Finds `KIND/NAME[.FIELD]` or `KIND/NAMESPACE/NAME[.FIELD]` among objects, by their names now or before: the object
/// and the path that its fields have to begin with.
pub fn find<'a>(objects: &'a [Explained], wanted: &str) -> Result<(&'a Explained, Vec<&'a Field>)> {
    let mut found: Vec<(&Explained, &str)> = Vec::new();
    for object in objects {
        let former = object.former_names.iter().map(String::as_str);
        let mut longest: Option<&str> = None;
        for name in [object.name.as_str()].into_iter().chain(former) {
            for shown in
                [format!("{}/{name}", object.kind), format!("{}/{}/{name}", object.kind, object.namespace)]
            {
                let Some(head) = wanted.get(..shown.len()) else { continue };
                let rest = &wanted[shown.len()..];
                let fits = head.eq_ignore_ascii_case(&shown) && (rest.is_empty() || rest.starts_with('.'));
                if fits && longest.is_none_or(|known| rest.len() < known.len()) {
                    longest = Some(rest);
                }
            }
        }
        found.extend(longest.map(|rest| (object, rest)));
    }
    let Some(least) = found.iter().map(|(_, rest)| rest.len()).min() else {
        let names: Vec<String> =
            objects.iter().map(|object| format!("{}/{}", object.kind, object.name)).collect();
        fail!("no object is called {wanted}; there are {}", names.join(", "));
    };
    found.retain(|(_, rest)| rest.len() == least);
    let [(object, rest)] = found[..] else {
        let names: Vec<String> = found
            .iter()
            .map(|(object, _)| format!("{}/{}/{}", object.kind, object.namespace, object.name))
            .collect();
        fail!("{wanted} may be one of {}", names.join(", "));
    };
    let wanted = rest.trim_start_matches('.');
    let path: Vec<String> = if wanted.is_empty() { Vec::new() } else { nodes::split_field_path(wanted) };
    let fields: Vec<&Field> = object.fields.iter().filter(|field| begins_with(field, &path)).collect();
    if fields.is_empty() {
        return Err(Error::new(format!("{}/{} has no field {wanted}", object.kind, object.name)));
    }
    Ok((object, fields))
}

fn begins_with(field: &Field, path: &[String]) -> bool {
    path.len() <= field.steps.len()
        && path.iter().zip(&field.steps).all(|(wanted, step)| {
            step == wanted || step.trim_matches(['[', ']']) == wanted.trim_matches(['[', ']'])
        })
}
