//! Another cluster, by a kubeconfig that a tenant has written: of it only the server, what is written out in it, and a
//! proxy are followed. It starts no program and reads no file of ours, and it does not turn off the check of certificates.
//!
//! No error repeats what the kubeconfig holds: it is a Secret.

use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use sluice_yaml::Limits;

use crate::client::Cluster;
use crate::error::ApiError;

/// A Secret is not larger.
const LARGEST: usize = 2 << 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What a kubeconfig may do that is dangerous.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trust {
    /// It may name a program that is run for credentials.
    pub exec: bool,
    /// It may turn off the check of the server's certificate.
    pub insecure_tls: bool,
}

/// Why a kubeconfig is not used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("the kubeconfig cannot be read as YAML")]
    NotYaml,
    #[error("the kubeconfig does not have the form of one")]
    NotAKubeconfig,
    #[error("invalid configuration: {0}")]
    Incomplete(&'static str),
    #[error(
        "the kubeconfig names a file of this machine in '{0}', which is not read: write its content out in '{1}'"
    )]
    NamesFile(&'static str, &'static str),
    #[error(
        "the kubeconfig gets its credentials by a program ('exec'), which is not run without --insecure-kubeconfig-exec"
    )]
    NeedsExec,
    #[error(
        "the kubeconfig gets its credentials by an 'auth-provider', which no longer exists: use a token or a certificate"
    )]
    NeedsAuthProvider,
    #[error(transparent)]
    Client(#[from] ApiError),
}

impl Cluster {
    /// Connects to another cluster by a kubeconfig that is not to be trusted.
    pub async fn from_untrusted_kubeconfig(text: &[u8], trust: Trust) -> Result<Self, RemoteError> {
        let limits = Limits { bytes: LARGEST, depth: 32, expanded: 100_000 };
        let value =
            sluice_yaml::json::from_yaml_with(text, limits, false).map_err(|_| RemoteError::NotYaml)?;
        let kubeconfig = harmless(chosen(value)?, trust)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|_| RemoteError::NotAKubeconfig)?;
        config.connect_timeout = Some(CONNECT_WITHIN);
        Ok(Self::connect(config)?)
    }

    /// Connects to another cluster by its address, its authority (PEM; empty for the machine's own) and a token.
    pub fn from_token(address: &str, authority: &str, token: &str) -> Result<Self, RemoteError> {
        let url =
            address.parse().map_err(|_| RemoteError::Incomplete("the address of the server is not a URL"))?;
        let mut config = kube::Config::new(url);
        config.connect_timeout = Some(CONNECT_WITHIN);
        config.auth_info.token = Some(token.to_owned().into());
        if !authority.is_empty() {
            let certificates = certificates(authority);
            if certificates.is_empty() {
                return Err(RemoteError::Incomplete("the certificates of the authority are not PEM"));
            }
            config.root_cert = Some(certificates);
        }
        Ok(Self::connect(config)?)
    }
}

/// The DER of each certificate in a PEM text.
fn certificates(pem: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let body = |block: &str| block.split("-----END CERTIFICATE-----").next().unwrap_or_default().to_owned();
    let lines = blocks.map(|block| body(block).chars().filter(|c| !c.is_whitespace()).collect::<String>());
    lines.filter_map(|line| base64::engine::general_purpose::STANDARD.decode(line).ok()).collect()
}

/// The current context of a kubeconfig, and nothing else of it.
fn chosen(value: Value) -> Result<Kubeconfig, RemoteError> {
    if value.is_null() {
        return Err(RemoteError::Incomplete("no configuration has been provided"));
    }
    // The error would repeat a value that is out of place.
    let mut config: Kubeconfig = serde_json::from_value(value).map_err(|_| RemoteError::NotAKubeconfig)?;
    let name = config.current_context.clone().unwrap_or_default();
    config.contexts.retain(|named| named.name == name);
    let Some(context) = config.contexts.first().and_then(|named| named.context.clone()) else {
        return Err(RemoteError::Incomplete("the current context does not exist"));
    };
    config.clusters.retain(|named| named.name == context.cluster);
    config.auth_infos.retain(|named| Some(&named.name) == context.user.as_ref());
    Ok(config)
}

/// The same without what it may not do; refused where nothing would be left to get in by.
fn harmless(mut config: Kubeconfig, trust: Trust) -> Result<Kubeconfig, RemoteError> {
    let Some(cluster) = config.clusters.first_mut().and_then(|named| named.cluster.as_mut()) else {
        return Err(RemoteError::Incomplete("the cluster of the current context does not exist"));
    };
    if cluster.server.as_deref().unwrap_or_default().is_empty() {
        return Err(RemoteError::Incomplete("cluster has no server defined"));
    }
    let has_authority = is_given(cluster.certificate_authority_data.as_ref());
    if is_given(cluster.certificate_authority.take().as_ref()) && !has_authority {
        return Err(RemoteError::NamesFile("certificate-authority", "certificate-authority-data"));
    }
    if !trust.insecure_tls {
        cluster.insecure_skip_tls_verify = None;
    }
    cluster.extensions = None;
    for named in &mut config.auth_infos {
        if let Some(written) = named.auth_info.take() {
            named.auth_info = Some(harmless_identity(written, trust)?);
        }
    }
    Ok(config)
}

