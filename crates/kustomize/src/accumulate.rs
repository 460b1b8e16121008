//! The recursion: a kustomization's resources and bases, then its generators, components, transformers, validators.

mod builtin;
mod cause;
pub(crate) mod layer;
mod resources;
mod work;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::charts::Charts;
use crate::config::{self, Config};
use crate::crds;
use crate::error::{Error, ErrorKind, Result, fail};
use crate::explain::observer::{self, Observer};
use crate::file::{self, FILE_NAMES, Kustomization};
use crate::load::{Loader, Shared};
use crate::names;
use crate::origin::Origin;
use crate::read;
use crate::resmap::ResMap;
use crate::resource::Memory;
use crate::schema::Schemas;
use crate::text;
use crate::transform::hash;
use crate::vars::Vars;
use layer::{Layer, Recording};
use sluice_yaml::Node;

/// How deep kustomizations may be nested.
const MAX_DEPTH: u32 = 100;

/// One build.
pub(crate) struct Builder<'a> {
    pub shared: Rc<Shared<'a>>,
    pub schemas: RefCell<Schemas>,
    pub warnings: RefCell<Vec<String>>,
    pub on_warning: Option<&'a dyn Fn(&str)>,
    pub charts: Option<&'a dyn Charts>,
    /// Files that objects were read from, for `explain`.
    pub sources: RefCell<Vec<String>>,
    /// Where the build is to be done again in part.
    pub recording: Option<Recording>,
    /// Where the build is to be explained.
    pub observer: Option<Observer>,
}

/// What one kustomization and everything below it has come to.
#[derive(Default)]
pub(crate) struct Accumulated {
    pub map: ResMap,
    pub config: Option<Arc<Config>>,
    pub vars: Vars,
}

impl Accumulated {
    fn merge_config(&mut self, config: &Arc<Config>) -> Result<()> {
        self.config = Some(match &self.config {
            // Merging into nothing leaves specs out that an earlier, narrower one covers.
            None if Arc::ptr_eq(config, &Config::built_in()) => Arc::clone(config),
            None => Arc::new(Config::default().merge(config)?),
            Some(ours) if Arc::ptr_eq(ours, config) => return Ok(()),
            Some(ours) => Arc::new(ours.merge(config)?),
        });
        Ok(())
    }
}

/// A finished build.
pub(crate) struct Finished {
    pub map: ResMap,
    /// Vars that were never replaced.
    pub unused: Vec<String>,
    pub layer: Option<Layer>,
    pub config: Arc<Config>,
    pub candidates: Option<names::Candidates>,
    /// Of the objects that were there when names were carried over, those for the build only among them.
    pub memories: Vec<Memory>,
}

/// Tells each object where it stands among those that `names::fix` has seen.
fn remember_places(map: &mut ResMap) -> Vec<Memory> {
    let places = 0..map.len();
    places
        .map(|at| {
            let resource = map.get_keeping_name(at);
            resource.place = at;
            resource.memory.clone()
        })
        .collect()
}

/// One kustomization.
pub(crate) struct Target<'a> {
    pub kustomization: Kustomization,
    file_name: String,
    loader: Rc<Loader<'a>>,
    origin: Option<Origin>,
    /// The namespace of the overlays above, for charts.
    chart_namespace: String,
    /// What is done here, where that is recorded.
    layer: Option<Layer>,
    /// The kustomization's own text, where the build is to be explained.
    text: Option<Rc<Node>>,
}

impl<'a> Target<'a> {
    /// A target whose kustomization is given instead of read.
    pub(crate) fn given(kustomization: Kustomization, file_name: &str, loader: Rc<Loader<'a>>) -> Self {
        Self {
            kustomization,
            file_name: file_name.to_owned(),
            loader,
            origin: None,
            chart_namespace: String::new(),
            layer: None,
            text: None,
        }
    }

    /// Reads the kustomization at a loader's root.
    pub(crate) fn load(builder: &Builder<'_>, loader: Rc<Loader<'a>>) -> Result<Self> {
        let mut found = Vec::new();
        for name in FILE_NAMES {
            match loader.load_optional(name) {
                Some(Ok(content)) => found.push((name, content)),
                Some(Err(error)) if error.is_stop() => return Err(error),
                _ => {}
            }
        }
        let (name, content) = match found.len() {
            0 => {
                let names: Vec<String> = FILE_NAMES.iter().map(|name| format!("'{name}'")).collect();
                return Err(Error::of(
                    ErrorKind::MissingKustomization,
                    format!(
                        "unable to find one of {} or {} in directory '{}'",
                        names[..2].join(", "),
                        names[2],
                        loader.shown()
                    ),
                ));
            }
            1 => found.remove(0),
            _ => fail!("Found multiple kustomization files under: {}\n", loader.shown()),
        };
        let (kustomization, warnings) = file::parse(&content, &loader.shown())?;
        if let Some(tell) = builder.on_warning {
            for warning in &warnings {
                tell(warning);
            }
        }
        builder.warnings.borrow_mut().extend(warnings);
        let text = builder.observer.as_ref().and_then(|_| {
            let documents = observer::documents(&content, 0);
            documents.first().cloned().map(Rc::new)
        });
        Ok(Self {
            kustomization,
            file_name: name.to_owned(),
            loader,
            origin: None,
            chart_namespace: String::new(),
            layer: None,
            text,
        })
    }

