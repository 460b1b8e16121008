//! Any text as a CEL expression about an object: it ends soon, with an answer or an error.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use sluice_expression::Expression;

fn object() -> &'static Map<String, Value> {
    static OBJECT: OnceLock<Map<String, Value>> = OnceLock::new();
    OBJECT.get_or_init(|| {
        let object = json!({
            "self": { "a": "x,y", "b": [1, 2.5, "c", null, true], "q": "1.5Gi", "u": "https://h:1/p?q=r", "v": "1.2.3-rc.1" },
            "l": (0..40).collect::<Vec<u32>>(), "s": "10.0.0.0/8", "t": "2020-01-01T00:00:00Z",
        });
        object.as_object().cloned().unwrap_or_default()
    })
}

fuzz_target!(|text: &str| {
    let _ = Expression::compile(text, &["self", "oldSelf"]);
    if let Ok(expression) = Expression::parse(text) {
        let first = expression.is_true(object());
        assert_eq!(first, expression.is_true(object()), "{text}");
    }
});
