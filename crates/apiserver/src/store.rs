//! Memory: the objects of every resource as JSON text, one revision counter, and the recent changes for watches.
//!
//! A change is committed against the revision that it was made from. A watcher that does not keep up is closed, so that
//! no writer ever waits for it. Nothing here knows what objects mean, save `metadata.resourceVersion` and labels.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

/// Changes kept per resource.
const LOG_LIMIT: usize = 4096;
/// Changes that may wait for one watcher.
const BACKLOG_LIMIT: usize = 8192;

/// Namespace, empty for cluster-wide objects, and name.
pub type Key = (String, String);

/// An object as it was at one revision.
#[derive(Debug)]
pub struct Stored {
    pub bytes: Bytes,
    pub revision: u64,
    pub labels: BTreeMap<String, String>,
    /// The uids of its owners.
    pub owners: Vec<String>,
    pub key: Key,
}

impl Stored {
    /// The object.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("what is stored was written by us")
    }
}

/// One change.
#[derive(Debug)]
pub struct Change {
    pub before: Option<Arc<Stored>>,
    /// The object after the change; for a deletion its last state, at the deletion's revision.
    pub after: Arc<Stored>,
    pub is_deletion: bool,
}

#[derive(Default)]
struct Table {
    objects: BTreeMap<Key, Arc<Stored>>,
    log: VecDeque<Arc<Change>>,
    /// The revision up to which changes have left the log.
    forgotten: u64,
    /// The revision of the last change.
    changed: u64,
    watchers: Vec<mpsc::Sender<Arc<Change>>>,
}

struct State {
    revision: u64,
    tables: BTreeMap<String, Table>,
}

/// All objects.
pub struct Store {
    state: Mutex<State>,
}

/// Another change came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raced;

/// The changes after the revision asked for have left the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten(pub u64);

/// A consistent view of some objects.
pub struct Listed {
    pub objects: Vec<Arc<Stored>>,
    pub revision: u64,
}

