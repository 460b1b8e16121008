//! Generators and transformers that are written as objects: kustomize's built-in kinds. Others are refused.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::charts::{self, Charts};
use crate::config::{SpecEntry, to_specs};
use crate::error::{Error, ErrorKind, Result, fail};
use crate::file::decode::{self, Decode, record};
use crate::file::{
    GeneratorArgs, HelmChart, HelmGlobals, Image, ObjectMeta, Patch, PatchArgs, Replacement, Replica,
    SecretArgs, Selector,
};
use crate::generate;
use crate::load::Loader;
use crate::origin::{Configurer, Origin};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::text;
use crate::transform::{hash, image, metadata, namespace, patch, replacement, value_add};

record! {
    struct WithLabels: "builtins.LabelTransformerPlugin" {
        labels: BTreeMap<String, String> = "labels",
        field_specs: Vec<SpecEntry> = "fieldSpecs",
    }
}

record! {
    struct WithAnnotations: "builtins.AnnotationsTransformerPlugin" {
        annotations: BTreeMap<String, String> = "annotations",
        field_specs: Vec<SpecEntry> = "fieldSpecs",
    }
}

record! {
    struct WithPrefix: "builtins.PrefixTransformerPlugin" {
        prefix: String = "prefix",
        field_specs: Option<Vec<SpecEntry>> = "fieldSpecs",
    }
}

record! {
    struct WithSuffix: "builtins.SuffixTransformerPlugin" {
        suffix: String = "suffix",
        field_specs: Option<Vec<SpecEntry>> = "fieldSpecs",
    }
}

record! {
    struct WithNamespace: "builtins.NamespaceTransformerPlugin" {
        metadata: ObjectMeta = "metadata",
        field_specs: Vec<SpecEntry> = "fieldSpecs",
        unset_only: bool = "unsetOnly",
        subjects: String = "setRoleBindingSubjects",
    }
}

record! {
    struct WithImage: "builtins.ImageTagTransformerPlugin" {
        image_tag: Image = "imageTag",
        field_specs: Vec<SpecEntry> = "fieldSpecs",
    }
}

record! {
    struct WithReplica: "builtins.ReplicaCountTransformerPlugin" {
        replica: Replica = "replica",
        field_specs: Vec<SpecEntry> = "fieldSpecs",
    }
}

record! {
    struct WithPatch: "builtins.PatchTransformerPlugin" {
        path: String = "path",
        patch: String = "patch",
        target: Option<Selector> = "target",
        options: Option<PatchArgs> = "options",
    }
}

record! {
    struct WithOperations: "builtins.PatchJson6902TransformerPlugin" {
        target: Option<Selector> = "target",
        path: String = "path",
        json_op: String = "jsonOp",
    }
}

record! {
    struct WithMerges: "builtins.PatchStrategicMergeTransformerPlugin" {
        paths: Vec<String> = "paths",
        patches: String = "patches",
    }
}

record! {
    struct WithReplacements: "builtins.ReplacementTransformerPlugin" {
        replacements: Vec<Replacement> = "replacements",
    }
}

record! {
    struct WithAffixes: "builtins.PrefixSuffixTransformerPlugin" {
        prefix: String = "prefix",
        suffix: String = "suffix",
        field_specs: Option<Vec<SpecEntry>> = "fieldSpecs",
    }
}

record! {
    struct ServiceName: "types.KubernetesService" {
        name: String = "name",
        namespace: String = "namespace",
    }
}

record! {
    struct CloudAccount: "types.ServiceAccount" {
        name: String = "name",
        project_id: String = "projectId",
    }
}

record! {
    struct WithIdentity: "builtins.IAMPolicyGeneratorPlugin" {
        cloud: String = "cloud",
        kubernetes_service: ServiceName = "kubernetesService",
        service_account: CloudAccount = "serviceAccount",
    }
}

/// A transformer that has been read.
enum Transformer {
    Labels(WithLabels),
    Annotations(WithAnnotations),
    Affix(metadata::End, String, Vec<SpecEntry>),
    Affixes(String, String, Vec<SpecEntry>),
    Namespace(WithNamespace, namespace::Subjects),
    Image(WithImage),
    Replica(WithReplica),
    Patch(patch::Prepared),
    Merges(Vec<Resource>),
    Operations(patch::LegacyOperations),
    Replacements(Vec<Replacement>),
    ValueAdd(value_add::ValueAdd),
    Hash,
}

/// A transformer and where it is written.
pub(crate) struct Loaded {
    transformer: Transformer,
    pub origin: Option<Origin>,
}

fn refuse_foreign(resource: &Resource, schemas: &Schemas) -> Result<()> {
    let gvk = resource.gvk();
    if gvk.group.is_empty() && gvk.version == "builtin" {
        return Ok(());
    }
    let kind = resource.first_id(schemas).gvk.kind;
    Err(Error::of(
        ErrorKind::Refused,
        format!("external plugins disabled; unable to load external plugin '{kind}'"),
    ))
}

