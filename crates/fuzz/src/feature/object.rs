//! Objects without pods, one feature a kind, and what any object may have.

use super::{Feature, scalar, workload};
use crate::draft::{Draft, Known, indent};

/// The last feature that adds objects.
pub const LAST_OF_OBJECTS: &str = "object.cronjob";

pub fn features() -> Vec<Feature> {
    vec![
        Feature::anywhere("object.namespace"),
        Feature::anywhere("object.namespace-default"),
        Feature::anywhere("object.labels"),
        Feature::anywhere("object.annotations"),
        Feature::anywhere("object.same-name"),
        Feature::anywhere("object.status"),
        Feature::anywhere("object.local-config"),
        Feature::of("object.secret", "object.needs-hash"),
        Feature::anywhere("object.null-maps"),
        Feature::of("object.odd", "object.empty-collections"),
        Feature::anywhere("object.comments"),
        Feature::of("object.role", "object.flow-style"),
        Feature::of("object.odd", "object.anchors"),
        Feature::of("object.odd", "object.merge-keys"),
        Feature::of("object.odd", "object.indented-lists"),
        Feature::of("object.odd", "object.odd-keys"),
        Feature::does("object.configmap", |draft| add(draft, "v1", "ConfigMap", configmap)),
        Feature::does("object.secret", |draft| add(draft, "v1", "Secret", secret)),
        Feature::does("object.odd", |draft| add(draft, "example.com/v1", "Thing", odd)),
        Feature::does("object.service", |draft| add(draft, "v1", "Service", service)),
        Feature::does("object.serviceaccount", |draft| add(draft, "v1", "ServiceAccount", service_account)),
        Feature::does("object.namespace-kind", |draft| add(draft, "v1", "Namespace", |_, _| String::new())),
        Feature::does("object.pvc", |draft| add(draft, "v1", "PersistentVolumeClaim", claim)),
        Feature::does("object.pv", |draft| add(draft, "v1", "PersistentVolume", volume)),
        Feature::does("object.role", |draft| add(draft, "rbac.authorization.k8s.io/v1", "Role", role)),
        Feature::does("object.clusterrole", |draft| {
            add(draft, "rbac.authorization.k8s.io/v1", "ClusterRole", role)
        }),
        Feature::does("object.rolebinding", |draft| {
            add(draft, "rbac.authorization.k8s.io/v1", "RoleBinding", |draft, _| binding(draft, "Role"))
        }),
        Feature::does("object.clusterrolebinding", |draft| {
            add(draft, "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", |draft, _| {
                binding(draft, "ClusterRole")
            })
        }),
        Feature::does("object.ingress", |draft| add(draft, "networking.k8s.io/v1", "Ingress", ingress)),
        Feature::does("object.networkpolicy", |draft| {
            add(draft, "networking.k8s.io/v1", "NetworkPolicy", network_policy)
        }),
        Feature::does("object.pdb", |draft| add(draft, "policy/v1", "PodDisruptionBudget", budget)),
        Feature::does("object.hpa", |draft| add(draft, "autoscaling/v2", "HorizontalPodAutoscaler", scaler)),
        Feature::does("object.storageclass", |draft| {
            add(draft, "storage.k8s.io/v1", "StorageClass", |_, _| "provisioner: x\n".to_owned())
        }),
        Feature::does("object.crd", |draft| {
            add(draft, "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition)
        }),
        Feature::does("object.validating-webhook", |draft| {
            add(draft, "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhook)
        }),
        Feature::does("object.mutating-webhook", |draft| {
            add(draft, "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", webhook)
        }),
        Feature::does("object.apiservice", |draft| {
            add(draft, "apiregistration.k8s.io/v1", "APIService", |draft, _| {
                let name = draft.name_of("Service", &["web", "other"]);
                format!("spec:\n  service:\n    name: {name}\n    namespace: {}\n", "ns1")
            })
        }),
    ]
}

/// No tree is without objects.
pub fn ensure_some(draft: &mut Draft) {
    for layer in 0..draft.layers.len() {
        let is_leaf = !draft.layers.iter().any(|other| other.parents.contains(&layer));
        let has_none = draft.layers[layer].documents.is_empty();
        if has_none && (is_leaf && !draft.layers[layer].is_component || draft.objects.is_empty()) {
            add_to(draft, layer, "v1", "ConfigMap", configmap);
            draft.mark("object.configmap");
        }
    }
    if !draft.objects.iter().any(|object| object.pod.is_some()) && draft.dice.chance(60) {
        workload::deployment(draft);
        draft.mark("object.deployment");
    }
}

pub fn add(
    draft: &mut Draft,
    api_version: &'static str,
    kind: &'static str,
    body: fn(&mut Draft, &str) -> String,
) -> bool {
    let layer = draft.layer();
    add_to(draft, layer, api_version, kind, body);
    true
}

pub fn add_to(
    draft: &mut Draft,
    layer: usize,
    api_version: &'static str,
    kind: &'static str,
    body: fn(&mut Draft, &str) -> String,
) {
    let (name, namespace) = identity(draft, kind);
    let metadata = metadata(draft, &name, namespace);
    let body = body(draft, &name);
    place(draft, layer, (api_version, kind, None), (name, namespace), &metadata, &body);
}

/// A name that no object of the kind has, and maybe a namespace.
pub fn identity(draft: &mut Draft, kind: &str) -> (String, Option<&'static str>) {
    let others: Vec<String> = draft
        .objects
        .iter()
        .filter(|object| object.kind != kind)
        .map(|object| object.name.clone())
        .filter(|name| !draft.objects.iter().any(|object| object.kind == kind && object.name == *name))
        .collect();
    let name = if !others.is_empty() && draft.rarely("object.same-name") {
        others[draft.dice.below(others.len())].clone()
    } else {
        format!("{}{}", draft.dice.pick(&["web", "db", "api-", "x.y-"]), draft.number())
    };
    let is_cluster_wide = matches!(
        kind,
        "Namespace"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "PersistentVolume"
            | "StorageClass"
            | "APIService"
    ) || kind.ends_with("WebhookConfiguration")
        || kind.ends_with("Definition");
    let namespace = if is_cluster_wide {
        None
    } else if draft.rarely("object.namespace") {
        Some(draft.dice.pick(&["ns1", "ns2"]))
    } else if draft.rarely("object.namespace-default") {
        Some("default")
    } else {
        None
    };
    (name, namespace)
}

pub fn metadata(draft: &mut Draft, name: &str, namespace: Option<&str>) -> String {
    let mut text = format!("  name: {name}\n");
    if let Some(namespace) = namespace {
        text.push_str(&format!("  namespace: {namespace}\n"));
    }
    let mut labels = String::new();
    if draft.option("object.labels") || draft.dice.chance(30) {
        labels.push_str(&format!("    app: {}\n", draft.dice.pick(&["web", "\"1\"", "db"])));
        if draft.dice.chance(30) {
            labels.push_str("    tier: back\n");
        }
    }
    if !labels.is_empty() {
        text.push_str(&format!("  labels:\n{labels}"));
    } else if draft.rarely("object.null-maps") {
        text.push_str("  labels:\n");
    }
    let mut annotations = String::new();
    if draft.option("object.annotations") {
        annotations.push_str(&format!("    note: {}\n", draft.dice.pick(&["n1", "\"2\"", "'three'"])));
    }
    if draft.rarely("object.local-config") && draft.dice.chance(40) {
        annotations.push_str("    config.kubernetes.io/local-config: \"true\"\n");
    }
    if !annotations.is_empty() {
        text.push_str(&format!("  annotations:\n{annotations}"));
    } else if draft.rarely("object.null-maps") {
        text.push_str("  annotations: null\n");
    }
    text
}

pub fn place(
    draft: &mut Draft,
    layer: usize,
    (api_version, kind, pod): (&'static str, &'static str, Option<&'static str>),
    (name, namespace): (String, Option<&'static str>),
    metadata: &str,
    body: &str,
) {
    let mut text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n{metadata}{body}");
    if draft.rarely("object.status") {
        text.push_str("status:\n  phase: Done\n  conditions: []\n");
    }
    draft.layers[layer].documents.push(text);
    draft.objects.push(Known { layer, api_version, kind, name, namespace, pod });
}

fn configmap(draft: &mut Draft, _: &str) -> String {
    let mut text = "data:\n".to_owned();
    for key in ["k", "conf.yaml", "b"].into_iter().take(1 + draft.dice.below(3)) {
        let value = scalar::text(draft);
        text.push_str(&format!("  {key}: {value}\n"));
    }
    if draft.dice.chance(30) {
        text.push_str("  script: |\n    line one $(V1)\n    line two\n");
    }
    text
}

fn secret(draft: &mut Draft, _: &str) -> String {
    let kind = draft.dice.pick(&["Opaque", "kubernetes.io/tls"]);
    let field = draft.dice.pick(&["data", "stringData"]);
    let text = format!("type: {kind}\n{field}:\n  k: YQ==\n  l: \"Yg==\"\n");
    if draft.rarely("object.needs-hash") {
        return text + "immutable: true\n";
    }
    text
}

/// A kind that no schema knows, with values of every sort.
fn odd(draft: &mut Draft, name: &str) -> String {
    let mut text = "spec:\n".to_owned();
    for key in ["a", "b", "c", "d"].into_iter().take(1 + draft.dice.below(4)) {
        let value = scalar::value(draft, 2);
        text.push_str(&format!("  {key}: {value}\n"));
    }
    if draft.rarely("object.odd-keys") {
        text.push_str("  \"2\": two\n  yes: on\n  a/b.c: d\n  'null': x\n  \"<<\": gone\n");
    }
    if draft.rarely("object.empty-collections") {
        text.push_str("  none: {}\n  nobody: []\n  nothing: null\n");
    }
    if draft.rarely("object.anchors") {
        text.push_str("  first: &x {p: 1, q: [r]}\n  again: *x\n");
    }
    if draft.rarely("object.merge-keys") {
        text.push_str("  ground: &g\n    m: 1\n    n: 2\n  above:\n    <<: *g\n    n: 3\n");
    }
    let secret = draft.name_of("Secret", &["sec1", "none"]);
    let spread = if draft.rarely("object.indented-lists") { "  " } else { "" };
    text.push_str(&format!(
        "  secretRef:\n    name: {secret}\n  owner: {name}\n  replicas: 2\n  image: app:v1\n  items:\n"
    ));
    for item in ["one", "two"] {
        let value = scalar::value(draft, 4 + spread.len());
        text.push_str(&indent(&format!("- name: {item}\n  v: {value}\n"), 2 + spread.len()));
    }
    text
}

fn service(draft: &mut Draft, _: &str) -> String {
    let mut text = "spec:\n  selector:\n    app: web\n  ports:\n".to_owned();
    for (port, name) in [(80, "http"), (443, "https")].into_iter().take(1 + draft.dice.below(2)) {
        text.push_str(&format!("  - port: {port}\n    name: {name}\n    targetPort: {}\n", port + 8000));
        if draft.dice.chance(50) {
            text.push_str("    protocol: TCP\n");
        }
    }
    text
}

fn service_account(draft: &mut Draft, _: &str) -> String {
    let secret = draft.name_of("Secret", &["sec1", "sec2"]);
    match draft.dice.below(3) {
        0 => format!("imagePullSecrets:\n- name: {secret}\n"),
        1 => format!("secrets:\n- name: {secret}\n- name: other\n"),
        _ => String::new(),
    }
}

fn claim(draft: &mut Draft, _: &str) -> String {
    let class = draft.name_of("StorageClass", &["fast"]);
    let volume = draft.name_of("PersistentVolume", &["disk"]);
    format!(
        "spec:\n  storageClassName: {class}\n  volumeName: {volume}\n  accessModes: [ReadWriteOnce]\n  resources:\n    \
         requests:\n      storage: 1Gi\n"
    )
}

fn volume(draft: &mut Draft, _: &str) -> String {
    let claim = draft.name_of("PersistentVolumeClaim", &["claim"]);
    let secret = draft.name_of("Secret", &["sec1"]);
    format!(
        "spec:\n  capacity:\n    storage: 1Gi\n  claimRef:\n    name: {claim}\n    namespace: ns1\n  rbd:\n    secretRef:\n      name: {secret}\n"
    )
}

fn role(draft: &mut Draft, _: &str) -> String {
    let configmap = draft.name_of("ConfigMap", &["cfg1", "cfg2"]);
    let secret = draft.name_of("Secret", &["sec1"]);
    let flow = draft.rarely("object.flow-style");
    if flow {
        return format!(
            "rules:\n- {{apiGroups: [\"\"], resources: [configmaps], resourceNames: [{configmap}, {secret}], verbs: [get]}}\n"
        );
    }
    format!(
        "rules:\n- apiGroups:\n  - \"\"\n  resources:\n  - secrets\n  resourceNames:\n  - {secret}\n  - nobody\n  verbs: ['*']\n"
    )
}

fn binding(draft: &mut Draft, kind: &str) -> String {
    let role = draft.name_of(kind, &["admin"]);
    let account = draft.name_of("ServiceAccount", &["default", "runner"]);
    let namespace =
        draft.dice.pick(&["\n  namespace: ns1", "\n  namespace: default", "", "\n  namespace: ns3"]);
    let mut text = format!(
        "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {role}\nsubjects:\n- kind: ServiceAccount\n  name: {account}{namespace}\n"
    );
    if draft.dice.chance(40) {
        text.push_str("- kind: User\n  name: jo\n- kind: ServiceAccount\n  name: default\n");
    }
    text
}

fn ingress(draft: &mut Draft, _: &str) -> String {
    let service = draft.name_of("Service", &["web", "front"]);
    let secret = draft.name_of("Secret", &["sec1", "tls"]);
    format!(
        "spec:\n  tls:\n  - secretName: {secret}\n    hosts: [a.example.com]\n  defaultBackend:\n    service:\n      name: {service}\n  rules:\n  - host: $(V1).example.com\n    http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: {service}\n            port:\n              number: 80\n"
    )
}

fn network_policy(draft: &mut Draft, _: &str) -> String {
    let empty = if draft.rarely("object.empty-collections") { "  - {}\n" } else { "" };
    format!(
        "spec:\n  podSelector:\n    matchLabels:\n      app: web\n  ingress:\n  - from:\n    - podSelector:\n        matchLabels:\n          app: db\n    - namespaceSelector: {{}}\n{empty}  egress:\n  - to:\n    - podSelector:\n        matchLabels: {{app: api}}\n"
    )
}

fn budget(_: &mut Draft, _: &str) -> String {
    "spec:\n  minAvailable: 1\n  selector:\n    matchLabels:\n      app: web\n".to_owned()
}

fn scaler(draft: &mut Draft, _: &str) -> String {
    let kind = draft.dice.pick(&["Deployment", "StatefulSet"]);
    let target = draft.name_of(kind, &["web", "none"]);
    format!(
        "spec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: {kind}\n    name: {target}\n  minReplicas: 1\n  maxReplicas: 5\n"
    )
}

fn definition(draft: &mut Draft, _: &str) -> String {
    let service = draft.name_of("Service", &["hook"]);
    format!(
        "spec:\n  group: example.com\n  names:\n    kind: Thing\n    plural: things\n  scope: Namespaced\n  conversion:\n    strategy: Webhook\n    webhook:\n      clientConfig:\n        service:\n          name: {service}\n          namespace: ns1\n"
    )
}

fn webhook(draft: &mut Draft, _: &str) -> String {
    let service = draft.name_of("Service", &["hook"]);
    let namespace = draft.dice.pick(&["ns1", "default"]);
    format!(
        "webhooks:\n- name: a.example.com\n  clientConfig:\n    service:\n      name: {service}\n      namespace: {namespace}\n      path: /x\n- name: b.example.com\n  clientConfig:\n    url: https://example.com\n"
    )
}
