//! Recorded traces of Flux's controllers: what they are, how they are recorded, masked and compared.
//!
//! The corpus is `crates/e2e/tests/corpus/flux`, whose README defines the meaning of every row.

pub mod compare;
pub mod corpus;
pub mod mask;
pub mod record;
pub mod replay;

pub use corpus::{Family, Scenario};
