//! Fetching from real repositories (`git upload-pack` behind a small server) and from servers that misbehave.
#![allow(clippy::disallowed_methods, reason = "the tests run git, the reference")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::format_collect, reason = "a test may fail")]

mod fetch;
mod hostile;
mod server;
mod ssh;
mod tls;
