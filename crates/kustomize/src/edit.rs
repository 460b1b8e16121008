//! Changes to a kustomization file: what `edit set|add|remove|fix` and `create` do, the same bytes as kustomize's.
//!
//! The file is read into its record and written field by field: fields that were there keep their order, comments and
//! blank lines above top-level fields stay, what is new comes behind in a fixed order. Pure: files are the caller's.

mod change;
mod convert;
mod generator;
mod pattern;
mod words;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::file::Kustomization;
use crate::file::encode::Encode as _;

pub use change::{Entries, LabelOptions, Paths};
pub use convert::{Edited, convert_vars};
pub use generator::{GeneratorKind, Sources, check_generators};
pub use pattern::{is_pattern, matches};
pub use words::{is_annotation_key, pairs, read_images, read_metadata_options, read_replicas};

/// The fields in the order in which new ones are written. `imageTags` is not among them, as upstream.
const ORDER: [&str; 33] = [
    "apiVersion",
    "kind",
    "metadata",
    "sortOptions",
    "resources",
    "bases",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "openapi",
    "buildMetadata",
];

/// A field of the text and what stood above it.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: &'static str,
    above: String,
}

/// A kustomization file that is being changed.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub kustomization: Kustomization,
    fields: Vec<Field>,
}

impl File {
    /// Reads a file. Deprecated spellings are moved to their successors, as by a build.
    pub fn read(text: &[u8]) -> Result<Self> {
        let value =
            crate::text::yaml_to_value(text).map_err(|error| error.within("invalid Kustomization"))?;
        let mut kustomization = Kustomization::from_value(value)?;
        kustomization.fix();
        Ok(Self { kustomization, fields: fields(&String::from_utf8_lossy(text)) })
    }

    /// The changed file.
    pub fn write(&self) -> String {
        let Value::Object(mut values) = self.kustomization.encode() else { return String::new() };
        let mut text = String::new();
        for field in &self.fields {
            text.push_str(&field.above);
            write_field(&mut text, field.name, values.get(field.name));
        }
        for name in ORDER {
            if !self.fields.iter().any(|field| field.name == name) {
                write_field(&mut text, name, values.remove(name).as_ref());
            }
        }
        text
    }
}

fn write_field(text: &mut String, name: &str, value: Option<&Value>) {
    if let Some(value) = value {
        let one = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
        text.push_str(&sluice_yaml::json::to_yaml(&one));
    }
}

/// The top-level fields of a text with the comments and blank lines above each. A last line without an end is not seen,
/// as upstream.
fn fields(text: &str) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    let mut above = String::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let bare = line.trim_end_matches('\n').trim_start_matches(' ');
        if bare.is_empty() || bare.starts_with('#') {
            above.push_str(line);
            continue;
        }
        let name = line.split_once(':').map_or("", |(name, _)| name);
        if let Some(name) = ORDER.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            found.push(Field { name, above: std::mem::take(&mut above) });
        } else if let Some(last) = found.last_mut() {
            last.above.push_str(&std::mem::take(&mut above));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_comments_stay() {
        let text = "# top\nnamePrefix: a-\n\n# why\nresources:\n- a.yaml\nkind: Kustomization\n";
        let mut file = File::read(text.as_bytes()).unwrap();
        file.kustomization.namespace = "here".to_owned();
        assert_eq!(
            file.write(),
            "# top\nnamePrefix: a-\n\n# why\nresources:\n- a.yaml\nkind: Kustomization\n\
             apiVersion: kustomize.config.k8s.io/v1beta1\nnamespace: here\n"
        );
    }

    #[test]
    fn what_is_always_printed_is_printed() {
        let text = "replicas: [{name: a, count: 0}]\nvars: [{name: V, objref: {kind: K, name: one}}]\n";
        assert_eq!(
            File::read(text.as_bytes()).unwrap().write(),
            "replicas:\n- count: 0\n  name: a\nvars:\n- fieldref: {}\n  name: V\n  objref:\n    kind: K\n    name: one\n\
             apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        );
    }
}
