//! Every kind of reference, from a repository that `git` serves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sluice_git::{Outcome, Reference};
use sluice_tree::Node;

use crate::server::{Repository, Server, branch, fetch, git_answer, request, text};

/// Path -> content, folders end in a slash.
fn files(outcome: Outcome) -> BTreeMap<String, String> {
    let Outcome::Fetched(mut checkout) = outcome else { panic!("nothing was fetched: {outcome:?}") };
    let layout = checkout.take_layout();
    layout
        .iter()
        .map(|(path, node)| match node {
            Node::Folder => (format!("{path}/"), String::new()),
            Node::File { executable, content } => {
                let content = checkout.read(content).unwrap();
                let mark = if *executable { "x " } else { "" };
                (path, format!("{mark}{}", String::from_utf8_lossy(&content)))
            }
        })
        .collect()
}

fn names(outcome: Outcome) -> Vec<String> {
    files(outcome).into_keys().collect()
}

fn commit_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Fetched(checkout) => checkout.commit.id.to_string(),
        other => panic!("nothing was fetched: {other:?}"),
    }
}

#[tokio::test]
async fn a_branch_is_fetched_and_then_unchanged() {
    let repository = Repository::new();
    assert_eq!(repository.traced(), "67c227c41cfaceee5e2f9e6971f9e3bd3d3f4c6c");
    let server = Server::of(&repository).await;
    let mut ask = request(&server.url(), branch("main"));
    let outcome = fetch(&ask).await.unwrap();
    let Outcome::Fetched(checkout) = &outcome else { panic!() };
    assert_eq!((checkout.name.as_str(), checkout.commit.subject().as_str()), ("refs/heads/main", "commit 1"));
    let got = files(outcome);
    assert_eq!(got["deep/er/c.yaml"], "c: 1\n");
    assert_eq!(got.len(), 6);
    ask.observed = Some("main@sha1:67c227c41cfaceee5e2f9e6971f9e3bd3d3f4c6c".into());
    server.seen.lock().unwrap().clear();
    assert!(matches!(fetch(&ask).await.unwrap(), Outcome::Unchanged { said: true, .. }));
    assert_eq!(server.seen.lock().unwrap().len(), 2, "what is unchanged is only listed");
    repository.commit(&[("a.yaml", "a: 2\n")]);
    assert_eq!(commit_of(&fetch(&ask).await.unwrap()), "2e829dcda30becf26b6375da3c9ac8f714d4d8dd");
}

#[tokio::test]
async fn the_older_protocol_gives_the_same() {
    let repository = Repository::new();
    repository.traced();
    repository.commit(&[("a.yaml", "a: 2\n")]);
    let path: PathBuf = repository.home.path().to_owned();
    let server = Server::start(move |seen| {
        let mut seen = seen.clone();
        seen.protocol = None;
        git_answer(&path, &seen)
    })
    .await;
    let got = files(fetch(&request(&server.url(), branch("main"))).await.unwrap());
    assert_eq!(got["a.yaml"], "a: 2\n");
    assert_eq!(got.len(), 6);
}

#[tokio::test]
async fn tags_are_peeled_and_ranges_choose() {
    let repository = Repository::new();
    let first = repository.traced();
    repository.git(&["tag", "v1.0.0"]);
    let second = repository.commit(&[("a.yaml", "a: 2\n")]);
    repository.git(&["tag", "-a", "-m", "annotated", "v1.2.0"]);
    repository.commit(&[("a.yaml", "a: 3\n")]);
    repository.git(&["tag", "v2.0.0-rc.1"]);
    let server = Server::of(&repository).await;
    let tag = |name: &str| Reference { tag: name.into(), ..Reference::default() };
    let range = |text: &str| Reference { semver: text.into(), ..Reference::default() };
    let whole = |name: &str| Reference { name: name.into(), ..Reference::default() };
    for (reference, want, tagged) in [
        (tag("v1.0.0"), &first, false),
        (tag("v1.2.0"), &second, true),
        (range("1.x"), &second, true),
        (whole("refs/tags/v1.2.0"), &second, true),
        (whole("refs/tags/v1.2.0^{}"), &second, true),
        (whole("refs/heads/main~"), &first, false),
    ] {
        let outcome = fetch(&request(&server.url(), reference.clone())).await;
        if reference.name.ends_with('~') {
            assert_eq!(
                outcome.unwrap_err().to_string(),
                "unable to resolve ref 'refs/heads/main~' to a specific commit"
            );
            continue;
        }
        let outcome = outcome.unwrap();
        assert_eq!(&commit_of(&outcome), want, "{reference:?}");
        let Outcome::Fetched(checkout) = outcome else { panic!() };
        assert_eq!(checkout.tag.is_some(), tagged, "{reference:?}");
    }
    let error = fetch(&request(&server.url(), range(">=3"))).await.unwrap_err();
    assert_eq!(error.to_string(), "no match found for semver: >=3");
}

#[tokio::test]
async fn of_equal_versions_the_younger_commit_is_taken() {
    let repository = Repository::new();
    repository.traced();
    let second = repository.commit(&[("a.yaml", "a: 2\n")]);
    repository.git(&["tag", "v1.0.0+b"]);
    repository.git(&["tag", "v1.0.0+z", "HEAD~1"]);
    let server = Server::of(&repository).await;
    let reference = Reference { semver: "1.x".into(), ..Reference::default() };
    assert_eq!(commit_of(&fetch(&request(&server.url(), reference)).await.unwrap()), second);
}

