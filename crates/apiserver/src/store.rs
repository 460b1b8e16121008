//! Memory: the objects of every resource as JSON text, one revision counter, and the recent changes for watches.
//!
//! A change is committed against the revision that it was made from. A watcher that does not keep up is closed, so that
//! no writer ever waits for it. Of what objects mean only this much is known here: metadata, and
//! the numbers that a Service has for itself.

mod text;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::json;
use text::Text;

/// Changes kept per resource.
const LOG_LIMIT: usize = 4096;
/// What their objects take together, where there are more than a few.
const LOG_SIZE_LIMIT: usize = 4 << 20;
const LOG_LEAST: usize = 256;
/// What the objects that were written last may take as text; as values it is some times as much.
const RECENT_LIMIT: usize = 512 << 10;
/// While all texts take no more than this, none is packed.
const PLAIN_LIMIT: usize = 32 << 20;
/// Changes that may wait for one watcher.
const BACKLOG_LIMIT: usize = 8192;

/// Namespace, empty for cluster-wide objects, and name.
pub type Key = (String, String);

/// An object as it was at one revision.
#[derive(Debug)]
pub struct Stored {
    text: Text,
    /// Where in the text the members `apiVersion` and `kind` are, with the comma after each.
    cuts: [Range<usize>; 2],
    pub revision: u64,
    /// In order.
    pub labels: Box<[(String, String)]>,
    /// The uids of its owners.
    pub owners: Box<[String]>,
    /// Numbers of which each belongs to one object at a time: addresses and ports.
    claims: Box<[u32]>,
    /// Whether it has a `deletionTimestamp`.
    pub is_deleted: bool,
    pub key: Key,
}

impl Stored {
    /// The object as JSON.
    pub fn bytes(&self) -> Bytes {
        self.text.bytes()
    }

    /// How long that is.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends the object without its version and kind, as items of built-in lists are.
    pub fn write_bare(&self, out: &mut Vec<u8>) {
        let (bytes, mut from) = (self.text.unpacked(), 0);
        for cut in &self.cuts {
            out.extend_from_slice(&bytes[from..cut.start]);
            from = cut.end;
        }
        out.extend_from_slice(&bytes[from..]);
    }

    /// The object.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes()).expect("what is stored was written by us")
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    pub before: Option<Arc<Stored>>,
    /// The object after the change; for a deletion its last state, at the deletion's revision.
    pub after: Arc<Stored>,
    pub is_deletion: bool,
}

impl Change {
    fn size(&self) -> usize {
        self.after.len() + self.before.as_ref().map_or(0, |before| before.len())
    }
}

/// A change on its way to watchers.
#[derive(Debug)]
pub struct Told {
    pub change: Change,
    /// As most of them write it, made by the first.
    pub line: OnceLock<Bytes>,
}

impl Told {
    fn new(change: &Change) -> Arc<Self> {
        Arc::new(Self { change: change.clone(), line: OnceLock::new() })
    }
}

#[derive(Default)]
struct Table {
    objects: BTreeMap<Key, Arc<Stored>>,
    log: VecDeque<Change>,
    /// Bytes of the objects in the log.
    log_size: usize,
    /// The revision up to which changes have left the log.
    forgotten: u64,
    /// The revision of the last change.
    changed: u64,
    watchers: Vec<mpsc::Sender<Arc<Told>>>,
    /// How many objects claim each number.
    claims: BTreeMap<u32, usize>,
    /// What its texts are packed beside.
    model: Option<Arc<[u8]>>,
}

struct State {
    revision: u64,
    tables: BTreeMap<String, Table>,
    /// What each uid owns: tables and keys.
    owned: BTreeMap<String, Vec<(String, Key)>>,
    /// How long all texts are together.
    size: usize,
}

/// All objects.
pub struct Store {
    state: Mutex<State>,
    recent: Mutex<Recent>,
}

/// The objects written last, as they were before they became text: who writes one often writes it again.
#[derive(Default)]
struct Recent {
    /// By revision.
    objects: BTreeMap<u64, (Arc<Value>, usize)>,
    /// Bytes of their texts.
    size: usize,
}

