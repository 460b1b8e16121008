//! Building again after a change of some files, at the cost of the objects that the change reaches.
//!
//! One idea: objects see each other only by their names, and by what is remembered of these. After a whole build the
//! transformers are kept, ready for use, and for each object the way its identity went (`Waymark`). When files change
//! from which nothing but objects was read, these objects go through the kept transformers alone, and name references
//! are looked up among what is remembered of all. Where each of them went the same way as before, no other object can
//! have become another one, and the result is that of a whole build. In every other case (`again` gives nothing) the
//! caller builds as a whole: another number of objects, another name on the way, anything that fails, and builds in
//! which content reaches other objects (replacements, vars, validators, origins, charts, remote bases, links).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sluice_budget::Budget;
use sluice_tree::{EntryKind, Tree};
use sluice_yaml::Node;

use crate::accumulate::layer::{Again, Layer, Recording, Sources};
use crate::config::{Config, NameRules};
use crate::error::Error;
use crate::ids::ResId;
use crate::load::{Loader, Shared};
use crate::names::{self, Candidates};
use crate::resmap::ResMap;
use crate::resource::{self, Memory, Resource, Waymark};
use crate::schema::Schemas;
use crate::{Answers, Object, Options, Outcome, Reads, Watch, add_managed_by, build_watched, read, text};

/// Builds a folder, and then again what has changed. Holds no objects, only what is known about them.
#[derive(Default)]
pub struct Incremental {
    kept: Option<Kept>,
}

/// What all objects of a build were, in the order of the output.
#[derive(Default)]
pub(crate) struct Past {
    /// By place in the output: the way, and the place among what name references could mean.
    ways: Vec<(Vec<Waymark>, usize)>,
    /// By the latter.
    memories: Vec<Memory>,
    /// Places in the output of the objects of each source.
    places: BTreeMap<u32, Vec<usize>>,
}

impl Past {
    pub(crate) fn new(memories: Vec<Memory>) -> Self {
        Self { memories, ..Self::default() }
    }

    pub(crate) fn add(&mut self, source: Option<u32>, among: usize, way: Vec<Waymark>) {
        if let Some(source) = source {
            self.places.entry(source).or_default().push(self.ways.len());
        }
        self.ways.push((way, among));
    }
}

/// What a whole build leaves for those after it.
pub(crate) struct Kept {
    layer: Layer,
    rules: NameRules,
    candidates: Option<Candidates>,
    past: Past,
    /// Sources by the file that they were read from.
    files: BTreeMap<String, Sources>,
    reads: Reads,
    managed_by: bool,
    /// Every change that touches the build needs a whole build.
    is_crossing: bool,
    /// What touches the build cannot be told.
    is_indirect: bool,
}

impl Kept {
    #[allow(clippy::too_many_arguments, reason = "the one place where a build's parts come together")]
    pub(crate) fn new(
        recording: Recording,
        layer: Layer,
        config: &Config,
        candidates: Option<Candidates>,
        past: Past,
        shared: &Shared<'_>,
        reads: &Reads,
        managed_by: bool,
    ) -> Self {
        let settings: BTreeSet<String> = shared.settings.take();
        let mut files = BTreeMap::new();
        for (path, sources) in recording.files.take() {
            // Objects that were taken apart, merged into generated ones or left out have no place of their own.
            let is_whole = sources.iter().all(|(source, ids)| {
                past.places.get(source).map_or(0, Vec::len) == ids.len() && !ids.is_empty()
            });
            if is_whole && !settings.contains(&path) {
                files.insert(path, sources);
            }
        }
        Self {
            layer,
            rules: config.name_rules(),
            candidates,
            past,
            files,
            reads: reads.clone(),
            managed_by,
            is_crossing: recording.is_crossing.get(),
            is_indirect: shared.is_indirect.get(),
        }
    }
}

impl Incremental {
    /// Builds as a whole, as `build` does, and remembers how.
    pub fn whole(
        &mut self,
        tree: &dyn Tree,
        folder: &str,
        options: &Options<'_>,
        answers: &Answers,
        budget: &Budget,
    ) -> Result<Outcome, Error> {
        self.kept = None;
        let (outcome, seen) =
            build_watched(tree, folder, options, answers, budget, Watch::Record(Recording::default()))?;
        self.kept = seen.kept;
        Ok(outcome)
    }

    /// What the last build has looked at; nothing before the first one.
    pub fn reads(&self) -> Option<&Reads> {
        self.kept.as_ref().map(|kept| &kept.reads)
    }

