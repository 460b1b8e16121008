//! What governs the build itself: configurations, crds, openapi, variables, order, annotations about the build.

use super::{Feature, How};
use crate::draft::{Draft, indent};

pub fn features() -> Vec<Feature> {
    let mut features = vec![
        Feature::does("vars", vars),
        Feature::of("vars", "vars.fieldref"),
        Feature::of("vars", "vars.number"),
        Feature::does("configurations", configurations),
        Feature::does("crds", crds),
        Feature::of("crds", "crds.object-ref"),
        Feature::of("crds", "crds.labels"),
        Feature::of("crds", "crds.annotations"),
        Feature::does("openapi.path", openapi),
        Feature::does("openapi.version", |draft| {
            if draft.layers[0].fields.contains_key("openapi") {
                return false;
            }
            draft.set_block(0, "openapi", "version: v1.21.2\n");
            true
        }),
        Feature::does("sortOptions.legacy", |draft| sort(draft, "order: legacy\n")),
        Feature::does("sortOptions.fifo", |draft| sort(draft, "order: fifo\n")),
        Feature::does("sortOptions.orderFirst", |draft| {
            sort(draft, "order: legacy\nlegacySortOptions:\n  orderFirst:\n  - ConfigMap\n  - Thing\n")
        }),
        Feature::does("sortOptions.orderLast", |draft| {
            sort(
                draft,
                "order: legacy\nlegacySortOptions:\n  orderFirst: []\n  orderLast:\n  - Deployment\n  - Service\n",
            )
        }),
        Feature::does("buildMetadata.managedByLabel", |draft| describe(draft, "managedByLabel")),
        Feature::does("buildMetadata.originAnnotations", |draft| describe(draft, "originAnnotations")),
        Feature::does("buildMetadata.transformerAnnotations", |draft| {
            describe(draft, "transformerAnnotations")
        }),
    ];
    features.extend(AREAS.iter().map(|&(name, _)| Feature { name, how: How::Of("configurations") }));
    features
}

const AREAS: &[(&str, &str)] = &[
    (
        "configurations.namePrefix",
        "namePrefix:\n- path: spec/prefixed\n  kind: Thing\n- path: metadata/name\n",
    ),
    ("configurations.nameSuffix", "nameSuffix:\n- path: spec/owner\n  kind: Thing\n"),
    ("configurations.namespace", "namespace:\n- path: spec/namespace\n  kind: Thing\n  create: true\n"),
    (
        "configurations.commonLabels",
        "commonLabels:\n- path: spec/selector/matchLabels\n  kind: Thing\n  create: true\n",
    ),
    (
        "configurations.labels",
        "labels:\n- path: spec/labels\n  group: example.com\n  kind: Thing\n  create: true\n",
    ),
    (
        "configurations.templateLabels",
        "templateLabels:\n- path: spec/templateLabels\n  kind: Thing\n  create: true\n",
    ),
    (
        "configurations.commonAnnotations",
        "commonAnnotations:\n- path: spec/annotations\n  kind: Thing\n  create: true\n",
    ),
    (
        "configurations.nameReference",
        "nameReference:\n- kind: Secret\n  version: v1\n  fieldSpecs:\n  - path: spec/secretRef/name\n    kind: Thing\n- kind: Thing\n  fieldSpecs:\n  - path: spec/owner\n    kind: Thing\n- kind: ConfigMap\n  fieldSpecs:\n  - path: spec/items/name\n    kind: Thing\n",
    ),
    (
        "configurations.varReference",
        "varReference:\n- path: spec/a\n  kind: Thing\n- path: data/script\n  kind: ConfigMap\n",
    ),
    (
        "configurations.images",
        "images:\n- path: spec/image\n  kind: Thing\n- path: spec/items[]/image\n  kind: Thing\n",
    ),
    ("configurations.replicas", "replicas:\n- path: spec/replicas\n  kind: Thing\n"),
];

fn configurations(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let mut text = String::new();
    for (name, area) in AREAS {
        if draft.option(name) {
            text.push_str(area);
        }
    }
    if text.is_empty() {
        text.push_str(AREAS[1].1);
        draft.mark(AREAS[1].0);
    }
    let file = draft.file(layer, "conf", "yaml", text);
    draft.push(layer, "configurations", file);
    true
}

