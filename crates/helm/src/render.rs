//! A chart's templates with values: what each file prints, by its path.
//!
//! Nothing is read from outside but what the caller's hooks answer; every run is charged to its budget.

mod error;
mod halves;
mod objects;
mod second;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Zoned;
use serde_json::{Map as JsonMap, Number, Value as Json};
use sluice_budget::Budget;
use sluice_gotmpl::trace::{Piece, Tracer};
use sluice_gotmpl::{
    Context, Functions, Hooks, Kept, Map, MapType, MissingKey, ParsedText, Shared, Templates, Text, Value,
    without_no_value,
};

use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::chart::archive::clean_path;
use crate::family::{Family, MemberId};
use crate::manifest::{self, Ahead, Heads};
use crate::values::graph::{Node, Table};

pub use error::RenderError;
pub(crate) use halves::{Given, in_halves};
pub use second::Second;
use second::Task;

/// What templates see as `.Release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseOptions {
    pub name: String,
    pub namespace: String,
    pub revision: i64,
    pub is_upgrade: bool,
}

/// What one render may use.
pub struct RenderOptions<'a> {
    pub release: ReleaseOptions,
    pub capabilities: &'a Capabilities,
    pub budget: &'a Budget,
    pub now: Zoned,
    /// Fills bytes with randomness; a seeded source makes a render repeatable.
    pub random: &'a dyn Fn(&mut [u8]),
    pub hooks: &'a dyn Hooks,
    /// Missing keys are errors.
    pub strict: bool,
    /// `required` and `fail` only report.
    pub lint: bool,
}

/// One template with what it sees.
struct Renderable<'a> {
    name: String,
    text: &'a Bytes,
    dot: Map,
    base_path: String,
}

/// What renders of one chart have in common: parsed templates, and what was read in manifests that came out the same.
#[derive(Default)]
pub struct RenderCache {
    known: Vec<Parsed>,
    kept: Kept,
    /// A chart that may be worked on by two threads, and the second of them where it has begun.
    shared: Option<(Arc<Chart>, Option<Second>)>,
    pub(crate) heads: Heads,
    /// Files of the last render that are no text, with what is told of them when they are sorted.
    pub(crate) refused: Vec<Ahead>,
}

/// Templates, and the texts that they were parsed from.
struct Parsed {
    strict: bool,
    texts: Vec<(String, Bytes)>,
    templates: Templates,
}