impl Default for Store {
    fn default() -> Self {
        Store { state: Mutex::new(State { revision: 1, tables: BTreeMap::new() }) }
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read(&self, resource: &str, key: &Key) -> Option<Arc<Stored>> {
        self.lock().tables.get(resource)?.objects.get(key).cloned()
    }

    /// All objects, of one namespace or of all, in order, after a key.
    pub fn list(&self, resource: &str, ns: Option<&str>) -> Listed {
        let state = self.lock();
        let objects = state.tables.get(resource).map(|table| match ns {
            Some(ns) => table
                .objects
                .range((ns.to_owned(), String::new())..)
                .take_while(|((of, _), _)| of == ns)
                .map(|(_, stored)| Arc::clone(stored))
                .collect(),
            None => table.objects.values().cloned().collect(),
        });
        Listed { objects: objects.unwrap_or_default(), revision: state.revision }
    }

    /// All objects as they were at a revision, as far back as changes are remembered.
    pub fn list_at(&self, resource: &str, ns: Option<&str>, revision: u64) -> Result<Listed, Forgotten> {
        let state = self.lock();
        let Some(table) = state.tables.get(resource) else {
            return Ok(Listed { objects: Vec::new(), revision });
        };
        if revision < table.forgotten {
            return Err(Forgotten(table.forgotten));
        }
        // Only what has changed since is other than it is now.
        let mut then: BTreeMap<&Key, Option<&Arc<Stored>>> = BTreeMap::new();
        for change in table.log.iter().rev().take_while(|change| change.after.revision > revision) {
            then.insert(&change.after.key, change.before.as_ref());
        }
        let kept = table.objects.iter().filter(|(key, _)| !then.contains_key(key));
        let mut objects: Vec<Arc<Stored>> = kept.map(|(_, stored)| Arc::clone(stored)).collect();
        objects.extend(then.values().flatten().map(|stored| Arc::clone(stored)));
        objects.retain(|stored| ns.is_none_or(|ns| stored.key.0 == ns));
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Listed { objects, revision })
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// Writes an object that was read at `from` (`None`: that was not there).
    pub fn write(
        &self,
        resource: &str,
        key: &Key,
        from: Option<u64>,
        mut object: Value,
    ) -> Result<Arc<Stored>, Raced> {
        let mut state = self.lock();
        let revision = state.revision + 1;
        let table = state.tables.entry(resource.to_owned()).or_default();
        let before = table.objects.get(key).cloned();
        if before.as_ref().map(|stored| stored.revision) != from {
            return Err(Raced);
        }
        let after = stored(&mut object, key, revision);
        table.objects.insert(key.clone(), Arc::clone(&after));
        table.publish(Change { before, after: Arc::clone(&after), is_deletion: false });
        state.revision = revision;
        Ok(after)
    }

    /// Removes an object that was read at `from`; `object` is its last state.
    pub fn remove(
        &self,
        resource: &str,
        key: &Key,
        from: u64,
        mut object: Value,
    ) -> Result<Arc<Stored>, Raced> {
        let mut state = self.lock();
        let revision = state.revision + 1;
        let table = state.tables.entry(resource.to_owned()).or_default();
        let before = table.objects.get(key).cloned();
        if before.as_ref().map(|stored| stored.revision) != Some(from) {
            return Err(Raced);
        }
        table.objects.remove(key);
        let after = stored(&mut object, key, revision);
        table.publish(Change { before, after: Arc::clone(&after), is_deletion: true });
        state.revision = revision;
        Ok(after)
    }

    /// The revision at which one of some tables last changed.
    pub fn last_change(&self, resources: &[String]) -> u64 {
        let state = self.lock();
        let tables = resources.iter().filter_map(|resource| state.tables.get(resource));
        tables.map(|table| table.changed).max().unwrap_or(0)
    }

    /// The changes after a revision, first those that were, then those that come. The channel ends when the watcher is
    /// too slow.
    pub fn watch(&self, resource: &str, after: u64) -> Result<mpsc::Receiver<Arc<Change>>, Forgotten> {
        let mut state = self.lock();
        let table = state.tables.entry(resource.to_owned()).or_default();
        if after < table.forgotten {
            return Err(Forgotten(table.forgotten));
        }
        let (sender, receiver) = mpsc::channel(BACKLOG_LIMIT);
        for change in table.log.iter().filter(|change| change.after.revision > after) {
            if sender.try_send(Arc::clone(change)).is_err() {
                return Err(Forgotten(table.forgotten));
            }
        }
        table.watchers.retain(|watcher| !watcher.is_closed());
        table.watchers.push(sender);
        Ok(receiver)
    }

    /// Everything that an object owns: tables and objects.
    pub fn owned_by(&self, uid: &str) -> Vec<(String, Arc<Stored>)> {
        let state = self.lock();
        let all =
            state.tables.iter().flat_map(|(name, table)| table.objects.values().map(move |o| (name, o)));
        let owned = all.filter(|(_, object)| object.owners.iter().any(|owner| owner == uid));
        owned.map(|(name, object)| (name.clone(), Arc::clone(object))).collect()
    }

    /// Ends every watch of a resource: its kind is gone or has changed.
    pub fn close_watches(&self, resource: &str) {
        if let Some(table) = self.lock().tables.get_mut(resource) {
            table.watchers.clear();
        }
    }
}

impl Table {
    fn publish(&mut self, change: Change) {
        let change = Arc::new(change);
        self.changed = change.after.revision;
        self.watchers.retain(|watcher| watcher.try_send(Arc::clone(&change)).is_ok());
        self.log.push_back(change);
        while self.log.len() > LOG_LIMIT {
            let gone = self.log.pop_front().expect("the log is over its limit");
            self.forgotten = gone.after.revision;
        }
    }
}

fn stored(object: &mut Value, key: &Key, revision: u64) -> Arc<Stored> {
    object["metadata"]["resourceVersion"] = revision.to_string().into();
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let owners = owners.filter_map(|owner| owner["uid"].as_str().map(str::to_owned));
    Arc::new(Stored {
        bytes: object.to_string().into(),
        revision,
        labels: labels.collect(),
        owners: owners.collect(),
        key: key.clone(),
    })
}
