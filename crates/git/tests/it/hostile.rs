//! Servers that stall, truncate, flood, lie, redirect, refuse: one clear error each, in bounded time and memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sluice_git::fetch::{Fetcher, Request};
use sluice_git::pack::Limits;
use sluice_git::{Auth, Outcome};
use sluice_net::{SecretData, Url};

use crate::server::{Answer, Repository, Seen, Server, branch, fetch, fetcher, git_answer, request, text};

async fn error_of(ask: &Request) -> String {
    text(&fetch(ask).await.unwrap_err())
}

/// Answers listings as `git` does, and fetches otherwise.
async fn with_fetch(
    repository: &Repository,
    answer: impl Fn(&Seen, &PathBuf) -> Answer + Send + Sync + 'static,
) -> Server {
    let path: PathBuf = repository.home.path().to_owned();
    Server::start(move |seen| {
        if String::from_utf8_lossy(&seen.body).contains("command=fetch") {
            answer(seen, &path)
        } else {
            git_answer(&path, seen)
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_stalls_ends_at_the_timeout() {
    let repository = Repository::new();
    repository.traced();
    let at_once = Server::start(|_| Answer::Stall).await;
    let later = with_fetch(&repository, |_, _| Answer::Stall).await;
    let halfway = with_fetch(&repository, |_, _| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n000dpackfile\n".to_vec())
    })
    .await;
    for server in [&at_once, &later] {
        let mut ask = request(&server.url(), branch("main"));
        ask.timeout = Duration::from_millis(300);
        assert_eq!(error_of(&ask).await, format!("unable to clone '{}': context deadline exceeded", ask.url));
        ask.observed = Some("main@sha1:0".into());
        let listed = format!("unable to list remote for '{}': context deadline exceeded", ask.url);
        let is_at_once = server.address == at_once.address;
        assert_eq!(error_of(&ask).await == listed, is_at_once);
    }
    let mut ask = request(&halfway.url(), branch("main"));
    ask.timeout = Duration::from_millis(300);
    assert!(error_of(&ask).await.starts_with(&format!("unable to clone '{}': ", ask.url)));
}

#[tokio::test]
async fn a_server_that_truncates_is_an_error_at_every_byte() {
    let repository = Repository::new();
    repository.traced();
    for cut in [0, 3, 12, 40, 100, 200] {
        let server = with_fetch(&repository, move |seen, path| {
            let Answer::Say(status, headers, mut body) = git_answer(path, seen) else { unreachable!() };
            body.truncate(cut);
            Answer::Say(status, headers, body)
        })
        .await;
        let ask = request(&server.url(), branch("main"));
        let error = error_of(&ask).await;
        assert!(error.starts_with(&format!("unable to clone '{}': ", ask.url)), "{cut}: {error}");
        assert!(error.ends_with("unexpected EOF"), "{cut}: {error}");
    }
    let short =
        Server::start(|_| Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n001e# ser".to_vec()))
            .await;
    assert!(fetch(&request(&short.url(), branch("main"))).await.is_err());
    let closed = Server::start(|_| Answer::Raw(Vec::new())).await;
    assert!(fetch(&request(&closed.url(), branch("main"))).await.is_err());
}

fn small() -> Fetcher {
    Fetcher { limits: Limits { pack_bytes: 100_000, ..Limits::default() }, ..fetcher() }
}

#[tokio::test]
async fn a_server_that_floods_is_cut_off() {
    let repository = Repository::new();
    repository.traced();
    // Endless pack.
    let mut packet = b"fff1\x01".to_vec();
    packet.resize(0xfff1, 7);
    let flood =
        with_fetch(&repository, move |_, _| Answer::Flood([b"000dpackfile\n".as_slice(), &packet].concat()))
            .await;
    let ask = request(&flood.url(), branch("main"));
    let error = text(&small().fetch(&ask).await.unwrap_err());
    // The second `packfile` line is no band; either that or the limit ends it.
    assert!(error.contains("malformed answer") || error.contains("larger than"), "{error}");
    let mut band = b"fff1\x01".to_vec();
    band.resize(0xfff1, 7);
    let mut body = b"000dpackfile\n".to_vec();
    (0..4).for_each(|_| body.extend_from_slice(&band));
    let large = with_fetch(&repository, move |_, _| Answer::Say("200 OK", String::new(), body.clone())).await;
    let ask = request(&large.url(), branch("main"));
    let error = text(&small().fetch(&ask).await.unwrap_err());
    assert_eq!(error, format!("unable to clone '{}': the pack is larger than 100000 bytes", ask.url));
    // Endless progress beside the pack.
    let mut noise = b"fff1\x02".to_vec();
    noise.resize(0xfff1, b'.');
    let noisy = with_fetch(&repository, move |_, _| Answer::Flood(noise.clone())).await;
    assert!(small().fetch(&request(&noisy.url(), branch("main"))).await.is_err());
    // Endless list of references.
    let line = b"003fce013625030ba8dba906f756967f9e9ca394464a refs/heads/main12\n".to_vec();
    let many = Server::start(move |_| Answer::Flood(line.clone())).await;
    let mut ask = request(&many.url(), branch("main"));
    ask.timeout = Duration::from_mins(1);
    let error = text(&small().fetch(&ask).await.unwrap_err());
    assert!(error.contains("the answer is larger than"), "{error}");
}

#[tokio::test]
async fn a_server_that_lies_about_its_references_is_found_out() {
    let repository = Repository::new();
    let first = repository.traced();
    let second = repository.commit(&[("a.yaml", "a: 2\n")]);
    // It lists the second commit and sends the first.
    let server = with_fetch(&repository, move |seen, path| {
        let body = String::from_utf8(seen.body.clone()).unwrap().replace(&second, &first);
        git_answer(path, &Seen { body: body.into_bytes(), ..seen.clone() })
    })
    .await;
    let error = error_of(&request(&server.url(), branch("main"))).await;
    assert!(error.starts_with("unable to resolve commit object for '2e829dcd"), "{error}");
    assert!(error.ends_with("object not found"), "{error}");
    // It lists a tree as a branch.
    let repository = Repository::new();
    let commit = repository.traced();
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let path: PathBuf = repository.home.path().to_owned();
    let server = Server::start(move |seen| {
        let Answer::Say(status, headers, body) = git_answer(&path, seen) else { unreachable!() };
        let is_list = String::from_utf8_lossy(&seen.body).contains("command=ls-refs");
        let body = if is_list {
            String::from_utf8(body).unwrap().replace(&commit, &tree).into_bytes()
        } else {
            body
        };
        Answer::Say(status, headers, body)
    })
    .await;
    let error = error_of(&request(&server.url(), branch("main"))).await;
    assert!(error.contains(" is a tree, not a commit"), "{error}");
    // It names what it does not have.
    let nothing = Server::start(|seen| {
        let list = seen.body.windows(7).any(|seven| seven == b"ls-refs");
        let body = if seen.line.starts_with("GET") {
            b"000eversion 2\n0012fetch=shallow\n0000".to_vec()
        } else if list {
            b"003dce013625030ba8dba906f756967f9e9ca394464a refs/heads/main\n0000".to_vec()
        } else {
            b"0030ERR upload-pack: not our ref ce0136250000000".to_vec()
        };
        Answer::Say("200 OK", String::new(), body)
    })
    .await;
    let error = error_of(&request(&nothing.url(), branch("main"))).await;
    assert!(error.ends_with("upload-pack: not our ref ce0136250000000"), "{error}");
}

fn with_login(url: &str) -> Request {
    let mut ask = request(url, branch("main"));
    let pairs = [("username", "ada"), ("password", "canary")];
    let data = SecretData::new(pairs.map(|(k, v)| (k.to_owned(), bytes::Bytes::from_static(v.as_bytes()))));
    ask.auth = Auth::read(&Url::parse(url).unwrap(), &data).unwrap();
    ask
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let repository = Repository::new();
    repository.traced();
    let target = Server::of(&repository).await;
    let (host, path) = (target.url(), repository.home.path().to_owned());
    let other = Server::start(move |seen| {
        if seen.line.starts_with("GET") {
            let location = format!("Location: {host}/info/refs?service=git-upload-pack\r\n");
            Answer::Say("301 Moved Permanently", location, Vec::new())
        } else {
            git_answer(&path, seen)
        }
    })
    .await;
    assert!(matches!(fetch(&with_login(&other.url())).await.unwrap(), Outcome::Fetched(_)));
    assert!(other.seen.lock().unwrap()[0].authorization.is_some());
    assert_eq!(other.seen.lock().unwrap().len(), 1, "the fetch goes where the listing went");
    let seen = target.seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|one| one.authorization.is_none()), "{seen:?}");
}

#[tokio::test]
async fn credentials_follow_a_redirect_within_the_host() {
    let repository = Repository::new();
    repository.traced();
    let path = repository.home.path().to_owned();
    let server = Server::start(move |seen| {
        if seen.line.starts_with("GET /app.git/") {
            let location = "Location: /new.git/info/refs?service=git-upload-pack\r\n".to_owned();
            Answer::Say("302 Found", location, Vec::new())
        } else {
            git_answer(&path, seen)
        }
    })
    .await;
    assert!(matches!(fetch(&with_login(&server.url())).await.unwrap(), Outcome::Fetched(_)));
    let seen = server.seen.lock().unwrap();
    assert!(seen.iter().all(|one| one.authorization.is_some()));
    assert!(seen.last().unwrap().line.starts_with("POST /new.git/git-upload-pack"));
}

#[tokio::test]
async fn odd_redirects_are_refused() {
    for (location, want) in [
        ("Location: file:///etc/passwd\r\n", "http redirect: unsupported scheme \"file\""),
        ("", "http redirect: no usable Location"),
        ("Location: /app.git/info/refs?service=git-upload-pack\r\n", "http redirect: too many redirects"),
    ] {
        let server = Server::start(move |_| Answer::Say("302 Found", location.to_owned(), Vec::new())).await;
        let error = error_of(&request(&server.url(), branch("main"))).await;
        assert_eq!(error, format!("unable to clone '{}': {want}", server.url()));
    }
    let repository = Repository::new();
    repository.traced();
    let post = with_fetch(&repository, |_, _| {
        Answer::Say("307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n".into(), Vec::new())
    })
    .await;
    assert!(
        error_of(&request(&post.url(), branch("main"))).await.contains("redirect on non-initial request")
    );
}

#[tokio::test]
async fn refusals_are_said_as_upstream_says_them() {
    for (status, want) in [
        ("404 Not Found", "repository not found: "),
        ("401 Unauthorized", "authentication required: who are you"),
        ("403 Forbidden", "authorization failed: "),
    ] {
        let body = if status.starts_with("401") { "who are you" } else { "" };
        let server = Server::start(move |_| Answer::Say(status, String::new(), body.into())).await;
        let error = error_of(&with_login(&server.url())).await;
        assert_eq!(error, format!("unable to clone '{}': {want}", server.url()));
        assert!(!error.contains("canary"));
    }
    let broken = Server::start(|_| Answer::Say("500 Oops", String::new(), Vec::new())).await;
    let error = error_of(&request(&broken.url(), branch("main"))).await;
    let want = format!(
        "unable to clone '{0}': unexpected client error: unexpected requesting \"{0}/info/refs?service=git-upload-pack\" status code: 500",
        broken.url()
    );
    assert_eq!(error, want);
    let page = Server::start(|_| Answer::Say("200 OK", String::new(), b"<html>hello".to_vec())).await;
    let error = error_of(&request(&page.url(), branch("main"))).await;
    assert!(error.ends_with("the server does not speak the Git protocol"), "{error}");
    let gone = request("http://127.0.0.1:1/app.git", branch("main"));
    assert_eq!(
        error_of(&gone).await,
        "unable to clone 'http://127.0.0.1:1/app.git': Get \"http://127.0.0.1:1/app.git/info/refs?service=git-upload-pack\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

#[tokio::test]
async fn a_tree_bomb_is_refused() {
    let repository = Repository::new();
    repository.write(&[("f", "x")]);
    repository.git(&["add", "-A"]);
    let mut tree = repository.git(&["write-tree"]);
    for _ in 0..12 {
        let lines: String = (0..10).map(|i| format!("040000 tree {tree}\td{i}\n")).collect();
        std::fs::write(repository.home.path().join("list"), lines).unwrap();
        let output = std::process::Command::new("sh")
            .current_dir(repository.home.path())
            .args(["-c", "git mktree < list"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().clone_into(&mut tree);
    }
    let commit = repository.git(&["commit-tree", "-m", "bomb", &tree]);
    repository.git(&["update-ref", "refs/heads/main", &commit]);
    let server = Server::of(&repository).await;
    let error = error_of(&request(&server.url(), branch("main"))).await;
    assert!(error.starts_with(&format!("unable to check out '{commit}': more than")), "{error}");
}

#[tokio::test]
async fn many_fetches_share_the_permits() {
    let repository = Repository::new();
    repository.traced();
    let server = Server::of(&repository).await;
    let permits = Arc::new(tokio::sync::Semaphore::new(2));
    let shared = Arc::new(Fetcher { permits: permits.clone(), ..fetcher() });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (shared, ask) = (Arc::clone(&shared), request(&server.url(), branch("main")));
        tasks.spawn(async move { shared.fetch(&ask).await.is_ok() });
    }
    assert!(tasks.join_all().await.into_iter().all(|ok| ok));
    assert_eq!(permits.available_permits(), 2);
}