fn harmless_identity(mut written: AuthInfo, trust: Trust) -> Result<AuthInfo, RemoteError> {
    let has_certificate = is_given(written.client_certificate_data.as_ref());
    if is_given(written.client_certificate.as_ref()) && !has_certificate {
        return Err(RemoteError::NamesFile("client-certificate", "client-certificate-data"));
    }
    if is_given(written.client_key.as_ref()) && written.client_key_data.is_none() {
        return Err(RemoteError::NamesFile("client-key", "client-key-data"));
    }
    if is_given(written.token_file.as_ref()) && written.token.is_none() {
        return Err(RemoteError::NamesFile("tokenFile", "token"));
    }
    let has_own = has_certificate || written.token.is_some() || is_given(written.username.as_ref());
    if written.exec.is_some() && !trust.exec && !has_own {
        return Err(RemoteError::NeedsExec);
    }
    if written.auth_provider.is_some() && !has_own {
        return Err(RemoteError::NeedsAuthProvider);
    }
    Ok(AuthInfo {
        username: written.username.take(),
        password: written.password.take(),
        token: written.token.take(),
        client_certificate_data: written.client_certificate_data.take(),
        client_key_data: written.client_key_data.take(),
        exec: written.exec.take().filter(|_| trust.exec),
        ..AuthInfo::default()
    })
}

fn is_given(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "server: https://there:6443";

    fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: a\n  context: {{cluster: c, user: u}}\n\
             - name: b\n  context: {{cluster: other, user: u}}\nclusters:\n- name: c\n  cluster: {{{cluster}}}\n\
             - name: other\n  cluster: {{certificate-authority: /etc/passwd}}\nusers:\n- name: u\n  user: {{{user}}}\n"
        )
    }

    fn read(text: &str, trust: Trust) -> Result<Kubeconfig, String> {
        let value = sluice_yaml::json::from_yaml(text).map_err(|_| RemoteError::NotYaml.to_string())?;
        chosen(value).and_then(|config| harmless(config, trust)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_kubeconfig_may_not_do_is_refused_and_never_repeated() {
        let secret = "s3cret";
        let cases = [
            (SERVER, "exec: {command: s3cret, apiVersion: client.authentication.k8s.io/v1}", "('exec')"),
            (SERVER, "auth-provider: {name: s3cret}", "'auth-provider'"),
            (SERVER, "tokenFile: /s3cret", "'tokenFile'"),
            (SERVER, "client-certificate: /s3cret", "'client-certificate'"),
            (SERVER, "client-certificate-data: AA==, client-key: /s3cret", "'client-key'"),
            (
                "server: https://there, certificate-authority: /s3cret",
                "token: s3cret",
                "'certificate-authority'",
            ),
            ("certificate-authority-data: AA==", "token: s3cret", "no server defined"),
            (SERVER, "token: {s3cret: s3cret}", "form of one"),
        ];
        for (cluster, user, wanted) in cases {
            let error = read(&kubeconfig(cluster, user), Trust::default()).err().unwrap_or_default();
            assert!(error.contains(wanted) && !error.contains(secret), "{user}: {error}");
        }
        for (text, wanted) in [
            ("", "no configuration has been provided"),
            ("kind: Config", "current context does not exist"),
            ("s3cret: [", "as YAML"),
            ("s3cret", "form of one"),
        ] {
            let error = read(text, Trust::default()).err().unwrap_or_default();
            assert!(error.contains(wanted) && !error.contains(secret), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_dangerous_is_dropped_where_something_else_gets_in_and_followed_where_a_flag_allows() {
        let text = kubeconfig(
            "server: https://there, insecure-skip-tls-verify: true",
            "token: t, tokenFile: /f, as: root, exec: {command: x, apiVersion: client.authentication.k8s.io/v1}",
        );
        let got = read(&text, Trust::default()).expect("a token gets in");
        let user = got.auth_infos[0].auth_info.as_ref().expect("the user");
        assert!(
            user.exec.is_none()
                && user.token_file.is_none()
                && user.impersonate.is_none()
                && user.token.is_some()
        );
        let insecure = |config: &Kubeconfig| {
            config.clusters[0].cluster.as_ref().and_then(|c| c.insecure_skip_tls_verify)
        };
        assert_eq!((insecure(&got), got.clusters.len(), got.contexts.len()), (None, 1, 1));

        let got = read(&text, Trust { exec: true, insecure_tls: true }).expect("it is allowed");
        assert!(got.auth_infos[0].auth_info.as_ref().is_some_and(|user| user.exec.is_some()));
        assert_eq!(insecure(&got), Some(true));
    }

    #[tokio::test]
    async fn a_bomb_of_aliases_is_not_expanded() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let times = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{times}]\n"));
        }
        let got = Cluster::from_untrusted_kubeconfig(text.as_bytes(), Trust::default()).await;
        assert!(matches!(got, Err(RemoteError::NotYaml)));
    }
}
