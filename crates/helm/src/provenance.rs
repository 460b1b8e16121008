//! Provenance files (`chart.tgz.prov`): a clear-signed text that holds the chart's metadata and the digests of archives.
//!
//! The text is taken apart, the signature checked with the keys of a keyring, the digests compared.

#[cfg(feature = "signatures")]
mod packet;
#[cfg(feature = "signatures")]
mod proof;
#[cfg(feature = "signatures")]
pub mod signature;

use std::collections::BTreeMap;

use sluice_yaml::json::from_yaml;

use crate::chart::typed::{At, Typed, field};
use crate::release::digest::sha256;

/// The largest file that is read.
pub const MAX_BYTES: usize = 1 << 20;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// A provenance file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The text over which the signature was made: lines end in CR LF, the last one in nothing.
    pub signed: Vec<u8>,
    /// The signature in its armor.
    pub signature: String,
    /// The chart's metadata, YAML that nobody checked.
    pub metadata: String,
    /// Digests of archives, `sha256:...`, by their names.
    pub files: BTreeMap<String, String>,
}

/// Why an archive is not what a provenance file is about, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    #[error("the provenance file holds more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("signature block not found")]
    NoBlock,
    #[error("message block must have at least two parts")]
    NoSums,
    #[error("{0}")]
    Unreadable(String),
    #[cfg(feature = "signatures")]
    #[error(transparent)]
    Signature(#[from] signature::SignatureError),
    #[error("provenance does not contain a SHA for a file named {0:?}")]
    NotNamed(String),
    #[error("sha256 sum does not match for {name}: {want:?} != {have:?}")]
    Mismatch { name: String, want: String, have: String },
}

impl Provenance {
    pub fn parse(data: &[u8]) -> Result<Self, ProvenanceError> {
        if data.len() > MAX_BYTES {
            return Err(ProvenanceError::TooLarge);
        }
        let text = std::str::from_utf8(data).map_err(|_| ProvenanceError::NoBlock)?;
        let (lines, signature) = clear_signed(text).ok_or(ProvenanceError::NoBlock)?;
        let plain = lines.join("\n");
        let mut parts = plain.split("\n...\n");
        let (Some(metadata), Some(sums)) = (parts.next(), parts.next()) else {
            return Err(ProvenanceError::NoSums);
        };
        Ok(Self {
            signed: lines.join("\r\n").into_bytes(),
            signature,
            metadata: metadata.to_owned(),
            files: read_sums(sums)?,
        })
    }

    /// Who signed, with which key of a keyring; the time is in seconds since 1970.
    #[cfg(feature = "signatures")]
    pub fn signer(&self, keyring: &[u8], now: i64) -> Result<signature::Signer, ProvenanceError> {
        Ok(signature::check(&self.signed, &self.signature, keyring, now)?)
    }

    /// Whether the archive of that name is the one that was signed; gives its digest.
    pub fn check(&self, name: &str, archive: &[u8]) -> Result<String, ProvenanceError> {
        let want = self.files.get(name).ok_or_else(|| ProvenanceError::NotNamed(name.to_owned()))?;
        let have = sha256(archive);
        if *want == have {
            return Ok(have);
        }
        Err(ProvenanceError::Mismatch { name: name.to_owned(), want: want.clone(), have })
    }
}

/// The lines that were signed, without blanks at their ends and without the dashes that protect them; then the signature.
fn clear_signed(text: &str) -> Option<(Vec<&str>, String)> {
    let mut lines = text.lines();
    lines.by_ref().find(|line| *line == BEGIN)?;
    // Headers, to the first blank line; there is but one.
    let mut headers = lines.by_ref().take_while(|line| !line.trim().is_empty());
    if !headers.all(|line| line.split_once(':').is_some_and(|(key, _)| key.trim() == "Hash")) {
        return None;
    }
    let mut signed = Vec::new();
    loop {
        match lines.next()? {
            SIGNATURE => break,
            line => signed.push(line.strip_prefix("- ").unwrap_or(line).trim_end_matches([' ', '\t'])),
        }
    }
    let mut signature = format!("{SIGNATURE}\n");
    loop {
        let line = lines.next()?.trim_end();
        signature.push_str(line);
        signature.push('\n');
        if line == END {
            return Some((signed, signature));
        }
    }
}

