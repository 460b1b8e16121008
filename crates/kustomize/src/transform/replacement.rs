//! Replacements: a value from one field into others.

use sluice_budget::Budget;
use sluice_yaml::{Kind, Node};

use super::structured;
use crate::error::{Error, Result, fail};
use crate::file::decode;
use crate::file::{FieldOptions, Replacement, SourceSelector, TargetSelector};
use crate::ids::{Gvk, ResId};
use crate::load::Loader;
use crate::nodes;
use crate::path::{self, Made, Step};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::selector::Matcher;
use crate::share::Shares;
use crate::text;

const DEFAULT_PATH: &str = "metadata.name";

/// Reads the files among the entries.
pub(crate) fn prepare(entries: &[Replacement], loader: &Loader<'_>) -> Result<Vec<Replacement>> {
    let mut prepared = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            prepared.push(entry.clone());
            continue;
        }
        if entry.source.is_some() || entry.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            fail!("cannot specify both path and inline replacement");
        }
        let content = loader.load(&entry.path)?;
        let value = text::yaml_to_record(&content)?;
        match value {
            serde_json::Value::Array(_) => prepared.extend(decode::lenient::<Vec<Replacement>>(value)?),
            serde_json::Value::Object(_) => prepared.push(decode::lenient(value)?),
            other => {
                let kind = match other {
                    serde_json::Value::Null => "invalid",
                    serde_json::Value::Bool(_) => "bool",
                    serde_json::Value::String(_) => "string",
                    _ => "float64",
                };
                fail!("unsupported replacement type encountered within replacement path: {kind}");
            }
        }
    }
    Ok(prepared)
}

/// Carries every replacement out.
pub(crate) fn apply(map: &mut ResMap, replacements: &[Replacement], budget: &Budget) -> Result<()> {
    for replacement in replacements {
        let (Some(targets), true) =
            (&replacement.targets, replacement.source.is_some() || replacement.source_value.is_some())
        else {
            fail!("replacements must specify a source and at least one target");
        };
        let mut value = match (&replacement.source_value, &replacement.source) {
            (Some(_), Some(_)) => fail!("value and resource selectors are mutually exclusive"),
            (Some(text), _) => Value { node: nodes::untagged(text.as_str()), from: None },
            (None, Some(source)) => source_value(map, source)?,
            (None, None) => continue,
        };
        // Copies of a part into itself grow without end.
        let size = nodes::count(&value.node);
        if nodes::depth(&value.node) > nodes::MAX_DEPTH - nodes::MAX_PARTS {
            fail!("the replacement's value is nested too deeply");
        }
        for target in targets {
            put(map, &mut value, target, &mut |places, value| {
                budget.charge(size * places)?;
                Ok(budget.charge_bytes((size * 100 + nodes::text(value).len() as u64) * places)?)
            })?;
        }
    }
    map.drop_empty();
    Ok(())
}

/// What is put into the targets. kustomize holds the source's own node: where that is a target as well, what follows
/// gets what has become of it.
struct Value {
    node: Node,
    /// The object and the place in it, for a plain value.
    from: Option<(usize, Vec<Step>)>,
}

impl Value {
    /// Looks again, after a write to an object.
    fn look_again(&mut self, at: usize, tree: &Node) {
        let Some((_, steps)) = self.from.as_ref().filter(|(from, _)| *from == at) else { return };
        if let Some(node) = path::follow_to_read(tree, steps)
            && let Kind::Scalar(_) = node.kind
        {
            self.node = node.clone();
            self.node.column = 0;
        }
    }
}

/// An object's ids, none of which counts as cluster-scoped here.
fn ids(resource: &Resource) -> Vec<ResId> {
    let mut ids = vec![ResId {
        gvk: resource.gvk(),
        name: resource.name(),
        namespace: resource.namespace(),
        cluster: false,
    }];
    ids.extend(resource.former_ids());
    ids
}

