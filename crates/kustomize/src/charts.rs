//! Helm charts of a kustomization: which files and values a chart is rendered with. Rendering itself is the caller's.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_tree::{EntryKind, Tree};

use crate::error::{Error, Result, fail};
use crate::file::{HelmChart, HelmGlobals};
use crate::load::Loader;
use crate::read;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::text;
use crate::transform::namespace::HELM_GENERATED;

/// Where charts lie when nothing says otherwise.
const HOME: &str = "charts";
const MERGES: [&str; 3] = ["merge", "override", "replace"];

/// Renders Helm charts for `helmCharts`.
pub trait Charts {
    /// A chart that is not among the files, as a tree whose root it is.
    fn pull(&self, chart: &HelmChart) -> std::result::Result<Arc<dyn Tree>, String>;

    /// The chart's manifests as YAML.
    fn render(&self, request: &ChartRequest<'_>) -> std::result::Result<String, String>;
}

/// A chart to render.
pub struct ChartRequest<'a> {
    pub chart: &'a HelmChart,
    /// Where the chart's files are.
    pub tree: &'a dyn Tree,
    /// The chart's folder in it.
    pub path: &'a str,
    /// Names and texts of values, later ones over earlier ones.
    pub values: Vec<(String, Bytes)>,
}

/// Fails on settings that no chart can be rendered with.
pub(crate) fn check(chart: &mut HelmChart, loader: &Loader<'_>) -> Result<()> {
    if chart.name.is_empty() {
        fail!("chart name cannot be empty");
    }
    for file in &chart.additional_values_files {
        loader.load(file).map_err(|error| error.within("could not load additionalValuesFile"))?;
    }
    if chart.values_merge.is_empty() {
        "override".clone_into(&mut chart.values_merge);
    }
    if !MERGES.contains(&chart.values_merge.as_str()) {
        fail!("valuesMerge must be one of [{}]", MERGES.join(" "));
    }
    Ok(())
}

/// The objects of a chart whose settings are checked.
pub(crate) fn generate(
    charts: &dyn Charts,
    chart: &HelmChart,
    globals: &HelmGlobals,
    loader: &Loader<'_>,
    schemas: &Schemas,
) -> Result<ResMap> {
    let mut home = if globals.chart_home.is_empty() { HOME } else { &globals.chart_home }.to_owned();
    if !chart.version.is_empty() && !chart.repo.is_empty() {
        home.push_str(&format!("/{}-{}", chart.name, chart.version));
    }
    let named = format!("{home}/{}", chart.name);
    let local = loader.locate(&named).filter(|path| loader.tree().kind(path) == Ok(EntryKind::Folder));
    let pulled = match &local {
        Some(_) => None,
        None if chart.repo.is_empty() => fail!("no repo specified for pull, no chart found at ''"),
        None => Some(charts.pull(chart).map_err(Error::new)?),
    };
    let own = |name: &str| match &pulled {
        Some(tree) => tree.read(name).map_err(|error| Error::new(error.to_string())),
        None => loader.load(&format!("{named}/{name}")),
    };
    let file =
        if chart.values_file.is_empty() { own("values.yaml") } else { loader.load(&chart.values_file) };
    let content = if chart.values_inline.is_empty() {
        file?
    } else if chart.values_merge == "replace" {
        to_yaml(chart.values_inline.clone().into_iter().collect())
    } else {
        let read = text::yaml_to_value(&file?)
            .map_err(|error| error.within("could not parse values file into rnode"))?;
        let file = read.as_object().cloned().unwrap_or_default();
        let inline: Map<String, Value> = chart.values_inline.clone().into_iter().collect();
        let merged = if chart.values_merge == "merge" { merge(inline, file) } else { merge(file, inline) };
        to_yaml(merged.map_err(|error| error.within("could not merge values"))?)
    };
    let mut values = vec![(format!("{}-kustomize-values.yaml", chart.name), content)];
    for file in &chart.additional_values_files {
        values.push((file.clone(), loader.load(file)?));
    }
    let (tree, path): (&dyn Tree, &str) = match &pulled {
        Some(tree) => (tree.as_ref(), ""),
        None => (loader.tree(), local.as_deref().unwrap_or_default()),
    };
    let rendered = charts.render(&ChartRequest { chart, tree, path, values }).map_err(Error::new)?;
    let objects = read::objects(rendered.as_bytes(), loader.budget())?;
    let mut resources = Vec::with_capacity(objects.len());
    for object in objects {
        let mut resource = Resource::new(object);
        let mut annotations = resource.annotations();
        annotations.insert(HELM_GENERATED.into(), "true".into());
        resource.set_annotations(&annotations)?;
        resources.push(resource);
    }
    ResMap::from_list(resources, schemas)
}

fn to_yaml(values: Map<String, Value>) -> Bytes {
    sluice_yaml::json::to_yaml(&Value::Object(values)).into()
}

/// One map over the other; a null takes away, and a list cannot stand where a map was, or the other way round.
fn merge(mut base: Map<String, Value>, over: Map<String, Value>) -> Result<Map<String, Value>> {
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (_, Value::Null) => {
                base.remove(&name);
            }
            (Some(Value::Object(inner)), Value::Object(value)) => {
                *inner = merge(std::mem::take(inner), value)?;
            }
            (Some(known @ (Value::Object(_) | Value::Array(_))), value)
                if std::mem::discriminant(known) != std::mem::discriminant(&value) =>
            {
                let (known, got) = (node_kind(known), node_kind(&value));
                let shown = sluice_yaml::json::to_yaml(&value);
                fail!("wrong node kind: expected {known} but got {got}: node contents:\n{shown}");
            }
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
    Ok(base)
}

fn node_kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "MappingNode",
        Value::Array(_) => "SequenceNode",
        _ => "ScalarNode",
    }
}

/// The settings of a chart as kustomize shows them in its errors.
pub(crate) fn settings(chart: &HelmChart, globals: &HelmGlobals) -> Value {
    use crate::file::encode::Encode as _;
    let mut all = BTreeMap::new();
    for part in [globals.encode(), chart.encode()] {
        if let Value::Object(entries) = part {
            all.extend(entries);
        }
    }
    Value::Object(all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_merged() {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        let base = map(json!({"a": {"b": 1, "c": 2}, "l": [1, 2], "n": 1}));
        let over = map(json!({"a": {"b": 3}, "l": [4], "n": null, "x": "y"}));
        assert_eq!(
            merge(base, over).map(Value::Object),
            Ok(json!({"a": {"b": 3, "c": 2}, "l": [4], "x": "y"}))
        );
    }
}
