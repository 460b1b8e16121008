//! Any bytes as the body of a request, in each of the ways in which bodies come: an answer, and never a body that is not
//! JSON where JSON was promised. The first byte picks the request, up to the first line's end stands a query.
#![no_main]

mod server;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use server::{DEPLOYMENTS, MAPS, THINGS};

const KINDS: &[(&str, &str)] = &[
    ("POST", "application/json"),
    ("POST", "application/yaml"),
    ("POST", "application/vnd.kubernetes.protobuf"),
    ("PUT", "application/json"),
    ("PATCH", "application/json-patch+json"),
    ("PATCH", "application/merge-patch+json"),
    ("PATCH", "application/strategic-merge-patch+json"),
    ("PATCH", "application/apply-patch+yaml"),
    ("DELETE", "application/json"),
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let (query, body) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (&b""[..], rest),
    };
    let (method, kind) = KINDS[usize::from(*choice) % KINDS.len()];
    let resource = [MAPS, DEPLOYMENTS, THINGS, "/api/v1/namespaces", "/api/v1/namespaces/default/pods"]
        [usize::from(*choice) / KINDS.len() % 5];
    let query: String = query.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
    let name = if method == "POST" { "" } else { "/a" };
    server::with(|ask| {
        let (_, answer) = ask(method, &format!("{resource}{name}?{query}"), kind, Bytes::copy_from_slice(body));
        if answer.first() == Some(&b'{') {
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&answer).is_ok());
        }
    });
});
