//! Prefixes, suffixes, labels, annotations and replica counts: values put where field specs say.

use std::collections::BTreeMap;

use sluice_yaml::{Node, Style, Tag};

use crate::error::{Result, fail};
use crate::field_spec::{Create, FieldSpec};
use crate::file::Replica;
use crate::ids::Gvk;
use crate::nodes;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::share::Shares;

/// Which end of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}

/// Kinds whose names are fixed by what they name.
fn keeps_its_name(gvk: &Gvk) -> bool {
    gvk.kind == "CustomResourceDefinition"
        || gvk.kind == "Namespace"
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

/// Puts a prefix or suffix to names.
pub(crate) fn affix(
    map: &mut ResMap,
    end: End,
    text: &str,
    specs: &[FieldSpec],
    schemas: &Schemas,
) -> Result<()> {
    for resource in map.list_mut() {
        let first = resource.first_id(schemas);
        if keeps_its_name(&first.gvk) {
            continue;
        }
        for spec in specs.iter().filter(|spec| first.gvk.is_selected(&spec.gvk)) {
            if spec.path == "metadata/name" && !text.is_empty() {
                match end {
                    End::Prefix => resource.memory.prefixes.push(text.into()),
                    End::Suffix => resource.memory.suffixes.push(text.into()),
                }
                resource.remember_id(schemas);
            }
            let id = resource.id(schemas);
            let is_name = spec.path == "metadata/name";
            let shares = if is_name { None } else { Shares::note(resource.tree(), resource.next_share) };
            resource.with_tree(|tree| {
                spec.apply(&id, tree, Create::String, &mut |place| {
                    let old = nodes::text(place);
                    let new = match end {
                        End::Prefix => format!("{text}{old}"),
                        End::Suffix => format!("{old}{text}"),
                    };
                    nodes::set_scalar(place, nodes::untagged(new))
                })?;
                if let Some(shares) = &shares {
                    shares.settle(tree);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Puts labels or annotations where the specs say.
pub(crate) fn put_entries(
    map: &mut ResMap,
    entries: &BTreeMap<String, String>,
    specs: &[FieldSpec],
    schemas: &Schemas,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    for at in 0..map.len() {
        let resource = map.get_keeping_name(at);
        let id = resource.id(schemas);
        // Where kustomize keeps its memory, there are annotations, also for specs that create nothing.
        let looks = |spec: &FieldSpec| !spec.create && spec.path.starts_with("metadata/annotations");
        let is_sealed = specs.iter().any(looks) && resource.seal()?;
        for (name, text) in entries {
            put_entry(resource, &id, name, text, specs)?;
        }
        if is_sealed {
            resource.unseal();
        }
    }
    map.drop_empty();
    Ok(())
}

fn put_entry(
    resource: &mut Resource,
    id: &crate::ids::ResId,
    name: &str,
    text: &str,
    specs: &[FieldSpec],
) -> Result<()> {
    // All the places that this call makes are one node upstream.
    let mark = resource.next_share;
    let (mut made, mut shared_write) = (0_u32, Vec::new());
    resource.with_tree(|tree| {
        for spec in specs {
            spec.apply(id, tree, Create::Mapping, &mut |place| {
                nodes::expect_mapping(place)?;
                let value = Node::string(text);
                let entries = nodes::entries_mut(place)?;
                match entries.iter_mut().find(|(key, _)| nodes::text(key) == name) {
                    Some((_, old)) => {
                        if old.column != 0 && !shared_write.contains(&old.column) && nodes::text(old) != text
                        {
                            shared_write.push(old.column);
                        }
                        nodes::overwrite(old, value);
                    }
                    None => {
                        let mut value = value;
                        if nodes::is_not_text(text) {
                            value.style = Style::DoubleQuoted;
                        }
                        value.column = mark;
                        made += 1;
                        entries.push((nodes::key(name), value));
                    }
                }
                Ok(())
            })?;
        }
        if !shared_write.is_empty() {
            crate::share::write(tree, &shared_write, &Node::string(text));
        }
        Ok(())
    })?;
    if made > 0 {
        resource.next_share += 1;
    }
    Ok(())
}

/// Sets replica counts of the objects of one name.
pub(crate) fn replicas(
    map: &mut ResMap,
    replica: &Replica,
    specs: &[FieldSpec],
    schemas: &Schemas,
) -> Result<()> {
    let mut found = false;
    for spec in specs {
        for at in 0..map.len() {
            let resource = &map.list()[at];
            if resource.is_empty() {
                continue;
            }
            let fits = resource
                .former_ids()
                .chain([resource.id(schemas)])
                .any(|id| id.name == replica.name && id.gvk.is_selected(&spec.gvk));
            if !fits {
                continue;
            }
            found = true;
            let id = resource.id(schemas);
            map.get_keeping_name(at).with_tree(|tree| {
                spec.apply(&id, tree, Create::Int, &mut |place| {
                    nodes::set_scalar(place, nodes::scalar(replica.count.to_string(), Tag::Int))
                })
            })?;
        }
    }
    if !found && !map.is_partial() {
        let kinds: Vec<String> = specs.iter().map(|spec| spec.gvk.to_string()).collect();
        fail!(
            "resource with name {} does not match a config with the following GVK [{}]",
            replica.name,
            kinds.join(" ")
        );
    }
    Ok(())
}
