//! The transformers' configuration: which fields each of them touches. The defaults are recorded facts;
//! `configurations` and `crds` add to them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use smol_str::SmolStr;

use crate::error::{Error, Result};
use crate::field_spec::FieldSpec;
use crate::file::decode::{self, record};
use crate::ids::Gvk;
use crate::schema;

/// Fields that hold the name of objects of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BackReferences {
    pub target: Gvk,
    pub referrers: Vec<FieldSpec>,
}

/// Every area's field specs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub name_prefix: Vec<FieldSpec>,
    pub name_suffix: Vec<FieldSpec>,
    pub namespace: Vec<FieldSpec>,
    pub common_labels: Vec<FieldSpec>,
    pub labels: Vec<FieldSpec>,
    pub template_labels: Vec<FieldSpec>,
    pub common_annotations: Vec<FieldSpec>,
    pub name_reference: Vec<BackReferences>,
    pub var_reference: Vec<FieldSpec>,
    pub images: Vec<FieldSpec>,
    pub replicas: Vec<FieldSpec>,
}

/// One field that may refer, and to what.
#[derive(Debug, Clone)]
pub(crate) struct NameRule {
    pub field: FieldSpec,
    pub target: Gvk,
}

static BUILT_IN: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let recorded = Config::from_facts();
    Arc::new(Config::default().merge(&recorded).expect("the recorded specs do not contradict each other"))
});

impl Config {
    /// The built-in configuration. One value, so that merging it with itself is seen to be nothing.
    pub(crate) fn built_in() -> Arc<Config> {
        Arc::clone(&BUILT_IN)
    }

    fn from_facts() -> Config {
        let mut config = Config::default();
        for line in schema::lines("spec ") {
            let words: Vec<&str> = line.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
            let gvk = |kind: &str, group: &str, version: &str| Gvk {
                group: group.into(),
                version: version.into(),
                kind: kind.into(),
            };
            let field = FieldSpec::new(gvk(words[1], words[2], words[3]), words[5], words[4] == "true");
            if let Some(area) = config.area_mut(words[0]) {
                area.push(field);
                continue;
            }
            let target = gvk(words[6], words[7], words[8]);
            match config.name_reference.last_mut() {
                Some(last) if last.target == target => last.referrers.push(field),
                _ => config.name_reference.push(BackReferences { target, referrers: vec![field] }),
            }
        }
        config
    }

    fn area_mut(&mut self, name: &str) -> Option<&mut Vec<FieldSpec>> {
        Some(match name {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" => &mut self.common_labels,
            "labels" => &mut self.labels,
            "templateLabels" => &mut self.template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "varReference" => &mut self.var_reference,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            _ => return None,
        })
    }

    /// Both configurations, in kustomize's order.
    pub(crate) fn merge(&self, other: &Config) -> Result<Config> {
        let area = |name: &str, ours: &[FieldSpec], theirs: &[FieldSpec]| -> Result<Vec<FieldSpec>> {
            let mut merged = merge_all(ours, theirs)
                .map_err(|error| error.within(format_args!("failed to merge {name} fieldSpec")))?;
            sort(&mut merged);
            Ok(merged)
        };
        let mut merged = Config {
            name_prefix: area("NamePrefix", &self.name_prefix, &other.name_prefix)?,
            name_suffix: area("NameSuffix", &self.name_suffix, &other.name_suffix)?,
            namespace: area("NameSpace", &self.namespace, &other.namespace)?,
            common_annotations: area(
                "CommonAnnotations",
                &self.common_annotations,
                &other.common_annotations,
            )?,
            common_labels: area("CommonLabels", &self.common_labels, &other.common_labels)?,
            labels: area("Labels", &self.labels, &other.labels)?,
            template_labels: area("TemplateLabels", &self.template_labels, &other.template_labels)?,
            var_reference: area("VarReference", &self.var_reference, &other.var_reference)?,
            name_reference: self.name_reference.clone(),
            images: area("Images", &self.images, &other.images)?,
            replicas: area("Replicas", &self.replicas, &other.replicas)?,
        };
        for theirs in &other.name_reference {
            merged
                .add_back_references(theirs)
                .map_err(|error| error.within("failed to merge NameReference fieldSpec"))?;
        }
        merged.name_reference.sort_by(|a, b| order(&a.target, &b.target));
        Ok(merged)
    }

