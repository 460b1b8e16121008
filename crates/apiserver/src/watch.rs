//! Watches: changes as their watcher sees them, through selectors, as lines of JSON.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use crate::selector::{FieldSelector, LabelSelector};
use crate::status::Failure;
use crate::store::{Stored, Told};
use crate::table::{Tabular, internal};

/// Lines are sent together until they are this many bytes.
const TOGETHER: usize = 32 << 10;
/// A watcher is sent nothing more for this long: what comes meanwhile is sent together.
const PAUSE: Duration = Duration::from_millis(1);
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

    /// Whether objects are shown as they are kept.
    pub fn is_plain(&self) -> bool {
        !self.converts && matches!(self.form, Form::Whole)
    }

    /// The object as it is shown.
    pub fn shown(&self, stored: &Stored) -> Bytes {
        if self.is_plain() {
            return stored.bytes();
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
    pub initial: VecDeque<Arc<Stored>>,
    pub changes: mpsc::Receiver<Arc<Told>>,
    pub bookmarks: bool,
    /// A bookmark says when the initial objects have been sent.
    pub marks_end_of_initial: bool,
    pub revision: u64,
    pub ends: Instant,
    /// Tables after the first do not repeat their columns.
    pub has_columns: bool,
    pub timer: Timer,
}

/// When something is to be done although nothing has changed.
#[derive(Default)]
pub struct Timer {
    next_bookmark: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    sent: Option<Instant>,
    is_over: bool,
}

impl Timer {
    /// Waits for what is to be sent together with a change: many changes in one message cost little more than one. A change
    /// after which none comes for a while is not held up.
    async fn pause(&mut self) {
        match self.sent.map(|sent| sent + PAUSE).filter(|until| *until > Instant::now()) {
            Some(until) => tokio::time::sleep_until(until).await,
            // Who can write already writes first.
            None => tokio::task::yield_now().await,
        }
        self.sent = Some(Instant::now());
    }
}

impl Watch {
    /// The next lines, as many as have come together; `None` when the watch ends.
    pub async fn next(&mut self) -> Option<Bytes> {
        let mut lines = Lines::default();
        while let Some(stored) = self.initial.pop_front() {
            lines.push(self.line("ADDED", &stored));
            if lines.is_full() {
                return lines.finish();
            }
        }
        if std::mem::take(&mut self.marks_end_of_initial) {
            lines.push(self.bookmark(true));
        }
        while lines.is_empty() {
            if self.timer.is_over {
                return None;
            }
            let begun = *self.timer.next_bookmark.get_or_insert_with(|| Instant::now() + BOOKMARK_EVERY);
            let due = if self.bookmarks { begun.min(self.ends) } else { self.ends };
            let sleep = self.timer.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            tokio::select! {
                told = self.changes.recv() => {
                    let told = told?;
                    self.take(&told, &mut lines);
                    self.timer.pause().await;
                    while !lines.is_full() && let Ok(told) = self.changes.try_recv() {
                        self.take(&told, &mut lines);
                    }
                }
                () = sleep.as_mut() => {
                    self.timer.sleep = None;
                    self.timer.next_bookmark = None;
                    self.timer.is_over = self.ends <= Instant::now();
                    // Clients resume from here, also after the end.
                    if self.bookmarks {
                        lines.push(self.bookmark(false));
                    }
                }
            }
        }
        lines.finish()
    }

    fn take(&mut self, told: &Told, lines: &mut Lines) {
        self.revision = told.change.after.revision;
        if let Some(line) = self.seen_change(told) {
            lines.push(line);
        }
    }

    fn seen_change(&mut self, told: &Told) -> Option<Bytes> {
        let change = &told.change;
        let was = change.before.as_deref().is_some_and(|before| self.view.sees(before));
        let is = !change.is_deletion && self.view.sees(&change.after);
        let what = match (was, is) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) if change.is_deletion => "DELETED",
            (true, false) => {
                // Its last state that was seen, at the revision at which it went out of sight.
                let mut object = change.before.as_deref()?.value();
                object["metadata"]["resourceVersion"] = change.after.revision.to_string().into();
                return Some(line("DELETED", self.view.presented(object).to_string().as_bytes()));
            }
            (false, false) => return None,
        };
        // An object that comes into sight is new to this watcher alone.
        let is_common = self.view.is_plain() && (was || change.before.is_none());
        Some(if is_common {
            told.line.get_or_init(|| line(what, &change.after.bytes())).clone()
        } else {
            self.line(what, &change.after)
        })
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

/// Lines that are sent together.
#[derive(Default)]
struct Lines {
    /// One alone is sent as it is.
    first: Bytes,
    all: Vec<u8>,
}

impl Lines {
    fn push(&mut self, line: Bytes) {
        if self.is_empty() {
            self.first = line;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&line);
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn is_full(&self) -> bool {
        self.first.len().max(self.all.len()) >= TOGETHER
    }

    fn finish(self) -> Option<Bytes> {
        let lines = if self.all.is_empty() { self.first } else { self.all.into() };
        Some(lines).filter(|lines| !lines.is_empty())
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
