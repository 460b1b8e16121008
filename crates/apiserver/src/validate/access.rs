//! Roles and bindings.

use serde_json::Value;

use super::faults::{Faults, items, text};
use crate::registry::Resource;
use crate::rights::GROUP;
use crate::status::Cause;

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    if resource.group != GROUP {
        return;
    }
    match resource.plural.as_str() {
        "roles" => rules(true, faults),
        "clusterroles" => {
            rules(false, faults);
            let aggregation = &faults.object["aggregationRule"];
            if aggregation.is_object() && items(aggregation, "clusterRoleSelectors").is_empty() {
                let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
                faults.required("aggregationRule.clusterRoleSelectors", why);
            }
            for (index, selector) in items(aggregation, "clusterRoleSelectors").iter().enumerate() {
                let path = format!("aggregationRule.clusterRoleSelectors[{index}]");
                let before = faults.causes.len();
                faults.selector(&path, selector);
                if faults.causes.len() > before {
                    faults.invalid(&path, &Value::Null, "invalid label selector.");
                }
            }
        }
        plural => binding(plural == "clusterrolebindings", live, faults),
    }
}

fn rules(is_namespaced: bool, faults: &mut Faults) {
    for (index, rule) in items(faults.object, "rules").iter().enumerate() {
        let path = format!("rules[{index}]");
        if items(rule, "verbs").is_empty() {
            faults.required(format_args!("{path}.verbs"), "verbs must contain at least one value");
        }
        let urls = items(rule, "nonResourceURLs");
        if !urls.is_empty() {
            let at = format!("{path}.nonResourceURLs");
            let shown = &rule["nonResourceURLs"];
            if is_namespaced {
                faults.invalid(&at, shown, "namespaced rules cannot apply to non-resource URLs");
            } else if ["apiGroups", "resources", "resourceNames"]
                .iter()
                .any(|key| !items(rule, key).is_empty())
            {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                faults.invalid(&at, shown, why);
            }
            continue;
        }
        if items(rule, "apiGroups").is_empty() {
            let why = "resource rules must supply at least one api group";
            faults.required(format_args!("{path}.apiGroups"), why);
        }
        if items(rule, "resources").is_empty() {
            let why = "resource rules must supply at least one resource";
            faults.required(format_args!("{path}.resources"), why);
        }
    }
}

fn binding(is_cluster: bool, live: Option<&Value>, faults: &mut Faults) {
    let reference = &faults.object["roleRef"];
    faults.one_of("roleRef.apiGroup", &reference["apiGroup"], &[GROUP]);
    let kinds: &[&str] = if is_cluster { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    faults.one_of("roleRef.kind", &text(reference, "kind").into(), kinds);
    if text(reference, "name").is_empty() {
        faults.required("roleRef.name", "");
    }
    for (index, subject) in items(faults.object, "subjects").iter().enumerate() {
        let at = |key: &str| format!("subjects[{index}].{key}");
        let name = text(subject, "name");
        if name.is_empty() {
            faults.required(at("name"), "");
        }
        match text(subject, "kind") {
            "ServiceAccount" => {
                if !name.is_empty() {
                    faults.subdomain(at("name"), &subject["name"]);
                }
                faults.one_of(at("apiGroup"), &subject["apiGroup"], &[""]);
                if is_cluster && text(subject, "namespace").is_empty() {
                    faults.required(at("namespace"), "");
                }
            }
            "User" | "Group" => faults.one_of(at("apiGroup"), &subject["apiGroup"], &[GROUP]),
            _ => faults.one_of(at("kind"), &subject["kind"], &["ServiceAccount", "User", "Group"]),
        }
    }
    if live.is_some_and(|live| live["roleRef"] != *reference) {
        let part = |key: &str| Value::from(text(reference, key));
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            part("apiGroup"),
            part("kind"),
            part("name")
        );
        let message = format!("Invalid value: {shown}: cannot change roleRef");
        faults.causes.push(Cause::new("FieldValueInvalid", "roleRef", message));
    }
}
