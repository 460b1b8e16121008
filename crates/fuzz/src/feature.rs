//! Every feature of a kustomization, by name; the order of the table is the order in which they are put in.

mod fault;
mod generator;
mod layout;
mod metadata;
mod object;
mod patch;
mod plugin;
mod pod;
mod replacement;
mod scalar;
mod settings;
mod workload;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::draft::Draft;

pub use fault::FAULTS;
pub use write::files;

/// One feature.
pub struct Feature {
    pub name: &'static str,
    pub how: How,
}

/// How a feature gets into a tree.
pub enum How {
    /// By itself; false when this tree has no place for it.
    Does(fn(&mut Draft) -> bool),
    /// As an option of another one, which asks whether it is wanted.
    Of(&'static str),
    /// Wherever it fits; many ask for it.
    Anywhere,
}

impl Feature {
    pub const fn does(name: &'static str, run: fn(&mut Draft) -> bool) -> Self {
        Self { name, how: How::Does(run) }
    }

    pub const fn of(carrier: &'static str, name: &'static str) -> Self {
        Self { name, how: How::Of(carrier) }
    }

    pub const fn anywhere(name: &'static str) -> Self {
        Self { name, how: How::Anywhere }
    }
}

/// All of them. Objects come before what refers to them, and layers before objects.
pub fn all() -> &'static [Feature] {
    static ALL: OnceLock<Vec<Feature>> = OnceLock::new();
    ALL.get_or_init(|| {
        let areas = [
            layout::features(),
            scalar::features(),
            object::features(),
            workload::features(),
            pod::features(),
            generator::features(),
            metadata::features(),
            settings::features(),
            patch::features(),
            replacement::features(),
            plugin::features(),
            write::features(),
        ];
        areas.into_iter().flatten().collect()
    })
}

/// The place of a feature in the table. A name that is in no table is a mistake of ours, shown at once.
#[allow(clippy::panic, reason = "names are constants of this crate")]
pub fn index(name: &str) -> usize {
    static NAMES: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| all().iter().enumerate().map(|(at, feature)| (feature.name, at)).collect());
    names.get(name).copied().unwrap_or_else(|| panic!("{name} is in no table of features"))
}

/// The features and what carries them.
pub fn with_carriers(chosen: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut closed = chosen.clone();
    for &one in chosen {
        let mut at = one;
        while let How::Of(carrier) = all()[at].how {
            at = index(carrier);
            closed.insert(at);
        }
    }
    closed
}

/// Pairs that cannot be in one tree.
pub fn excludes(one: usize, other: usize) -> bool {
    const APART: &[(&str, &str)] = &[("flag.reorder-none", "flag.reorder-legacy")];
    let (one, other) = (all()[one].name, all()[other].name);
    APART.iter().any(|&pair| pair == (one, other) || pair == (other, one))
}

/// Features that are mostly asked for together: after a tree with one of them kustomize reads its own schema again,
/// which takes longer than all the rest.
pub const COSTLY: [&str; 2] = ["openapi.path", "openapi.version"];

/// Puts the wanted features in, in the order of the table.
pub fn apply(draft: &mut Draft) {
    for (at, feature) in all().iter().enumerate() {
        if let How::Does(run) = feature.how
            && draft.wants(feature.name)
            && run(draft)
        {
            draft.mark_index(at);
        }
        if feature.name == object::LAST_OF_OBJECTS {
            object::ensure_some(draft);
        }
    }
}
