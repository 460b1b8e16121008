//! The kustomization file: every field, deprecated ones included, and what kustomize does to it after reading.

pub mod decode;
pub(crate) mod encode;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::SpecEntry;
use crate::error::{Error, Result, fail};
use decode::record;

/// The names a kustomization file may have, in the order in which they are tried.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

pub const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
pub const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

record! {
    pub struct ObjectMeta: "types.ObjectMeta" {
        name: String = "name",
        namespace: String = "namespace",
        labels: BTreeMap<String, String> = "labels",
        annotations: BTreeMap<String, String> = "annotations",
    }
}

record! {
    pub struct Label: "types.Label" {
        pairs: BTreeMap<String, String> = "pairs",
        include_selectors: bool = "includeSelectors",
        include_templates: bool = "includeTemplates",
        fields: Vec<SpecEntry> = "fields",
    }
}

record! {
    /// Which objects a patch or a replacement is for; every field but the two selectors is a regular expression.
    pub struct Selector: "types.Selector" {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name",
        namespace: String = "namespace",
        annotation_selector: String = "annotationSelector",
        label_selector: String = "labelSelector",
    }
}

record! {
    pub struct PatchArgs: "types.PatchArgs" {
        allow_name_change: bool = "allowNameChange",
        allow_kind_change: bool = "allowKindChange",
    }
}

record! {
    pub struct Patch: "types.Patch" {
        path: String = "path",
        patch: String = "patch",
        target: Option<Selector> = "target",
        options: Option<PatchArgs> = "options",
    }
}

record! {
    pub struct Image: "types.Image" {
        name: String = "name",
        new_name: String = "newName",
        tag_suffix: String = "tagSuffix",
        new_tag: String = "newTag",
        digest: String = "digest",
    }
}

record! {
    pub struct Replica: "types.Replica" {
        name: String = "name",
        count: i64 = "count",
    }
}

record! {
    pub struct FieldOptions: "types.FieldOptions" {
        delimiter: String = "delimiter",
        index: i64 = "index",
        encoding: String = "encoding",
        create: bool = "create",
    }
}

