//! The bytes of a stored release, both ways: base64 around gzip around JSON with the fields in the order of Go's structs.
//!
//! Histories of Helm 3 and Helm 4 are read: empty texts for times, missing fields, no compression in very old ones.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

use super::{ApplyMethod, GoTime, HookRun, Info, Release, Status, StoredHook};
use crate::chart::metadata::{Lock, Metadata};
use crate::chart::{Chart, File};
use crate::json::{self, Object};
use crate::manifest::{Hook, HookEvent};
use crate::values::as_floats;

/// The most that one release may unpack to. A Secret holds 1 MiB.
const MAX_BYTES: u64 = 256 << 20;

/// Why stored bytes are no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("illegal base64 data")]
    Base64,
    #[error("cannot decompress the release")]
    Compression,
    #[error("the release holds more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("cannot read the release as JSON: {0}")]
    Json(String),
}

/// The text that stands in a Secret's or ConfigMap's `release` key.
pub fn encode(release: &Release) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(to_json(release).as_bytes()).and_then(|()| encoder.finish());
    STANDARD.encode(packed.expect("writing to memory does not fail"))
}

/// Reads what [`encode`] or Helm wrote.
pub fn decode(text: &[u8]) -> Result<Release, CodecError> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut bytes = STANDARD.decode(text).map_err(|_| CodecError::Base64)?;
    if bytes.len() > 3 && bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut unpacked = Vec::new();
        let read = MultiGzDecoder::new(&bytes[..]).take(MAX_BYTES + 1).read_to_end(&mut unpacked);
        read.map_err(|_| CodecError::Compression)?;
        if unpacked.len() as u64 > MAX_BYTES {
            return Err(CodecError::TooLarge);
        }
        bytes = unpacked;
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| CodecError::Json(error.to_string()))?;
    read_release(&value).map_err(CodecError::Json)
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    list(items.into_iter().map(|item| {
        let mut out = String::new();
        json::write_string(&mut out, item.as_ref());
        out
    }))
}

/// The JSON of a release.
pub fn to_json(release: &Release) -> String {
    let mut object = Object::new();
    object.set_text("name", &release.name);
    object.raw("info", &info_json(&release.info));
    if let Some(chart) = &release.chart {
        object.raw("chart", &chart_json(chart));
    }
    if !release.config.is_empty() {
        object.value("config", &Value::Object(release.config.clone()));
    }
    object.set_text("manifest", &release.manifest);
    if !release.hooks.is_empty() {
        object.raw("hooks", &list(release.hooks.iter().map(hook_json)));
    }
    if release.version != 0 {
        object.integer("version", release.version);
    }
    object.set_text("namespace", &release.namespace);
    if let Some(method) = release.apply_method {
        object.text("apply_method", method.as_str());
    }
    object.finish()
}

pub(super) fn info_json(info: &Info) -> String {
    let mut object = Object::new();
    object.maybe_text("first_deployed", info.first_deployed.as_ref().map(GoTime::as_str));
    object.maybe_text("last_deployed", info.last_deployed.as_ref().map(GoTime::as_str));
    object.maybe_text("deleted", info.deleted.as_ref().map(GoTime::as_str));
    object.set_text("description", &info.description);
    if info.status != Status::Unknown || !info.description.is_empty() || info.first_deployed.is_some() {
        object.text("status", info.status.as_str());
    }
    object.set_text("notes", &info.notes);
    if let Some(resources) = info.resources.as_ref().filter(|resources| !resources.is_empty()) {
        object.value("resources", &Value::Object(resources.clone()));
    }
    object.finish()
}

pub(super) fn metadata_json(metadata: &Metadata) -> String {
    let mut object = Object::new();
    put_metadata(&mut object, metadata);
    object.finish()
}

