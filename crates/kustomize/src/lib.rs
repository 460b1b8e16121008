//! kustomize: a folder with a kustomization to the objects it means, the same bytes as kustomize 5.8.1, in linear time.
//!
//! The engine never calls out: what is not in the tree is asked for (`Outcome::Need`), and the build is run again with
//! the answers. It charges a budget and returns what it has read.

mod accumulate;
mod ahead;
mod charts;
mod config;
mod crds;
pub mod edit;
mod error;
pub mod explain;
mod field_spec;
pub mod file;
mod generate;
pub mod ids;
mod incremental;
mod json_patch;
mod load;
pub mod localize;
mod merge;
mod names;
mod nodes;
mod origin;
mod path;
mod plugin;
mod read;
mod remote;
mod resmap;
mod resource;
mod schema;
pub mod selector;
mod share;
mod spread;
mod text;
mod transform;
mod vars;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sluice_budget::Budget;
use sluice_tree::Tree;
use sluice_yaml::Node;

pub use charts::{ChartRequest, Charts};
pub use error::{Error, ErrorKind};
pub use incremental::Incremental;
pub use load::{Answers, Ask, Reads};
pub use remote::RepoSpec;
pub use text::from_map;

use accumulate::layer::Recording;
use accumulate::{Builder, Finished, Target};
use explain::Explained;
use explain::observer::Observer;
use file::Kustomization;
use incremental::{Kept, Past};
use load::{Loader, Shared};
use resmap::ResMap;
use schema::Schemas;

/// The order of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reorder {
    /// As read and generated.
    #[default]
    None,
    /// By kind, unless the kustomization's `sortOptions` say otherwise.
    Legacy,
}

/// What a build may do.
#[derive(Clone)]
pub struct Options<'a> {
    /// The tree's root as messages show it; empty for `/`.
    pub shown_root: &'a str,
    /// Files may be read from anywhere in the tree, not only from below the kustomization that names them.
    pub unrestricted: bool,
    /// Repositories and web addresses may be asked for.
    pub remote: bool,
    pub reorder: Reorder,
    /// `reorder` was asked for, and a kustomization that says otherwise is worth a warning.
    pub is_order_asked: bool,
    /// Put `app.kubernetes.io/managed-by` on everything.
    pub managed_by: bool,
    /// The kustomization of the folder itself, in place of its file; the name is that of the file.
    pub given: Option<(&'a str, &'a Kustomization)>,
    pub charts: Option<&'a dyn Charts>,
    /// How many threads may work on a build; what comes out is the same.
    pub threads: usize,
    /// Told of every warning as it comes; those of a finished build are in it as well.
    pub on_warning: Option<&'a dyn Fn(&str)>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            shown_root: "",
            unrestricted: false,
            remote: true,
            reorder: Reorder::None,
            is_order_asked: false,
            managed_by: false,
            given: None,
            charts: None,
            threads: 1,
            on_warning: None,
        }
    }
}

/// One built object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    node: Node,
    source: Option<u32>,
}

impl Object {
    /// The object's tree.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The object as kustomize prints it.
    pub fn to_yaml(&self) -> Result<String, Error> {
        sluice_yaml::json::node_to_yaml(&self.node)
            .map_err(|error| Error::new(error.to_string()).within("map[string]interface {}(nil)"))
    }
}

/// A finished build.
#[derive(Debug, Clone, Default)]
pub struct Built {
    pub objects: Vec<Object>,
    pub reads: Reads,
    /// What kustomize prints to its standard error.
    pub warnings: Vec<String>,
    /// Files that objects were read from.
    pub sources: Vec<String>,
}

impl Built {
    /// Everything as one text, documents parted by `---`, written on so many threads.
    pub fn to_yaml(&self, threads: usize) -> Result<String, Error> {
        let mut texts = spread::map(threads, &self.objects, Object::to_yaml);
        let mut whole = String::with_capacity(texts.iter().flatten().map(|text| text.len() + 4).sum());
        for (at, text) in texts.drain(..).enumerate() {
            if at > 0 {
                whole.push_str("---\n");
            }
            whole.push_str(&text?);
        }
        Ok(whole)
    }

    /// The file that an object was read from; none for generated ones.
    pub fn source_of(&self, object: &Object) -> Option<&str> {
        self.sources.get(object.source? as usize).map(String::as_str)
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    Done(Built),
    /// Answer these and run again.
    Need(Vec<Ask>),
}

/// Builds the kustomization in a folder of a tree.
pub fn build(
    tree: &dyn Tree,
    folder: &str,
    options: &Options<'_>,
    answers: &Answers,
    budget: &Budget,
) -> Result<Outcome, Error> {
    Ok(build_watched(tree, folder, options, answers, budget, Watch::None)?.0)
}

/// What a build is watched for.
enum Watch {
    None,
    /// Doing it again in part.
    Record(Recording),
    Explain(Observer),
}

/// What was seen.
#[derive(Default)]
struct Seen {
    kept: Option<Kept>,
    explained: Vec<Explained>,
}

fn build_watched<'a>(
    tree: &'a dyn Tree,
    folder: &str,
    options: &Options<'a>,
    answers: &'a Answers,
    budget: &'a Budget,
    watch: Watch,
) -> Result<(Outcome, Seen), Error> {
    let shared = Rc::new(Shared {
        shown_root: options.shown_root,
        restricted: !options.unrestricted,
        remote_allowed: options.remote,
        threads: options.threads,
        ..Shared::new(tree, answers, budget)
    });
    let result = run(&shared, folder, options, watch);
    let asks = shared.asks.take();
    match result {
        Err(error) if error.kind == ErrorKind::Ask => {
            Ok((Outcome::Need(asks.into_iter().collect()), Seen::default()))
        }
        Err(error) => Err(error),
        Ok((built, seen)) => Ok((Outcome::Done(built), seen)),
    }
}

