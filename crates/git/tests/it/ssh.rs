//! Over SSH: keys, passphrases, known hosts, hosts that changed or stall.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sluice_git::fetch::Request;
use sluice_git::{Auth, Outcome};
use sluice_net::{Proxy, SecretData, Url};
use sluice_testkit::git::SshServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Repository, branch, fetch, request, text};

/// A bare copy below a root of its own, and a server of it.
fn serve(repository: &Repository) -> (SshServer, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    let bare = root.path().join("app.git");
    repository.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    (SshServer::start(root.path()).unwrap(), root)
}

fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn ask(server: &SshServer, identity: &str, passphrase: &str, known_hosts: &str) -> Request {
    let url = format!("{}/app.git", server.url());
    let from = Url::parse(&url).unwrap();
    let pairs = [("identity", identity), ("password", passphrase), ("known_hosts", known_hosts)];
    let data = SecretData::new(
        pairs.map(|(key, value)| (key.to_owned(), bytes::Bytes::copy_from_slice(value.as_bytes()))),
    );
    let auth = Auth::read(&from, &data).unwrap();
    Request { url, auth, from, proxy: None, ..request("http://unused", branch("main")) }
}

fn good(server: &SshServer) -> Request {
    ask(server, &server.client_key().private().unwrap(), "", &server.known_hosts().unwrap())
}

async fn error_of(ask: &Request) -> String {
    text(&fetch(ask).await.unwrap_err())
}

#[tokio::test]
async fn a_branch_is_fetched_with_a_key() {
    let repository = Repository::new();
    repository.traced();
    let (server, root) = serve(&repository);
    let mut ask = good(&server);
    let Outcome::Fetched(checkout) = fetch(&ask).await.unwrap() else { panic!() };
    assert_eq!(checkout.commit.id.to_string(), "67c227c41cfaceee5e2f9e6971f9e3bd3d3f4c6c");
    ask.observed = Some("main@sha1:67c227c41cfaceee5e2f9e6971f9e3bd3d3f4c6c".into());
    assert!(matches!(fetch(&ask).await.unwrap(), Outcome::Unchanged { .. }));
    // A commit of the past: several commands on one connection.
    let second = repository.commit(&[("a.yaml", "a: 2\n")]);
    repository.git(&["push", "-q", root.path().join("app.git").to_str().unwrap(), "main"]);
    ask.observed = None;
    ask.reference.commit = "67c227c41cfaceee5e2f9e6971f9e3bd3d3f4c6c".into();
    let Outcome::Fetched(checkout) = fetch(&ask).await.unwrap() else { panic!() };
    assert_eq!(checkout.commit.subject(), "commit 1");
    assert_ne!(checkout.commit.id.to_string(), second);
}

/// Keys and known hosts as OpenSSH's own tool writes them.
#[tokio::test]
async fn passphrases_and_hashed_hosts() {
    let repository = Repository::new();
    repository.traced();
    let (server, _root) = serve(&repository);
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("key"), server.client_key().private().unwrap()).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    keygen(&["-q", "-p", "-P", "", "-N", "open sesame", "-f", &file("key")]);
    std::fs::write(file("hosts"), server.known_hosts().unwrap()).unwrap();
    keygen(&["-q", "-H", "-f", &file("hosts")]);
    let read = |name: &str| std::fs::read_to_string(Path::new(&file(name))).unwrap();
    let (key, hosts) = (read("key"), read("hosts"));
    assert!(hosts.starts_with("|1|"), "{hosts}");
    let right = ask(&server, &key, "open sesame", &hosts);
    assert!(matches!(fetch(&right).await.unwrap(), Outcome::Fetched(_)));
    assert!(!right.auth.lacks_passphrase());
    let wrong = error_of(&ask(&server, &key, "canary", &hosts)).await;
    assert!(wrong.starts_with("unable to construct auth method with options: "), "{wrong}");
    assert!(!wrong.contains("canary"));
    let none = ask(&server, &key, "", &hosts);
    assert!(none.auth.lacks_passphrase());
    assert!(error_of(&none).await.ends_with("ssh: this private key is passphrase protected"));
}