/// The fields of a chart's metadata, in the order of Go's struct.
pub(crate) fn put_metadata(object: &mut Object, metadata: &Metadata) {
    for (key, value) in metadata.ordered_fields() {
        match key {
            "maintainers" => {
                let items = metadata.maintainers.iter().flatten();
                object.raw(
                    key,
                    &list(items.map(|item| ordered(item.as_ref().map(|item| item.ordered_fields())))),
                );
            }
            "dependencies" => object.raw(key, &dependencies_json(metadata.dependencies.as_deref())),
            _ => object.value(key, &value),
        }
    }
}

fn ordered(fields: Option<Vec<(&'static str, Value)>>) -> String {
    let Some(fields) = fields else { return "null".to_owned() };
    let mut object = Object::new();
    for (key, value) in fields {
        object.value(key, &value);
    }
    object.finish()
}

pub(crate) fn dependencies_json(items: Option<&[Option<crate::chart::Dependency>]>) -> String {
    match items {
        None => "null".to_owned(),
        Some(items) => {
            list(items.iter().map(|item| ordered(item.as_ref().map(|item| item.ordered_fields()))))
        }
    }
}

fn chart_json(chart: &Chart) -> String {
    let mut object = Object::new();
    object.raw("metadata", &metadata_json(&chart.metadata));
    object.raw("lock", &chart.lock.as_ref().map_or_else(|| "null".to_owned(), lock_json));
    object.raw("templates", &files_json(&chart.templates));
    object.value("values", chart.values.as_ref().unwrap_or(&Value::Null));
    match &chart.schema {
        Some(schema) => object.text("schema", &STANDARD.encode(schema)),
        None => object.raw("schema", "null"),
    }
    let zero = "0001-01-01T00:00:00Z".to_owned();
    let schema_modified =
        chart.schema_modified.map_or(zero, |at| GoTime::from_timestamp(at).as_str().to_owned());
    object.text("schemamodtime", &schema_modified);
    object.raw("files", &files_json(&chart.files));
    if let Some(modified) = chart.modified {
        object.text("modtime", GoTime::from_timestamp(modified).as_str());
    }
    object.finish()
}

fn lock_json(lock: &Lock) -> String {
    let mut object = Object::new();
    object.text("generated", &lock.generated);
    object.text("digest", &lock.digest);
    object.raw("dependencies", &dependencies_json(lock.dependencies.as_deref()));
    object.finish()
}

fn files_json(files: &[File]) -> String {
    if files.is_empty() {
        return "null".to_owned();
    }
    list(files.iter().map(|file| {
        let mut object = Object::new();
        object.text("name", &file.name);
        object.text("data", &STANDARD.encode(&file.data));
        if let Some(modified) = file.modified {
            object.text("modtime", GoTime::from_timestamp(modified).as_str());
        }
        object.finish()
    }))
}

pub(super) fn hook_json(stored: &StoredHook) -> String {
    let hook = &stored.hook;
    let mut object = Object::new();
    object.set_text("name", &hook.name);
    object.set_text("kind", &hook.kind);
    object.set_text("path", &hook.path);
    object.set_text("manifest", &hook.manifest);
    let events = hook.events.iter().map(|event| event.as_str());
    let events: Vec<_> = events.chain(stored.unknown_events.iter().map(String::as_str)).collect();
    if !events.is_empty() {
        object.raw("events", &texts(events));
    }
    let mut run = Object::new();
    run.maybe_text("started_at", stored.last_run.started_at.as_ref().map(GoTime::as_str));
    run.maybe_text("completed_at", stored.last_run.completed_at.as_ref().map(GoTime::as_str));
    run.text("phase", &stored.last_run.phase);
    object.raw("last_run", &run.finish());
    if hook.weight != 0 {
        object.integer("weight", hook.weight);
    }
    if !hook.delete_policies.is_empty() {
        object.raw("delete_policies", &texts(&hook.delete_policies));
    }
    if !hook.output_log_policies.is_empty() {
        object.raw("output_log_policies", &texts(&hook.output_log_policies));
    }
    object.finish()
}

fn text(map: &Map<String, Value>, key: &str) -> Result<String, String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{key} is no string")),
    }
}

fn integer(map: &Map<String, Value>, key: &str) -> Result<i64, String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_i64().ok_or_else(|| format!("{key} is no integer")),
    }
}

