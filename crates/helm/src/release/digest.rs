//! Digests that Flux keeps of releases and values. They must be the same bytes as upstream's, or every release would be
//! upgraded when the controller changes hands.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::codec::{hook_json, info_json, metadata_json};
use super::{Release, StoredHook};
use crate::json::{self, Object};
use crate::manifest::HookEvent;

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `sha256:...` of any bytes.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

/// What Flux observes of a release, as the line of JSON that its snapshot digest is made of. Test hooks do not count.
pub fn observation(release: &Release, oci_digest: &str) -> String {
    let mut object = Object::new();
    object.text("name", &release.name);
    object.integer("version", release.version);
    object.raw("info", &info_json(&release.info));
    let metadata = release.metadata().map_or_else(|| "{}".to_owned(), metadata_json);
    object.raw("chartMetadata", &metadata);
    if release.config.is_empty() {
        object.raw("config", "null");
    } else {
        object.value("config", &Value::Object(release.config.clone()));
    }
    object.text("manifest", &release.manifest);
    let is_test = |stored: &&StoredHook| stored.hook.events.contains(&HookEvent::Test);
    let hooks: Vec<_> = release.hooks.iter().filter(|stored| !is_test(stored)).map(hook_json).collect();
    let hooks = if hooks.is_empty() { "null".to_owned() } else { format!("[{}]", hooks.join(",")) };
    object.raw("hooks", &hooks);
    object.text("namespace", &release.namespace);
    object.set_text("ociDigest", oci_digest);
    let mut line = object.finish();
    line.push('\n');
    line
}

/// The digest of a snapshot.
pub fn snapshot(release: &Release, oci_digest: &str) -> String {
    sha256(observation(release, oci_digest).as_bytes())
}

/// The digest of merged values: of their YAML with sorted keys; of nothing when there are none.
pub fn values(values: &Map<String, Value>) -> String {
    if values.is_empty() {
        return sha256(b"");
    }
    sha256(crate::values::encode_sorted(values).as_bytes())
}

/// The digest of a part of a spec: of its compact JSON and a newline. `fields` is that JSON in the order of Go's struct.
pub fn spec_line(json_text: &str) -> String {
    sha256(format!("{json_text}\n").as_bytes())
}

/// The digest of `commonMetadata`; its two maps have sorted keys.
pub fn common_metadata(
    annotations: Option<&Map<String, Value>>,
    labels: Option<&Map<String, Value>>,
) -> String {
    let mut object = Object::new();
    for (key, map) in [("annotations", annotations), ("labels", labels)] {
        if let Some(map) = map.filter(|map| !map.is_empty()) {
            object.raw(key, &json::encode(&Value::Object(map.clone())));
        }
    }
    spec_line(&object.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_observation_has_upstreams_digest() {
        let release = Release { name: "foo".into(), ..Release::default() };
        assert_eq!(
            snapshot(&release, ""),
            "sha256:f1498f27a16a09cd7e1ee610d924df065c03d30035638babc95dd9a8d412ce4d"
        );
    }

    #[test]
    fn no_values_are_nothing() {
        assert_eq!(
            values(&Map::new()),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
