//! `Chart.yaml` and `Chart.lock` as types: reading by Go's rules, checking, and writing with the keys that Helm writes.

mod lists;

use lists::{read_dependencies, read_maintainers};

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sluice_version::Version;

use super::typed::{At, Typed, field};

/// Who keeps a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// One entry of `dependencies`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Option<Vec<String>>,
    pub enabled: bool,
    pub import_values: Option<Vec<Value>>,
    pub alias: String,
}

/// `Chart.yaml`. A list that is absent and a list that is empty are different things to Helm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Option<Vec<String>>,
    pub version: String,
    pub description: String,
    pub keywords: Option<Vec<String>>,
    pub maintainers: Option<Vec<Option<Maintainer>>>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: Option<BTreeMap<String, String>>,
    pub kube_version: String,
    pub dependencies: Option<Vec<Option<Dependency>>>,
    pub kind: String,
}

/// `Chart.lock`. `generated` is kept as the text it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    pub generated: String,
    pub digest: String,
    pub dependencies: Option<Vec<Option<Dependency>>>,
}

/// What is wrong with a chart's metadata, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct ValidationError(pub String);

const METADATA_KEYS: &[&str] = &[
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];
const MAINTAINER_KEYS: &[&str] = &["name", "email", "url"];
const DEPENDENCY_KEYS: &[&str] =
    &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
const LOCK_KEYS: &[&str] = &["generated", "digest", "dependencies"];

fn put(target: &mut String, value: Option<String>) {
    if let Some(value) = value {
        *target = value;
    }
}

impl Metadata {
    /// Reads the document over what is there already, as Helm does with `requirements.yaml`.
    pub fn read_over(&mut self, document: &Value) -> Result<(), String> {
        let mut typed = Typed::default();
        let root = At { owner: "Metadata", path: "" };
        if let Some(map) = typed.map(document, root, "v2.Metadata") {
            self.take(map, &mut typed);
        }
        typed.finish()
    }

    /// Keys of the document that `Chart.yaml` does not know.
    pub fn unknown_keys(document: &Value) -> Vec<String> {
        let Value::Object(map) = document else { return Vec::new() };
        map.keys().filter(|key| field(METADATA_KEYS, key).is_none()).cloned().collect()
    }

    /// Whether a key is one of `Chart.yaml`.
    pub(crate) fn knows(key: &str) -> bool {
        field(METADATA_KEYS, key).is_some()
    }

    pub(crate) fn take(&mut self, map: &Map<String, Value>, typed: &mut Typed) {
        for (key, value) in map {
            let Some(path) = field(METADATA_KEYS, key) else { continue };
            let at = At { owner: "Metadata", path };
            match path {
                "name" => put(&mut self.name, typed.string(value, at)),
                "home" => put(&mut self.home, typed.string(value, at)),
                "sources" => self.sources = typed.strings(value, at),
                "version" => put(&mut self.version, typed.string(value, at)),
                "description" => put(&mut self.description, typed.string(value, at)),
                "keywords" => self.keywords = typed.strings(value, at),
                "maintainers" => self.maintainers = read_maintainers(value, typed),
                "icon" => put(&mut self.icon, typed.string(value, at)),
                "apiVersion" => put(&mut self.api_version, typed.string(value, at)),
                "condition" => put(&mut self.condition, typed.string(value, at)),
                "tags" => put(&mut self.tags, typed.string(value, at)),
                "appVersion" => put(&mut self.app_version, typed.string(value, at)),
                "deprecated" => self.deprecated = typed.boolean(value, at).unwrap_or(self.deprecated),
                "annotations" => {
                    if let Some(entries) = typed.map(value, at, "map[string]string") {
                        let target = self.annotations.get_or_insert_default();
                        for (key, value) in entries {
                            target.insert(key.clone(), typed.string(value, at).unwrap_or_default());
                        }
                    } else if value.is_null() {
                        self.annotations = None;
                    }
                }
                "kubeVersion" => put(&mut self.kube_version, typed.string(value, at)),
                "dependencies" => self.dependencies = read_dependencies(value, typed, "Metadata"),
                _ => put(&mut self.kind, typed.string(value, at)),
            }
        }
    }

