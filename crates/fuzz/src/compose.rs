//! From a choice of features to a tree.

use std::collections::BTreeSet;

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::draft::Draft;
use crate::feature::{self, FAULTS};
use crate::tree::Tree;

/// A tree and what went into it.
pub struct Composed {
    pub tree: Tree,
    pub used: BTreeSet<usize>,
    /// The pair that this tree was made for.
    pub asked: (usize, usize),
    /// Which mistake is in it, if one is.
    pub fault: Option<usize>,
}

/// How many of a hundred trees have a mistake.
const FAULTY: usize = 8;
/// How many features are asked for in one tree.
const LEAST: usize = 24;
const MOST: usize = 110;

pub fn compose(coverage: &Coverage, dice: &mut Dice) -> Composed {
    let asked = coverage.choose_pair(dice);
    let mut chosen = BTreeSet::from([asked.0, asked.1]);
    let size = LEAST + dice.below(MOST - LEAST);
    coverage.fill(&mut chosen, size, dice);
    let costly = feature::COSTLY.map(feature::index);
    if costly.iter().any(|one| chosen.contains(one)) && dice.chance(75) {
        chosen.extend(costly);
    }
    let fault = dice.chance(FAULTY).then(|| dice.below(FAULTS.len()));
    let wanted = feature::with_carriers(&chosen);
    let mut draft = Draft::new(Dice::new(dice.next()), wanted);
    feature::apply(&mut draft);
    let files = feature::files(&mut draft, fault.map(|at| &FAULTS[at]));
    let tree =
        Tree { files, run: "top".to_owned(), reorder: draft.reorder, unrestricted: draft.unrestricted };
    Composed { tree, used: draft.used(), asked, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_composes_the_same_trees() {
        let trees = |seed| {
            let (mut dice, mut coverage) = (Dice::new(seed), Coverage::new(feature::all().len()));
            let mut made = Vec::new();
            for _ in 0..20 {
                let composed = compose(&coverage, &mut dice);
                coverage.count(&composed.used);
                made.push(composed.tree);
            }
            made
        };
        assert_eq!(trees(7), trees(7));
        assert_ne!(trees(7), trees(8));
    }
}
