//! An object as a row: what stands in each column, and what to tell when its reconciliation went well.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{ARTIFACT_GENERATOR, Column, Kind, Outcome, Readiness, Revision};
use crate::object::{Reference, condition, namespace, reference, text};

impl Column {
    pub fn title(self) -> &'static str {
        match self {
            Column::Source | Column::StandsFor => "Source",
            Column::Revision => "Revision",
            Column::Image => "Image",
            Column::Tag => "Tag",
            Column::LastScan => "Last scan",
            Column::LastRun => "Last run",
            Column::Suspended => "Suspended",
            Column::Ready => "Ready",
            Column::Message => "Message",
        }
    }
}

impl Kind {
    pub fn cell(&self, column: Column, object: &Value) -> String {
        match column {
            Column::Source => source(object).map(|of| of.to_string()).unwrap_or_default(),
            Column::StandsFor => stands_for(object),
            Column::Revision => self.shorten(self.revision(object)),
            Column::Image => text(object, "/status/latestRef/name").to_owned(),
            Column::Tag => text(object, "/status/latestRef/tag").to_owned(),
            Column::LastScan => local_time(text(object, "/status/lastScanResult/scanTime")),
            Column::LastRun => local_time(text(object, "/status/lastAutomationRunTime")),
            Column::Suspended => if self.is_suspended(object) { "True" } else { "False" }.to_owned(),
            Column::Ready => self.ready(object).0,
            Column::Message => self.shorten(self.ready(object).1),
        }
    }

    pub fn is_suspended(&self, object: &Value) -> bool {
        if self.kind == ARTIFACT_GENERATOR.kind {
            // It has no field for it.
            let annotation = "/metadata/annotations/source.extensions.fluxcd.io~1reconcile";
            return text(object, annotation).eq_ignore_ascii_case("disabled");
        }
        object.pointer("/spec/suspend") == Some(&Value::Bool(true))
    }

    /// The status of the condition `Ready` and its message, as the table tells them.
    fn ready(&self, object: &Value) -> (String, String) {
        if self.readiness == Readiness::Static {
            return ("True".to_owned(), format!("{} is Ready", self.kind));
        }
        if self.is_static(object) {
            return ("True".to_owned(), "Helm repository is Ready".to_owned());
        }
        match condition(object, "Ready") {
            Some(ready) => {
                let message = text(ready, "/message").to_owned();
                (text(ready, "/status").to_owned(), message + &drift(object))
            }
            None => ("False".to_owned(), "waiting to be reconciled".to_owned()),
        }
    }

    /// Whether the object has a condition of this type with this status, whatever their case.
    pub fn has_status(&self, object: &Value, condition_type: &str, status: &str) -> bool {
        if self.readiness == Readiness::Static {
            return condition_type.eq_ignore_ascii_case("Ready") && status.eq_ignore_ascii_case("True");
        }
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        conditions
            .into_iter()
            .flatten()
            .rfind(|candidate| text(candidate, "/type").eq_ignore_ascii_case(condition_type))
            .is_some_and(|found| text(found, "/status").eq_ignore_ascii_case(status))
    }

    pub fn revision(&self, object: &Value) -> String {
        match self.revision {
            Revision::Artifact => text(object, "/status/artifact/revision"),
            Revision::LastApplied => text(object, "/status/lastAppliedRevision"),
            Revision::Release => match text(object, "/status/history/0/chartVersion") {
                "" => text(object, "/status/lastAttemptedRevision"),
                version => version,
            },
            Revision::None => "",
        }
        .to_owned()
    }

    /// What to tell of an object that has just been reconciled.
    pub fn outcome(&self, object: &Value) -> String {
        match self.outcome {
            Outcome::Fetched if self.is_static(object) => {
                condition(object, "Ready").map(|ready| text(ready, "/message").to_owned()).unwrap_or_default()
            }
            Outcome::Fetched => format!("fetched revision {}", self.revision(object)),
            Outcome::Applied => format!("applied revision {}", self.revision(object)),
            Outcome::Completed => format!("{} reconciliation completed", self.kind),
            Outcome::Scanned => {
                let count = object.pointer("/status/lastScanResult/tagCount").and_then(Value::as_i64);
                format!("scan fetched {} tags", count.unwrap_or(0))
            }
            Outcome::Selected => format!("selected ref {}", image_reference(object)),
            Outcome::Message => match condition(object, "Ready") {
                Some(ready) => text(ready, "/message").to_owned(),
                None => "automation not yet run".to_owned(),
            },
        }
    }

    fn shorten(&self, text: String) -> String {
        if self.shortens { shorten_digests(&text) } else { text }
    }
}

/// What others have changed of it, where it is applied by a Kustomization.
fn drift(object: &Value) -> String {
    let is_kustomization = text(object, "/kind") == "Kustomization";
    let drifted =
        condition(object, "Drifted").filter(|drifted| is_kustomization && text(drifted, "/status") == "True");
    drifted.map(|drifted| format!(" (drifted: {})", text(drifted, "/message"))).unwrap_or_default()
}

/// The source that an applied object takes its files or its chart from.
fn source(object: &Value) -> Option<Reference> {
    let home = namespace(object);
    ["/spec/sourceRef", "/spec/chartRef", "/spec/chart/spec/sourceRef"]
        .into_iter()
        .find_map(|pointer| reference(object, pointer, home))
}

fn stands_for(object: &Value) -> String {
    let Some(of) = object.pointer("/spec/sourceRef") else { return String::new() };
    format!("{}/{}/{}", text(of, "/kind"), text(of, "/namespace"), text(of, "/name"))
}

fn image_reference(object: &Value) -> String {
    let (name, tag) = (text(object, "/status/latestRef/name"), text(object, "/status/latestRef/tag"));
    match text(object, "/status/latestRef/digest") {
        "" => format!("{name}:{tag}"),
        digest => format!("{name}:{tag}@{digest}"),
    }
}

/// A time of the API as RFC 3339 in the zone of whoever asks.
fn local_time(time: &str) -> String {
    let Ok(at) = time.parse::<Timestamp>() else { return String::new() };
    let at = at.to_zoned(TimeZone::system());
    let zone = if at.offset().is_zero() { "Z" } else { "%:z" };
    at.strftime(&format!("%Y-%m-%dT%H:%M:%S{zone}")).to_string()
}

/// Cuts every whole word of 40 to 128 lower-case hexadecimal digits to its first 8.
pub fn shorten_digests(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_digest =
            (40..=128).contains(&word.len()) && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        out.push_str(if is_digest { &word[..8] } else { word });
        let gap = after.find(is_word).unwrap_or(after.len());
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_shortened_where_they_are_words() {
        let sha1 = "6e194126e4055db00a40af65cb2fe5d8b4c1f573";
        assert_eq!(shorten_digests(&format!("main@sha1:{sha1}")), "main@sha1:6e194126");
        assert_eq!(shorten_digests(&format!("'{sha1}' and x{sha1}")), format!("'6e194126' and x{sha1}"));
        assert_eq!(shorten_digests("é abc"), "é abc");
    }
}
