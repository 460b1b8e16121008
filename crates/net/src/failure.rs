//! What went wrong with a connection, in the words that users know from upstream: `Get "URL": dial tcp ADDRESS: connect:
//! connection refused`.

use std::error::Error;
use std::io;

use reqwest::Url;

/// The text of a failed request. Never holds credentials: those of the URL are taken out.
pub async fn describe(method: &str, url: &Url, error: &reqwest::Error) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // As Go prints it; always possible for http.
        let _ = shown.set_password(Some("xxxxx"));
    }
    format!("{method} \"{shown}\": {}", cause(url, error).await)
}

async fn cause(url: &Url, error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "context deadline exceeded".to_owned();
    }
    let io = find_io(error);
    if error.is_connect() {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let text = whole(error);
        if text.contains("dns error") || text.contains("failed to lookup") {
            return format!("dial tcp: lookup {host}: no such host");
        }
        if let Some(io) = io
            && let Some(words) = system_words(io)
        {
            let address = match tokio::net::lookup_host((host.as_str(), port)).await {
                Ok(mut found) => found.next().map(|address| address.to_string()),
                Err(_) => None,
            };
            let address = address.unwrap_or_else(|| format!("{host}:{port}"));
            return format!("dial tcp {address}: connect: {words}");
        }
        if let Some(words) = tls_words(&text) {
            return words;
        }
        return text;
    }
    match io {
        Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        Some(io) if io.kind() == io::ErrorKind::ConnectionReset => {
            "read: connection reset by peer".to_owned()
        }
        _ => whole(error),
    }
}

fn system_words(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by peer",
        io::ErrorKind::HostUnreachable => "no route to host",
        io::ErrorKind::NetworkUnreachable => "network is unreachable",
        io::ErrorKind::TimedOut => "connection timed out",
        _ => return None,
    })
}

fn tls_words(text: &str) -> Option<String> {
    if ["UnknownIssuer", "unknown issuer", "BadSignature"].iter().any(|words| text.contains(words)) {
        return Some(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned(),
        );
    }
    if text.contains("NotValidForName") {
        return Some(
            "tls: failed to verify certificate: x509: certificate is not valid for that name".to_owned(),
        );
    }
    if text.contains("Expired") {
        return Some(
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid".to_owned(),
        );
    }
    None
}

fn find_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    let mut found = None;
    for _ in 0..16 {
        let Some(at) = next else { break };
        if let Some(io) = at.downcast_ref::<io::Error>() {
            found = Some(io);
            next = io.get_ref().map(|inner| inner as &(dyn Error + 'static));
        } else {
            next = at.source();
        }
    }
    found
}

/// The causes below the outermost error, joined; the outermost only repeats the URL.
fn whole(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(at) = next.filter(|_| parts.len() < 8) {
        let text = at.to_string();
        if parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
        next = at.source();
    }
    if parts.is_empty() {
        return if error.is_body() || error.is_decode() { "unexpected EOF" } else { "request failed" }
            .to_owned();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_connection_is_said_as_upstream_says_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = Url::parse(&format!("http://u:canary@{address}/x.git/info/refs?service=s")).unwrap();
        let client = crate::Clients::default().client(&crate::Settings::default()).unwrap();
        let error = client.get(url.clone()).send().await.unwrap_err();
        assert_eq!(
            describe("Get", &url, &error).await,
            format!(
                "Get \"http://u:xxxxx@{address}/x.git/info/refs?service=s\": dial tcp {address}: connect: connection refused"
            )
        );
    }
}
