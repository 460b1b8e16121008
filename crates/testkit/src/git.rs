//! Git as tests need it: repositories with repeatable commits, and servers for them over HTTP and SSH.
//!
//! These are the only places that start the `git` program; the product never does.

mod http;
mod repository;
mod ssh;

pub use http::{Fault, GitServer, Login};
pub use repository::Repository;
pub use ssh::{Key, SshServer};