record! {
    pub struct SourceSelector: "types.SourceSelector" {
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name",
        namespace: String = "namespace",
        field_path: String = "fieldPath",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    pub struct TargetSelector: "types.TargetSelector" {
        select: Option<Selector> = "select",
        reject: Vec<Selector> = "reject",
        field_paths: Vec<String> = "fieldPaths",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    pub struct Replacement: "types.ReplacementField" {
        source: Option<SourceSelector> = "source",
        targets: Option<Vec<TargetSelector>> = "targets",
        source_value: Option<String> = "sourceValue",
        path: String = "path",
    }
}

record! {
    pub struct VarTarget: "types.Target" {
        api_version: String = "apiVersion",
        group: String = "group",
        version: String = "version",
        kind: String = "kind",
        name: String = "name",
        namespace: String = "namespace",
    }
}

record! {
    pub struct FieldSelector: "types.FieldSelector" {
        field_path: String = "fieldPath",
    }
}

record! {
    pub struct Var: "types.Var" {
        name: String = "name",
        objref: VarTarget = "objref",
        fieldref: FieldSelector = "fieldref",
    }
}

record! {
    pub struct LegacySortOptions: "types.LegacySortOptions" {
        order_first: Vec<String> = "orderFirst",
        order_last: Vec<String> = "orderLast",
    }
}

record! {
    pub struct SortOptions: "types.SortOptions" {
        order: String = "order",
        legacy_sort_options: Option<LegacySortOptions> = "legacySortOptions",
    }
}

record! {
    pub struct GeneratorOptions: "types.GeneratorOptions" {
        labels: BTreeMap<String, String> = "labels",
        annotations: BTreeMap<String, String> = "annotations",
        disable_name_suffix_hash: bool = "disableNameSuffixHash",
        immutable: bool = "immutable",
    }
}

record! {
    /// One entry of configMapGenerator or secretGenerator; `kind` is the Secret's type.
    pub struct GeneratorArgs: "types.ConfigMapArgs" {
        namespace: String = "namespace",
        name: String = "name",
        behavior: String = "behavior",
        literals: Vec<String> = "literals",
        files: Vec<String> = "files",
        envs: Vec<String> = "envs",
        env: String = "env",
        options: Option<GeneratorOptions> = "options",
    }
}

record! {
    pub struct SecretArgs: "types.SecretArgs" {
        namespace: String = "namespace",
        name: String = "name",
        behavior: String = "behavior",
        literals: Vec<String> = "literals",
        files: Vec<String> = "files",
        envs: Vec<String> = "envs",
        env: String = "env",
        options: Option<GeneratorOptions> = "options",
        kind: String = "type",
    }
}

record! {
    pub struct HelmGlobals: "types.HelmGlobals" {
        chart_home: String = "chartHome",
        config_home: String = "configHome",
    }
}

record! {
    pub struct HelmChart: "types.HelmChart" {
        name: String = "name",
        version: String = "version",
        repo: String = "repo",
        release_name: String = "releaseName",
        namespace: String = "namespace",
        additional_values_files: Vec<String> = "additionalValuesFiles",
        values_file: String = "valuesFile",
        values_inline: BTreeMap<String, Value> = "valuesInline",
        values_merge: String = "valuesMerge",
        include_crds: bool = "includeCRDs",
        skip_hooks: bool = "skipHooks",
        api_versions: Vec<String> = "apiVersions",
        kube_version: String = "kubeVersion",
        name_template: String = "nameTemplate",
        skip_tests: bool = "skipTests",
        debug: bool = "debug",
        devel: bool = "devel",
    }
}

record! {
    /// The old spelling of a chart.
    pub struct HelmChartArgs: "types.HelmChartArgs" {
        chart_name: String = "chartName",
        chart_version: String = "chartVersion",
        chart_repo_url: String = "chartRepoUrl",
        chart_home: String = "chartHome",
        chart_repo_name: String = "chartRepoName",
        helm_bin: String = "helmBin",
        helm_home: String = "helmHome",
        values: String = "values",
        values_local: BTreeMap<String, Value> = "valuesLocal",
        values_merge: String = "valuesMerge",
        release_name: String = "releaseName",
        release_namespace: String = "releaseNamespace",
        extra_args: Vec<String> = "extraArgs",
    }
}

record! {
    pub struct Kustomization: "types.Kustomization" {
        kind: String = "kind",
        api_version: String = "apiVersion",
        metadata: Option<ObjectMeta> = "metadata",
        openapi: BTreeMap<String, String> = "openapi",
        name_prefix: String = "namePrefix",
        name_suffix: String = "nameSuffix",
        namespace: String = "namespace",
        common_labels: Option<BTreeMap<String, String>> = "commonLabels",
        labels: Vec<Label> = "labels",
        common_annotations: BTreeMap<String, String> = "commonAnnotations",
        patches_strategic_merge: Option<Vec<String>> = "patchesStrategicMerge",
        patches_json6902: Option<Vec<Patch>> = "patchesJson6902",
        patches: Vec<Patch> = "patches",
        images: Vec<Image> = "images",
        image_tags: Option<Vec<Image>> = "imageTags",
        replacements: Vec<Replacement> = "replacements",
        replicas: Vec<Replica> = "replicas",
        vars: Option<Vec<Var>> = "vars",
        sort_options: Option<SortOptions> = "sortOptions",
        resources: Vec<String> = "resources",
        components: Vec<String> = "components",
        crds: Vec<String> = "crds",
        bases: Option<Vec<String>> = "bases",
        config_map_generator: Vec<GeneratorArgs> = "configMapGenerator",
        secret_generator: Vec<SecretArgs> = "secretGenerator",
        helm_globals: Option<HelmGlobals> = "helmGlobals",
        helm_charts: Vec<HelmChart> = "helmCharts",
        helm_chart_inflation_generator: Vec<HelmChartArgs> = "helmChartInflationGenerator",
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        configurations: Vec<String> = "configurations",
        generators: Vec<String> = "generators",
        transformers: Vec<String> = "transformers",
        validators: Vec<String> = "validators",
        build_metadata: Vec<String> = "buildMetadata",
    }
}

/// What to do about deprecated fields.
const RUN_FIX: &str = "Run 'kustomize edit fix' to update your Kustomization automatically.";
const RUN_FIX_VARS: &str =
    "[EXPERIMENTAL] Run 'kustomize edit fix' to update your Kustomization automatically.";

impl Kustomization {
    /// Reads a kustomization file that has gone through the JSON route.
    pub fn from_value(value: Value) -> Result<Self> {
        decode::strict(value).map_err(|error| error.within("invalid Kustomization"))
    }

