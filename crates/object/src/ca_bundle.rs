//! CRDs whose conversion webhook has a `caBundle` that newer servers refuse: it is dropped before the apply.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::Object;

const PATH: [&str; 5] = ["spec", "conversion", "webhook", "clientConfig", "caBundle"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Drops `spec.conversion.webhook.clientConfig.caBundle` of a CRD if it holds no certificate. Says whether it did.
pub fn remove_invalid(object: &mut Object) -> bool {
    if !object.is_crd() {
        return false;
    }
    let bundle = object.text_at(&PATH);
    if bundle.is_empty() {
        return false;
    }
    // Line breaks inside base64 are allowed, as Go has it.
    let compact: String = bundle.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let valid = STANDARD.decode(compact).is_ok_and(|bytes| bytes.is_empty() || holds_certificate(&bytes));
    if !valid {
        object.remove_at(&PATH);
    }
    !valid
}

/// Whether some PEM block is a certificate, judged by its outermost structure.
fn holds_certificate(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = &*text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((body, next)) = after.split_once(END) else {
            return false;
        };
        let body: String = body.split_ascii_whitespace().collect();
        if STANDARD_NO_PAD.decode(body.trim_end_matches('=')).is_ok_and(|der| is_one_sequence(&der)) {
            return true;
        }
        rest = next;
    }
    false
}

/// Whether bytes are one DER sequence that holds another one, as a certificate does.
fn is_one_sequence(der: &[u8]) -> bool {
    let Some(content) = sequence(der) else { return false };
    content.first() == Some(&0x30)
}

fn sequence(der: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, content) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        let (length, content) = rest.split_at(count);
        (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), content)
    };
    (tag == 0x30 && content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn crd(bundle: Value) -> Object {
        Object::try_from(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": bundle}}}}
        }))
        .unwrap()
    }

    #[test]
    fn a_bundle_without_a_certificate_is_dropped() {
        let pem = |der: &[u8]| STANDARD.encode(format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der)));
        assert!(remove_invalid(&mut crd(json!("Cg=="))));
        assert!(remove_invalid(&mut crd(json!("not base64!"))));
        assert!(remove_invalid(&mut crd(json!(pem(b"\x30\x05\x30")))));
        assert!(!remove_invalid(&mut crd(json!(pem(b"\x30\x04\x30\x02\x05\x00")))));
        assert!(!remove_invalid(&mut crd(json!(""))));
        assert!(!remove_invalid(&mut crd(json!(null))));
    }
}
