//! YAML as Go programs read and write it: an ordered tree with styles and comments, two resolvers, two emitters.
//!
//! The tree (`Node`) is what kustomize works on (yaml v3). The JSON route (`json`) is what sigs.k8s.io/yaml makes
//! of the same text (yaml v2 rules), as every controller and Helm read it.
//! No Kubernetes here, no I/O.

pub mod node;

pub use node::{Comments, Kind, Node, Style, Tag};
