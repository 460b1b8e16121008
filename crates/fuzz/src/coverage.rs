//! How often each feature and each pair of features was used, and which to use next.

use std::collections::BTreeSet;

use crate::dice::Dice;

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

    /// A pair that needs use: the neediest of some thrown at random.
    pub fn choose_pair(&self, dice: &mut Dice) -> (usize, usize) {
        let mut best = (0, 1);
        let mut least = u64::MAX;
        for _ in 0..48 {
            let one = dice.below(self.features);
            let other = dice.below(self.features);
            if one == other {
                continue;
            }
            let at = one.min(other) * self.features + one.max(other);
            let need = u64::from(self.pairs[at]) * 2 + u64::from(self.in_vain[at]);
            if need < least {
                (best, least) = ((one, other), need);
            }
        }
        best
    }

    /// A feature that fits to those chosen: of a few, the one whose pairs with them were used least.
    pub fn choose_with(&self, chosen: &BTreeSet<usize>, dice: &mut Dice) -> usize {
        let score = |feature: usize| -> u64 {
            chosen
                .iter()
                .map(|&other| {
                    let at = feature.min(other) * self.features + feature.max(other);
                    u64::from((self.pairs[at] + self.in_vain[at] / 2).min(60))
                })
                .sum::<u64>()
                + self.single[feature].min(1_200) / 100
        };
        let candidates: Vec<usize> = (0..6).map(|_| dice.below(self.features)).collect();
        candidates.into_iter().min_by_key(|&feature| score(feature)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_pair_is_chosen() {
        let mut coverage = Coverage::new(3);
        coverage.count(&BTreeSet::from([0, 1]));
        coverage.count(&BTreeSet::from([0, 2]));
        assert_eq!((coverage.uses(0), coverage.pair(1, 0), coverage.pair(1, 2)), (2, 1, 0));
        let (one, other) = coverage.choose_pair(&mut Dice::new(1));
        assert_eq!((one.min(other), one.max(other)), (1, 2));
    }
}
