//! What a kustomization names: files and folders of objects, components, and the objects that configure plugins.

use std::rc::Rc;

use super::layer::Entry;
use super::{Accumulated, Builder, Target};
use crate::ahead::{Ahead, Early};
use crate::error::{Error, ErrorKind, Result, fail};
use crate::load::Loader;
use crate::origin::join;
use crate::read;
use crate::resmap::ResMap;
use crate::resource::{self, ORIGIN, Resource};
use crate::text;

/// What a kustomization costs beside its files: bases that name each other twice are as many as the stars.
const FOLDER_STEPS: u64 = 1_000;
const FOLDER_BYTES: u64 = 24 << 10;

impl<'a> Target<'a> {
    pub(super) fn accumulate_resources(
        &mut self,
        builder: &Builder<'a>,
        mut onto: Accumulated,
        paths: &[String],
    ) -> Result<Accumulated> {
        self.loader.ask_ahead(paths);
        let mut ahead = Ahead::default();
        for (at, path) in paths.iter().enumerate() {
            self.loader.budget().charge(1)?;
            let early = ahead.next(&self.loader, &paths[at..]);
            let Err(as_file) = self.accumulate_file(builder, &mut onto, path, early) else { continue };
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

    pub(super) fn accumulate_components(
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
        loader.budget().charge(FOLDER_STEPS)?;
        loader.budget().charge_bytes(FOLDER_BYTES)?;
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

    fn accumulate_file(
        &mut self,
        builder: &Builder<'a>,
        onto: &mut Accumulated,
        path: &str,
        early: Option<Early>,
    ) -> Result<()> {
        let reading = |error: Error| error.within(format_args!("accumulating resources from '{path}'"));
        let (early, documents) = match early {
            Some(Early { found, content, documents }) => (Some((found, content)), documents),
            None => (None, None),
        };
        let content = match (&self.layer, &builder.recording) {
            (None, Some(_)) => self.loader.load(path),
            _ => self.loader.load_found(path, early),
        };
        let content = content.map_err(reading)?;
        let budget = self.loader.budget();
        let objects = match documents {
            Some(documents) => documents.and_then(|list| read::objects_of(list.into_iter(), budget)),
            None => read::objects(&content, budget),
        };
        let objects = objects.map_err(|error| reading(read::in_file(error, path)))?;
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

    /// The objects that configure generators, transformers or validators: written inline, in files or in bases.
    pub(super) fn plugin_objects(
        &mut self,
        builder: &Builder<'a>,
        entries: &[String],
        doing: &str,
    ) -> Result<ResMap> {
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
}

impl<'a> Builder<'a> {
    fn note_source(&self, loader: &Loader<'a>, path: &str) -> u32 {
        let mut sources = self.sources.borrow_mut();
        sources.push(if loader.is_remote() { path.to_owned() } else { join(loader.root(), path) });
        sources.len() as u32 - 1
    }
}
