//! How often each feature and each pair of features was used, and which to use next.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::feature;

/// How often each feature has to be used.
pub const USES: u64 = 1_000;
/// How often each pair of features has to be used.
pub const PAIR_USES: u32 = 50;

pub struct Coverage {
    features: usize,
    single: Vec<u64>,
    /// The upper triangle, row by row.
    pairs: Vec<u32>,
    /// How often a pair was asked for without coming about; such pairs are asked for less.
    in_vain: Vec<u32>,
}

impl Coverage {
    pub fn new(features: usize) -> Self {
        let pairs = features * features;
        Self { features, single: vec![0; features], pairs: vec![0; pairs], in_vain: vec![0; pairs] }
    }

    pub fn uses(&self, feature: usize) -> u64 {
        self.single[feature]
    }

    pub fn pair(&self, one: usize, other: usize) -> u32 {
        self.pairs[one.min(other) * self.features + one.max(other)]
    }

    /// Counts a tree on which both engines agreed.
    pub fn count(&mut self, used: &BTreeSet<usize>) {
        for &one in used {
            self.single[one] += 1;
            for &other in used.range(one + 1..) {
                self.pairs[one * self.features + other] += 1;
            }
        }
    }

    /// Notes what was asked for and did not come about.
    pub fn miss(&mut self, wanted: (usize, usize), used: &BTreeSet<usize>) {
        if !(used.contains(&wanted.0) && used.contains(&wanted.1)) {
            self.in_vain[wanted.0.min(wanted.1) * self.features + wanted.0.max(wanted.1)] += 1;
        }
    }

    /// How often a pair is still to be used.
    fn lack(&self, one: usize, other: usize) -> u64 {
        if one == other || feature::excludes(one, other) {
            return 0;
        }
        u64::from(PAIR_USES.saturating_sub(self.pair(one, other)))
    }

    /// Whether everything was used as often as it has to be.
    pub fn is_complete(&self) -> bool {
        let pairs = |one| (one + 1..self.features).all(move |other| self.lack(one, other) == 0);
        (0..self.features).all(|one| self.single[one] >= USES && pairs(one))
    }

    /// A pair that needs use, the likelier the more it does. What came about in vain before is asked for less.
    pub fn choose_pair(&self, dice: &mut Dice) -> (usize, usize) {
        let mut pairs = Vec::new();
        let mut whole = 0;
        for one in 0..self.features {
            for other in one + 1..self.features {
                let lack = self.lack(one, other);
                if lack > 0 {
                    let vain = u64::from(self.in_vain[one * self.features + other]);
                    whole += (lack * 16 / (4 + vain)).max(1);
                    pairs.push((whole, (one, other)));
                }
            }
        }
        if pairs.is_empty() {
            let one = dice.below(self.features);
            return (one, (one + 1 + dice.below(self.features - 1)) % self.features);
        }
        let thrown = dice.next() % whole;
        pairs[pairs.partition_point(|(end, _)| *end <= thrown)].1
    }

    /// Adds features to those chosen until there are so many: each time, of a random half of all, the one that lacks
    /// most uses, alone and beside those chosen already.
    pub fn fill(&self, chosen: &mut BTreeSet<usize>, size: usize, dice: &mut Dice) {
        let mut lacks: Vec<u64> =
            (0..self.features).map(|one| chosen.iter().map(|&other| self.lack(one, other)).sum()).collect();
        while chosen.len() < size.min(self.features) {
            let mut best = None;
            for (one, beside) in lacks.iter().enumerate() {
                if chosen.contains(&one) || dice.chance(50) {
                    continue;
                }
                let alone = USES.saturating_sub(self.single[one]) * u64::from(PAIR_USES) / USES;
                let lack = beside + alone * chosen.len() as u64;
                best = best.max(Some((lack, dice.next(), one)));
            }
            let Some((_, _, best)) = best else { continue };
            chosen.insert(best);
            for (one, lack) in lacks.iter_mut().enumerate() {
                *lack += self.lack(one, best);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_that_lacks_uses_is_chosen() {
        let mut coverage = Coverage::new(3);
        for _ in 0..PAIR_USES {
            coverage.count(&BTreeSet::from([0, 1]));
            coverage.count(&BTreeSet::from([0, 2]));
        }
        assert_eq!((coverage.uses(0), coverage.pair(1, 0), coverage.pair(1, 2)), (100, 50, 0));
        assert_eq!(coverage.choose_pair(&mut Dice::new(1)), (1, 2));
        let mut chosen = BTreeSet::from([1]);
        coverage.fill(&mut chosen, 3, &mut Dice::new(1));
        assert_eq!(chosen.len(), 3);
        assert!(!coverage.is_complete());
    }
}
