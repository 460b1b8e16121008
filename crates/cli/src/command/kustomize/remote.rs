//! How commands of a person's machine fetch remote bases.

use std::sync::Arc;

use sluice_bases::{Bases, Limits};
use sluice_git::Fetcher;
use sluice_git::ssh::Algorithms;
use sluice_net::{Clients, SecretData};
use tokio::sync::Semaphore;

use crate::environment::non_empty;
use crate::files;

/// Keys that are looked for in `~/.ssh`, in this order.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Fetches as the person who runs the command: with the key of `~/.ssh` and the hosts that are known there.
pub fn bases() -> Bases {
    let fetcher = Fetcher {
        clients: Clients::default(),
        algorithms: Algorithms::default(),
        limits: sluice_git::pack::Limits::default(),
        permits: Arc::new(Semaphore::new(2)),
    };
    let bases = Bases::new(fetcher, Limits::default());
    match key() {
        Some(key) => bases.with_ssh(key),
        None => bases,
    }
}

fn key() -> Option<SecretData> {
    let home = std::path::PathBuf::from(non_empty("HOME")?).join(".ssh");
    let read = |name: &str| files::read_text(&home.join(name)).ok().map(bytes::Bytes::from);
    let identity = KEYS.into_iter().find_map(read)?;
    let known_hosts = read("known_hosts").unwrap_or_default();
    let pairs = [("identity".to_owned(), identity), ("known_hosts".to_owned(), known_hosts)];
    Some(SecretData::new(pairs))
}
