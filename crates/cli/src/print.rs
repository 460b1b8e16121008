//! How results look: tables, trees, YAML, differences.

pub mod diff;
pub mod table;
pub mod tree;
pub mod yaml;
