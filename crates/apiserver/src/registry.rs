//! Which resources are served: the built-in ones and those of CRDs, and the discovery documents about them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::facts::facts;
use crate::schema::{ANY, Schema};

/// A resource in one version.
#[derive(Debug, Clone)]
pub struct Resource {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub kind: String,
    pub list_kind: String,
    pub is_namespaced: bool,
    pub verbs: Vec<String>,
    pub schema: Cow<'static, Schema>,
    /// The version in which objects are kept.
    pub storage_version: String,
    pub is_custom: bool,
    pub subresources: BTreeMap<String, Value>,
    /// Fields of CRDs that field selectors may name, without the leading dot.
    pub selectable: Vec<String>,
    /// `additionalPrinterColumns` of CRDs.
    pub printer_columns: Vec<Value>,
    /// The schema of a CRD as it is written.
    pub written: Option<Arc<Value>>,
}

impl Resource {
    /// `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// The name of the store's table.
    pub fn table(&self) -> String {
        format!("{}/{}", self.group, self.plural)
    }

    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|allowed| allowed == verb)
    }

    pub fn has_status(&self) -> bool {
        self.subresources.contains_key("status")
    }

    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// A group as discovery tells of it: versions in order of preference, each with its documents' rows.
#[derive(Debug, Clone)]
struct Group {
    name: String,
    versions: Vec<(String, Arc<Vec<Value>>)>,
}

/// All that is served.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    groups: Vec<Group>,
    resources: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Registry {
    /// The built-in resources.
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: OnceLock<Arc<Registry>> = OnceLock::new();
        Arc::clone(BUILT_IN.get_or_init(|| Arc::new(Self::recorded())))
    }

    fn recorded() -> Self {
        let mut registry = Registry::default();
        for group in facts().groups() {
            let versions = group.versions.into_iter().map(|v| (v.version, Arc::new(v.resources)));
            let versions: Vec<(String, Arc<Vec<Value>>)> = versions.collect();
            let preferred = versions.first().map(|(version, _)| version.clone()).unwrap_or_default();
            for (version, rows) in &versions {
                for row in rows.iter() {
                    let name = row["name"].as_str().unwrap_or_default();
                    if !name.contains('/') {
                        let resource = built_in(&group.name, version, &preferred, row, rows);
                        let key = (group.name.clone(), version.clone(), name.to_owned());
                        registry.resources.insert(key, Arc::new(resource));
                    }
                }
            }
            registry.groups.push(Group { name: group.name, versions });
        }
        registry
    }

    /// Adds what a CRD serves.
    pub fn add(&mut self, resource: Arc<Resource>, rows: Vec<Value>) {
        let (group, version) = (resource.group.clone(), resource.version.clone());
        let key = (group.clone(), version.clone(), resource.plural.clone());
        self.resources.insert(key, resource);
        let at = match self.groups.iter().position(|known| known.name == group) {
            Some(at) => at,
            None => {
                self.groups.push(Group { name: group, versions: Vec::new() });
                self.groups.len() - 1
            }
        };
        let versions = &mut self.groups[at].versions;
        match versions.iter_mut().find(|(known, _)| *known == version) {
            Some((_, known)) => Arc::make_mut(known).extend(rows),
            None => versions.push((version, Arc::new(rows))),
        }
        versions.sort_by(|(a, _), (b, _)| priority(b).cmp(&priority(a)).then_with(|| a.cmp(b)));
    }

    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.resources.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// One version of each resource that the predicate takes: the preferred one.
    pub fn each(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values().filter(|resource| {
            let group = self.groups.iter().find(|group| group.name == resource.group);
            let first = group.and_then(|group| {
                group
                    .versions
                    .iter()
                    .find(|(version, _)| self.resource(&resource.group, version, &resource.plural).is_some())
            });
            first.is_some_and(|(version, _)| *version == resource.version)
        })
    }

    /// By kind, as owner references name it.
    pub fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.resources.values().find(|r| r.kind == kind && r.api_version() == api_version)
    }

    /// Whether a version of a group is served at all.
    pub fn serves(&self, group: &str, version: &str) -> bool {
        self.groups.iter().any(|g| g.name == group && g.versions.iter().any(|(v, _)| v == version))
    }

    /// The resources of one version.
    pub fn of_version(&self, group: &str, version: &str) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values().filter(move |r| r.group == group && r.version == version)
    }

    /// Everything that is served: `v1`, `apps/v1`.
    pub fn api_versions(&self) -> Vec<String> {
        let groups = self.groups.iter();
        groups.flat_map(|g| g.versions.iter().map(|(version, _)| api_version(&g.name, version))).collect()
    }

    /// `/apis`.
    pub fn group_list(&self) -> Value {
        let groups = self.groups.iter().filter(|group| !group.name.is_empty()).map(group_document);
        json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>() })
    }

    /// `/apis/GROUP`.
    pub fn group(&self, name: &str) -> Option<Value> {
        let group = self.groups.iter().find(|group| group.name == name && !name.is_empty())?;
        let mut document = group_document(group);
        document["kind"] = "APIGroup".into();
        document["apiVersion"] = "v1".into();
        Some(document)
    }

    /// `/api/v1` and `/apis/GROUP/VERSION`.
    pub fn resource_list(&self, group: &str, version: &str) -> Option<Value> {
        let of_group = self.groups.iter().find(|known| known.name == group)?;
        let (_, rows) = of_group.versions.iter().find(|(known, _)| known == version)?;
        let mut rows = Vec::clone(rows);
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.remove("custom");
        }
        let mut list = json!({
            "kind": "APIResourceList", "groupVersion": api_version(group, version), "resources": rows,
        });
        if !group.is_empty() {
            list["apiVersion"] = "v1".into();
        }
        Some(list)
    }

    /// The aggregated document, of the core group or of all others.
    pub fn aggregated(&self, is_core: bool) -> Value {
        let groups = self.groups.iter().filter(|group| group.name.is_empty() == is_core);
        let items = groups.map(|group| {
            let versions = group.versions.iter().map(|(version, rows)| {
                json!({
                    "version": version, "freshness": "Current",
                    "resources": aggregated_rows(&group.name, version, rows),
                })
            });
            let metadata = if is_core { json!({}) } else { json!({ "name": group.name }) };
            json!({ "metadata": metadata, "versions": versions.collect::<Vec<_>>() })
        });
        json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": items.collect::<Vec<_>>(),
        })
    }
}

