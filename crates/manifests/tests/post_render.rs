//! Post-renderers of HelmReleases give what kustomize gives: strategic patches, JSON patches, images, one after another.
#![allow(clippy::unwrap_used)] // tests

use serde_json::{Value, json};
use sluice_budget::Budget;
use sluice_manifests::post_render;

const INPUT: &str = include_str!("corpus/post-render/in.yaml");

#[test]
fn rendered_text_goes_through_every_renderer() {
    let renderers: Vec<Value> =
        serde_json::from_str(include_str!("corpus/post-render/renderers.json")).unwrap();
    let got = post_render(INPUT.to_owned(), &renderers, &Budget::generous()).unwrap();
    assert_eq!(got, include_str!("corpus/post-render/want.yaml"));
}

#[test]
fn nothing_changes_without_renderers() {
    let got = post_render(INPUT.to_owned(), &[json!({})], &Budget::generous()).unwrap();
    assert_eq!(got, INPUT);
}

#[test]
fn a_patch_without_its_target_is_told() {
    let renderer = json!({"kustomize": {"patches": [{"patch": "apiVersion: v1\nkind: Service\nmetadata:\n  name: nope\n"}]}});
    let error = post_render(INPUT.to_owned(), &[renderer], &Budget::generous()).unwrap_err().to_string();
    assert!(error.contains("no matches for Id Service.v1.[noGrp]/nope.[noNs]"), "{error}");
}
