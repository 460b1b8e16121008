//! Asks answered from real servers: a whole build over Git and the web, and what bad servers come to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails where it breaks")]

use std::sync::Arc;
use std::time::Duration;

use sluice_bases::{Answering, Bases, Limits};
use sluice_budget::Budget;
use sluice_git::Fetcher;
use sluice_git::pack;
use sluice_git::ssh::Algorithms;
use sluice_kustomize::{Options, Outcome};
use sluice_net::{Clients, StatusCode};
use sluice_testkit::git::{Fault, GitServer, Login, Repository};
use sluice_testkit::server::{Server, text};
use sluice_tree::Memory;
use tokio::sync::Semaphore;

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

fn bases(limits: Limits) -> Bases {
    let fetcher = Fetcher {
        clients: Clients::default(),
        algorithms: Algorithms::default(),
        limits: pack::Limits::default(),
        permits: Arc::new(Semaphore::new(2)),
    };
    Bases::new(fetcher, limits)
}

async fn build(answering: &mut Answering<'_>, resources: &[&str]) -> Result<String, String> {
    let mut tree = Memory::default();
    let list = resources.join("\n- ");
    tree.insert("kustomization.yaml", format!("resources:\n- {list}\n")).unwrap();
    loop {
        let options = Options::default();
        let outcome = sluice_kustomize::build(&tree, "", &options, answering.answers(), &Budget::generous());
        match outcome.map_err(|error| error.to_string())? {
            Outcome::Done(built) => return Ok(built.to_yaml(1).unwrap()),
            Outcome::Need(asks) => answering.answer(asks).await.map_err(|error| error.to_string())?,
        }
    }
}

async fn refusal(bases: &Bases, resources: &[&str]) -> String {
    build(&mut bases.answering(), resources).await.unwrap_err()
}

#[tokio::test]
async fn a_build_gets_its_bases_from_git() {
    let home = tempfile::tempdir().unwrap();
    let mut repository = Repository::create(home.path(), "fleet").unwrap();
    let server = GitServer::start(home.path(), Login::Anyone).unwrap();
    let files = [
        ("a/kustomization.yaml", Some("resources: [../b, map.yaml]\n")),
        ("a/map.yaml", Some(&*map("first"))),
        ("b/kustomization.yaml", Some("resources: [map.yaml]\nnamePrefix: b-\n")),
        ("b/map.yaml", Some(&*map("map"))),
    ];
    let first = repository.commit_at(1, &files, Some("v1")).unwrap();
    repository.commit_at(2, &[("a/map.yaml", Some(&map("second")))], None).unwrap();
    repository.push_as("refs/heads/side").unwrap();
    let bases = bases(Limits::default());
    let repo = format!("{}/fleet.git", server.url());
    for (reference, name) in [
        ("", "second"),
        ("?ref=main", "second"),
        ("?ref=side", "second"),
        ("?ref=heads/side", "second"),
        ("?ref=refs/heads/side", "second"),
        ("?ref=v1", "first"),
        ("?ref=refs/tags/v1", "first"),
        (&format!("?ref={first}"), "first"),
    ] {
        let built = build(&mut bases.answering(), &[&format!("{repo}//a{reference}")]).await;
        assert_eq!(built, Ok(format!("{}---\n{}", map("b-map"), map(name))), "{reference}");
    }
    let before = server.requests().len();
    let (a, b) = (format!("{repo}//a?ref=v1"), format!("{repo}//b?ref=v1"));
    let refused = refusal(&bases, &[&a, &b]).await;
    assert!(refused.contains("may not add resource with an already registered id"), "{refused}");
    let requests = server.requests();
    let opened = requests[before..].iter().filter(|line| line.contains("service=git-upload-pack"));
    assert_eq!(opened.count(), 1, "two folders of one repository are one fetch: {requests:?}");
    let refused = refusal(&bases, &[&format!("{repo}//a?ref=gone")]).await;
    assert!(refused.contains(&format!("couldn't find remote ref gone in '{repo}'")), "{refused}");
}

