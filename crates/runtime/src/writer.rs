//! Writes one object's metadata and status: only what changed, only over the state that was read.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sluice_api::Kind;
use sluice_cluster::{ApiError, At, Cluster, PatchKind, ResourceKind};

use crate::store::{Key, Store};

/// A write lost against another writer this often gives up; the run is tried again later.
const MAX_CONFLICTS: u32 = 8;

/// Holds the last state of one object that this run knows of.
pub struct Writer<K: Kind> {
    cluster: Cluster,
    kind: Arc<ResourceKind>,
    store: Arc<Store<K>>,
    manager: &'static str,
    key: Key,
    uid: String,
    version: String,
    finalizers: Vec<String>,
    written: Value,
}

impl<K: Kind> Writer<K> {
    pub fn new(cluster: Cluster, store: Arc<Store<K>>, manager: &'static str, object: &K) -> Self {
        let metadata = object.metadata();
        Self {
            cluster,
            kind: ResourceKind::new(K::GROUP, K::VERSION, K::KIND, K::PLURAL, K::NAMESPACED),
            store,
            manager,
            key: Key::of(object),
            uid: metadata.uid.clone(),
            version: metadata.resource_version.clone(),
            finalizers: metadata.finalizers.clone(),
            written: status_of(object),
        }
    }

    /// Writes what differs from the last written status. Says whether anything did.
    pub async fn write_status(&mut self, status: &K::Status) -> Result<bool, ApiError> {
        let wanted = serde_json::to_value(status).map_err(|e| ApiError::Decode(e.to_string()))?;
        for _ in 0..MAX_CONFLICTS {
            let Some(changes) = merge_patch(&self.written, &wanted) else { return Ok(false) };
            let patch = json!({ "metadata": { "resourceVersion": self.version }, "status": changes });
            if self.send("status", &patch).await? {
                return Ok(true);
            }
        }
        Err(self.too_many_conflicts())
    }

    pub async fn add_finalizer(&mut self, finalizer: &str) -> Result<(), ApiError> {
        for _ in 0..MAX_CONFLICTS {
            if self.finalizers.iter().any(|f| f == finalizer) {
                return Ok(());
            }
            let mut finalizers = self.finalizers.clone();
            finalizers.push(finalizer.to_owned());
            if self.send_finalizers(&finalizers).await? {
                return Ok(());
            }
        }
        Err(self.too_many_conflicts())
    }

    /// Lets a deleted object go. One that is already gone is fine.
    pub async fn remove_finalizer(&mut self, finalizer: &str) -> Result<(), ApiError> {
        for _ in 0..MAX_CONFLICTS {
            if !self.finalizers.iter().any(|f| f == finalizer) {
                return Ok(());
            }
            let rest: Vec<String> = self.finalizers.iter().filter(|f| *f != finalizer).cloned().collect();
            match self.send_finalizers(&rest).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Err(self.too_many_conflicts())
    }

    async fn send_finalizers(&mut self, finalizers: &[String]) -> Result<bool, ApiError> {
        let patch = json!({ "metadata": { "resourceVersion": self.version, "finalizers": finalizers } });
        self.send("", &patch).await
    }

    /// Sends a merge patch over the known state. False: somebody else wrote first; the newer state is now known.
    async fn send(&mut self, subresource: &str, patch: &Value) -> Result<bool, ApiError> {
        let (kind, key) = (Arc::clone(&self.kind), self.key.clone());
        let at = At::new(&kind, &key.namespace, &key.name);
        match self.cluster.patch(at, subresource, PatchKind::Merge, patch, self.manager).await {
            Ok(answer) => {
                self.learn(answer)?;
                Ok(true)
            }
            Err(error) if error.is_conflict() => {
                let live = self.cluster.get(at).await?;
                self.learn(live)?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn learn(&mut self, answer: Value) -> Result<(), ApiError> {
        let object: K = serde_json::from_value(answer).map_err(|e| ApiError::Decode(e.to_string()))?;
        let metadata = object.metadata();
        if metadata.uid != self.uid {
            let text = format!("{} {} was deleted and made anew", K::KIND, self.key);
            return Err(ApiError::Status {
                code: 404,
                reason: "NotFound".into(),
                message: text,
                causes: vec![],
            });
        }
        self.version.clone_from(&metadata.resource_version);
        self.finalizers.clone_from(&metadata.finalizers);
        self.written = status_of(&object);
        self.store.put(object);
        Ok(())
    }

    fn too_many_conflicts(&self) -> ApiError {
        ApiError::Status {
            code: 409,
            reason: "Conflict".into(),
            message: format!(
                "{} {} is being changed by others faster than it can be written",
                K::KIND,
                self.key
            ),
            causes: vec![],
        }
    }
}

/// Changes the status of an object that nobody may be running, over whatever it is by now.
pub async fn amend<K: Kind + Clone>(
    cluster: &Cluster,
    store: &Arc<Store<K>>,
    manager: &'static str,
    key: &Key,
    change: impl Fn(&mut K) + Send,
) -> Result<(), ApiError> {
    let Some(known) = store.get(key) else { return Ok(()) };
    let mut object = (*known).clone();
    for _ in 0..MAX_CONFLICTS {
        let mut writer = Writer::new(cluster.clone(), Arc::clone(store), manager, &object);
        change(&mut object);
        let wanted = serde_json::to_value(object.status()).map_err(|e| ApiError::Decode(e.to_string()))?;
        let Some(changes) = merge_patch(&writer.written, &wanted) else { return Ok(()) };
        let patch = json!({ "metadata": { "resourceVersion": writer.version }, "status": changes });
        if writer.send("status", &patch).await? {
            return Ok(());
        }
        let Some(newer) = store.get(key) else { return Ok(()) };
        object = (*newer).clone();
    }
    Err(Writer::new(cluster.clone(), Arc::clone(store), manager, &object).too_many_conflicts())
}

fn status_of<K: Kind>(object: &K) -> Value {
    serde_json::to_value(object.status()).unwrap_or(Value::Null)
}

/// The RFC 7386 patch that makes `old` into `new`; none where they are equal.
fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            Some(before) => {
                if let Some(change) = merge_patch(before, value) {
                    patch.insert(key.clone(), change);
                }
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_sent_and_absent_fields_are_nulled() {
        let old = json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": [1] });
        let new = json!({ "a": 1, "b": { "c": 2 }, "e": [1, 2] });
        assert_eq!(merge_patch(&old, &new), Some(json!({ "b": { "c": 2, "d": null }, "e": [1, 2] })));
        assert_eq!(merge_patch(&new, &new), None);
    }
}
