//! Releases in Secrets and ConfigMaps: names, labels, types, and which revisions a limit on the history removes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::codec::{self, CodecError};
use super::{Release, Status};

/// The type of a Secret that holds a release.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// Which Secrets and ConfigMaps hold releases.
pub const OWNER_SELECTOR: &str = "owner=helm";
/// Labels that Helm sets itself.
pub const SYSTEM_LABELS: &[&str] = &["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// Where a release lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    Secret,
    ConfigMap,
}

/// Which stamp a write carries, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    Created(i64),
    Modified(i64),
}

/// Why an object holds no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    #[error("the object has no key release")]
    Missing,
    #[error("failed to decode data")]
    Codec(#[from] CodecError),
}

/// The name of the object of one revision.
pub fn key(name: &str, version: i64) -> String {
    format!("sh.helm.release.v1.{name}.v{version}")
}

/// The labels of a stored release.
pub fn labels(release: &Release, stamp: Stamp) -> BTreeMap<String, String> {
    let mut labels = release.labels.clone();
    let (stamp_key, seconds) = match stamp {
        Stamp::Created(seconds) => ("createdAt", seconds),
        Stamp::Modified(seconds) => ("modifiedAt", seconds),
    };
    labels.insert(stamp_key.to_owned(), seconds.to_string());
    labels.insert("name".to_owned(), release.name.clone());
    labels.insert("owner".to_owned(), "helm".to_owned());
    labels.insert("status".to_owned(), release.info.status.as_str().to_owned());
    labels.insert("version".to_owned(), release.version.to_string());
    labels
}

/// The object that holds a release, in the given namespace.
pub fn object(release: &Release, driver: Driver, namespace: &str, stamp: Stamp) -> Value {
    let metadata = json!({"name": release.key(), "namespace": namespace, "labels": labels(release, stamp)});
    let text = codec::encode(release);
    match driver {
        Driver::Secret => json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": SECRET_TYPE,
            "data": {"release": STANDARD.encode(text)},
        }),
        Driver::ConfigMap => json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"release": text},
        }),
    }
}

/// Reads a release out of a Secret or ConfigMap.
pub fn read(object: &Value) -> Result<Release, StorageError> {
    let text = object["data"]["release"].as_str().ok_or(StorageError::Missing)?;
    let is_secret = object["type"] == SECRET_TYPE || object["kind"] == "Secret";
    let mut release = if is_secret {
        let inner = STANDARD.decode(text).map_err(|_| CodecError::Base64)?;
        codec::decode(&inner)?
    } else {
        codec::decode(text.as_bytes())?
    };
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    release.labels = labels
        .filter(|(key, _)| !SYSTEM_LABELS.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    Ok(release)
}

/// Whether somebody's own labels hide Helm's.
pub fn contains_system_labels(labels: &BTreeMap<String, String>) -> bool {
    SYSTEM_LABELS.iter().any(|label| labels.contains_key(*label))
}

/// The revisions to delete before one more is stored, oldest first; the last deployed one stays. 0 keeps all.
pub fn least_recent(history: &[(i64, Status)], max_history: usize) -> Vec<i64> {
    if max_history == 0 || history.len() < max_history {
        return Vec::new();
    }
    let keep = max_history - 1;
    let mut versions: Vec<i64> = history.iter().map(|(version, _)| *version).collect();
    versions.sort_unstable();
    let deployed =
        history.iter().filter(|(_, status)| *status == Status::Deployed).map(|(version, _)| *version).max();
    let mut removed = Vec::new();
    for version in &versions {
        if versions.len() - removed.len() == keep {
            break;
        }
        if Some(*version) != deployed {
            removed.push(*version);
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_can_be_read_again() {
        let release = Release {
            name: "app".into(),
            version: 3,
            namespace: "apps".into(),
            labels: BTreeMap::from([("team".into(), "a".into())]),
            ..Release::default()
        };
        for driver in [Driver::Secret, Driver::ConfigMap] {
            let object = object(&release, driver, "apps", Stamp::Created(12));
            assert_eq!(object["metadata"]["name"], "sh.helm.release.v1.app.v3");
            assert_eq!(
                object["metadata"]["labels"],
                json!({"createdAt": "12", "name": "app", "owner": "helm", "status": "unknown", "version": "3", "team": "a"})
            );
            let read = read(&object).unwrap();
            assert_eq!((read.name.as_str(), read.version), ("app", 3));
            assert_eq!(read.labels, release.labels);
        }
        assert_eq!(read(&json!({"kind": "Secret"})).unwrap_err(), StorageError::Missing);
        assert!(read(&json!({"kind": "Secret", "data": {"release": "!"}})).is_err());
    }

    #[test]
    fn the_deployed_revision_stays() {
        use Status::{Deployed, Failed, Superseded};
        assert_eq!(least_recent(&[(1, Superseded), (2, Deployed)], 5), Vec::<i64>::new());
        assert_eq!(least_recent(&[(1, Superseded), (2, Deployed), (3, Failed)], 3), [1]);
        assert_eq!(least_recent(&[(1, Deployed), (2, Failed), (3, Failed)], 2), [2, 3]);
        assert_eq!(least_recent(&[(1, Deployed), (2, Failed)], 0), Vec::<i64>::new());
    }
}
