//! `crds`: OpenAPI definitions whose extensions say which fields are names, labels or annotations.

use serde_json::Value;

use crate::config::{BackReferences, Config, merge_all};
use crate::error::{Error, Result};
use crate::field_spec::FieldSpec;
use crate::ids::Gvk;
use crate::load::Loader;

/// How deep references between definitions are followed.
const MAX_DEPTH: usize = 32;

/// Reads every file of `crds`.
pub(crate) fn load(loader: &Loader<'_>, paths: &[String]) -> Result<Config> {
    let mut config = Config::default();
    for path in paths {
        let content = loader.load(path)?;
        let told =
            |error: Error| error.within(format_args!("unable to parse open API definition from '{path}'"));
        let value: Value = if content.first() == Some(&b'{') {
            serde_json::from_slice(&content).map_err(|error| {
                // Go's words for the most frequent mistake.
                let text = if error.is_eof() {
                    "unexpected end of JSON input".to_owned()
                } else {
                    error.to_string()
                };
                told(Error::new(text))
            })?
        } else {
            crate::text::yaml_to_record(&content).map_err(told)?
        };
        let file = read(&value, loader)?;
        config = config.merge(&file)?;
    }
    Ok(config)
}

fn read(definitions: &Value, loader: &Loader<'_>) -> Result<Config> {
    let mut result = Config::default();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        let properties = properties(definition);
        let is_object = ["kind", "apiVersion", "metadata"]
            .iter()
            .all(|field| properties.is_some_and(|properties| properties.contains_key(*field)));
        if !is_object {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut config = Config::default();
        let gvk = Gvk { kind: kind.into(), ..Gvk::default() };
        descend(&mut config, &gvk, definitions, name, &mut Vec::new(), loader)?;
        result = result.merge(&config)?;
    }
    Ok(result)
}

fn properties(definition: &Value) -> Option<&serde_json::Map<String, Value>> {
    let schema = definition.get("Schema").or_else(|| definition.get("schema"))?;
    schema.get("properties").and_then(Value::as_object)
}

fn descend(
    config: &mut Config,
    gvk: &Gvk,
    definitions: &Value,
    name: &str,
    path: &mut Vec<String>,
    loader: &Loader<'_>,
) -> Result<()> {
    loader.budget().charge(1)?;
    if path.len() > MAX_DEPTH {
        return Ok(());
    }
    let Some(properties) = definitions.get(name).and_then(properties) else { return Ok(()) };
    for (field, property) in properties {
        path.push(field.clone());
        let spec = |path: &[String]| FieldSpec::new(gvk.clone(), &path.join("/"), false);
        let says = |extension: &str| property.get(extension).and_then(Value::as_str);
        let add = |area: &mut Vec<FieldSpec>| -> Result<()> {
            *area = merge_all(area, &[spec(path)])?;
            Ok(())
        };
        if says("x-kubernetes-annotation").is_some() {
            add(&mut config.common_annotations)?;
        }
        if says("x-kubernetes-label-selector").is_some() {
            add(&mut config.common_labels)?;
        }
        if says("x-kubernetes-identity").is_some() {
            add(&mut config.name_prefix)?;
        }
        if let (Some(version), Some(kind)) =
            (says("x-kubernetes-object-ref-api-version"), says("x-kubernetes-object-ref-kind"))
        {
            let key = says("x-kubernetes-object-ref-name-key").unwrap_or("name").to_owned();
            path.push(key);
            config.add_back_references(&BackReferences {
                target: Gvk { group: "".into(), version: version.into(), kind: kind.into() },
                referrers: vec![spec(path)],
            })?;
            path.pop();
        }
        if let Some(reference) = says("$ref") {
            descend(config, gvk, definitions, reference, path, loader)?;
        }
        path.pop();
    }
    Ok(())
}
