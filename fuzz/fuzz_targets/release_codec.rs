//! Any bytes as a stored release; what can be read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_helm::release::codec;

fuzz_target!(|data: &[u8]| {
    if let Ok(release) = codec::decode(data) {
        assert!(codec::decode(codec::encode(&release).as_bytes()).is_ok());
    }
});
