//! Rendered files into documents: splitting, hooks, and the order in which kinds are installed and uninstalled.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sluice_yaml::json::{Part, from_yaml_parts};

use crate::chart::typed::{At, Typed, field};

pub const HOOK: &str = "helm.sh/hook";
pub const HOOK_WEIGHT: &str = "helm.sh/hook-weight";
pub const HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
pub const HOOK_OUTPUT_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    pub const ALL: [Self; 9] = [
        Self::PreInstall,
        Self::PostInstall,
        Self::PreDelete,
        Self::PostDelete,
        Self::PreUpgrade,
        Self::PostUpgrade,
        Self::PreRollback,
        Self::PostRollback,
        Self::Test,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }

    /// Reads an event name; `test-success` is the old name of `test`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "test-success" {
            return Some(Self::Test);
        }
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

/// A document that is no part of the release proper.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    pub name: String,
    pub kind: String,
    pub path: String,
    pub manifest: String,
    pub events: Vec<HookEvent>,
    pub weight: i64,
    pub delete_policies: Vec<String>,
    pub output_log_policies: Vec<String>,
}

/// One document of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file it came from, `app/templates/x.yaml`.
    pub name: String,
    pub content: String,
    pub api_version: String,
    pub kind: String,
}

/// What a sort gives: hooks, manifests, and remarks on hooks that were left out.
#[derive(Debug, Clone, Default)]
pub struct Sorted {
    pub hooks: Vec<Hook>,
    pub manifests: Vec<Manifest>,
    pub skipped: Vec<String>,
}

/// A file that is no YAML, or no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {path}: {text}")]
pub struct ManifestError {
    pub path: String,
    pub text: String,
}

/// Kinds in the order in which they are installed.
pub const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds in the order in which they are uninstalled.
pub const UNINSTALL_ORDER: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// Known kinds by rank; unknown ones come last, by name.
fn rank<'k>(order: &[&str], kind: &'k str) -> (usize, &'k str) {
    match order.iter().position(|known| *known == kind) {
        Some(rank) => (rank, ""),
        None => (order.len(), kind),
    }
}

/// Splits a text at its `---` lines. Documents of blanks are dropped, leading blanks too.
pub fn split(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut line = 0;
    loop {
        if text[line..].starts_with("---") {
            documents.push(&text[start..line]);
            let after = &text[line + 3..];
            start = text.len() - after.trim_start_matches([' ', '\t']).len();
        }
        match memchr::memchr(b'\n', &text.as_bytes()[line..]) {
            Some(length) => line += length + 1,
            None => break,
        }
    }
    documents.push(&text[start.min(text.len())..]);
    documents.into_iter().map(str::trim_start).filter(|document| !document.is_empty()).collect()
}

/// Heads of documents that were read before, by their text.
#[derive(Debug)]
pub struct Heads {
    known: HashMap<Box<str>, Head, ahash::RandomState>,
    bytes: usize,
    /// The most bytes of documents that are kept.
    limit: usize,
}

impl Default for Heads {
    fn default() -> Self {
        Self { known: HashMap::default(), bytes: 0, limit: 16 << 20 }
    }
}

impl Heads {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self { limit: 0, ..Self::default() }
    }

    fn read(&mut self, document: &str) -> Result<Head, String> {
        if let Some(head) = self.known.get(document) {
            return Ok(head.clone());
        }
        let head = Head::read(document.as_bytes())?;
        if document.len() > self.limit {
            return Ok(head);
        }
        if self.bytes + document.len() > self.limit {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += document.len();
        self.known.insert(document.into(), head.clone());
        Ok(head)
    }
}

/// Sorts rendered files into hooks and manifests; partials and blank files are left out.
pub fn sort(files: &BTreeMap<String, String>, order: &[&str]) -> Result<Sorted, ManifestError> {
    sort_with(files, order, &mut |document| Head::read(document.as_bytes()))
}

