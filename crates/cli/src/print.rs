//! How results look: tables, trees, YAML, differences.

pub mod table;
