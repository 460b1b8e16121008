//! What tests stand on: a real control plane, Git servers, faulty proxies, recorded traces. Never part of the product.
//!
//! Everything here takes free ports and folders of its own, and is gone when the test that made it ends, however it ends.
#![allow(
    clippy::disallowed_methods,
    reason = "starts programs and reads the clock: this is the outside world of tests"
)]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

pub mod api;
pub mod git;
pub mod mixed;
pub mod peers;
pub mod plane;
pub mod port;
pub mod proxy;
pub mod reaper;
pub mod server;
pub mod sink;
pub mod subject;
pub mod trace;
pub mod yaml;
