//! Kustomizations whose bases are elsewhere: the same as kustomize makes of them, where it is built.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sluice_net::StatusCode;
use sluice_testkit::git::{GitServer, Login, Repository};
use sluice_testkit::peers;
use sluice_testkit::server::{Server, text};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\n";

fn map(name: &str) -> String {
    MAP.replace("NAME", name)
}

struct Place {
    home: tempfile::TempDir,
    git: GitServer,
    web: Server,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let served = home.path().join("served");
        let mut repository = Repository::create(&served, "fleet").unwrap();
        let git = GitServer::start(&served, Login::Anyone).unwrap();
        let web = Server::start(|_| async { Ok(text(StatusCode::OK, &map("web"))) }).unwrap();
        let files = [
            ("base/kustomization.yaml", Some("resources: [map.yaml, ../other]\nnamePrefix: base-\n")),
            ("base/map.yaml", Some(&*map("map"))),
            ("other/kustomization.yaml", Some("configMapGenerator:\n- name: gen\n  files: [f.txt]\n")),
            ("other/f.txt", Some("hello\n")),
        ];
        repository.commit_at(1, &files, Some("v1")).unwrap();
        let place = Self { home, git, web };
        let resources = format!(
            "resources:\n- {}/fleet.git//base?ref=v1\n- {}/map.yaml\nnamespace: here\nbuildMetadata: [originAnnotations]\n",
            place.git.url(),
            place.web.url()
        );
        fs::create_dir_all(place.work().join("overlay")).unwrap();
        fs::write(place.work().join("overlay/kustomization.yaml"), resources).unwrap();
        place
    }

    fn work(&self) -> std::path::PathBuf {
        self.home.path().join("work")
    }

    fn run(&self, program: &Path, words: &[&str]) -> Output {
        Command::new(program)
            .args(words)
            .current_dir(self.work())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap()
    }

    fn sluice(&self, words: &[&str]) -> Output {
        let words: Vec<&str> = ["kustomize"].iter().chain(words).copied().collect();
        self.run(Path::new(env!("CARGO_BIN_EXE_sluice")), &words)
    }
}

fn printed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn remote_bases_build_as_with_kustomize() {
    let place = Place::new();
    let got = place.sluice(&["build", "overlay"]);
    let (out, err) = (printed(&got.stdout), printed(&got.stderr));
    assert!(got.status.success(), "{err}");
    assert!(out.contains("name: base-map") && out.contains("name: web") && out.contains("ref: v1"), "{out}");
    let target = format!("{}/fleet.git//base?ref=v1", place.git.url());
    let direct = place.sluice(&["build", &target]);
    assert!(direct.status.success(), "{}", printed(&direct.stderr));
    if let Some(kustomize) = peers::find("kustomize") {
        let want = place.run(&kustomize, &["build", "overlay"]);
        assert_eq!(printed(&want.stdout), out);
        let want = place.run(&kustomize, &["build", &target]);
        assert_eq!(printed(&want.stdout), printed(&direct.stdout));
    } else {
        peers::skip("remote_bases_build_as_with_kustomize", "kustomize is not built: only half is compared");
    }
}

#[test]
fn a_link_named_kustomize_is_kustomize() {
    let place = Place::new();
    let link = place.home.path().join("kustomize");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sluice"), &link).unwrap();
    assert_eq!(printed(&place.run(&link, &["version"]).stdout), "v5.8.1\n");
}

#[test]
fn offline_names_what_it_does_not_fetch() {
    let place = Place::new();
    let got = place.sluice(&["build", "overlay", "--offline"]);
    let err = printed(&got.stderr);
    assert_eq!((got.status.code(), printed(&got.stdout)), (Some(1), String::new()));
    assert!(
        err.contains(&format!("remote base '{}/fleet.git//base?ref=v1' is not allowed", place.git.url())),
        "{err}"
    );
    assert!(place.git.requests().is_empty());
}

#[test]
fn plugins_are_refused_with_a_reason() {
    let place = Place::new();
    for flag in ["--enable-exec", "--enable-alpha-plugins"] {
        let err = printed(&place.sluice(&["build", "overlay", flag]).stderr);
        assert!(
            err.starts_with(&format!("Error: {flag} is refused: plugins and functions are other programs")),
            "{err}"
        );
    }
}

#[test]
fn a_localized_copy_needs_no_network() {
    let place = Place::new();
    let whole = place.sluice(&["build", "overlay"]);
    let got = place.sluice(&["localize", "overlay", "copy", "--no-verify"]);
    assert!(got.status.success(), "{}", printed(&got.stderr));
    let names = |folder: &str| {
        let mut found = Vec::new();
        collect(&place.work().join(folder), "", &mut found);
        found.sort();
        found
    };
    let copied = names("copy");
    assert!(
        copied.iter().any(|(name, _)| name == "localized-files/127.0.0.1/fleet/v1/other/f.txt"),
        "{copied:?}"
    );
    if let Some(kustomize) = peers::find("kustomize") {
        let want = place.run(&kustomize, &["localize", "overlay", "want", "--no-verify"]);
        assert!(want.status.success(), "{}", printed(&want.stderr));
        assert_eq!(names("want"), copied);
    }
    let local = place.sluice(&["build", "copy", "--offline"]);
    assert!(local.status.success(), "{}", printed(&local.stderr));
    let without_origins = |text: String| {
        let lines = text.lines().filter(|line| line.starts_with("  name")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(without_origins(printed(&local.stdout)), without_origins(printed(&whole.stdout)));
}

fn collect(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}
