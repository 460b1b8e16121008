//! Generators, transformers and validators written as objects of the built-in kinds.

use super::patch::{merge, operations, target};
use super::replacement::replacement;
use super::settings::below;
use super::{Feature, generator};
use crate::draft::{Draft, hang, indent, literal};

pub fn features() -> Vec<Feature> {
    vec![
        Feature::anywhere("plugin.inline"),
        Feature::anywhere("plugin.in-folder"),
        Feature::does("plugin.ConfigMapGenerator", |draft| generate(draft, "ConfigMapGenerator")),
        Feature::does("plugin.SecretGenerator", |draft| generate(draft, "SecretGenerator")),
        Feature::does("plugin.IAMPolicyGenerator", identity),
        Feature::does("plugin.PrefixTransformer", |draft| {
            affix(draft, "PrefixTransformer", "prefix: plug-\n")
        }),
        Feature::does("plugin.SuffixTransformer", |draft| {
            affix(draft, "SuffixTransformer", "suffix: -plug\n")
        }),
        Feature::does("plugin.LabelTransformer", |draft| entries(draft, "LabelTransformer", "labels")),
        Feature::does("plugin.AnnotationsTransformer", |draft| {
            entries(draft, "AnnotationsTransformer", "annotations")
        }),
        Feature::does("plugin.NamespaceTransformer", namespace),
        Feature::of("plugin.NamespaceTransformer", "plugin.namespace-unsetOnly"),
        Feature::of("plugin.NamespaceTransformer", "plugin.namespace-subjects"),
        Feature::does("plugin.ImageTagTransformer", |draft| {
            transform(
                draft,
                "ImageTagTransformer",
                "imageTag:\n  name: nginx\n  newTag: plugged\nfieldSpecs:\n- path: spec/template/spec/containers[]/image\n- path: spec/template/spec/initContainers/image\n",
            )
        }),
        Feature::does("plugin.ReplicaCountTransformer", replicas),
        Feature::does("plugin.PatchTransformer", patch),
        Feature::does("plugin.PatchJson6902Transformer", json_patch),
        Feature::does("plugin.PatchStrategicMergeTransformer", merges),
        Feature::does("plugin.ReplacementTransformer", replacements),
        Feature::does("plugin.ValueAddTransformer", value_add),
        Feature::does("plugin.HashTransformer", |draft| transform(draft, "HashTransformer", "")),
        Feature::does("plugin.PrefixSuffixTransformer", |draft| {
            affix(draft, "PrefixSuffixTransformer", "prefix: both-\nsuffix: -both\n")
        }),
        Feature::does("validators", |draft| {
            let layer = draft.layer();
            // A validator must leave everything as it is.
            let text = object(
                draft,
                "LabelTransformer",
                "labels:\n  unused: x\nfieldSpecs:\n- path: no/such/field\n",
            );
            put(draft, layer, "validators", text);
            true
        }),
    ]
}

fn object(draft: &mut Draft, kind: &str, body: &str) -> String {
    format!("apiVersion: builtin\nkind: {kind}\nmetadata:\n  name: plugin{}\n{body}", draft.number())
}

fn transform(draft: &mut Draft, kind: &str, body: &str) -> bool {
    let layer = draft.layer();
    transform_in(draft, layer, kind, body)
}

fn transform_in(draft: &mut Draft, layer: usize, kind: &str, body: &str) -> bool {
    let text = object(draft, kind, body);
    put(draft, layer, "transformers", text);
    true
}

fn put(draft: &mut Draft, layer: usize, field: &'static str, text: String) {
    if draft.rarely("plugin.inline") {
        draft.push(layer, field, literal(&text, 2));
    } else if draft.rarely("plugin.in-folder") {
        let folder = format!("plugins{}", draft.number());
        draft.layers[layer].files.push((format!("{folder}/p.yaml"), text.into_bytes()));
        draft.layers[layer]
            .files
            .push((format!("{folder}/kustomization.yaml"), b"resources:\n- p.yaml\n".to_vec()));
        draft.push(layer, field, folder);
    } else {
        let file = draft.file(layer, "plugin", "yaml", text);
        draft.push(layer, field, file);
    }
}

fn generate(draft: &mut Draft, kind: &str) -> bool {
    let layer = draft.layer();
    let name = format!("made{}", draft.number());
    let mut body = generator::sources(draft, layer);
    if body.is_empty() {
        body.push_str("literals:\n- a=1\n");
    }
    let text = format!("apiVersion: builtin\nkind: {kind}\nmetadata:\n  name: {name}\n{body}");
    put(draft, layer, "generators", text);
    true
}

fn identity(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let name = format!("account{}", draft.number());
    let text = object(
        draft,
        "IAMPolicyGenerator",
        &format!(
            "cloud: gke\nkubernetesService:\n  namespace: ns1\n  name: {name}\nserviceAccount:\n  name: cloud\n  projectId: p1\n"
        ),
    );
    put(draft, layer, "generators", text);
    true
}

