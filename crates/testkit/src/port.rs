//! Free ports on loopback, for programs that cannot be told to take one themselves.
//!
//! Not those that the system would give (`:0`): such a port, once let go, may become the near end of anybody's next
//! connection before the program that it is meant for has started.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range that systems take ports for connections from.
const FIRST: u32 = 11_000;
const LAST: u32 = 32_000;

/// `count` ports that are free, all different, and not given to anyone else in this process.
pub fn free(count: usize) -> std::io::Result<Vec<u16>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes begin at different places, so that they seldom meet.
    let begin = std::process::id().wrapping_mul(131);
    let mut ports = Vec::new();
    for _ in FIRST..LAST {
        let drawn = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = (FIRST + drawn % (LAST - FIRST)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.push(port);
        }
        if ports.len() == count {
            return Ok(ports);
        }
    }
    Err(std::io::Error::other("no port is free"))
}
