//! The text of a trace: blocks of labelled lines, parted by dashes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::object::{condition, name, namespace, text};

pub struct Report {
    /// How wide a label is, its colon and the spaces after it counted.
    pub width: usize,
    text: String,
}

impl Report {
    pub fn new(width: usize) -> Self {
        Self { width, text: "\n".to_owned() }
    }

    /// The object that is traced.
    pub fn managed(&mut self, object: &Value) {
        self.always("Object", &format!("{}/{}", text(object, "/kind"), name(object)));
        self.line("Namespace", namespace(object));
        self.always("Status", "Managed by Flux");
    }

    /// Begins the block of an object.
    pub fn block(&mut self, kind: &str, object: &Value) {
        self.text.push_str("---\n");
        self.always(kind, name(object));
        self.always("Namespace", namespace(object));
    }

    /// A line, where there is something to tell.
    pub fn line(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            self.always(label, value);
        }
    }

    pub fn always(&mut self, label: &str, value: &str) {
        let label = format!("{label}:");
        self.text.push_str(&format!("{label:<width$}{value}\n", width = self.width));
    }

    /// What the condition `Ready` says; `tells_failure` where a failed run is told apart.
    pub fn status(&mut self, object: &Value, tells_failure: bool) {
        let Some(ready) = condition(object, "Ready") else {
            self.always("Status", "Unknown");
            return;
        };
        let at = go_time(text(ready, "/lastTransitionTime"));
        let has_failed = tells_failure && text(ready, "/status") == "False";
        let what = if has_failed { "Last reconciliation failed" } else { "Last reconciled" };
        self.always("Status", &format!("{what} at {at}"));
        self.always("Message", text(ready, "/message"));
    }

    pub fn render(self) -> String {
        self.text
    }
}

/// A time as Go prints it: `2026-01-01 00:00:00 +0000 UTC`.
fn go_time(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string(),
        Err(_) => time.to_owned(),
    }
}
