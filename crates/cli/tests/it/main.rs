//! The binary as people run it: what it prints, on which stream, and how it exits.
#![allow(clippy::disallowed_methods, reason = "runs the binary under test")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails where it breaks")]

mod cases;
mod commands;
mod helm;
mod kustomize;
mod record;
mod remote;
mod words;
