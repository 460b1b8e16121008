//! Patches: strategic merges and JSON patches, for one named object or for all that a target chooses.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sluice_budget::Budget;
use sluice_yaml::Node;
use smol_str::SmolStr;

use crate::error::{Error, Result, fail};
use crate::file::{Patch, Selector};
use crate::json_patch::{self, Operation};
use crate::load::Loader;
use crate::merge::merge;
use crate::nodes;
use crate::read;
use crate::resmap::ResMap;
use crate::resource::{Memory, Resource};
use crate::schema::{Schema, Schemas};
use crate::selector;
use crate::share::Shares;
use crate::spread;
use crate::text;

/// A patch that has been read.
#[derive(Debug)]
enum Content {
    Merges(Vec<Resource>),
    Operations(Vec<Operation>),
    /// Text that is neither and asks for nothing.
    Nothing,
}

/// One entry of `patches`.
#[derive(Debug)]
pub(crate) struct Prepared {
    content: Content,
    target: Option<Selector>,
    source: String,
}

/// Reads one entry of `patches`. `shown` is the entry as kustomize prints it in messages.
pub(crate) fn prepare(patch: &Patch, loader: &Loader<'_>, shown: &str) -> Result<Prepared> {
    let inline = patch.patch.trim();
    let (body, source) = match (inline.is_empty(), patch.path.is_empty()) {
        (true, true) => fail!("must specify one of patch and path in\n{shown}"),
        (false, false) => fail!("patch and path can't be set at the same time\n{shown}"),
        (false, true) => (inline.to_owned(), format!("[patch: {}]", text::quote(inline))),
        (true, false) => {
            let content = loader.load(&patch.path).map_err(|error| {
                error.within(format_args!("failed to get the patch file from path({})", patch.path))
            })?;
            let body = String::from_utf8_lossy(&content).into_owned();
            (body, format!("[path: {}]", text::quote(&patch.path)))
        }
    };
    let merges = read::objects(body.as_bytes(), loader.budget());
    if let Err(error) = &merges
        && error.is_stop()
    {
        return Err(error.clone());
    }
    // A text that has been read as objects is no list of operations, unless it has none of either.
    let operations = match &merges {
        Ok(objects) if !objects.is_empty() => Err(Error::new("objects")),
        _ => json_patch::parse(&body),
    };
    let content = match (merges, operations) {
        (Err(_), Err(_)) => fail!("unable to parse SM or JSON patch from {source}"),
        (Ok(objects), _) => {
            if objects.is_empty() {
                Content::Nothing
            } else {
                let options = patch.options.clone().unwrap_or_default();
                let patches = objects.into_iter().map(|node| {
                    let mut resource = Resource::new(node);
                    if options.allow_name_change {
                        resource.allow_change("allowNameChange")?;
                    }
                    if options.allow_kind_change {
                        resource.allow_change("allowKindChange")?;
                    }
                    resource.memory.allows_name_change = options.allow_name_change;
                    resource.memory.allows_kind_change = options.allow_kind_change;
                    Ok(resource)
                });
                Content::Merges(patches.collect::<Result<_>>()?)
            }
        }
        (Err(_), Ok(operations)) => Content::Operations(operations),
    };
    Ok(Prepared { content, target: patch.target.clone(), source })
}

/// Applies one entry of `patches`.
pub(crate) fn apply(
    map: &mut ResMap,
    prepared: &Prepared,
    schemas: &Schemas,
    loader: &Loader<'_>,
) -> Result<()> {
    match &prepared.content {
        Content::Nothing => Ok(()),
        Content::Merges(patches) => match &prepared.target {
            Some(target) => {
                if patches.len() > 1 {
                    fail!(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set \
                         `patches.target` field: {}",
                        prepared.source
                    );
                }
                let chosen = selector::select(map, target, schemas).map_err(|error| {
                    error.within(format_args!(
                        "unable to find patch target {} in `resources`",
                        text::quote(&selector::show(target))
                    ))
                })?;
                merge_into_all(map, &chosen, &patches[0], schemas, loader)
            }
            None => {
                for patch in patches {
                    merge_into_one(map, patch, schemas, loader)?;
                }
                Ok(())
            }
        },
        Content::Operations(operations) => {
            let Some(target) = &prepared.target else {
                fail!("must specify a target for JSON patch {}", prepared.source);
            };
            let chosen = selector::select(map, target, schemas)?;
            apply_operations(map, &chosen, operations, true, schemas, loader)
        }
    }
}

