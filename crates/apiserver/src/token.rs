//! Tokens of ServiceAccounts: signed by this server, for this server, with an end.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::auth::User;
use crate::core::Core;

pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// No token of ours is longer.
const LONGEST: usize = 8192;
const BLOCK: usize = 64;

/// A token and when it ends.
pub struct Issued {
    pub text: String,
    pub ends: String,
}

/// RFC 2104.
fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    if key.len() <= BLOCK {
        block[..key.len()].copy_from_slice(key);
    } else {
        block[..32].copy_from_slice(&Sha256::digest(key));
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

/// A token for an account.
pub fn issue(core: &Core, account: &Value, audiences: &[Value], seconds: i64) -> Issued {
    let metadata = &account["metadata"];
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    let now = core.timestamp();
    let ends = now + SignedDuration::from_secs(seconds);
    let claims = json!({
        "aud": audiences, "exp": ends.as_second(), "iat": now.as_second(), "nbf": now.as_second(),
        "iss": ISSUER, "jti": core.uid(),
        "kubernetes.io": {
            "namespace": text("namespace"), "serviceaccount": { "name": text("name"), "uid": text("uid") },
        },
        "sub": user_name(text("namespace"), text("name")),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(core.token_key(), signed.as_bytes()));
    let ends = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Issued { text: format!("{signed}.{signature}"), ends }
}

fn user_name(ns: &str, name: &str) -> String {
    format!("system:serviceaccount:{ns}:{name}")
}

/// Whose token this is, and for whom it was made; `None` where it is not ours, is over, or its account is gone.
pub fn read(core: &Core, token: &str) -> Option<(User, Vec<Value>)> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let given = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let wanted = sign(core.token_key(), signed.as_bytes());
    let differs = given.iter().zip(&wanted).fold(0_u8, |found, (a, b)| found | (a ^ b));
    if given.len() != wanted.len() || differs != 0 {
        return None;
    }
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?).ok()?;
    if claims["exp"].as_i64()? <= core.timestamp().as_second() {
        return None;
    }
    let of = &claims["kubernetes.io"];
    let (ns, name) = (of["namespace"].as_str()?, of["serviceaccount"]["name"].as_str()?);
    let account = core.store.read("/serviceaccounts", &(ns.to_owned(), name.to_owned()))?.value();
    if account["metadata"]["uid"] != of["serviceaccount"]["uid"] {
        return None;
    }
    let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{ns}")];
    let groups = groups.into_iter().chain(["system:authenticated".to_owned()]).collect();
    let audiences = claims["aud"].as_array().cloned().unwrap_or_default();
    let uid = account["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    Some((User { uid, ..User::new(&user_name(ns, name), groups) }, audiences))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, case 2.
        let signature = sign(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert_eq!(signature[24..], [0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43]);
    }
}
