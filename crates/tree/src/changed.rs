//! Which paths differ between two artifacts of one source, from fingerprints taken while they were unpacked.
//!
//! A fingerprint tells content and executability; it decides only what is looked at first, never whether something is applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// What each file of one artifact was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints {
    files: BTreeMap<Arc<str>, [u8; 16]>,
}

impl Fingerprints {
    /// Takes a file's fingerprint.
    pub fn add(&mut self, path: &str, executable: bool, content: &[u8]) {
        let hash = Sha256::new().chain_update([u8::from(executable)]).chain_update(content).finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        self.files.insert(Arc::from(path), short);
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The paths of files that are new, gone or different, sorted by bytes.
pub fn changed(old: &Fingerprints, new: &Fingerprints) -> Vec<Arc<str>> {
    let mut paths = Vec::new();
    let (mut a, mut b) = (old.files.iter().peekable(), new.files.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (None, None) => return paths,
            (Some((path, _)), None) => {
                paths.push(Arc::clone(path));
                a.next();
            }
            (None, Some((path, _))) => {
                paths.push(Arc::clone(path));
                b.next();
            }
            (Some((left, was)), Some((right, is))) => match left.cmp(right) {
                std::cmp::Ordering::Less => {
                    paths.push(Arc::clone(left));
                    a.next();
                }
                std::cmp::Ordering::Greater => {
                    paths.push(Arc::clone(right));
                    b.next();
                }
                std::cmp::Ordering::Equal => {
                    if was != is {
                        paths.push(Arc::clone(left));
                    }
                    a.next();
                    b.next();
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Fingerprints {
        let mut prints = Fingerprints::default();
        for (path, text) in files {
            prints.add(path, false, text.as_bytes());
        }
        prints
    }

    #[test]
    fn new_gone_and_different_files_are_named() {
        let old = of(&[("a", "1"), ("b", "1"), ("c", "1"), ("e", "1")]);
        let mut new = of(&[("b", "1"), ("c", "2"), ("d", "1")]);
        new.add("e", true, b"1");
        let names: Vec<_> = changed(&old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "c", "d", "e"]);
        assert!(changed(&old, &old).is_empty());
        assert_eq!(changed(&Fingerprints::default(), &old).len(), 4);
    }
}
