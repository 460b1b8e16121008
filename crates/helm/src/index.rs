//! A repository's index.yaml: loaded whole, or read once as a stream for the versions of a single chart.
//!
//! The stream keeps nothing but the lines of that chart. What it cannot be sure of (flow style, anchors, tabs) it leaves to
//! the whole load, which has a size limit of its own.

mod stream;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_version::{Constraint, Version};

use crate::chart::metadata::Metadata;
use crate::chart::typed::{At, Typed, field};
use crate::json::Object;
use crate::release::codec::put_metadata;

pub use stream::{MAX_CHART_BYTES, versions_in};

/// The largest index that is loaded whole.
pub const MAX_WHOLE_BYTES: usize = 64 << 20;

/// One version of a chart in an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChartVersion {
    pub metadata: Metadata,
    pub urls: Option<Vec<String>>,
    pub created: String,
    pub removed: bool,
    pub digest: String,
}

/// An index, its versions sorted from the newest down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    pub api_version: String,
    pub generated: String,
    pub entries: BTreeMap<String, Vec<ChartVersion>>,
    pub public_keys: Vec<String>,
    pub annotations: BTreeMap<String, String>,
    pub server_info: Map<String, Value>,
    /// Entries that were left out, and why.
    pub warnings: Vec<String>,
}

/// Why an index could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("empty index.yaml file")]
    Empty,
    #[error("no API version specified")]
    NoApiVersion,
    #[error("no chart name found")]
    NoChartName,
    #[error("no chart version found")]
    NoChartVersion,
    #[error("no chart version found for {name}-{version}")]
    NoMatch { name: String, version: String },
    #[error("{0}")]
    Constraint(#[from] sluice_version::ConstraintError),
    #[error("{0}")]
    Unreadable(String),
    #[error("the index holds more than {0} bytes and cannot be read as a stream")]
    TooLarge(usize),
    #[error("the versions of one chart take more than {0} bytes")]
    ChartTooLarge(usize),
}

const INDEX_KEYS: &[&str] =
    &["serverInfo", "apiVersion", "generated", "entries", "publicKeys", "annotations"];
const VERSION_KEYS: &[&str] =
    &["urls", "created", "removed", "digest", "checksum", "engine", "tillerVersion", "url"];

impl Index {
    /// Loads a whole index, YAML or JSON.
    pub fn load(data: &[u8]) -> Result<Self, IndexError> {
        if data.is_empty() {
            return Err(IndexError::Empty);
        }
        if data.len() > MAX_WHOLE_BYTES {
            return Err(IndexError::TooLarge(MAX_WHOLE_BYTES));
        }
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok();
        let document = if is_json {
            serde_json::from_slice(data).map_err(|error| IndexError::Unreadable(error.to_string()))?
        } else {
            crate::values::decode_strict(data).map_err(IndexError::Unreadable)?
        };
        let index = Self::read(&document, !is_json)?;
        if index.api_version.is_empty() { Err(IndexError::NoApiVersion) } else { Ok(index) }
    }

    fn read(document: &Value, strict: bool) -> Result<Self, IndexError> {
        let mut typed = Typed::default();
        let mut index = Self::default();
        let mut unknown = None;
        let root = At { owner: "IndexFile", path: "" };
        for (key, value) in typed.map(document, root, "repo.IndexFile").into_iter().flatten() {
            let Some(path) = field(INDEX_KEYS, key) else {
                unknown.get_or_insert_with(|| key.clone());
                continue;
            };
            let at = At { owner: "IndexFile", path };
            match path {
                "apiVersion" => index.api_version = typed.string(value, at).unwrap_or_default(),
                "generated" => index.generated = typed.string(value, at).unwrap_or_default(),
                "publicKeys" => index.public_keys = typed.strings(value, at).unwrap_or_default(),
                "serverInfo" => {
                    index.server_info =
                        typed.map(value, at, "map[string]interface {}").cloned().unwrap_or_default();
                }
                "annotations" => {
                    for (key, value) in typed.map(value, at, "map[string]string").into_iter().flatten() {
                        index.annotations.insert(key.clone(), typed.string(value, at).unwrap_or_default());
                    }
                }
                _ => {
                    for (name, versions) in
                        typed.map(value, at, "map[string]repo.ChartVersions").into_iter().flatten()
                    {
                        let read =
                            read_versions(name, versions, &mut typed, &mut unknown, &mut index.warnings);
                        index.entries.insert(name.clone(), read);
                    }
                }
            }
        }
        typed.finish().map_err(IndexError::Unreadable)?;
        match unknown.filter(|_| strict) {
            Some(key) => Err(IndexError::Unreadable(format!(
                "error unmarshaling JSON: while decoding JSON: json: unknown field {key:?}"
            ))),
            None => Ok(index),
        }
    }

    /// The version of a chart that a range means; the newest when it is empty.
    pub fn choose(&self, name: &str, version: &str) -> Result<&ChartVersion, IndexError> {
        choose(self.entries.get(name).ok_or(IndexError::NoChartName)?, name, version)
    }

