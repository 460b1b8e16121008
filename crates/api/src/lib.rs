//! Every kind that Sluice owns, as Rust types whose serde names are those of the Kubernetes API.
//!
//! Invariant: a struct here reads and writes the same JSON as the CustomResourceDefinition in `crds/` admits;
//! a field that is absent, empty or zero is not written, as Go's `omitempty` has it.
//! No validation (the API server does it), no defaults but those upstream takes in code, no clock.

pub mod crds;
pub mod event;
pub mod helm;
pub mod image;
pub mod kind;
pub mod kustomize;
pub mod meta;
pub mod notification;
pub mod source;

pub use helm::HelmRelease;
pub use image::{ImagePolicy, ImageRepository, ImageUpdateAutomation};
pub use kind::{Kind, NoStatus, Resource, Spec, parse};
pub use kustomize::Kustomization;
pub use notification::{Alert, Provider, Receiver};
pub use source::{
    ArtifactGenerator, Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OCIRepository,
};

/// Whether a value is what its absence means; such fields are not written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