fn selector_id(source: &SourceSelector) -> ResId {
    ResId {
        gvk: Gvk {
            group: source.group.as_str().into(),
            version: source.version.as_str().into(),
            kind: source.kind.as_str().into(),
        },
        name: source.name.as_str().into(),
        namespace: source.namespace.as_str().into(),
        cluster: false,
    }
}

fn show_source(source: &SourceSelector) -> String {
    let mut parts = vec![selector_id(source).to_string()];
    if !source.field_path.is_empty() {
        parts.push(source.field_path.clone());
    }
    if let Some(options) = &source.options
        && (!options.delimiter.is_empty() || options.create)
    {
        parts.push(format!("{}({}), create={}", options.delimiter, options.index, options.create));
    }
    parts.join(":")
}

fn source_value(map: &ResMap, source: &SourceSelector) -> Result<Value> {
    let wanted = selector_id(source);
    let mut found = None;
    for (at, resource) in map.list().iter().enumerate() {
        // Cheap refusals first: kind and group are the same for every former id but the kind.
        if ids(resource).iter().any(|id| id.is_selected_by(&wanted)) {
            if found.is_some() {
                fail!("multiple matches for selector {}", show_source(source));
            }
            found = Some((at, resource));
        }
    }
    let Some((at, resource)) = found else { fail!("nothing selected by {}", show_source(source)) };
    let field = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
    let path = nodes::split_field_path(field);
    let node = path::lookup(resource.tree(), &path)
        .map_err(|error| error.within("error looking up replacement source"))?;
    let Some(node) = node.filter(|node| !nodes::is_empty(node)) else {
        fail!("fieldPath `{field}` is missing for replacement source {wanted}");
    };
    let place = node;
    let mut node = place.clone();
    node.column = 0;
    let Some(options) = source.options.as_ref().filter(|options| !options.delimiter.is_empty()) else {
        let is_plain = matches!(node.kind, Kind::Scalar(_));
        let steps = is_plain.then(|| path::steps_to(resource.tree(), place)).flatten();
        return Ok(Value { node, from: steps.map(|steps| (at, steps)) });
    };
    if !matches!(node.kind, Kind::Scalar(_)) {
        fail!("delimiter option can only be used with scalar nodes");
    }
    let whole = nodes::value(&node).to_owned();
    let part = usize::try_from(options.index)
        .ok()
        .and_then(|index| whole.split(options.delimiter.as_str()).nth(index));
    let Some(part) = part else {
        fail!("options.index {} is out of bounds for value {whole}", options.index);
    };
    node.kind = Kind::Scalar(part.into());
    Ok(Value { node, from: None })
}

