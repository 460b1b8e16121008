//! An image as a folder: the OCI image layout, which tools copy to a registry.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Outcome, sums};

/// Bytes, what they are, and their name.
pub struct Blob {
    pub media_type: &'static str,
    pub digest: String,
    pub bytes: Vec<u8>,
}

/// A manifest and what it refers to.
pub struct Image {
    pub manifest: Blob,
    pub blobs: Vec<Blob>,
    pub architecture: String,
}

impl Blob {
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, digest: sums::digest(&bytes), bytes }
    }

    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

impl Image {
    /// What a registry has to keep, in bytes.
    pub fn size(&self) -> usize {
        self.blobs.iter().map(|blob| blob.bytes.len()).sum::<usize>() + self.manifest.bytes.len()
    }
}

/// Writes the layout, and gives the digest by which manifests refer to the image.
pub fn write(folder: &Path, image: &Image) -> Outcome<String> {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).map_err(|error| format!("{}: {error}", blobs.display()))?;
    for blob in image.blobs.iter().chain([&image.manifest]) {
        let name = blob.digest.trim_start_matches("sha256:");
        super::write(&blobs.join(name), &blob.bytes)?;
    }
    let mut manifest = image.manifest.descriptor();
    manifest["platform"] = json!({"architecture": image.architecture, "os": "linux"});
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": crate::VERSION});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    super::write(&folder.join("index.json"), index.to_string().as_bytes())?;
    super::write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(image.manifest.digest.clone())
}