impl Parsed {
    fn of(renderables: &[Renderable<'_>], strict: bool, templates: Templates) -> Self {
        let texts = renderables.iter().map(|one| (one.name.clone(), one.text.clone())).collect();
        Self { strict, texts, templates }
    }

    fn is_of(&self, renderables: &[Renderable<'_>], strict: bool) -> bool {
        // Texts of one chart are shared, so that mostly their addresses are compared.
        let is_same = |a: &Bytes, b: &Bytes| a.as_ptr() == b.as_ptr() && a.len() == b.len() || a == b;
        self.strict == strict
            && self.texts.len() == renderables.len()
            && renderables
                .iter()
                .zip(&self.texts)
                .all(|(wanted, (name, text))| wanted.name == *name && is_same(wanted.text, text))
    }
}

impl RenderCache {
    /// The most sets that are kept.
    const LIMIT: usize = 64;

    /// For a single render: nothing of its manifests is kept.
    pub fn once() -> Self {
        Self { heads: Heads::none(), ..Self::default() }
    }

    /// For a single render of this chart on two threads: on `second` where it helped to load the chart, else on one that
    /// is begun for it if the chart is large.
    pub fn on_two_threads(chart: &Arc<Chart>, second: Option<Second>) -> Self {
        Self { shared: Some((chart.clone(), second)), ..Self::once() }
    }

    /// The second thread with its task, if this chart is worked on by two.
    pub(crate) fn second(
        &mut self,
        chart: &Chart,
        values: &JsonMap<String, Json>,
        release: &ReleaseOptions,
        capabilities: &Capabilities,
        now: &Zoned,
        budget: &Budget,
    ) -> Option<Second> {
        let (shared, second) = self.shared.take()?;
        if !std::ptr::eq(&raw const *shared, chart) || second.is_none() && !chart.is_large() {
            return None;
        }
        let begin = || {
            let second = Second::begin()?;
            second.offer_all(chart, chart.name());
            second.complete();
            Some(second)
        };
        let second = second.or_else(begin)?;
        second.assign(Task {
            chart: shared,
            values: values.clone(),
            release: release.clone(),
            capabilities: capabilities.clone(),
            now: now.clone(),
            budget: budget.clone(),
        });
        Some(second)
    }
}

/// Renders all templates that are no partials. `values` are coalesced already.
pub fn render(
    family: &Family<'_>,
    values: &Table,
    options: &RenderOptions<'_>,
) -> Result<BTreeMap<String, String>, RenderError> {
    render_cached(family, values, options, &mut RenderCache::once())
}

/// The same, with templates that may have been parsed before.
pub fn render_cached(
    family: &Family<'_>,
    values: &Table,
    options: &RenderOptions<'_>,
    cache: &mut RenderCache,
) -> Result<BTreeMap<String, String>, RenderError> {
    render_traced(family, values, options, cache, None)
}

/// Told for each file: its name, what it printed, and where the pieces of that came from. Keys are those of `.Values`.
pub type Trace<'a> = &'a dyn Fn(&str, &[u8], Vec<Piece>);

/// The templates of all charts in the order in which they are executed, and what they see.
struct Scene<'a> {
    renderables: Vec<Renderable<'a>>,
    values: Map,
    /// Maps of values that nobody has looked at yet are made of what is in here.
    _converted: Rc<Converted>,
}

impl<'a> Scene<'a> {
    fn new(
        family: &Family<'a>,
        values: &Table,
        release: &ReleaseOptions,
        capabilities: &Capabilities,
    ) -> Self {
        let mut tops = Tops {
            family,
            release: objects::release(release),
            capabilities: objects::capabilities(capabilities),
            renderables: BTreeMap::new(),
        };
        let converted = Rc::new(Converted::default());
        let values = converted.table(values, MapType::Named("common.Values"));
        tops.collect(Family::ROOT, Some(&values));
        let depth = |name: &str| name.bytes().filter(|byte| *byte == b'/').count();
        let mut renderables: Vec<_> =
            tops.renderables.into_values().map(|renderable| (depth(&renderable.name), renderable)).collect();
        // They are in the order of their names.
        renderables.reverse();
        renderables.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        let renderables = renderables.into_iter().map(|(_, renderable)| renderable).collect();
        Self { renderables, values, _converted: converted }
    }

    /// Makes known what outlives one template: see `take_lasting_change`.
    fn make_lasting(&self) {
        self.values.make_lasting();
        self.renderables.iter().for_each(|renderable| renderable.dot.make_lasting());
    }
}

impl Renderable<'_> {
    fn is_partial(&self) -> bool {
        self.name.rsplit('/').next().unwrap_or(&self.name).starts_with('_')
    }

    fn parse(&self) -> Result<ParsedText, RenderError> {
        ParsedText::new(&self.name, self.text.clone(), Functions::Helm)
            .map_err(|error| RenderError::from_parsing(&self.name, &error))
    }

    /// Tells what the template is called to itself and to those of the same chart.
    fn announce(&self) {
        self.dot.insert("Template", objects::template(&self.name, &self.base_path));
    }

    fn print(
        &self,
        templates: &Templates,
        cx: &Context<'_>,
        shared: &Shared,
    ) -> Result<Vec<u8>, RenderError> {
        // Most texts print about what they are long.
        let mut out = Vec::with_capacity(self.text.len());
        templates
            .execute_shared(&self.name, &Value::Map(self.dot.clone()), &mut out, cx, shared)
            .map_err(|error| RenderError::from_execution(&self.name, error))?;
        Ok(out)
    }
}

