//! The transformers that a kustomization's own fields ask for, in kustomize's order.

use serde_json::{Map, Value, json};

use super::Target;
use crate::config::{Config, merge_all, to_specs};
use crate::error::{Error, Result};
use crate::field_spec::FieldSpec;
use crate::file::{HelmChart, HelmGlobals, Image, Patch, Replacement, Replica, Selector};
use crate::ids::Gvk;
use crate::load::Loader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::transform::{image, metadata, namespace, patch, replacement};
use std::collections::BTreeMap;

/// One transformer, ready to work.
pub(crate) enum Step {
    Merges(Vec<Resource>),
    Patch(patch::Prepared),
    Namespace(String, Vec<FieldSpec>),
    Prefix(String, Vec<FieldSpec>),
    Suffix(String, Vec<FieldSpec>),
    Labels(BTreeMap<String, String>, Vec<FieldSpec>),
    Annotations(BTreeMap<String, String>, Vec<FieldSpec>),
    Operations(patch::LegacyOperations),
    Replica(Replica, Vec<FieldSpec>),
    Image(Image, Vec<FieldSpec>),
    Replacements(Vec<Replacement>),
}

impl Step {
    /// The built-in plugin's kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Step::Merges(_) => "PatchStrategicMergeTransformer",
            Step::Patch(_) => "PatchTransformer",
            Step::Namespace(..) => "NamespaceTransformer",
            Step::Prefix(..) => "PrefixTransformer",
            Step::Suffix(..) => "SuffixTransformer",
            Step::Labels(..) => "LabelTransformer",
            Step::Annotations(..) => "AnnotationsTransformer",
            Step::Operations(_) => "PatchJson6902Transformer",
            Step::Replica(..) => "ReplicaCountTransformer",
            Step::Image(..) => "ImageTagTransformer",
            Step::Replacements(_) => "ReplacementTransformer",
        }
    }

    /// The same work in its parts, each with an entry of its own.
    pub(super) fn split(self) -> Vec<Step> {
        match self {
            Step::Merges(patches) => patches.into_iter().map(|patch| Step::Merges(vec![patch])).collect(),
            Step::Replacements(list) => list.into_iter().map(|one| Step::Replacements(vec![one])).collect(),
            other => vec![other],
        }
    }

    /// True where what one object holds can reach another one.
    pub(super) fn is_crossing(&self) -> bool {
        matches!(self, Step::Replacements(_))
    }

    pub(super) fn apply(&self, map: &mut ResMap, schemas: &Schemas, loader: &Loader<'_>) -> Result<()> {
        loader.budget().charge(map.len() as u64)?;
        if let Step::Prefix(text, _) | Step::Suffix(text, _) = self {
            // Each name is a text of its own, where other values are shared.
            loader.budget().charge_bytes(text.len() as u64 * map.len() as u64 * 2)?;
        }
        match self {
            Step::Merges(patches) => patch::apply_legacy_merges(map, patches, schemas, loader),
            Step::Patch(prepared) => patch::apply(map, prepared, schemas, loader),
            Step::Namespace(namespace, specs) => {
                let setting = namespace::Setting {
                    namespace,
                    specs,
                    unset_only: false,
                    subjects: namespace::Subjects::default(),
                };
                namespace::set(map, setting, schemas)
            }
            Step::Prefix(text, specs) => metadata::affix(map, metadata::End::Prefix, text, specs, schemas),
            Step::Suffix(text, specs) => metadata::affix(map, metadata::End::Suffix, text, specs, schemas),
            Step::Labels(entries, specs) | Step::Annotations(entries, specs) => {
                metadata::put_entries(map, entries, specs, schemas)
            }
            Step::Operations(legacy) => patch::apply_legacy_operations(map, legacy, schemas, loader),
            Step::Replica(replica, specs) => metadata::replicas(map, replica, specs, schemas),
            Step::Image(entry, specs) => image::set(map, entry, specs, schemas),
            Step::Replacements(list) => replacement::apply(map, list, loader.budget()),
        }
    }
}

