//! The objects of one kind as the API server last told them, and who wants to hear of changes.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use futures::StreamExt;
use serde_json::Value;
use sluice_api::Kind;
use sluice_cluster::{Change, Cluster, ResourceKind, Selection};
use tokio::sync::{broadcast, watch};

/// Namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Key {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub fn of<K: Kind>(object: &K) -> Self {
        let metadata = object.metadata();
        Self::new(&metadata.namespace, &metadata.name)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One object before and after a change.
#[derive(Debug, Clone)]
pub struct Changed<K> {
    pub key: Key,
    pub old: Option<Arc<K>>,
    pub new: Option<Arc<K>>,
}

/// Objects by key. Filled by one watch; a controller's own writes are put in at once, so that it never reads its past.
pub struct Store<K> {
    objects: RwLock<HashMap<Key, Arc<K>>>,
    changes: broadcast::Sender<Changed<K>>,
    filled: watch::Sender<bool>,
}

/// Listeners that fall further behind than this are told everything again.
const BACKLOG: usize = 16_384;

impl<K: Kind> Default for Store<K> {
    fn default() -> Self {
        Self {
            objects: RwLock::default(),
            changes: broadcast::Sender::new(BACKLOG),
            filled: watch::Sender::new(false),
        }
    }
}

impl<K: Kind> Store<K> {
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.objects.read().expect("no panic while reading").get(key).cloned()
    }

    pub fn all(&self) -> Vec<Arc<K>> {
        self.objects.read().expect("no panic while reading").values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.objects.read().expect("no panic while reading").len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Changed<K>> {
        self.changes.subscribe()
    }

    /// Returns when the first list is complete.
    pub async fn filled(&self) {
        let mut filled = self.filled.subscribe();
        // The sender lives as long as the store.
        let _ = filled.wait_for(|is_filled| *is_filled).await;
    }

    /// Takes an object in, unless a newer state of it is there. Says whether it was taken.
    pub fn put(&self, object: K) -> bool {
        let key = Key::of(&object);
        let mut objects = self.objects.write().expect("no panic while writing");
        let old = objects.get(&key).cloned();
        if old.as_deref().is_some_and(|old| !is_newer(&object, old)) {
            return false;
        }
        let new = Arc::new(object);
        objects.insert(key.clone(), Arc::clone(&new));
        drop(objects);
        self.tell(key, old, Some(new));
        true
    }

    fn remove(&self, key: &Key) {
        let old = self.objects.write().expect("no panic while writing").remove(key);
        if old.is_some() {
            self.tell(key.clone(), old, None);
        }
    }

    fn tell(&self, key: Key, old: Option<Arc<K>>, new: Option<Arc<K>>) {
        // Nobody listening is not an error.
        let _ = self.changes.send(Changed { key, old, new });
    }

    /// Keeps the store equal to the API server's state. Never returns.
    pub async fn follow(&self, cluster: &Cluster, selection: Selection) {
        let kind = ResourceKind::new(K::GROUP, K::VERSION, K::KIND, K::PLURAL, K::NAMESPACED);
        let mut changes = std::pin::pin!(cluster.watch(kind, selection));
        let mut listed = std::collections::HashSet::new();
        let mut is_listing = false;
        while let Some(change) = changes.next().await {
            match change {
                Change::Restarted => {
                    is_listing = true;
                    listed.clear();
                }
                Change::Applied(value) => {
                    if let Some(object) = read::<K>(value) {
                        if is_listing {
                            listed.insert(Key::of(&object));
                        }
                        self.put(object);
                    }
                }
                Change::Deleted(value) => {
                    if let Some(object) = read::<K>(value) {
                        self.remove(&Key::of(&object));
                    }
                }
                Change::Listed => {
                    is_listing = false;
                    // A relist is a difference: what is missing was deleted while nobody looked.
                    let known: Vec<Key> =
                        self.objects.read().expect("no panic while reading").keys().cloned().collect();
                    known.iter().filter(|key| !listed.contains(*key)).for_each(|key| self.remove(key));
                    listed = std::collections::HashSet::new();
                    self.filled.send_replace(true);
                }
                Change::Broken(error) => {
                    tracing::debug!(kind = K::KIND, %error, "watch interrupted");
                }
            }
        }
    }
}

fn read<K: Kind>(value: Value) -> Option<K> {
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    match serde_json::from_value(value) {
        Ok(object) => Some(object),
        Err(error) => {
            tracing::error!(kind = K::KIND, name, %error, "an object cannot be read and is left alone");
            None
        }
    }
}

/// Resource versions of one kind grow; an object made anew under the old name has another uid and a higher version.
fn is_newer<K: Kind>(new: &K, old: &K) -> bool {
    let version = |object: &K| object.metadata().resource_version.parse::<u64>().unwrap_or(0);
    let (new_version, old_version) = (version(new), version(old));
    new_version > old_version || (new_version == 0 && old_version == 0)
}
