//! How Sluice speaks HTTP to the world outside the cluster: TLS, proxies, credentials from a Secret, limits on what is
//! read, and the words that a failed connection gets. One connection pool belongs to one set of TLS and proxy settings.
//!
//! It does not follow redirects: who asks decides what may follow where, and credentials never do by themselves.

pub mod client;
pub mod credential;
pub mod failure;
pub mod secret;

pub use client::{BuildError, Clients, Proxy, Settings, Tls, read_bounded};
pub use credential::{Credential, is_same_origin};
pub use failure::describe;
pub use reqwest::{Client, Method, Response, StatusCode, Url};
pub use secret::{SecretBytes, SecretData};