    /// About how much memory is held.
    pub fn held_bytes(&self) -> usize {
        let Some(kept) = &self.kept else { return 0 };
        let marks: usize = kept.past.ways.iter().map(|(way, _)| way.len()).sum();
        let paths: usize = kept.reads.files.iter().map(|path| 3 * path.len() + 100).sum();
        // Names are short and lie within the ids; candidates hold each of them up to four times.
        marks * size_of::<Waymark>()
            + kept.past.memories.len() * (size_of::<Memory>() + 6 * size_of::<ResId>())
            + paths
    }

    /// After a change of these paths (below the tree's root): the objects that are other ones now, each with its
    /// place among all. `None` where only `whole` can tell; then it has to be called before `again` is.
    pub fn again(
        &mut self,
        tree: &dyn Tree,
        changed: &[&str],
        budget: &Budget,
    ) -> Result<Option<Vec<(usize, Object)>>, Error> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let result = kept.again(tree, changed, budget);
        if !matches!(result, Ok(Some(_))) {
            self.kept = None;
        }
        match result {
            Err(error) if !error.is_stop() => Ok(None),
            other => other,
        }
    }
}

impl Kept {
    fn again(
        &self,
        tree: &dyn Tree,
        changed: &[&str],
        budget: &Budget,
    ) -> Result<Option<Vec<(usize, Object)>>, Error> {
        if self.is_indirect {
            return Ok(None);
        }
        let schemas = Schemas::new();
        let mut sources: BTreeMap<u32, Vec<Node>> = BTreeMap::new();
        for path in changed {
            let path = path.trim_matches('/');
            if !self.reads.touches(path) {
                continue;
            }
            let (Some(numbers), false) = (self.files.get(path), self.is_crossing) else { return Ok(None) };
            // Still the file itself, and not a link to another one.
            match tree.resolve(path) {
                Ok((real, EntryKind::File)) if real == path => {}
                _ => return Ok(None),
            }
            let Ok(content) = tree.read(path) else { return Ok(None) };
            budget.charge_bytes(content.len() as u64)?;
            let objects = read::objects(&content, budget)?;
            for (number, ids) in numbers {
                // The same names in the same order.
                if !objects.iter().map(|node| resource::id_of(node, &schemas)).eq(ids.iter().cloned()) {
                    return Ok(None);
                }
                sources.insert(*number, objects.clone());
            }
        }
        if sources.is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.build(tree, &sources, budget)
    }

    fn build(
        &self,
        tree: &dyn Tree,
        sources: &BTreeMap<u32, Vec<Node>>,
        budget: &Budget,
    ) -> Result<Option<Vec<(usize, Object)>>, Error> {
        let schemas = Schemas::new();
        let answers = Answers::default();
        let loader = Loader::start(Rc::new(Shared::new(tree, &answers, budget)), "")?;
        let again = Again { sources, schemas: &schemas, loader: &loader };
        let mut map = self.layer.run(&again, ResMap::partial())?;
        let wanted: usize =
            sources.keys().map(|source| self.past.places.get(source).map_or(0, Vec::len)).sum();
        let Some(places) = self.places(map.list()) else { return Ok(None) };
        if places.len() != wanted {
            return Ok(None);
        }
        for (at, place) in places.iter().enumerate() {
            let resource = map.get_keeping_name(at);
            if let Some(candidates) = &self.candidates {
                let among = self.past.ways[*place].1;
                names::fix_again(resource, among, &self.rules, candidates, &self.past.memories, &schemas)?;
            }
            read::validate(resource.tree())?;
            if resource.is_local_config() {
                return Ok(None);
            }
        }
        if self.managed_by {
            add_managed_by(&mut map, &schemas)?;
        }
        let mut objects = Vec::with_capacity(places.len());
        for (mut resource, place) in map.into_list().into_iter().zip(places) {
            resource.finish(false, false)?;
            let Some(mut node) = resource.node else { return Ok(None) };
            text::settle_tags(&mut node);
            objects.push((place, Object { node, source: resource.source }));
        }
        objects.sort_by_key(|(place, _)| *place);
        Ok(Some(objects))
    }

    /// Where each object stood in the whole build; none unless all of them went the same way as there.
    fn places(&self, list: &[Resource]) -> Option<Vec<usize>> {
        let mut taken = BTreeSet::new();
        list.iter()
            .map(|resource| {
                let places = self.past.places.get(&resource.source?)?;
                let place = *places.iter().find(|&&place| {
                    let (way, among) = &self.past.ways[place];
                    *way == resource.trail && self.past.memories[*among] == resource.memory
                })?;
                taken.insert(place).then_some(place)
            })
            .collect()
    }
}