    pub(crate) fn add_back_references(&mut self, theirs: &BackReferences) -> Result<()> {
        match self.name_reference.iter_mut().find(|ours| ours.target == theirs.target) {
            Some(ours) => ours.referrers = merge_all(&ours.referrers, &theirs.referrers)?,
            None => self.name_reference.push(theirs.clone()),
        }
        Ok(())
    }

    /// The name rules by the referrer's kind, each list in the order in which they apply.
    pub(crate) fn name_rules(&self) -> NameRules {
        let mut rules = NameRules::default();
        for references in &self.name_reference {
            for field in &references.referrers {
                rules.all.push(NameRule { field: field.clone(), target: references.target.clone() });
            }
        }
        for (at, rule) in rules.all.iter().enumerate() {
            if !rule.field.gvk.kind.is_empty() {
                rules.by_kind.entry(rule.field.gvk.kind.clone()).or_default();
            }
            let _ = at;
        }
        for (kind, list) in &mut rules.by_kind {
            *list = (0..rules.all.len())
                .filter(|&at| {
                    rules.all[at].field.gvk.kind.is_empty() || rules.all[at].field.gvk.kind == *kind
                })
                .collect();
        }
        rules.any_kind = (0..rules.all.len()).filter(|&at| rules.all[at].field.gvk.kind.is_empty()).collect();
        rules
    }
}

/// The name rules, found by kind.
#[derive(Debug, Default)]
pub(crate) struct NameRules {
    all: Vec<NameRule>,
    by_kind: HashMap<SmolStr, Vec<usize>>,
    any_kind: Vec<usize>,
}

impl NameRules {
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &NameRule> {
        self.by_kind.get(kind).unwrap_or(&self.any_kind).iter().map(|&at| &self.all[at])
    }
}

/// Adds specs that are not yet there.
pub(crate) fn merge_all(ours: &[FieldSpec], theirs: &[FieldSpec]) -> Result<Vec<FieldSpec>> {
    let mut merged = ours.to_vec();
    // Specs compare equal only on equal paths, so they are found by path.
    let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, spec) in merged.iter().enumerate() {
        by_path.entry(spec.path.clone()).or_default().push(at);
    }
    for spec in theirs {
        let places = by_path.entry(spec.path.clone()).or_default();
        match places.iter().find(|&&at| merged[at].is_covered_by(spec)) {
            Some(&at) if merged[at].create != spec.create => {
                return Err(Error::new("conflicting fieldspecs"));
            }
            Some(_) => {}
            None => {
                places.push(merged.len());
                merged.push(spec.clone());
            }
        }
    }
    Ok(merged)
}

fn sort(specs: &mut [FieldSpec]) {
    specs.sort_by(|a, b| order(&a.gvk, &b.gvk));
}

fn order(a: &Gvk, b: &Gvk) -> std::cmp::Ordering {
    if a.is_less_than(b) {
        std::cmp::Ordering::Less
    } else if b.is_less_than(a) {
        std::cmp::Ordering::Greater
    } else {
        std::cmp::Ordering::Equal
    }
}

record! {
    /// A field spec as it stands in files.
    pub struct SpecEntry: "types.FieldSpec" {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        path: String = "path",
        create: bool = "create",
    }
}

/// Lists that have a name of their own in Go, which its messages tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpecList(Vec<SpecEntry>);

#[derive(Debug, Clone, Default, PartialEq)]
struct ReferenceList(Vec<ReferenceEntry>);

