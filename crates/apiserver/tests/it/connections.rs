//! Connections that stop half-way, say nothing or nonsense, or take nothing: each ends by itself, and others are served.
//!
//! Every test waits for what the server does, with limits of a fraction of a second; places are few, so that another is
//! served only when the one that hangs has ended.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use sluice_apiserver::{Limits, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Target;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_mins(5);
/// A test that takes longer has failed.
const PROMPT: Duration = Duration::from_mins(1);
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Limits of which none is reached in a test.
fn patient() -> Limits {
    Limits { connections: 100, handshake: LONG, headers: LONG, body: LONG, idle: LONG, stall: LONG }
}

struct Running {
    address: String,
    authority: String,
    token: String,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let mut server = Server::bind(0, Arc::new(jiff::Timestamp::now)).await.unwrap();
        server.limit(limits);
        let address = server.url().trim_start_matches("https://").to_owned();
        let (authority, token) = (server.authority().to_owned(), server.token().to_owned());
        Running { address, authority, token, task: tokio::spawn(server.run()) }
    }

    fn target(&self) -> Target {
        Target::new(&format!("https://{}", self.address), &self.authority, &self.token)
    }

    /// A connection that has said what it speaks, and nothing else.
    async fn connect(&self, speaks: &str) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(x509(&self.authority)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![speaks.as_bytes().to_vec()];
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    fn request(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n", self.address, self.token)
    }

    async fn is_well(&self) {
        let asked = tokio::time::timeout(PROMPT, self.ask("GET", "/readyz", Value::Null));
        assert_eq!(asked.await.expect("another is served"), 200);
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let step = json!({ "method": method, "path": path, "body": body });
        self.target().answer(&step, &super::mask::Seen::default()).await["status"].take()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn x509(pem: &str) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// All that comes until the server ends the connection.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut out = Vec::new();
    let read = tokio::time::timeout(PROMPT, async {
        let mut piece = [0; 4096];
        // However it ends.
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            out.extend_from_slice(&piece[..count]);
        }
    });
    read.await.expect("the server ends the connection");
    String::from_utf8_lossy(&out).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_speaks_tls_is_closed() {
    let server = Running::start(Limits { connections: 1, handshake: SHORT, ..patient() }).await;
    let mut silent = TcpStream::connect(&server.address).await.unwrap();
    let mut slow = TcpStream::connect(&server.address).await.unwrap();
    slow.write_all(&[22, 3, 1]).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    rest(&mut slow).await;
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_after_the_handshake_is_closed() {
    let server = Running::start(Limits { headers: SHORT, ..patient() }).await;
    for speaks in ["http/1.1", "h2"] {
        let mut silent = server.connect(speaks).await;
        rest(&mut silent).await;
        let mut half = server.connect(speaks).await;
        half.write_all(if speaks == "h2" { b"PRI * HTT" } else { b"GET / HTTP/1.1\r\nHost: a\r\nX-" })
            .await
            .unwrap();
        rest(&mut half).await;
    }
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_arrive_is_answered() {
    let server = Running::start(Limits { body: SHORT, ..patient() }).await;
    let mut slow = server.connect("http/1.1").await;
    let head = server.request(MAPS).replace("GET", "POST");
    let head = format!("{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"kind\"");
    slow.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("the body did not arrive"), "{answer}");
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = Running::start(Limits { idle: SHORT, ..patient() }).await;
    let mut idle = server.connect("http/1.1").await;
    idle.write_all(format!("{}\r\n", server.request(MAPS)).as_bytes()).await.unwrap();
    let mut watching = server.connect("http/1.1").await;
    watching
        .write_all(format!("{}\r\n", server.request(&format!("{MAPS}?watch=1"))).as_bytes())
        .await
        .unwrap();
    // It ends after its one answer; by then the other has been idle for as long, but for its watch.
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(server.ask("POST", MAPS, json!({ "metadata": { "name": "seen" } })).await, 201);
    let mut seen = String::new();
    let mut piece = [0; 4096];
    while !seen.contains("\"name\":\"seen\"") {
        let count = tokio::time::timeout(PROMPT, watching.read(&mut piece)).await.unwrap().unwrap();
        assert_ne!(count, 0, "the watch goes on: {seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_behind_a_request_ends_the_connection() {
    let server = Running::start(patient()).await;
    let mut pipelined = server.connect("http/1.1").await;
    let requests = format!("{0}\r\n{0}\r\n\0\0garbage\r\n\r\n{0}\r\n", server.request("/readyz"));
    pipelined.write_all(requests.as_bytes()).await.unwrap();
    let answer = rest(&mut pipelined).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
    for garbage in ["GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\0", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"] {
        let mut one = server.connect("http/1.1").await;
        one.write_all(garbage.as_bytes()).await.unwrap();
        assert!(!rest(&mut one).await.contains(" 200 "));
    }
    let mut preface = server.connect("h2").await;
    preface.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff").await.unwrap();
    rest(&mut preface).await;
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_are_refused() {
    let server = Running::start(patient()).await;
    let mut long = server.connect("http/1.1").await;
    let line = format!("X-Long: {}\r\n", "a".repeat(60_000));
    // The server may close before it has read all.
    let _ = long.write_all(format!("{}{}\r\n", server.request("/readyz"), line.repeat(20)).as_bytes()).await;
    assert!(!rest(&mut long).await.contains(" 200 "));
    let mut many = server.connect("http/1.1").await;
    let _ = many
        .write_all(format!("{}{}\r\n", server.request("/readyz"), "X: y\r\n".repeat(10_000)).as_bytes())
        .await;
    assert!(!rest(&mut many).await.contains(" 200 "));
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_an_answer_is_closed() {
    let server = Running::start(Limits { connections: 1, stall: SHORT, idle: SHORT, ..patient() }).await;
    // More than the buffers of both sides hold.
    for number in 0..12 {
        let big = json!({ "metadata": { "name": format!("big-{number}") }, "data": { "a": "x".repeat(1_000_000) } });
        assert_eq!(server.ask("POST", MAPS, big).await, 201);
    }
    let mut deaf = server.connect("http/1.1").await;
    deaf.write_all(format!("{}\r\n", server.request(MAPS)).as_bytes()).await.unwrap();
    // The only place comes free.
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_gone_without_a_word_is_closed() {
    let server = Running::start(Limits { connections: 1, stall: SHORT, ..patient() }).await;
    let mut gone = server.connect("h2").await;
    // The preface and empty settings; no frame of the server's is ever answered.
    gone.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    rest(&mut gone).await;
    server.is_well().await;
}

/// Watchers that hang on few connections, all of which see one change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_watchers_hear_of_a_change() {
    const CONNECTIONS: usize = 12;
    const EACH: usize = 850;
    let server = Running::start(patient()).await;
    let path = format!(
        "{MAPS}?watch=1&resourceVersion=0&allowWatchBookmarks=false&fieldSelector=metadata.name%3Dnews"
    );
    let mut watchers = JoinSet::new();
    for _connection in 0..CONNECTIONS {
        let target = server.target();
        // Who asks for many things at once, before it has a connection, opens one for each.
        let first = target.client.get(format!("{}{MAPS}", target.url)).bearer_auth(&target.token);
        assert_eq!(first.send().await.unwrap().status(), 200);
        for _watcher in 0..EACH {
            let request = target.client.get(format!("{}{path}", target.url)).bearer_auth(&target.token);
            watchers.spawn(async move { request.send().await.unwrap() });
        }
    }
    let mut open = Vec::new();
    let opened = tokio::time::timeout(PROMPT, async {
        while let Some(answer) = watchers.join_next().await {
            open.push(answer.unwrap());
        }
    });
    opened.await.expect("all watches open");
    assert_eq!(open.len(), CONNECTIONS * EACH);
    assert!(open.iter().all(|answer| answer.status() == 200));
    server.is_well().await;
    assert_eq!(server.ask("POST", MAPS, json!({ "metadata": { "name": "news" } })).await, 201);
    let heard = tokio::time::timeout(PROMPT, async {
        for answer in &mut open {
            let line = answer.chunk().await.unwrap().unwrap();
            assert!(line.starts_with(b"{\"type\":\"ADDED\""));
        }
    });
    heard.await.expect("all hear of it");
    drop(open);
    server.is_well().await;
}

/// Watchers of which each has a connection of its own, as clients over HTTP/1.1 have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_with_a_connection_each_hear_of_a_change() {
    let server = Running::start(Limits { connections: 20_000, ..patient() }).await;
    // The file that each end needs is in this process.
    let watchers = 800;
    let request = format!("{}\r\n", server.request(&format!("{MAPS}?watch=1")));
    let mut open = Vec::new();
    let opened = tokio::time::timeout(PROMPT, async {
        for _watcher in 0..watchers {
            let mut stream = server.connect("http/1.1").await;
            stream.write_all(request.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    opened.await.expect("all are accepted");
    assert_eq!(server.ask("POST", MAPS, json!({ "metadata": { "name": "news" } })).await, 201);
    let heard = tokio::time::timeout(PROMPT, async {
        for stream in &mut open {
            let mut seen = String::new();
            let mut piece = [0; 4096];
            while !seen.contains("\"name\":\"news\"") {
                let count = stream.read(&mut piece).await.unwrap();
                assert_ne!(count, 0, "{seen}");
                seen.push_str(&String::from_utf8_lossy(&piece[..count]));
            }
        }
    });
    heard.await.expect("all hear of it");
}
