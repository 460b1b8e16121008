//! The objects of one build in order, found by their names without scanning.

use std::collections::HashMap;

use crate::error::{Error, Result, fail};
use crate::explain::trace::Trace;
use crate::ids::{IdKey, ResId};
use crate::origin::Origin;
use crate::resource::{Behavior, Resource};
use crate::schema::Schemas;

/// Objects in order. The indices are made when they are asked for and dropped when names may have changed.
#[derive(Debug, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    current: Option<HashMap<IdKey, Vec<usize>>>,
    any: Option<HashMap<IdKey, Vec<usize>>>,
    /// Some of a build's objects: what is not here may be there all the same.
    is_partial: bool,
    /// Names may have changed since they were known to differ.
    may_repeat: bool,
}

impl ResMap {
    pub(crate) fn from_list(list: Vec<Resource>, schemas: &Schemas) -> Result<Self> {
        let mut map = ResMap::default();
        for resource in list {
            map.append(resource, schemas)?;
        }
        Ok(map)
    }

    /// For some of the objects of a build that is known to go well with all of them.
    pub(crate) fn partial() -> Self {
        Self { is_partial: true, ..Self::default() }
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Notes how far the identity of each object has come.
    pub(crate) fn note_trail(&mut self, layer: u32, stage: u32, schemas: &Schemas) {
        for resource in &mut self.list {
            resource.note_trail(layer, stage, schemas);
        }
    }

    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Objects for changes that may change names.
    pub(crate) fn list_mut(&mut self) -> &mut [Resource] {
        self.forget();
        self.may_repeat = true;
        &mut self.list
    }

    /// One object for a change that keeps every name.
    pub(crate) fn get_keeping_name(&mut self, at: usize) -> &mut Resource {
        &mut self.list[at]
    }

    /// Some objects, in order, for changes that may change names.
    pub(crate) fn choose(&mut self, chosen: &[usize]) -> Vec<&mut Resource> {
        self.forget();
        self.may_repeat = true;
        self.choose_keeping_names(chosen)
    }

    /// Some objects, in order, for changes that keep every name.
    pub(crate) fn choose_keeping_names(&mut self, chosen: &[usize]) -> Vec<&mut Resource> {
        let mut is_chosen = vec![false; self.list.len()];
        for &at in chosen {
            is_chosen[at] = true;
        }
        self.list.iter_mut().zip(is_chosen).filter(|(_, is_chosen)| *is_chosen).map(|(one, _)| one).collect()
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    fn forget(&mut self) {
        self.current = None;
        self.any = None;
    }

    fn current(&mut self, schemas: &Schemas) -> &mut HashMap<IdKey, Vec<usize>> {
        let list = &self.list;
        self.current.get_or_insert_with(|| {
            let mut index: HashMap<IdKey, Vec<usize>> = HashMap::with_capacity(list.len());
            for (at, resource) in list.iter().enumerate() {
                index.entry(resource.id(schemas).key()).or_default().push(at);
            }
            index
        })
    }

    /// Adds an object; fails when its name is taken.
    pub(crate) fn append(&mut self, resource: Resource, schemas: &Schemas) -> Result<()> {
        let id = resource.id(schemas);
        let at = self.list.len();
        let places = self.current(schemas).entry(id.key()).or_default();
        if !places.is_empty() {
            fail!("may not add resource with an already registered id: {id}");
        }
        places.push(at);
        self.any = None;
        self.list.push(resource);
        Ok(())
    }

    pub(crate) fn append_all(&mut self, other: ResMap, schemas: &Schemas) -> Result<()> {
        if self.list.is_empty() && !other.may_repeat {
            *self = other;
            return Ok(());
        }
        for resource in other.list {
            self.append(resource, schemas)?;
        }
        Ok(())
    }

    /// Fails when two objects have one name.
    pub(crate) fn check_unique(&mut self, schemas: &Schemas) -> Result<()> {
        if !self.may_repeat {
            return Ok(());
        }
        self.forget();
        let taken = self.current(schemas);
        // The first object in order whose name stands already.
        let second = taken.values().filter_map(|places| places.get(1)).min().copied();
        if let Some(at) = second {
            fail!("may not add resource with an already registered id: {}", self.list[at].id(schemas));
        }
        self.may_repeat = false;
        Ok(())
    }

    /// Places of the objects that have this name now.
    pub(crate) fn find_current(&mut self, id: &ResId, schemas: &Schemas) -> Vec<usize> {
        self.current(schemas).get(&id.key()).cloned().unwrap_or_default()
    }

    /// Places of the objects that have or had this name.
    pub(crate) fn find_any(&mut self, id: &ResId, schemas: &Schemas) -> Vec<usize> {
        let list = &self.list;
        let index = self.any.get_or_insert_with(|| {
            let mut index: HashMap<IdKey, Vec<usize>> = HashMap::with_capacity(list.len());
            for (at, resource) in list.iter().enumerate() {
                if resource.is_empty() {
                    continue;
                }
                for id in resource.former_ids().chain([resource.id(schemas)]) {
                    let places = index.entry(id.key()).or_default();
                    if places.last() != Some(&at) {
                        places.push(at);
                    }
                }
            }
            index
        });
        index.get(&id.key()).cloned().unwrap_or_default()
    }

    /// The one object that has or had this name; none only among some of a build's objects.
    pub(crate) fn find_one(&mut self, id: &ResId, schemas: &Schemas) -> Result<Option<usize>> {
        let found = self.find_any(id, schemas);
        match found[..] {
            [one] => Ok(Some(one)),
            [] if self.is_partial => Ok(None),
            [] => Err(Error::new(format!(
                "no matches for Id {id}; failed to find unique target for patch {id}"
            ))),
            _ => Err(Error::new(format!(
                "multiple matches for Id {id}; failed to find unique target for patch {id}"
            ))),
        }
    }

    /// Takes deleted and empty objects out.
    pub(crate) fn drop_empty(&mut self) {
        if self.list.iter().any(Resource::is_empty) {
            self.list.retain(|resource| !resource.is_empty());
            self.forget();
        }
    }

    /// Keeps what `keep` says.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        let before = self.list.len();
        self.list.retain(keep);
        if self.list.len() != before {
            self.forget();
        }
    }

    pub(crate) fn sort_by(&mut self, compare: impl FnMut(&Resource, &Resource) -> std::cmp::Ordering) {
        self.list.sort_by(compare);
        self.forget();
    }

    /// Takes generated objects in: new ones at the end, others into the one whose name they have.
    pub(crate) fn absorb_all(&mut self, generated: ResMap, schemas: &Schemas) -> Result<()> {
        for resource in generated.list {
            self.absorb(resource, schemas)?;
        }
        Ok(())
    }

    fn absorb(&mut self, mut resource: Resource, schemas: &Schemas) -> Result<()> {
        let id = resource.id(schemas);
        let behavior = resource.memory.behavior;
        let found = self.find_any_fresh(&id, schemas);
        match found[..] {
            [] => {
                if matches!(behavior, Behavior::Merge | Behavior::Replace) {
                    fail!("id {} does not exist; cannot merge or replace", show_go(&id));
                }
                let key_any = id.key();
                let at = self.list.len();
                let any = self.any.take();
                self.append(resource, schemas)?;
                if let Some(mut any) = any {
                    any.entry(key_any).or_default().push(at);
                    self.any = Some(any);
                }
                Ok(())
            }
            [at] => {
                let old = &self.list[at];
                match behavior {
                    Behavior::Replace => resource.take_metadata_from(old)?,
                    Behavior::Merge => {
                        let origin = old.origin()?;
                        let data = merged(old, &resource, "data");
                        let binary = merged(old, &resource, "binaryData");
                        resource.take_metadata_from(old)?;
                        crate::generate::set_data(&mut resource, &data, &binary)?;
                        if origin.is_some() {
                            resource.set_origin(origin.as_ref())?;
                        }
                    }
                    _ => fail!(
                        "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                        show_go(&id),
                        behavior.as_str()
                    ),
                }
                if let (Some(older), Some(newer), Some(node)) =
                    (&self.list[at].trace, &resource.trace, &resource.node)
                {
                    resource.trace = Some(Box::new(Trace::join(older, newer, node)));
                }
                // It takes the place of what has its name now, which need not be what was found.
                let id = resource.id(schemas);
                let at = match self.find_current(&id, schemas)[..] {
                    [at] => at,
                    [] => fail!("cannot find resource with id {id} to replace"),
                    _ => at,
                };
                self.list[at] = resource;
                self.forget();
                self.may_repeat = true;
                Ok(())
            }
            _ => fail!("found multiple objects {} that could accept merge of {id}", self.show(&found)),
        }
    }

    fn find_any_fresh(&mut self, id: &ResId, schemas: &Schemas) -> Vec<usize> {
        self.find_any(id, schemas)
    }

    /// Some objects as kustomize prints them in messages.
    pub(crate) fn show(&self, places: &[usize]) -> String {
        let items: Vec<String> =
            places.iter().map(|&at| crate::text::show_json(self.list[at].tree())).collect();
        format!("[{}]", items.join(" "))
    }

    /// Gives objects without an origin this one.
    pub(crate) fn add_origin(&mut self, origin: Option<&Origin>) -> Result<()> {
        let Some(origin) = origin else { return Ok(()) };
        for resource in &mut self.list {
            if resource.annotation(crate::resource::ORIGIN).is_none() {
                resource.set_origin(Some(origin))?;
            }
        }
        Ok(())
    }

    /// Notes a transformer on every object.
    pub(crate) fn add_transformer(&mut self, origin: &Origin) -> Result<()> {
        for resource in &mut self.list {
            if resource.origin()?.is_none() {
                resource.set_origin(Some(origin))?;
            } else {
                resource.add_transformation(origin)?;
            }
        }
        Ok(())
    }
}

fn merged(
    old: &Resource,
    new: &Resource,
    field: &str,
) -> std::collections::BTreeMap<smol_str::SmolStr, smol_str::SmolStr> {
    let mut strings = old.strings(field);
    strings.extend(new.strings(field));
    strings
}

/// An id as Go prints its fields.
fn show_go(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group.as_str(),
        id.gvk.version.as_str(),
        id.gvk.kind.as_str(),
        id.cluster,
        id.name.as_str(),
        id.namespace.as_str()
    )
}
