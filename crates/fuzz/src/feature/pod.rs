//! What a pod's spec may have, above all names of other objects.

use super::{Feature, scalar};
use crate::draft::{Draft, indent};

pub fn features() -> Vec<Feature> {
    [
        "pod.env",
        "pod.env-from",
        "pod.env-value-from",
        "pod.env-number",
        "pod.args",
        "pod.ports",
        "pod.ports-same-number",
        "pod.resources",
        "pod.probes",
        "pod.init-containers",
        "pod.second-container",
        "pod.volume-configmap",
        "pod.volume-secret",
        "pod.volume-projected",
        "pod.volume-claim",
        "pod.volume-mounts",
        "pod.service-account",
        "pod.pull-secrets",
        "pod.affinity",
        "pod.topology-spread",
        "pod.image-digest",
        "pod.image-registry",
        "pod.tolerations",
    ]
    .into_iter()
    .map(|name| Feature::of("object.deployment", name))
    .collect()
}

pub fn spec(draft: &mut Draft) -> String {
    let mut text = String::new();
    if draft.rarely("pod.service-account") {
        let account = draft.name_of("ServiceAccount", &["default", "runner"]);
        text.push_str(&format!("serviceAccountName: {account}\n"));
    }
    if draft.rarely("pod.pull-secrets") {
        let secret = draft.name_of("Secret", &["sec1", "pull"]);
        text.push_str(&format!("imagePullSecrets:\n- name: {secret}\n"));
    }
    if draft.rarely("pod.init-containers") {
        text.push_str(&format!("initContainers:\n{}", container(draft, "prepare")));
    }
    text.push_str(&format!("containers:\n{}", container(draft, "main")));
    if draft.rarely("pod.second-container") {
        text.push_str(&container(draft, "side"));
    }
    text.push_str(&volumes(draft));
    if draft.rarely("pod.affinity") {
        text.push_str("affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n    - weight: 1\n      podAffinityTerm:\n        topologyKey: host\n        labelSelector:\n          matchLabels:\n            app: web\n    requiredDuringSchedulingIgnoredDuringExecution:\n    - topologyKey: host\n      labelSelector:\n        matchLabels:\n          app: web\n");
    }
    if draft.rarely("pod.topology-spread") {
        text.push_str("topologySpreadConstraints:\n- maxSkew: 1\n  topologyKey: zone\n  whenUnsatisfiable: DoNotSchedule\n  labelSelector:\n    matchLabels:\n      app: web\n");
    }
    if draft.rarely("pod.tolerations") {
        text.push_str("tolerations:\n- key: a\n  operator: Exists\n- key: b\n  value: \"1\"\n");
    }
    text
}

fn volumes(draft: &mut Draft) -> String {
    let mut text = String::new();
    if draft.rarely("pod.volume-configmap") {
        let name = draft.name_of("ConfigMap", &["cfg1", "cfg2"]);
        text.push_str(&format!("- name: conf\n  configMap:\n    name: {name}\n"));
    }
    if draft.rarely("pod.volume-secret") {
        let name = draft.name_of("Secret", &["sec1", "sec2"]);
        text.push_str(&format!("- name: hidden\n  secret:\n    secretName: {name}\n"));
    }
    if draft.rarely("pod.volume-projected") {
        let name = draft.name_of("ConfigMap", &["cfg1", "cfg2"]);
        let secret = draft.name_of("Secret", &["sec1", "sec2"]);
        text.push_str(&format!(
            "- name: both\n  projected:\n    sources:\n    - configMap:\n        name: {name}\n    - secret:\n        name: {secret}\n"
        ));
    }
    if draft.rarely("pod.volume-claim") {
        let name = draft.name_of("PersistentVolumeClaim", &["claim"]);
        text.push_str(&format!("- name: disk\n  persistentVolumeClaim:\n    claimName: {name}\n"));
    }
    if text.is_empty() { text } else { format!("volumes:\n{text}") }
}

fn image(draft: &mut Draft) -> &'static str {
    if draft.rarely("pod.image-digest") {
        return draft.dice.pick(&["nginx@sha256:abc", "nginx:1@sha256:def"]);
    }
    if draft.rarely("pod.image-registry") {
        return draft.dice.pick(&[
            "host:5000/x/y:1",
            "example.com/nginx",
            "localhost/app:v1",
            "example.com:443/app",
        ]);
    }
    draft.dice.pick(&["nginx", "nginx:1.25", "app:v1", "busybox", "\"quoted:1\"", "$(V1)"])
}

fn container(draft: &mut Draft, name: &str) -> String {
    let mut text = format!("name: {name}\nimage: {}\n", image(draft));
    if draft.rarely("pod.args") {
        let value = scalar::text(draft);
        text.push_str(&format!(
            "command: [run, {value}]\nargs:\n- --x=$(V1)\n- $(V2)\n- $$(V1)\n- $(NOBODY)\n"
        ));
    }
    text.push_str(&environment(draft));
    if draft.rarely("pod.ports") {
        text.push_str("ports:\n- containerPort: 80\n  name: http\n");
        if draft.dice.chance(50) {
            text.push_str("- containerPort: 443\n  protocol: TCP\n");
        }
        if draft.rarely("pod.ports-same-number") {
            text.push_str("- containerPort: 80\n  protocol: UDP\n");
        }
    } else if draft.rarely("pod.ports-same-number") {
        text.push_str("ports:\n- containerPort: 53\n  protocol: TCP\n- containerPort: 53\n  protocol: UDP\n");
    }
    if draft.rarely("pod.resources") {
        text.push_str("resources:\n  limits: {cpu: 1, memory: 1Gi}\n  requests:\n    cpu: 100m\n");
    }
    if draft.rarely("pod.probes") {
        text.push_str("livenessProbe:\n  httpGet:\n    path: /\n    port: 80\n  periodSeconds: 0o12\n");
    }
    if draft.rarely("pod.volume-mounts") {
        text.push_str(
            "volumeMounts:\n- name: conf\n  mountPath: /conf\n- name: hidden\n  mountPath: /hidden/\n",
        );
    }
    format!("- {}", indent(&text, 2).trim_start())
}

fn environment(draft: &mut Draft) -> String {
    let mut text = String::new();
    if draft.rarely("pod.env") {
        let value = scalar::text(draft);
        text.push_str(&format!("- name: A\n  value: {value}\n- name: B\n  value: $(V1)\n"));
    }
    if draft.rarely("pod.env-number") {
        text.push_str("- name: N\n  value: 5\n- name: T\n  value: true\n");
    }
    if draft.rarely("pod.env-value-from") {
        let name = draft.name_of("ConfigMap", &["cfg1", "cfg2"]);
        let secret = draft.name_of("Secret", &["sec1", "sec2"]);
        text.push_str(&format!(
            "- name: C\n  valueFrom:\n    configMapKeyRef:\n      name: {name}\n      key: k\n- name: D\n  valueFrom:\n    secretKeyRef: {{name: {secret}, key: l}}\n"
        ));
    }
    if !text.is_empty() {
        text = format!("env:\n{text}");
    }
    if draft.rarely("pod.env-from") {
        let name = draft.name_of("ConfigMap", &["cfg1", "cfg2"]);
        let secret = draft.name_of("Secret", &["sec1", "sec2"]);
        text.push_str(&format!(
            "envFrom:\n- configMapRef:\n    name: {name}\n- secretRef:\n    name: {secret}\n"
        ));
    }
    text
}
