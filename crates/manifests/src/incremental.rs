//! A Kustomization's build, and then again what a change of files reaches. One for each Kustomization that is built
//! often; `held_bytes` says what it weighs, and dropping it costs the next build no more than a whole one.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use sluice_budget::Budget;
use sluice_tree::Tree;

use crate::{Error, Outcome, Reads, Settings, assemble, collect, digest, documents, folder, from_engine};

/// Objects that are other ones now.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which of the manifests' objects.
    pub at: Range<usize>,
    pub objects: Vec<Value>,
}

/// The builder of one Kustomization. Holds the text that it has built, and no objects.
#[derive(Default)]
pub struct Incremental {
    engine: sluice_kustomize::Incremental,
    last: Option<Last>,
}

/// What was built last, and of what.
struct Last {
    spec: Value,
    variables: BTreeMap<String, String>,
    missing: Option<String>,
    strict: bool,
    shown_root: String,
    /// What was looked at to find or make the kustomization.
    generated: Reads,
    documents: Vec<Built>,
}

/// One document of the output.
struct Built {
    yaml: String,
    /// How many objects a controller reads from it.
    objects: usize,
}

impl Last {
    fn is_of(&self, spec: &Value, settings: &Settings<'_>) -> bool {
        self.spec == *spec
            && self.variables == *settings.variables
            && self.missing.as_deref() == settings.missing
            && self.strict == settings.strict
            && self.shown_root == settings.shown_root
    }

    /// True for a path whose change is none of which kustomization is built.
    fn leaves_kustomization(&self, path: &str, engine: &Reads) -> bool {
        !self.generated.touches(path) || engine.files.contains(path)
    }
}

impl Incremental {
    /// Builds as a whole, as `build` does, and remembers how.
    pub fn whole(
        &mut self,
        tree: &dyn Tree,
        spec: &Value,
        settings: &Settings<'_>,
        budget: &Budget,
    ) -> Result<Outcome, Error> {
        self.last = None;
        let folder = folder(spec);
        let generated = crate::generate::generate(tree, &folder, spec, settings, budget)?;
        let options = crate::options(&generated, settings);
        let outcome =
            self.engine.whole(tree, &folder, &options, settings.answers, budget).map_err(from_engine)?;
        let built = match outcome {
            sluice_kustomize::Outcome::Need(asks) => return Ok(Outcome::Need(asks)),
            sluice_kustomize::Outcome::Done(built) => built,
        };
        let documents = documents(&built.objects, spec, settings, budget)?;
        self.last = Some(Last {
            spec: spec.clone(),
            variables: settings.variables.clone(),
            missing: settings.missing.map(str::to_owned),
            strict: settings.strict,
            shown_root: settings.shown_root.to_owned(),
            generated: generated.reads.clone(),
            documents: documents
                .iter()
                .map(|document| Built { yaml: document.yaml.clone(), objects: count(&document.value) })
                .collect(),
        });
        Ok(Outcome::Done(assemble(built, generated.reads, documents)))
    }

    /// After a change of these paths of the tree: the objects that are other ones now. `None` where only `whole` can
    /// tell; then it has to be called before `again` is.
    pub fn again(
        &mut self,
        tree: &dyn Tree,
        changed: &[&str],
        spec: &Value,
        settings: &Settings<'_>,
        budget: &Budget,
    ) -> Result<Option<Vec<Change>>, Error> {
        let changes = self.changes(tree, changed, spec, settings, budget);
        if !matches!(changes, Ok(Some(_))) {
            self.last = None;
        }
        changes
    }

    fn changes(
        &mut self,
        tree: &dyn Tree,
        changed: &[&str],
        spec: &Value,
        settings: &Settings<'_>,
        budget: &Budget,
    ) -> Result<Option<Vec<Change>>, Error> {
        let (Some(last), Some(reads)) = (&mut self.last, self.engine.reads()) else { return Ok(None) };
        if !last.is_of(spec, settings) || !changed.iter().all(|path| last.leaves_kustomization(path, reads)) {
            return Ok(None);
        }
        let Some(objects) = self.engine.again(tree, changed, budget).map_err(from_engine)? else {
            return Ok(None);
        };
        let (places, objects): (Vec<usize>, Vec<sluice_kustomize::Object>) = objects.into_iter().unzip();
        let documents = documents(&objects, spec, settings, budget)?;
        let mut changes = Vec::with_capacity(places.len());
        let (mut document, mut begin) = (0, 0);
        for (place, built) in places.into_iter().zip(documents) {
            begin += last.documents[document..place].iter().map(|built| built.objects).sum::<usize>();
            document = place;
            let known = &mut last.documents[place];
            let mut objects = Vec::new();
            collect(built.value, &mut objects);
            if objects.len() != known.objects {
                return Ok(None);
            }
            known.yaml = built.yaml;
            changes.push(Change { at: begin..begin + known.objects, objects });
        }
        Ok(Some(changes))
    }

    /// SHA-256 of the whole output in hexadecimal, as `Manifests` has it; empty before the first build.
    pub fn digest(&self) -> String {
        match &self.last {
            Some(last) => {
                let texts: Vec<&str> = last.documents.iter().map(|built| built.yaml.as_str()).collect();
                digest(texts.join(crate::PARTING).as_bytes())
            }
            None => String::new(),
        }
    }

    /// About how much memory is held.
    pub fn held_bytes(&self) -> usize {
        let texts = self.last.as_ref().map_or(0, |last| {
            last.documents.iter().map(|built| built.yaml.len() + size_of::<Built>()).sum::<usize>()
        });
        texts + self.engine.held_bytes()
    }
}

fn count(value: &Value) -> usize {
    let mut objects = Vec::new();
    collect(value.clone(), &mut objects);
    objects.len()
}