fn vars(draft: &mut Draft) -> bool {
    let taken = draft.layers.iter().filter(|layer| layer.fields.contains_key("vars")).count();
    if taken > 0 {
        return false;
    }
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let mut entry = format!(
        "name: V1\nobjref:\n  apiVersion: {}\n  kind: {}\n  name: {}\n",
        object.api_version, object.kind, object.name
    );
    if let Some(namespace) = object.namespace
        && draft.dice.chance(70)
    {
        entry.push_str(&format!("  namespace: {namespace}\n"));
    }
    if draft.option("vars.fieldref") {
        entry.push_str(
            draft.dice.pick(&["fieldref:\n  fieldPath: metadata.name\n", "fieldref:\n  fieldpath: kind\n"]),
        );
    }
    draft.push(layer, "vars", entry);
    if draft.option("vars.number")
        && let Some(object) =
            draft.find(layer, |object| object.kind == "Deployment" || object.kind == "Service")
    {
        let path = if object.kind == "Service" {
            "spec.ports[0].port"
        } else {
            "spec.template.spec.containers[0].image"
        };
        draft.push(
            layer,
            "vars",
            format!(
                "name: V2\nobjref:\n  kind: {}\n  apiVersion: {}\n  name: {}\nfieldref:\n  fieldpath: {path}\n",
                object.kind, object.api_version, object.name
            ),
        );
    }
    true
}

fn crds(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let mut properties = String::new();
    if draft.option("crds.object-ref") {
        properties.push_str("\"secretRef\": {\"x-kubernetes-object-ref-api-version\": \"v1\", \"x-kubernetes-object-ref-kind\": \"Secret\", \"$ref\": \"k8s.io/api/core/v1.LocalObjectReference\"},\n");
    }
    if draft.option("crds.labels") {
        properties.push_str("\"selected\": {\"x-kubernetes-label-selector\": \"\", \"type\": \"object\"},\n");
    }
    if draft.option("crds.annotations") {
        properties.push_str("\"annotated\": {\"x-kubernetes-annotation\": \"\", \"type\": \"object\"},\n");
    }
    properties.push_str("\"a\": {\"type\": \"string\"}\n");
    let text = format!(
        "{{\n\"example.com/v1.Thing\": {{\"Schema\": {{\"description\": \"d\", \"properties\": {{\n\"apiVersion\": {{\"type\": \"string\"}}, \"kind\": {{\"type\": \"string\"}}, \"metadata\": {{\"$ref\": \"k8s.io/apimachinery/pkg/apis/meta/v1.ObjectMeta\"}},\n\"spec\": {{\"$ref\": \"example.com/v1.ThingSpec\"}}}}}},\n\"Dependencies\": [\"example.com/v1.ThingSpec\"]}},\n\"example.com/v1.ThingSpec\": {{\"Schema\": {{\"properties\": {{\n{properties}}}}},\n\"Dependencies\": []}}\n}}\n"
    );
    let file = draft.file(layer, "crd", "json", text);
    draft.push(layer, "crds", file);
    true
}

const SCHEMA: &str = r#"{"definitions": {"com.example.v1.Thing": {"type": "object",
"properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
"spec": {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "object"},
"x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}},
"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}]}}}
"#;

fn openapi(draft: &mut Draft) -> bool {
    // Below the built layer a schema has no say, but may stand.
    let is_below = draft.wants("openapi.version") || draft.dice.chance(30);
    let layer = if is_below { draft.layer() } else { 0 };
    if draft.layers[layer].fields.contains_key("openapi") {
        return false;
    }
    let file = draft.file(layer, "schema", "json", SCHEMA);
    draft.set_block(layer, "openapi", format!("path: {file}\n"));
    true
}

fn sort(draft: &mut Draft, text: &str) -> bool {
    let Some(layer) = draft.layer_without("sortOptions") else { return false };
    draft.set_block(layer, "sortOptions", text);
    true
}

fn describe(draft: &mut Draft, option: &str) -> bool {
    draft.push(0, "buildMetadata", option);
    if draft.dice.chance(30) {
        let layer = draft.layer();
        if layer != 0 && !draft.layers[layer].fields.contains_key("buildMetadata") {
            draft.push(layer, "buildMetadata", option);
        }
    }
    true
}

/// A block below a key, for those that build entries out of parts.
pub fn below(key: &str, text: &str) -> String {
    format!("{key}:\n{}", indent(text, 2))
}
