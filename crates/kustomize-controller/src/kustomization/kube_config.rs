//! `spec.kubeConfig`: another cluster, by a kubeconfig in a Secret or by a token for an account, as a ConfigMap says.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_api::Kustomization;
use sluice_api::meta::KubeConfigReference;
use sluice_cluster::{ApiError, At, Cluster, ResourceKind, Trust};
use sluice_runtime::clock;

use crate::Kustomize;
use crate::remotes::Token;

/// The gate of accounts that objects name.
pub(super) const WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
/// Tokens are asked anew after this share of their life, in percent.
const USED_OF_LIFE: i64 = 80;

impl Kustomize {
    /// The cluster that a Kustomization names. Texts are upstream's where it has any; secrets are in none.
    pub(super) async fn remote(
        &self,
        ks: &Kustomization,
        reference: &KubeConfigReference,
    ) -> Result<Cluster, String> {
        let cluster = match (&reference.secret_ref, &reference.config_map_ref) {
            (Some(secret), _) => {
                let kubeconfig =
                    self.read_kubeconfig(&ks.metadata.namespace, &secret.name, &secret.key).await?;
                let trust = Trust {
                    exec: self.common.insecure_kubeconfig_exec,
                    insecure_tls: self.common.insecure_kubeconfig_tls,
                };
                match self.remotes.cluster(&[&kubeconfig]) {
                    Some(cluster) => cluster,
                    None => {
                        let made = Cluster::from_untrusted_kubeconfig(&kubeconfig, trust).await;
                        let made = made.map_err(|error| error.to_string())?;
                        self.remotes.keep_cluster(&[&kubeconfig], made.clone());
                        made
                    }
                }
            }
            (None, Some(config_map)) => self.by_token(&ks.metadata.namespace, &config_map.name).await?,
            (None, None) => {
                return Err("invalid .spec.kubeConfig, neither .spec.kubeConfig.provider nor \
                            .spec.kubeConfig.secretRef is set"
                    .into());
            }
        };
        // A server that does not answer is found out before anything is built for it or waits in line.
        match cluster.kind("v1", "Namespace").await {
            Err(error @ ApiError::Transport { .. }) => {
                Err(format!("the cluster of spec.kubeConfig does not answer: {error}"))
            }
            _ => Ok(cluster.guarded_like(&self.cluster)),
        }
    }

    async fn read_kubeconfig(&self, namespace: &str, name: &str, key: &str) -> Result<Vec<u8>, String> {
        let kind = ResourceKind::new("", "v1", "Secret", "secrets", true);
        let secret = self.cluster.get(At::new(&kind, namespace, name)).await;
        let secret = secret.map_err(|error| {
            format!("unable to read KubeConfig secret '{namespace}/{name}' error: {error}")
        })?;
        let keys: &[&str] = if key.is_empty() { &["value", "value.yaml"] } else { &[key] };
        let found = keys.iter().find_map(|key| secret["data"][*key].as_str());
        let Some(found) = found else {
            let key = keys[0];
            return Err(format!(
                "KubeConfig secret '{namespace}/{name}' does not contain a '{key}' key with a kubeconfig"
            ));
        };
        STANDARD.decode(found).map_err(|_| format!("KubeConfig secret '{namespace}/{name}' is not base64"))
    }

    async fn by_token(&self, namespace: &str, name: &str) -> Result<Cluster, String> {
        let kind = ResourceKind::new("", "v1", "ConfigMap", "configmaps", true);
        let config = self.cluster.get(At::new(&kind, namespace, name)).await;
        let config =
            config.map_err(|error| format!("failed to get configmap {namespace}/{name}: {error}"))?;
        let field = |key: &str| config["data"][key].as_str().unwrap_or_default();
        match field("provider") {
            "generic" => {}
            cloud @ ("aws" | "azure" | "gcp") => {
                return Err(format!("provider '{cloud}' of spec.kubeConfig is not supported yet"));
            }
            other => return Err(format!("provider '{other}' not implemented")),
        }
        if field("address").is_empty() {
            return Err("cluster address is required to create a REST config".into());
        }
        let address = parse_address(field("address"))
            .map_err(|why| format!("failed to parse cluster address {}: {why}", field("address")))?;
        let mut audiences: Vec<&str> = field("audiences").lines().map(str::trim).collect();
        audiences.retain(|audience| !audience.is_empty());
        if audiences.is_empty() {
            audiences.push(field("address"));
        }
        let token = self.token(namespace, field("serviceAccountName"), &audiences).await;
        let token = token.map_err(|why| format!("failed to get access token for cluster: {why}"))?;
        let parts = [address.as_bytes(), field("ca.crt").as_bytes(), token.as_bytes()];
        if let Some(cluster) = self.remotes.cluster(&parts) {
            return Ok(cluster);
        }
        let cluster = Cluster::from_token(&address, field("ca.crt"), &token).map_err(|e| e.to_string())?;
        self.remotes.keep_cluster(&parts, cluster.clone());
        Ok(cluster)
    }

