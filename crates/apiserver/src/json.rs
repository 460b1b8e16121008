//! JSON as text, as short as it can be. Most texts in objects need no escapes, and are copied as they are.

use serde_json::Value;

/// Appends a value.
pub fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(fields) => {
            out.push(b'{');
            for (at, (key, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                text(out, key);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::String(value) => text(out, value),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Number(number) => serde_json::to_writer(out, number).expect("a number can always be written"),
    }
}

/// Appends a text.
pub fn text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    // Without an early end, so that many bytes are looked at together.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        serde_json::to_writer(out, text).expect("a text can always be written");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_that_of_the_library() {
        let letters: String = (0..0x180).filter_map(char::from_u32).collect();
        let value = json!({
            "a\"b": [null, true, false, 1, -7, 1.5, 1e300, u64::MAX, "", "plain", "ü€😀", letters, "\\", "\u{7f}"],
            "empty": [{}, []], "": { "deeper": [[["x"]]] },
        });
        let mut out = Vec::new();
        write(&mut out, &value);
        assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
    }
}