    /// Cleans the texts and checks what Helm checks when it loads a chart.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        let refuse = |text: String| Err(ValidationError(text));
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        for text in self.sources.iter_mut().chain(&mut self.keywords).flatten() {
            sanitize(text);
        }
        if self.api_version.is_empty() {
            return refuse("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return refuse("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return refuse(format!("chart.metadata.name {:?} is not allowed", self.name));
        }
        if self.name.contains('/') {
            return refuse(format!("chart.metadata.name {:?} is invalid", self.name));
        }
        if self.version.is_empty() {
            return refuse("chart.metadata.version is required".to_owned());
        }
        if Version::parse(&self.version).is_err() {
            return refuse(format!("chart.metadata.version {:?} is invalid", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in self.maintainers.iter_mut().flatten() {
            let Some(maintainer) = maintainer else {
                return refuse("maintainers must not contain empty or null nodes".to_owned());
            };
            for text in [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url] {
                sanitize(text);
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            let Some(dependency) = dependency else {
                return refuse("dependencies must not contain empty or null nodes".to_owned());
            };
            dependency.validate()?;
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !seen.insert(key.clone()) {
                return refuse(format!("more than one dependency with name or alias {key:?}"));
            }
        }
        Ok(())
    }

    /// The entries of `dependencies` that are there.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().flatten().flatten()
    }

    /// The fields that are set, with the keys of `Chart.yaml`, in no order.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, value) in self.ordered_fields() {
            map.insert(key.to_owned(), value);
        }
        Value::Object(map)
    }

    /// The fields that are set, in the order of Go's struct.
    pub fn ordered_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = Vec::new();
        let list = |items: &Option<Vec<String>>| {
            items.as_ref().filter(|items| !items.is_empty()).map(|items| json!(items))
        };
        let mut add =
            |key: &'static str, value: Option<Value>| fields.extend(value.map(|value| (key, value)));
        let text = |value: &String| (!value.is_empty()).then(|| Value::String(value.clone()));
        add("name", text(&self.name));
        add("home", text(&self.home));
        add("sources", list(&self.sources));
        add("version", text(&self.version));
        add("description", text(&self.description));
        add("keywords", list(&self.keywords));
        let maintainers = self.maintainers.as_ref().filter(|items| !items.is_empty());
        add(
            "maintainers",
            maintainers
                .map(|items| items.iter().map(|item| item.as_ref().map(Maintainer::to_value)).collect()),
        );
        add("icon", text(&self.icon));
        add("apiVersion", text(&self.api_version));
        add("condition", text(&self.condition));
        add("tags", text(&self.tags));
        add("appVersion", text(&self.app_version));
        add("deprecated", self.deprecated.then_some(Value::Bool(true)));
        add("annotations", self.annotations.as_ref().filter(|map| !map.is_empty()).map(|map| json!(map)));
        add("kubeVersion", text(&self.kube_version));
        let dependencies = self.dependencies.as_ref().filter(|items| !items.is_empty());
        add("dependencies", dependencies.map(|items| dependencies_value(items)));
        add("type", text(&self.kind));
        fields
    }
}

