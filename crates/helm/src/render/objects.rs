//! What templates see beside values: `.Chart`, `.Release`, `.Files`, `.Capabilities`, `.Template`.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value as Json;
use sluice_gotmpl::{
    Arguments, Elements, Error, List, Map, MapType, Object, Run, Signature, Text, Type, Value,
};

use super::ReleaseOptions;
use crate::capabilities::{Capabilities, HelmVersion, KubeVersion};
use crate::chart::File;
use crate::chart::metadata::{Dependency, Metadata};
use crate::glob::Glob;

pub(super) fn release(options: &ReleaseOptions) -> Value {
    Value::map([
        ("Name", Value::text(options.name.as_str())),
        ("Namespace", Value::text(options.namespace.as_str())),
        ("Revision", Value::int(options.revision)),
        ("IsUpgrade", Value::Bool(options.is_upgrade)),
        ("IsInstall", Value::Bool(!options.is_upgrade)),
        ("Service", Value::text("Helm")),
    ])
}

pub(super) fn template(name: &str, base_path: &str) -> Value {
    let entries = [("Name", name), ("BasePath", base_path)];
    let entries = entries.into_iter().map(|(key, text)| (Text::from(key), Value::text(text))).collect();
    Value::Map(Map::of(MapType::Named("common.Values"), entries))
}

/// The metadata by the names of Go's fields; lists are never nil, annotations may be.
pub(super) fn chart(metadata: &Metadata, is_root: bool) -> Value {
    let text = |text: &str| Value::text(text);
    let texts =
        |items: &Option<Vec<String>>| Value::list(items.iter().flatten().map(|item| text(item)).collect());
    let maintainer = |maintainer: &crate::chart::Maintainer| {
        Value::map([
            ("Name", text(&maintainer.name)),
            ("Email", text(&maintainer.email)),
            ("URL", text(&maintainer.url)),
        ])
    };
    let annotations = match &metadata.annotations {
        None => Map::nil_of(MapType::Strings),
        Some(map) => string_map(map),
    };
    Value::map([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        (
            "Maintainers",
            Value::list(metadata.maintainers.iter().flatten().flatten().map(maintainer).collect()),
        ),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", Value::list(metadata.dependencies().map(dependency).collect())),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ])
}

fn string_map(map: &BTreeMap<String, String>) -> Map {
    let entries =
        map.iter().map(|(key, item)| (Text::from(key.as_str()), Value::text(item.as_str()))).collect();
    Map::of(MapType::Strings, entries)
}

fn dependency(dependency: &Dependency) -> Value {
    let import = |entry: &Json| match entry {
        // After processing, both forms are maps of strings.
        Json::Object(map) => {
            let entries = map.iter().map(|(key, item)| {
                (Text::from(key.as_str()), Value::text(item.as_str().unwrap_or_default()))
            });
            Value::Map(Map::of(MapType::Strings, entries.collect()))
        }
        other => Value::from_json(other),
    };
    Value::map([
        ("Name", Value::text(dependency.name.as_str())),
        ("Version", Value::text(dependency.version.as_str())),
        ("Repository", Value::text(dependency.repository.as_str())),
        ("Condition", Value::text(dependency.condition.as_str())),
        (
            "Tags",
            Value::list(dependency.tags.iter().flatten().map(|tag| Value::text(tag.as_str())).collect()),
        ),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::list(dependency.import_values.iter().flatten().map(import).collect())),
        ("Alias", Value::text(dependency.alias.as_str())),
    ])
}

const ONE_TEXT: Signature = Signature { parameters: &[Type::String], variadic: false };
const NONE: Signature = Signature { parameters: &[], variadic: false };

/// `.Files`: a map of names to bytes, with methods.
struct Files {
    files: BTreeMap<Rc<str>, Bytes>,
}

pub(super) fn files(files: &[File]) -> Value {
    let files = files.iter().map(|file| (file.name.as_str().into(), file.data.clone())).collect();
    Value::object(Files { files })
}

impl Files {
    fn bytes(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(b"", |data| data)
    }

    fn by_last_name(&self, show: impl Fn(&[u8]) -> String) -> Value {
        let entries: serde_json::Map<String, Json> = self
            .files
            .iter()
            .map(|(name, data)| {
                let last = name.rsplit('/').next().unwrap_or(name);
                (last.to_owned(), Json::String(show(data)))
            })
            .collect();
        let text = crate::values::encode(&Json::Object(entries));
        Value::text(text.strip_suffix('\n').unwrap_or(&text))
    }

    fn lines(&self, name: &str) -> Value {
        let Some(data) = self.files.get(name) else { return Value::strings(Vec::<String>::new()) };
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        Value::strings(data.split(|byte| *byte == b'\n').map(Text::from))
    }
}

impl Object for Files {
    fn type_name(&self) -> Cow<'static, str> {
        "engine.files".into()
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(ONE_TEXT),
            "AsConfig" | "AsSecrets" => Some(NONE),
            _ => None,
        }
    }

    fn call(&self, run: &Run<'_>, name: &str, arguments: &mut Arguments) -> Result<Value, Error> {
        let wanted = arguments.lossy(0).into_owned();
        run.charge(1 + self.files.len() / 16)?;
        Ok(match name {
            "Get" => Value::text(self.bytes(&wanted)),
            "GetBytes" => Value::Bytes(self.bytes(&wanted).into()),
            "Lines" => {
                if self.files.get(&*wanted).is_some_and(Bytes::is_empty) {
                    return Err(Error::new("runtime error: index out of range [-1]"));
                }
                self.lines(&wanted)
            }
            "Glob" => {
                let glob = Glob::parse(&wanted).unwrap_or_else(Glob::everything);
                let matching = self.files.iter().filter(|(name, _)| glob.matches(name));
                let files = matching.map(|(name, data)| (name.clone(), data.clone())).collect();
                Value::object(Files { files })
            }
            "AsConfig" => self.by_last_name(|data| sluice_gotmpl::text::to_lossy(data).into_owned()),
            _ => self.by_last_name(|data| STANDARD.encode(data)),
        })
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::map(
            self.files.iter().map(|(name, data)| (Text::from(&**name), Value::Bytes((&data[..]).into()))),
        ))
    }
}

