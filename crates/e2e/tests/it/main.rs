//! One binary for all tests of controllers: one link, one control plane, a namespace for each test.
#![allow(clippy::disallowed_methods, reason = "tests of whole programs")]

mod comparison;
mod ground;
mod traces;
