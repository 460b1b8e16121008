//! What is known of the built-in kinds: discovery and schemas, recorded from the real server (`examples/record.rs`).

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::schema::Schema;

const PACKED: &[u8] = include_bytes!("facts.json.z");
/// Far more than what was recorded.
const SIZE_LIMIT: u64 = 8 << 20;
/// By how much it grows when it is unpacked.
const LOOSENESS: usize = 12;

/// Everything recorded, unpacked once. Schemas are read when they are asked for: most servers see few of the kinds.
#[derive(Deserialize)]
pub struct Facts {
    pub version: Value,
    groups: Box<RawValue>,
    kinds: BTreeMap<String, String>,
    schemas: BTreeMap<String, Later<Schema>>,
    columns: BTreeMap<String, Vec<Column>>,
}

/// A column of a kind's table: its name, type, format and priority.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column(pub String, pub String, pub String, pub u8);

/// One API group, its versions in the order of preference.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    pub name: String,
    pub versions: Vec<Version>,
}

/// One version of a group, with its resources and subresources as discovery lists them.
#[derive(Debug, Clone, Deserialize)]
pub struct Version {
    pub version: String,
    pub resources: Vec<Value>,
}

/// A record that is read when it is asked for.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Later<T> {
    written: Box<RawValue>,
    #[serde(skip, default = "OnceLock::new")]
    /// Most are never asked for.
    read: OnceLock<Box<T>>,
}

impl<T> Later<T> {
    /// What `read` makes of the record, made once.
    pub fn get<R: DeserializeOwned>(&self, read: impl FnOnce(R) -> T) -> &T {
        self.read.get_or_init(|| Box::new(read(self.value())))
    }

    fn value<R: DeserializeOwned>(&self) -> R {
        serde_json::from_str(self.written.get()).expect("what was recorded is JSON of its kind")
    }
}

/// What was packed as JSON.
pub fn unpacked<T: DeserializeOwned>(packed: &[u8]) -> T {
    // Once, at a size that what is known comes near to.
    let mut text = Vec::with_capacity(packed.len() * LOOSENESS);
    let mut reader = flate2::read::ZlibDecoder::new(packed).take(SIZE_LIMIT);
    reader.read_to_end(&mut text).expect("what was recorded unpacks");
    serde_json::from_slice(&text).expect("what was recorded is JSON")
}

/// The facts.
pub fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| unpacked(PACKED))
}

/// The schemas as they were recorded, by name, and the name of each kind's by `group/version/kind`.
pub fn written_schemas() -> (BTreeMap<String, Value>, BTreeMap<String, String>) {
    let known = facts();
    let written = known.schemas.iter().map(|(name, schema)| (name.clone(), schema.value()));
    (written.collect(), known.kinds.clone())
}

impl Facts {
    /// The groups in the order of discovery, read anew: the registry keeps what it needs of them.
    pub fn groups(&self) -> Vec<Group> {
        serde_json::from_str(self.groups.get()).expect("what was recorded is JSON of its kind")
    }

    /// A schema by the name under which others refer to it.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        Some(self.schemas.get(name)?.get(|written: Value| Schema::built_in(name, &written)))
    }

    /// The columns of a resource's table.
    pub fn columns(&self, group: &str, version: &str, plural: &str) -> &[Column] {
        self.columns.get(&format!("{group}/{version}/{plural}")).map(Vec::as_slice).unwrap_or_default()
    }

    /// The schema of a kind.
    pub fn schema_of(&self, group: &str, version: &str, kind: &str) -> Option<&Schema> {
        self.schema(self.kinds.get(&format!("{group}/{version}/{kind}"))?)
    }
}