#[tokio::test]
async fn files_come_from_the_web() {
    let server = Server::start(|request| {
        let path = request.uri().path().to_owned();
        async move {
            let moved = |to: &str| {
                let mut answer = text(StatusCode::FOUND, "");
                answer.headers_mut().insert("location", to.parse().unwrap());
                answer
            };
            Ok(match path.as_str() {
                "/moved.yaml" => moved("/map.yaml"),
                "/loop.yaml" => moved("/loop.yaml"),
                "/ftp.yaml" => moved("file:///etc/passwd"),
                "/map.yaml" => text(StatusCode::OK, &map("web")),
                "/large.yaml" => text(StatusCode::OK, &"x".repeat(20_000)),
                _ => text(StatusCode::NOT_FOUND, ""),
            })
        }
    })
    .unwrap();
    let bases = bases(Limits { file_bytes: 10_000, ..Limits::default() });
    let address = |name: &str| format!("{}/{name}.yaml", server.url());
    assert_eq!(build(&mut bases.answering(), &[&address("moved")]).await, Ok(map("web")));
    let little = self::bases(Limits { all_file_bytes: 100, ..Limits::default() });
    let refused = refusal(&little, &[&address("moved"), &address("map")]).await;
    assert!(refused.contains("larger than 100 bytes together"), "{refused}");
    for (name, want) in [
        ("gone", "HTTP Error: status code 404 (Not Found)"),
        ("loop", "stopped after 10 redirects"),
        ("ftp", "unsupported protocol scheme \"file\""),
        ("large", "the answer is larger than 10000 bytes"),
    ] {
        let refused = refusal(&bases, &[&address(name)]).await;
        assert!(refused.contains(want), "{refused}");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut repository = Repository::create(home.path(), "fleet").unwrap();
    let server = GitServer::start(home.path(), Login::Anyone).unwrap();
    let repo = format!("{}/fleet.git", server.url());
    let noise: Vec<String> =
        (0..20_000_u32).map(|at| format!("{:x}", at.wrapping_mul(2_654_435_761))).collect();
    let noise = noise.concat();
    let deeper = format!("resources: [\"{repo}//b\"]\n");
    let files = [("a/kustomization.yaml", Some(&*deeper)), ("noise", Some(&*noise))];
    repository.commit(&files).unwrap();
    let small = bases(Limits { pack_bytes: 1_000, ..Limits::default() });
    let refused = refusal(&small, &[&format!("{repo}//a")]).await;
    assert!(refused.contains("larger than 1000 bytes"), "{refused}");
    let few = bases(Limits { asks: 2, rounds: 1, ..Limits::default() });
    let [a, b, c] = ["a", "b", "c"].map(|path| format!("{repo}//{path}"));
    let refused = refusal(&few, &[&a, &b, &c]).await;
    assert!(refused.contains("more than 2 remote files and repositories"), "{refused}");
    let refused = refusal(&few, &[&a]).await;
    assert!(refused.contains("lead to more than 1 rounds of others"), "{refused}");
    let one = bases(Limits { repositories: 1, ..Limits::default() });
    let refused = refusal(&one, &[&format!("{repo}//a?ref=main")]).await;
    assert!(refused.contains("more than 1 remote repositories"), "{refused}");
    server.set_fault(Some(Fault::Stall));
    let hasty = bases(Limits { longest: Duration::from_millis(200), ..Limits::default() });
    let refused = refusal(&hasty, &[&a]).await;
    assert!(refused.contains("context deadline exceeded"), "{refused}");
    let refused = refusal(&hasty, &[&format!("{}/x.yaml", server.url())]).await;
    assert!(refused.contains("context deadline exceeded"), "{refused}");
    let refused = refusal(&hasty, &["git@127.0.0.1:a/b.git"]).await;
    assert!(refused.contains("there is no key for it"), "{refused}");
}