/// A strategic merge into the object that the patch names.
fn merge_into_one(map: &mut ResMap, patch: &Resource, schemas: &Schemas, loader: &Loader<'_>) -> Result<()> {
    let id = patch.first_id(schemas);
    let found = map.find_one(&id, schemas).map_err(|error| {
        error.within(format_args!(
            "no resource matches strategic merge patch {}",
            text::quote(&id.to_string())
        ))
    })?;
    let Some(at) = found else { return Ok(()) };
    let renames = patch.memory.allows_name_change || patch.memory.allows_kind_change;
    let resource = if renames { &mut map.list_mut()[at] } else { map.get_keeping_name(at) };
    Merge::prepare(resource, &patch.memory, patch.tree(), schemas, loader)?.apply(&schemas.current())
}

/// One strategic merge patch into several objects.
fn merge_into_all(
    map: &mut ResMap,
    chosen: &[usize],
    patch: &Resource,
    schemas: &Schemas,
    loader: &Loader<'_>,
) -> Result<()> {
    let schema = schemas.current();
    let renames = patch.memory.allows_name_change || patch.memory.allows_kind_change;
    // Upstream carries labels and annotations over by way of maps of strings: a null there is gone or text.
    let mut copy = patch.clone();
    if !chosen.is_empty() {
        copy.set_labels(&patch.labels())?;
        copy.set_annotations(&patch.annotations())?;
        copy.set_name(&patch.name())?;
        copy.set_namespace(&patch.namespace())?;
    }
    // The patch takes the version of what it is merged into.
    let mut versions: BTreeMap<String, Node> = BTreeMap::new();
    for &at in chosen {
        if let Entry::Vacant(version) = versions.entry(map.list()[at].gvk().api_version()) {
            copy.set_api_version(version.key())?;
            copy.set_kind(patch.kind())?;
            version.insert(copy.tree().clone());
        }
    }
    let mut merges = Vec::with_capacity(chosen.len());
    let chosen = if renames { map.choose(chosen) } else { map.choose_keeping_names(chosen) };
    for resource in chosen {
        if let Some(node) = versions.get(&resource.gvk().api_version()) {
            merges.push(Merge::prepare(resource, &patch.memory, node, schemas, loader)?);
        }
    }
    spread::change(loader.shared().threads, &mut merges, |merge| merge.apply(&schema))?;
    map.drop_empty();
    // kustomize adds everything anew here, and finds names that have become the same before.
    loader.budget().charge(map.len() as u64)?;
    map.check_unique(schemas)
}

/// One object, and what is to be merged into it.
struct Merge<'a> {
    resource: &'a mut Resource,
    patch: &'a Memory,
    node: &'a Node,
}

impl<'a> Merge<'a> {
    fn prepare(
        resource: &'a mut Resource,
        patch: &'a Memory,
        node: &'a Node,
        schemas: &Schemas,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        if let Some(ours) = &resource.node {
            loader.budget().charge(nodes::count(ours) + nodes::count(node))?;
            if patch.allows_name_change || patch.allows_kind_change {
                resource.remember_id(schemas);
            }
        }
        Ok(Self { resource, patch, node })
    }

    fn apply(&mut self, schema: &Schema) -> Result<()> {
        let (resource, patch) = (&mut *self.resource, self.patch);
        if resource.node.is_none() {
            return Ok(());
        }
        let (name, namespace) = (resource.name(), resource.namespace());
        let kind = SmolStr::from(resource.kind());
        let sealed = resource.seal()?;
        let shares = Shares::note(resource.tree(), resource.next_share);
        let Some(node) = resource.node.take() else { return Ok(()) };
        resource.node = merge(node, self.node.clone(), schema)?;
        let Some(node) = resource.node.as_mut() else { return Ok(()) };
        if let Some(shares) = shares {
            shares.settle(node);
        }
        if sealed {
            resource.unseal();
        }
        if resource.is_empty() {
            return Ok(());
        }
        if !patch.allows_kind_change {
            resource.set_kind(&kind)?;
        }
        if !patch.allows_name_change {
            resource.set_name(&name)?;
        }
        resource.set_namespace(&namespace)
    }
}