    /// The index as JSON, indented, in the order of Go's struct.
    pub fn to_json_indented(&self) -> String {
        let mut object = Object::new();
        if !self.server_info.is_empty() {
            object.value("serverInfo", &Value::Object(self.server_info.clone()));
        }
        object.text("apiVersion", &self.api_version);
        object.text("generated", or_zero_time(&self.generated));
        let mut entries = Object::new();
        for (name, versions) in &self.entries {
            let texts: Vec<_> = versions.iter().map(ChartVersion::to_json).collect();
            entries.raw(name, &format!("[{}]", texts.join(",")));
        }
        object.raw("entries", &entries.finish());
        if !self.public_keys.is_empty() {
            object.value("publicKeys", &self.public_keys.clone().into());
        }
        if !self.annotations.is_empty() {
            object.value("annotations", &serde_json::json!(self.annotations));
        }
        indent(&object.finish())
    }
}

fn or_zero_time(text: &str) -> &str {
    if text.is_empty() { ZERO_TIME } else { text }
}

/// What Go writes for a time that was never set.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl ChartVersion {
    fn to_json(&self) -> String {
        let mut object = Object::new();
        put_metadata(&mut object, &self.metadata);
        match &self.urls {
            Some(urls) => object.value("urls", &urls.clone().into()),
            None => object.raw("urls", "null"),
        }
        object.text("created", or_zero_time(&self.created));
        if self.removed {
            object.raw("removed", "true");
        }
        object.set_text("digest", &self.digest);
        object.finish()
    }
}

/// Go's `json.MarshalIndent` with two blanks, over compact JSON.
fn indent(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut characters = compact.chars().peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(character) = characters.next() {
        if quoted {
            out.push(character);
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                let close = if character == '{' { '}' } else { ']' };
                if characters.peek() == Some(&close) {
                    out.push(close);
                    characters.next();
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = character == '"';
                out.push(character);
            }
        }
    }
    out
}

/// Reads the list of one chart, drops what is invalid, and sorts the newest first.
fn read_versions(
    name: &str,
    list: &Value,
    typed: &mut Typed,
    unknown: &mut Option<String>,
    warnings: &mut Vec<String>,
) -> Vec<ChartVersion> {
    let items = typed.list(list, At { owner: "IndexFile", path: "entries" }, "repo.ChartVersions");
    let mut versions = Vec::new();
    for item in items.into_iter().flatten() {
        if item.is_null() {
            warnings.push(format!("skipping loading invalid entry for chart {name:?}: empty entry"));
            continue;
        }
        let Some(map) = typed.map(item, At { owner: "IndexFile", path: "entries" }, "repo.ChartVersion")
        else {
            continue;
        };
        let mut version = read_version(map, typed, unknown);
        if version.metadata.api_version.is_empty() {
            crate::chart::API_V1.clone_into(&mut version.metadata.api_version);
        }
        match version.metadata.validate() {
            Err(error) if !error.0.starts_with("more than one dependency with name or alias") => {
                let shown = &version.metadata.version;
                warnings
                    .push(format!("skipping loading invalid entry for chart {name:?} {shown:?}: {error}"));
            }
            _ => versions.push(version),
        }
    }
    sort(&mut versions);
    versions
}

fn read_version(map: &Map<String, Value>, typed: &mut Typed, unknown: &mut Option<String>) -> ChartVersion {
    let mut version = ChartVersion::default();
    version.metadata.take(map, typed);
    for (key, value) in map {
        if Metadata::knows(key) {
            continue;
        }
        let Some(path) = field(VERSION_KEYS, key) else {
            unknown.get_or_insert_with(|| key.clone());
            continue;
        };
        let full = format!("entries.{path}");
        let at = At { owner: "ChartVersion", path: &full };
        match path {
            "urls" => version.urls = typed.strings(value, at),
            "created" => {
                version.created =
                    typed.string(value, at).filter(|text| text != ZERO_TIME).unwrap_or_default();
            }
            "removed" => version.removed = typed.boolean(value, at).unwrap_or_default(),
            "digest" => version.digest = typed.string(value, at).unwrap_or_default(),
            _ => {}
        }
    }
    version
}

fn sort(versions: &mut [ChartVersion]) {
    let parsed = |version: &ChartVersion| Version::parse(&version.metadata.version).ok();
    versions.sort_by_cached_key(|version| std::cmp::Reverse(Key(parsed(version))));
}

/// Versions that cannot be read are older than all others.
struct Key(Option<Version>);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }
}

