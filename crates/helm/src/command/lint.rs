//! `helm lint`: what is wrong with a chart, and what could be better.

mod addresses;
mod deprecated;

use serde_json::{Map, Value};
use sluice_tree::{EntryKind, Tree};
use sluice_version::Version;

use sluice_gotmpl::url_parts;

use super::Environment;
use crate::capabilities::{Capabilities, KubeVersion};
use crate::chart::typed::{At, Typed, field};
use crate::chart::{API_V1, API_V2, Chart, Limits, Maintainer, Metadata, extension, folder};
use crate::family::{Family, coalesce_two};
use crate::manifest;
use crate::render::{ReleaseOptions, RenderOptions, render};
use crate::schema;
use crate::values::graph::{Table, from_map, new_table, to_map};
use crate::values::{decode, decode_strict, read_map};
use addresses::{is_email, is_url};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub severity: Severity,
    pub path: String,
    pub text: String,
}

impl std::fmt::Display for Message {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(out, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// The flags that change the answer.
#[derive(Debug, Clone, Default)]
pub struct LintArgs {
    pub namespace: String,
    pub skip_schema_validation: bool,
    pub kube_version: Option<KubeVersion>,
}

/// What a lint comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub messages: Vec<Message>,
    /// What Helm would log beside them.
    pub logged: Vec<String>,
}

/// Goes over the chart at `path`; `shown` is its absolute path for messages.
pub fn lint(
    tree: &dyn Tree,
    path: &str,
    shown: &str,
    values: &Map<String, Value>,
    args: &LintArgs,
    environment: &Environment<'_>,
) -> Outcome {
    let mut lint = Lint { tree, path, shown, args, outcome: Outcome::default() };
    lint.chartfile();
    lint.values(values);
    lint.templates(values, environment);
    lint.dependencies();
    lint.crds();
    lint.outcome
}

struct Lint<'a> {
    tree: &'a dyn Tree,
    path: &'a str,
    shown: &'a str,
    args: &'a LintArgs,
    outcome: Outcome,
}