impl Target<'_> {
    /// The transformers of this kustomization's fields. Reading patches and replacement files happens here.
    pub(super) fn builtin_steps(&self, config: &Config) -> Result<Vec<Step>> {
        let file = &self.kustomization;
        let loader = &self.loader;
        let mut steps = Vec::new();
        let merges = file.patches_strategic_merge.as_deref().unwrap_or_default();
        if !merges.is_empty() {
            let prepared = patch::prepare_legacy_merges(merges, "", loader).map_err(|error| {
                trouble(error, "PatchStrategicMergeTransformer", &json!({ "paths": merges }))
            })?;
            steps.push(Step::Merges(prepared));
        }
        for entry in &file.patches {
            let shown = patch_settings(entry);
            let prepared = patch::prepare(entry, loader, &to_yaml(&shown))
                .map_err(|error| trouble(error, "PatchTransformer", &shown))?;
            steps.push(Step::Patch(prepared));
        }
        if !file.namespace.is_empty() {
            steps.push(Step::Namespace(file.namespace.clone(), config.namespace.clone()));
        }
        if !file.name_prefix.is_empty() {
            steps.push(Step::Prefix(file.name_prefix.clone(), config.name_prefix.clone()));
        }
        if !file.name_suffix.is_empty() {
            steps.push(Step::Suffix(file.name_suffix.clone(), config.name_suffix.clone()));
        }
        self.label_steps(config, &mut steps)?;
        if !file.common_annotations.is_empty() {
            steps.push(Step::Annotations(file.common_annotations.clone(), config.common_annotations.clone()));
        }
        for entry in file.patches_json6902.iter().flatten() {
            let prepared =
                patch::prepare_legacy_operations(entry.target.as_ref(), &entry.path, &entry.patch, loader)
                    .map_err(|error| {
                        let mut shown = Map::new();
                        put_text(&mut shown, "jsonOp", &entry.patch);
                        put_text(&mut shown, "path", &entry.path);
                        if let Some(target) = &entry.target {
                            shown.insert("target".to_owned(), selector_settings(target));
                        }
                        trouble(error, "PatchJson6902Transformer", &Value::Object(shown))
                    })?;
            steps.push(Step::Operations(prepared));
        }
        for replica in &file.replicas {
            steps.push(Step::Replica(replica.clone(), config.replicas.clone()));
        }
        for entry in &file.images {
            steps.push(Step::Image(entry.clone(), config.images.clone()));
        }
        if !file.replacements.is_empty() {
            let prepared = replacement::prepare(&file.replacements, loader)
                .map_err(|error| trouble(error, "ReplacementTransformer", &json!({})))?;
            steps.push(Step::Replacements(prepared));
        }
        Ok(steps)
    }

    fn label_steps(&self, config: &Config, steps: &mut Vec<Step>) -> Result<()> {
        let file = &self.kustomization;
        let common = file.common_labels.clone().unwrap_or_default();
        if file.labels.is_empty() && common.is_empty() {
            return Ok(());
        }
        for label in &file.labels {
            let told = |error: Error| error.within("failed to merge labels");
            let mut specs = merge_all(&to_specs(&label.fields), &config.labels).map_err(told)?;
            if label.include_selectors {
                specs = merge_all(&specs, &config.common_labels).map_err(told)?;
            } else {
                if label.include_templates {
                    specs = merge_all(&specs, &config.template_labels)
                        .map_err(|error| error.within("failed to merge template fieldSpec"))?;
                }
                let own = FieldSpec::new(Gvk::default(), "metadata/labels", true);
                specs = merge_all(&specs, &[own]).map_err(told)?;
            }
            steps.push(Step::Labels(label.pairs.clone(), specs));
        }
        steps.push(Step::Labels(common, config.common_labels.clone()));
        Ok(())
    }
}

/// What kustomize says when a field's settings do not fit.
fn trouble(error: Error, kind: &str, settings: &Value) -> Error {
    error.within(format_args!("trouble configuring builtin {kind} with config: `\n{}`", to_yaml(settings)))
}

fn to_yaml(value: &Value) -> String {
    sluice_yaml::json::to_yaml(value)
}

fn put_text(map: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::from(text));
    }
}

fn selector_settings(selector: &Selector) -> Value {
    let mut map = Map::new();
    for (name, text) in [
        ("group", &selector.group),
        ("version", &selector.version),
        ("kind", &selector.kind),
        ("name", &selector.name),
        ("namespace", &selector.namespace),
        ("annotationSelector", &selector.annotation_selector),
        ("labelSelector", &selector.label_selector),
    ] {
        put_text(&mut map, name, text);
    }
    Value::Object(map)
}

fn patch_settings(patch: &Patch) -> Value {
    let mut map = Map::new();
    put_text(&mut map, "path", &patch.path);
    put_text(&mut map, "patch", &patch.patch);
    if let Some(target) = &patch.target {
        map.insert("target".to_owned(), selector_settings(target));
    }
    if let Some(options) = &patch.options {
        let mut flags = Map::new();
        for (name, flag) in
            [("allowNameChange", options.allow_name_change), ("allowKindChange", options.allow_kind_change)]
        {
            if flag {
                flags.insert(name.to_owned(), Value::from(true));
            }
        }
        map.insert("options".to_owned(), Value::Object(flags));
    }
    Value::Object(map)
}

/// A chart's failure, told with its settings.
pub(super) fn chart_trouble(error: Error, chart: &HelmChart, globals: &HelmGlobals) -> Error {
    trouble(error, "HelmChartInflationGenerator", &crate::charts::settings(chart, globals))
}