fn built_in(group: &str, version: &str, preferred: &str, row: &Value, rows: &[Value]) -> Resource {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let (plural, kind) = (text("name"), text("kind"));
    let prefix = format!("{plural}/");
    let subresources = rows.iter().filter_map(|row| {
        let name = row["name"].as_str()?.strip_prefix(&prefix)?;
        Some((name.to_owned(), row.clone()))
    });
    let verbs = row["verbs"].as_array().into_iter().flatten();
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        list_kind: format!("{kind}List"),
        schema: Cow::Borrowed(facts().schema_of(group, version, &kind).unwrap_or(&ANY)),
        is_namespaced: row["namespaced"] == true,
        verbs: verbs.filter_map(Value::as_str).map(str::to_owned).collect(),
        storage_version: preferred.to_owned(),
        is_custom: false,
        subresources: subresources.collect(),
        selectable: Vec::new(),
        printer_columns: Vec::new(),
        written: None,
        plural,
        kind,
    }
}

fn group_document(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, _)| json!({ "groupVersion": api_version(&group.name, version), "version": version }))
        .collect();
    json!({ "name": group.name, "preferredVersion": versions.first(), "versions": versions })
}

fn aggregated_rows(group: &str, version: &str, rows: &[Value]) -> Vec<Value> {
    let kind_of = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        // The real server leaves the group and version of built-in kinds out, unless they are another's.
        let is_custom = row["custom"] == true;
        let group = if is_custom { group } else { text("group") };
        let version = if is_custom { version } else { text("version") };
        json!({ "group": group, "version": version, "kind": text("kind") })
    };
    let mut out: Vec<Value> = Vec::new();
    for row in rows.iter().filter(|row| !row["name"].as_str().unwrap_or_default().contains('/')) {
        let name = row["name"].as_str().unwrap_or_default();
        let mut one = json!({
            "resource": name, "responseKind": kind_of(row), "singularResource": row["singularName"],
            "scope": if row["namespaced"] == true { "Namespaced" } else { "Cluster" }, "verbs": row["verbs"],
        });
        for key in ["shortNames", "categories"] {
            if let Some(value) = row.get(key) {
                one[key] = value.clone();
            }
        }
        let prefix = format!("{name}/");
        let below = rows.iter().filter_map(|row| {
            let name = row["name"].as_str()?.strip_prefix(&prefix)?;
            Some(json!({ "subresource": name, "responseKind": kind_of(row), "verbs": row["verbs"] }))
        });
        let below: Vec<Value> = below.collect();
        if !below.is_empty() {
            one["subresources"] = below.into();
        }
        out.push(one);
    }
    out
}

/// Versions of CRDs by maturity and number: v2, v1, v1beta2, v1alpha1, others.
pub fn priority(version: &str) -> (u8, u64, u64) {
    let parsed = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (major, stage) = (rest[..digits].parse().ok()?, &rest[digits..]);
        if stage.is_empty() {
            return Some((3, major, 0));
        }
        let number = |stage: &str| stage.parse().ok();
        if let Some(minor) = stage.strip_prefix("beta") {
            return Some((2, major, number(minor)?));
        }
        Some((1, major, number(stage.strip_prefix("alpha")?)?))
    };
    parsed().unwrap_or((0, 0, 0))
}
