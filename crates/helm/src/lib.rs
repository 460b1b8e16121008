//! Helm's engine: a chart and values in, manifests out; releases as Helm stores them; repository indexes.
//!
//! Everything here is pure: no client, no clock, no environment. Files come through `sluice_tree`, time and randomness from
//! the caller. What Helm 4.2.4 does is the truth; known differences stand in the project's list.

pub mod build;
pub mod capabilities;
pub mod chart;
pub mod command;
pub mod family;
mod glob;
pub mod index;
pub mod json;
pub mod manifest;
pub mod oci;
pub mod provenance;
pub mod release;
pub mod render;
pub mod schema;
pub mod values;