/// `.Capabilities`, a pointer.
struct CapabilitiesObject {
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
}

pub(super) fn capabilities(capabilities: &Capabilities) -> Value {
    Value::object(CapabilitiesObject {
        kube_version: Value::object(KubeVersionObject(capabilities.kube_version.clone())),
        api_versions: Value::object(VersionSet(capabilities.api_versions.clone())),
        helm_version: Value::object(HelmVersionObject(capabilities.helm_version.clone())),
    })
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> Cow<'static, str> {
        "*common.Capabilities".into()
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ]
    }
}

struct VersionSet(Vec<String>);

impl Object for VersionSet {
    fn type_name(&self) -> Cow<'static, str> {
        "common.VersionSet".into()
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(ONE_TEXT)
    }

    fn call(&self, _run: &Run<'_>, _name: &str, arguments: &mut Arguments) -> Result<Value, Error> {
        let wanted = arguments.lossy(0);
        Ok(Value::Bool(self.0.iter().any(|version| *version == *wanted)))
    }

    fn underlying(&self) -> Option<Value> {
        let items = self.0.iter().map(|version| Value::text(version.as_str())).collect();
        Some(Value::List(List::new(Elements::Strings, items)))
    }
}

struct KubeVersionObject(KubeVersion);

impl Object for KubeVersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        "common.KubeVersion".into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(Value::text(self.0.version.as_str())),
            "Major" => Some(Value::text(self.0.major.as_str())),
            "Minor" => Some(Value::text(self.0.minor.as_str())),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then_some(NONE)
    }

    fn call(&self, _run: &Run<'_>, name: &str, _arguments: &mut Arguments) -> Result<Value, Error> {
        Ok(Value::text(if name == "String" { self.0.for_range() } else { self.0.version.as_str() }))
    }

    fn text(&self) -> Option<String> {
        Some(self.0.for_range().to_owned())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &String| Value::text(text.as_str());
        vec![
            ("Version", text(&self.0.version)),
            ("normalizedVersion", text(&self.0.normalized)),
            ("Major", text(&self.0.major)),
            ("Minor", text(&self.0.minor)),
        ]
    }

    fn marshal(&self) -> Option<Value> {
        Some(Value::map(self.fields().into_iter().filter(|(name, _)| *name != "normalizedVersion")))
    }
}

struct HelmVersionObject(HelmVersion);

impl Object for HelmVersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        "version.BuildInfo".into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &String| Value::text(text.as_str());
        vec![
            ("Version", text(&self.0.version)),
            ("GitCommit", text(&self.0.git_commit)),
            ("GitTreeState", text(&self.0.git_tree_state)),
            ("GoVersion", text(&self.0.go_version)),
            ("KubeClientVersion", text(&self.0.kube_client_version)),
        ]
    }

    fn marshal(&self) -> Option<Value> {
        let names = ["version", "git_commit", "git_tree_state", "go_version", "kube_client_version"];
        let fields = names.into_iter().zip(self.fields());
        let kept = fields.filter(|(name, (_, value))| *name == "kube_client_version" || value.truth());
        Some(Value::map(kept.map(|(name, (_, value))| (name, value))))
    }
}
