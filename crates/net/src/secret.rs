//! Reading connection settings from the data of a Secret: the keys that upstream reads, its errors, no value in any text.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::client::{Proxy, Tls};

/// A Secret's value. Not printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretBytes(pub Bytes);

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(..)")
    }
}

/// The decoded `data` of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SecretData(BTreeMap<String, SecretBytes>);

const LONGEST_PROXY_ADDRESS: usize = 2048;
const PROXY_SCHEMES: [&str; 3] = ["http", "https", "socks5"];

/// Why a Secret does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("secret '{secret}': key '{key}' not found")]
    KeyNotFound { secret: String, key: &'static str },
    #[error("secret '{0}': proxy address is empty")]
    EmptyProxy(String),
    #[error("secret '{0}': proxy URL exceeds maximum length of {LONGEST_PROXY_ADDRESS} characters")]
    LongProxy(String),
    #[error(
        "secret '{secret}': proxy URL must use one of the supported schemes (http, https, socks5), got '{scheme}'"
    )]
    ProxyScheme { secret: String, scheme: String },
    #[error("secret '{secret}': failed to parse proxy address: {text}")]
    ProxyAddress { secret: String, text: String },
}

impl SecretData {
    pub fn new(values: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        Self(values.into_iter().map(|(key, value)| (key, SecretBytes(value))).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The value of a key; empty where there is none.
    pub fn bytes(&self, key: &str) -> Bytes {
        self.0.get(key).map(|value| value.0.clone()).unwrap_or_default()
    }

    /// The value of a key as text; empty where there is none.
    pub fn text(&self, key: &str) -> String {
        String::from_utf8_lossy(&self.bytes(key)).into_owned()
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(key, value)| (key.as_str(), &value.0))
    }

    /// TLS settings; `ca.crt` comes before the older `caFile`.
    pub fn tls(&self) -> Tls {
        let mut ca = self.bytes("ca.crt");
        if ca.is_empty() {
            ca = self.bytes("caFile");
        }
        Tls { ca, certificate: self.bytes("tls.crt"), key: self.bytes("tls.key") }
    }

    /// The proxy that a Secret `namespace/name` describes.
    pub fn proxy(&self, secret: &str) -> Result<Proxy, SecretError> {
        if !self.contains("address") {
            return Err(SecretError::KeyNotFound { secret: secret.to_owned(), key: "address" });
        }
        let address = self.text("address");
        if address.is_empty() {
            return Err(SecretError::EmptyProxy(secret.to_owned()));
        }
        if address.len() > LONGEST_PROXY_ADDRESS {
            return Err(SecretError::LongProxy(secret.to_owned()));
        }
        let mut url = reqwest::Url::parse(&address).map_err(|error| SecretError::ProxyAddress {
            secret: secret.to_owned(),
            text: error.to_string(),
        })?;
        if !PROXY_SCHEMES.contains(&url.scheme()) {
            return Err(SecretError::ProxyScheme {
                secret: secret.to_owned(),
                scheme: url.scheme().to_owned(),
            });
        }
        let mut login = (!url.username().is_empty())
            .then(|| (url.username().to_owned(), url.password().unwrap_or_default().to_owned()));
        if self.contains("username") {
            login = Some((self.text("username"), self.text("password")));
        }
        // Both are always possible for these schemes.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Proxy { url, login })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> SecretData {
        SecretData::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), Bytes::from((*v).to_owned()))))
    }

    #[test]
    fn a_proxy_is_read_or_refused() {
        let good = data(&[("address", "socks5://p:1"), ("username", "u"), ("password", "canary")]);
        let proxy = good.proxy("ns/p").unwrap();
        assert_eq!((proxy.url.as_str(), proxy.login.clone().unwrap().0), ("socks5://p:1", "u".into()));
        assert!(!format!("{good:?} {proxy:?}").contains("canary"));
        for (pairs, want) in [
            (&[][..], "secret 'ns/p': key 'address' not found"),
            (&[("address", "")], "secret 'ns/p': proxy address is empty"),
            (
                &[("address", "ftp://x")],
                "secret 'ns/p': proxy URL must use one of the supported schemes (http, https, socks5), got 'ftp'",
            ),
        ] {
            assert_eq!(data(pairs).proxy("ns/p").unwrap_err().to_string(), want);
        }
        assert!(data(&[("address", &format!("http://{}", "a".repeat(2048)))]).proxy("n").is_err());
    }

    #[test]
    fn the_newer_ca_key_wins() {
        assert_eq!(data(&[("ca.crt", "1"), ("caFile", "2")]).tls().ca, "1");
        assert_eq!(data(&[("caFile", "2")]).tls().ca, "2");
    }
}