/// The version that a range means, out of versions sorted newest first; the same text wins over a range's answer.
pub fn choose<'v>(
    versions: &'v [ChartVersion],
    name: &str,
    version: &str,
) -> Result<&'v ChartVersion, IndexError> {
    if versions.is_empty() {
        return Err(IndexError::NoChartVersion);
    }
    let constraint = Constraint::parse(if version.is_empty() { "*" } else { version })?;
    if let Some(exact) =
        versions.iter().find(|entry| !version.is_empty() && entry.metadata.version == version)
    {
        return Ok(exact);
    }
    let fits = |entry: &&ChartVersion| {
        Version::parse(&entry.metadata.version).is_ok_and(|version| constraint.check(&version))
    };
    versions
        .iter()
        .find(fits)
        .ok_or_else(|| IndexError::NoMatch { name: name.to_owned(), version: version.to_owned() })
}

/// Whether a version is a range; a chosen version that differs from one that is none deserves a warning.
pub fn is_range(version: &str) -> bool {
    if version.contains(['^', '~', '<', '>', '=', '!', '*'])
        || version.contains("||")
        || version.contains(" - ")
    {
        return true;
    }
    let core = version.split(['-', '+']).next().unwrap_or(version);
    core.contains(['x', 'X'])
}

/// Reads the document of one chart's lines: a map from its name to its versions.
fn read_chunk(document: &Value, name: &str) -> Result<Vec<ChartVersion>, IndexError> {
    let mut typed = Typed::default();
    let list = document.as_object().and_then(|map| map.get(name)).unwrap_or(&Value::Null);
    let versions = read_versions(name, list, &mut typed, &mut None, &mut Vec::new());
    typed.finish().map_err(IndexError::Unreadable)?;
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1
entries:
  app:
  - apiVersion: v2
    created: \"2024-01-02T03:04:05Z\"
    description: |
      entries:
        other:
    digest: abc
    name: app
    urls:
    - app-1.0.0.tgz
    version: 1.0.0
  - {apiVersion: v2, name: app, version: 1.10.0, urls: [app-1.10.0.tgz]}
  - {apiVersion: v2, name: app, version: 2.0.0-rc.1, urls: [a.tgz]}
  - {apiVersion: v2, name: app, version: broken}
  other:
  - {apiVersion: v2, name: other, version: 0.1.0, urls: [o.tgz]}
generated: \"2024-01-02T03:04:05Z\"
";

    #[test]
    fn versions_are_chosen() {
        let index = Index::load(INDEX.as_bytes()).unwrap();
        for (version, want) in [
            ("", "1.10.0"),
            ("1.0.0", "1.0.0"),
            ("~1.0", "1.0.0"),
            (">0.0.0-0", "2.0.0-rc.1"),
            ("1.x", "1.10.0"),
        ] {
            assert_eq!(index.choose("app", version).unwrap().metadata.version, want, "{version}");
            let streamed = versions_in(&mut INDEX.as_bytes(), "app").unwrap();
            assert_eq!(choose(&streamed, "app", version).unwrap().metadata.version, want, "{version}");
        }
        assert_eq!(index.choose("nope", ""), Err(IndexError::NoChartName));
        assert_eq!(index.choose("app", "3").unwrap_err().to_string(), "no chart version found for app-3");
        assert_eq!(index.warnings.len(), 1);
    }

    #[test]
    fn stream_and_whole_load_agree() {
        let index = Index::load(INDEX.as_bytes()).unwrap();
        let text = index.to_json_indented();
        for input in [INDEX, &INDEX.replace('\n', "\r\n"), &text] {
            for name in ["app", "other"] {
                assert_eq!(
                    versions_in(&mut input.as_bytes(), name).unwrap(),
                    index.entries[name],
                    "{name} {input}"
                );
            }
            assert_eq!(versions_in(&mut input.as_bytes(), "nope"), Err(IndexError::NoChartName));
        }
        assert_eq!(Index::load(text.as_bytes()).unwrap().entries, index.entries);
    }

    #[test]
    fn unusual_forms_are_read_too() {
        for input in [
            "{apiVersion: v1, entries: {app: [{name: app, version: 1.0.0, apiVersion: v2}]}}\n",
            "apiVersion: v1\nentries:\n    app:\n        - name: app\n          version: 1.0.0\n    b: []\n",
            "entries:\n  \"app\":\n  - name: app\n    version: 1.0.0\napiVersion: v1\n",
            "apiVersion: v1\nentries: {app: [{name: app, version: 1.0.0}]}\n",
        ] {
            let found = versions_in(&mut input.as_bytes(), "app").unwrap();
            assert_eq!(found.len(), 1, "{input}");
        }
    }

    #[test]
    fn bad_indexes_are_refused() {
        assert_eq!(Index::load(b""), Err(IndexError::Empty));
        assert_eq!(Index::load(b"entries: {}\n"), Err(IndexError::NoApiVersion));
        let error = Index::load(b"apiVersion: v1\nentries: {a: [{name: a, version: 1.0.0, colour: red}]}\n")
            .unwrap_err();
        assert!(error.to_string().ends_with("json: unknown field \"colour\""));
        assert!(Index::load(b"a: [").is_err());
        assert!(Index::load(b"[]").is_err());
    }
}
