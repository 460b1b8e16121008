//! Rows of a bench's table: what was measured, what it has to stay below.

use std::fmt;

/// A figure with its bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub bar: f64,
    /// What the reference took, where it was run beside.
    pub beside: Option<f64>,
    /// Whether more is better.
    pub is_rate: bool,
}

impl Figure {
    /// Something that has to stay below its bar.
    pub fn below(what: &str, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { what: what.to_owned(), value, unit, bar, beside: None, is_rate: false }
    }

    /// Something that has to stay above its bar.
    pub fn above(what: &str, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { is_rate: true, ..Self::below(what, value, unit, bar) }
    }

    /// Seconds that have to stay below a share of what the reference took in the same run.
    pub fn share(what: &str, value: f64, reference: f64, share: f64) -> Self {
        Self { beside: Some(reference), ..Self::below(what, value, "s", reference / share) }
    }

    pub fn is_met(&self) -> bool {
        if self.is_rate { self.value >= self.bar } else { self.value <= self.bar }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.unit == "s" { 4 } else { 1 };
        let beside = match self.beside {
            Some(beside) => format!("{beside:.digits$} {}, 1/{:.1}", self.unit, beside / self.value),
            None => String::new(),
        };
        let sign = if self.is_rate { ">" } else { "<" };
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        write!(
            out,
            "| {} | {:.digits$} {} | {beside} | {sign} {:.digits$} | {verdict} |",
            self.what, self.value, self.unit, self.bar
        )
    }
}

/// The table of one run; says whether every bar is met.
pub fn print(run: usize, figures: &[Figure]) -> bool {
    println!("\nrun {run}\n\n| what | Sluice | beside | bar | |\n|---|---|---|---|---|");
    for figure in figures {
        println!("{figure}");
    }
    figures.iter().all(Figure::is_met)
}