    /// kustomize's warnings about deprecated fields.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |has: bool, old: &str, new: &str, fix: &str| {
            if has {
                warnings.push(format!("# Warning: '{old}' is deprecated. Please use '{new}' instead. {fix}"));
            }
        };
        warn(self.bases.is_some(), "bases", "resources", RUN_FIX);
        warn(self.common_labels.is_some(), "commonLabels", "labels", RUN_FIX);
        warn(self.image_tags.is_some(), "imageTags", "images", RUN_FIX);
        warn(self.patches_json6902.is_some(), "patchesJson6902", "patches", RUN_FIX);
        warn(self.patches_strategic_merge.is_some(), "patchesStrategicMerge", "patches", RUN_FIX);
        warn(self.vars.is_some(), "vars", "replacements", RUN_FIX_VARS);
        warnings
    }

    /// Moves deprecated spellings to their successors and fills in kind and version.
    pub fn fix(&mut self) {
        if self.kind.is_empty() {
            "Kustomization".clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.kind == "Component" { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION };
            version.clone_into(&mut self.api_version);
        }
        self.resources.extend(self.bases.take().unwrap_or_default());
        self.images.extend(self.image_tags.take().unwrap_or_default());
        for args in &mut self.config_map_generator {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        for args in &mut self.secret_generator {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        let mut globals = HelmGlobals::default();
        for old in std::mem::take(&mut self.helm_chart_inflation_generator) {
            if !old.helm_home.is_empty() {
                globals.config_home = old.helm_home;
            }
            if !old.chart_home.is_empty() {
                globals.chart_home = old.chart_home;
            }
            self.helm_charts.push(HelmChart {
                name: old.chart_name,
                version: old.chart_version,
                repo: old.chart_repo_url,
                values_file: old.values,
                values_inline: old.values_local,
                values_merge: old.values_merge,
                release_name: old.release_name,
                ..HelmChart::default()
            });
        }
        if self.helm_globals.is_none() && globals != HelmGlobals::default() {
            self.helm_globals = Some(globals);
        }
    }

    /// Fails on a kind or version that is not kustomize's.
    pub fn check(&self, root: &str) -> Result<()> {
        let mut mistakes = Vec::new();
        if !matches!(self.kind.as_str(), "Kustomization" | "Component") {
            mistakes.push("kind should be Kustomization or Component".to_owned());
        }
        let version = if self.kind == "Component" { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION };
        if self.api_version != version {
            mistakes.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        if !mistakes.is_empty() {
            fail!("Failed to read kustomization file under {root}:\n{}", mistakes.join("\n"));
        }
        Ok(())
    }

    pub fn is_component(&self) -> bool {
        self.kind == "Component"
    }
}

/// True when a file says nothing but its kind: kustomize refuses to build it.
pub(crate) fn is_blank(value: &Value) -> bool {
    let Some(entries) = value.as_object() else { return true };
    entries.iter().all(|(name, value)| {
        name.eq_ignore_ascii_case("kind")
            || name.eq_ignore_ascii_case("apiVersion")
            || value.is_null()
            || value.as_str() == Some("")
            || (value.as_array().is_some_and(Vec::is_empty)
                && (name.eq_ignore_ascii_case("bases")
                    || name.eq_ignore_ascii_case("imageTags")
                    || name.eq_ignore_ascii_case("helmChartInflationGenerator")))
    })
}

/// Reads, checks and fixes one file's text.
pub(crate) fn parse(text: &[u8], root: &str) -> Result<(Kustomization, Vec<String>)> {
    let value = crate::text::yaml_to_value(text).map_err(|error| error.within("invalid Kustomization"))?;
    let blank = is_blank(&value);
    let mut kustomization = Kustomization::from_value(value)?;
    let warnings = kustomization.warnings();
    kustomization.fix();
    if blank {
        return Err(Error::new("kustomization.yaml is empty"));
    }
    kustomization.check(root)?;
    Ok((kustomization, warnings))
}
