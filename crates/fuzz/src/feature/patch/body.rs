//! What patches say: pieces of objects with directives, and lists of operations.

use crate::draft::{Draft, Known, indent};
use crate::feature::scalar;

pub const MERGES: &[&str] = &[
    "merge.delete-object",
    "merge.delete-key",
    "merge.delete-item",
    "merge.replace-map",
    "merge.replace-list",
    "merge.merge-directive",
    "merge.primitive-list",
    "merge.element-order",
    "merge.delete-from-primitive-list",
    "merge.retain-keys",
    "merge.odd-values",
    "merge.comments",
    "merge.ports",
    "merge.new-container",
    "merge.volumes",
    "merge.unnamed-list",
    "merge.empty-map",
    "merge.metadata",
];

pub const OPERATIONS: &[&str] = &[
    "operations.add",
    "operations.append",
    "operations.insert",
    "operations.remove",
    "operations.replace",
    "operations.move",
    "operations.copy",
    "operations.test",
    "operations.escaped-path",
    "operations.json",
    "operations.object-value",
    "operations.odd-values",
];

/// A strategic merge patch for an object.
pub fn merge(draft: &mut Draft, object: &Known) -> String {
    let mut text = format!("apiVersion: {}\nkind: {}\n", object.api_version, object.kind);
    text.push_str(&format!("metadata:\n  name: {}\n", object.name));
    if let Some(namespace) = object.namespace {
        text.push_str(&format!("  namespace: {namespace}\n"));
    }
    if draft.rarely("merge.delete-object") && draft.dice.chance(40) {
        return text + "$patch: delete\n";
    }
    if draft.rarely("merge.delete-from-primitive-list") {
        text.push_str(
            "  finalizers: [a.example.com/x]\n  $deleteFromPrimitiveList/finalizers: [b.example.com/y]\n",
        );
    }
    if draft.rarely("merge.metadata") {
        text.push_str("  labels:\n    patched: \"yes\"\n    app: null\n  annotations:\n    note: patched\n");
    } else if draft.rarely("merge.merge-directive") {
        text.push_str("  labels:\n    $patch: merge\n    more: x\n");
    } else if draft.rarely("merge.replace-map") {
        text.push_str("  labels:\n    $patch: replace\n    only: this\n");
    } else if draft.rarely("merge.delete-key") {
        text.push_str("  labels: null\n");
    }
    if draft.rarely("merge.comments") {
        text = format!("# of the patch\n{text}# before the body\n");
    }
    match object.pod {
        Some(path) => text.push_str(&in_pod(draft, path)),
        None => text.push_str(&without_pod(draft, object)),
    }
    text
}

fn in_pod(draft: &mut Draft, path: &str) -> String {
    let mut spec = String::new();
    if draft.rarely("merge.retain-keys") {
        spec.push_str("$retainKeys:\n- containers\n- volumes\n");
    }
    if draft.rarely("merge.element-order") {
        spec.push_str("$setElementOrder/containers:\n- name: side\n- name: main\n");
    }
    spec.push_str(&containers(draft));
    if draft.rarely("merge.volumes") {
        spec.push_str(
            "volumes:\n- name: conf\n  emptyDir: {}\n- name: more\n  secret:\n    secretName: sec1\n",
        );
        if draft.rarely("merge.delete-item") {
            spec.push_str("- name: hidden\n  $patch: delete\n");
        }
    }
    if draft.rarely("merge.unnamed-list") {
        spec.push_str("tolerations:\n- key: patched\n");
    }
    if draft.rarely("merge.empty-map") {
        spec.push_str("securityContext: {}\naffinity: {}\n");
    }
    let mut text = String::new();
    for (depth, part) in path.split('.').enumerate() {
        text.push_str(&format!("{}{part}:\n", "  ".repeat(depth)));
    }
    text + &indent(&spec, 2 * path.split('.').count())
}