#[tokio::test]
async fn rsa_and_ecdsa_keys_are_read() {
    let home = tempfile::tempdir().unwrap();
    for (kind, bits, format) in
        [("rsa", "2048", "RFC4716"), ("rsa", "2048", "PEM"), ("ecdsa", "256", "RFC4716")]
    {
        let file = home.path().join(format!("{kind}-{format}"));
        let path = file.to_str().unwrap();
        keygen(&["-q", "-t", kind, "-b", bits, "-m", format, "-N", "", "-f", path]);
        let text = std::fs::read(&file).unwrap();
        sluice_git::ssh::read_key(&text, "").unwrap_or_else(|error| panic!("{kind} {format}: {error}"));
    }
}

#[tokio::test]
async fn a_host_key_that_changed_or_is_unknown_is_refused() {
    let repository = Repository::new();
    repository.traced();
    let (server, _root) = serve(&repository);
    let (other, _other_root) = serve(&repository);
    let key = server.client_key().private().unwrap();
    let host = server.known_hosts().unwrap().split(' ').next().unwrap().to_owned();
    let others_key = other.known_hosts().unwrap().split_once(' ').unwrap().1.to_owned();
    let url = format!("{}/app.git", server.url());
    for (hosts, want) in [
        (format!("{host} {others_key}"), "knownhosts: key mismatch"),
        (format!("elsewhere {others_key}"), "knownhosts: key is unknown"),
        (
            format!("@revoked * {}", server.known_hosts().unwrap().split_once(' ').unwrap().1),
            "knownhosts: key is revoked",
        ),
    ] {
        let error = error_of(&ask(&server, &key, "", &hosts)).await;
        assert_eq!(error, format!("unable to clone '{url}': ssh: handshake failed: {want}"));
    }
}

#[tokio::test]
async fn strangers_and_missing_repositories() {
    let repository = Repository::new();
    repository.traced();
    let (server, _root) = serve(&repository);
    let (other, _other_root) = serve(&repository);
    let stranger = ask(&server, &other.client_key().private().unwrap(), "", &server.known_hosts().unwrap());
    let error = error_of(&stranger).await;
    assert!(
        error.ends_with(
            "ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
        ),
        "{error}"
    );
    let mut missing = good(&server);
    missing.from.set_path("/absent.git");
    let error = error_of(&missing).await;
    assert!(error.contains("repository not found") || error.contains("unknown error"), "{error}");
    let mut nobody = good(&server);
    nobody.from.set_port(Some(1)).unwrap();
    let error = error_of(&nobody).await;
    assert!(error.ends_with("dial tcp 127.0.0.1:1: connect: connection refused"), "{error}");
}

#[tokio::test]
async fn a_host_that_stalls_or_floods_ends() {
    let repository = Repository::new();
    repository.traced();
    let (server, _root) = serve(&repository);
    for flood in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            while flood && stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            std::future::pending::<()>().await;
        });
        let mut ask = good(&server);
        ask.from.set_port(Some(port)).unwrap();
        ask.timeout = Duration::from_millis(500);
        let error = error_of(&ask).await;
        assert!(error.starts_with("unable to clone 'ssh://"), "{error}");
        task.abort();
    }
}

/// A SOCKS 5 proxy that asks for a login, in a few lines.
async fn proxy(listener: TcpListener) {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut head = [0; 3];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(head, [5, 1, 2]);
    client.write_all(&[5, 2]).await.unwrap();
    let mut login = [0; 8];
    client.read_exact(&mut login).await.unwrap();
    assert_eq!(&login, b"\x01\x03ada\x02pw");
    client.write_all(&[1, 0]).await.unwrap();
    let mut request = [0; 5];
    client.read_exact(&mut request).await.unwrap();
    let mut host = vec![0; usize::from(request[4])];
    client.read_exact(&mut host).await.unwrap();
    let port = client.read_u16().await.unwrap();
    let mut target = TcpStream::connect((String::from_utf8(host).unwrap(), port)).await.unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut target).await;
}

#[tokio::test]
async fn through_a_proxy() {
    let repository = Repository::new();
    repository.traced();
    let (server, _root) = serve(&repository);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("socks5://{}", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(proxy(listener));
    let mut ask = good(&server);
    ask.proxy = Some(Proxy { url, login: Some(("ada".into(), "pw".into())) });
    assert!(matches!(fetch(&ask).await.unwrap(), Outcome::Fetched(_)));
    task.abort();
    ask.proxy = Some(Proxy { url: Url::parse("http://127.0.0.1:1").unwrap(), login: None });
    assert!(error_of(&ask).await.ends_with("cannot carry SSH: use socks5"));
}
