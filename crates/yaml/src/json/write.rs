//! JSON values to YAML text, the same bytes as sigs.k8s.io/yaml's Marshal: keys in natural order, text quoted where it
//! would mean something else, `|` for lines, folding after 80 columns.

use serde_json::Value;

use super::number::{self, Integral};
use super::order::sort_naturally;
use crate::emit::analyze;
use crate::emit::writer::Writer;
use crate::error::Error;
use crate::node::Style;
use crate::resolve;

/// A value that can say itself to a `YamlWriter`.
pub trait Emit {
    /// Calls exactly one of the writer's value methods, or `begin_…`, what is inside, and `end`.
    fn emit(&self, out: &mut YamlWriter);
}

/// Lines are folded at the first space after this column.
const WIDTH: usize = 80;

/// Writes a document value by value. Keys of a mapping must be told in `natural_order`.
pub struct YamlWriter {
    writer: Writer,
    open: Vec<Open>,
    /// What Go says of the first text that its way through JSON cannot take.
    unreadable: Option<Error>,
}

struct Open {
    mapping: bool,
    empty: bool,
    /// The indent outside.
    outer: i32,
}

impl Default for YamlWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl YamlWriter {
    pub fn new() -> Self {
        YamlWriter { writer: Writer::new(WIDTH), open: Vec::new(), unreadable: None }
    }

    /// For output of about this size.
    pub fn with_capacity(bytes: usize) -> Self {
        YamlWriter { writer: Writer::with_capacity(WIDTH, bytes), open: Vec::new(), unreadable: None }
    }

    /// The text. Characters that YAML cannot hold are escaped, where Go fails (see `try_finish`).
    pub fn finish(mut self) -> String {
        self.writer.indent = -1;
        self.writer.write_indent();
        self.writer.into_text()
    }

    /// The text, or the error that Go gives for control characters in it.
    pub fn try_finish(mut self) -> Result<String, Error> {
        match self.unreadable.take() {
            Some(error) => Err(error),
            None => Ok(self.finish()),
        }
    }

    pub fn null(&mut self) {
        self.word("null");
    }

    pub fn bool(&mut self, value: bool) {
        self.word(if value { "true" } else { "false" });
    }

    pub fn int(&mut self, value: i64) {
        self.word(&smol_str::format_smolstr!("{value}"));
    }

    pub fn uint(&mut self, value: u64) {
        self.word(&smol_str::format_smolstr!("{value}"));
    }

    /// As it comes out of JSON: `1.0` is `1`.
    pub fn float(&mut self, value: f64) {
        match number::integral(value) {
            Some(Integral::Int(value)) => self.int(value),
            Some(Integral::Uint(value)) => self.uint(value),
            None => self.word(&number::format_float(value)),
        }
    }

    fn word(&mut self, text: &str) {
        self.begin_value();
        self.writer.flow_scalar(text, Style::Default, false);
    }

    pub fn string(&mut self, text: &str) {
        self.begin_value();
        if is_simple_text(text, WIDTH.saturating_sub(self.writer.column + 1)) {
            self.writer.plain_ascii(text);
        } else if text.contains('\u{85}') {
            self.scalar(&fold_next_lines(text), false);
        } else {
            self.scalar(text, false);
        }
    }

    /// The key of the value that comes next.
    pub fn key(&mut self, text: &str) {
        self.writer.write_indent();
        if text.len() <= 128 && is_simple_text(text, 128) {
            self.writer.plain_ascii(text);
            self.writer.indicator(":", false, false, false);
            return;
        }
        if text.contains('\u{85}') {
            self.unreadable.get_or_insert_with(|| Error::at(1, "did not find expected ',' or '}'"));
        }
        if text.len() <= 128 && !has_break(text) {
            self.scalar(text, true);
            self.writer.indicator(":", false, false, false);
        } else {
            self.writer.indicator("?", true, false, true);
            self.scalar(text, false);
            self.writer.write_indent();
            self.writer.indicator(":", true, false, true);
        }
    }

    fn scalar(&mut self, text: &str, simple_key: bool) {
        let analysis = analyze(text, true);
        let wanted = if text.contains('\n') {
            Style::Literal
        } else if can_be_plain(text) {
            Style::Default
        } else {
            Style::DoubleQuoted
        };
        let style = analysis.select_style(wanted, text.is_empty(), false, simple_key);
        if style == Style::DoubleQuoted && !analysis.single_quoted {
            let refused = |character| matches!(character, '\x7F' | '\u{80}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
            if text.contains(refused) {
                self.unreadable.get_or_insert_with(|| Error::new("control characters are not allowed"));
            }
        }
        let outer = self.writer.indent;
        self.writer.indent = outer.max(0) + 2;
        if style == Style::Literal {
            self.writer.block_scalar_header(text, style);
            self.writer.put_break();
            self.writer.block_scalar_body(text, style);
        } else {
            self.writer.flow_scalar(text, style, !simple_key);
        }
        self.writer.indent = outer;
    }

    fn begin_value(&mut self) {
        if let Some(Open { mapping: false, .. }) = self.open.last() {
            self.writer.write_indent();
            self.writer.indicator("-", true, false, true);
        }
    }

    pub fn begin_sequence(&mut self, length: usize) {
        let in_mapping = self.open.last().is_some_and(|open| open.mapping);
        self.begin_value();
        let outer = self.writer.indent;
        if length == 0 {
            self.writer.indicator("[", true, true, false);
        } else if outer < 0 {
            self.writer.indent = 0;
        } else if !in_mapping || self.writer.indention {
            self.writer.indent = outer + 2;
        }
        self.open.push(Open { mapping: false, empty: length == 0, outer });
    }

    pub fn begin_mapping(&mut self, length: usize) {
        self.begin_value();
        let outer = self.writer.indent;
        if length == 0 {
            self.writer.indicator("{", true, true, false);
        } else {
            self.writer.indent = if outer < 0 { 0 } else { outer + 2 };
        }
        self.open.push(Open { mapping: true, empty: length == 0, outer });
    }

    /// Ends the innermost sequence or mapping.
    pub fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if open.empty {
            self.writer.indicator(if open.mapping { "}" } else { "]" }, false, false, false);
        }
        self.writer.indent = open.outer;
    }
}

