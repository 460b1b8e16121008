//! What a client would have answers in: the media type, and what objects are shown as.

use serde_json::Value;

use crate::call::{Answer, Call};
use crate::registry::Resource;
use crate::status::Failure;

const KNOWN: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The best wish of a client.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    pub is_yaml: bool,
    /// `Table`, `PartialObjectMetadata` or `PartialObjectMetadataList`.
    pub shape: Option<String>,
    /// Of the shape's group.
    pub version: String,
}

/// The first of the wishes, best first, that can be met.
pub fn wish(call: &Call, is_one: bool, is_custom: bool) -> Result<Wish, Failure> {
    let header = call.header("accept");
    if header.trim().is_empty() {
        return Ok(Wish::default());
    }
    let mut wishes: Vec<(f32, Vec<&str>)> = header
        .split(',')
        .map(|one| {
            let words: Vec<&str> = one.split(';').map(str::trim).collect();
            let quality = words.iter().find_map(|word| word.strip_prefix("q=")?.parse().ok());
            (quality.unwrap_or(1.0), words)
        })
        .collect();
    wishes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut is_shape_unknown = false;
    for (_, words) in wishes {
        let is_yaml = match words[0] {
            "application/json" | "*/*" | "application/*" => false,
            // What this server does not write comes as JSON.
            "application/vnd.kubernetes.protobuf" => false,
            "application/yaml" => true,
            _ => continue,
        };
        let word = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let version = word("v=").unwrap_or("v1").to_owned();
        let Some(shape) = word("as=") else { return Ok(Wish { is_yaml, shape: None, version }) };
        let is_known = matches!(shape, "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList")
            && matches!(version.as_str(), "v1" | "v1beta1")
            && matches!(word("g="), None | Some("meta.k8s.io"));
        if is_known {
            return Ok(Wish { is_yaml, shape: Some(shape.to_owned()), version });
        }
        is_shape_unknown = true;
    }
    if is_shape_unknown || is_custom {
        return Err(refused());
    }
    let streams = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    let streams = if is_one { "" } else { streams };
    let message = format!("406: Not Acceptable\n\nAvailable representations: {KNOWN}{streams}");
    Err(Failure::not_acceptable(message, Some(serde_json::json!({}))))
}

/// The answer in the form that the client would have.
pub fn written(call: &Call, answer: Answer) -> Answer {
    if !call.header("accept").contains("application/yaml")
        || !wish(call, true, false).is_ok_and(|wish| wish.is_yaml)
    {
        return answer;
    }
    match answer {
        Answer::Json { code, body, warnings, .. } => {
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let body = sluice_yaml::json::to_yaml(&value).into();
            Answer::Json { code, body, content_type: "application/yaml", warnings }
        }
        other => other,
    }
}

fn refused() -> Failure {
    Failure::not_acceptable(format!("only the following media types are accepted: {KNOWN}"), None)
}

/// The Go package in which the real server keeps a kind.
pub fn package(resource: &Resource) -> String {
    if resource.is_custom {
        return "unstructured".to_owned();
    }
    let first = resource.group.split('.').next().unwrap_or_default();
    if first.is_empty() { "core".to_owned() } else { first.to_owned() }
}
