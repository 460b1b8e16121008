//! What is known of the built-in kinds: discovery and schemas, recorded from the real server (`examples/record.rs`).

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::schema::Schema;

const PACKED: &[u8] = include_bytes!("facts.json.z");
/// Far more than what was recorded.
const SIZE_LIMIT: u64 = 8 << 20;

/// Everything recorded.
#[derive(Deserialize)]
struct Recorded {
    version: Value,
    groups: Vec<Group>,
    kinds: BTreeMap<String, String>,
    schemas: BTreeMap<String, Value>,
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

/// The facts, unpacked once.
pub struct Facts {
    pub version: Value,
    pub groups: Vec<Group>,
    kinds: BTreeMap<String, String>,
    schemas: BTreeMap<String, Schema>,
    columns: BTreeMap<String, Vec<Column>>,
}

/// What was packed as JSON.
pub fn unpacked<T: serde::de::DeserializeOwned>(packed: &[u8]) -> T {
    let mut text = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(packed).take(SIZE_LIMIT);
    reader.read_to_end(&mut text).expect("what was recorded unpacks");
    serde_json::from_slice(&text).expect("what was recorded is JSON")
}

/// The facts.
pub fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| {
        let recorded: Recorded = unpacked(PACKED);
        let schemas =
            recorded.schemas.iter().map(|(name, schema)| (name.clone(), Schema::built_in(name, schema)));
        Facts {
            version: recorded.version,
            groups: recorded.groups,
            kinds: recorded.kinds,
            schemas: schemas.collect(),
            columns: recorded.columns,
        }
    })
}

/// The schemas as they were recorded, by name, and the name of each kind's by `group/version/kind`.
pub fn written_schemas() -> (BTreeMap<String, Value>, BTreeMap<String, String>) {
    let recorded: Recorded = unpacked(PACKED);
    (recorded.schemas, recorded.kinds)
}

impl Facts {
    /// A schema by the name under which others refer to it.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(name)
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