/// The same, with documents that may have been read before.
pub fn sort_cached(
    files: &BTreeMap<String, String>,
    order: &[&str],
    heads: &mut Heads,
) -> Result<Sorted, ManifestError> {
    sort_with(files, order, &mut |document| heads.read(document))
}

fn sort_with(
    files: &BTreeMap<String, String>,
    order: &[&str],
    read: &mut dyn FnMut(&str) -> Result<Head, String>,
) -> Result<Sorted, ManifestError> {
    let mut sorted = Sorted::default();
    for (path, content) in files {
        let last = path.rsplit('/').next().unwrap_or(path);
        if last.starts_with('_') {
            continue;
        }
        for document in split(content) {
            let head = read(document).map_err(|text| ManifestError { path: path.clone(), text })?;
            place(&mut sorted, path, document, head);
        }
    }
    sorted.hooks.sort_by(|a, b| rank(order, &a.kind).cmp(&rank(order, &b.kind)));
    sorted.manifests.sort_by(|a, b| rank(order, &a.kind).cmp(&rank(order, &b.kind)));
    Ok(sorted)
}

fn place(sorted: &mut Sorted, path: &str, document: &str, head: Head) {
    let Some(events) = head.annotations.get(HOOK) else {
        sorted.manifests.push(Manifest {
            name: path.to_owned(),
            content: document.to_owned(),
            api_version: head.api_version,
            kind: head.kind,
        });
        return;
    };
    let parsed: Option<Vec<_>> =
        events.split(',').map(|event| HookEvent::parse(&event.trim().to_lowercase())).collect();
    let Some(parsed) = parsed else {
        sorted.skipped.push(format!("skipping unknown hooks hookTypes={events:?}"));
        return;
    };
    let policies = |annotation: &str| {
        let given = head.annotations.get(annotation);
        given.map(|text| text.split(',').map(|one| one.trim().to_lowercase()).collect()).unwrap_or_default()
    };
    sorted.hooks.push(Hook {
        name: head.name.clone(),
        path: path.to_owned(),
        manifest: document.to_owned(),
        events: parsed,
        weight: head.annotations.get(HOOK_WEIGHT).and_then(|weight| weight.parse().ok()).unwrap_or_default(),
        delete_policies: policies(HOOK_DELETE_POLICY),
        output_log_policies: policies(HOOK_OUTPUT_LOG_POLICY),
        kind: head.kind,
    });
}

/// The hooks of one event in the order in which they run.
pub fn hooks_for(hooks: &[Hook], event: HookEvent) -> Vec<&Hook> {
    let mut chosen: Vec<_> = hooks.iter().filter(|hook| hook.events.contains(&event)).collect();
    chosen.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
    chosen
}

/// What a document says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub annotations: BTreeMap<String, String>,
}

const METADATA_TYPE: &str = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

/// All that a head is made of.
const HEAD: Part = Part::Keys(&[
    ("apiVersion", Part::Whole),
    ("kind", Part::Whole),
    ("metadata", Part::Keys(&[("name", Part::Whole), ("annotations", Part::Whole)])),
]);

impl Head {
    pub(crate) fn read(document: &[u8]) -> Result<Self, String> {
        let value = from_yaml_parts(document, HEAD)
            .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
        let mut typed = Typed::default();
        let mut head = Self::default();
        let root = At { owner: "SimpleHead", path: "" };
        for (key, value) in typed.map(&value, root, "util.SimpleHead").into_iter().flatten() {
            let Some(path) = field(&["apiVersion", "kind", "metadata"], key) else { continue };
            let at = At { owner: "SimpleHead", path };
            match path {
                "apiVersion" => head.api_version = typed.string(value, at).unwrap_or(head.api_version),
                "kind" => head.kind = typed.string(value, at).unwrap_or(head.kind),
                _ => head.read_metadata(value, &mut typed),
            }
        }
        typed.finish().map(|()| head)
    }

