//! Watches: changes as their watcher sees them, through selectors, as lines of JSON.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::selector::{FieldSelector, LabelSelector};
use crate::status::Failure;
use crate::store::{Change, Stored};
use crate::table::{Tabular, internal};

/// Bookmarks come this often where they are wanted.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);

/// What one watcher sees.
pub struct View {
    pub api_version: String,
    /// Whether objects are kept in another version.
    pub converts: bool,
    pub kind: String,
    pub ns: Option<String>,
    pub name: Option<String>,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
    pub form: Form,
}

/// What objects are shown as.
pub enum Form {
    Whole,
    Metadata,
    Table(Box<Tabular>),
}

impl View {
    /// Whether an object is seen.
    pub fn sees(&self, stored: &Stored) -> bool {
        let (ns, name) = &stored.key;
        self.ns.as_ref().is_none_or(|wanted| wanted == ns)
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.labels.matches(&stored.labels)
            && (self.fields.is_empty() || self.fields.matches(&stored.value()))
    }

    /// The object as it is shown.
    pub fn shown(&self, stored: &Stored) -> Bytes {
        if !self.converts && matches!(self.form, Form::Whole) {
            return stored.bytes.clone();
        }
        self.presented(stored.value()).to_string().into()
    }

    /// The object in the version that was asked for.
    pub fn whole(&self, mut object: Value) -> Value {
        object["apiVersion"] = self.api_version.as_str().into();
        object
    }

    /// The object as it is shown.
    pub fn presented(&self, object: Value) -> Value {
        self.presented_with(object, true)
    }

    fn presented_with(&self, object: Value, with_columns: bool) -> Value {
        let object = self.whole(object);
        match &self.form {
            Form::Whole => object,
            Form::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": internal(&self.kind, &object["metadata"]),
            }),
            Form::Table(table) => {
                let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
                table.table(metadata, &[object], with_columns)
            }
        }
    }
}

/// An open watch.
pub struct Watch {
    pub view: View,
    /// Objects that are shown first.
    pub initial: Vec<Arc<Stored>>,
    pub changes: mpsc::Receiver<Arc<Change>>,
    pub bookmarks: bool,
    /// A bookmark says when the initial objects have been sent.
    pub marks_end_of_initial: bool,
    pub revision: u64,
    pub ends: Instant,
    /// Tables after the first do not repeat their columns.
    pub has_columns: bool,
}

impl Watch {
    /// Writes all lines into a channel until the watch ends or nobody listens.
    pub async fn run(mut self, out: mpsc::Sender<Bytes>) {
        for stored in std::mem::take(&mut self.initial) {
            if out.send(self.line("ADDED", &stored)).await.is_err() {
                return;
            }
        }
        if self.marks_end_of_initial && out.send(self.bookmark(true)).await.is_err() {
            return;
        }
        let mut next_bookmark = Instant::now() + BOOKMARK_EVERY;
        loop {
            tokio::select! {
                change = self.changes.recv() => {
                    let Some(change) = change else { return };
                    self.revision = change.after.revision;
                    if let Some(line) = self.seen_change(&change)
                        && out.send(line).await.is_err()
                    {
                        return;
                    }
                }
                () = tokio::time::sleep_until(next_bookmark), if self.bookmarks => {
                    next_bookmark = Instant::now() + BOOKMARK_EVERY;
                    if out.send(self.bookmark(false)).await.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(self.ends) => {
                    // Clients resume from here.
                    if self.bookmarks {
                        let _ = out.send(self.bookmark(false)).await;
                    }
                    return;
                }
                () = out.closed() => return,
            }
        }
    }

    fn seen_change(&mut self, change: &Change) -> Option<Bytes> {
        let was = change.before.as_deref().is_some_and(|before| self.view.sees(before));
        let is = !change.is_deletion && self.view.sees(&change.after);
        match (was, is) {
            (false, true) => Some(self.line("ADDED", &change.after)),
            (true, true) => Some(self.line("MODIFIED", &change.after)),
            (true, false) if change.is_deletion => Some(self.line("DELETED", &change.after)),
            (true, false) => {
                // Its last state that was seen, at the revision at which it went out of sight.
                let mut object = change.before.as_deref()?.value();
                object["metadata"]["resourceVersion"] = change.after.revision.to_string().into();
                Some(line("DELETED", self.view.presented(object).to_string().as_bytes()))
            }
            (false, false) => None,
        }
    }

    fn line(&mut self, change: &str, stored: &Stored) -> Bytes {
        if matches!(self.view.form, Form::Table(_)) {
            let with_columns = !std::mem::replace(&mut self.has_columns, true);
            let table = self.view.presented_with(stored.value(), with_columns);
            return line(change, table.to_string().as_bytes());
        }
        line(change, &self.view.shown(stored))
    }

    fn bookmark(&self, ends_initial: bool) -> Bytes {
        let (kind, api_version) = if matches!(self.view.form, Form::Metadata) {
            ("PartialObjectMetadata", "meta.k8s.io/v1")
        } else {
            (self.view.kind.as_str(), self.view.api_version.as_str())
        };
        let mut object = json!({
            "kind": kind, "apiVersion": api_version,
            "metadata": { "resourceVersion": self.revision.to_string(), "creationTimestamp": null },
        });
        if ends_initial {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        line("BOOKMARK", object.to_string().as_bytes())
    }
}

fn line(change: &str, object: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(object.len() + 40);
    out.extend_from_slice(format!("{{\"type\":\"{change}\",\"object\":").as_bytes());
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
    out.into()
}

/// The line of a watch that cannot begin where it was asked to.
pub fn error_line(failure: &Failure) -> Bytes {
    line("ERROR", failure.to_value().to_string().as_bytes())
}
