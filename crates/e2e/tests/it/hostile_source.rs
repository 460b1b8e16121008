//! Stories of bad servers and bad archives: the last good artifact stays, others go on, and what is wrong is said.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sluice_testkit::git::{Fault, GitServer, Key, Login, Repository, SshServer};
use sluice_testkit::server::{Body, Server, full, text};

use crate::story::{Story, condition, config_map};

fn message(object: &Value) -> String {
    condition(object, "Ready")["message"].as_str().unwrap_or_default().to_owned()
}

async fn git_repository(story: &Story, name: &str, url: &str, more: Value) {
    let mut spec = json!({"interval": "10m", "timeout": "5s", "url": url, "ref": {"branch": "main"}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    story
        .apply(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": name}, "spec": spec,
        }))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_git_servers_leave_the_last_artifact() {
    let Some(mut story) = Story::begin("bad_git_servers").await else { return };
    let faults = [
        ("stalls", Fault::Stall, &["context deadline exceeded"][..]),
        ("truncates", Fault::Truncate(120), &["closed before message completed"]),
        ("floods", Fault::Flood, &["context deadline exceeded"]),
        ("refuses", Fault::Status(403), &["authorization failed"]),
    ];
    let root = tempfile::tempdir().unwrap();
    let mut repository = Repository::create(root.path(), "app").unwrap();
    let first = repository.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]).unwrap();
    let mut servers = Vec::new();
    for (name, ..) in &faults {
        let server = GitServer::start(root.path(), Login::Anyone).unwrap();
        git_repository(&story, name, &format!("{}/app.git", server.url()), json!({})).await;
        servers.push(server);
    }
    let revision = story.commit(&[("app/a.yaml", Some(&config_map("one", "1")))]);
    story.source().await;
    for (name, ..) in &faults {
        story.ready("GitRepository", name).await;
    }
    repository.commit(&[("app/a.yaml", Some(&config_map("one", "2")))]).unwrap();
    for ((_, fault, _), server) in faults.iter().zip(&servers) {
        server.set_fault(Some(fault.clone()));
    }
    for (name, ..) in &faults {
        story.reconcile("GitRepository", name).await;
    }
    for (name, _, says) in &faults {
        let failed = story.failed("GitRepository", name, "GitOperationFailed").await;
        let said = message(&failed);
        for word in *says {
            assert!(said.contains(word), "{name}: {said}");
        }
        assert!(said.contains("app.git"), "{name}: {said}");
        story.event(name, "GitOperationFailed", says[0]).await;
        assert_eq!(failed["status"]["artifact"]["revision"], format!("main@sha1:{first}"), "{name}");
    }
    story.kustomization("app", json!({})).await;
    story.applied("app", &revision).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_host_key_is_refused() {
    let Some(story) = Story::begin("changed_host_key").await else { return };
    let root = tempfile::tempdir().unwrap();
    let mut repository = Repository::create(root.path(), "app").unwrap();
    repository.commit(&[("a.yaml", Some(&config_map("one", "1")))]).unwrap();
    let client = Key::generate().unwrap();
    let server = SshServer::start_with(root.path(), Key::generate().unwrap(), client.clone()).unwrap();
    let other = format!("{}\n", Key::generate().unwrap().public().unwrap());
    let known = server.known_hosts().unwrap();
    let host = known.split(' ').next().unwrap();
    let key = client.private().unwrap();
    for (name, hosts) in [("known", known.clone()), ("changed", format!("{host} {other}"))] {
        story
            .apply(json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                "stringData": {"identity": key, "known_hosts": hosts},
            }))
            .await;
        let url = format!("{}/app.git", server.url());
        git_repository(&story, name, &url, json!({"secretRef": {"name": name}})).await;
    }
    story.ready("GitRepository", "known").await;
    let failed = story.failed("GitRepository", "changed", "GitOperationFailed").await;
    let said = message(&failed);
    assert!(said.contains("knownhosts: key mismatch"), "{said}");
    story.event("changed", "GitOperationFailed", "knownhosts: key mismatch").await;
    assert!(failed["status"]["artifact"].is_null());
    let secret: String = key.lines().nth(2).unwrap().to_owned();
    for kind in ["GitRepository", "Event"] {
        let path = story.path(kind, "");
        let list = story.api.get(path.trim_end_matches('/')).await.unwrap();
        assert!(!list.to_string().contains(&secret), "a line of the private key is in {kind}");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lies_about_its_refs_is_found_out() {
    let Some(story) = Story::begin("lying_refs").await else { return };
    // A well-formed advertisement of a commit that the server then does not send.
    let lie = "1111111111111111111111111111111111111111";
    let server = Server::start(move |request| async move {
        let is_list = request.method() == "GET";
        let mut answer = if is_list {
            let mut body = String::from("001e# service=git-upload-pack\n0000");
            for line in [
                "version 2\n",
                "agent=git/2\n",
                "ls-refs=unborn\n",
                "fetch=shallow\n",
                "object-format=sha1\n",
            ] {
                body.push_str(&format!("{:04x}{line}", line.len() + 4));
            }
            body.push_str("0000");
            Response::new(full(body))
        } else {
            let asked = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
            let is_refs = String::from_utf8_lossy(&asked).contains("command=ls-refs");
            let line = format!("{lie} refs/heads/main\n");
            let refs = format!("{:04x}{line}0000", line.len() + 4);
            // An empty pack: no objects, with its right checksum.
            let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
            pack.extend_from_slice(&hex("029d08823bd8a8eab510ad6ac75c823cfd3ed31e"));
            let mut body = b"000dpackfile\n".to_vec();
            body.extend_from_slice(format!("{:04x}\x01", pack.len() + 5).as_bytes());
            body.extend_from_slice(&pack);
            body.extend_from_slice(b"0000");
            Response::new(if is_refs { full(refs) } else { full(body) })
        };
        let kind = if is_list { "advertisement" } else { "result" };
        let kind = format!("application/x-git-upload-pack-{kind}");
        answer.headers_mut().insert("content-type", kind.parse().map_err(std::io::Error::other)?);
        Ok(answer)
    })
    .unwrap();
    git_repository(&story, "liar", &format!("{}/app.git", server.url()), json!({})).await;
    let failed = story.failed("GitRepository", "liar", "GitOperationFailed").await;
    let said = message(&failed);
    assert!(said.contains(lie) && said.contains("object not found"), "{said}");
    story.event("liar", "GitOperationFailed", "object not found").await;
    assert!(failed["status"]["artifact"].is_null());
    story.end().await;
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A tar archive of raw headers: names are taken as they are.
fn archive(entries: &[(&str, u8, &str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, link, content) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = *kind;
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header[257..263].copy_from_slice(b"ustar\0");
        header[263..265].copy_from_slice(b"00");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn zipped(tar: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(tar).unwrap();
    zip.finish().unwrap()
}

/// A gigabyte of zeros in one file of an archive, of which a megabyte travels.
fn gigabyte() -> Vec<u8> {
    let mut header = archive(&[("app/a.yaml", b'0', "", b"")]);
    header.truncate(512);
    header[124..135].copy_from_slice(format!("{:011o}", 1_u64 << 30).as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(&header).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1024 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap()
}

/// Writes a status as if the source had been fetched.
async fn give_artifact(story: &Story, name: &str, digest: &str, url: &str) {
    let artifact = json!({
        "path": format!("gitrepository/{}/{name}/x.tar.gz", story.ns), "url": url,
        "revision": "main@sha1:0000000000000000000000000000000000000000", "digest": digest,
        "lastUpdateTime": "2026-01-01T00:00:00Z",
    });
    let ready = json!([{
        "type": "Ready", "status": "True", "reason": "Succeeded", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
    }]);
    let path = format!("{}/status", story.path("GitRepository", name));
    let status = json!({"status": {"artifact": artifact, "observedGeneration": 1, "conditions": ready}});
    story.api.merge_patch(&path, &status).await.unwrap();
}

fn endless() -> Body {
    let chunk = Bytes::from(vec![b'0'; 1 << 20]);
    let frames = futures::stream::repeat(chunk).take(1100).map(|chunk| Ok(Frame::data(chunk)));
    http_body_util::BodyExt::boxed(StreamBody::new(frames))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_archives_are_refused_and_nothing_leaves_the_tree() {
    let Some(story) = Story::begin("bad_archives").await else { return };
    let config = config_map("one", "1");
    let good = ("app/a.yaml", b'0', "", config.as_bytes());
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("good", zipped(&archive(&[good]))),
        ("absolute", zipped(&archive(&[good, ("/app/../../evil.yaml", b'0', "", b"a: 1\n")]))),
        ("upwards", zipped(&archive(&[good, ("../evil.yaml", b'0', "", b"a: 1\n")]))),
        ("symlink", zipped(&archive(&[good, ("app/b.yaml", b'2', "/etc/passwd", b"")]))),
        ("hardlink", zipped(&archive(&[good, ("app/b.yaml", b'1', "/etc/passwd", b"")]))),
        ("device", zipped(&archive(&[good, ("app/b.yaml", b'3', "", b"")]))),
        ("gigabyte", gigabyte()),
    ];
    let served = Arc::new(archives.clone());
    let server = Server::start(move |request| {
        let served = Arc::clone(&served);
        async move {
            let name = request.uri().path().trim_start_matches('/').to_owned();
            if name == "endless" {
                return Ok(Response::new(endless()));
            }
            let found = served.iter().find(|(known, _)| *known == name);
            Ok(found
                .map_or_else(|| text(StatusCode::NOT_FOUND, ""), |(_, zip)| Response::new(full(zip.clone()))))
        }
    })
    .unwrap();
    let mut names: Vec<(&str, String)> =
        archives.iter().map(|(name, zip)| (*name, format!("sha256:{:x}", Sha256::digest(zip)))).collect();
    names.push(("endless", format!("sha256:{}", "0".repeat(64))));
    for (name, digest) in &names {
        // A suspended source keeps the status that it is given, once its controller has seen it for the first time.
        git_repository(&story, name, "https://example.com/x.git", json!({"suspend": true})).await;
        story.until("GitRepository", name, |object| !object["metadata"]["finalizers"].is_null()).await;
        give_artifact(&story, name, digest, &format!("{}/{name}", server.url())).await;
        let source = json!({
            "path": "./app", "sourceRef": {"kind": "GitRepository", "name": name}, "prune": false, "timeout": "5m",
        });
        story.kustomization(name, source).await;
    }
    // The controller's first look may have come between, with a status from before.
    for (name, digest) in &names {
        give_artifact(&story, name, digest, &format!("{}/{name}", server.url())).await;
    }
    story.ready("Kustomization", "good").await;
    // As upstream, a symbolic link is left out and a hard link is an empty file: neither leads anywhere.
    for name in ["symlink", "hardlink"] {
        let linked = story.ready("Kustomization", name).await;
        assert_eq!(linked["status"]["inventory"]["entries"].as_array().unwrap().len(), 1, "{name}");
    }
    for (name, says) in [
        ("absolute", "evil.yaml"),
        ("upwards", "evil.yaml"),
        ("device", "app/b.yaml"),
        ("gigabyte", "max download size"),
        ("endless", "max download size"),
    ] {
        let failed = story.failed("Kustomization", name, "ArtifactFailed").await;
        let said = message(&failed);
        assert!(said.contains(says), "{name}: {said}");
        story.event(name, "ArtifactFailed", says).await;
    }
    assert_eq!(story.get("ConfigMap", "one").await["data"]["key"], "1", "others go on");
    story.end().await;
}
