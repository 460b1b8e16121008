//! The namespace: in metadata, in role bindings' subjects, and where field specs say.

use std::collections::HashMap;

use sluice_yaml::{Kind, Node, Tag};

use crate::error::{Result, fail};
use crate::field_spec::{Create, FieldSpec};
use crate::ids::{IdKey, ResId};
use crate::nodes;
use crate::resmap::ResMap;
use crate::schema::Schemas;

/// Whose namespace among the subjects of a role binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    #[default]
    NamedDefault,
    AllServiceAccounts,
    None,
}

impl Subjects {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "" | "defaultOnly" => Subjects::NamedDefault,
            "allServiceAccounts" => Subjects::AllServiceAccounts,
            "none" => Subjects::None,
            other => fail!(
                "invalid value {} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                 \"allServiceAccounts\"",
                crate::text::quote(other)
            ),
        })
    }
}

/// What is set, and where not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub namespace: &'a str,
    pub specs: &'a [FieldSpec],
    pub unset_only: bool,
    pub subjects: Subjects,
}

/// Marks what comes out of a chart.
pub(crate) const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

/// Sets the namespace of every object; fails where two fall together.
pub(crate) fn set(map: &mut ResMap, setting: Setting<'_>, schemas: &Schemas) -> Result<()> {
    if setting.namespace.is_empty() {
        return Ok(());
    }
    let mut taken: HashMap<IdKey, u32> = HashMap::with_capacity(map.len());
    for resource in map.list() {
        *taken.entry(resource.id(schemas).key()).or_default() += 1;
    }
    for at in 0..map.len() {
        let resource = &mut map.list_mut()[at];
        if resource.is_empty() || resource.annotation(HELM_GENERATED).is_some_and(|text| text == "true") {
            continue;
        }
        let before = resource.id(schemas);
        resource.remember_id(schemas);
        resource.with_tree(|tree| set_in(tree, &before, setting))?;
        let after = resource.id(schemas);
        if let Some(count) = taken.get_mut(&before.key()) {
            *count -= 1;
        }
        let count = taken.entry(after.key()).or_default();
        *count += 1;
        if *count != 1 {
            let places = map.find_current(&after, schemas);
            fail!("namespace transformation produces ID conflict: {}", map.show(&places));
        }
    }
    Ok(())
}

fn set_value(place: &mut Node, setting: Setting<'_>) -> Result<()> {
    if setting.unset_only && !nodes::is_empty(place) && !nodes::value(place).is_empty() {
        return Ok(());
    }
    nodes::set_scalar(place, nodes::scalar(setting.namespace, Tag::Str))
}

/// Sets the namespace in one object.
pub(crate) fn set_in(tree: &mut Node, id: &ResId, setting: Setting<'_>) -> Result<()> {
    if !id.cluster {
        let metadata = FieldSpec::new(crate::ids::Gvk::default(), "metadata/namespace", true);
        metadata.apply(id, tree, Create::Untagged, &mut |place| set_value(place, setting))?;
    }
    let binding = matches!(id.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    if binding {
        set_subjects(tree, setting)?;
    }
    // Messages tell the name that it has by now.
    let mut id = id.clone();
    if let Some(namespace) = nodes::at(tree, &["metadata", "namespace"]) {
        id.namespace = nodes::smol(namespace);
    }
    let api_version = nodes::get(tree, "apiVersion").map(nodes::smol).unwrap_or_default();
    for spec in setting.specs {
        let skipped = spec.path == "metadata/namespace"
            || (spec.path == "metadata/name" && api_version != "v1")
            || (binding
                && spec.path == "subjects/namespace"
                && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding"));
        if skipped {
            continue;
        }
        spec.apply(&id, tree, Create::String, &mut |place| set_value(place, setting)).map_err(|error| {
            if error.text().contains("wrong node kind: expected ScalarNode") {
                error.within("namespace field specs must target scalar nodes")
            } else {
                error.within("namespace transformation failed")
            }
        })?;
    }
    Ok(())
}

fn set_subjects(tree: &mut Node, setting: Setting<'_>) -> Result<()> {
    if setting.subjects == Subjects::None {
        return Ok(());
    }
    let Some(subjects) = nodes::get_mut(tree, "subjects").filter(|subjects| subjects.tag != Tag::Null) else {
        return Ok(());
    };
    let told = "setting namespace on (cluster)role binding subjects";
    nodes::expect_sequence(subjects).map_err(|error| error.within(told))?;
    let Kind::Sequence(items) = &mut subjects.kind else { return Ok(()) };
    for subject in items {
        nodes::expect_mapping(subject).map_err(|error| error.within(told))?;
        let fits = match setting.subjects {
            Subjects::AllServiceAccounts => {
                nodes::get(subject, "kind").map(nodes::value) == Some("ServiceAccount")
            }
            _ => nodes::get(subject, "name").map(nodes::value) == Some("default"),
        };
        if !fits {
            continue;
        }
        let entries = nodes::entries_mut(subject)?;
        let at = entries.iter().position(|(key, _)| nodes::text(key) == "namespace").unwrap_or_else(|| {
            entries.push((nodes::key("namespace"), nodes::untagged("")));
            entries.len() - 1
        });
        set_value(&mut entries[at].1, setting)?;
    }
    Ok(())
}
