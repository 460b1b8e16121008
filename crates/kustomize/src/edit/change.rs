//! The changes, each as one call. What kustomize only logs is returned as notes.

use std::collections::BTreeMap;

use super::{File, matches};
use crate::error::{Result, fail};
use crate::file::{Image, Label, Patch, Replica, Selector};

/// A list of paths at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    Resources,
    Components,
    Generators,
    Transformers,
}

impl Paths {
    fn noun(self) -> &'static str {
        match self {
            Self::Resources => "resource",
            Self::Components => "component",
            Self::Generators => "generator",
            Self::Transformers => "transformer",
        }
    }
}

/// A map at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entries {
    Labels,
    Annotations,
}

/// How labels are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelOptions {
    /// Take the place of labels that are there.
    pub force: bool,
    /// Into `labels` and not into `commonLabels`.
    pub without_selector: bool,
    pub include_templates: bool,
}

impl File {
    fn list(&mut self, paths: Paths) -> &mut Vec<String> {
        match paths {
            Paths::Resources => &mut self.kustomization.resources,
            Paths::Components => &mut self.kustomization.components,
            Paths::Generators => &mut self.kustomization.generators,
            Paths::Transformers => &mut self.kustomization.transformers,
        }
    }

    fn map(&mut self, entries: Entries) -> &mut BTreeMap<String, String> {
        match entries {
            Entries::Labels => self.kustomization.common_labels.get_or_insert_default(),
            Entries::Annotations => &mut self.kustomization.common_annotations,
        }
    }

    /// Puts paths at the end of a list; those that are there already are noted.
    pub fn add_paths(&mut self, paths: Paths, items: Vec<String>) -> Vec<String> {
        let mut notes = Vec::new();
        let list = self.list(paths);
        for item in items {
            if list.contains(&item) {
                notes.push(format!("{} {item} already in kustomization file", paths.noun()));
            } else {
                list.push(item);
            }
        }
        notes
    }

    /// Puts a base at the end of the resources.
    pub fn add_base(&mut self, base: &str) -> Result<()> {
        if self.kustomization.resources.iter().any(|known| known == base) {
            fail!("base {base} already in kustomization file");
        }
        self.kustomization.resources.push(base.to_owned());
        Ok(())
    }

    /// Takes paths that patterns name out of a list; false when there were none.
    pub fn remove_paths(&mut self, paths: Paths, patterns: &[String]) -> Result<bool> {
        let list = self.list(paths);
        let mut kept = Vec::with_capacity(list.len());
        for item in list.iter() {
            let mut named = false;
            for pattern in patterns {
                named |= matches(pattern, item)?;
            }
            if !named {
                kept.push(item.clone());
            }
        }
        let changed = kept.len() != list.len();
        *list = kept;
        Ok(changed)
    }

    /// Sets labels or annotations over those of the same name.
    pub fn set_entries(&mut self, entries: Entries, pairs: BTreeMap<String, String>) {
        self.map(entries).extend(pairs);
    }

    /// Adds annotations, or labels with their selectors.
    pub fn add_entries(
        &mut self,
        entries: Entries,
        pairs: BTreeMap<String, String>,
        force: bool,
    ) -> Result<()> {
        let kind = if entries == Entries::Labels { "label" } else { "annotation" };
        let map = self.map(entries);
        pairs.into_iter().try_for_each(|(name, text)| put(map, kind, name, text, force))
    }

    /// Adds labels.
    pub fn add_labels(&mut self, pairs: BTreeMap<String, String>, options: LabelOptions) -> Result<()> {
        if !options.without_selector {
            return self.add_entries(Entries::Labels, pairs, options.force);
        }
        let labels = &mut self.kustomization.labels;
        for (name, text) in pairs {
            let fits = |label: &Label| {
                !label.include_selectors && label.include_templates == options.include_templates
            };
            let at = labels.iter().position(fits).unwrap_or_else(|| {
                labels.push(Label { include_templates: options.include_templates, ..Label::default() });
                labels.len() - 1
            });
            put(&mut labels[at].pairs, "label", name, text, options.force)?;
        }
        Ok(())
    }