    fn read_metadata(&mut self, value: &Value, typed: &mut Typed) {
        let at = At { owner: "SimpleHead", path: "metadata" };
        for (key, value) in typed.map(value, at, METADATA_TYPE).into_iter().flatten() {
            match field(&["name", "annotations"], key) {
                Some("name") => {
                    let name = typed.string(value, At { owner: "", path: "metadata.name" });
                    self.name = name.unwrap_or_default();
                }
                Some(_) => {
                    let at = At { owner: "", path: "metadata.annotations" };
                    for (key, value) in typed.map(value, at, "map[string]string").into_iter().flatten() {
                        let text = typed.string(value, at).unwrap_or_default();
                        self.annotations.insert(key.clone(), text);
                    }
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_as_helm_splits_them() {
        for (text, want) in [
            ("a: 1\n---\nb: 2\n", vec!["a: 1\n", "b: 2\n"]),
            ("\n\n---\n---\n  a\n---  \t\n", vec!["a\n"]),
            ("---a: 1", vec!["a: 1"]),
            ("a: |\n  ---\n  b\n", vec!["a: |\n  ---\n  b\n"]),
            ("a\n--- # c\nb", vec!["a\n", "# c\nb"]),
            ("---", vec![]),
            ("", vec![]),
            ("----\n", vec!["-\n"]),
        ] {
            assert_eq!(split(text), want, "{text:?}");
        }
    }

    fn files(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn kinds_are_ordered_and_hooks_kept_apart() {
        let files = files(&[
            ("a/templates/z.yaml", "kind: Service\n---\nkind: Zoo\n---\nkind: Namespace\n"),
            ("a/templates/a.yaml", "kind: Deployment\n---\nkind: Ant\n"),
            ("a/templates/_x.tpl", "kind: [broken"),
            (
                "a/templates/h.yaml",
                "kind: Job\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: Pre-Install, test-success\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded,Before-Hook-Creation\n",
            ),
            ("a/templates/u.yaml", "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: pre-party\n"),
        ]);
        let sorted = sort(&files, INSTALL_ORDER).unwrap();
        let kinds: Vec<_> = sorted.manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "Service", "Deployment", "Ant", "Zoo"]);
        assert_eq!(sorted.hooks.len(), 1);
        let hook = &sorted.hooks[0];
        assert_eq!((hook.name.as_str(), hook.weight), ("h", -5));
        assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::Test]);
        assert_eq!(hook.delete_policies, ["hook-succeeded", "before-hook-creation"]);
        assert_eq!(sorted.skipped, ["skipping unknown hooks hookTypes=\"pre-party\""]);
        let backwards = sort(&files, UNINSTALL_ORDER).unwrap();
        let kinds: Vec<_> = backwards.manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["Service", "Deployment", "Namespace", "Ant", "Zoo"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let error = |text: &str| {
            sort(&files(&[("a/templates/x.yaml", text)]), INSTALL_ORDER).unwrap_err().to_string()
        };
        assert_eq!(
            error("just text"),
            "YAML parse error on a/templates/x.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type util.SimpleHead"
        );
        assert!(
            error("metadata: {name: [1]}")
                .ends_with("cannot unmarshal array into Go struct field .metadata.name of type string")
        );
        assert!(
            error("a: [")
                .starts_with("YAML parse error on a/templates/x.yaml: error converting YAML to JSON: yaml: ")
        );
    }

    #[test]
    fn hooks_run_by_weight_and_name() {
        let hook = |name: &str, weight| Hook {
            name: name.into(),
            kind: "Job".into(),
            path: String::new(),
            manifest: String::new(),
            events: vec![HookEvent::Test],
            weight,
            delete_policies: vec![],
            output_log_policies: vec![],
        };
        let hooks = [hook("b", 0), hook("a", 0), hook("c", -1)];
        let names: Vec<_> =
            hooks_for(&hooks, HookEvent::Test).into_iter().map(|hook| &hook.name[..]).collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert!(hooks_for(&hooks, HookEvent::PreInstall).is_empty());
    }
}