#[tokio::test]
async fn a_commit_must_lie_in_the_history_of_what_is_named() {
    let repository = Repository::new();
    let first = repository.traced();
    let second = repository.commit(&[("a.yaml", "a: 2\n")]);
    repository.git(&["checkout", "-q", "-b", "other", &first]);
    let aside = repository.commit(&[("b.yaml", "b: 1\n")]);
    repository.git(&["checkout", "-q", "--detach"]);
    let unreachable = repository.commit(&[("evil.yaml", "e: 1\n")]);
    let with_filter = Server::of(&repository).await;
    let path: PathBuf = repository.home.path().to_owned();
    let older = Server::start(move |seen| {
        let mut seen = seen.clone();
        seen.protocol = None;
        git_answer(&path, &seen)
    })
    .await;
    let strict = with_filter.url().replace("/app.git", "/strict/app.git");
    for url in [with_filter.url(), strict, older.url()] {
        let on = |commit: &str, branch: &str| {
            let reference =
                Reference { commit: commit.into(), branch: branch.into(), ..Reference::default() };
            request(&url, reference)
        };
        for (commit, branch) in [(&first, "main"), (&second, "main"), (&first, ""), (&aside, "")] {
            assert_eq!(&commit_of(&fetch(&on(commit, branch)).await.unwrap()), commit);
        }
        for (commit, branch) in [(&aside, "main"), (&unreachable, "main"), (&unreachable, "")] {
            let error = fetch(&on(commit, branch)).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("unable to resolve commit object for '{commit}': object not found")
            );
        }
    }
}

#[tokio::test]
async fn sparse_checkout_keeps_what_is_listed() {
    let repository = Repository::new();
    repository.traced();
    let server = Server::of(&repository).await;
    let mut ask = request(&server.url(), branch("main"));
    ask.sparse = vec!["deep/er".into()];
    let outcome = fetch(&ask).await.unwrap();
    let Outcome::Fetched(checkout) = &outcome else { panic!() };
    assert!(checkout.has("./deep/er/") && !checkout.has("docs"));
    assert_eq!(names(outcome), ["deep/", "deep/er/", "deep/er/c.yaml"]);
}

#[tokio::test]
async fn submodules_are_fetched_from_beside_the_repository() {
    let library = Repository::new();
    library.commit(&[("lib.yaml", "l: 1\n")]);
    let repository = Repository::new();
    repository.traced();
    let (inner, outer): (PathBuf, PathBuf) = (library.home.path().into(), repository.home.path().into());
    let server = Server::start(move |seen| {
        git_answer(if seen.line.contains("/lib.git/") { &inner } else { &outer }, seen)
    })
    .await;
    let pinned = library.git(&["rev-parse", "HEAD"]);
    library.commit(&[("lib.yaml", "l: 2\n")]);
    repository.write(&[(".gitmodules", "[submodule \"lib\"]\n\tpath = libs/lib\n\turl = ../lib.git\n")]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{pinned},libs/lib")]);
    std::fs::create_dir_all(repository.home.path().join("libs/lib")).unwrap();
    repository.git(&["add", ".gitmodules"]);
    repository.git(&["commit", "-q", "-m", "with a submodule"]);
    let mut ask = request(&server.url(), branch("main"));
    let got = files(fetch(&ask).await.unwrap());
    assert!(got.contains_key("libs/lib/") && !got.contains_key("libs/lib/lib.yaml"));
    ask.recurse_submodules = true;
    let got = files(fetch(&ask).await.unwrap());
    assert_eq!(got["libs/lib/lib.yaml"], "l: 1\n");
}

#[tokio::test]
async fn links_modes_and_odd_names() {
    let repository = Repository::new();
    repository.traced();
    std::os::unix::fs::symlink("/etc/passwd", repository.home.path().join("link")).unwrap();
    repository.write(&[("run.sh", "#!/bin/sh\n"), ("ünïcode.yaml", "u: 1\n"), ("back\\slash", "b")]);
    repository.git(&["add", "-A"]);
    repository.git(&["update-index", "--chmod=+x", "run.sh"]);
    repository.git(&["commit", "-q", "-m", "odd"]);
    let server = Server::of(&repository).await;
    let got = files(fetch(&request(&server.url(), branch("main"))).await.unwrap());
    assert_eq!(got["run.sh"], "x #!/bin/sh\n");
    assert!(got.contains_key("ünïcode.yaml"));
    assert!(!got.contains_key("link") && !got.contains_key("back\\slash"));
}

#[tokio::test]
async fn a_repository_with_much_history_and_deltas() {
    let repository = Repository::new();
    let long: String = (0..3000).map(|i| format!("line {i}: {}\n", i * 7919 % 1009)).collect();
    for i in 0..8 {
        let changed = long.replace(&format!("line {i}0:"), &format!("changed {i}:"));
        repository.commit(&[("big.yaml", &changed), (&format!("copy-{i}.yaml"), &changed)]);
    }
    repository.git(&["repack", "-adfq", "--depth=50", "--window=50"]);
    let server = Server::of(&repository).await;
    let got = files(fetch(&request(&server.url(), branch("main"))).await.unwrap());
    assert_eq!(got.len(), 9);
    assert_eq!(got["copy-3.yaml"], long.replace("line 30:", "changed 3:"));
}

#[tokio::test]
async fn what_is_missing_is_said_as_upstream_says_it() {
    let repository = Repository::new();
    repository.traced();
    let server = Server::of(&repository).await;
    let url = server.url();
    let error = fetch(&request(&url, branch("gone"))).await.unwrap_err();
    assert_eq!(
        text(&error),
        format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/gone\"")
    );
    let empty = Repository::new();
    let server = Server::of(&empty).await;
    assert!(matches!(fetch(&request(&server.url(), branch("main"))).await, Ok(Outcome::Empty)));
}
