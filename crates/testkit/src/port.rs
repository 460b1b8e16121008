//! Free ports on loopback, for programs that cannot be told to take one themselves.

use std::net::TcpListener;

/// `count` ports that were free a moment ago, all different.
pub fn free(count: usize) -> std::io::Result<Vec<u16>> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}
