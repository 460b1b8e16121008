//! A certificate authority for one plane, its server certificate, and the key that signs service account tokens.

use std::path::Path;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::PlaneError;

/// Makes everything new and writes `ca.crt`, `server.{crt,key}` and `sa.{key,pub}`; gives the authority's certificate
/// as PEM.
pub(super) fn write(folder: &Path) -> Result<String, PlaneError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "plane");
    let certificate = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);

    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let server_key = KeyPair::generate()?;
    let server = CertificateParams::new(names)?.signed_by(&server_key, &issuer)?;
    let tokens = KeyPair::generate()?;
    std::fs::write(folder.join("ca.crt"), &certificate)?;
    std::fs::write(folder.join("server.crt"), server.pem())?;
    std::fs::write(folder.join("server.key"), server_key.serialize_pem())?;
    std::fs::write(folder.join("sa.key"), tokens.serialize_pem())?;
    std::fs::write(folder.join("sa.pub"), tokens.public_key_pem())?;
    Ok(certificate)
}

/// As JSON, which every reader of a kubeconfig takes.
pub(super) fn kubeconfig(url: &str, authority: &str, token: &str) -> String {
    let mut cluster = serde_json::json!({ "server": url });
    if url.starts_with("https:") {
        cluster["certificate-authority-data"] =
            base64::engine::general_purpose::STANDARD.encode(authority).into();
    }
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "plane", "cluster": cluster }],
        "users": [{ "name": "admin", "user": { "token": token } }],
        "contexts": [{ "name": "plane", "context": { "cluster": "plane", "user": "admin" } }],
        "current-context": "plane",
    });
    format!("{config:#}\n")
}