macro_rules! named_list {
    ($list:ty, $go:literal) => {
        impl decode::Decode for $list {
            fn go() -> String {
                $go.to_owned()
            }

            fn decode(&mut self, value: Value, found: &mut decode::Found) {
                if value.is_array() || value.is_null() {
                    self.0.decode(value, found);
                } else {
                    found.mistake(&value, $go);
                }
            }
        }

        impl crate::file::encode::Encode for $list {
            fn encode(&self) -> Value {
                self.0.encode()
            }

            fn is_omitted(&self) -> bool {
                self.0.is_omitted()
            }
        }
    };
}

named_list!(SpecList, "types.FsSlice");
named_list!(ReferenceList, "builtinconfig.nbrSlice");

record! {
    /// Name references as they stand in files.
    pub struct ReferenceEntry: "builtinconfig.NameBackReferences" {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        field_specs: SpecList = "fieldSpecs",
    }
}

record! {
    /// A configuration file.
    struct ConfigFile: "builtinconfig.TransformerConfig" {
        name_prefix: SpecList = "namePrefix",
        name_suffix: SpecList = "nameSuffix",
        namespace: SpecList = "namespace",
        common_labels: SpecList = "commonLabels",
        labels: SpecList = "labels",
        template_labels: SpecList = "templateLabels",
        common_annotations: SpecList = "commonAnnotations",
        name_reference: ReferenceList = "nameReference",
        var_reference: SpecList = "varReference",
        images: SpecList = "images",
        replicas: SpecList = "replicas",
    }
}

impl SpecEntry {
    pub(crate) fn to_spec(&self) -> FieldSpec {
        FieldSpec::new(
            Gvk {
                group: self.group.as_str().into(),
                version: self.version.as_str().into(),
                kind: self.kind.as_str().into(),
            },
            &self.path,
            self.create,
        )
    }
}

/// Specs as the files hold them.
pub(crate) fn to_specs(entries: &[SpecEntry]) -> Vec<FieldSpec> {
    entries.iter().map(SpecEntry::to_spec).collect()
}

/// Reads one file of `configurations`.
pub(crate) fn parse(value: Value) -> Result<Config> {
    let file: ConfigFile = decode::strict_record(value)?;
    let mut config = Config {
        name_prefix: to_specs(&file.name_prefix.0),
        name_suffix: to_specs(&file.name_suffix.0),
        namespace: to_specs(&file.namespace.0),
        common_labels: to_specs(&file.common_labels.0),
        labels: to_specs(&file.labels.0),
        template_labels: to_specs(&file.template_labels.0),
        common_annotations: to_specs(&file.common_annotations.0),
        name_reference: Vec::new(),
        var_reference: to_specs(&file.var_reference.0),
        images: to_specs(&file.images.0),
        replicas: to_specs(&file.replicas.0),
    };
    for entry in &file.name_reference.0 {
        config.name_reference.push(BackReferences {
            target: Gvk {
                group: entry.group.as_str().into(),
                version: entry.version.as_str().into(),
                kind: entry.kind.as_str().into(),
            },
            referrers: to_specs(&entry.field_specs.0),
        });
    }
    for area in [
        &mut config.name_prefix,
        &mut config.name_suffix,
        &mut config.namespace,
        &mut config.common_labels,
        &mut config.labels,
        &mut config.template_labels,
        &mut config.common_annotations,
        &mut config.var_reference,
        &mut config.images,
        &mut config.replicas,
    ] {
        sort(area);
    }
    config.name_reference.sort_by(|a, b| order(&a.target, &b.target));
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_the_defaults_with_themselves_changes_nothing() {
        let config = Config::built_in();
        let again = config.merge(&config).unwrap();
        assert_eq!(config.common_labels, again.common_labels);
        assert_eq!(config.name_reference, again.name_reference);
        assert!(config.name_rules().of("Deployment").count() > 10);
    }

    #[test]
    fn contradicting_specs_are_refused() {
        let spec = |create| FieldSpec::new(Gvk::new("", "Thing"), "spec/x", create);
        assert!(merge_all(&[spec(true)], &[spec(false)]).is_err());
        assert_eq!(merge_all(&[spec(true)], &[spec(true)]).unwrap().len(), 1);
    }
}
