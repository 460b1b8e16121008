//! One file from a web address. Redirects are followed as a browser's would be, never from TLS to plain text.

use std::time::Duration;

use bytes::Bytes;
use sluice_net::{Clients, Settings, Url, client::read_bounded, describe};

/// As many redirects as Go follows.
const REDIRECTS: usize = 10;

/// The body of an address. An answer that tells of an error begins with `HTTP Error`.
pub(crate) async fn fetch(
    clients: &Clients,
    address: &str,
    limit: usize,
    longest: Duration,
) -> Result<Bytes, String> {
    let shown = shown(address);
    match tokio::time::timeout(longest, get(clients, address, limit)).await {
        Ok(result) => result,
        Err(_) => Err(format!("Get \"{shown}\": context deadline exceeded")),
    }
}

async fn get(clients: &Clients, address: &str, limit: usize) -> Result<Bytes, String> {
    let client = clients.client(&Settings::default()).map_err(|error| error.to_string())?;
    let mut url = Url::parse(address).map_err(|error| format!("parse \"{}\": {error}", shown(address)))?;
    for _ in 0..=REDIRECTS {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("Get \"{}\": unsupported protocol scheme \"{}\"", url, url.scheme()));
        }
        let response = match client.get(url.clone()).send().await {
            Ok(response) => response,
            Err(error) => return Err(describe("Get", &url, &error).await),
        };
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get("location").and_then(|value| value.to_str().ok());
            let next = target.and_then(|target| url.join(target).ok());
            let next = next.ok_or_else(|| format!("{} response missing Location header", status.as_u16()))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(format!(
                    "Get \"{}\": refused to be led from https to {}",
                    shown(address),
                    next.scheme()
                ));
            }
            url = next;
            continue;
        }
        if !status.is_success() {
            let reason = status.canonical_reason().unwrap_or_default();
            return Err(format!("HTTP Error: status code {} ({reason})", status.as_u16()));
        }
        return read_bounded(response, limit)
            .await
            .map_err(|error| format!("Get \"{}\": {error}", shown(address)));
    }
    Err(format!("Get \"{}\": stopped after {REDIRECTS} redirects", shown(address)))
}

/// An address without the password that may stand in it.
pub(crate) fn shown(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // Possible wherever there was one.
            let _ = url.set_password(Some("xxxxx"));
            url.to_string()
        }
        _ => address.to_owned(),
    }
}
