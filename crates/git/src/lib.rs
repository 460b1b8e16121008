//! Fetching from Git: one commit and its files, over HTTP(S) and SSH, from servers that nobody trusts.
//!
//! The transport and the packs are our own, small and bounded; nothing is written to a work tree and no `git` is run.
//! It does not push, and it keeps no clone between fetches: a fetch asks for one commit without its history.

pub mod auth;
pub mod checkout;
pub mod fetch;
mod http;
pub mod object;
pub mod pack;
mod pkt;
pub mod reference;
mod refs;
mod remote;
pub mod ssh;
pub mod submodule;

pub use auth::{Auth, AuthError};
pub use checkout::{Blob, Checkout, CheckoutError};
pub use fetch::{FetchError, Fetcher, Outcome, Permit, Permits, Request};
pub use object::{Commit, ObjectId, Tag};
pub use reference::{Choice, Reference, revision};
pub use remote::RemoteError;
