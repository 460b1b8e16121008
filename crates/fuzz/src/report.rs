//! What a run says: differences as folders, and the table at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::coverage::{Coverage, PAIR_USES, USES};
use crate::feature::{self, FAULTS};
use crate::tree::{Answer, Tree};

#[derive(Default)]
pub struct Figures {
    pub trees: u64,
    /// Built by both, with the same bytes.
    pub built: u64,
    /// Failed in both, in the same words.
    pub failed: u64,
    pub differ: u64,
    pub faults: BTreeMap<usize, u64>,
    failures: BTreeMap<String, u64>,
}

impl Figures {
    /// Counts a failure that nobody meant, by its last words.
    pub fn note_failure(&mut self, error: &str) {
        *self.failures.entry(kind_of(error)).or_default() += 1;
    }
}

/// Which engine failed and with which last words, or that the bytes differ: what stays when a tree is made smaller.
pub fn manner_of(difference: &str) -> String {
    let head = difference.split(':').next().unwrap_or_default();
    if head.starts_with("want ") {
        return "bytes".to_owned();
    }
    let kind = kind_of(difference);
    let last: Vec<&str> = kind.split(' ').rev().take(4).collect();
    format!("{head}: {}", last.join(" "))
}

/// A difference without names and numbers, so that its like is known again. Of failures the last words count.
pub fn kind_of(text: &str) -> String {
    if let Some((want, got)) =
        text.strip_prefix("another failure: want ").and_then(|rest| rest.split_once(" | got "))
    {
        let last = |text: &str| -> String {
            let words = words_of(text);
            words.chars().skip(words.chars().count().saturating_sub(90)).collect()
        };
        return format!("another failure: {} | {}", last(want), last(got));
    }
    words_of(text)
}

fn words_of(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        let is_name = word.contains(['/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '$']);
        if !is_name {
            shown.push_str(word);
            shown.push(' ');
        }
    }
    let shown: Vec<char> = shown.trim_end().chars().collect();
    let (head, tail) = (shown.len().min(60), shown.len().saturating_sub(100));
    shown[..head].iter().chain(&shown[tail.max(head)..]).collect()
}

pub fn write_difference(folder: &Path, tree: &Tree, want: &Answer, got: &Answer) -> std::io::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    tree.write(folder)?;
    let place = |name: &str, answer: &Answer| match answer {
        Ok(text) => std::fs::write(folder.join(format!("{name}.yaml")), text),
        Err(text) => std::fs::write(folder.join(format!("{name}.err")), format!("{}\n", text.trim_end())),
    };
    place("want", want)?;
    place("got", got)
}

/// One line on how far it is.
pub fn line(figures: &Figures, coverage: &Coverage, time: Duration) -> String {
    let features = feature::all().len();
    let least = (0..features).map(|at| coverage.uses(at)).min().unwrap_or(0);
    let short = (0..features).filter(|&at| coverage.uses(at) < USES).count();
    let (pairs, thin, rarest) = count_pairs(coverage);
    format!(
        "{} trees in {} s: {} built alike, {} failed alike, {} differ; {features} features, {short} below {USES} uses (least {least}); {pairs} pairs, {thin} below {PAIR_USES} (least {rarest})",
        figures.trees,
        time.as_secs(),
        figures.built,
        figures.failed,
        figures.differ
    )
}

fn all_pairs() -> impl Iterator<Item = (usize, usize)> {
    let features = feature::all().len();
    (0..features)
        .flat_map(move |one| (one + 1..features).map(move |other| (one, other)))
        .filter(|&(one, other)| !feature::excludes(one, other))
}

/// All pairs that can meet, those used too rarely, and the uses of the rarest.
fn count_pairs(coverage: &Coverage) -> (usize, usize, u32) {
    let uses: Vec<u32> = all_pairs().map(|(one, other)| coverage.pair(one, other)).collect();
    let thin = uses.iter().filter(|&&uses| uses < PAIR_USES).count();
    (uses.len(), thin, uses.iter().min().copied().unwrap_or(0))
}

pub fn table(figures: &Figures, coverage: &Coverage, kinds: &BTreeMap<String, usize>) -> String {
    let mut text = "\nfeatures, by uses in trees that both built alike:\n".to_owned();
    let mut features: Vec<usize> = (0..feature::all().len()).collect();
    features.sort_by_key(|&at| (coverage.uses(at), at));
    for at in features {
        text.push_str(&format!("  {:7} {}\n", coverage.uses(at), feature::all()[at].name));
    }
    text.push_str("\nmistakes, by trees on which both failed alike:\n");
    for (at, fault) in FAULTS.iter().enumerate() {
        text.push_str(&format!("  {:7} {}\n", figures.faults.get(&at).copied().unwrap_or(0), fault.name));
    }
    let mut pairs: Vec<(usize, usize)> = all_pairs().collect();
    pairs.sort_by_key(|&(one, other)| coverage.pair(one, other));
    text.push_str("\nleast-used pairs:\n");
    for &(one, other) in pairs.iter().take(40) {
        let names = (feature::all()[one].name, feature::all()[other].name);
        text.push_str(&format!("  {:7} {} + {}\n", coverage.pair(one, other), names.0, names.1));
    }
    let mut failures: Vec<(&String, &u64)> = figures.failures.iter().collect();
    failures.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    text.push_str("\nmost frequent failures of trees without a mistake:\n");
    for (failure, count) in failures.into_iter().take(25) {
        text.push_str(&format!("  {count:7} {failure}\n"));
    }
    text.push_str(&format!("\ndifferences open: {}\n", kinds.len()));
    for (kind, count) in kinds {
        text.push_str(&format!("  {count:7} {kind}\n"));
    }
    text
}