/// JSON does not escape the next-line character, and YAML folds it: Go's way through JSON turns it into a space.
fn fold_next_lines(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.split('\u{85}');
    out.push_str(lines.next().unwrap_or_default().trim_end_matches(' '));
    let mut empty = 0;
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        let line = line.trim_start_matches(' ');
        let line = if last { line } else { line.trim_end_matches(' ') };
        if line.is_empty() && !last {
            empty += 1;
            continue;
        }
        match empty {
            0 => out.push(' '),
            count => out.extend(std::iter::repeat_n('\n', count)),
        }
        empty = 0;
        out.push_str(line);
    }
    out
}

fn has_break(text: &str) -> bool {
    text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// Text that is plain by its characters alone, and stays on its line: most of what there is.
fn is_simple_text(text: &str, room: usize) -> bool {
    let bytes = text.as_bytes();
    // Numbers begin with a digit or a sign, indicators with other signs.
    let [first @ (b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'_'), .., last] = bytes else {
        return matches!(bytes, [b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'_']) && can_be_plain(text);
    };
    if matches!(last, b':' | b' ') {
        return false;
    }
    let mut previous = 0;
    for &byte in bytes {
        match byte {
            b' ' if previous == b':' || bytes.len() > room => return false,
            b'#' if previous == b' ' => return false,
            0x20..=0x7E => previous = byte,
            _ => return false,
        }
    }
    // The words that mean something are short and begin with these letters.
    bytes.len() > 5
        || !matches!(first, b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O')
        || can_be_plain(text)
}

fn can_be_plain(text: &str) -> bool {
    resolve::v2(text) == resolve::Value::Str && !resolve::is_base60_float(text)
}

impl Emit for Value {
    fn emit(&self, out: &mut YamlWriter) {
        match self {
            Value::Null => out.null(),
            Value::Bool(value) => out.bool(*value),
            Value::Number(number) => {
                if let Some(value) = number.as_i64() {
                    out.int(value);
                } else if let Some(value) = number.as_u64() {
                    out.uint(value);
                } else {
                    out.float(number.as_f64().unwrap_or(f64::NAN));
                }
            }
            Value::String(text) => out.string(text),
            Value::Array(items) => {
                out.begin_sequence(items.len());
                for item in items {
                    item.emit(out);
                }
                out.end();
            }
            Value::Object(map) => {
                out.begin_mapping(map.len());
                let mut entries: Vec<(&str, &Value)> =
                    map.iter().map(|(key, value)| (key.as_str(), value)).collect();
                sort_naturally(&mut entries, |(key, _)| key);
                for (key, value) in entries {
                    out.key(key);
                    value.emit(out);
                }
                out.end();
            }
        }
    }
}

/// Any value as YAML text.
pub fn emit(value: &(impl Emit + ?Sized)) -> String {
    let mut writer = YamlWriter::new();
    value.emit(&mut writer);
    writer.finish()
}

/// As `emit`, but fails as Go does on characters that YAML cannot hold.
pub fn try_emit(value: &(impl Emit + ?Sized)) -> Result<String, Error> {
    let mut writer = YamlWriter::new();
    value.emit(&mut writer);
    writer.try_finish()
}

/// `yaml.Marshal` of sigs.k8s.io/yaml.
pub fn to_yaml(value: &Value) -> String {
    emit(value)
}

/// `yaml.Marshal` with its one error: control characters.
pub fn try_to_yaml(value: &Value) -> Result<String, Error> {
    try_emit(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_usual_shapes() {
        let value = json!({
            "kind": "List", "a10": 1, "a2": [1, "2", {"x": [], "y": {}}, [["n"]]],
            "empty": "", "yes": "yes", "text": "a\nb\n", "float": 1.0, "big": 1e21, "time": "2001-01-01"
        });
        assert_eq!(
            to_yaml(&value),
            concat!(
                "a2:\n- 1\n- \"2\"\n- x: []\n  \"y\": {}\n- - - \"n\"\na10: 1\nbig: 1e+21\nempty: \"\"\n",
                "float: 1\nkind: List\ntext: |\n  a\n  b\ntime: \"2001-01-01\"\n\"yes\": \"yes\"\n"
            )
        );
        assert_eq!(to_yaml(&json!({})), "{}\n");
        assert_eq!(to_yaml(&json!("x")), "x\n");
        assert_eq!(to_yaml(&json!("a\nb")), "|-\n  a\n  b\n");
    }
}
