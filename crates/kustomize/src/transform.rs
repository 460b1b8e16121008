//! Transformers: each takes the objects of one kustomization and changes them in place.

pub(crate) mod hash;
pub(crate) mod image;
pub(crate) mod metadata;
pub(crate) mod namespace;
pub(crate) mod patch;
pub(crate) mod replacement;
pub(crate) mod sort;
pub(crate) mod structured;
pub(crate) mod value_add;
