//! Signatures of provenance files against what `helm verify` says of them.
//!
//! `signed/keys.gpg` holds keys that GnuPG made: RSA, a subkey of an Ed25519 key, a curve of NIST, one that has expired and
//! one that was revoked. Each `.prov` was signed with one of them, or with a stranger's; `want.txt` is what Helm 4.2.4 said.
#![cfg(feature = "signatures")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it must be")]

use std::path::{Path, PathBuf};

use sluice_helm::provenance::Provenance;

/// The time of the record, in seconds since 1970.
const NOW: i64 = 1_795_361_600;
const NAME: &str = "signed-1.0.0.tgz";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signed")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// What `helm verify` would print.
fn told(provenance: &[u8], keyring: &[u8]) -> String {
    let checked = Provenance::parse(provenance).and_then(|provenance| {
        let signer = provenance.signer(keyring, NOW)?;
        Ok((signer, provenance.check(NAME, &read(NAME))?))
    });
    match checked {
        Err(error) => format!("Error: {error}\n"),
        Ok((signer, digest)) => {
            let names: Vec<String> =
                signer.identities.iter().map(|name| format!("Signed by: {name}\n")).collect();
            let by = names.concat();
            format!("{by}Using Key With Fingerprint: {}\nChart Hash Verified: {digest}\n", signer.fingerprint)
        }
    }
}

#[test]
fn signatures_are_judged_as_helm_judges_them() {
    let want = String::from_utf8(read("want.txt")).unwrap();
    let keyring = read("keys.gpg");
    let mut count = 0;
    for part in want.split("== ").skip(1) {
        let (name, want) = part.split_once('\n').unwrap();
        assert_eq!(told(&read(&format!("{name}.prov")), &keyring), want, "{name}");
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn no_changed_byte_is_taken_for_good() {
    let (keyring, good) = (read("keys.gpg"), String::from_utf8(read("elliptic.prov")).unwrap());
    let want = told(good.as_bytes(), &keyring);
    assert!(want.starts_with("Signed by: "), "{want}");
    let signature = good.find("-----BEGIN PGP SIGNATURE").unwrap();
    let mut same = 0;
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        if told(&bytes, &keyring) == want {
            // Blanks at an end and the lines around the signature are not signed.
            same += 1;
            assert!(at < good.find("\n\n").unwrap() || at > signature, "byte {at}");
        }
    }
    assert!(same < 40, "{same}");
}

#[test]
fn a_broken_keyring_ends_in_an_error() {
    let (keyring, good) = (read("keys.gpg"), read("rsa.prov"));
    for length in 0..keyring.len() {
        let text = told(&good, &keyring[..length]);
        assert!(text.starts_with("Error: openpgp: ") || text.starts_with("Signed by: Rsa Signer"), "{text}");
    }
    for at in 0..keyring.len() {
        let mut bytes = keyring.clone();
        bytes[at] ^= 0x55;
        let text = told(&good, &bytes);
        assert!(text.starts_with("Error: openpgp: ") || text.starts_with("Signed by: Rsa Signer"), "{text}");
    }
    for text in ["", "x", "-----BEGIN PGP PUBLIC KEY BLOCK-----"] {
        assert!(told(&good, text.as_bytes()).starts_with("Error: openpgp: "));
    }
}

#[test]
fn a_subkey_that_its_owner_did_not_sign_for_is_a_strangers() {
    let keyring = read("keys.gpg");
    let stranger = read("stranger.gpg");
    // Behind somebody's key, as a subkey, without a binding: its packets begin with that of a primary key.
    let mut joined = keyring.clone();
    let mut subkey = stranger.clone();
    // Old packet of tag 6 becomes one of tag 14.
    assert_eq!(subkey[0], 0x99);
    subkey[0] = 0xb9;
    joined.extend_from_slice(&subkey);
    assert_eq!(told(&read("stranger.prov"), &joined), "Error: openpgp: signature made by unknown entity\n");
    assert!(told(&read("stranger.prov"), &stranger).starts_with("Signed by: Stranger"));
}