/// Where a plugin is written, for the annotations of what it makes or changes.
fn origin_of(resource: &Resource) -> Result<Option<Origin>> {
    Ok(resource.origin()?.map(|origin| Origin {
        repo: origin.repo,
        reference: origin.reference,
        configured_in: origin.path,
        configured_by: Configurer {
            api_version: resource.api_version().to_owned(),
            kind: resource.kind().to_owned(),
            name: resource.name().to_string(),
            namespace: resource.namespace().to_string(),
        },
        path: String::new(),
    }))
}

fn settings(resource: &Resource) -> Result<Value> {
    text::to_value(resource.tree())
}

fn read<T: Decode>(value: Value) -> Result<T> {
    decode::lenient(value)
}

/// Reads a transformer from its object.
pub(crate) fn transformer(resource: &Resource, loader: &Loader<'_>, schemas: &Schemas) -> Result<Loaded> {
    refuse_foreign(resource, schemas)?;
    let origin = origin_of(resource)?;
    let transformer = read_transformer(resource, loader).map_err(|error| {
        if error.text().starts_with("unable to load builtin") {
            error
        } else {
            error.within(format_args!("plugin {} fails configuration", resource.first_id(schemas)))
        }
    })?;
    Ok(Loaded { transformer, origin })
}

fn read_transformer(resource: &Resource, loader: &Loader<'_>) -> Result<Transformer> {
    let value = settings(resource)?;
    let shown = || resource.node.clone().and_then(|node| text::to_yaml(node).ok()).unwrap_or_default();
    Ok(match resource.kind() {
        "LabelTransformer" => Transformer::Labels(read(value)?),
        "AnnotationsTransformer" => Transformer::Annotations(read(value)?),
        "PrefixTransformer" => {
            let with: WithPrefix = read(value)?;
            let specs = with.field_specs.ok_or_else(|| Error::new("fieldSpecs is not expected to be nil"))?;
            Transformer::Affix(metadata::End::Prefix, with.prefix, specs)
        }
        "SuffixTransformer" => {
            let with: WithSuffix = read(value)?;
            let specs = with.field_specs.ok_or_else(|| Error::new("fieldSpecs is not expected to be nil"))?;
            Transformer::Affix(metadata::End::Suffix, with.suffix, specs)
        }
        "PrefixSuffixTransformer" => {
            let with: WithAffixes = read(value)?;
            let specs = with.field_specs.ok_or_else(|| Error::new("fieldSpecs is not expected to be nil"))?;
            Transformer::Affixes(with.prefix, with.suffix, specs)
        }
        "NamespaceTransformer" => {
            let with: WithNamespace =
                read(value).map_err(|error| error.within("unmarshalling NamespaceTransformer config"))?;
            let subjects = namespace::Subjects::parse(&with.subjects)?;
            Transformer::Namespace(with, subjects)
        }
        "ImageTagTransformer" => Transformer::Image(read(value)?),
        "ReplicaCountTransformer" => Transformer::Replica(read(value)?),
        "PatchTransformer" => {
            let with: WithPatch = read(value)?;
            let patch =
                Patch { path: with.path, patch: with.patch, target: with.target, options: with.options };
            Transformer::Patch(patch::prepare(&patch, loader, &shown())?)
        }
        "PatchStrategicMergeTransformer" => {
            let with: WithMerges = read(value)?;
            if with.paths.is_empty() && with.patches.is_empty() {
                fail!("empty file path and empty patch content");
            }
            Transformer::Merges(patch::prepare_legacy_merges(&with.paths, &with.patches, loader)?)
        }
        "PatchJson6902Transformer" => {
            let with: WithOperations = read(value)?;
            Transformer::Operations(patch::prepare_legacy_operations(
                with.target.as_ref(),
                &with.path,
                &with.json_op,
                loader,
            )?)
        }
        "ReplacementTransformer" => {
            let with: WithReplacements = read(value)?;
            Transformer::Replacements(replacement::prepare(&with.replacements, loader)?)
        }
        "ValueAddTransformer" => {
            let mut add: value_add::ValueAdd = read(value)?;
            add.value = add.value.trim().to_owned();
            if add.value.is_empty() {
                let root = loader.shown();
                root.rsplit('/').next().unwrap_or_default().clone_into(&mut add.value);
            }
            if !add.target_file_path.is_empty() {
                let content = loader.load(&add.target_file_path)?;
                let more: value_add::ValueAdd = read(text::yaml_to_record(&content)?)?;
                add.targets.extend(more.targets);
            }
            add.check()?;
            Transformer::ValueAdd(add)
        }
        "HashTransformer" => Transformer::Hash,
        "ConfigMapGenerator" | "SecretGenerator" | "HelmChartInflationGenerator" | "IAMPolicyGenerator" => {
            fail!("plugin {} not a transformer", resource.kind())
        }
        _ => fail!("unable to load builtin {}", resource.gvk()),
    })
}

impl Loaded {
    /// True where what one object holds can reach another one.
    pub(crate) fn is_crossing(&self) -> bool {
        matches!(self.transformer, Transformer::Replacements(_) | Transformer::Hash)
    }

