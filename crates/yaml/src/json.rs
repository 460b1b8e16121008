//! The JSON route: what sigs.k8s.io/yaml makes of YAML text and of JSON values, by the rules of Go's yaml v2.
//!
//! Every controller and Helm read YAML this way: `yes` is a boolean, keys become strings, the last of two equal keys
//! wins, and only the first document of a text counts (streams are split before, see `split_documents`).

mod anchors;
mod decode;
mod documents;
mod go_syntax;
mod letters;
mod node;
mod number;
mod order;
mod parts;
mod quick;
mod read;
mod through;
mod write;

pub use documents::{split_documents, split_reader};
pub use node::{from_document, from_node, from_node_as_read, from_value, node_to_yaml};
pub use number::{format_float, format_float32, json_float};
pub use order::{natural_order, sort_naturally};
pub use parts::Part;
pub use read::{from_yaml, from_yaml_parts, from_yaml_strict, from_yaml_with};
pub use through::through_json;
pub use write::{Emit, YamlWriter, emit, to_yaml, try_emit, try_to_yaml};
