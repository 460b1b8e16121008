//! `cargo xtask peers [NAME...]`: builds the reference programs, each from its own Go module in `peers/`.
//!
//! A program is built again only when its module files changed. Versions are those of `go.mod` and `go.sum`;
//! nothing is tidied or upgraded on the way, so that every machine builds the same.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::{Outcome, program};

/// What a control plane is made of.
pub const PLANE: &[&str] = &["etcd", "kubernetes"];

/// kube-apiserver answers with the version that it was linked with.
const KUBERNETES_VERSION: &str = " -X k8s.io/component-base/version.gitVersion=v1.36.3 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36";

pub fn run(arguments: &[String]) -> Outcome {
    if arguments.is_empty() {
        let all = all()?;
        return ensure(&all.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ensure(&names)
}

/// Every folder of `peers/`, in order.
fn all() -> Result<Vec<String>, String> {
    let folder = program::workspace().join("peers");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("go.mod").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Builds those of the named programs that are not there yet. A folder named by SLUICE_PEERS is used as it is.
pub fn ensure(names: &[&str]) -> Outcome {
    if std::env::var_os("SLUICE_PEERS").is_some() {
        let missing = missing(names);
        return if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("SLUICE_PEERS lacks {}", missing.join(", ")))
        };
    }
    for name in names {
        build(name)?;
    }
    Ok(())
}

/// Where the built programs are.
pub fn folder() -> PathBuf {
    std::env::var_os("SLUICE_PEERS").map_or_else(|| program::workspace().join("target/peers"), PathBuf::from)
}

/// Is Go on this machine?
pub fn has_go() -> bool {
    Command::new("go").arg("version").output().is_ok_and(|got| got.status.success())
}

fn build(name: &str) -> Outcome {
    let module = program::workspace().join("peers").join(name);
    let stamp = module_files(&module).map_err(|error| format!("peers/{name}: {error}"))?;
    let out = folder();
    let stamp_file = out.join(format!("{name}.built-from"));
    let programs = programs(name, &module)?;
    let is_there = programs.iter().all(|(program, _)| out.join(program).is_file());
    if is_there && std::fs::read(&stamp_file).is_ok_and(|built_from| built_from == stamp) {
        return Ok(());
    }
    if !has_go() {
        return Err(format!(
            "{name} has to be built, and there is no Go on this machine (1.26 is asked for)"
        ));
    }
    std::fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut flags = "-s -w".to_owned();
    if name == "kubernetes" {
        flags.push_str(KUBERNETES_VERSION);
    }
    for (program, package) in &programs {
        println!("building {program} ({package})");
        let begun = Instant::now();
        program::run(
            Command::new("go")
                .current_dir(&module)
                .args(["build", "-mod=readonly", "-trimpath", "-ldflags", &flags, "-o"])
                .arg(out.join(program))
                .arg(package),
        )?;
        println!("built {program} in {} s", begun.elapsed().as_secs());
    }
    std::fs::write(&stamp_file, stamp).map_err(|error| format!("{}: {error}", stamp_file.display()))
}

fn module_files(module: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = std::fs::read(module.join("go.mod"))?;
    bytes.extend(std::fs::read(module.join("go.sum"))?);
    Ok(bytes)
}

/// The programs of a module, each with its package: the `tool` lines of its `go.mod`.
fn programs(name: &str, module: &Path) -> Result<Vec<(String, String)>, String> {
    let text = std::fs::read_to_string(module.join("go.mod"))
        .map_err(|error| format!("peers/{name}/go.mod: {error}"))?;
    let packages = tools(&text);
    if packages.is_empty() {
        return Err(format!("peers/{name}/go.mod has no tool line"));
    }
    Ok(packages.into_iter().map(|package| (program_name(name, &package), package)).collect())
}

/// `tool a/b` and `tool ( a/b … )`.
fn tools(go_mod: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in go_mod.lines().map(str::trim) {
        match line.strip_prefix("tool") {
            Some(rest) if rest.trim() == "(" => is_inside = true,
            Some(rest) if rest.starts_with(' ') => found.push(rest.trim().to_owned()),
            _ if line == ")" => is_inside = false,
            _ if is_inside && !line.is_empty() => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// The last part of the package, or the module's name where that is only a major version.
fn program_name(module: &str, package: &str) -> String {
    let last = package.rsplit('/').next().unwrap_or(package);
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if is_version { module.to_owned() } else { last.to_owned() }
}

/// Names of the peers that are not built, of those given.
pub fn missing(names: &[&str]) -> Vec<String> {
    let out = folder();
    let is_missing = |name: &&&str| {
        programs(name, &program::workspace().join("peers").join(name))
            .map_or(true, |programs| !programs.iter().all(|(program, _)| out.join(program).is_file()))
    };
    names.iter().filter(is_missing).map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_lines_name_the_programs() {
        let block = "module a\n\ntool (\n\tk8s.io/kubernetes/cmd/kubectl\n\tx/y\n)\n\nrequire (\n\tz v1\n)\n";
        assert_eq!(tools(block), ["k8s.io/kubernetes/cmd/kubectl", "x/y"]);
        assert_eq!(tools("tool go.etcd.io/etcd/server/v3\n"), ["go.etcd.io/etcd/server/v3"]);
        assert_eq!(program_name("etcd", "go.etcd.io/etcd/server/v3"), "etcd");
        assert_eq!(program_name("kubernetes", "k8s.io/kubernetes/cmd/kubectl"), "kubectl");
    }

    #[test]
    fn every_module_names_a_program() {
        for name in all().unwrap() {
            programs(&name, &program::workspace().join("peers").join(&name)).unwrap();
        }
    }
}