impl Recent {
    fn add(&mut self, stored: &Stored, object: Value) {
        let size = stored.len();
        if size > RECENT_LIMIT / 8 {
            return;
        }
        self.size += size;
        self.objects.insert(stored.revision, (Arc::new(object), size));
        while self.size > RECENT_LIMIT {
            let Some((_, (_, size))) = self.objects.pop_first() else { break };
            self.size -= size;
        }
    }
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
        let state = State { revision: 1, tables: BTreeMap::new(), owned: BTreeMap::new(), size: 0 };
        Store { state: Mutex::new(state), recent: Mutex::default() }
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
        table.claim(before.as_deref(), Some(&after));
        let old =
            table.publish(Change { before: before.clone(), after: Arc::clone(&after), is_deletion: false });
        state.revision = revision;
        state.own(resource, before.as_deref(), Some(&after));
        let is_crowded = state.count(before.as_deref(), after.len());
        drop(state);
        if is_crowded {
            old.pack();
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = from.and_then(|from| recent.objects.remove(&from)) {
            recent.size -= before.1;
        }
        recent.add(&after, object);
        Ok(after)
    }

    /// Keeps the texts alone: for objects that nobody writes again soon.
    pub fn forget_recent(&self) {
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Recent::default();
    }

    /// An object that is stored.
    pub fn value(&self, stored: &Stored) -> Arc<Value> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.objects.get(&stored.revision).map(|(object, _)| Arc::clone(object));
        drop(recent);
        known.unwrap_or_else(|| Arc::new(stored.value()))
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
        table.claim(before.as_deref(), None);
        let old =
            table.publish(Change { before: before.clone(), after: Arc::clone(&after), is_deletion: true });
        state.revision = revision;
        state.own(resource, before.as_deref(), None);
        let is_crowded = state.count(before.as_deref(), 0);
        drop(state);
        if is_crowded {
            old.pack();
        }
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
    pub fn watch(&self, resource: &str, after: u64) -> Result<mpsc::Receiver<Arc<Told>>, Forgotten> {
        let mut state = self.lock();
        let table = state.tables.entry(resource.to_owned()).or_default();
        if after < table.forgotten {
            return Err(Forgotten(table.forgotten));
        }
        let (sender, receiver) = mpsc::channel(BACKLOG_LIMIT);
        for change in table.log.iter().filter(|change| change.after.revision > after) {
            if sender.try_send(Told::new(change)).is_err() {
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
        let owned = state.owned.get(uid).into_iter().flatten();
        let find = |(name, key): &(String, Key)| {
            let object = state.tables.get(name)?.objects.get(key)?;
            Some((name.clone(), Arc::clone(object)))
        };
        owned.filter_map(find).collect()
    }

    /// The first numbers of a range that no object of a table claims.
    pub fn unclaimed(&self, resource: &str, range: Range<u32>, count: usize) -> Vec<u32> {
        let state = self.lock();
        let table = state.tables.get(resource);
        let mut claimed = table.into_iter().flat_map(|table| table.claims.range(range.clone())).peekable();
        let is_free = |number: &u32| claimed.next_if(|(known, _)| *known == number).is_none();
        range.clone().filter(is_free).take(count).collect()
    }

    /// Ends every watch of a resource: its kind is gone or has changed.
    pub fn close_watches(&self, resource: &str) {
        if let Some(table) = self.lock().tables.get_mut(resource) {
            table.watchers.clear();
        }
    }
}

impl State {
    /// Counts a text of so many bytes in the place of another. Whether there are so many that old ones are packed.
    fn count(&mut self, before: Option<&Stored>, after: usize) -> bool {
        self.size = (self.size + after).saturating_sub(before.map_or(0, Stored::len));
        self.size > PLAIN_LIMIT
    }

    /// Who owns an object is known from the owner's side as well.
    fn own(&mut self, resource: &str, before: Option<&Stored>, after: Option<&Stored>) {
        if before.map(|stored| &stored.owners) == after.map(|stored| &stored.owners) {
            return;
        }
        if let Some(before) = before {
            for uid in &before.owners {
                if let Some(owned) = self.owned.get_mut(uid) {
                    owned.retain(|(table, key)| table != resource || *key != before.key);
                    if owned.is_empty() {
                        self.owned.remove(uid);
                    }
                }
            }
        }
        if let Some(after) = after {
            for uid in &after.owners {
                // Most own one thing or two, so it is no set.
                let owned = self.owned.entry(uid.clone()).or_insert_with(|| Vec::with_capacity(1));
                let one = (resource.to_owned(), after.key.clone());
                if !owned.contains(&one) {
                    owned.push(one);
                }
            }
        }
    }
}

impl Table {
    fn claim(&mut self, before: Option<&Stored>, after: Option<&Stored>) {
        for number in after.iter().flat_map(|stored| &stored.claims) {
            *self.claims.entry(*number).or_default() += 1;
        }
        for number in before.iter().flat_map(|stored| &stored.claims) {
            if let Some(count) = self.claims.get_mut(number) {
                *count -= 1;
                if *count == 0 {
                    self.claims.remove(number);
                }
            }
        }
    }

    /// Gives what has left the log.
    fn publish(&mut self, change: Change) -> Old {
        self.changed = change.after.revision;
        if !self.watchers.is_empty() {
            let told = Told::new(&change);
            self.watchers.retain(|watcher| watcher.try_send(Arc::clone(&told)).is_ok());
        }
        self.log_size += change.size();
        self.log.push_back(change);
        let mut old = Old::default();
        while self.log.len() > LOG_LIMIT || (self.log_size > LOG_SIZE_LIMIT && self.log.len() > LOG_LEAST) {
            let gone = self.log.pop_front().expect("the log is over its limit");
            self.log_size -= gone.size();
            self.forgotten = gone.after.revision;
            let stored = self.objects.get(&gone.after.key);
            // Of an object that has changed since, all that is left goes soon.
            if stored.is_some_and(|stored| Arc::ptr_eq(stored, &gone.after)) {
                old.objects.push(gone.after);
            }
        }
        if let Some(first) = old.objects.first() {
            old.model = Some(Arc::clone(self.model.get_or_insert_with(|| first.text.model())));
        }
        old
    }
}

/// Objects as they are stored whose last change is no longer remembered.
#[derive(Default)]
struct Old {
    objects: Vec<Arc<Stored>>,
    model: Option<Arc<[u8]>>,
}

impl Old {
    /// Not to be done under the lock.
    fn pack(self) {
        let Some(model) = self.model else { return };
        self.objects.iter().for_each(|object| object.text.pack(&model));
    }
}

fn stored(object: &mut Value, key: &Key, revision: u64) -> Arc<Stored> {
    object["metadata"]["resourceVersion"] = revision.to_string().into();
    let metadata = &object["metadata"];
    let labels = metadata.get("labels").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let owners = metadata.get("ownerReferences").and_then(Value::as_array).into_iter().flatten();
    let owners = owners.filter_map(|owner| owner["uid"].as_str().map(str::to_owned));
    let (bytes, cuts) = written(object);
    Arc::new(Stored {
        text: Text::new(bytes),
        cuts,
        revision,
        labels: labels.collect(),
        owners: owners.collect(),
        claims: claims(object),
        is_deleted: metadata.get("deletionTimestamp").is_some_and(Value::is_string),
        key: key.clone(),
    })
}

/// An object as text, no longer than it has to be, and where its version and kind are.
fn written(object: &Value) -> (Bytes, [Range<usize>; 2]) {
    let mut out = Vec::with_capacity(4096);
    let mut cuts = [0..0, 0..0];
    out.push(b'{');
    for (key, value) in object.as_object().into_iter().flatten() {
        let begin = out.len();
        json::text(&mut out, key);
        out.push(b':');
        json::write(&mut out, value);
        out.push(b',');
        match key.as_str() {
            "apiVersion" => cuts[0] = begin..out.len(),
            "kind" => cuts[1] = begin..out.len(),
            _ => {}
        }
    }
    // Every object has metadata, which comes after both.
    if out.len() > 1 {
        out.pop();
    }
    out.push(b'}');
    (Bytes::copy_from_slice(&out), cuts)
}

/// The address and the ports of a Service.
fn claims(object: &Value) -> Box<[u32]> {
    if object["kind"] != "Service" {
        return Box::default();
    }
    let address = object["spec"]["clusterIP"].as_str().and_then(|text| text.parse::<Ipv4Addr>().ok());
    let ports = object["spec"]["ports"].as_array().into_iter().flatten();
    let ports = ports.filter_map(|port| u32::try_from(port["nodePort"].as_u64()?).ok());
    address.map(u32::from).into_iter().chain(ports).collect()
}