/// JSON patch operations on several objects.
fn apply_operations(
    map: &mut ResMap,
    chosen: &[usize],
    operations: &[Operation],
    remember: bool,
    schemas: &Schemas,
    loader: &Loader<'_>,
) -> Result<()> {
    let mut chosen = map.choose(chosen);
    for resource in &mut chosen {
        let Some(node) = &resource.node else { continue };
        loader.budget().charge(nodes::count(node) * 2)?;
        if remember {
            resource.remember_id(schemas);
        }
    }
    // What is copied is charged, and only one thread may charge.
    if json_patch::has_copies(operations) {
        return chosen
            .into_iter()
            .try_for_each(|resource| operate(resource, operations, Some(loader.budget())));
    }
    spread::change(loader.shared().threads, &mut chosen, |resource| operate(resource, operations, None))
}

fn operate(resource: &mut Resource, operations: &[Operation], budget: Option<&Budget>) -> Result<()> {
    if resource.node.is_none() {
        return Ok(());
    }
    resource.seal()?;
    let memory = resource.memory.clone();
    let Some(node) = &mut resource.node else { return Ok(()) };
    if let Err(error) = text::through_json(node) {
        // Its line is one of the object with all that kustomize keeps in annotations.
        resource.seal_openly()?;
        return Err(text::to_value(resource.tree()).err().unwrap_or(error));
    }
    json_patch::apply(node, operations, budget)?;
    resource.next_share = 1;
    resource.unseal();
    resource.memory = memory;
    let annotations = resource.annotations();
    resource.set_annotations(&annotations)
}

/// The entries of `patchesStrategicMerge`, each the patch itself or a file.
pub(crate) fn prepare_legacy_merges(
    entries: &[String],
    inline: &str,
    loader: &Loader<'_>,
) -> Result<Vec<Resource>> {
    let mut patches = Vec::new();
    for entry in entries {
        let objects = match read::objects(entry.as_bytes(), loader.budget()) {
            Ok(objects) => objects,
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => {
                let content = loader.load(entry)?;
                read::objects(&content, loader.budget()).map_err(|error| read::in_file(error, entry))?
            }
        };
        patches.extend(objects.into_iter().map(Resource::new));
    }
    if !inline.is_empty() {
        patches.extend(read::objects(inline.as_bytes(), loader.budget())?.into_iter().map(Resource::new));
    }
    if patches.is_empty() {
        fail!("patch appears to be empty; files=[{}], Patch={inline}", entries.join(" "));
    }
    Ok(patches)
}

/// Applies `patchesStrategicMerge`.
pub(crate) fn apply_legacy_merges(
    map: &mut ResMap,
    patches: &[Resource],
    schemas: &Schemas,
    loader: &Loader<'_>,
) -> Result<()> {
    for patch in patches {
        let Some(at) = map.find_one(&patch.first_id(schemas), schemas)? else { continue };
        merge_into_all(map, &[at], patch, schemas, loader)?;
    }
    Ok(())
}

/// One entry of `patchesJson6902`.
#[derive(Debug)]
pub(crate) struct LegacyOperations {
    target: Selector,
    operations: Vec<Operation>,
}

/// Reads one entry of `patchesJson6902`.
pub(crate) fn prepare_legacy_operations(
    target: Option<&Selector>,
    path: &str,
    inline: &str,
    loader: &Loader<'_>,
) -> Result<LegacyOperations> {
    let Some(target) = target else { fail!("must specify a target for patch {inline}") };
    if target.name.is_empty() {
        fail!("must specify the target name");
    }
    if path.is_empty() && inline.is_empty() {
        fail!("empty file path and empty jsonOp");
    }
    let mut body = inline.to_owned();
    if !path.is_empty() {
        if !inline.is_empty() {
            fail!("must specify a file path or jsonOp, not both");
        }
        body = String::from_utf8_lossy(&loader.load(path)?).into_owned();
        if body.is_empty() {
            fail!("patch file '{path}' empty seems to be empty");
        }
    }
    let operations =
        json_patch::parse(&body).map_err(|error| error.within(format_args!("decoding {body}")))?;
    if operations.is_empty() {
        fail!("patch appears to be empty; file={path}, JsonOp={body}");
    }
    Ok(LegacyOperations { target: target.clone(), operations })
}

/// Applies one entry of `patchesJson6902`.
pub(crate) fn apply_legacy_operations(
    map: &mut ResMap,
    legacy: &LegacyOperations,
    schemas: &Schemas,
    loader: &Loader<'_>,
) -> Result<()> {
    let chosen = selector::select(map, &legacy.target, schemas)?;
    apply_operations(map, &chosen, &legacy.operations, false, schemas, loader)
}
