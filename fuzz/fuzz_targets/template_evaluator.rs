//! Any template with a small budget: output or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_budget::Budget;
use sluice_gotmpl::{Context, Functions, MissingKey, NoHooks, Templates, Value};

fuzz_target!(|text: &[u8]| {
    let mut templates = Templates::new(Functions::Helm, MissingKey::Zero);
    if templates.parse("t", text).is_err() {
        return;
    }
    let budget = Budget::new(100_000, 1 << 20, 200);
    let cx = Context {
        budget: &budget,
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        random: &|bytes| bytes.fill(7),
        hooks: &NoHooks,
        lint: false,
    };
    let data =
        serde_json::json!({"s": "text", "i": 1, "list": [1, "a", null], "map": {"a": {"b": 1}}, "n": null});
    let _ = templates.execute("t", &Value::from_json(&data), &mut Vec::new(), &cx);
});
