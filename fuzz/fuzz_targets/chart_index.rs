//! Any bytes as a repository's index: read whole, and as a stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_helm::index::{Index, choose, versions_in};

fuzz_target!(|data: &[u8]| {
    let _ = Index::load(data);
    if let Ok(versions) = versions_in(&mut &data[..], "app") {
        let _ = choose(&versions, "app", "^1");
    }
});