fn run<'a>(
    shared: &Rc<Shared<'a>>,
    folder: &str,
    options: &Options<'a>,
    watch: Watch,
) -> Result<(Built, Seen), Error> {
    let (recording, observer) = match watch {
        Watch::None => (None, None),
        Watch::Record(recording) => (Some(recording), None),
        Watch::Explain(observer) => (None, Some(observer)),
    };
    let loader = Loader::start(Rc::clone(shared), folder)?;
    let builder = Builder {
        shared: Rc::clone(shared),
        schemas: RefCell::new(Schemas::new()),
        warnings: RefCell::default(),
        charts: options.charts,
        on_warning: options.on_warning,
        sources: RefCell::default(),
        recording,
        observer,
    };
    let mut target = match options.given {
        Some((name, kustomization)) => Target::given(kustomization.clone(), name, loader),
        None => Target::load(&builder, loader)?,
    };
    target.set_schema(&builder)?;
    let finished = target.build(&builder)?;
    let Finished { mut map, unused, layer, config, candidates, memories } = finished;
    let schemas = builder.schemas.borrow();
    let file = &target.kustomization;
    if let Some(sort) = &file.sort_options {
        if options.is_order_asked {
            builder.warnings.borrow_mut().push(ORDER_IS_SET_TWICE.to_owned());
        }
        transform::sort::sort(&mut map, sort, &schemas)?;
    } else if options.reorder == Reorder::Legacy {
        let legacy = file::SortOptions { order: "legacy".to_owned(), legacy_sort_options: None };
        transform::sort::sort(&mut map, &legacy, &schemas)?;
    }
    let asks_for = |name: &str| file.build_metadata.iter().any(|option| option == name);
    if options.managed_by || asks_for("managedByLabel") {
        add_managed_by(&mut map, &schemas)?;
    }
    let (origins, transformers) = (asks_for("originAnnotations"), asks_for("transformerAnnotations"));
    if let Some(observer) = &builder.observer {
        observer.after(&mut map, &target.cause_of_metadata());
    }
    let mut explained = Vec::new();
    let mut past = Past::new(memories);
    let mut objects = Vec::with_capacity(map.len());
    for mut resource in map.into_list() {
        resource.finish(origins, transformers)?;
        if let Some(observer) = &builder.observer {
            explained.extend(observer.explained(&mut resource, &target.cause_of_metadata()));
        }
        if let Some(mut node) = resource.node {
            text::settle_tags(&mut node);
            if builder.recording.is_some() {
                past.add(resource.source, resource.place, resource.trail);
            }
            objects.push(Object { node, source: resource.source });
        }
    }
    let mut warnings = builder.warnings.take();
    if !unused.is_empty() {
        warnings.push(format!("well-defined vars that were never replaced: {}\n", unused.join(",")));
    }
    let reads = target.loader().shared().reads.take();
    let kept = match (builder.recording, layer) {
        (Some(recording), Some(layer)) => {
            if !schemas.is_built_in() {
                recording.is_crossing.set(true);
            }
            Some(Kept::new(recording, layer, &config, candidates, past, shared, &reads, options.managed_by))
        }
        _ => None,
    };
    Ok((Built { objects, reads, warnings, sources: builder.sources.take() }, Seen { kept, explained }))
}

const ORDER_IS_SET_TWICE: &str = "Warning: Sorting order is set both in 'kustomization.yaml' ('sortOptions') and in a \
     CLI flag ('--reorder'). Using the kustomization file over the CLI flag.";

fn add_managed_by(map: &mut ResMap, schemas: &Schemas) -> Result<(), Error> {
    let labels = BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), "kustomize-v5.8.1".to_owned())]);
    let spec = field_spec::FieldSpec::new(ids::Gvk::default(), "metadata/labels", true);
    transform::metadata::put_entries(map, &labels, &[spec], schemas)
}

/// Fails unless a text holds Kubernetes objects, as a generated kustomization demands of its files.
pub fn check_objects(text: &[u8], budget: &Budget) -> Result<(), Error> {
    read::objects(text, budget).map(|_| ())
}

/// True when objects of a kind certainly have no namespace.
pub fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    Schemas::new().is_cluster_scoped(api_version, kind)
}
