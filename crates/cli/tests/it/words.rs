//! The command line alone: no cluster is asked.

use std::process::Command;

fn sluice(words: &[&str]) -> (String, String, i32) {
    let got = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(words)
        .env_clear()
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(got.stdout), text(got.stderr), got.status.code().unwrap())
}

#[test]
fn help_goes_to_standard_output() {
    for words in [&["--help"][..], &[], &["get"], &["get", "sources"], &["create", "source"]] {
        let (out, err, status) = sluice(words);
        assert!(out.contains("Usage: sluice"), "{words:?}: {out}");
        assert_eq!((err.as_str(), status), ("", 0), "{words:?}");
    }
}

#[test]
fn the_version_is_told_without_a_cluster() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(sluice(&["version", "--client"]), (format!("sluice: v{version}\n"), String::new(), 0));
    let json = format!("{{\n  \"sluice\": \"v{version}\"\n}}\n");
    assert_eq!(sluice(&["version", "--client", "-o", "json"]), (json, String::new(), 0));
    assert_eq!(sluice(&["--version"]), (format!("sluice version {version}\n"), String::new(), 0));
}

#[test]
fn scripts_for_four_shells_are_written() {
    for shell in ["bash", "fish", "powershell", "zsh"] {
        let (out, err, status) = sluice(&["completion", shell]);
        assert!(out.contains("sluice"), "{shell}");
        assert_eq!((err.as_str(), status), ("", 0), "{shell}");
    }
}

#[test]
fn a_namespace_that_is_no_label_is_refused() {
    let (out, err, status) = sluice(&["get", "ks", "-n", "Not_A_Label"]);
    assert_eq!(out, "");
    assert_eq!(err, "✗ namespace must be a valid DNS label: \"Not_A_Label\"\n");
    assert_eq!(status, 1);
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let (out, err, status) = sluice(&["get", "ks"]);
    assert_eq!((out.as_str(), status), ("", 1));
    assert!(err.contains("/nonexistent/kubeconfig"), "{err}");
}
