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

#[test]
fn variables_are_substituted_line_by_line() {
    use std::io::Write;
    let run = |words: &[&str], input: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(words)
            .env_clear()
            .env("region", "eu")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let got = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&got.stdout), text(&got.stderr), got.status.code().unwrap())
    };
    let input = "a: ${region}\nb: ${other:=us}\nc: ${missing}";
    assert_eq!(run(&["envsubst"], input), ("a: eu\nb: us\nc: \n".into(), String::new(), 0));
    let (out, err, status) = run(&["envsubst", "--strict"], input);
    assert_eq!((out.as_str(), status), ("a: eu\nb: us\n", 1));
    assert_eq!(err, "✗ variable not set (strict mode): \"missing\"\n");
}