fn dependencies_value(items: &[Option<Dependency>]) -> Value {
    items
        .iter()
        .map(|item| {
            item.as_ref().map(|item| {
                Value::Object(item.ordered_fields().into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            })
        })
        .collect()
}

impl Maintainer {
    /// The fields that are set, in the order of Go's struct.
    pub fn ordered_fields(&self) -> Vec<(&'static str, Value)> {
        [("name", &self.name), ("email", &self.email), ("url", &self.url)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, Value::String(text.clone())))
            .collect()
    }

    fn to_value(&self) -> Value {
        Value::Object(self.ordered_fields().into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl Dependency {
    fn validate(&mut self) -> Result<(), ValidationError> {
        for text in [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition] {
            sanitize(text);
        }
        self.tags.iter_mut().flatten().for_each(sanitize);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !self.alias.bytes().all(plain) {
            return Err(ValidationError(format!(
                "dependency {:?} has disallowed characters in the alias",
                self.name
            )));
        }
        Ok(())
    }

    /// The fields that Go writes, in the order of its struct.
    pub fn ordered_fields(&self) -> Vec<(&'static str, Value)> {
        let text = |value: &String| Value::String(value.clone());
        let mut fields = vec![("name", text(&self.name))];
        if !self.version.is_empty() {
            fields.push(("version", text(&self.version)));
        }
        fields.push(("repository", text(&self.repository)));
        if !self.condition.is_empty() {
            fields.push(("condition", text(&self.condition)));
        }
        if let Some(tags) = self.tags.as_ref().filter(|tags| !tags.is_empty()) {
            fields.push(("tags", json!(tags)));
        }
        if self.enabled {
            fields.push(("enabled", Value::Bool(true)));
        }
        if let Some(values) = self.import_values.as_ref().filter(|values| !values.is_empty()) {
            fields.push(("import-values", Value::Array(values.clone())));
        }
        if !self.alias.is_empty() {
            fields.push(("alias", text(&self.alias)));
        }
        fields
    }
}

impl Lock {
    pub fn read(document: &Value) -> Result<Self, String> {
        let mut typed = Typed::default();
        let mut lock = Self::default();
        if let Some(map) = typed.map(document, At { owner: "Lock", path: "" }, "v2.Lock") {
            for (key, value) in map {
                let Some(path) = field(LOCK_KEYS, key) else { continue };
                let at = At { owner: "Lock", path };
                match path {
                    "generated" => put(&mut lock.generated, typed.string(value, at)),
                    "digest" => put(&mut lock.digest, typed.string(value, at)),
                    _ => lock.dependencies = read_dependencies(value, &mut typed, "Lock"),
                }
            }
        }
        typed.finish().map(|()| lock)
    }

    /// All three keys, as Go writes them.
    pub fn to_value(&self) -> Value {
        let dependencies = self.dependencies.as_ref().map(|items| dependencies_value(items));
        json!({"generated": self.generated, "digest": self.digest, "dependencies": dependencies})
    }
}

/// Blanks become spaces, what cannot be printed goes.
fn sanitize(text: &mut String) {
    let clean = |character: char| character == ' ' || (!character.is_whitespace() && is_printable(character));
    if text.chars().all(clean) {
        return;
    }
    *text = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| clean(*character))
        .collect();
}

/// Go's `unicode.IsPrint`, but for what is not yet assigned.
fn is_printable(character: char) -> bool {
    sluice_version::number::is_printable(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: Value) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.read_over(&document).unwrap();
        metadata
    }

    #[test]
    fn fields_are_read_in_any_case_and_written_in_order() {
        let metadata = read(json!({
            "APIVersion": "v2", "name": "a", "version": 1.5, "appVersion": 2, "type": "library",
            "dependencies": [{"name": "x", "repository": "file://../x", "version": "1.x", "tags": ["t"]}],
            "annotations": {"a": 1},
        }));
        assert_eq!(metadata.version, "1.5");
        assert_eq!(metadata.app_version, "2");
        let keys: Vec<_> = metadata.ordered_fields().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["name", "version", "apiVersion", "appVersion", "annotations", "dependencies", "type"]
        );
    }

    #[test]
    fn bad_metadata_is_refused_in_helms_words() {
        for (document, want) in [
            (json!({"name": "a", "version": "1"}), "chart.metadata.apiVersion is required"),
            (json!({"apiVersion": "v2", "version": "1"}), "chart.metadata.name is required"),
            (
                json!({"apiVersion": "v2", "name": "..", "version": "1"}),
                "chart.metadata.name \"..\" is not allowed",
            ),
            (
                json!({"apiVersion": "v2", "name": "a/b", "version": "1"}),
                "chart.metadata.name \"a/b\" is invalid",
            ),
            (json!({"apiVersion": "v2", "name": "a"}), "chart.metadata.version is required"),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "x"}),
                "chart.metadata.version \"x\" is invalid",
            ),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "1", "type": "x"}),
                "chart.metadata.type must be application or library",
            ),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "1", "maintainers": [null]}),
                "maintainers must not contain empty or null nodes",
            ),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "1", "dependencies": [null]}),
                "dependencies must not contain empty or null nodes",
            ),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "1", "dependencies": [{"name": "b", "alias": "c d"}]}),
                "dependency \"b\" has disallowed characters in the alias",
            ),
            (
                json!({"apiVersion": "v2", "name": "a", "version": "1", "dependencies": [{"name": "b"}, {"name": "c", "alias": "b"}]}),
                "more than one dependency with name or alias \"b\"",
            ),
        ] {
            assert_eq!(read(document).validate().unwrap_err().to_string(), format!("validation: {want}"));
        }
    }

    #[test]
    fn wrong_types_name_the_field() {
        let error = Metadata::default().read_over(&json!({"dependencies": [{"name": ["x"]}]})).unwrap_err();
        assert!(error.ends_with(
            "json: cannot unmarshal array into Go struct field Dependency.dependencies.name of type string"
        ));
    }
}
