//! YAML as Go programs read and write it: an ordered tree with styles and comments, two resolvers, two emitters.
//!
//! The tree (`Node`) is what kustomize works on (yaml v3). The JSON route (`json`) is what sigs.k8s.io/yaml makes
//! of the same text (yaml v2 rules), as every controller and Helm read it.
//! No Kubernetes here, no I/O.

mod compose;
pub mod edit;
pub mod emit;
mod error;
mod expand;
mod fast;
pub mod json;
pub mod node;
mod parse;
pub mod path;
mod read;
pub mod resolve;
mod scan;
mod timestamp;

pub use compose::Document;
pub use edit::Editor;
pub use emit::{SequenceIndent, emit, emit_documents, emit_with};
pub use error::Error;
pub use expand::expand_aliases;
pub use node::{Comments, Kind, Node, Style, Tag};
pub use parse::{Limits, parse, parse_documents, parse_first, parse_first_uncommented};
pub use timestamp::Timestamp;
