//! What an API server or the way to it answers when it does not do what was asked.

use serde::Deserialize;

/// What upstream's client says of a path that no server answers for.
const UNSERVED: &str = "the server could not find the requested resource";

/// A refused or failed request. `Display` is the server's own message where it gave one.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server answered with a `Status`.
    #[error("{message}")]
    Status { code: u16, reason: String, message: String, causes: Vec<Cause> },
    /// Discovery did not answer for a group: its server may be away. The text is upstream's.
    #[error(
        "failed to get API group resources: unable to retrieve the complete list of server APIs: {api_version}: {message}"
    )]
    Discovery { api_version: String, message: String },
    /// Discovery knows no such kind. The text is upstream's.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    NoKind { kind: String, api_version: String },
    /// No answer came.
    #[error("{method} \"{url}\": {text}")]
    Transport { method: String, url: String, text: String },
    #[error("the answer of the API server is not what was asked for: {0}")]
    Decode(String),
    #[error("kubeconfig: {0}")]
    Config(String),
    /// This process no longer holds its lease: nothing is written.
    #[error("no longer the leader: the write was not sent")]
    NotLeader,
}

/// One cause of an invalid object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
pub struct Cause {
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub field: String,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default)]
    causes: Vec<Cause>,
}

impl ApiError {
    /// Reads the body of an answer whose status is not a success.
    pub fn from_answer(code: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Status>(body) {
            Ok(status) if !status.message.is_empty() || !status.reason.is_empty() => Self::Status {
                code,
                reason: status.reason,
                message: status.message,
                causes: status.details.unwrap_or_default().causes,
            },
            _ if code == 404 => Self::bare(code, UNSERVED),
            _ if code == 503 => Self::bare(code, "the server is currently unable to handle the request"),
            _ => {
                let text = String::from_utf8_lossy(&body[..body.len().min(1024)]).trim().to_owned();
                let message = if text.is_empty() { format!("the server answered {code}") } else { text };
                Self::bare(code, &message)
            }
        }
    }

    fn bare(code: u16, message: &str) -> Self {
        Self::Status { code, reason: String::new(), message: message.to_owned(), causes: Vec::new() }
    }

    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The server's reason, such as `Invalid` or `Forbidden`; empty where there is none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Status { reason, .. } => reason,
            _ => "",
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Not the object is missing but the path to it: its kind is served no more, or elsewhere by now.
    pub fn is_unserved(&self) -> bool {
        match self {
            Self::Status { code: 404, message, .. } => message == UNSERVED,
            _ => false,
        }
    }

    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409) && self.reason() == "Conflict"
    }

    pub fn is_already_exists(&self) -> bool {
        self.reason() == "AlreadyExists"
    }

    /// A watch or a list continuation is too old.
    pub fn is_gone(&self) -> bool {
        self.code() == Some(410)
    }

    /// Fields cannot be changed: upstream deletes and creates such an object when it is forced.
    pub fn is_immutable(&self) -> bool {
        matches!(self.reason(), "Invalid" | "Conflict") || {
            let text = self.to_string();
            text.contains("is immutable") || text.contains("immutable field")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_body_gives_its_message_and_reason() {
        let body =
            br#"{"kind":"Status","message":"configmaps \"a\" not found","reason":"NotFound","code":404}"#;
        let error = ApiError::from_answer(404, body);
        assert!(error.is_not_found());
        assert_eq!(error.reason(), "NotFound");
        assert_eq!(error.to_string(), "configmaps \"a\" not found");
    }

    #[test]
    fn a_path_that_is_not_served_is_told_from_an_object_that_is_not_there() {
        assert!(ApiError::from_answer(404, b"404 page not found\n").is_unserved());
        let body = br#"{"kind":"Status","message":"gadgets \"a\" not found","reason":"NotFound","code":404}"#;
        assert!(!ApiError::from_answer(404, body).is_unserved());
        assert!(!ApiError::from_answer(503, b"").is_unserved());
    }

    #[test]
    fn a_body_that_is_no_status_is_shown_cut() {
        let error = ApiError::from_answer(502, &vec![b'x'; 5000]);
        assert_eq!(error.to_string().len(), 1024);
    }
}