    /// Lets the transformer work.
    pub(crate) fn apply(&self, map: &mut ResMap, schemas: &Schemas, loader: &Loader<'_>) -> Result<()> {
        match &self.transformer {
            Transformer::Labels(with) => {
                metadata::put_entries(map, &with.labels, &to_specs(&with.field_specs), schemas)
            }
            Transformer::Annotations(with) => {
                metadata::put_entries(map, &with.annotations, &to_specs(&with.field_specs), schemas)
            }
            Transformer::Affix(end, text, specs) => {
                metadata::affix(map, *end, text, &to_specs(specs), schemas)
            }
            Transformer::Affixes(prefix, suffix, specs) => {
                let specs = to_specs(specs);
                metadata::affix(map, metadata::End::Prefix, prefix, &specs, schemas)?;
                metadata::affix(map, metadata::End::Suffix, suffix, &specs, schemas)
            }
            Transformer::Namespace(with, subjects) => {
                let specs = to_specs(&with.field_specs);
                let setting = namespace::Setting {
                    namespace: &with.metadata.namespace,
                    specs: &specs,
                    unset_only: with.unset_only,
                    subjects: *subjects,
                };
                namespace::set(map, setting, schemas)
            }
            Transformer::Image(with) => {
                image::set(map, &with.image_tag, &to_specs(&with.field_specs), schemas)
            }
            Transformer::Replica(with) => {
                metadata::replicas(map, &with.replica, &to_specs(&with.field_specs), schemas)
            }
            Transformer::Patch(prepared) => patch::apply(map, prepared, schemas, loader),
            Transformer::Merges(patches) => patch::apply_legacy_merges(map, patches, schemas, loader),
            Transformer::Operations(legacy) => patch::apply_legacy_operations(map, legacy, schemas, loader),
            Transformer::Replacements(list) => replacement::apply(map, list, loader.budget()),
            Transformer::ValueAdd(add) => value_add::apply(map, add, schemas),
            Transformer::Hash => hash::add(map, schemas),
        }
    }
}

/// Runs a generator from its object.
pub(crate) fn run_generator(
    resource: &Resource,
    loader: &Loader<'_>,
    schemas: &Schemas,
    charts: Option<&dyn Charts>,
) -> Result<(ResMap, Option<Origin>)> {
    let told = |error: Error| error.within("failed to load generator");
    refuse_foreign(resource, schemas).map_err(told)?;
    let configured = |error: Error| {
        told(error.within(format_args!("plugin {} fails configuration", resource.first_id(schemas))))
    };
    let origin = origin_of(resource)?;
    let value = settings(resource).map_err(configured)?;
    let map = match resource.kind() {
        "ConfigMapGenerator" => {
            let mut args: GeneratorArgs = read(value).map_err(configured)?;
            take_metadata(&mut args.name, &mut args.namespace, resource);
            ResMap::from_list(vec![generate::generate(&args.into(), loader)?], schemas)?
        }
        "SecretGenerator" => {
            let mut args: SecretArgs = read(value).map_err(configured)?;
            take_metadata(&mut args.name, &mut args.namespace, resource);
            ResMap::from_list(vec![generate::generate(&args.into(), loader)?], schemas)?
        }
        "IAMPolicyGenerator" => identity(&read(value).map_err(configured)?, loader, schemas)?,
        "HelmChartInflationGenerator" => {
            let Some(charts) = charts else {
                return Err(configured(Error::of(ErrorKind::Refused, "must specify --enable-helm")));
            };
            let globals: HelmGlobals = read(value.clone()).map_err(configured)?;
            let mut chart: HelmChart = read(value).map_err(configured)?;
            charts::check(&mut chart, loader).map_err(configured)?;
            charts::generate(charts, &chart, &globals, loader, schemas)?
        }
        kind => {
            if kind.ends_with("Transformer") {
                fail!("failed to load generator: plugin {} not a generator", resource.first_id(schemas));
            }
            fail!("failed to load generator: unable to load builtin {}", resource.gvk());
        }
    };
    Ok((map, origin))
}

/// A generator's object names what it makes in its own metadata.
fn take_metadata(name: &mut String, namespace: &mut String, resource: &Resource) {
    if name.is_empty() {
        *name = resource.name().to_string();
    }
    if namespace.is_empty() {
        *namespace = resource.namespace().to_string();
    }
}

fn identity(with: &WithIdentity, loader: &Loader<'_>, schemas: &Schemas) -> Result<ResMap> {
    if with.cloud != "gke" {
        fail!("cloud provider {} not supported yet", with.cloud);
    }
    let mut body = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  annotations:\n    iam.gke.io/gcp-service-account: \
         {}@{}.iam.gserviceaccount.com\n  name: {}\n",
        with.service_account.name, with.service_account.project_id, with.kubernetes_service.name
    );
    if !with.kubernetes_service.namespace.is_empty() {
        body.push_str(&format!("  namespace: {}\n", with.kubernetes_service.namespace));
    }
    let objects = crate::read::objects(body.as_bytes(), loader.budget())?;
    ResMap::from_list(objects.into_iter().map(Resource::new).collect(), schemas)
}
