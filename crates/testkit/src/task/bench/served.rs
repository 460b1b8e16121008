//! What is measured by `bench apiserver`: `sluice apiserver`, or etcd and kube-apiserver, as processes of their own.
//!
//! Both are asked over TLS and HTTP/1.1 by the same client, which takes answers as bytes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use sluice_testkit::plane::{Options, Plane, Sort, Usage};
use sluice_testkit::reaper::Process;

/// Where a start is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// The bytes of a watch.
pub type Lines = BoxStream<'static, Bytes>;

enum Programs {
    Sluice(Process),
    Pair(Plane),
}

/// A running server and how to come in.
pub struct Served {
    programs: Programs,
    pub client: Client,
    /// How long it took from the start until it said that it is ready.
    pub ready_after: Duration,
    _folder: tempfile::TempDir,
}

impl Served {
    pub async fn sluice(program: &Path) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let kubeconfig = folder.path().join("kubeconfig");
        let mut command = Command::new(program);
        command
            .args(["apiserver", "--port=0", "--kubeconfig"])
            .arg(&kubeconfig)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let process = Process::start("sluice", &mut command).map_err(|error| error.to_string())?;
        let client = Client::of_kubeconfig(&kubeconfig, begun).await?;
        client.wait_until_ready(begun).await?;
        let ready_after = begun.elapsed();
        Ok(Self { programs: Programs::Sluice(process), client, ready_after, _folder: folder })
    }

    pub fn pair() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let options = Options { sort: Some(Sort::Real), without_controllers: true, ..Options::default() };
        let begun = Instant::now();
        let plane = Plane::start(&options);
        let ready_after = begun.elapsed();
        let plane = plane.map_err(|error| error.to_string())?;
        let client = Client::new(plane.url(), plane.authority(), plane.token())?;
        Ok(Self { programs: Programs::Pair(plane), client, ready_after, _folder: folder })
    }

    /// Of all its programs together.
    pub fn usage(&self) -> Usage {
        match &self.programs {
            Programs::Sluice(process) => Usage::of(process.id()),
            Programs::Pair(plane) => {
                plane.usage().into_iter().fold(Usage::default(), |sum, (_, one)| sum.and(one))
            }
        }
    }
}

/// A client that does nothing with what it gets.
#[derive(Clone)]
pub struct Client {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub fn new(url: &str, authority: &str, token: &str) -> Result<Self, String> {
        let failed = |error: reqwest::Error| error.to_string();
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).map_err(failed)?;
        let builder = reqwest::Client::builder().no_proxy().http1_only().gzip(false);
        let client = builder.tls_certs_only([authority]).build().map_err(failed)?;
        Ok(Self { client, url: url.to_owned(), token: token.to_owned() })
    }

    /// Of a file that a server is about to write.
    pub async fn of_kubeconfig(file: &Path, begun: Instant) -> Result<Self, String> {
        use base64::Engine;
        loop {
            let text = std::fs::read(file).unwrap_or_default();
            if let Ok(config) = serde_json::from_slice::<Value>(&text) {
                let cluster = &config["clusters"][0]["cluster"];
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let authority = word(&cluster["certificate-authority-data"]);
                let authority = base64::engine::general_purpose::STANDARD.decode(authority);
                let authority = String::from_utf8(authority.unwrap_or_default()).unwrap_or_default();
                let token = word(&config["users"][0]["user"]["token"]);
                return Self::new(&word(&cluster["server"]), &authority, &token);
            }
            if begun.elapsed() > PATIENCE {
                return Err("no kubeconfig was written".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub async fn wait_until_ready(&self, begun: Instant) -> Result<(), String> {
        while let Err(error) = self.send("GET", "/readyz", None).await {
            if begun.elapsed() > PATIENCE {
                return Err(format!("not ready: {error}"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method is a word");
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// One request, to success; its answer as bytes.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Bytes, String> {
        let mut request = self.request(method, path);
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        taken(request).await
    }

    /// One request whose answer may come packed; it is not unpacked.
    pub async fn packed(&self, path: &str) -> Result<Bytes, String> {
        taken(self.request("GET", path).header("accept-encoding", "gzip")).await
    }

    /// An open watch: the bytes of its lines as they come.
    pub async fn watch(&self, path: &str) -> Result<Lines, String> {
        let answer = self.request("GET", path).send().await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("{path}: {}", answer.status()));
        }
        Ok(answer.bytes_stream().filter_map(|part| async { part.ok() }).boxed())
    }
}

async fn taken(request: reqwest::RequestBuilder) -> Result<Bytes, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    if status.is_success() { Ok(body) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&body))) }
}
