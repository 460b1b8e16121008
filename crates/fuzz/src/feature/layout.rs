//! Folders: bases, layers above layers, components, and how the build is called.

use super::Feature;
use crate::draft::Draft;
use crate::tree::Reorder;

pub fn features() -> Vec<Feature> {
    vec![
        Feature::does("layout.base", base),
        Feature::does("layout.second-base", |draft| add(draft, "second")),
        Feature::does("layout.middle", middle),
        Feature::does("layout.diamond", diamond),
        Feature::does("layout.component", component),
        Feature::does("layout.component-in-component", component_in_component),
        Feature::does("layout.base-in-subfolder", |draft| add(draft, "top/inner")),
        Feature::of("layout.base", "layout.bases-field"),
        Feature::anywhere("layout.file-in-subfolder"),
        Feature::anywhere("layout.file-outside"),
        Feature::does("flag.reorder-none", |draft| reorder(draft, Reorder::None)),
        Feature::does("flag.reorder-legacy", |draft| reorder(draft, Reorder::Legacy)),
        Feature::does("flag.unrestricted", |draft| {
            draft.unrestricted = true;
            true
        }),
    ]
}

fn reorder(draft: &mut Draft, reorder: Reorder) -> bool {
    let is_first = draft.reorder == Reorder::Unspecified;
    if is_first {
        draft.reorder = reorder;
    }
    is_first
}

fn add(draft: &mut Draft, folder: &str) -> bool {
    let parent = if draft.layers.len() > 1 && draft.dice.chance(20) { draft.layer() } else { 0 };
    draft.add_layer(folder, parent, false);
    true
}

fn base(draft: &mut Draft) -> bool {
    add(draft, "base")
}

/// A layer between the top and what was below it.
fn middle(draft: &mut Draft) -> bool {
    let below: Vec<usize> = (1..draft.layers.len()).filter(|&at| draft.layers[at].parents == [0]).collect();
    let between = draft.add_layer("middle", 0, false);
    if below.is_empty() {
        draft.add_layer("lowest", between, false);
    }
    for at in below {
        draft.layers[at].parents = vec![between];
    }
    true
}

/// Two layers with names of their own over the same base.
fn diamond(draft: &mut Draft) -> bool {
    let left = draft.add_layer("left", 0, false);
    let right = draft.add_layer("right", 0, false);
    let shared = draft.add_layer("shared", left, false);
    draft.layers[shared].parents.push(right);
    draft.set(left, "namePrefix", "left-");
    draft.set(right, "nameSuffix", "-right");
    true
}

fn component(draft: &mut Draft) -> bool {
    let parents: Vec<usize> =
        (0..draft.layers.len()).filter(|&at| draft.layers[at].parents.len() < 2).collect();
    let parent = draft.dice.pick(&parents);
    draft.add_layer("component", parent, true);
    true
}

fn component_in_component(draft: &mut Draft) -> bool {
    let outer = draft.add_layer("outer", 0, true);
    draft.add_layer("innermost", outer, true);
    true
}
