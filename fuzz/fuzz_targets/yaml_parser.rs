//! Any bytes as YAML: what can be read can be written, and reads as the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_yaml::{Limits, json};

fuzz_target!(|data: &[u8]| {
    let _ = sluice_yaml::parse_first(data, Limits::default());
    let _ = json::from_yaml_strict(data);
    let Ok(documents) = sluice_yaml::parse_documents(data, Limits::default()) else { return };
    for document in &documents {
        let written = sluice_yaml::emit(&document.root);
        let _ = sluice_yaml::parse(written.as_bytes(), Limits::default());
        let _ = json::node_to_yaml(&document.root);
    }
    if let Ok(value) = json::from_yaml(data) {
        let written = json::to_yaml(&value);
        assert_eq!(json::from_yaml(written.as_bytes()).as_ref(), Ok(&value), "{written}");
    }
});