/// The same; with `trace`, every piece of the output is told with its origin.
pub fn render_traced(
    family: &Family<'_>,
    values: &Table,
    options: &RenderOptions<'_>,
    cache: &mut RenderCache,
    trace: Option<Trace<'_>>,
) -> Result<BTreeMap<String, String>, RenderError> {
    let Scene { renderables, values, _converted } =
        Scene::new(family, values, &options.release, options.capabilities);
    let templates = parse(&renderables, options.strict, cache)?;
    let cx = Context {
        budget: options.budget,
        now: options.now.clone(),
        random: options.random,
        hooks: options.hooks,
        lint: options.lint,
    };
    let shared = match trace {
        Some(_) => {
            let mut tracer = Tracer::default();
            tracer.name(&values, ".Values");
            Shared::traced(tracer)
        }
        None => Shared::with(std::mem::take(&mut cache.kept)),
    };
    let mut rendered = BTreeMap::new();
    cache.refused.clear();
    for renderable in renderables.into_iter().filter(|renderable| !renderable.is_partial()) {
        renderable.announce();
        let out = renderable.print(&templates, &cx, &shared)?;
        if let (Some(trace), Some(tracer)) = (trace, shared.tracer()) {
            trace(&renderable.name, &out, tracer.take());
        }
        let (text, refused) = printed(&renderable.name, out);
        cache.refused.extend(refused);
        rendered.insert(renderable.name, text);
    }
    cache.kept = shared.into_kept();
    Ok(rendered)
}

/// What a file prints, as Helm has it; and what is told when it is sorted, if it is no text.
fn printed(name: &str, out: Vec<u8>) -> (String, Option<Ahead>) {
    match String::from_utf8(out) {
        Ok(text) if memchr::memmem::find(text.as_bytes(), b"<no value>").is_none() => (text, None),
        Ok(text) => (without_no_value(Text::from(text)).to_lossy().into_owned(), None),
        Err(error) => {
            let text = without_no_value(Text::from(error.into_bytes()));
            (text.to_lossy().into_owned(), manifest::refusal(name, &text))
        }
    }
}

