//! A folder on a cluster: the folder as a Git server, what bootstrap leaves behind, and what the controllers say of it.
//!
//! The controllers know nothing of this: they fetch by Git and are told by the API. Nothing here runs another program.

pub mod bootstrap;
pub mod repository;
pub mod serve;
pub mod tree;
pub mod verdict;
pub mod view;
pub mod watch;