impl Lint<'_> {
    fn say(&mut self, severity: Severity, path: &str, text: impl Into<String>) {
        self.outcome.messages.push(Message { severity, path: path.to_owned(), text: text.into() });
    }

    fn error(&mut self, path: &str, text: impl Into<String>) {
        self.say(Severity::Error, path, text);
    }

    fn join(&self, name: &str) -> String {
        format!("{}/{name}", self.path.trim_end_matches('/'))
    }

    fn load(&mut self) -> Result<Chart, String> {
        let chart =
            folder::load(self.tree, self.path, &Limits::default()).map_err(|error| error.to_string())?;
        self.outcome.logged.extend(chart.warnings.iter().cloned());
        Ok(chart)
    }

    fn chartfile(&mut self) {
        const FILE: &str = "Chart.yaml";
        let full = self.join(FILE);
        if self.tree.kind(&full) == Ok(EntryKind::Folder) {
            self.error(FILE, "should be a file, not a directory");
        }
        let data = match self.tree.read(&full) {
            Ok(data) => data,
            Err(error) => return self.error(FILE, format!("unable to parse YAML\n\t{error}")),
        };
        let mut metadata = Metadata::default();
        let document = match decode(&data).and_then(|value| metadata.read_over(&value).map(|()| value)) {
            Ok(document) => document,
            Err(text) => return self.error(FILE, format!("unable to parse YAML\n\t{text}")),
        };
        let strict = decode_strict(&data).err().or_else(|| {
            let unknown = Metadata::unknown_keys(&document).into_iter().next()?;
            Some(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {unknown:?}"))
        });
        if let Some(text) = strict {
            let text = format!("failed to strictly parse chart metadata file\n\t{text}");
            self.say(Severity::Warning, FILE, text);
        }
        for (severity, text) in metadata_problems(&metadata, &document) {
            self.say(severity, FILE, text);
        }
    }

    fn values(&mut self, given: &Map<String, Value>) {
        const FILE: &str = "values.yaml";
        let Ok(data) = self.tree.read(&self.join(FILE)) else {
            return self.say(Severity::Info, FILE, "file does not exist");
        };
        let own = match read_map(&data) {
            Ok(own) => own,
            Err(text) => return self.error(FILE, format!("unable to parse YAML: {text}")),
        };
        let given = coalesce_two(&new_table(), &from_map(given));
        let merged = coalesce_two(&given, &from_map(&own));
        if let Ok(schema) = self.tree.read(&self.join("values.schema.json"))
            && !schema.is_empty()
            && !self.args.skip_schema_validation
            && let Err(error) = schema::validate_one(&Value::Object(to_map(&merged)), &schema)
        {
            self.error(FILE, error.to_string());
        }
    }

    fn templates(&mut self, given: &Map<String, Value>, environment: &Environment<'_>) {
        const FOLDER: &str = "templates/";
        match self.tree.kind(&self.join("templates")) {
            Ok(EntryKind::Folder) => {}
            Ok(EntryKind::File) => return self.error(FOLDER, "not a directory"),
            Err(_) => return self.say(Severity::Warning, FOLDER, "directory does not exist"),
        }
        let chart = match self.load() {
            Ok(chart) => chart,
            Err(text) => return self.error(FOLDER, text),
        };
        let mut family = Family::new(&chart);
        let values = coalesced(&mut family, given);
        self.outcome.logged.append(&mut family.warnings);
        let Some(values) = values else { return };
        if !self.args.skip_schema_validation
            && let Err(error) = schema::validate(&family, &values)
        {
            let head = "values don't meet the specifications of the schema(s) in the following chart(s):";
            return self.error(FOLDER, format!("{head}\n{error}"));
        }
        let mut capabilities = Capabilities::default();
        if let Some(version) = &self.args.kube_version {
            capabilities.kube_version = version.clone();
        }
        let options = RenderOptions {
            release: ReleaseOptions {
                name: "test-release".to_owned(),
                namespace: self.args.namespace.clone(),
                revision: 0,
                is_upgrade: false,
            },
            capabilities: &capabilities,
            budget: environment.budget,
            now: environment.now.clone(),
            random: environment.random,
            hooks: environment.hooks,
            strict: false,
            lint: true,
        };
        let rendered = match render(&family, &values, &options) {
            Ok(rendered) => rendered,
            Err(error) => return self.error(FOLDER, error.to_string()),
        };
        for template in &chart.templates {
            let name = &template.name;
            let known = extension(name);
            if ![".yaml", ".yml", ".tpl", ".txt"].contains(&known) {
                let text = format!(
                    "file extension '{known}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"
                );
                self.error(name, text);
            }
            let is_yaml = [".yaml", ".yml"].iter().any(|yaml| yaml.eq_ignore_ascii_case(known));
            let text =
                rendered.get(&format!("{}/{name}", chart.name())).map(String::as_str).unwrap_or_default();
            if is_yaml && !text.trim().is_empty() && !self.document(name, text) {
                return;
            }
        }
    }

    /// Goes over one rendered file; false ends the lint of templates.
    fn document(&mut self, name: &str, text: &str) -> bool {
        if let Some(line) = text.lines().find(|line| !line.trim().is_empty())
            && line.starts_with([' ', '\t'])
        {
            let text =
                format!("document starts with an illegal indent: {line:?}, which may cause parsing problems");
            self.say(Severity::Warning, name, text);
        }
        for document in manifest::split(text) {
            let value = match decode(document.as_bytes()) {
                Ok(value) => value,
                Err(error) => {
                    self.error(name, format!("unable to parse YAML: {error}"));
                    return false;
                }
            };
            if value.is_null() {
                continue;
            }
            if let Err(error) = read_head(&value) {
                self.error(name, format!("unable to parse YAML: {error}"));
                return false;
            }
            let kind = value["kind"].as_str().unwrap_or_default();
            let object = value["metadata"]["name"].as_str().unwrap_or_default();
            if let Some(reason) = name_problem(kind, object) {
                let text = format!(
                    "object name does not conform to Kubernetes naming requirements: {object:?}: metadata.name: Invalid value: {object:?}: {reason}"
                );
                self.say(Severity::Warning, name, text);
            }
            let api_version = value["apiVersion"].as_str().unwrap_or_default();
            let version =
                self.args.kube_version.clone().unwrap_or_else(|| Capabilities::default().kube_version);
            if let Some(text) = deprecated::warning(api_version, kind, &version) {
                self.say(Severity::Warning, name, text);
            }
            if matches!(kind, "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
                && !text.contains("matchLabels")
                && !text.contains("matchExpressions")
            {
                let text =
                    format!("a {kind} must contain matchLabels or matchExpressions, and {object:?} does not");
                self.error(name, text);
            }
            let kept =
                |item: &Value| item["metadata"]["annotations"].get("helm.sh/resource-policy").is_some();
            if kind == "List" && value["items"].as_array().is_some_and(|items| items.iter().any(kept)) {
                self.error(name, "annotation 'helm.sh/resource-policy' within List objects are ignored");
            }
        }
        true
    }

    fn dependencies(&mut self) {
        let chart = match self.load() {
            Ok(chart) => chart,
            Err(text) => return self.error("", format!("unable to load chart\n\t{text}")),
        };
        let shown = self.shown.to_owned();
        let named: Vec<&str> =
            chart.metadata.dependencies().map(|dependency| dependency.name.as_str()).collect();
        let present: Vec<&str> = chart.dependencies.iter().map(Chart::name).collect();
        let missing = |wanted: &[&str], have: &[&str]| {
            let missing: Vec<&str> = wanted.iter().copied().filter(|name| !have.contains(name)).collect();
            missing.join(",")
        };
        let unnamed = missing(&present, &named);
        if !unnamed.is_empty() {
            self.error(&shown, format!("chart metadata is missing these dependencies: {unnamed}"));
        }
        let absent = missing(&named, &present);
        if !absent.is_empty() {
            let text = format!("chart directory is missing these dependencies: {absent}");
            self.say(Severity::Warning, &shown, text);
        }
    }

    fn crds(&mut self) {
        match self.tree.kind(&self.join("crds")) {
            Err(_) => return,
            Ok(EntryKind::File) => return self.error("crds/", "not a directory"),
            Ok(EntryKind::Folder) => {}
        }
        let chart = match self.load() {
            Ok(chart) => chart,
            Err(text) => return self.error("crds/", text),
        };
        for crd in chart.crds() {
            for document in manifest::split(&String::from_utf8_lossy(&crd.data)) {
                let value = match decode(document.as_bytes()) {
                    Ok(value) => value,
                    Err(text) => return self.error(&crd.name, format!("unable to parse YAML: {text}")),
                };
                if value.is_null() {
                    continue;
                }
                if !value["apiVersion"].as_str().unwrap_or_default().starts_with("apiextensions.k8s.io") {
                    self.error(&crd.name, "apiVersion is not in 'apiextensions.k8s.io'");
                }
                if value["kind"] != "CustomResourceDefinition" {
                    self.error(&crd.name, "object kind is not 'CustomResourceDefinition'");
                }
            }
        }
    }
}

/// The values of templates: Helm's lint merges them twice.
fn coalesced(family: &mut Family<'_>, given: &Map<String, Value>) -> Option<Table> {
    let given = from_map(given);
    family.process_dependencies(&given).ok()?;
    let once = family.coalesce(&given).ok()?;
    family.coalesce(&once).ok()
}

fn metadata_problems(metadata: &Metadata, document: &Value) -> Vec<(Severity, String)> {
    let mut problems = Vec::new();
    let mut error = |text: String| problems.push((Severity::Error, text));
    if metadata.name.is_empty() {
        error("name is required".to_owned());
    } else if metadata.name.contains('/') {
        error(format!("chart name {:?} is invalid", metadata.name));
    }
    match metadata.api_version.as_str() {
        "" => error("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        API_V1 | API_V2 => {}
        other => {
            error(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\""));
        }
    }
    let no_string = |key: &str| match document.get(key) {
        None | Some(Value::String(_)) => None,
        Some(value) => {
            let kind = match value {
                Value::Null => "<nil>",
                Value::Bool(_) => "bool",
                Value::Number(_) => "float64",
                Value::Array(_) => "[]interface {}",
                _ => "map[string]interface {}",
            };
            Some(format!("{key} should be of type string but it's of type {kind}"))
        }
    };
    let (version_type, app_version_type) = (no_string("version"), no_string("appVersion"));
    version_type.into_iter().for_each(&mut error);
    if metadata.version.is_empty() {
        error("version is required".to_owned());
    } else if Version::parse(&metadata.version).is_err() {
        error(format!("version '{}' is not a valid SemVer", metadata.version));
    }
    app_version_type.into_iter().for_each(&mut error);
    for maintainer in metadata.maintainers.iter().flatten() {
        match maintainer {
            None => error("a maintainer entry is empty".to_owned()),
            Some(maintainer) if maintainer.name.is_empty() => {
                error("each maintainer requires a name".to_owned());
            }
            Some(Maintainer { name, email, .. }) if !email.is_empty() && !is_email(email) => {
                error(format!("invalid email '{email}' for maintainer '{name}'"));
            }
            Some(Maintainer { name, url, .. }) if !url.is_empty() && !is_url(url) => {
                error(format!("invalid url '{url}' for maintainer '{name}'"));
            }
            Some(_) => continue,
        }
        break;
    }
    if let Some(source) = metadata.sources.iter().flatten().find(|source| !is_request_url(source)) {
        error(format!("invalid source URL '{source}'"));
    }
    if metadata.icon.is_empty() {
        problems.push((Severity::Info, "icon is recommended".to_owned()));
    }
    let mut error = |text: String| problems.push((Severity::Error, text));
    if !metadata.icon.is_empty() && !is_request_url(&metadata.icon) {
        error(format!("invalid icon URL '{}'", metadata.icon));
    }
    let api_version = &metadata.api_version;
    if !metadata.kind.is_empty() && api_version != API_V2 {
        error(format!(
            "chart type is not valid in apiVersion '{api_version}'. It is valid in apiVersion '{API_V2}'"
        ));
    }
    if metadata.dependencies().next().is_some() && api_version != API_V2 {
        error(format!(
            "dependencies are not valid in the Chart file with apiVersion '{api_version}'. They are valid in apiVersion '{API_V2}'"
        ));
    }
    if Version::parse_strict(&metadata.version).is_err() {
        let text = format!("version '{}' is not a valid SemVerV2", metadata.version);
        problems.push((Severity::Warning, text));
    }
    problems
}

/// Whether a text is a URL with a scheme.
fn is_request_url(text: &str) -> bool {
    url_parts(text).is_ok_and(|url| !url.scheme.is_empty())
}

/// What Helm reads of a document: the first wrong type is the error.
fn read_head(value: &Value) -> Result<(), String> {
    let mut typed = Typed::default();
    let root = At { owner: "k8sYamlStruct", path: "" };
    for (key, value) in typed.map(value, root, "rules.k8sYamlStruct").into_iter().flatten() {
        match field(&["apiVersion", "Kind", "Metadata"], key) {
            Some(path @ ("apiVersion" | "Kind")) => drop(typed.string(value, At { path, ..root })),
            Some(path) => {
                let inner = typed.map(value, At { path, ..root }, "rules.k8sYamlMetadata");
                for (key, value) in inner.into_iter().flatten() {
                    let known = field(&["Namespace", "Name"], key);
                    let path = known.map(|name| format!("Metadata.{name}"));
                    if let Some(path) = path {
                        typed.string(value, At { owner: "k8sYamlStruct", path: &path });
                    }
                }
            }
            None => {}
        }
    }
    typed.finish()
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1123: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Why a name is none for its kind.
fn name_problem(kind: &str, name: &str) -> Option<String> {
    let (good, limit, reason) = match kind.to_lowercase().as_str() {
        "certificatesigningrequest" => return None,
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => {
            return match name {
                "." | ".." => Some(format!("may not be '{name}'")),
                _ if name.contains('/') => Some("may not contain '/'".to_owned()),
                _ if name.contains('%') => Some("may not contain '%'".to_owned()),
                _ => None,
            };
        }
        "service" => {
            (is_label(name) && !name.starts_with(|first: char| first.is_ascii_digit()), 63, LABEL_1035)
        }
        "namespace" => (is_label(name), 63, LABEL_1123),
        _ => (name.split('.').all(is_label), 253, SUBDOMAIN),
    };
    if name.len() > limit {
        return Some(format!("must be no more than {limit} bytes"));
    }
    (!good).then(|| reason.to_owned())
}

fn is_label(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
}
