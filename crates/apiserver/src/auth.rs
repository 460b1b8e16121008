//! Who asks, and whether they may: bearer tokens, impersonation, RBAC.

use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::core::{Core, verb};
use crate::path::Target;
use crate::registry::Resource;
use crate::status::{About, Failure};

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMINISTRATORS: &str = "system:masters";

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct User {
    pub name: String,
    pub groups: Vec<String>,
}

/// What they want to do.
#[derive(Debug, Clone, Default)]
struct Request<'a> {
    verb: &'a str,
    group: &'a str,
    /// With its subresource.
    resource: String,
    ns: &'a str,
    name: &'a str,
    /// A path that is no resource.
    path: Option<&'a str>,
}

/// The user of a request; impersonated where its headers say so and it may.
pub fn identify(core: &Core, call: &Call) -> Result<User, Failure> {
    let token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default().trim();
    // Compared in constant time: how far a guess was right must not show.
    let (given, wanted) = (token.as_bytes(), core.token.as_bytes());
    let differs = given.iter().zip(wanted).fold(0_u8, |found, (a, b)| found | (a ^ b));
    if given.len() != wanted.len() || differs != 0 || token.is_empty() {
        return Err(Failure::unauthorized());
    }
    let user =
        User { name: "admin".into(), groups: vec![ADMINISTRATORS.into(), "system:authenticated".into()] };
    let name = call.header("impersonate-user");
    let values = call.headers.get_all("impersonate-group").iter();
    let mut groups: Vec<String> = values.filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
    if name.is_empty() {
        if !groups.is_empty() {
            return Err(Failure::internal("requested [{Group}] without impersonating a user"));
        }
        return Ok(user);
    }
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
    Ok(User { name: name.to_owned(), groups })
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
    let is_own = verb == "create" && target.resource.starts_with("selfsubject");
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

/// By cluster-wide bindings, then by those of the namespace.
fn allows(core: &Core, user: &User, request: &Request) -> bool {
    if user.groups.iter().any(|group| group == ADMINISTRATORS) {
        return true;
    }
    let read = |table: &str, ns: &str, name: &str| {
        let key = (ns.to_owned(), name.to_owned());
        core.store.read(&format!("{RBAC}/{table}"), &key).map(|stored| stored.value())
    };
    let grants = |binding: &Value, ns: &str| {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        if !subjects.into_iter().any(|subject| is_subject(subject, user, ns)) {
            return false;
        }
        let name = binding["roleRef"]["name"].as_str().unwrap_or_default();
        let role = match binding["roleRef"]["kind"].as_str() {
            Some("ClusterRole") => read("clusterroles", "", name),
            Some("Role") => read("roles", ns, name),
            _ => None,
        };
        let rules = role.iter().flat_map(|role| role["rules"].as_array().into_iter().flatten());
        rules.into_iter().any(|rule| covers(rule, request))
    };
    let listed = |table: &str, ns: Option<&str>| core.store.list(&format!("{RBAC}/{table}"), ns).objects;
    listed("clusterrolebindings", None).iter().any(|binding| grants(&binding.value(), ""))
        || (!request.ns.is_empty()
            && listed("rolebindings", Some(request.ns))
                .iter()
                .any(|binding| grants(&binding.value(), request.ns)))
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

/// Kinds that are questions about rights or identity.
pub fn is_review(resource: &Resource) -> bool {
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        (
            "authorization.k8s.io",
            "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews"
        ) | ("authentication.k8s.io", "selfsubjectreviews")
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
        object["status"] = json!({ "userInfo": { "username": user.name, "groups": user.groups } });
        return Ok(Answer::json(201, &object));
    }
    let spec = &object["spec"];
    let asked = if resource.plural == "selfsubjectaccessreviews" {
        user.clone()
    } else {
        let groups = spec["groups"].as_array().into_iter().flatten();
        User {
            name: spec["user"].as_str().unwrap_or_default().to_owned(),
            groups: groups.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
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
    let allowed = allows(core, &asked, &request);
    object["status"] = json!({ "allowed": allowed });
    Ok(Answer::json(201, &object))
}