fn parse(
    renderables: &[Renderable<'_>],
    strict: bool,
    cache: &mut RenderCache,
) -> Result<Templates, RenderError> {
    if let Some(known) = cache.known.iter().find(|known| known.is_of(renderables, strict)) {
        return Ok(known.templates.clone());
    }
    let missing_key = if strict { MissingKey::Error } else { MissingKey::Zero };
    let mut templates = Templates::new(Functions::Helm, missing_key);
    for renderable in renderables {
        templates.add(renderable.parse()?);
    }
    if cache.known.len() >= RenderCache::LIMIT {
        cache.known.clear();
    }
    cache.known.push(Parsed::of(renderables, strict, templates.clone()));
    Ok(templates)
}

/// What maps and lists of the values have become, by address: those that values share stay shared. Maps are filled when
/// a template looks, so each of them leads here; the values live at least as long as the render.
#[derive(Default)]
struct Converted(RefCell<HashMap<*const (), Value, ahash::RandomState>>);

impl Converted {
    fn table(self: &Rc<Self>, table: &Table, map_type: MapType) -> Map {
        let known = self.0.borrow().get(&table.address()).and_then(Value::as_map);
        known.unwrap_or_else(|| {
            let map = match table.source() {
                Some(source) => fixed_table(source),
                None => {
                    let (table, converted) = (table.clone(), Rc::downgrade(self));
                    Map::filled_later(move || Self::entries(&converted, &table))
                }
            };
            let map = map.with_type(map_type);
            self.0.borrow_mut().insert(table.address(), Value::Map(map.clone()));
            map
        })
    }

    fn entries(converted: &Weak<Self>, table: &Table) -> BTreeMap<Text, Value> {
        let converted = converted.upgrade().unwrap_or_default();
        let entries = table.borrow();
        entries.iter().map(|(key, node)| (Text::from(&**key), converted.node(node))).collect()
    }

    fn node(self: &Rc<Self>, node: &Node) -> Value {
        match node {
            Node::Table(table) => Value::Map(self.table(table, MapType::Any)),
            Node::List(list) => {
                let key = Rc::as_ptr(list).cast::<()>();
                let known = self.0.borrow().get(&key).cloned();
                known.unwrap_or_else(|| {
                    let made = Value::list(list.borrow().iter().map(|item| self.node(item)).collect());
                    self.0.borrow_mut().insert(key, made.clone());
                    made
                })
            }
            plain => convert_plain(plain),
        }
    }
}

/// A map of its own, made of one that does not change.
fn fixed_table(source: Table) -> Map {
    Map::filled_later(move || {
        source.borrow().iter().map(|(key, node)| (Text::from(&**key), fixed_node(node))).collect()
    })
}

fn fixed_node(node: &Node) -> Value {
    match node {
        Node::Table(table) => Value::Map(fixed_table(table.source().unwrap_or_else(|| table.clone()))),
        Node::List(list) => Value::list(list.borrow().iter().map(fixed_node).collect()),
        plain => convert_plain(plain),
    }
}

/// Maps and lists are converted where it is known what they share.
fn convert_plain(node: &Node) -> Value {
    match node {
        Node::Bool(flag) => Value::Bool(*flag),
        Node::Number(number) => convert_number(number),
        Node::Text(text) => Value::text(&**text),
        Node::Null | Node::Table(_) | Node::List(_) => Value::Nil,
    }
}

/// Makes the dots of all charts.
struct Tops<'f, 'a> {
    family: &'f Family<'a>,
    release: Value,
    capabilities: Value,
    renderables: BTreeMap<String, Renderable<'a>>,
}

impl Tops<'_, '_> {
    fn collect(&mut self, id: MemberId, values: Option<&Map>) -> Map {
        let family = self.family;
        let empty = || Map::of(MapType::Named("common.Values"), BTreeMap::new());
        let values = values.cloned().unwrap_or_else(empty);
        let subcharts = Map::new();
        let dot = Map::new();
        dot.insert("Chart", objects::chart(&family.metadata(id), family.is_root(id)));
        dot.insert("Files", objects::files(family.files(id)));
        dot.insert("Release", self.release.clone());
        dot.insert("Capabilities", self.capabilities.clone());
        dot.insert("Values", Value::Map(values.clone()));
        dot.insert("Subcharts", Value::Map(subcharts.clone()));
        for inner in family.within(id) {
            let name = family.name(*inner);
            let inner_values = values.get(name.as_bytes()).and_then(|value| value.as_map());
            let inner_values = inner_values.map(|map| map.seen_as(MapType::Named("common.Values")));
            let inner_dot = self.collect(*inner, inner_values.as_ref());
            subcharts.insert(name, Value::Map(inner_dot));
        }
        let path = family.full_path(id);
        let is_library = family.is_library(id);
        for template in family.templates(id) {
            let last = template.name.rsplit('/').next().unwrap_or(&template.name);
            if is_library && !last.starts_with('_') {
                continue;
            }
            let name = clean_path(&format!("{path}/{}", template.name));
            let renderable = Renderable {
                name: name.clone(),
                text: &template.data,
                dot: dot.clone().seen_as(MapType::Named("common.Values")),
                base_path: clean_path(&format!("{path}/templates")),
            };
            self.renderables.insert(name, renderable);
        }
        dot
    }
}

fn convert_number(number: &Number) -> Value {
    if number.is_f64() {
        Value::Float(number.as_f64().unwrap_or_default())
    } else if let Some(integer) = number.as_i64() {
        Value::int64(integer)
    } else {
        Value::Float(number.as_f64().unwrap_or_default())
    }
}
