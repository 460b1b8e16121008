//! Any text as a selector of labels and of fields: a list of what is there, or a refusal.
#![no_main]

mod server;

use libfuzzer_sys::fuzz_target;
use server::MAPS;

fuzz_target!(|data: &[u8]| {
    let escaped: String = data.iter().map(|byte| format!("%{byte:02X}")).collect();
    server::with(|ask| {
        for key in ["labelSelector", "fieldSelector", "continue", "resourceVersion", "limit"] {
            let path = format!("{MAPS}?{key}={escaped}");
            let (code, answer) = ask("GET", &path, "application/json", Default::default());
            let is_refusal = (400..500).contains(&code) || code == 504;
            assert!(code == 200 || is_refusal, "{code} {}", String::from_utf8_lossy(&answer));
        }
    });
});