    pub(crate) fn loader(&self) -> &Rc<Loader<'a>> {
        &self.loader
    }

    /// Puts the schema that this kustomization asks for into use.
    pub(crate) fn set_schema(&self, builder: &Builder<'a>) -> Result<()> {
        let openapi = &self.kustomization.openapi;
        let file = openapi.get("path").map(|path| self.loader.load(path)).transpose()?;
        builder.schemas.borrow_mut().set(openapi.get("version").map(String::as_str), file.as_deref())
    }

    /// Everything, with names final.
    pub(crate) fn build(&mut self, builder: &Builder<'a>) -> Result<Finished> {
        if !self.kustomization.build_metadata.is_empty() {
            self.origin = Some(Origin::default());
        }
        self.layer = builder.new_layer();
        let mut accumulated = self.accumulate(builder, Accumulated::default())?;
        let schemas = builder.schemas.borrow();
        hash::add(&mut accumulated.map, &schemas)?;
        if let Some(observer) = &builder.observer {
            observer.after_hashes(&mut accumulated.map);
        }
        let config = accumulated.config.unwrap_or_else(Config::built_in);
        let candidates = names::fix(&mut accumulated.map, &config, &schemas)?;
        if let Some(observer) = &builder.observer {
            observer.after_names(&mut accumulated.map);
        }
        let memories = match self.layer {
            Some(_) => remember_places(&mut accumulated.map),
            None => Vec::new(),
        };
        let unused = accumulated.vars.resolve(&mut accumulated.map, &config.var_reference, &schemas)?;
        if let Some(observer) = &builder.observer {
            observer.after_vars(&mut accumulated.map);
        }
        for resource in accumulated.map.list() {
            if !resource.is_empty() {
                read::validate(resource.tree())?;
            }
        }
        accumulated.map.retain(|resource| !resource.is_empty() && !resource.is_local_config());
        // What plugins have renamed has not been looked at before; kustomize panics here.
        accumulated.map.check_unique(&schemas)?;
        let (map, layer) = (accumulated.map, self.layer.take());
        Ok(Finished { map, unused, layer, config, candidates, memories })
    }

    /// This kustomization on top of what is given: nothing, or a component's parent.
    fn accumulate(&mut self, builder: &Builder<'a>, mut onto: Accumulated) -> Result<Accumulated> {
        let depth = &builder.shared.depth;
        if depth.get() >= MAX_DEPTH {
            fail!("kustomizations are nested deeper than {MAX_DEPTH} levels");
        }
        depth.set(depth.get() + 1);
        let resources = std::mem::take(&mut self.kustomization.resources);
        onto = self
            .accumulate_resources(builder, onto, &resources)
            .map_err(|error| error.within("accumulating resources"))?;
        self.kustomization.resources = resources;
        self.begin_layer(builder, &mut onto);
        onto.merge_config(&self.own_config()?)?;
        if !self.kustomization.crds.is_empty() {
            let crds = crds::load(&self.loader, &self.kustomization.crds).map_err(|error| {
                error.within(format_args!("loading CRDs [{}]", self.kustomization.crds.join(" ")))
            })?;
            onto.merge_config(&Arc::new(crds))?;
        }
        self.run_generators(builder, &mut onto)?;
        let components = std::mem::take(&mut self.kustomization.components);
        onto = self
            .accumulate_components(builder, onto, &components)
            .map_err(|error| error.within("accumulating components"))?;
        self.kustomization.components = components;
        self.run_transformers(builder, &mut onto)?;
        self.run_validators(builder, &mut onto)?;
        if let Some(vars) = &self.kustomization.vars {
            let schemas = builder.schemas.borrow();
            onto.vars.bind(&mut onto.map, vars, &schemas).map_err(|error| {
                error.within(format_args!("merging vars {}", crate::vars::show_all(vars)))
            })?;
            if let Some(observer) = &builder.observer {
                self.note_vars(observer);
            }
        }
        if let Some(layer) = self.layer.as_mut() {
            layer.sources.end = builder.sources.borrow().len() as u32;
        }
        depth.set(depth.get() - 1);
        Ok(onto)
    }

    fn own_config(&self) -> Result<Arc<Config>> {
        let config = Config::built_in();
        if self.kustomization.configurations.is_empty() {
            return Ok(config);
        }
        let mut own = Config::default();
        for path in &self.kustomization.configurations {
            let content = self.loader.load(path)?;
            own = own.merge(&config::parse(text::yaml_to_record_strict(&content)?)?)?;
        }
        Ok(Arc::new(config.merge(&own)?))
    }
}

impl<'a> Builder<'a> {
    fn new_layer(&self) -> Option<Layer> {
        let first = self.sources.borrow().len() as u32;
        self.recording.as_ref().map(|recording| recording.layer(first))
    }
}