    /// Takes labels or annotations away.
    pub fn remove_entries(&mut self, entries: Entries, names: &[&str], ignore: bool) -> Result<()> {
        let (field, kind, is_there) = match entries {
            Entries::Labels => ("commonLabels", "label", self.kustomization.common_labels.is_some()),
            Entries::Annotations => {
                ("commonAnnotations", "annotation", !self.kustomization.common_annotations.is_empty())
            }
        };
        if !is_there && !ignore {
            fail!("{field} is not defined in kustomization file");
        }
        let map = self.map(entries);
        for name in names {
            if map.remove(*name).is_none() && !ignore {
                fail!("{kind} {name} is not defined in kustomization file");
            }
        }
        Ok(())
    }

    /// Sets images; `*` keeps what is there. All are sorted by name.
    pub fn set_images(&mut self, mut images: BTreeMap<String, Image>) {
        const KEPT: &str = "*";
        for known in std::mem::take(&mut self.kustomization.images) {
            match images.get_mut(&known.name) {
                Some(image) => {
                    for (text, before) in [
                        (&mut image.new_name, known.new_name),
                        (&mut image.new_tag, known.new_tag),
                        (&mut image.digest, known.digest),
                    ] {
                        if text == KEPT {
                            *text = before;
                        }
                    }
                }
                None => {
                    images.insert(known.name.clone(), known);
                }
            }
        }
        for image in images.values_mut() {
            for text in [&mut image.new_name, &mut image.new_tag, &mut image.digest] {
                if text == KEPT {
                    text.clear();
                }
            }
        }
        self.kustomization.images = images.into_values().collect();
    }

    /// Sets counts. All are sorted by name.
    pub fn set_replicas(&mut self, mut replicas: BTreeMap<String, Replica>) {
        for known in std::mem::take(&mut self.kustomization.replicas) {
            replicas.entry(known.name.clone()).or_insert(known);
        }
        self.kustomization.replicas = replicas.into_values().collect();
    }

    /// Adds options of `buildMetadata`.
    pub fn add_build_metadata(&mut self, options: Vec<String>) -> Result<()> {
        for option in options {
            if self.kustomization.build_metadata.contains(&option) {
                fail!("buildMetadata option {option} already in kustomization file");
            }
            self.kustomization.build_metadata.push(option);
        }
        Ok(())
    }

    /// Adds a patch; false when the same is there already.
    pub fn add_patch(&mut self, patch: Patch) -> bool {
        let patch = without_empty_target(patch);
        if self.kustomization.patches.contains(&patch) {
            return false;
        }
        self.kustomization.patches.push(patch);
        true
    }

    /// Takes a patch away; false when there is no such patch.
    pub fn remove_patch(&mut self, patch: Patch) -> bool {
        let patch = without_empty_target(patch);
        let patches = &mut self.kustomization.patches;
        let before = patches.len();
        patches.retain(|known| *known != patch);
        patches.len() != before
    }

    /// Moves deprecated patches and labels to their successors. `is_file` tells whether a patch of
    /// `patchesStrategicMerge` is a path.
    pub fn fix(&mut self, is_file: &dyn Fn(&str) -> bool) -> Result<()> {
        let kustomization = &mut self.kustomization;
        kustomization.patches.extend(kustomization.patches_json6902.take().unwrap_or_default());
        for patch in kustomization.patches_strategic_merge.take().unwrap_or_default() {
            kustomization.patches.push(if is_file(&patch) {
                Patch { path: patch, ..Patch::default() }
            } else {
                Patch { patch, ..Patch::default() }
            });
        }
        let common = kustomization.common_labels.clone().unwrap_or_default();
        if common.is_empty() {
            return Ok(());
        }
        for name in kustomization.labels.iter().flat_map(|label| label.pairs.keys()) {
            if common.contains_key(name) {
                fail!("label name '{name}' exists in both commonLabels and labels");
            }
        }
        let label = Label { pairs: common, include_selectors: true, ..Label::default() };
        kustomization.labels.push(label);
        kustomization.common_labels = None;
        Ok(())
    }
}

fn put(
    map: &mut BTreeMap<String, String>,
    kind: &str,
    name: String,
    text: String,
    force: bool,
) -> Result<()> {
    if map.contains_key(&name) && !force {
        fail!("{kind} {name} already in kustomization file. Use --force to override.");
    }
    map.insert(name, text);
    Ok(())
}

fn without_empty_target(mut patch: Patch) -> Patch {
    patch.target = patch.target.filter(|target| *target != Selector::default());
    patch
}
