//! Reading Secrets, always from the API server: nothing keeps them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sluice_cluster::{ApiError, At, Cluster, ResourceKind};
use sluice_net::SecretData;

/// The data of a Secret.
pub(crate) async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Result<SecretData, ApiError> {
    let kind = ResourceKind::new("", "v1", "Secret", "secrets", true);
    let secret = cluster.get(At::new(&kind, namespace, name)).await?;
    let data = secret.get("data").and_then(|data| data.as_object());
    let decoded = data.into_iter().flatten().filter_map(|(key, value)| {
        // The API server holds nothing but base64 here.
        let bytes = STANDARD.decode(value.as_str()?).ok()?;
        Some((key.clone(), Bytes::from(bytes)))
    });
    Ok(SecretData::new(decoded))
}
