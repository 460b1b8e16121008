//! What a kustomization does with its objects: generators, transformers, validators.

use super::builtin::{self, Step};
use super::cause::Counts;
use super::layer::Stage;
use super::{Accumulated, Builder, Target};
use crate::charts;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, fail};
use crate::file;
use crate::generate;
use crate::origin::{Configurer, Origin, join};
use crate::plugin;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::text;

impl<'a> Target<'a> {
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

    pub(super) fn run_generators(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
        let loading = |error: Error| error.within("loading generator plugins");
        let entries = std::mem::take(&mut self.kustomization.generators);
        let configured =
            self.plugin_objects(builder, &entries, "configuring external generator").map_err(loading)?;
        self.kustomization.generators = entries;
        let configured = configured.list();
        let file = &self.kustomization;
        let config_maps = file
            .config_map_generator
            .iter()
            .map(|args| (generate::Args::from(args.clone()), "ConfigMapGenerator"));
        let secrets =
            file.secret_generator.iter().map(|args| (generate::Args::from(args.clone()), "SecretGenerator"));
        // Each one's objects are taken in before the next one is run.
        let mut nth = 0..;
        let mut take = |map: ResMap, origin: Option<Origin>| {
            let nth = nth.next().unwrap_or_default();
            self.take_in(builder, onto, map, origin.as_ref(), nth, configured)
        };
        for (mut args, kind) in config_maps.chain(secrets) {
            args.options = generate::merge_options(args.options, file.generator_options.as_ref());
            let resource = generate::generate(&args, &self.loader)?;
            let map = ResMap::from_list(vec![resource], &builder.schemas.borrow())?;
            take(map, self.field_origin(kind))?;
        }
        for chart in &file.helm_charts {
            take(self.inflate(builder, chart)?, self.field_origin("HelmChartInflationGenerator"))?;
        }
        for resource in configured {
            let schemas = builder.schemas.borrow();
            let (map, origin) =
                plugin::run_generator(resource, &self.loader, &schemas, builder.charts).map_err(loading)?;
            take(map, origin)?;
        }
        Ok(())
    }

    fn take_in(
        &self,
        builder: &Builder<'a>,
        onto: &mut Accumulated,
        mut map: ResMap,
        origin: Option<&Origin>,
        nth: usize,
        configured: &[Resource],
    ) -> Result<()> {
        map.add_origin(origin)?;
        if let Some(observer) = &builder.observer {
            observer.after(&mut map, &self.cause_of_generator(observer, nth, configured));
        }
        let schemas = builder.schemas.borrow();
        onto.map.absorb_all(map, &schemas).map_err(|error| error.within("merging from generator"))
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
            let refused = Error::of(ErrorKind::Refused, "must specify --enable-helm");
            return Err(told(refused, &chart));
        };
        let given = chart.clone();
        charts::check(&mut chart, &self.loader).map_err(|error| told(error, &given))?;
        charts::generate(charts, &chart, &globals, &self.loader, &builder.schemas.borrow())
    }

    pub(super) fn run_transformers(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
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
    pub(super) fn begin_layer(&self, builder: &Builder<'a>, onto: &mut Accumulated) {
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

    pub(super) fn run_validators(&mut self, builder: &Builder<'a>, onto: &mut Accumulated) -> Result<()> {
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
