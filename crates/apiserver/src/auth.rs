//! Who asks, and whether they may: bearer tokens, impersonation, RBAC.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::core::{Core, verb};
use crate::managed::{self, Write};
use crate::path::Target;
use crate::registry::Resource;
use crate::rights::{ADMINISTRATORS, Request, allowed_by, allows};
use crate::status::{About, Cause, Failure};

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user of whom no more is known.
    pub fn new(name: &str, groups: Vec<String>) -> Self {
        User { name: name.to_owned(), groups, ..User::default() }
    }

    /// As reviews tell it.
    fn shown(&self) -> Value {
        let mut shown = json!({ "username": self.name, "groups": self.groups });
        if !self.uid.is_empty() {
            shown["uid"] = self.uid.as_str().into();
        }
        if !self.extra.is_empty() {
            shown["extra"] = json!(self.extra);
        }
        shown
    }
}

/// The user of a request; impersonated where its headers say so and it may.
pub fn identify(core: &Core, call: &Call) -> Result<User, Failure> {
    let token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default().trim();
    // Compared in constant time: how far a guess was right must not show.
    let (given, wanted) = (token.as_bytes(), core.token.as_bytes());
    let differs = given.iter().zip(wanted).fold(0_u8, |found, (a, b)| found | (a ^ b));
    let is_admin = given.len() == wanted.len() && differs == 0 && !token.is_empty();
    let user = if let Some(user) = &call.certificate {
        user.clone()
    } else if is_admin {
        User::new("admin", vec![ADMINISTRATORS.into(), "system:authenticated".into()])
    } else {
        crate::token::read(core, token).ok_or_else(Failure::unauthorized)?.0
    };
    let name = call.header("impersonate-user");
    let uid = call.header("impersonate-uid");
    let values = call.headers.get_all("impersonate-group").iter();
    let mut groups: Vec<String> = values.filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
    let extra = impersonated_extra(call);
    if name.is_empty() {
        if !groups.is_empty() || !uid.is_empty() || !extra.is_empty() {
            let groups: Vec<String> = groups.iter().map(|group| format!("{group:?}")).collect();
            let list = |name: &str, items: &[String]| match items {
                [] => format!("{name}(nil)"),
                items => format!("{name}{{{}}}", items.join(", ")),
            };
            let extra: Vec<String> = extra
                .iter()
                .map(|(key, values)| {
                    let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
                    format!("{key:?}:[]string{{{}}}", values.join(", "))
                })
                .collect();
            return Err(Failure::bad_request(format!(
                "requested &user.DefaultInfo{{Name:\"\", UID:{uid:?}, Groups:{}, Extra:{}}} without impersonating a user name",
                list("[]string", &groups),
                list("map[string][]string", &extra),
            )));
        }
        return Ok(user);
    }
    check_impersonation(core, &user, name, &groups, uid, &extra)?;
    if let Some(account) = name.strip_prefix("system:serviceaccount:")
        && groups.is_empty()
        && let Some((ns, _)) = account.split_once(':')
    {
        groups.push("system:serviceaccounts".into());
        groups.push(format!("system:serviceaccounts:{ns}"));
    }
    let everyone = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
    if !groups.iter().any(|group| group == everyone) {
        groups.push(everyone.into());
    }
    Ok(User { name: name.to_owned(), uid: uid.to_owned(), groups, extra })
}

/// `Impersonate-Extra-KEY`: the key in small letters, and escaped as in an address.
fn impersonated_extra(call: &Call) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &call.headers {
        let Some(key) = name.as_str().strip_prefix("impersonate-extra-") else { continue };
        let Ok(value) = value.to_str() else { continue };
        extra.entry(crate::path::decoded(key)).or_default().push(value.to_owned());
    }
    extra
}

