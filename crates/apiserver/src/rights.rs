//! RBAC: who may do what, by bindings and roles, which are kept parsed until one of them changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::auth::User;
use crate::core::Core;

pub const GROUP: &str = "rbac.authorization.k8s.io";
pub const ADMINISTRATORS: &str = "system:masters";
const TABLES: [&str; 4] = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];
/// How often an aggregated role is made anew when others write it too.
const ATTEMPTS: usize = 8;

/// What somebody wants to do.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    /// With its subresource.
    pub resource: String,
    pub ns: &'a str,
    pub name: &'a str,
    /// A path that is no resource.
    pub path: Option<&'a str>,
}

/// All roles and bindings as they were at one revision.
#[derive(Debug, Default)]
pub struct Rights {
    revision: u64,
    /// By namespace (empty for ClusterRoles) and name: the rules.
    roles: BTreeMap<(String, String), Value>,
    /// By namespace, empty for ClusterRoleBindings.
    bindings: BTreeMap<String, Vec<Value>>,
}

fn table(name: &str) -> String {
    format!("{GROUP}/{name}")
}

impl Rights {
    /// The rights as they are now; the old ones where nothing has changed.
    pub fn current(core: &Core, known: &Arc<Rights>) -> Arc<Rights> {
        let revision = core.store.last_change(&TABLES.map(table));
        if known.revision == revision {
            return Arc::clone(known);
        }
        let mut rights = Rights { revision, ..Rights::default() };
        for name in TABLES {
            for stored in core.store.list(&table(name), None).objects {
                let mut object = stored.value();
                let (ns, own) = stored.key.clone();
                if name.ends_with("roles") {
                    rights.roles.insert((ns, own), object["rules"].take());
                } else {
                    rights.bindings.entry(ns).or_default().push(object);
                }
            }
        }
        Arc::new(rights)
    }

    /// The binding by which a user has a rule, cluster-wide or in a namespace, that is what is looked for.
    fn any_rule(&self, user: &User, ns: &str, mut is_it: impl FnMut(&Value) -> bool) -> Option<String> {
        let empty = Vec::new();
        let here = if ns.is_empty() { &empty } else { self.bindings.get(ns).unwrap_or(&empty) };
        let everywhere = self.bindings.get("").unwrap_or(&empty).iter().map(|binding| (binding, ""));
        everywhere.chain(here.iter().map(|binding| (binding, ns))).find_map(|(binding, of)| {
            let mut subjects = binding["subjects"].as_array().into_iter().flatten();
            let subject = subjects.find(|subject| is_subject(subject, user, of))?;
            let name = binding["roleRef"]["name"].as_str().unwrap_or_default().to_owned();
            let role = match binding["roleRef"]["kind"].as_str() {
                Some("ClusterRole") => (String::new(), name),
                _ => (of.to_owned(), name),
            };
            let rules = self.roles.get(&role).and_then(Value::as_array);
            rules.into_iter().flatten().any(&mut is_it).then(|| said(binding, subject, of))
        })
    }

    /// All rules that a user has in a namespace.
    pub fn rules_of(&self, user: &User, ns: &str) -> Vec<Value> {
        let mut rules = Vec::new();
        let _ = self.any_rule(user, ns, |rule| {
            rules.push(rule.clone());
            false
        });
        rules
    }
}

/// Whether RBAC lets a user do something.
pub fn allows(core: &Core, user: &User, request: &Request) -> bool {
    allowed_by(core, user, request).is_some()
}

/// By which binding RBAC lets a user do something; administrators need none.
pub fn allowed_by(core: &Core, user: &User, request: &Request) -> Option<String> {
    if user.groups.iter().any(|group| group == ADMINISTRATORS) {
        return Some(String::new());
    }
    core.rights().any_rule(user, request.ns, |rule| covers(rule, request))
}

/// As the real server tells why somebody may do something.
fn said(binding: &Value, subject: &Value, ns: &str) -> String {
    let (text, role) = (|value: &Value| value.as_str().unwrap_or_default().to_owned(), &binding["roleRef"]);
    let name = text(&binding["metadata"]["name"]);
    let (kind, name) =
        if ns.is_empty() { ("ClusterRoleBinding", name) } else { ("RoleBinding", format!("{name}/{ns}")) };
    let of = text(&subject["namespace"]);
    let who = text(&subject["name"]);
    let who = if subject["kind"] == "ServiceAccount" {
        format!("{who}/{}", if of.is_empty() { ns } else { of.as_str() })
    } else {
        who
    };
    format!(
        "RBAC: allowed by {kind} {name:?} of {} {:?} to {} {who:?}",
        text(&role["kind"]),
        text(&role["name"]),
        text(&subject["kind"])
    )
}

fn is_subject(subject: &Value, user: &User, ns: &str) -> bool {
    let text = |key: &str| subject[key].as_str().unwrap_or_default();
    match text("kind") {
        "User" => text("name") == user.name,
        "Group" => user.groups.iter().any(|group| group == text("name")),
        "ServiceAccount" => {
            let of = if text("namespace").is_empty() { ns } else { text("namespace") };
            user.name == format!("system:serviceaccount:{of}:{}", text("name"))
        }
        _ => false,
    }
}

fn covers(rule: &Value, request: &Request) -> bool {
    let has = |key: &str, wanted: &str| {
        let mut values = rule[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        values.any(|value| value == "*" || value == wanted)
    };
    if !has("verbs", request.verb) {
        return false;
    }
    if let Some(path) = request.path {
        let mut patterns = rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        return patterns.any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == pattern,
        });
    }
    let names = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    let sub = request.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    has("apiGroups", request.group)
        && (has("resources", &request.resource) || sub.is_some_and(|sub| has("resources", &sub)))
        && names.is_none_or(|names| names.iter().any(|name| name == request.name))
}

/// Roles that are made of others are made anew: one of those has changed.
pub fn aggregate(core: &Core) {
    let table = table("clusterroles");
    let roles: Vec<Value> =
        core.store.list(&table, None).objects.iter().map(|stored| stored.value()).collect();
    for role in roles.iter().filter(|role| role["aggregationRule"].is_object()) {
        let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array();
        let is_part = |other: &&Value| {
            let labels = &other["metadata"]["labels"];
            other["metadata"]["name"] != role["metadata"]["name"]
                && selectors.into_iter().flatten().any(|selector| {
                    let wanted = selector["matchLabels"].as_object().filter(|wanted| !wanted.is_empty());
                    wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
                })
        };
        let mut rules: Vec<Value> = Vec::new();
        for rule in
            roles.iter().filter(is_part).flat_map(|part| part["rules"].as_array().into_iter().flatten())
        {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        let key = (String::new(), role["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        for _attempt in 0..ATTEMPTS {
            let Some(stored) = core.store.read(&table, &key) else { break };
            let mut object = stored.value();
            if object["rules"] == json!(rules) {
                break;
            }
            object["rules"] = json!(rules);
            if core.store.write(&table, &key, Some(stored.revision), object).is_ok() {
                break;
            }
        }
    }
}