fn containers(draft: &mut Draft) -> String {
    if draft.rarely("merge.replace-list") && draft.dice.chance(50) {
        return "containers:\n- $patch: replace\n- name: main\n  image: replaced:1\n".to_owned();
    }
    let mut text = "containers:\n".to_owned();
    if draft.rarely("merge.new-container") {
        text.push_str("- name: fresh\n  image: nginx:fresh\n");
    }
    text.push_str("- name: main\n");
    let mut body = String::new();
    if draft.dice.chance(40) {
        body.push_str("image: app:patched\n");
    }
    if draft.dice.chance(50) {
        let value = if draft.rarely("merge.odd-values") { scalar::text(draft) } else { "patched".to_owned() };
        body.push_str(&format!("env:\n- name: A\n  value: {value}\n- name: Z\n  value: last\n"));
        if draft.rarely("merge.delete-item") {
            body.push_str("- name: B\n  $patch: delete\n");
        }
    }
    if draft.rarely("merge.primitive-list") {
        body.push_str("args: [patched]\ncommand:\n- all\n- new\n");
    } else if draft.rarely("merge.delete-key") {
        body.push_str("args: null\nresources: null\n");
    }
    if draft.rarely("merge.ports") {
        body.push_str(draft.dice.pick(&[
            "ports:\n- containerPort: 80\n  name: patched\n",
            "ports:\n- containerPort: 53\n  protocol: UDP\n  name: dns\n",
            "ports:\n- containerPort: 443\n  protocol: TCP\n  hostPort: 1\n- containerPort: 9\n",
        ]));
    }
    if draft.rarely("merge.volumes") {
        body.push_str(
            "volumeMounts:\n- mountPath: /conf\n  name: hidden\n- mountPath: /more\n  name: conf\n",
        );
    }
    if draft.rarely("merge.empty-map") {
        body.push_str("securityContext: {}\n");
    }
    if !body.contains("resources:") && draft.rarely("merge.replace-map") {
        body.push_str("resources:\n  $patch: replace\n  limits: {cpu: 2}\n");
    }
    text + &indent(&body, 2)
}

fn without_pod(draft: &mut Draft, object: &Known) -> String {
    let odd = if draft.rarely("merge.odd-values") { scalar::text(draft) } else { "patched".to_owned() };
    match object.kind {
        "ConfigMap" => {
            let mut text = format!("data:\n  k: {odd}\n  fresh: new\n");
            if draft.rarely("merge.delete-key") {
                text.push_str("  conf.yaml: null\n");
            } else if draft.rarely("merge.replace-map") {
                text.push_str("  $patch: replace\n");
            }
            text
        }
        "Secret" => "data:\n  k: cGF0Y2hlZA==\n".to_owned(),
        "Service" => {
            if draft.rarely("merge.ports") {
                "spec:\n  ports:\n  - port: 80\n    nodePort: 30080\n  - port: 81\n    name: more\n"
                    .to_owned()
            } else {
                "spec:\n  type: NodePort\n  selector:\n    more: x\n".to_owned()
            }
        }
        "Thing" => {
            let value =
                if draft.rarely("merge.odd-values") { scalar::value(draft, 2) } else { "patched".to_owned() };
            let mut text = format!("spec:\n  a: {value}\n  fresh:\n    deep: [1, 2]\n");
            if draft.rarely("merge.unnamed-list") {
                text.push_str("  items:\n  - name: two\n    w: added\n  - name: three\n");
            }
            if draft.rarely("merge.delete-key") {
                text.push_str("  b: null\n");
            }
            if draft.rarely("merge.empty-map") {
                text.push_str("  c: {}\n  none: {}\n");
            }
            text
        }
        "ServiceAccount" => "imagePullSecrets:\n- name: patched\n".to_owned(),
        "Role" | "ClusterRole" => {
            "rules:\n- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [list]\n".to_owned()
        }
        "Ingress" => "spec:\n  ingressClassName: patched\n  tls: []\n".to_owned(),
        _ => String::new(),
    }
}

