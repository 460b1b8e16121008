//! The command lines of a plane's three programs.

use std::path::Path;
use std::process::Command;

use super::Options;
use crate::peers;

pub(super) const NAMES: &[&str] = &["etcd", "kube-apiserver", "kube-controller-manager"];

fn program(name: &str) -> Command {
    Command::new(peers::folder().join(name))
}

fn flag(name: &str, folder: &Path, file: &str) -> String {
    format!("--{name}={}", folder.join(file).display())
}

/// Ports: client, peer, API server, controller manager.
pub(super) fn etcd(folder: &Path, ports: &[u16]) -> Command {
    let (clients, peers) =
        (format!("http://127.0.0.1:{}", ports[0]), format!("http://127.0.0.1:{}", ports[1]));
    let mut command = program("etcd");
    let _ = std::fs::remove_dir_all(folder.join("etcd"));
    command
        .arg(flag("data-dir", folder, "etcd"))
        .args(["--unsafe-no-fsync", "--log-level=error"])
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"));
    command
}

pub(super) fn apiserver(folder: &Path, ports: &[u16], options: &Options) -> Command {
    let mut command = program("kube-apiserver");
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", ports[0]))
        .args([
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
        ])
        .arg(format!("--secure-port={}", ports[2]))
        .args([
            flag("cert-dir", folder, "certificates"),
            flag("tls-cert-file", folder, "server.crt"),
            flag("tls-private-key-file", folder, "server.key"),
            flag("service-account-key-file", folder, "sa.pub"),
            flag("service-account-signing-key-file", folder, "sa.key"),
            flag("token-auth-file", folder, "tokens.csv"),
        ])
        .args([
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
        ])
        .args(&options.apiserver_flags);
    command
}

pub(super) fn controllers(folder: &Path, ports: &[u16]) -> Command {
    let mut command = program("kube-controller-manager");
    command
        .args(["--bind-address=127.0.0.1", "--leader-elect=false", "--use-service-account-credentials=false"])
        // Its own limit of 20 requests a second would be all that a bench of a thousand Deployments measures.
        .args(["--kube-api-qps=1000", "--kube-api-burst=2000"])
        .arg(format!("--secure-port={}", ports[3]))
        .args([
            flag("cert-dir", folder, "certificates-controllers"),
            flag("kubeconfig", folder, "kubeconfig"),
            flag("service-account-private-key-file", folder, "sa.key"),
            flag("root-ca-file", folder, "ca.crt"),
        ]);
    command
}