fn object<'v>(map: &'v Map<String, Value>, key: &str) -> Result<Option<&'v Map<String, Value>>, String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(inner)) => Ok(Some(inner)),
        Some(_) => Err(format!("{key} is no object")),
    }
}

fn items<'v>(map: &'v Map<String, Value>, key: &str) -> Result<&'v [Value], String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{key} is no list")),
    }
}

fn strings(map: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let read =
        |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| format!("{key} holds no strings"));
    items(map, key)?.iter().map(read).collect()
}

fn bytes(map: &Map<String, Value>, key: &str) -> Result<Option<Vec<u8>>, String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            STANDARD.decode(text).map(Some).map_err(|_| format!("{key} is no base64"))
        }
        Some(_) => Err(format!("{key} is no string")),
    }
}

fn time(map: &Map<String, Value>, key: &str) -> Result<Option<GoTime>, String> {
    GoTime::parse(&text(map, key)?)
}

fn timestamp(map: &Map<String, Value>, key: &str) -> Result<Option<jiff::Timestamp>, String> {
    Ok(time(map, key)?.and_then(|time| time.to_timestamp()))
}

fn floats(map: &Map<String, Value>) -> Map<String, Value> {
    let mut copy = Value::Object(map.clone());
    as_floats(&mut copy);
    match copy {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn read_release(value: &Value) -> Result<Release, String> {
    let Value::Object(map) = value else { return Err("no object".to_owned()) };
    Ok(Release {
        name: text(map, "name")?,
        info: object(map, "info")?.map_or_else(|| Ok(Info::default()), read_info)?,
        chart: object(map, "chart")?.map(read_chart).transpose()?,
        config: object(map, "config")?.map(floats).unwrap_or_default(),
        manifest: text(map, "manifest")?,
        hooks: items(map, "hooks")?.iter().map(read_hook).collect::<Result<_, _>>()?,
        version: integer(map, "version")?,
        namespace: text(map, "namespace")?,
        apply_method: ApplyMethod::parse(&text(map, "apply_method")?),
        labels: BTreeMap::new(),
    })
}

fn read_info(map: &Map<String, Value>) -> Result<Info, String> {
    Ok(Info {
        first_deployed: time(map, "first_deployed")?,
        last_deployed: time(map, "last_deployed")?,
        deleted: time(map, "deleted")?,
        description: text(map, "description")?,
        status: Status::parse(&text(map, "status")?).unwrap_or_default(),
        notes: text(map, "notes")?,
        resources: object(map, "resources")?.cloned(),
    })
}

fn read_chart(map: &Map<String, Value>) -> Result<Chart, String> {
    let mut metadata = Metadata::default();
    if let Some(value) = map.get("metadata") {
        metadata.read_over(value)?;
    }
    let lock = map.get("lock").filter(|lock| !lock.is_null()).map(Lock::read).transpose()?;
    let files = |key| -> Result<Vec<File>, String> { items(map, key)?.iter().map(read_file).collect() };
    Ok(Chart {
        metadata,
        lock,
        templates: files("templates")?,
        values: object(map, "values")?.map(floats).map(Value::Object),
        schema: bytes(map, "schema")?.map(Into::into),
        schema_modified: timestamp(map, "schemamodtime")?,
        files: files("files")?,
        modified: timestamp(map, "modtime")?,
        ..Chart::default()
    })
}

fn read_file(value: &Value) -> Result<File, String> {
    let Value::Object(map) = value else { return Err("a file is no object".to_owned()) };
    Ok(File {
        name: text(map, "name")?,
        data: bytes(map, "data")?.unwrap_or_default().into(),
        modified: timestamp(map, "modtime")?,
    })
}

fn read_hook(value: &Value) -> Result<StoredHook, String> {
    let Value::Object(map) = value else { return Err("a hook is no object".to_owned()) };
    let (mut events, mut unknown_events) = (Vec::new(), Vec::new());
    for event in strings(map, "events")? {
        match HookEvent::ALL.into_iter().find(|known| known.as_str() == event) {
            Some(known) => events.push(known),
            None => unknown_events.push(event),
        }
    }
    let run = object(map, "last_run")?;
    let last_run = match run {
        None => HookRun::default(),
        Some(run) => HookRun {
            started_at: time(run, "started_at")?,
            completed_at: time(run, "completed_at")?,
            phase: text(run, "phase")?,
        },
    };
    let hook = Hook {
        name: text(map, "name")?,
        kind: text(map, "kind")?,
        path: text(map, "path")?,
        manifest: text(map, "manifest")?,
        events,
        weight: integer(map, "weight")?,
        delete_policies: strings(map, "delete_policies")?,
        output_log_policies: strings(map, "output_log_policies")?,
    };
    Ok(StoredHook { hook, unknown_events, last_run })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release() -> Release {
        let mut metadata = Metadata::default();
        metadata
            .read_over(&json!({"name": "app", "version": "1.0.0", "apiVersion": "v2", "appVersion": "<2>"}))
            .unwrap();
        Release {
            name: "app".into(),
            info: Info {
                first_deployed: GoTime::parse("2024-01-02T03:04:05.5Z").unwrap(),
                last_deployed: GoTime::parse("2024-01-02T03:04:05.5Z").unwrap(),
                description: "Install complete".into(),
                status: Status::Deployed,
                ..Info::default()
            },
            chart: Some(Chart { metadata, values: Some(json!({"a": 1.0})), ..Chart::default() }),
            config: json!({"b": 2, "c": 1e21}).as_object().unwrap().clone(),
            manifest: "---\na: b\n".into(),
            hooks: vec![
                Hook {
                    name: "t".into(),
                    kind: "Pod".into(),
                    path: "app/templates/t.yaml".into(),
                    manifest: "x".into(),
                    events: vec![HookEvent::Test],
                    weight: 3,
                    delete_policies: vec!["hook-succeeded".into()],
                    output_log_policies: vec![],
                }
                .into(),
            ],
            version: 2,
            namespace: "apps".into(),
            apply_method: Some(ApplyMethod::ServerSide),
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn fields_stand_in_gos_order() {
        assert_eq!(
            to_json(&release()),
            concat!(
                r#"{"name":"app","info":{"first_deployed":"2024-01-02T03:04:05.5Z","last_deployed":"2024-01-02T03:04:05.5Z","#,
                r#""description":"Install complete","status":"deployed"},"chart":{"metadata":{"name":"app","version":"1.0.0","#,
                r#""apiVersion":"v2","appVersion":"\u003c2\u003e"},"lock":null,"templates":null,"values":{"a":1},"schema":null,"#,
                r#""schemamodtime":"0001-01-01T00:00:00Z","files":null},"config":{"b":2,"c":1e+21},"manifest":"---\na: b\n","#,
                r#""hooks":[{"name":"t","kind":"Pod","path":"app/templates/t.yaml","manifest":"x","events":["test"],"#,
                r#""last_run":{"phase":""},"weight":3,"delete_policies":["hook-succeeded"]}],"version":2,"namespace":"apps","#,
                r#""apply_method":"ssa"}"#
            )
        );
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = encode(&release());
        let read = decode(text.as_bytes()).unwrap();
        assert_eq!(to_json(&read), to_json(&release()));
    }

    #[test]
    fn bad_bytes_are_refused() {
        assert_eq!(decode(b"!").unwrap_err(), CodecError::Base64);
        assert!(matches!(decode(STANDARD.encode("{").as_bytes()), Err(CodecError::Json(_))));
        assert!(matches!(
            decode(STANDARD.encode([0x1f, 0x8b, 8, 0, 0]).as_bytes()),
            Err(CodecError::Compression)
        ));
        assert!(matches!(decode(STANDARD.encode(r#"{"version":"x"}"#).as_bytes()), Err(CodecError::Json(_))));
        assert!(decode(STANDARD.encode("{}").as_bytes()).is_ok());
    }
}
