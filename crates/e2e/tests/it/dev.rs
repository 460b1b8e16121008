//! Stories of `sluice dev`: a folder on the embedded cluster, its verdict, and a saved file that arrives.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sluice_testkit::peers;
use sluice_testkit::reaper::Process;
use sluice_testkit::subject::Kind;

use crate::story::config_map;

fn program(test: &str) -> Option<PathBuf> {
    match Kind::sluice() {
        Some(Kind::Program { program, .. }) => Some(program),
        _ => {
            peers::skip(test, "sluice is not built");
            None
        }
    }
}

fn once(program: &Path, folder: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let got = Command::new(program).arg("dev").arg(folder).arg("--once").args(flags).output().unwrap();
    (got.status.code(), String::from_utf8_lossy(&got.stdout).into_owned())
}

#[test]
fn every_example_gets_a_good_verdict() {
    let Some(program) = program("every_example_gets_a_good_verdict") else { return };
    for name in ["podinfo", "tenant", "custom-resource"] {
        let (code, out) = once(&program, &peers::workspace().join("examples").join(name), &[]);
        assert_eq!(code, Some(0), "{name}: {out}");
        assert!(!out.contains("\u{2717}"), "{name}: {out}");
    }
}

#[test]
fn what_nothing_provides_is_named_with_its_line_and_what_has_no_controller_is_assumed() {
    let test = "what_nothing_provides_is_named_with_its_line";
    let Some(program) = program(test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
                metadata: {name: app, namespace: flux-system}\nspec:\n  interval: 10m\n  prune: true\n  path: ./app\n  \
                sourceRef: {kind: GitRepository, name: gone}\n";
    std::fs::write(folder.path().join("app.yaml"), text).unwrap();
    let (code, out) = once(&program, folder.path(), &[]);
    assert_eq!(code, Some(1), "{out}");
    let want = "app.yaml:8: Kustomization flux-system/app wants GitRepository flux-system/gone, which nothing provides";
    assert!(out.contains(want), "{out}");

    let example = peers::workspace().join("examples/custom-resource");
    let (code, out) = once(&program, &example, &["--strict"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("assumed: Widget widgets/small"), "{out}");
}

#[test]
fn a_saved_file_arrives_and_ctrl_c_leaves_nothing() {
    let test = "a_saved_file_arrives_and_ctrl_c_leaves_nothing";
    let Some(program) = program(test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = tempfile::tempdir().unwrap().keep().join("kubeconfig");
    let file = folder.path().join("a.yaml");
    let with_ns =
        |value: &str| config_map("one", value).replace("name: one", "name: one\n  namespace: default");
    std::fs::write(&file, with_ns("1")).unwrap();
    let mut command = Command::new(program);
    command.arg("dev").arg(folder.path()).arg("--kubeconfig").arg(&kubeconfig);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    let mut process = Process::start("dev", &mut command).unwrap();
    drop(command);
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    let ready = "Kustomization/flux-system/flux-system: Ready: Applied revision: ";
    let mut revision = || {
        let line = lines.find(|line| line.starts_with(ready)).expect("it becomes Ready");
        line[ready.len()..].to_owned()
    };
    let first = revision();
    std::fs::write(&file, with_ns("2")).unwrap();
    let second = revision();
    assert_ne!(first, second);
    assert!(kubeconfig.is_file());
    assert!(process.stop(std::time::Duration::from_secs(20)), "it ends when asked to");
    assert!(!kubeconfig.exists(), "its kubeconfig goes with it");
}
