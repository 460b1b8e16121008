//! What a request says about who sends it. Never printed.

use base64::Engine as _;
use http::HeaderValue;
use reqwest::Url;

/// A credential for one origin.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credential {
    #[default]
    None,
    Basic {
        username: String,
        password: String,
    },
    Bearer(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(..)",
            Self::Bearer(_) => "Bearer(..)",
        })
    }
}

impl Credential {
    /// The value of the Authorization header; none where there is nothing to send or it cannot be sent.
    pub fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::Basic { username, password } => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
                format!("Basic {pair}")
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether two addresses have the same scheme, host and port: a credential given for one may go to the other.
/// From `http` to `https` of the same host is allowed where both have their scheme's own port.
pub fn is_same_origin(given_for: &Url, target: &Url) -> bool {
    if given_for.host_str() != target.host_str() {
        return false;
    }
    let same = given_for.scheme() == target.scheme()
        && given_for.port_or_known_default() == target.port_or_known_default();
    let upgraded = given_for.scheme() == "http"
        && target.scheme() == "https"
        && given_for.port().is_none()
        && target.port().is_none();
    same || upgraded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_origin() {
        for (from, to, want) in [
            ("https://a/x", "https://a/y", true),
            ("https://a", "https://a:443", true),
            ("http://a", "https://a", true),
            ("http://a:80", "https://a", true),
            ("https://a", "http://a", false),
            ("https://a", "https://b", false),
            ("https://a", "https://a.b", false),
            ("https://a:444", "https://a", false),
            ("http://a:8080", "https://a", false),
        ] {
            let (from_url, to_url) = (Url::parse(from).unwrap(), Url::parse(to).unwrap());
            assert_eq!(is_same_origin(&from_url, &to_url), want, "{from} {to}");
        }
    }

    #[test]
    fn credentials_are_not_printed() {
        let basic = Credential::Basic { username: "ada".into(), password: "canary".into() };
        assert!(!format!("{basic:?} {:?}", basic.header()).contains("canary"));
        assert_eq!(basic.header().unwrap().to_str().unwrap(), "Basic YWRhOmNhbmFyeQ==");
        assert_eq!(Credential::Bearer("a\nb".into()).header(), None);
    }
}
