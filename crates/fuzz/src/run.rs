//! The loop: compose, ask both, compare, count.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::compose::{Composed, compose};
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::reference::Reference;
use crate::report::{self, Figures};
use crate::shrink::shrink;
use crate::tree::Tree;
use crate::verdict::difference;
use crate::{feature, ours};

/// How many questions are open at a time, each to a kustomize of its own.
const LANES: usize = 2;
/// How often kustomize is asked again when it fails in other words than ours.
const ASKED_AGAIN: usize = 8;

pub struct Settings {
    pub time: Duration,
    pub seed: u64,
    pub trees: u64,
    /// It stops when so many different differences have been found.
    pub most_differences: usize,
    /// It stops when every feature and every pair has been used as often as they have to be.
    pub until_complete: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(10),
            seed: 1,
            trees: u64::MAX,
            most_differences: 20,
            until_complete: false,
        }
    }
}

/// Gives the number of kinds of differences found.
pub fn run(program: &Path, out: &Path, settings: &Settings) -> Result<usize, String> {
    let begun = Instant::now();
    let mut references = Vec::new();
    for _ in 0..LANES {
        references.push(Reference::start(program.to_path_buf())?);
    }
    let mut asked: VecDeque<(usize, Composed)> = VecDeque::new();
    let mut dice = Dice::new(settings.seed);
    let mut coverage = Coverage::new(feature::all().len());
    let mut figures = Figures::default();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut free: Vec<usize> = (0..LANES).collect();
    while figures.trees < settings.trees && begun.elapsed() < settings.time {
        while let Some(lane) = free.pop() {
            let composed = compose(&coverage, &mut dice);
            references[lane].ask(&composed.tree)?;
            asked.push_back((lane, composed));
        }
        let Some((lane, composed)) = asked.pop_front() else { break };
        free.push(lane);
        let reference = &mut references[lane];
        figures.trees += 1;
        let got = ours::build(&composed.tree);
        let want = reference.answer()?;
        let mut found = difference(&want, &got);
        if found.is_some() && want.is_err() && got.is_err() {
            // Which of several mistakes kustomize tells first is decided by the order of a map in Go.
            for _ in 0..ASKED_AGAIN {
                if difference(&reference.build(&composed.tree)?, &got).is_none() {
                    found = None;
                    break;
                }
            }
        }
        if let Some(found) = found {
            // Who only wants to know whether there is one does not wait for a small one.
            let small = if settings.most_differences == 1 {
                composed.tree.clone()
            } else {
                smaller(reference, &composed.tree, &found)?
            };
            let (want, got) = (reference.build(&small)?, ours::build(&small));
            let shown = difference(&want, &got).unwrap_or_else(|| found.clone());
            let count = kinds.entry(report::kind_of(&shown)).or_default();
            *count += 1;
            if *count == 1 {
                let folder = out.join(format!("seed-{}-tree-{}", settings.seed, figures.trees));
                report::write_difference(&folder, &small, &want, &got)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
                println!(
                    "difference {} in tree {} after {:.1} s: {shown}\n  {}",
                    kinds.len(),
                    figures.trees,
                    begun.elapsed().as_secs_f64(),
                    folder.display()
                );
            }
            figures.differ += 1;
            if kinds.len() >= settings.most_differences {
                break;
            }
            continue;
        }
        account(&composed, want.is_ok(), &mut coverage, &mut figures);
        if let Err(error) = want
            && composed.fault.is_none()
        {
            figures.note_failure(&error);
        }
        if figures.trees.is_multiple_of(500) {
            println!("{}", report::line(&figures, &coverage, begun.elapsed()));
            if settings.until_complete && coverage.is_complete() {
                break;
            }
        }
    }
    println!("{}", report::line(&figures, &coverage, begun.elapsed()));
    println!("{}", report::table(&figures, &coverage, &kinds));
    Ok(kinds.len())
}

fn account(composed: &Composed, is_built: bool, coverage: &mut Coverage, figures: &mut Figures) {
    if is_built {
        figures.built += 1;
        coverage.count(&composed.used);
    } else {
        figures.failed += 1;
        if let Some(fault) = composed.fault {
            *figures.faults.entry(fault).or_default() += 1;
        }
    }
    coverage.miss(composed.asked, &composed.used);
}

/// The tree made small, while it differs in the same manner.
fn smaller(reference: &mut Reference, tree: &Tree, found: &str) -> Result<Tree, String> {
    let manner = report::manner_of(found);
    let mut trouble = None;
    let small = shrink(tree, |candidate| {
        let got = ours::build(candidate);
        match reference.build(candidate) {
            Ok(want) => difference(&want, &got).is_some_and(|now| report::manner_of(&now) == manner),
            Err(message) => {
                trouble = Some(message);
                false
            }
        }
    });
    trouble.map_or(Ok(small), Err)
}
