//! Any bytes as a template: a tree or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_gotmpl::{Functions, MissingKey, Templates};

fuzz_target!(|text: &[u8]| {
    let mut templates = Templates::new(Functions::Helm, MissingKey::Zero);
    let _ = templates.parse("t", text);
});
