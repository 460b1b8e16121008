//! Nobody hands out rights that they do not have: roles and bindings are checked against their writer's own rules.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::auth::User;
use crate::call::Call;
use crate::core::Core;
use crate::registry::Resource;
use crate::rights::{self, GROUP, Request};
use crate::status::{About, Failure};

/// Checks a role or a binding that is about to be written.
pub fn check(
    core: &Core,
    call: &Call,
    resource: &Resource,
    live: Option<&Value>,
    object: &Value,
) -> Result<(), Failure> {
    if resource.group != GROUP {
        return Ok(());
    }
    let Some(user) = call.user.get() else { return Ok(()) };
    let is_role = resource.plural.ends_with("roles");
    let unchanged = live.is_some_and(|live| {
        let keys: &[&str] = if is_role { &["rules", "aggregationRule"] } else { &["roleRef", "subjects"] };
        keys.iter().all(|key| live[*key] == object[*key])
    });
    if unchanged || user.groups.iter().any(|group| group == rights::ADMINISTRATORS) {
        return Ok(());
    }
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    let (name, ns) = (text("name"), text("namespace"));
    let (verb, about_role, rules) = if is_role {
        ("escalate", (resource.plural.as_str(), name), object["rules"].clone())
    } else {
        let role = object["roleRef"]["name"].as_str().unwrap_or_default();
        let is_cluster = object["roleRef"]["kind"] == "ClusterRole";
        let plural = if is_cluster { "clusterroles" } else { "roles" };
        let key = (if is_cluster { String::new() } else { ns.to_owned() }, role.to_owned());
        let found = core.store.read(&format!("{GROUP}/{plural}"), &key);
        ("bind", (plural, role), found.map_or(Value::Null, |stored| stored.value()["rules"].take()))
    };
    let may =
        Request { verb, group: GROUP, resource: about_role.0.to_owned(), ns, name: about_role.1, path: None };
    if rights::allows(core, user, &may) {
        return Ok(());
    }
    let missing = missing(core, user, ns, &rules);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let message = format!(
        "{}.{GROUP} {name:?} is forbidden: user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        resource.plural,
        user.name,
        groups.join(" "),
        missing.join("\n"),
    );
    Err(Failure::forbidden(About { group: GROUP, kind: &resource.plural, name }, message))
}

/// What of these rules the user does not hold, each as a line.
fn missing(core: &Core, user: &User, ns: &str, rules: &Value) -> Vec<String> {
    let held = core.rights().rules_of(user, ns);
    let list = |rule: &Value, key: &str| -> Vec<String> {
        let values = rule[key].as_array().into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let has = |rule: &Value, key: &str, wanted: &str| {
        rule[key].as_array().into_iter().flatten().any(|value| value == "*" || value == wanted)
    };
    // Verbs by what they are for.
    let mut found: BTreeMap<(String, String, String, String), Vec<String>> = BTreeMap::new();
    for rule in rules.as_array().into_iter().flatten() {
        let mut names = list(rule, "resourceNames");
        if names.is_empty() {
            names.push(String::new());
        }
        for verb in list(rule, "verbs") {
            for url in list(rule, "nonResourceURLs") {
                let is_held = held.iter().any(|rule| {
                    let fits = |pattern: &str| {
                        pattern == url
                            || pattern.strip_suffix('*').is_some_and(|prefix| url.starts_with(prefix))
                    };
                    has(rule, "verbs", &verb)
                        && list(rule, "nonResourceURLs").iter().any(|pattern| fits(pattern))
                });
                if !is_held {
                    found
                        .entry((url, String::new(), String::new(), String::new()))
                        .or_default()
                        .push(verb.clone());
                }
            }
            for group in list(rule, "apiGroups") {
                for resource in list(rule, "resources") {
                    for name in &names {
                        let is_held = held.iter().any(|rule| {
                            let of = list(rule, "resourceNames");
                            has(rule, "verbs", &verb)
                                && has(rule, "apiGroups", &group)
                                && has(rule, "resources", &resource)
                                && (of.is_empty() || of.contains(name))
                        });
                        if !is_held {
                            let key = (String::new(), group.clone(), resource.clone(), name.clone());
                            found.entry(key).or_default().push(verb.clone());
                        }
                    }
                }
            }
        }
    }
    let lines = found.into_iter().map(|((url, group, resource, name), mut verbs)| {
        verbs.dedup();
        let verbs: Vec<String> = verbs.iter().map(|verb| format!("{verb:?}")).collect();
        let verbs = verbs.join(" ");
        if !url.is_empty() {
            return format!("{{NonResourceURLs:[{url:?}], Verbs:[{verbs}]}}");
        }
        let names = if name.is_empty() { String::new() } else { format!(", ResourceNames:[{name:?}]") };
        format!("{{APIGroups:[{group:?}], Resources:[{resource:?}]{names}, Verbs:[{verbs}]}}")
    });
    lines.collect()
}