fn affix(draft: &mut Draft, kind: &str, body: &str) -> bool {
    let specs = draft.dice.pick(&[
        "fieldSpecs:\n- path: metadata/name\n",
        "fieldSpecs:\n- path: metadata/name\n  kind: Deployment\n- path: metadata/name\n  kind: ConfigMap\n",
        "fieldSpecs:\n- path: metadata/annotations/note\n",
        "fieldSpecs: []\n",
    ]);
    transform(draft, kind, &format!("{body}{specs}"))
}

fn entries(draft: &mut Draft, kind: &str, field: &str) -> bool {
    let specs = draft
        .dice
        .pick(&[
            format!("- path: metadata/{field}\n  create: true\n").as_str(),
            "- path: spec/template/metadata/annotations\n  create: true\n  kind: Deployment\n",
            "- path: spec/selector\n  kind: Service\n",
        ])
        .to_owned();
    let value = draft.dice.pick(&["x", "\"1\"", "\"true\""]).to_owned();
    transform(draft, kind, &format!("{field}:\n  plugged: {value}\n  app: p\nfieldSpecs:\n{specs}"))
}

fn namespace(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let mut body = String::new();
    if draft.option("plugin.namespace-unsetOnly") {
        body.push_str("unsetOnly: true\n");
    }
    if draft.option("plugin.namespace-subjects") {
        body.push_str(draft.dice.pick(&[
            "setRoleBindingSubjects: none\n",
            "setRoleBindingSubjects: allServiceAccounts\n",
            "setRoleBindingSubjects: defaultOnly\n",
        ]));
    }
    body.push_str("fieldSpecs:\n- path: metadata/namespace\n  create: true\n");
    let text = format!(
        "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata:\n  name: plugin{}\n  namespace: plugged\n{body}",
        draft.number()
    );
    put(draft, layer, "transformers", text);
    true
}

fn replicas(draft: &mut Draft) -> bool {
    let found = draft.find_clear(|object| object.kind == "Deployment" && object.api_version == "apps/v1");
    let Some((layer, object)) = found else { return false };
    let body = format!(
        "replica:\n  name: {}\n  count: 9\nfieldSpecs:\n- path: spec/replicas\n  kind: Deployment\n  create: true\n",
        object.name
    );
    transform_in(draft, layer, "ReplicaCountTransformer", &body)
}

fn patch(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let body = if draft.dice.chance(50) {
        let body = merge(draft, &object);
        format!("patch: {}", literal(&body, 2))
    } else {
        let body = operations(draft, &object);
        format!("patch: {}{}", literal(&body, 2), below("target", &target(draft, &object)))
    };
    transform_in(draft, layer, "PatchTransformer", &body)
}

fn json_patch(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let body = operations(draft, &object);
    let group =
        if object.group().is_empty() { String::new() } else { format!("  group: {}\n", object.group()) };
    let namespace =
        object.namespace.map_or_else(String::new, |namespace| format!("  namespace: {namespace}\n"));
    let text = format!(
        "target:\n{group}  version: {}\n  kind: {}\n  name: {}\n{namespace}jsonOp: {}",
        object.version(),
        object.kind,
        object.name,
        literal(&body, 2)
    );
    transform_in(draft, layer, "PatchJson6902Transformer", &text)
}

fn merges(draft: &mut Draft) -> bool {
    let Some((layer, object)) = draft.find_clear(|_| true) else { return false };
    let body = merge(draft, &object);
    let text = if draft.dice.chance(50) {
        let file = draft.file(layer, "merge", "yaml", body);
        format!("paths:\n- {file}\n")
    } else {
        format!("patches: {}", literal(&body, 2))
    };
    transform_in(draft, layer, "PatchStrategicMergeTransformer", &text)
}

fn replacements(draft: &mut Draft) -> bool {
    let Some((layer, entry)) = replacement(draft) else { return false };
    let text = format!("replacements:\n- {}", hang(&entry, 2));
    transform_in(draft, layer, "ReplacementTransformer", &text)
}

fn value_add(draft: &mut Draft) -> bool {
    let layer = draft.layer();
    let Some(object) = draft.find(layer, |_| true) else { return false };
    let select = draft.dice.pick(&["kind", "name"]);
    let chosen = if select == "kind" {
        format!("kind: {}\n", object.kind)
    } else {
        format!("name: {}\n", object.name)
    };
    let path = draft.dice.pick(&["/metadata/annotations/added", "/metadata/name", "/spec/added"]);
    let position = if path == "/metadata/name" { "filePathPosition: 1\n" } else { "" };
    let body = format!(
        "value: added\ntargets:\n- selector:\n{}  fieldPath: {path}\n{}",
        indent(&chosen, 4),
        indent(position, 2)
    );
    transform_in(draft, layer, "ValueAddTransformer", &body)
}
