//! The recursion: a kustomization's resources and bases, then its generators, components, transformers, validators.

mod builtin;
mod cause;
pub(crate) mod layer;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::charts::{self, Charts};
use crate::config::{self, Config};
use crate::crds;
use crate::error::{Error, ErrorKind, Result, fail};
use crate::explain::observer::{self, Observer};
use crate::file::{self, FILE_NAMES, Kustomization};
use crate::generate;
use crate::load::{Loader, Shared};
use crate::names;
use crate::origin::{Configurer, Origin, join};
use crate::plugin;
use crate::read;
use crate::resmap::ResMap;
use crate::resource::{self, Memory, ORIGIN, Resource};
use crate::schema::Schemas;
use crate::text;
use crate::transform::hash;
use crate::vars::Vars;
use builtin::Step;
use cause::Counts;
use layer::{Entry, Layer, Recording, Stage};
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

    fn accumulate_resources(
        &mut self,
        builder: &Builder<'a>,
        mut onto: Accumulated,
        paths: &[String],
    ) -> Result<Accumulated> {
        self.loader.ask_ahead(paths);
        for path in paths {
            self.loader.budget().charge(1)?;
            let Err(as_file) = self.accumulate_file(builder, &mut onto, path) else { continue };
            if as_file.kind == ErrorKind::Http || as_file.is_stop() {
                return Err(as_file);
            }
            let loader = match self.loader.enter(path) {
                Ok(loader) => loader,
                Err(error) if error.is_stop() => return Err(error),
                Err(_) if as_file.kind == ErrorKind::MalformedYaml => return Err(as_file),
                Err(error) => return Err(error.within(format_args!("accumulation err='{as_file}'"))),
            };
            onto = self
                .accumulate_folder(builder, onto, loader, path, false)
                .map_err(|error| error.within(format_args!("accumulation err='{as_file}'")))?;
        }
        Ok(onto)
    }

    fn accumulate_components(
        &mut self,
        builder: &Builder<'a>,
        mut onto: Accumulated,
        paths: &[String],
    ) -> Result<Accumulated> {
        self.loader.ask_ahead(paths);
        for path in paths {
            let loader = self
                .loader
                .enter(path)
                .map_err(|error| error.told(|told| format!("loader.New {}", text::quote(told))))?;
            onto = self
                .accumulate_folder(builder, onto, loader, path, true)
                .map_err(|error| error.told(|told| format!("accumulateDirectory: {}", text::quote(told))))?;
        }
        Ok(onto)
    }

    fn accumulate_folder(
        &mut self,
        builder: &Builder<'a>,
        mut onto: Accumulated,
        loader: Rc<Loader<'a>>,
        path: &str,
        component: bool,
    ) -> Result<Accumulated> {
        let shown = loader.shown();
        let mut target = Target::load(builder, loader)
            .map_err(|error| error.within(format_args!("couldn't make target for path '{shown}'")))?;
        target.origin = self.origin.as_ref().map(|origin| origin.append(path));
        target.chart_namespace = if self.kustomization.namespace.is_empty() {
            self.chart_namespace.clone()
        } else {
            self.kustomization.namespace.clone()
        };
        target.set_schema(builder)?;
        target.layer = self.layer.as_ref().and_then(|_| builder.new_layer());
        if component && !target.kustomization.is_component() {
            fail!("expected kind 'Component' for path '{shown}' but got '{}'", target.kustomization.kind);
        }
        if !component && target.kustomization.is_component() {
            fail!("expected kind != 'Component' for path '{shown}'");
        }
        let told = |error: Error| error.within(format_args!("recursed accumulation of path '{shown}'"));
        if component {
            let mut onto = target.accumulate(builder, onto).map_err(told)?;
            // kustomize adds everything anew behind a component, and finds names that have become the same.
            onto.map
                .check_unique(&builder.schemas.borrow())
                .map_err(|error| error.within(format_args!("recursed merging from path '{shown}'")))?;
            if let (Some(ours), Some(layer)) = (&mut self.layer, target.layer) {
                ours.components.push(layer);
            }
            return Ok(onto);
        }
        let inner = target.accumulate(builder, Accumulated::default()).map_err(told)?;
        if let (Some(ours), Some(layer)) = (&mut self.layer, target.layer) {
            ours.entries.push(Entry::Layer(layer));
        }
        let schemas = builder.schemas.borrow();
        let merging = |error: Error| error.within(format_args!("recursed merging from path '{shown}'"));
        onto.map.append_all(inner.map, &schemas).map_err(merging)?;
        if let Some(config) = &inner.config {
            onto.merge_config(config).map_err(merging)?;
        }
        onto.vars.add_all(&inner.vars).map_err(merging)?;
        Ok(onto)
    }

    fn accumulate_file(&mut self, builder: &Builder<'a>, onto: &mut Accumulated, path: &str) -> Result<()> {
        let reading = |error: Error| error.within(format_args!("accumulating resources from '{path}'"));
        let content = match (&self.layer, &builder.recording) {
            (None, Some(_)) => self.loader.load(path),
            _ => self.loader.load_objects(path),
        };
        let content = content.map_err(reading)?;
        let objects = read::objects(&content, self.loader.budget())
            .map_err(|error| reading(read::in_file(error, path)))?;
        let schemas = builder.schemas.borrow();
        let source = builder.note_source(&self.loader, path);
        if let (Some(layer), Some(recording)) = (&mut self.layer, &builder.recording) {
            layer.entries.push(Entry::File(source));
            match self.loader.inside(path) {
                Some(place) => {
                    let names = objects.iter().map(|node| resource::id_of(node, &schemas)).collect();
                    recording.files.borrow_mut().entry(place).or_default().push((source, names));
                }
                None => recording.is_crossing.set(true),
            }
        }
        let mut list: Vec<Resource> = objects.into_iter().map(Resource::new).collect();
        for resource in &mut list {
            resource.source = Some(source);
        }
        if let Some(observer) = &builder.observer {
            observer.read(&mut list, &self.shown_file(path), &content);
        }
        if let Some(origin) = &self.origin {
            let origin = origin.append(path);
            for resource in &mut list {
                let mut annotations = resource.annotations();
                annotations.insert(ORIGIN.into(), origin.to_text().into());
                resource.set_annotations(&annotations)?;
            }
            if let Some(observer) = &builder.observer {
                observer.look_at(&mut list, &self.cause_of_metadata());
            }
        }
        let map = ResMap::from_list(list, &schemas).map_err(reading)?;
        onto.map
            .append_all(map, &schemas)
            .map_err(|error| error.within(format_args!("merging resources from '{path}'")))
    }

    /// The origin of what a field of this kustomization makes or changes.
    fn field_origin(&self, kind: &str) -> Option<Origin> {
        self.origin.as_ref().map(|origin| Origin {
            path: String::new(),
            repo: origin.repo.clone(),
            reference: origin.reference.clone(),
            configured_in: join(&origin.path, &self.file_name),
            configured_by: Configurer {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..Configurer::default()
            },
        })
    }

    fn run_generators(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
        let mut made: Vec<(ResMap, Option<Origin>)> = Vec::new();
        {
            let schemas = builder.schemas.borrow();
            let options = self.kustomization.generator_options.as_ref();
            let config_maps = self
                .kustomization
                .config_map_generator
                .iter()
                .map(|args| (generate::Args::from(args.clone()), "ConfigMapGenerator"));
            let secrets = self
                .kustomization
                .secret_generator
                .iter()
                .map(|args| (generate::Args::from(args.clone()), "SecretGenerator"));
            for (mut args, kind) in config_maps.chain(secrets) {
                args.options = generate::merge_options(args.options, options);
                let resource = generate::generate(&args, &self.loader)?;
                made.push((ResMap::from_list(vec![resource], &schemas)?, self.field_origin(kind)));
            }
        }
        for chart in &self.kustomization.helm_charts {
            let map = self.inflate(builder, chart)?;
            made.push((map, self.field_origin("HelmChartInflationGenerator")));
        }
        let loading = |error: Error| error.within("loading generator plugins");
        let entries = std::mem::take(&mut self.kustomization.generators);
        let configured =
            self.plugin_objects(builder, &entries, "configuring external generator").map_err(loading)?;
        self.kustomization.generators = entries;
        let schemas = builder.schemas.borrow();
        for resource in configured.list() {
            made.push(
                plugin::run_generator(resource, &self.loader, &schemas, builder.charts).map_err(loading)?,
            );
        }
        for (nth, (mut map, origin)) in made.into_iter().enumerate() {
            map.add_origin(origin.as_ref())?;
            if let Some(observer) = &builder.observer {
                observer.after(&mut map, &self.cause_of_generator(observer, nth, configured.list()));
            }
            onto.map.absorb_all(map, &schemas).map_err(|error| error.within("merging from generator"))?;
        }
        Ok(())
    }

    fn inflate(&self, builder: &Builder<'a>, chart: &file::HelmChart) -> Result<ResMap> {
        let mut chart = chart.clone();
        if chart.namespace.is_empty() {
            chart.namespace = if self.kustomization.namespace.is_empty() {
                self.chart_namespace.clone()
            } else {
                self.kustomization.namespace.clone()
            };
        }
        self.loader.shared().is_indirect.set(true);
        let globals = self.kustomization.helm_globals.clone().unwrap_or_default();
        let told = |error, chart: &file::HelmChart| builtin::chart_trouble(error, chart, &globals);
        let Some(charts) = builder.charts else {
            let refused = Error::of(crate::error::ErrorKind::Refused, "must specify --enable-helm");
            return Err(told(refused, &chart));
        };
        let given = chart.clone();
        charts::check(&mut chart, &self.loader).map_err(|error| told(error, &given))?;
        charts::generate(charts, &chart, &globals, &self.loader, &builder.schemas.borrow())
    }

    /// The objects that configure generators, transformers or validators: written inline, in files or in bases.
    fn plugin_objects(&mut self, builder: &Builder<'a>, entries: &[String], doing: &str) -> Result<ResMap> {
        // These objects are settings of this layer; a change of theirs is none of a single object.
        let layer = self.layer.take();
        let objects = self.plugin_objects_of(builder, entries, doing);
        self.layer = layer;
        objects
    }

    fn plugin_objects_of(
        &mut self,
        builder: &Builder<'a>,
        entries: &[String],
        doing: &str,
    ) -> Result<ResMap> {
        let mut accumulated = Accumulated::default();
        let mut paths = Vec::new();
        for entry in entries {
            let objects = match read::objects(entry.as_bytes(), self.loader.budget()) {
                Ok(objects) => objects,
                Err(error) if error.is_stop() => return Err(error),
                Err(_) => {
                    paths.push(entry.clone());
                    continue;
                }
            };
            let schemas = builder.schemas.borrow();
            let mut list: Vec<Resource> = objects.into_iter().map(Resource::new).collect();
            if let Some(origin) = &self.origin {
                for resource in &mut list {
                    resource.set_origin(Some(&origin.append(&self.file_name)))?;
                }
            }
            let Ok(map) = ResMap::from_list(list, &schemas) else {
                paths.push(entry.clone());
                continue;
            };
            accumulated.map.append_all(map, &schemas).map_err(|error| error.within(doing))?;
        }
        Ok(self.accumulate_resources(builder, accumulated, &paths)?.map)
    }

    fn run_transformers(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
        let config = onto.config.clone().unwrap_or_else(Config::built_in);
        let steps = self.builtin_steps(&config)?;
        let entries = std::mem::take(&mut self.kustomization.transformers);
        let configured = self.plugin_objects(builder, &entries, "configuring external transformer")?;
        self.kustomization.transformers = entries;
        let schemas = builder.schemas.borrow();
        let plugins = configured
            .list()
            .iter()
            .map(|resource| plugin::transformer(resource, &self.loader, &schemas))
            .collect::<Result<Vec<_>>>()?;
        let steps = match &builder.observer {
            Some(_) => steps.into_iter().flat_map(Step::split).collect(),
            None => steps,
        };
        let mut counts = Counts::default();
        for step in steps {
            step.apply(&mut onto.map, &schemas, &self.loader)?;
            if let Some(origin) = self.field_origin(step.kind()) {
                onto.map.add_transformer(&origin)?;
            }
            onto.map.drop_empty();
            if let Some(observer) = &builder.observer {
                observer.after(&mut onto.map, &self.cause_of_step(&step, &mut counts));
            }
            self.end_stage(builder, &mut onto.map, &schemas, step.is_crossing(), || Stage::Field(step));
        }
        for (nth, plugin) in plugins.into_iter().enumerate() {
            plugin.apply(&mut onto.map, &schemas, &self.loader)?;
            if let Some(origin) = &plugin.origin {
                onto.map.add_transformer(origin)?;
            }
            onto.map.drop_empty();
            if let Some(observer) = &builder.observer {
                let cause = self.cause_of_plugin(observer, "transformers", configured.list().get(nth));
                observer.after(&mut onto.map, &cause);
            }
            self.end_stage(builder, &mut onto.map, &schemas, plugin.is_crossing(), || Stage::Plugin(plugin));
        }
        Ok(())
    }

    /// Notes what stood at the beginning of this layer's work, where the build is recorded.
    fn begin_layer(&self, builder: &Builder<'a>, onto: &mut Accumulated) {
        let (Some(layer), Some(recording)) = (&self.layer, &builder.recording) else { return };
        onto.map.note_trail(layer.number, 0, &builder.schemas.borrow());
        let file = &self.kustomization;
        let is_crossing = file.vars.is_some()
            || !file.validators.is_empty()
            || !file.build_metadata.is_empty()
            || !file.openapi.is_empty()
            || !file.helm_charts.is_empty()
            || self.origin.is_some()
            || self.loader.is_remote();
        if is_crossing {
            recording.is_crossing.set(true);
        }
    }

    /// Keeps a transformer that has done its work, where the build is recorded.
    fn end_stage(
        &mut self,
        builder: &Builder<'a>,
        map: &mut ResMap,
        schemas: &Schemas,
        is_crossing: bool,
        stage: impl FnOnce() -> Stage,
    ) {
        let (Some(layer), Some(recording)) = (&mut self.layer, &builder.recording) else { return };
        if is_crossing {
            recording.is_crossing.set(true);
        }
        layer.stages.push(stage());
        map.note_trail(layer.number, layer.stages.len() as u32, schemas);
    }

    fn run_validators(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
        let entries = std::mem::take(&mut self.kustomization.validators);
        if entries.is_empty() {
            return Ok(());
        }
        let configured = self.plugin_objects(builder, &entries, "configuring external transformer")?;
        self.kustomization.validators = entries;
        let schemas = builder.schemas.borrow();
        for resource in configured.list() {
            let validator = plugin::transformer(resource, &self.loader, &schemas)?;
            let before: Vec<Option<sluice_yaml::Node>> =
                onto.map.list().iter().map(|resource| resource.node.clone()).collect();
            validator.apply(&mut onto.map, &schemas, &self.loader)?;
            let ids: Vec<_> = onto.map.list().iter().map(|resource| resource.id(&schemas)).collect();
            for id in ids {
                let count = onto.map.find_current(&id, &schemas).len();
                if count > 1 {
                    fail!(
                        "validator shouldn't modify the resource map: id in self matches {count} in other; id: {id}"
                    );
                }
            }
            let same = before.len() == onto.map.len()
                && before
                    .iter()
                    .zip(onto.map.list())
                    .all(|(before, after)| same_but_mark(before.as_ref(), after));
            if !same {
                fail!("validator shouldn't modify the resource map");
            }
        }
        Ok(())
    }
}

/// True when a validator has left an object alone; it may put its label on it.
fn same_but_mark(before: Option<&sluice_yaml::Node>, after: &Resource) -> bool {
    let mut copy = after.clone();
    let mut labels = copy.labels();
    if labels.remove("validated-by").is_some() && copy.set_labels(&labels).is_err() {
        return false;
    }
    let value = |node: Option<&sluice_yaml::Node>| node.and_then(|node| text::to_value(node).ok());
    value(before) == value(copy.node.as_ref())
}

impl<'a> Builder<'a> {
    fn new_layer(&self) -> Option<Layer> {
        let first = self.sources.borrow().len() as u32;
        self.recording.as_ref().map(|recording| recording.layer(first))
    }

    fn note_source(&self, loader: &Loader<'a>, path: &str) -> u32 {
        let mut sources = self.sources.borrow_mut();
        sources.push(if loader.is_remote() { path.to_owned() } else { join(loader.root(), path) });
        sources.len() as u32 - 1
    }
}