fn put(
    map: &mut ResMap,
    value: &mut Value,
    target: &TargetSelector,
    charge: &mut dyn FnMut(u64, &Node) -> Result<()>,
) -> Result<()> {
    let Some(select) = &target.select else { fail!("target must specify resources to select") };
    let selecting = |error: Error| error.within("error creating target selector");
    let matcher = Matcher::new(select).map_err(selecting)?;
    let rejects: Vec<(Matcher, bool)> = target
        .reject
        .iter()
        .map(|reject| {
            let has_id = [&reject.group, &reject.version, &reject.kind, &reject.name, &reject.namespace]
                .iter()
                .any(|part| !part.is_empty());
            Ok((Matcher::new(reject).map_err(selecting)?, has_id))
        })
        .collect::<Result<_>>()?;
    let default_path = [DEFAULT_PATH.to_owned()];
    let paths = if target.field_paths.is_empty() { &default_path[..] } else { &target.field_paths };
    let parsed: Vec<(String, Vec<String>)> =
        paths.iter().map(|path| (path.clone(), nodes::split_field_path(path))).collect();
    for at in 0..map.len() {
        let resource = &map.list()[at];
        let fits = |matcher: &Matcher, id: &ResId| {
            matcher.fits_gvk(&id.gvk) && matcher.fits_name(&id.name) && matcher.fits_namespace(&id.namespace)
        };
        let ids = ids(resource);
        if !ids.iter().any(|id| fits(&matcher, id)) || !matcher.fits_metadata(resource) {
            continue;
        }
        if rejects.iter().any(|(reject, _)| reject.has_metadata() && reject.fits_metadata(resource)) {
            continue;
        }
        if rejects.iter().any(|(reject, has_id)| *has_id && ids.iter().any(|id| fits(reject, id))) {
            continue;
        }
        let resource = &mut map.list_mut()[at];
        let shares = Shares::note(resource.tree(), resource.next_share);
        resource.with_tree(|tree| {
            for (shown, path) in &parsed {
                put_at(tree, value, at, (shown, path), target.options.as_ref(), charge)?;
                value.look_again(at, tree);
            }
            if let Some(shares) = &shares {
                shares.settle(tree);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn put_at(
    tree: &mut Node,
    value: &mut Value,
    at: usize,
    (shown, path): (&str, &[String]),
    options: Option<&FieldOptions>,
    charge: &mut dyn FnMut(u64, &Node) -> Result<()>,
) -> Result<()> {
    let create = options.filter(|options| options.create).map(|_| Made::like(&value.node));
    if structured::put(tree, &value.node, path, create)? {
        return Ok(());
    }
    let missing = || {
        let verb = if create.is_some() { "find or create" } else { "find" };
        format!("unable to {verb} field {} in replacement target", text::quote(shown))
    };
    let found = path::search(tree, path, create).map_err(|error| error.within(missing()))?;
    if found.is_empty() {
        return Err(Error::new(missing()));
    }
    charge(found.steps.len() as u64, &value.node)?;
    for steps in found.steps {
        let Some(place) = path::follow(tree, &steps) else { continue };
        if options.is_some_and(|options| !options.delimiter.is_empty()) {
            // The text is written anew, with all that it had.
            charge(1, place)?;
        }
        set(place, &value.node, options)?;
        value.look_again(at, tree);
    }
    Ok(())
}

/// A text with another part: before all of them (a negative index), in the place of one, or behind them.
fn with_part(text: &str, delimiter: &str, index: i64, part: &str) -> String {
    let Ok(index) = usize::try_from(index) else { return [part, delimiter, text].concat() };
    let ends = text.match_indices(delimiter).map(|(at, _)| at);
    let starts = std::iter::once(0).chain(ends.clone().map(|at| at + delimiter.len()));
    match starts.zip(ends.chain([text.len()])).nth(index) {
        Some((start, end)) => [&text[..start], part, &text[end..]].concat(),
        None => [text, delimiter, part].concat(),
    }
}

fn set(place: &mut Node, value: &Node, options: Option<&FieldOptions>) -> Result<()> {
    let mut value = value.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if !matches!(place.kind, Kind::Scalar(_)) {
            fail!("delimiter option can only be used with scalar nodes");
        }
        let joined = with_part(nodes::text(place), &options.delimiter, options.index, nodes::value(&value));
        value.kind = Kind::Scalar(joined.into());
    }
    if matches!(place.kind, Kind::Scalar(_)) {
        // Only the text changes: tag and style are the place's.
        place.kind = Kind::Scalar(nodes::smol(&value));
    } else {
        let column = place.column;
        *place = value;
        place.column = column;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_before_into_or_behind_a_text() {
        for (text, index, want) in [
            ("a:b:c", -1, "x:a:b:c"),
            ("a:b:c", 0, "x:b:c"),
            ("a:b:c", 1, "a:x:c"),
            ("a:b:c", 2, "a:b:x"),
            ("a:b:c", 3, "a:b:c:x"),
            ("a:b:c", 9, "a:b:c:x"),
            ("", 0, "x"),
            ("", 1, ":x"),
        ] {
            assert_eq!(with_part(text, ":", index, "x"), want, "{text:?} at {index}");
        }
    }
}
