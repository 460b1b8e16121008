//! Encrypted values are shown as a mask: a build does not decrypt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::object::text;

const MASK: &str = "**SOPS**";

/// Masks what is encrypted in a Secret; anything else stays as it is.
pub fn mask(object: &mut Value) {
    if text(object, "/kind") != "Secret" {
        return;
    }
    let is_encrypted = text(object, "/sops/mac").starts_with("ENC[");
    let is_docker = text(object, "/type") == "kubernetes.io/dockerconfigjson";
    if is_encrypted && let Some(fields) = object.as_object_mut() {
        fields.remove("sops");
    }
    let shown = if is_encrypted && is_docker { json!({"mask": MASK}).to_string() } else { MASK.to_owned() };
    for (field, is_base64) in [("data", true), ("stringData", false)] {
        let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) else { continue };
        for value in values.values_mut() {
            if is_encrypted || holds_encrypted(value.as_str().unwrap_or(""), is_base64) {
                *value = json!(if is_base64 { STANDARD.encode(&shown) } else { shown.clone() });
            }
        }
    }
}

/// Whether a value is itself an encrypted file.
fn holds_encrypted(value: &str, is_base64: bool) -> bool {
    let bytes = if is_base64 { STANDARD.decode(value).unwrap_or_default() } else { value.into() };
    let text = String::from_utf8_lossy(&bytes);
    text.contains("sops") && text.contains("ENC[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_values_are_masked() {
        let mut secret = json!({
            "kind": "Secret", "data": {"a": "RU5DWw=="}, "stringData": {"b": "ENC[x]"},
            "sops": {"mac": "ENC[y]"},
        });
        mask(&mut secret);
        let masked =
            json!({"kind": "Secret", "data": {"a": "KipTT1BTKio="}, "stringData": {"b": "**SOPS**"}});
        assert_eq!(secret, masked);
        let plain = json!({"kind": "Secret", "data": {"a": "YQ=="}});
        let mut same = plain.clone();
        mask(&mut same);
        assert_eq!(same, plain);
    }
}