/// Whether the user may act as another.
fn check_impersonation(
    core: &Core,
    user: &User,
    name: &str,
    groups: &[String],
    uid: &str,
    extra: &BTreeMap<String, Vec<String>>,
) -> Result<(), Failure> {
    let (resource, ns, named) =
        match name.strip_prefix("system:serviceaccount:").and_then(|r| r.split_once(':')) {
            Some((ns, account)) => ("serviceaccounts", ns, account),
            None => ("users", "", name),
        };
    const IDENTITY: &str = "authentication.k8s.io";
    let mut wanted = vec![("", resource.to_owned(), ns, named)];
    wanted.extend(groups.iter().map(|group| ("", "groups".to_owned(), "", group.as_str())));
    for (key, values) in extra {
        wanted.extend(values.iter().map(|value| (IDENTITY, format!("userextras/{key}"), "", value.as_str())));
    }
    if !uid.is_empty() {
        wanted.push((IDENTITY, "uids".to_owned(), "", uid));
    }
    for (group, resource, ns, name) in wanted {
        let request =
            Request { verb: "impersonate", group, resource: resource.clone(), ns, name, path: None };
        if !allows(core, user, &request) {
            let place = if ns.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {ns:?}")
            };
            let message = format!(
                "{} {name:?} is forbidden: User {:?} cannot impersonate resource {resource:?} in API group {group:?} {place}",
                qualified(&resource, group),
                user.name
            );
            return Err(Failure::forbidden(About { group, kind: kind_of(&resource), name }, message));
        }
    }
    Ok(())
}

/// Without its subresource.
fn kind_of(resource: &str) -> &str {
    resource.split('/').next().unwrap_or(resource)
}

fn qualified(resource: &str, group: &str) -> String {
    let plural = kind_of(resource);
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

/// Discovery and health are open to all who are known, as `system:discovery` says.
pub fn check_path(core: &Core, user: &User, call: &Call) -> Result<(), Failure> {
    const OPEN: &[&str] = &["/api", "/apis", "/version", "/openapi", "/healthz", "/livez", "/readyz"];
    let path = call.path.as_str();
    let is_open =
        OPEN.iter().any(|open| path == *open || path.strip_prefix(open).is_some_and(|r| r.starts_with('/')));
    let method = call.method.as_str().to_lowercase();
    let request = Request { verb: &method, path: Some(path), ..Request::default() };
    if (is_open && method == "get") || allows(core, user, &request) {
        return Ok(());
    }
    let message = format!("forbidden: User {:?} cannot {method} path {path:?}", user.name);
    Err(Failure::forbidden(About { group: "", kind: "", name: "" }, message))
}

/// Whether the user may do what the call asks.
pub fn check_resource(core: &Core, user: &User, call: &Call, target: &Target) -> Result<(), Failure> {
    let verb = verb(call, target);
    let resource = match &target.subresource {
        Some(subresource) => format!("{}/{subresource}", target.resource),
        None => target.resource.clone(),
    };
    // A namespace itself is read with rights inside of it.
    let inside =
        (target.group.is_empty() && target.resource == "namespaces").then_some(target.name.as_deref());
    let ns = target.ns.as_deref().or(inside.flatten()).unwrap_or_default();
    let name = target.name.as_deref().unwrap_or_default();
    let request = Request { verb, group: &target.group, resource: resource.clone(), ns, name, path: None };
    // Everyone may ask about themselves, as `system:basic-user` says.
    let is_own =
        verb == "create" && target.resource.starts_with("selfsubject") && user.name != "system:anonymous";
    if is_own || allows(core, user, &request) {
        return Ok(());
    }
    let about = About { group: &target.group, kind: &target.resource, name };
    let place =
        if ns.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace {ns:?}") };
    let qualified = if target.group.is_empty() {
        target.resource.clone()
    } else {
        format!("{}.{}", target.resource, target.group)
    };
    let named = if name.is_empty() { String::new() } else { format!(" {name:?}") };
    let message = format!(
        "{qualified}{named} is forbidden: User {:?} cannot {verb} resource {resource:?} in API group {:?} {place}",
        user.name, target.group
    );
    Err(Failure::forbidden(about, message))
}

/// Kinds that are questions about rights or identity.
pub fn is_review(resource: &Resource) -> bool {
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        (
            "authorization.k8s.io",
            "selfsubjectaccessreviews"
                | "subjectaccessreviews"
                | "localsubjectaccessreviews"
                | "selfsubjectrulesreviews"
        ) | ("authentication.k8s.io", "selfsubjectreviews" | "tokenreviews")
    )
}

