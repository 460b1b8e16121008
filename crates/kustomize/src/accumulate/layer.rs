//! What each kustomization of a build did, kept so that it can be done again on the objects of a few files.
//!
//! A layer holds its transformers ready for use. It never holds objects.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;

use sluice_yaml::Node;

use super::builtin::Step;
use crate::error::Result;
use crate::ids::ResId;
use crate::load::Loader;
use crate::plugin;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;

/// One transformer.
pub(crate) enum Stage {
    Field(Step),
    Plugin(plugin::Loaded),
}

impl Stage {
    fn apply(&self, map: &mut ResMap, schemas: &Schemas, loader: &Loader<'_>) -> Result<()> {
        match self {
            Stage::Field(step) => step.apply(map, schemas, loader),
            Stage::Plugin(plugin) => plugin.apply(map, schemas, loader),
        }
    }
}

/// One resource of a kustomization.
pub(crate) enum Entry {
    /// A file, by the number of its source.
    File(u32),
    Layer(Layer),
}

/// One kustomization.
pub(crate) struct Layer {
    pub number: u32,
    /// Sources of this kustomization and of everything below it.
    pub sources: Range<u32>,
    pub entries: Vec<Entry>,
    pub components: Vec<Layer>,
    pub stages: Vec<Stage>,
}

/// The sources that one file is, each with the names of its objects in order.
pub(crate) type Sources = Vec<(u32, Vec<ResId>)>;

/// What is noted during a build for the builds after it.
#[derive(Default)]
pub(crate) struct Recording {
    layers: Cell<u32>,
    /// Something in this build lets one object's content reach another one.
    pub is_crossing: Cell<bool>,
    /// Files that hold objects, by path.
    pub files: RefCell<BTreeMap<String, Sources>>,
}

impl Recording {
    pub(crate) fn layer(&self, first_source: u32) -> Layer {
        let number = self.layers.get();
        self.layers.set(number + 1);
        Layer {
            number,
            sources: first_source..first_source,
            entries: Vec::new(),
            components: Vec::new(),
            stages: Vec::new(),
        }
    }
}

/// What layers work with when they work again.
pub(crate) struct Again<'a> {
    /// The documents of the changed sources.
    pub sources: &'a BTreeMap<u32, Vec<Node>>,
    pub schemas: &'a Schemas,
    pub loader: &'a Loader<'a>,
}

impl Again<'_> {
    fn reaches(&self, layer: &Layer) -> bool {
        self.sources.range(layer.sources.clone()).next().is_some()
    }
}

impl Layer {
    /// The changed objects through this kustomization.
    pub(crate) fn run(&self, again: &Again<'_>, mut onto: ResMap) -> Result<ResMap> {
        for entry in &self.entries {
            match entry {
                Entry::File(source) => {
                    for node in again.sources.get(source).into_iter().flatten() {
                        let mut resource = Resource::new(node.clone());
                        resource.source = Some(*source);
                        onto.append(resource, again.schemas)?;
                    }
                }
                Entry::Layer(layer) if again.reaches(layer) => {
                    let inner = layer.run(again, ResMap::partial())?;
                    onto.append_all(inner, again.schemas)?;
                }
                Entry::Layer(_) => {}
            }
        }
        onto.note_trail(self.number, 0, again.schemas);
        for component in &self.components {
            onto = component.run(again, onto)?;
        }
        for (at, stage) in self.stages.iter().enumerate() {
            stage.apply(&mut onto, again.schemas, again.loader)?;
            onto.drop_empty();
            onto.note_trail(self.number, at as u32 + 1, again.schemas);
        }
        Ok(onto)
    }
}
