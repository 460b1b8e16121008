//! What a person gives on the command line, merged in Helm's order: files, then JSON, set, string, file and literal lines.

use serde_json::{Map, Value};

use super::graph::{self, Table, from_map, to_map};
use super::{as_floats, load, set};

/// Values from outside. Files come as (name, content), read by the caller.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub files: Vec<(String, Vec<u8>)>,
    pub json: Vec<String>,
    pub set: Vec<String>,
    pub string: Vec<String>,
    pub file: Vec<String>,
    pub literal: Vec<String>,
}

/// Why the values could not be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("failed to parse {name}: {text}")]
    File { name: String, text: String },
    #[error("failed parsing --set-json data JSON: {0}")]
    Json(String),
    #[error("failed parsing --set-json data {0}")]
    JsonLine(String),
    #[error("failed parsing --{flag} data: {text}")]
    Line { flag: &'static str, text: String },
}

impl Options {
    /// Merges everything; `read` gives the content of a file that `--set-file` names.
    pub fn merge(
        &self,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Map<String, Value>, OptionsError> {
        let mut base = Map::new();
        for (name, content) in &self.files {
            let loaded = load(content).map_err(|text| OptionsError::File { name: name.clone(), text })?;
            if let Value::Object(map) = loaded {
                super::merge_maps(&mut base, map);
            }
        }
        let mut table = from_map(&base);
        for line in &self.json {
            table = merge_json(&table, line)?;
        }
        let failed = |flag| move |error: set::SetError| OptionsError::Line { flag, text: error.0 };
        for line in &self.set {
            set::set(&table, line).map_err(failed("set"))?;
        }
        for line in &self.string {
            set::set_string(&table, line).map_err(failed("set-string"))?;
        }
        for line in &self.file {
            set::set_file(&table, line, read).map_err(failed("set-file"))?;
        }
        for line in &self.literal {
            set::set_literal(&table, line).map_err(failed("set-literal"))?;
        }
        Ok(to_map(&table))
    }
}

fn merge_json(table: &Table, line: &str) -> Result<Table, OptionsError> {
    let trimmed = line.trim();
    if !trimmed.starts_with('{') {
        set::set_json(table, line).map_err(|_| OptionsError::JsonLine(line.to_owned()))?;
        return Ok(table.clone());
    }
    match serde_json::from_str(trimmed) {
        Ok(mut value @ Value::Object(_)) => {
            as_floats(&mut value);
            let map = value.as_object().expect("matched as an object");
            Ok(graph::merge(table, &from_map(map)))
        }
        _ => Err(OptionsError::Json(line.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn later_kinds_win() {
        let options = Options {
            files: vec![
                ("a".into(), b"x: {a: 1, b: 2}\nw: 1\n".to_vec()),
                ("b".into(), b"x: {b: null}\n".to_vec()),
            ],
            json: vec!["{\"x\": {\"c\": 3}}".into(), "z=[1]".into()],
            set: vec!["x.d=4,w=2".into()],
            string: vec!["w=3".into()],
            file: vec!["f=name".into()],
            literal: vec!["l=a,b".into()],
        };
        let merged = options.merge(&|name| Ok(name.to_uppercase())).unwrap();
        assert_eq!(
            Value::Object(merged),
            json!({"x": {"a": 1.0, "b": null, "c": 3.0, "d": 4}, "w": "3", "z": [1.0], "f": "NAME", "l": "a,b"})
        );
        let wrong = Options { set: vec!["a".into()], ..Options::default() };
        assert_eq!(
            wrong.merge(&|_| Err(String::new())).unwrap_err().to_string(),
            "failed parsing --set data: key \"a\" has no value"
        );
    }
}
