//! A HelmRelease's `postRenderers`: what Helm rendered goes through kustomize once for each, with its patches and images.

use serde_json::{Value, json};
use sluice_budget::Budget;
use sluice_kustomize::{Answers, Options, Reorder};
use sluice_tree::Memory;

use crate::{Error, from_engine};

/// The file that the rendered text stands in, as messages name it.
const INPUT: &str = "helm-output.yaml";

/// Runs `text` through every entry of `spec.postRenderers`; entries that are none of kustomize change nothing.
pub fn post_render(text: String, renderers: &[Value], budget: &Budget) -> Result<String, Error> {
    let mut all =
        renderers.iter().filter_map(|renderer| renderer.get("kustomize")).filter(|one| one.is_object());
    all.try_fold(text, |text, renderer| run(&text, renderer, budget))
}

fn run(text: &str, renderer: &Value, budget: &Budget) -> Result<String, Error> {
    let part = |name: &str| renderer.get(name).filter(|list| list.is_array()).cloned().unwrap_or(json!([]));
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [INPUT],
        "patches": part("patches"),
        "images": part("images"),
    });
    let mut tree = Memory::default();
    for (name, text) in [(INPUT, text.to_owned()), ("kustomization.yaml", kustomization.to_string())] {
        tree.insert(name, text.into_bytes()).map_err(|error| Error::Kustomize(error.to_string()))?;
    }
    let options = Options { unrestricted: true, remote: false, reorder: Reorder::None, ..Options::default() };
    let outcome =
        sluice_kustomize::build(&tree, "", &options, &Answers::default(), budget).map_err(from_engine)?;
    match outcome {
        sluice_kustomize::Outcome::Done(built) => built.to_yaml(1).map_err(from_engine),
        sluice_kustomize::Outcome::Need(asks) => {
            Err(Error::Kustomize(format!("post renderers may ask for nothing: {} asks", asks.len())))
        }
    }
}
