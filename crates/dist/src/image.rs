//! The image: the program, who it runs as, and the authorities that it trusts. No shell, nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::layout::{Blob, Image};
use crate::{VERSION, sums};

/// The user that images of Flux's controllers run as.
const USER: u64 = 65534;
const ACCOUNTS: &str = "root:x:0:0:root:/:/nologin\nnobody:x:65534:65534:nobody:/tmp:/nologin\n";
const GROUPS: &str = "root:x:0:\nnobody:x:65534:\n";

/// The image of a program for Linux.
pub fn build(program: &[u8], architecture: &str, created: Timestamp) -> Image {
    let tar = archive(program, created);
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", compress(&tar));
    let configuration = json!({
        "architecture": architecture,
        "os": "linux",
        "created": created.to_string(),
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": ["/sluice"],
            "Env": ["PATH=/", "HOME=/tmp", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "WorkingDir": "/",
            "Labels": labels(),
        },
        "rootfs": {"type": "layers", "diff_ids": [sums::digest(&tar)]},
        "history": [{"created": created.to_string(), "created_by": "cargo xtask dist"}],
    });
    let configuration = Blob::new("application/vnd.oci.image.config.v1+json", bytes_of(&configuration));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": configuration.descriptor(),
        "layers": [layer.descriptor()],
        "annotations": labels(),
    });
    let manifest = Blob::new("application/vnd.oci.image.manifest.v1+json", bytes_of(&manifest));
    Image { manifest, blobs: vec![configuration, layer], architecture: architecture.to_owned() }
}

fn labels() -> Value {
    json!({
        "org.opencontainers.image.title": "sluice",
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
    })
}

fn bytes_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The layer's files, in order, all of the same time and of root's.
fn archive(program: &[u8], created: Timestamp) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let authorities = authorities();
    let folder = |mode| Entry { mode, content: None };
    let file = |mode, content| Entry { mode, content: Some(content) };
    let entries = [
        ("etc/", folder(0o755)),
        ("etc/group", file(0o644, GROUPS.as_bytes())),
        ("etc/passwd", file(0o644, ACCOUNTS.as_bytes())),
        ("etc/ssl/", folder(0o755)),
        ("etc/ssl/certs/", folder(0o755)),
        ("etc/ssl/certs/ca-certificates.crt", file(0o644, authorities.as_bytes())),
        ("sluice", file(0o755, program)),
        ("tmp/", folder(0o1777)),
    ];
    for (path, entry) in entries {
        let content = entry.content.unwrap_or_default();
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(if entry.content.is_some() {
            tar::EntryType::Regular
        } else {
            tar::EntryType::Directory
        });
        header.set_mode(entry.mode);
        header.set_size(content.len() as u64);
        header.set_mtime(u64::try_from(created.as_second()).unwrap_or_default());
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, path, content).expect("memory takes what is written");
    }
    archive.into_inner().expect("memory takes what is written")
}

struct Entry<'a> {
    mode: u32,
    content: Option<&'a [u8]>,
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

/// Mozilla's authorities, as programs look for them.
fn authorities() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate.as_ref());
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_image_is_the_same_for_the_same_program_and_runs_as_nobody() {
        let build = || super::build(b"program", "amd64", Timestamp::from_second(1_000_000_000).unwrap());
        let (image, again) = (build(), build());
        assert_eq!(image.manifest.digest, again.manifest.digest);
        let configuration: Value = serde_json::from_slice(&image.blobs[0].bytes).unwrap();
        assert_eq!(configuration["config"]["User"], "65534:65534");
        assert_eq!(configuration["created"], "2001-09-09T01:46:40Z");

        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(&image.blobs[1].bytes[..]).read_to_end(&mut tar).unwrap();
        assert_eq!(configuration["rootfs"]["diff_ids"][0], sums::digest(&tar));
        let mut archive = tar::Archive::new(&tar[..]);
        let mut names = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            names.push((entry.path().unwrap().display().to_string(), entry.header().mode().unwrap()));
        }
        assert!(
            names.contains(&("sluice".to_owned(), 0o755)) && names.contains(&("tmp/".to_owned(), 0o1777))
        );
        assert!(names.is_sorted(), "{names:?}");
    }
}
