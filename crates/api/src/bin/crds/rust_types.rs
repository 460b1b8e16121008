//! Reads our own type definitions: names, fields, doc comments, serde names.
//!
//! It understands the way in which this crate is written and nothing else; what it does not find, the generator
//! reports as a difference between types and schema.

use std::collections::BTreeMap;
use std::path::Path;

/// A struct or an enum of strings.
#[derive(Debug, Default)]
pub struct RustType {
    pub doc: String,
    /// By JSON name; empty for an enum.
    pub fields: BTreeMap<String, RustField>,
    /// JSON values of an enum.
    pub values: Vec<String>,
}

/// A field of a struct.
#[derive(Debug)]
pub struct RustField {
    pub doc: String,
    /// As written, such as `Option<Duration>`.
    pub of: String,
    /// Whether it is left out when it holds nothing.
    pub is_optional: bool,
}

/// Everything found, by name.
#[derive(Debug, Default)]
pub struct RustTypes {
    pub types: BTreeMap<String, RustType>,
    /// Doc comments of `pub type X = Resource<...>`, by name.
    pub kinds: BTreeMap<String, String>,
}

/// Reads all of a crate's source, but for its binaries.
pub fn read(source: &Path) -> Result<RustTypes, String> {
    let mut found = RustTypes::default();
    let mut folders = vec![source.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                if !path.ends_with("bin") {
                    folders.push(path);
                }
            } else {
                let text =
                    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                read_file(&text, &mut found);
            }
        }
    }
    Ok(found)
}

fn read_file(text: &str, found: &mut RustTypes) {
    let mut doc: Vec<&str> = Vec::new();
    let mut attributes = String::new();
    let mut current: Option<(String, RustType, bool)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            doc.push(comment.trim());
            continue;
        }
        if line.starts_with("#[") {
            attributes.push_str(line);
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some((name, mut of, is_enum)) = current.take() {
            if line == "}" {
                found.types.insert(name, of);
            } else {
                if is_enum {
                    let variant = line.trim_end_matches(',');
                    if !attributes.contains("untagged") {
                        of.values.push(renamed(&attributes).unwrap_or_else(|| variant.to_owned()));
                    }
                } else if let Some((field, kind)) =
                    line.strip_prefix("pub ").and_then(|rest| rest.split_once(": "))
                {
                    let name = renamed(&attributes).unwrap_or_else(|| camel_case(field));
                    let field = RustField {
                        doc: sentence(&doc),
                        of: kind.trim_end_matches(',').to_owned(),
                        is_optional: attributes.contains("skip_serializing_if"),
                    };
                    of.fields.insert(name, field);
                }
                current = Some((name, of, is_enum));
            }
        } else if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
            current = Some((name.to_owned(), RustType { doc: sentence(&doc), ..Default::default() }, false));
        } else if let Some(name) = line.strip_prefix("pub enum ").and_then(|rest| rest.strip_suffix(" {")) {
            current = Some((name.to_owned(), RustType { doc: sentence(&doc), ..Default::default() }, true));
        } else if let Some((name, _)) =
            line.strip_prefix("pub type ").and_then(|rest| rest.split_once(" = Resource<"))
        {
            found.kinds.insert(name.to_owned(), sentence(&doc));
        }
        doc.clear();
        attributes.clear();
    }
}

/// A doc comment as a description: one line, links as plain words.
fn sentence(doc: &[&str]) -> String {
    doc.join(" ").replace("[`", "`").replace("`]", "`")
}

fn renamed(attributes: &str) -> Option<String> {
    let (_, rest) = attributes.split_once("rename = \"")?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
