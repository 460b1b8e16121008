//! How a source logs in: read from its URL and its Secret, with upstream's keys, rules and errors.

use std::sync::Arc;

use sluice_net::{Client, Clients, Credential, Proxy, SecretData, Settings, Tls, Url};

use crate::http::Http;
use crate::remote::Transport;
use crate::ssh::known_hosts::{BadFile, KnownHosts};
use crate::ssh::{Algorithms, KeyError, Ssh, SshSettings, read_key};

/// Why a source cannot log in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("invalid '{0}' auth option: 'password' requires 'username' to be set")]
    PasswordAlone(String),
    #[error("invalid 'ssh' auth option: 'host' is required")]
    NoHost,
    #[error("invalid 'ssh' auth option: 'identity' is required")]
    NoIdentity,
    #[error("invalid 'ssh' auth option: 'known_hosts' is required")]
    NoKnownHosts,
    #[error("unknown transport '{0}'")]
    Transport(String),
    #[error("unable to construct auth method with options")]
    Key(#[from] KeyError),
    #[error("unable to construct auth method with options")]
    KnownHosts(#[from] BadFile),
    #[error("configure TLS")]
    Client(#[from] sluice_net::BuildError),
}

/// A source's way of logging in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    Http { tls: Tls, credential: Credential },
    Ssh { user: String, identity: sluice_net::SecretBytes, passphrase: Passphrase, known_hosts: Vec<u8> },
}

/// Not printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Passphrase(pub String);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(..)")
    }
}

impl Auth {
    /// What a URL and a Secret's data say; an empty Secret is none.
    pub fn read(url: &Url, secret: &SecretData) -> Result<Self, AuthError> {
        match url.scheme() {
            "ssh" => Self::read_ssh(url, secret),
            "http" | "https" => {
                let mut username = secret.text("username");
                let mut password = secret.text("password");
                let bearer = secret.contains("bearerToken");
                if bearer {
                    (username, password) = (String::new(), String::new());
                }
                if username.is_empty() {
                    url.username().clone_into(&mut username);
                }
                if password.is_empty() {
                    url.password().unwrap_or_default().clone_into(&mut password);
                }
                if username.is_empty() && !password.is_empty() {
                    return Err(AuthError::PasswordAlone(url.scheme().to_owned()));
                }
                let credential = if !username.is_empty() {
                    Credential::Basic { username, password }
                } else if bearer && !secret.text("bearerToken").is_empty() {
                    Credential::Bearer(secret.text("bearerToken"))
                } else {
                    Credential::None
                };
                Ok(Self::Http { tls: secret.tls(), credential })
            }
            other => Err(AuthError::Transport(other.to_owned())),
        }
    }

    fn read_ssh(url: &Url, secret: &SecretData) -> Result<Self, AuthError> {
        if url.host_str().unwrap_or_default().is_empty() {
            return Err(AuthError::NoHost);
        }
        let identity = secret.bytes("identity");
        let known_hosts = secret.bytes("known_hosts");
        if identity.is_empty() {
            return Err(AuthError::NoIdentity);
        }
        if known_hosts.is_empty() {
            return Err(AuthError::NoKnownHosts);
        }
        let user = if url.username().is_empty() { "git" } else { url.username() };
        Ok(Self::Ssh {
            user: user.to_owned(),
            identity: sluice_net::SecretBytes(identity),
            passphrase: Passphrase(secret.text("password")),
            known_hosts: known_hosts.to_vec(),
        })
    }

    /// Whether the key needs a passphrase that nobody gave.
    pub fn lacks_passphrase(&self) -> bool {
        match self {
            Self::Ssh { identity, passphrase, .. } => {
                passphrase.0.is_empty() && read_key(&identity.0, "") == Err(KeyError::Encrypted)
            }
            Self::Http { .. } => false,
        }
    }

    /// The same way without anything secret: for an address that the credentials were not given for.
    pub fn without_credentials(&self) -> Self {
        match self {
            Self::Http { tls, .. } => {
                let tls = Tls { ca: tls.ca.clone(), ..Tls::default() };
                Self::Http { tls, credential: Credential::None }
            }
            Self::Ssh { .. } => Self::Http { tls: Tls::default(), credential: Credential::None },
        }
    }

    /// A way to the repository at a URL.
    pub fn transport(
        &self,
        url: &Url,
        clients: &Clients,
        proxy: Option<&Proxy>,
        algorithms: &Algorithms,
    ) -> Result<Transport, AuthError> {
        match self {
            Self::Http { tls, credential } => {
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(AuthError::NoIdentity);
                }
                let settings = Settings { tls: tls.clone(), proxy: proxy.cloned() };
                let client: Client = clients.client(&settings)?;
                Ok(Transport::Http(Box::new(Http::new(client, url.clone(), credential.clone()))))
            }
            Self::Ssh { user, identity, passphrase, known_hosts } => {
                if url.scheme() != "ssh" {
                    return Err(AuthError::Transport(url.scheme().to_owned()));
                }
                let key = read_key(&identity.0, &passphrase.0)?;
                let settings = SshSettings {
                    host: url.host_str().unwrap_or_default().to_owned(),
                    port: url.port().unwrap_or(22),
                    user: user.clone(),
                    path: url.path().to_owned(),
                    key: Arc::new(key),
                    known_hosts: Arc::new(KnownHosts::parse(known_hosts)?),
                    algorithms: algorithms.clone(),
                    proxy: proxy.cloned(),
                };
                Ok(Transport::Ssh(Box::new(Ssh::new(settings))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(url: &str, pairs: &[(&str, &str)]) -> Result<Auth, String> {
        let data = SecretData::new(
            pairs.iter().map(|(k, v)| ((*k).to_owned(), Bytes::copy_from_slice(v.as_bytes()))),
        );
        Auth::read(&Url::parse(url).unwrap(), &data).map_err(|error| error.to_string())
    }

    fn credential(url: &str, pairs: &[(&str, &str)]) -> Credential {
        match read(url, pairs).unwrap() {
            Auth::Http { credential, .. } => credential,
            Auth::Ssh { .. } => Credential::None,
        }
    }

    #[test]
    fn secrets_are_read_as_upstream_reads_them() {
        let basic = |u: &str, p: &str| Credential::Basic { username: u.into(), password: p.into() };
        assert_eq!(credential("https://h/x", &[]), Credential::None);
        assert_eq!(credential("https://h/x", &[("username", "a"), ("password", "b")]), basic("a", "b"));
        assert_eq!(credential("https://u:p@h/x", &[]), basic("u", "p"));
        assert_eq!(credential("https://h/x", &[("bearerToken", "t")]), Credential::Bearer("t".into()));
        assert_eq!(
            read("https://h/x", &[("password", "b")]),
            Err("invalid 'https' auth option: 'password' requires 'username' to be set".into())
        );
        for (pairs, want) in [
            (&[][..], "invalid 'ssh' auth option: 'identity' is required"),
            (&[("identity", "x")], "invalid 'ssh' auth option: 'known_hosts' is required"),
        ] {
            assert_eq!(read("ssh://h/x", pairs), Err(want.into()));
        }
        let ssh = read("ssh://h/x", &[("identity", "canary"), ("known_hosts", "h"), ("password", "canary")]);
        assert!(matches!(&ssh, Ok(Auth::Ssh { user, .. }) if user == "git"));
        assert!(!format!("{ssh:?}").contains("canary"));
    }
}
