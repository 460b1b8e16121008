//! `continue`: where a list that came in parts goes on, at the revision at which it began.

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::call::Call;
use crate::status::Failure;
use crate::store::Key;
use crate::text;

/// As Go reads it: bits that are left over do not matter.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
const VERSION: &str = "meta.k8s.io/v1";
/// A revision whose changes are no longer remembered.
pub const GONE: &str = "The resourceVersion for the provided list is too old.";
const LATE: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// The token after an object; in a list of one namespace its name is enough.
pub fn write(revision: u64, last: &Key, is_of_one_namespace: bool) -> String {
    packed(i64::try_from(revision).unwrap_or(i64::MAX), last, is_of_one_namespace)
}

fn packed(revision: i64, (ns, name): &Key, is_of_one_namespace: bool) -> String {
    let start = if is_of_one_namespace || ns.is_empty() {
        format!("/{name}\u{0}")
    } else {
        format!("/{ns}/{name}\u{0}")
    };
    URL_SAFE_NO_PAD.encode(json!({ "v": VERSION, "rv": revision, "start": start }).to_string())
}

/// The revision, 0 for the present, and the object after which the list goes on.
pub fn read(call: &Call) -> Result<Option<(u64, Key)>, Failure> {
    let token = call.parameter("continue");
    if token.is_empty() {
        return Ok(None);
    }
    if !matches!(call.parameter("resourceVersion"), "" | "0") {
        return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
    }
    let refused = |why: String| {
        Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
    };
    let bytes = LENIENT.decode(token).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            _ => token.len() - token.len() % 4,
        };
        refused(format!("illegal base64 data at input byte {at}"))
    })?;
    let value = text::read(&bytes).map_err(refused)?;
    if value["v"] != VERSION {
        let sent = value["v"].as_str().unwrap_or_default();
        return Err(refused(format!("server does not recognize this encoded version {sent}")));
    }
    let revision = value["rv"].as_i64().unwrap_or(0);
    if revision == 0 {
        return Err(refused(format!("incorrect encoded start resourceVersion (version {VERSION})")));
    }
    let start = value["start"].as_str().unwrap_or_default();
    if start.is_empty() {
        return Err(refused(format!("encoded start key empty (version {VERSION})")));
    }
    if start.split('/').any(|part| part == "..") {
        return Err(refused(start.to_owned()));
    }
    let path = start.trim_start_matches('/').trim_end_matches('\u{0}');
    let key = match (path.split_once('/'), namespace(call)) {
        (_, Some(ns)) => (ns, path.to_owned()),
        (Some((ns, name)), None) => (ns.to_owned(), name.to_owned()),
        (None, None) => (String::new(), path.to_owned()),
    };
    Ok(Some((u64::try_from(revision).unwrap_or(0), key)))
}

fn namespace(call: &Call) -> Option<String> {
    match &call.place {
        crate::path::Place::Resource(target) => target.ns.clone(),
        _ => None,
    }
}

/// The list has come too late for its revision; the token in the answer goes on at the present.
pub fn too_late(last: &Key, is_of_one_namespace: bool) -> Failure {
    let mut failure = Failure::expired(LATE);
    failure.resume = Some(packed(-1, last, is_of_one_namespace));
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_is_what_the_real_server_writes() {
        let key = ("default".to_owned(), "cc1".to_owned());
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(write(904, &key, true)).unwrap()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({ "v": "meta.k8s.io/v1", "rv": 904, "start": "/cc1\u{0}" }));
    }
}
