//! Answers that are no object: `Status`, with the texts of the real server.

use serde_json::{Value, json};

/// A failed request.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Value>,
    /// Where a list that has come too late goes on.
    pub resume: Option<String>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Cause {
    /// `Invalid value: "x": why`.
    pub fn invalid(field: &str, value: &Value, why: &str) -> Self {
        let shown = if value.is_null() { "null".to_owned() } else { value.to_string() };
        Self::new("FieldValueInvalid", field, format!("Invalid value: {shown}: {why}"))
    }

    /// `Required value: why`.
    pub fn required(field: &str, why: &str) -> Self {
        let colon = if why.is_empty() { "" } else { ": " };
        Self::new("FieldValueRequired", field, format!("Required value{colon}{why}"))
    }

    /// `Unsupported value: "x": supported values: "a", "b"`.
    pub fn unsupported(field: &str, value: &Value, allowed: &[String]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("{value:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", allowed.join(", "));
        Self::new("FieldValueNotSupported", field, message)
    }

    pub fn new(reason: &'static str, field: &str, message: String) -> Self {
        Cause { reason, message, field: field.to_owned() }
    }
}

/// The name under which details speak of a resource.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub group: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
}

impl About<'_> {
    fn details(&self) -> Value {
        let mut details = json!({});
        for (key, value) in [("name", self.name), ("group", self.group), ("kind", self.kind)] {
            if !value.is_empty() {
                details[key] = value.into();
            }
        }
        details
    }

    /// `deployments.apps`.
    fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: String, details: Option<Value>) -> Self {
        Failure { code, reason, message, details, resume: None }
    }

    pub fn not_found(about: About) -> Self {
        let message = format!("{} {:?} not found", about.qualified(), about.name);
        Self::new(404, "NotFound", message, Some(about.details()))
    }

    /// A path under a served version that leads to nothing.
    pub fn no_resource() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::new(404, "NotFound", message, Some(json!({})))
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub fn already_exists(about: About) -> Self {
        let message = format!("{} {:?} already exists", about.qualified(), about.name);
        Self::new(409, "AlreadyExists", message, Some(about.details()))
    }

    pub fn conflict(about: About, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {:?}: {why}", about.qualified(), about.name);
        Self::new(409, "Conflict", message, Some(about.details()))
    }

    pub fn modified(about: About) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(about, why)
    }

    /// `causes`: reason, message, field.
    pub fn invalid(about: About, causes: &[Cause]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for cause in causes {
            let text = format!("{}: {}", cause.field, cause.message);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let all = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let mut details = about.details();
        details["causes"] = causes.iter().map(Cause::to_value).collect();
        let message = format!("{} {:?} is invalid: {all}", about.qualified(), about.name);
        Self::new(422, "Invalid", message, Some(details))
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into(), None)
    }

    /// An error that the real server gives no reason.
    pub fn plain(message: String) -> Self {
        Self::new(500, "", message, None)
    }

    pub fn unsupported_patch_type() -> Self {
        let message = "415: Unsupported Media Type".to_owned();
        Self::new(415, "UnsupportedMediaType", message, Some(json!({})))
    }

    pub fn unsupported_body_type() -> Self {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";
        Self::new(415, "UnsupportedMediaType", message.to_owned(), None)
    }

    pub fn too_large() -> Self {
        let message = "Request entity too large: limit is 3145728".to_owned();
        Self::new(413, "RequestEntityTooLarge", message, Some(json!({})))
    }

    pub fn not_acceptable(message: String, details: Option<Value>) -> Self {
        Self::new(406, "NotAcceptable", message, details)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized".to_owned(), None)
    }

    pub fn forbidden(about: About, message: String) -> Self {
        Self::new(403, "Forbidden", message, Some(about.details()))
    }

    /// A PodDisruptionBudget wants all that there are.
    pub fn too_many_disruptions(budget: &str, desired: i64, healthy: i64) -> Self {
        let why = format!(
            "The disruption budget {budget} needs {desired} healthy pods and has {healthy} currently"
        );
        let details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": why }] });
        let message = "Cannot evict pod as it would violate the pod's disruption budget.".to_owned();
        Self::new(429, "TooManyRequests", message, Some(details))
    }

    /// A revision that is yet to come.
    pub fn too_new(asked: u64, current: u64) -> Self {
        let causes =
            json!([{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }]);
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let details = json!({ "causes": causes, "retryAfterSeconds": 1 });
        Self::new(504, "Timeout", message, Some(details))
    }

    pub fn expired(message: &str) -> Self {
        Self::new(410, "Expired", message.to_owned(), None)
    }

    pub fn unprocessable(message: String) -> Self {
        Self::new(422, "Invalid", message, Some(json!({})))
    }

    pub fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("this server does not offer {what} yet"), None)
    }

    pub fn internal(message: &str) -> Self {
        let details = json!({ "causes": [{ "message": message }] });
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"), Some(details))
    }

    /// Server-side apply met fields of others.
    pub fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        let causes: Value = causes.iter().map(Cause::to_value).collect();
        Self::new(409, "Conflict", message, Some(json!({ "causes": causes })))
    }

    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if let Some(token) = &self.resume {
            status["metadata"]["continue"] = token.as_str().into();
        }
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }
}