fn read_sums(text: &str) -> Result<BTreeMap<String, String>, ProvenanceError> {
    let value = from_yaml(text.as_bytes())
        .map_err(|error| ProvenanceError::Unreadable(format!("error converting YAML to JSON: {error}")))?;
    let mut typed = Typed::default();
    let mut files = BTreeMap::new();
    let root = At { owner: "SumCollection", path: "" };
    for (key, value) in typed.map(&value, root, "provenance.SumCollection").into_iter().flatten() {
        if field(&["files", "images"], key) != Some("files") {
            continue;
        }
        let at = At { owner: "SumCollection", path: "files" };
        for (name, digest) in typed.map(value, at, "map[string]string").into_iter().flatten() {
            files.insert(name.clone(), typed.string(digest, at).unwrap_or_default());
        }
    }
    typed.finish().map_err(ProvenanceError::Unreadable)?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Helm 4.2.4 wrote for `helm package --sign`, and the archive beside it.
    const SIGNED: &[u8] = include_bytes!("../tests/signed/signed-1.0.0.tgz.prov");
    const ARCHIVE: &[u8] = include_bytes!("../tests/signed/signed-1.0.0.tgz");
    const NAME: &str = "signed-1.0.0.tgz";

    #[test]
    fn what_helm_signed_is_taken_apart_and_its_digest_holds() {
        let provenance = Provenance::parse(SIGNED).unwrap();
        assert_eq!(
            provenance.metadata,
            "apiVersion: v2\ndescription: '- begins with a dash'\nname: signed\nversion: 1.0.0\n"
        );
        let digest = provenance.check(NAME, ARCHIVE).unwrap();
        assert_eq!(provenance.files, BTreeMap::from([(NAME.to_owned(), digest)]));
        assert!(provenance.signed.starts_with(b"apiVersion: v2\r\n"));
        assert!(provenance.signature.ends_with("-----END PGP SIGNATURE-----\n"));
    }

    #[test]
    fn another_archive_or_name_is_told_in_helms_words() {
        let provenance = Provenance::parse(SIGNED).unwrap();
        assert_eq!(
            provenance.check("bad.tgz", ARCHIVE).unwrap_err().to_string(),
            "provenance does not contain a SHA for a file named \"bad.tgz\""
        );
        assert_eq!(
            provenance.check(NAME, &[ARCHIVE, b"x"].concat()).unwrap_err().to_string(),
            "sha256 sum does not match for signed-1.0.0.tgz: \"sha256:fca693c362850ebdef1cf3ebc5e68ae6259a7b40d8915a2e9f27e6dc6244f23a\" != \"sha256:fc8033423789765fd94c6320f89b12fbe37d287b26f722723b0ce253282ad4f3\""
        );
    }

    #[test]
    fn what_is_no_provenance_is_refused() {
        let signed = String::from_utf8(SIGNED.to_vec()).unwrap();
        for (text, want) in [
            ("", "signature block not found"),
            (BEGIN, "signature block not found"),
            (&signed.replace(END, ""), "signature block not found"),
            (&signed.replace(SIGNATURE, ""), "signature block not found"),
            (&signed.replace("Hash: SHA512", "no header"), "signature block not found"),
            (&signed.replace("\n...\n", "\n"), "message block must have at least two parts"),
            (
                &signed.replace("  signed-1.0.0.tgz: sha256:", "  - "),
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field SumCollection.files of type map[string]string",
            ),
        ] {
            assert_eq!(Provenance::parse(text.as_bytes()).unwrap_err().to_string(), want, "{text}");
        }
        assert_eq!(Provenance::parse(&vec![b'-'; MAX_BYTES + 1]), Err(ProvenanceError::TooLarge));
        assert_eq!(Provenance::parse(b"\xff"), Err(ProvenanceError::NoBlock));
    }
}
