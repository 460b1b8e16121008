//! A figure with its bar.

use std::fmt;
use std::time::Duration;

/// What was measured, and what it has to stay below.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    bar: f64,
    /// What the reference took in the same run.
    beside: Option<f64>,
}

impl Figure {
    pub fn new(what: &str, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { what: what.to_owned(), value, unit, bar, beside: None }
    }

    /// The same, next to what the reference took.
    pub fn beside(self, reference: Option<f64>) -> Self {
        Self { beside: reference, ..self }
    }

    pub fn seconds(what: &str, took: Duration, bar: f64) -> Self {
        Self::new(what, took.as_secs_f64(), "s", bar)
    }

    pub fn is_met(&self) -> bool {
        self.value <= self.bar
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let bar = if self.bar.is_finite() {
            format!("bar {:.1}, {verdict}", self.bar)
        } else {
            "no bar".to_owned()
        };
        write!(out, "| {} | {:.1} {} |", self.what, self.value, self.unit)?;
        if let Some(beside) = self.beside {
            write!(out, " {beside:.1} {}, {:.1} times |", self.unit, beside / self.value)?;
        }
        write!(out, " {bar} |")
    }
}
