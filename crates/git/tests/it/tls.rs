//! Certificates of a private authority, client certificates, logins, HTTP proxies.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use sluice_git::fetch::Request;
use sluice_git::{Auth, Outcome};
use sluice_net::{Proxy, SecretData, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::server::{Answer, Repository, Server, branch, fetch, git_answer, request, text};

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Certificate and key, as PEM.
struct Pair {
    certificate: String,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        Pair { certificate: params.signed_by(&key, &self.0).unwrap().pem(), key }
    }

    fn acceptor(&self, asks_for_certificate: bool) -> TlsAcceptor {
        let pair = self.issue();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&pair.key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(pair.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_certificate {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn ask(server: &Server, pairs: &[(&str, &str)]) -> Request {
    let url = format!("https://{}/app.git", server.address);
    let from = Url::parse(&url).unwrap();
    let data = pairs.iter().map(|(k, v)| ((*k).to_owned(), bytes::Bytes::copy_from_slice(v.as_bytes())));
    let auth = Auth::read(&from, &SecretData::new(data)).unwrap();
    Request { auth, ..request(&url, branch("main")) }
}

async fn serve(repository: &Repository, tls: TlsAcceptor) -> Server {
    let path = repository.home.path().to_owned();
    Server::start_with(Some(tls), move |seen| git_answer(&path, seen)).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_the_secret_names_it() {
    let repository = Repository::new();
    repository.traced();
    let authority = Authority::new();
    let server = serve(&repository, authority.acceptor(false)).await;
    for key in ["ca.crt", "caFile"] {
        let outcome = fetch(&ask(&server, &[(key, &authority.0.pem())])).await.unwrap();
        assert!(matches!(outcome, Outcome::Fetched(_)));
    }
    let stranger = ask(&server, &[]);
    let error = text(&fetch(&stranger).await.unwrap_err());
    let want = format!(
        "unable to clone '{0}': Get \"{0}/info/refs?service=git-upload-pack\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        stranger.url
    );
    assert_eq!(error, want);
    let other = ask(&server, &[("ca.crt", &Authority::new().0.pem())]);
    assert!(text(&fetch(&other).await.unwrap_err()).contains("unknown authority"));
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_server_that_asks() {
    let repository = Repository::new();
    repository.traced();
    let authority = Authority::new();
    let server = serve(&repository, authority.acceptor(true)).await;
    let pair = authority.issue();
    let ca = authority.0.pem();
    let key = pair.key.serialize_pem();
    let with = ask(&server, &[("ca.crt", &ca), ("tls.crt", &pair.certificate), ("tls.key", &key)]);
    assert!(matches!(fetch(&with).await.unwrap(), Outcome::Fetched(_)));
    assert!(fetch(&ask(&server, &[("ca.crt", &ca)])).await.is_err());
}

#[tokio::test]
async fn a_bearer_token_is_sent() {
    let repository = Repository::new();
    repository.traced();
    let authority = Authority::new();
    let path = repository.home.path().to_owned();
    let server = Server::start_with(Some(authority.acceptor(false)), move |seen| {
        if seen.authorization.as_deref() == Some("Bearer open sesame") {
            git_answer(&path, seen)
        } else {
            Answer::Say("401 Unauthorized", String::new(), Vec::new())
        }
    })
    .await;
    let ca = authority.0.pem();
    let right = ask(&server, &[("ca.crt", &ca), ("bearerToken", "open sesame")]);
    assert!(matches!(fetch(&right).await.unwrap(), Outcome::Fetched(_)));
    let wrong = ask(&server, &[("ca.crt", &ca), ("bearerToken", "canary")]);
    let error = text(&fetch(&wrong).await.unwrap_err());
    assert_eq!(error, format!("unable to clone '{}': authentication required: ", wrong.url));
}

/// An HTTP proxy that tunnels for those who log in.
async fn proxy(listener: TcpListener) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if client.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let text = String::from_utf8(head).unwrap();
            // ada:pw
            if !text.to_lowercase().contains("proxy-authorization: basic ywrhonb3") {
                let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
                return;
            }
            let target = text.split(' ').nth(1).unwrap();
            let mut target = TcpStream::connect(target).await.unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut target).await;
        });
    }
}

#[tokio::test]
async fn https_goes_through_the_proxy_of_the_spec() {
    let repository = Repository::new();
    repository.traced();
    let authority = Authority::new();
    let server = serve(&repository, authority.acceptor(false)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(proxy(listener));
    let mut ask = ask(&server, &[("ca.crt", &authority.0.pem())]);
    ask.proxy = Some(Proxy { url: url.clone(), login: Some(("ada".into(), "pw".into())) });
    assert!(matches!(fetch(&ask).await.unwrap(), Outcome::Fetched(_)));
    ask.proxy = Some(Proxy { url, login: None });
    assert!(fetch(&ask).await.is_err());
    task.abort();
}
