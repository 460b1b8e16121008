//! Any text with variables in braces: a text or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_manifests::envsubst;

fuzz_target!(|text: &str| {
    let lookup = |name: &str| match name {
        "a" => Some("value".to_owned()),
        "b" => Some("*[é?".to_owned()),
        _ => None,
    };
    let _ = envsubst::substitute(text, &lookup);
});
