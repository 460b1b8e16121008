//! Git over HTTP(S). Redirects are followed for the first request only, as Git does, and credentials stay with the
//! origin that they were given for.

use futures::TryStreamExt as _;
use http::header;
use sluice_net::{Client, Credential, Response, StatusCode, Url, is_same_origin};
use tokio_util::io::StreamReader;

use crate::pkt::{PacketReader, remote_text};
use crate::remote::RemoteError;

const MOST_REDIRECTS: usize = 10;
/// What is shown of an error page.
const ERROR_PAGE: usize = 1024;
const INFO_REFS: &str = "/info/refs";

/// A repository behind a URL.
pub struct Http {
    client: Client,
    /// Where requests go; moves with the first request's redirects. Has no login in it.
    base: Url,
    given_for: Url,
    credential: Credential,
}

impl Http {
    /// `url` is http or https. Its login, if it has one, is not used: the credential is.
    pub fn new(client: Client, mut url: Url, credential: Credential) -> Self {
        // Both are always possible for these schemes.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        url.set_query(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Self { client, given_for: url.clone(), base: url, credential }
    }

    /// The first request: what the server can do, and with the older protocol what it has.
    pub async fn advertise(&mut self, limit: u64) -> Result<PacketReader, RemoteError> {
        let mut url = at(&self.base, INFO_REFS);
        url.set_query(Some("service=git-upload-pack"));
        for _ in 0..=MOST_REDIRECTS {
            let mut request = self
                .client
                .get(url.clone())
                .header("Git-Protocol", "version=2")
                .header(header::ACCEPT, "*/*");
            if let Some(value) = self.credential_for(&url) {
                request = request.header(header::AUTHORIZATION, value);
            }
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => {
                    return Err(RemoteError::Request(sluice_net::describe("Get", &url, &error).await));
                }
            };
            if !response.status().is_redirection() {
                self.move_to(&url)?;
                return Ok(reader(checked(response, &url).await?, limit));
            }
            let location = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| url.join(text).ok())
                .ok_or_else(|| RemoteError::Redirect("no usable Location".to_owned()))?;
            if !matches!(location.scheme(), "http" | "https") {
                return Err(RemoteError::Redirect(format!("unsupported scheme {:?}", location.scheme())));
            }
            url = location;
        }
        Err(RemoteError::Redirect("too many redirects".to_owned()))
    }

    /// A command and its answer.
    pub async fn command(
        &mut self,
        body: Vec<u8>,
        v2: bool,
        limit: u64,
    ) -> Result<PacketReader, RemoteError> {
        let url = at(&self.base, "/git-upload-pack");
        let mut request = self
            .client
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(header::ACCEPT, "application/x-git-upload-pack-result")
            .body(body);
        if v2 {
            request = request.header("Git-Protocol", "version=2");
        }
        if let Some(value) = self.credential_for(&url) {
            request = request.header(header::AUTHORIZATION, value);
        }
        match request.send().await {
            Ok(response) if response.status().is_redirection() => {
                Err(RemoteError::Redirect("redirect on non-initial request".to_owned()))
            }
            Ok(response) => Ok(reader(checked(response, &url).await?, limit)),
            Err(error) => Err(RemoteError::Request(sluice_net::describe("Post", &url, &error).await)),
        }
    }

    fn credential_for(&self, url: &Url) -> Option<http::HeaderValue> {
        is_same_origin(&self.given_for, url).then(|| self.credential.header()).flatten()
    }

    fn move_to(&mut self, answered: &Url) -> Result<(), RemoteError> {
        let path = answered
            .path()
            .strip_suffix(INFO_REFS)
            .ok_or_else(|| RemoteError::Redirect(format!("target does not end with {INFO_REFS}")))?
            .to_owned();
        let mut base = answered.clone();
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_query(None);
        base.set_fragment(None);
        base.set_path(&path);
        self.base = base;
        Ok(())
    }
}

fn at(base: &Url, suffix: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{suffix}", base.path().trim_end_matches('/')));
    url
}

fn reader(response: Response, limit: u64) -> PacketReader {
    let bytes = response.bytes_stream().map_err(std::io::Error::other);
    PacketReader::new(StreamReader::new(bytes), limit)
}

async fn checked(response: Response, url: &Url) -> Result<Response, RemoteError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let page = sluice_net::client::read_start(response, ERROR_PAGE).await;
    let words = remote_text(&page);
    Err(match status {
        StatusCode::UNAUTHORIZED => RemoteError::AuthenticationRequired(words),
        StatusCode::FORBIDDEN => RemoteError::Forbidden(words),
        StatusCode::NOT_FOUND => RemoteError::NotFound(words),
        status => RemoteError::Status { url: url.to_string(), code: status.as_u16() },
    })
}
