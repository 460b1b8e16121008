//! Whether an object is as its controller wants it, told from its conditions alone.
//!
//! The kinds that the commands wait for all follow the conventions of conditions, so the rules for workloads are not
//! needed here.

use serde_json::Value;

use crate::error::CliError;
use crate::object::{condition, list, number, text};

#[derive(Debug, PartialEq, Eq)]
enum Status {
    Current,
    InProgress,
    /// It will not get there; why.
    Failed(String),
}

fn status(object: &Value) -> Status {
    if object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Status::Failed("Resource scheduled for deletion".to_owned());
    }
    let observed = number(object, "/status/observedGeneration");
    if observed != 0 && observed != number(object, "/metadata/generation") {
        return Status::InProgress;
    }
    for condition in list(object, "/status/conditions").filter(|one| text(one, "/status") == "True") {
        match text(condition, "/type") {
            "Reconciling" => return Status::InProgress,
            "Stalled" => return Status::Failed(text(condition, "/message").to_owned()),
            _ => {}
        }
    }
    match condition(object, "Ready").map(|ready| text(ready, "/status")) {
        Some("True") | None => Status::Current,
        Some(_) => Status::InProgress,
    }
}

/// Whether the object's controller is done with it; an error where it has given up.
pub fn is_current(object: &Value) -> Result<bool, CliError> {
    match status(object) {
        Status::Current => Ok(true),
        Status::InProgress => Ok(false),
        Status::Failed(message) => Err(CliError::new(message)),
    }
}

/// Whether the object is ready in the state that it is wanted in now. What no controller reconciles has no condition
/// to wait for.
pub fn is_ready(object: &Value, is_static: bool) -> Result<bool, CliError> {
    if is_static {
        return is_current(object);
    }
    let generation = number(object, "/metadata/generation");
    let observed = number(object, "/status/observedGeneration");
    let Some(ready) = condition(object, "Ready").filter(|_| observed >= 1) else {
        return Ok(false);
    };
    // Some kinds give no generation with their conditions.
    let told_for = match number(ready, "/observedGeneration") {
        0 => observed,
        of_condition => of_condition,
    };
    Ok(told_for == generation && is_current(object)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ready_for_an_older_generation_is_not_ready() {
        let ready = json!({"type": "Ready", "status": "True", "observedGeneration": 1});
        let object = |generation| {
            json!({
                "metadata": {"generation": generation},
                "status": {"observedGeneration": 1, "conditions": [ready]},
            })
        };
        assert!(is_ready(&object(1), false).expect("not failed"));
        assert!(!is_ready(&object(2), false).expect("not failed"));
    }

    #[test]
    fn a_stalled_object_fails_with_its_message() {
        let stalled = json!({"type": "Stalled", "status": "True", "message": "invalid URL"});
        let object = json!({"status": {"conditions": [stalled]}});
        assert_eq!(status(&object), Status::Failed("invalid URL".to_owned()));
    }
}
