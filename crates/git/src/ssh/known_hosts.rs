//! Whether a host key is the one that `known_hosts` promises: patterns, negations, ports, hashed names, revoked keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha1::{Digest as _, Sha1};

const LARGEST: usize = 1 << 20;

/// Why a host key is not trusted, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("knownhosts: key is unknown")]
    Unknown,
    #[error("knownhosts: key mismatch")]
    Mismatch,
    #[error("knownhosts: key is revoked")]
    Revoked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    revoked: bool,
    hosts: String,
    key_type: String,
    key: Vec<u8>,
}

/// The lines of one file. Certificate authorities are not among them: host certificates are not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownHosts {
    lines: Vec<Line>,
}

/// The file holds no usable line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("knownhosts: line {line}: {text}")]
pub struct BadFile {
    pub line: usize,
    pub text: &'static str,
}

impl KnownHosts {
    pub fn parse(text: &[u8]) -> Result<Self, BadFile> {
        let mut lines = Vec::new();
        if text.len() > LARGEST {
            return Err(BadFile { line: 1, text: "too long" });
        }
        for (i, line) in String::from_utf8_lossy(text).lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |text| BadFile { line: i + 1, text };
            let mut words = line.split_whitespace();
            let mut hosts = words.next().unwrap_or_default();
            let mut revoked = false;
            match hosts {
                "@revoked" => {
                    revoked = true;
                    hosts = words.next().ok_or_else(|| bad("missing host pattern"))?;
                }
                "@cert-authority" => continue,
                _ => {}
            }
            let key_type = words.next().ok_or_else(|| bad("missing key type pattern"))?;
            let key = words.next().ok_or_else(|| bad("missing key"))?;
            let key = STANDARD
                .decode(key)
                .or_else(|_| STANDARD_NO_PAD.decode(key))
                .map_err(|_| bad("illegal base64 data"))?;
            lines.push(Line { revoked, hosts: hosts.to_owned(), key_type: key_type.to_owned(), key });
        }
        Ok(Self { lines })
    }

    /// The key types that the file has for a host.
    pub fn key_types(&self, host: &str, port: u16) -> Vec<&str> {
        let name = normalized(host, port);
        let mut found: Vec<&str> = Vec::new();
        for line in self.lines.iter().filter(|line| !line.revoked && is_for(&line.hosts, &name)) {
            if !found.contains(&line.key_type.as_str()) {
                found.push(&line.key_type);
            }
        }
        found
    }

    /// Whether a host may have this key (the bytes of its public part).
    pub fn check(&self, host: &str, port: u16, key: &[u8]) -> Result<(), Distrust> {
        if self.lines.iter().any(|line| line.revoked && line.key == key) {
            return Err(Distrust::Revoked);
        }
        let name = normalized(host, port);
        let mut known = false;
        for line in self.lines.iter().filter(|line| !line.revoked && is_for(&line.hosts, &name)) {
            if line.key == key {
                return Ok(());
            }
            known = true;
        }
        Err(if known { Distrust::Mismatch } else { Distrust::Unknown })
    }
}

/// The name as it stands in the file: the host alone with port 22, else `[host]:port`.
fn normalized(host: &str, port: u16) -> String {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

fn is_for(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return hashed
            .split_once('|')
            .and_then(|(salt, hash)| Some((STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?)))
            .is_some_and(|(salt, hash)| hmac_sha1(&salt, name.as_bytes())[..] == hash[..]);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        // `[host]:22` is the host.
        let pattern = pattern.to_ascii_lowercase();
        let plain = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix("]:22")).unwrap_or(&pattern);
        if matches(plain.as_bytes(), name.as_bytes()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// `*` is any run of characters, `?` one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if p < pattern.len() && pattern[p] == b'*' {
            back = Some((p, n));
            p += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            (p, n) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// HMAC-SHA-1, only to find a hashed name: nothing secret depends on it.
fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha1::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, host: &str, port: u16, key: &[u8]) -> Result<(), Distrust> {
        KnownHosts::parse(file.as_bytes()).unwrap().check(host, port, key)
    }

    #[test]
    fn keys_are_matched_by_host() {
        // AQID is the key 1 2 3.
        let key = [1, 2, 3];
        for (file, host, port, want) in [
            ("h ssh-ed25519 AQID comment here", "h", 22, Ok(())),
            ("h ssh-ed25519 AQID", "H", 22, Ok(())),
            ("h ssh-ed25519 AQIE", "h", 22, Err(Distrust::Mismatch)),
            ("h ssh-ed25519 AQIE\nh ssh-ed25519 AQID", "h", 22, Ok(())),
            ("x ssh-ed25519 AQID", "h", 22, Err(Distrust::Unknown)),
            ("", "h", 22, Err(Distrust::Unknown)),
            ("h ssh-ed25519 AQID", "h", 2222, Err(Distrust::Unknown)),
            ("[h]:2222 ssh-ed25519 AQID", "h", 2222, Ok(())),
            ("[h]:22 ssh-ed25519 AQID", "h", 22, Ok(())),
            ("a,h,b ssh-ed25519 AQID", "h", 22, Ok(())),
            ("*.h.com,!x.h.com ssh-ed25519 AQID", "a.h.com", 22, Ok(())),
            ("*.h.com,!x.h.com ssh-ed25519 AQID", "x.h.com", 22, Err(Distrust::Unknown)),
            ("h? ssh-ed25519 AQID", "h1", 22, Ok(())),
            ("@revoked * ssh-ed25519 AQID\nh ssh-ed25519 AQID", "h", 22, Err(Distrust::Revoked)),
            ("@cert-authority h ssh-ed25519 AQID", "h", 22, Err(Distrust::Unknown)),
            ("# h ssh-ed25519 AQID\n", "h", 22, Err(Distrust::Unknown)),
        ] {
            assert_eq!(check(file, host, port, &key), want, "{file:?}");
        }
    }

    /// Written by `ssh-keygen -H` for the host `git.example.com`.
    #[test]
    fn hashed_names_are_found() {
        let salt = STANDARD.encode([7; 20]);
        let hash = STANDARD.encode(hmac_sha1(&[7; 20], b"[git.example.com]:2222"));
        let file = format!("|1|{salt}|{hash} ssh-ed25519 AQID");
        assert_eq!(check(&file, "git.example.com", 2222, &[1, 2, 3]), Ok(()));
        assert_eq!(check(&file, "git.example.com", 22, &[1, 2, 3]), Err(Distrust::Unknown));
        // RFC 2202, test case 2.
        assert_eq!(
            sluice_tree::to_hex(&hmac_sha1(b"Jefe", b"what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }

    #[test]
    fn bad_lines_are_named() {
        for (file, want) in [
            ("h", "knownhosts: line 1: missing key type pattern"),
            ("# x\nh ssh-rsa", "knownhosts: line 2: missing key"),
            ("h ssh-rsa !!", "knownhosts: line 1: illegal base64 data"),
        ] {
            assert_eq!(KnownHosts::parse(file.as_bytes()).unwrap_err().to_string(), want);
        }
    }
}
