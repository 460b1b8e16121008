//! One request and its answer, apart from the wire.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::auth::User;
use crate::path::Place;
use crate::protobuf::{self, Wrong};
use crate::status::{About, Cause, Failure};
use crate::text;
use crate::watch::Watch;

/// A request whose body has arrived whole.
pub struct Call {
    pub method: Method,
    pub path: String,
    pub place: Place,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whose certificate the connection showed.
    pub certificate: Option<User>,
    /// Who asks, once it is known.
    pub user: OnceLock<User>,
}

impl Call {
    pub fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn is_set(&self, name: &str) -> bool {
        // As the real server reads it: what is not plainly no is yes.
        let value = self.parameter(name);
        !matches!(value, "" | "0") && !value.eq_ignore_ascii_case("false")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type of the body, without parameters.
    pub fn content_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// `dryRun=All`.
    pub fn is_dry_run(&self) -> Result<bool, Failure> {
        match self.query.get("dryRun").map(String::as_str) {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => {
                let cause = Cause::unsupported("dryRun", &serde_json::json!([other]), &["All".to_owned()]);
                Err(self.wrong_options(&cause))
            }
        }
    }

    fn wrong_options(&self, cause: &Cause) -> Failure {
        let kind = match self.method {
            Method::POST => "CreateOptions",
            Method::PUT => "UpdateOptions",
            Method::PATCH => "PatchOptions",
            _ => "DeleteOptions",
        };
        Failure::invalid(About { group: "meta.k8s.io", kind, name: "" }, std::slice::from_ref(cause))
    }

    /// Options of a write that are no words of theirs.
    pub fn check_options(&self) -> Result<(), Failure> {
        let manager = self.parameter("fieldManager");
        if manager.len() > 128 {
            let message = "Too long: may not be more than 128 bytes".to_owned();
            return Err(self.wrong_options(&Cause::new("FieldValueTooLong", "fieldManager", message)));
        }
        if let Some((at, letter)) = manager.char_indices().find(|(_, letter)| letter.is_control()) {
            let why = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
            return Err(self.wrong_options(&Cause::invalid("fieldManager", &manager.into(), &why)));
        }
        let known = ["", "Ignore", "Strict", "Warn"];
        let validation = self.parameter("fieldValidation");
        if !known.contains(&validation) {
            let cause = Cause::unsupported("fieldValidation", &validation.into(), &known.map(str::to_owned));
            return Err(self.wrong_options(&cause));
        }
        Ok(())
    }

    /// Who writes, as managedFields name it.
    pub fn manager(&self) -> String {
        let given = self.parameter("fieldManager");
        if !given.is_empty() {
            return given.to_owned();
        }
        let agent = self.header("user-agent");
        let manager: String =
            agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        if manager.is_empty() { "unknown".to_owned() } else { manager.chars().take(128).collect() }
    }

    /// An object out of the body.
    pub fn object(&self, kind: &str) -> Result<Value, Failure> {
        let unrecognised = |why: String| {
            let shown = summary(&self.body);
            let message =
                format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})");
            Failure::bad_request(message)
        };
        self.read_object().map_err(|wrong| match wrong {
            Unreadable::Malformed(why) => unrecognised(why),
            Unreadable::UnknownForm => Failure::unsupported_body_type(),
        })
    }

    /// Options out of the body of a deletion.
    pub fn options(&self) -> Result<Value, Failure> {
        self.read_object().map_err(|wrong| match wrong {
            Unreadable::Malformed(why) => Failure::bad_request(why),
            Unreadable::UnknownForm => Failure::unsupported_body_type(),
        })
    }

    /// Whether the body is JSON, whose fields have an order and may come twice.
    pub fn is_json(&self) -> bool {
        matches!(self.content_type(), "" | "application/json")
    }

    fn read_object(&self) -> Result<Value, Unreadable> {
        let untold = |why: String| Unreadable::Malformed(format!("couldn't get version/kind; {why}"));
        match self.content_type() {
            "" | "application/json" => {
                let value =
                    text::read(&self.body).map_err(|why| untold(format!("json parse error: {why}")))?;
                object(value).map_err(untold)
            }
            "application/vnd.kubernetes.protobuf" => {
                protobuf::object(&self.body).map_err(|wrong| match wrong {
                    Wrong::Malformed(why) => untold(why.to_owned()),
                    Wrong::UnknownKind(_) => Unreadable::UnknownForm,
                })
            }
            "application/yaml" => {
                let value = sluice_yaml::json::from_yaml(&self.body);
                object(value.map_err(|error| Unreadable::Malformed(error.to_string()))?).map_err(untold)
            }
            _ => Err(Unreadable::UnknownForm),
        }
    }
}

/// What was read, if it is an object; nothing at all is an empty one.
fn object(value: Value) -> Result<Value, String> {
    const META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
    match value {
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        value @ Value::Object(_) => Ok(value),
        other => {
            let found = text::kind(&other);
            Err(format!("json parse error: json: cannot unmarshal {found} into Go value of type {META}"))
        }
    }
}

enum Unreadable {
    Malformed(String),
    UnknownForm,
}

/// The beginning of a body, as messages show it.
fn summary(body: &[u8]) -> String {
    const LENGTH: usize = 30;
    let more = if body.len() > LENGTH { " ..." } else { "" };
    let start = &body[..body.len().min(LENGTH)];
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => format!("{}{more}", crate::core::hex(start)),
    }
}

/// What goes back.
pub enum Answer {
    Json { code: u16, body: Bytes, content_type: &'static str, warnings: Vec<String> },
    Text(u16, String),
    Watch(Box<Watch>),
}

impl Answer {
    pub fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, value.to_string().into())
    }

    pub fn bytes(code: u16, body: Bytes) -> Self {
        Answer::Json { code, body, content_type: "application/json", warnings: Vec::new() }
    }

    #[must_use]
    pub fn also_warning(self, why: &str) -> Self {
        match self {
            Answer::Json { code, body, content_type, mut warnings } => {
                warnings.insert(0, why.to_owned());
                Answer::Json { code, body, content_type, warnings }
            }
            other => other,
        }
    }

    #[must_use]
    pub fn with_warnings(self, added: Vec<String>) -> Self {
        match self {
            Answer::Json { code, body, content_type, .. } => {
                Answer::Json { code, body, content_type, warnings: added }
            }
            other => other,
        }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Answer::json(failure.code, &failure.to_value())
    }
}
