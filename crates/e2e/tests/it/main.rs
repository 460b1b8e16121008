//! One binary for all tests of controllers: one link, one control plane, a namespace for each test.
#![allow(clippy::disallowed_methods, reason = "tests of whole programs")]
#![allow(clippy::unwrap_used, reason = "every function here is part of a test")]

mod comparison;
mod ground;
mod simulated;
mod traces;