/// Operations that fit to the object.
pub fn operations(draft: &mut Draft, object: &Known) -> String {
    let mut list: Vec<(&str, String, String)> = Vec::new();
    let mut add = |operation: &'static str, path: &str, rest: &str| {
        list.push((operation, path.to_owned(), rest.to_owned()));
    };
    if draft.rarely("operations.test") {
        add("test", "/kind", &format!("value: {}", object.kind));
    }
    add("add", "/metadata/annotations", "value: {by: operation, gone: \"1\"}");
    if draft.option("operations.add") {
        add("add", "/metadata/annotations/added", "value: \"1\"");
    }
    if draft.rarely("operations.escaped-path") {
        add("add", "/metadata/annotations/example.com~1a~0b", "value: escaped");
    }
    if draft.rarely("operations.copy") {
        add("copy", "/metadata/annotations/copied", "from: /metadata/name");
    }
    if draft.rarely("operations.move") {
        add("move", "/metadata/annotations/moved", "from: /metadata/annotations/by");
    }
    if draft.rarely("operations.remove") {
        add("remove", "/metadata/annotations/gone", "");
    }
    if draft.rarely("operations.object-value") {
        add("add", "/spec2", "value: {a: [1, two, 3.0, true, null], b: {c: d}}");
    }
    let odd = draft.dice.pick(&[
        "5",
        "1.0",
        "true",
        "null",
        "\"null\"",
        "'1'",
        "1e3",
        "\"two\\nlines\"",
        "0x1F",
        "é",
        "yes",
    ]);
    if draft.rarely("operations.odd-values") {
        add("add", "/odd", &format!("value: {odd}"));
    }
    if let Some(path) = object.pod {
        let path = path.replace('.', "/");
        if draft.rarely("operations.replace") {
            add("replace", &format!("/{path}/containers/0/image"), "value: replaced:1");
        }
        if draft.rarely("operations.append") {
            add("add", &format!("/{path}/containers/-"), "value: {name: appended, image: nginx}");
        }
        if draft.rarely("operations.insert") {
            add("add", &format!("/{path}/containers/0"), "value: {name: inserted, image: nginx}");
        }
    }
    if object.kind == "Thing" {
        if draft.rarely("operations.replace") {
            add("replace", "/spec/items/1/name", "value: replaced");
        }
        if draft.rarely("operations.append") {
            add("add", "/spec/items/-", "value: {name: appended}");
        }
        if draft.rarely("operations.insert") {
            add("add", "/spec/items/1", "value: inserted");
        }
    }
    if draft.rarely("operations.json") {
        return as_json(&list);
    }
    let mut text = String::new();
    for (operation, path, rest) in list {
        text.push_str(&format!("- op: {operation}\n  path: {path}\n"));
        if !rest.is_empty() {
            text.push_str(&format!("  {rest}\n"));
        }
    }
    text
}

fn as_json(list: &[(&str, String, String)]) -> String {
    let mut lines = Vec::new();
    for (operation, path, rest) in list {
        let rest = match rest.split_once(": ") {
            Some(("from", from)) => format!(", \"from\": \"{from}\""),
            Some((_, value)) if value.starts_with("{by") => {
                ", \"value\": {\"by\": \"operation\", \"gone\": \"1\"}".to_owned()
            }
            Some((_, value)) if value.starts_with("{name: appended") => {
                ", \"value\": {\"name\": \"appended\", \"image\": \"nginx\"}".to_owned()
            }
            Some((_, value)) if value.starts_with('{') => {
                ", \"value\": {\"z\": [1, 2.50, null], \"a\": {}}".to_owned()
            }
            Some((_, value))
                if value.starts_with('"') || matches!(value, "5" | "1.0" | "true" | "null" | "1e3") =>
            {
                format!(", \"value\": {value}")
            }
            Some((_, value)) => format!(", \"value\": \"{}\"", value.trim_matches('\'')),
            None => String::new(),
        };
        lines.push(format!("  {{\"op\": \"{operation}\", \"path\": \"{path}\"{rest}}}"));
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}