    /// A token of the account that is named, or of the default one, or else of this controller.
    async fn token(&self, namespace: &str, named: &str, audiences: &[&str]) -> Result<String, String> {
        let default = self.flags.default_kubeconfig_service_account.as_str();
        let (namespace, account) = match (named, default) {
            ("", "") => {
                let own = self.own_account.as_ref().ok_or(
                    "failed to create provider access token for the controller: its service account is not known",
                )?;
                (own.namespace.to_string(), own.name.to_string())
            }
            ("", default) => {
                self.check_default_account(namespace, default).await?;
                (namespace.to_owned(), default.to_owned())
            }
            (named, _) => (namespace.to_owned(), named.to_owned()),
        };
        let is_of_tenant = !(named.is_empty() && default.is_empty());
        if is_of_tenant && !self.common.gate(WORKLOAD_IDENTITY, false) {
            return Err(format!("{WORKLOAD_IDENTITY} feature gate is not enabled"));
        }
        let mut parts = vec![namespace.as_bytes(), account.as_bytes()];
        parts.extend(audiences.iter().map(|audience| audience.as_bytes()));
        if let Some(token) = self.remotes.token(&parts, clock::now()) {
            return Ok(token);
        }
        let kind = ResourceKind::new("", "v1", "ServiceAccount", "serviceaccounts", true);
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": audiences},
        });
        let answer =
            self.cluster.create_under(At::new(&kind, &namespace, &account), "token", &request, crate::NAME);
        let answer = answer.await.map_err(|error| {
            format!("failed to create kubernetes token for service account '{namespace}/{account}': {error}")
        })?;
        let token = answer["status"]["token"].as_str().unwrap_or_default().to_owned();
        let token = Token { fresh_until: fresh_until(&answer), text: token };
        let text = token.text.clone();
        if self.common.token_cache_max_size > 0 {
            self.remotes.keep_token(&parts, token, self.common.token_cache_max_size);
        }
        Ok(text)
    }

    async fn check_default_account(&self, namespace: &str, name: &str) -> Result<(), String> {
        let kind = ResourceKind::new("", "v1", "ServiceAccount", "serviceaccounts", true);
        match self.cluster.get(At::new(&kind, namespace, name)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Err(format!(
                "failed to get service account '{namespace}/{name}': the specified default service account does not \
                 exist in the object namespace. your cluster is subject to multi-tenant workload identity lockdown, \
                 reach out to your cluster administrator for help"
            )),
            Err(error) => Err(format!("failed to get service account '{namespace}/{name}': {error}")),
        }
    }
}

fn fresh_until(answer: &Value) -> jiff::Timestamp {
    let now = clock::now();
    let ends = answer["status"]["expirationTimestamp"].as_str().and_then(|text| text.parse().ok());
    let life = ends.map_or(0, |ends: jiff::Timestamp| ends.as_second() - now.as_second()).max(0);
    let used = Duration::from_secs((life * USED_OF_LIFE / 100) as u64);
    now.checked_add(used).unwrap_or(now)
}

/// `https://host:port`, whatever of it is written.
fn parse_address(text: &str) -> Result<String, String> {
    let whole = if text.starts_with("http") { text.to_owned() } else { format!("https://{text}") };
    let Some((scheme, rest)) = whole.split_once("://") else {
        return Err(format!("failed to parse Kubernetes API server address '{whole}'"));
    };
    if scheme != "https" {
        return Err(format!("the Kubernetes API server address '{whole}' must use https scheme"));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(if has_port { format!("https://{host}") } else { format!("https://{host}:443") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_upstream_reads_them() {
        assert_eq!(parse_address("There.example"), Ok("https://there.example:443".into()));
        assert_eq!(parse_address("https://there:6443/path"), Ok("https://there:6443".into()));
        assert_eq!(parse_address("[::1]"), Ok("https://[::1]:443".into()));
        let refused = "the Kubernetes API server address 'http://there' must use https scheme";
        assert_eq!(parse_address("http://there"), Err(refused.into()));
    }
}