/// Answers such a question.
pub fn review(
    core: &Core,
    call: &Call,
    resource: &Resource,
    target: &Target,
    user: &User,
) -> Result<Answer, Failure> {
    let mut object = call.object(&resource.kind)?;
    object["kind"] = resource.kind.as_str().into();
    object["apiVersion"] = resource.api_version().into();
    crate::keep::metadata(&mut object);
    if resource.plural == "selfsubjectreviews" {
        object["metadata"]["creationTimestamp"] = core.now().into();
        object["status"] = json!({ "userInfo": user.shown() });
        return Ok(Answer::json(201, &object));
    }
    if resource.plural == "selfsubjectrulesreviews" {
        object["status"] = rules_review(core, user, object["spec"]["namespace"].as_str().unwrap_or_default());
        // What was asked is not told again.
        object["spec"] = json!({});
        return Ok(Answer::json(201, &object));
    }
    if resource.plural == "tokenreviews" {
        object["metadata"]["creationTimestamp"] = Value::Null;
        object["status"] =
            match crate::token::read(core, object["spec"]["token"].as_str().unwrap_or_default()) {
                Some((user, audiences)) => json!({
                    "authenticated": true, "audiences": audiences,
                    "user": user.shown(),
                }),
                None => json!({ "user": {}, "error": "invalid bearer token" }),
            };
        return Ok(Answer::json(201, &object));
    }
    check_access_review(resource, &object["spec"])?;
    let by = Write {
        manager: &call.manager(),
        version: &resource.api_version(),
        subresource: "",
        time: &core.now(),
        schema: &resource.schema,
        reset: &["status"],
    };
    managed::updated(&by, None, &mut object);
    let spec = &object["spec"];
    let asked = if resource.plural == "selfsubjectaccessreviews" {
        user.clone()
    } else {
        let groups = spec["groups"].as_array().into_iter().flatten();
        let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
        User::new(spec["user"].as_str().unwrap_or_default(), groups)
    };
    let of = &spec["resourceAttributes"];
    let text = |key: &str| of[key].as_str().unwrap_or_default();
    let request = if of.is_object() {
        let sub = text("subresource");
        Request {
            verb: text("verb"),
            group: text("group"),
            resource: if sub.is_empty() {
                text("resource").to_owned()
            } else {
                format!("{}/{sub}", text("resource"))
            },
            ns: target.ns.as_deref().unwrap_or(text("namespace")),
            name: text("name"),
            path: None,
        }
    } else {
        let of = &spec["nonResourceAttributes"];
        Request {
            verb: of["verb"].as_str().unwrap_or_default(),
            path: Some(of["path"].as_str().unwrap_or_default()),
            ..Request::default()
        }
    };
    let reason = allowed_by(core, &asked, &request);
    object["status"] = json!({ "allowed": reason.is_some() });
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        object["status"]["reason"] = reason.into();
    }
    Ok(Answer::json(201, &object))
}

/// A question about rights names who and what.
fn check_access_review(resource: &Resource, spec: &Value) -> Result<(), Failure> {
    let about = About { group: &resource.group, kind: "", name: "" };
    let refused = |field: &str, shown: &Value, why: &str| {
        Err(Failure::invalid(about, &[Cause::invalid(field, shown, why)]))
    };
    if resource.plural != "selfsubjectaccessreviews"
        && spec["user"].as_str().unwrap_or_default().is_empty()
        && spec["groups"].as_array().is_none_or(Vec::is_empty)
    {
        return refused("spec.user", &"".into(), "at least one of user or group must be specified");
    }
    let both = !spec["resourceAttributes"].is_null() && !spec["nonResourceAttributes"].is_null();
    if both {
        let why = "cannot be specified in combination with resourceAttributes";
        return refused("spec.nonResourceAttributes", &spec["nonResourceAttributes"], why);
    }
    if spec["resourceAttributes"].is_null() && spec["nonResourceAttributes"].is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return refused("spec.resourceAttributes", &Value::Null, why);
    }
    Ok(())
}

/// All that a user may do in a namespace.
fn rules_review(core: &Core, user: &User, ns: &str) -> Value {
    let mut rules = core.rights().rules_of(user, ns);
    if user.groups.iter().any(|group| group == ADMINISTRATORS) {
        for all in [
            json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }),
            json!({ "verbs": ["*"], "nonResourceURLs": ["*"] }),
        ] {
            if !rules.contains(&all) {
                rules.push(all);
            }
        }
    }
    let (paths, resources): (Vec<Value>, Vec<Value>) =
        rules.into_iter().partition(|rule| rule["nonResourceURLs"].is_array());
    json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false })
}
